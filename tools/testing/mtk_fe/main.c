// SPDX-License-Identifier: GPL-2.0
/*
 * A functional model of the MediaTek frame engine, for user-mode Linux: the
 * driver of it (mtk_eth_soc) runs on this unchanged.
 *
 * It cannot be unloaded: what logic_iomem has got it keeps.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "mtk_fe.h"

#define FE_BUDGET	64

static const struct fe_soc fe_socs[] = {
	{
		.compatible	= "mediatek,mt7621-eth",
		.pdma		= 0x0800,
		.qdma		= 0x1800,
		.gdm_cnt	= 0x2400,
		.ppe		= 0x0c00,
		.ppe_ports	= { 4 },
		.num_ppe	= 1,
		.layout		= &foe_layout_v1,
	}, {
		.compatible	= "mediatek,mt7622-eth",
		.pdma		= 0x0800,
		.qdma		= 0x1800,
		.gdm_cnt	= 0x2400,
		.ppe		= 0x0c00,
		.ppe_ports	= { 4 },
		.num_ppe	= 1,
		.tx_line	= 1,
		.rx_line	= 2,
		.layout		= &foe_layout_v1,
		.has_mib	= true,
	}, {
		.compatible	= "mediatek,mt7986-eth",
		.pdma		= 0x4000,
		.qdma		= 0x4400,
		.gdm_cnt	= 0x1c00,
		.ppe		= 0x2000,
		.ppe_ports	= { 3, 4 },
		.num_ppe	= 2,
		.tx_line	= 1,
		.rx_line	= 2,
		.txd_v2		= true,
		.no_rx_offset	= true,
		.layout		= &foe_layout_v2,
		.has_mib	= true,
	},
};

void fe_kick(struct fe *fe)
{
	queue_work(fe->wq, &fe->work);
}

/* The nibble of GDMA_FWD_CFG for this destination: vendor SDK */
static u8 gdm_forward(struct gdm *gdm, const struct sk_buff *skb)
{
	u32 cfg = fe_read(gdm->fe, GDM_FWD_CFG(gdm->id));
	const u8 *dest = skb->data;
	u8 own[ETH_ALEN];

	if (is_broadcast_ether_addr(dest))
		return FIELD_GET(GDM_FWD_BROADCAST, cfg);
	if (is_multicast_ether_addr(dest))
		return FIELD_GET(GDM_FWD_MULTICAST, cfg);
	put_unaligned_be16(fe_read(gdm->fe, GDM_MAC_HI(gdm->id)), own);
	put_unaligned_be32(fe_read(gdm->fe, GDM_MAC_LO(gdm->id)), own + 2);
	if (ether_addr_equal_unaligned(dest, own))
		return FIELD_GET(GDM_FWD_UNICAST, cfg);
	return FIELD_GET(GDM_FWD_OTHER, cfg);
}

static struct ppe *ppe_of_port(struct fe *fe, u8 port)
{
	int i;

	for (i = 0; i < fe->soc->num_ppe; i++)
		if (fe->soc->ppe_ports[i] == port)
			return &fe->ppe[i];
	return NULL;
}

static bool gdm_special_tag(const struct gdm *gdm, const struct sk_buff *skb)
{
	if (fe_read(gdm->fe, GDM_FWD_CFG(gdm->id)) & GDM_FWD_SPECIAL_TAG)
		return true;
	return READ_ONCE(gdm->fe->stag_any) && is_stag(skb);
}

static void gdm_count_csum(struct gdm *gdm, const struct ppe_pkt *pkt)
{
	u32 cfg = fe_read(gdm->fe, GDM_FWD_CFG(gdm->id));

	if ((pkt->bad_ip && cfg & GDM_FWD_ICS) ||
	    (pkt->bad_l4 && cfg & (GDM_FWD_TCS | GDM_FWD_UCS)))
		gdm_count(gdm, GDM_CNT_RX_CSUM, 1);
}

/**
 * fe_input() - a frame has come in over a wire
 * @fe:		the engine
 * @skb:	the frame
 * @id:		of the GDM
 */
void fe_input(struct fe *fe, struct sk_buff *skb, int id)
{
	struct ppe_verdict verdict = {
		.reason = PPE_CPU_BYPASS,
		.index = FOE_NO_INDEX,
	};
	struct gdm *gdm = &fe->gdm[id];
	struct ppe_pkt pkt;
	struct ppe *ppe;

	ppe_parse(&pkt, skb, PSE_GDM1 + id, gdm_special_tag(gdm, skb));
	gdm_count_csum(gdm, &pkt);
	verdict.port = gdm_forward(gdm, skb);
	ppe = ppe_of_port(fe, verdict.port);
	if (ppe) {
		verdict.port = PSE_PDMA;
		ppe_input(ppe, &pkt, &verdict);
	}

	switch (verdict.port) {
	case PSE_PDMA:
		pdma_rx(fe, &pkt, &verdict);
		break;
	case PSE_GDM1:
	case PSE_GDM2:
		gdm_xmit(&fe->gdm[verdict.port - PSE_GDM1], pkt.skb);
		return;
	}
	kfree_skb(pkt.skb);
}

static void fe_work(struct work_struct *work)
{
	struct fe *fe = container_of(work, struct fe, work);
	int i, done;

	done = qdma_poll(fe, FE_BUDGET);
	for (i = 0; i < FE_MAX_GDM; i++)
		done = max(done, gdm_poll(&fe->gdm[i], FE_BUDGET));
	fe_irq_raise(fe);
	if (done == FE_BUDGET)
		fe_kick(fe);
}

static void fe_tick_work(struct work_struct *work)
{
	struct fe *fe = container_of(work, struct fe, tick_work.work);
	u32 ms = READ_ONCE(fe->tick_ms);

	if (!ms)
		return;
	fe_tick(fe, 1);
	queue_delayed_work(fe->wq, &fe->tick_work, msecs_to_jiffies(ms));
}

static int fe_init_parts(struct fe *fe)
{
	int i, err;

	for (i = 0; i < fe->soc->num_ppe; i++) {
		err = ppe_init(fe, i);
		if (err)
			goto err_ppe;
	}
	err = fe_irq_init(fe);
	if (err)
		goto err_ppe;
	for (i = 0; i < FE_MAX_GDM; i++) {
		err = gdm_init(fe, i);
		if (err)
			goto err_gdm;
	}
	/* The driver may come from here on, so it is the last step. */
	err = fe_mmio_init(fe);
	if (err)
		goto err_gdm;
	return 0;

err_gdm:
	for (i = 0; i < FE_MAX_GDM; i++)
		gdm_exit(&fe->gdm[i]);
	irq_domain_remove(fe->domain);
err_ppe:
	for (i = 0; i < fe->soc->num_ppe; i++)
		ppe_exit(&fe->ppe[i]);
	return err;
}

static struct fe *fe_alloc(const struct fe_soc *soc, struct device_node *eth)
{
	struct fe *fe;

	fe = kzalloc_obj(*fe);
	if (!fe)
		return NULL;
	fe->regs = kvzalloc(FE_WINDOW, GFP_KERNEL);
	fe->wq = alloc_ordered_workqueue("mtk_fe", WQ_HIGHPRI);
	if (!fe->regs || !fe->wq)
		goto err_free;
	fe->soc = soc;
	fe->eth = eth;
	fe->tick_ms = MSEC_PER_SEC;
	fe->force_bucket = ~0;
	spin_lock_init(&fe->lock);
	INIT_WORK(&fe->work, fe_work);
	INIT_DELAYED_WORK(&fe->tick_work, fe_tick_work);
	return fe;

err_free:
	if (fe->wq)
		destroy_workqueue(fe->wq);
	kvfree(fe->regs);
	kfree(fe);
	return NULL;
}

static void fe_free(struct fe *fe)
{
	destroy_workqueue(fe->wq);
	kvfree(fe->regs);
	kfree(fe);
}

static int fe_create(const struct fe_soc *soc, struct device_node *eth)
{
	struct fe *fe;
	int err;

	fe = fe_alloc(soc, eth);
	if (!fe)
		return -ENOMEM;
	err = fe_init_parts(fe);
	if (err) {
		fe_free(fe);
		return err;
	}
	fe_debugfs_init(fe);
	queue_delayed_work(fe->wq, &fe->tick_work, HZ);
	return 0;
}

static int fe_probe(struct platform_device *pdev)
{
	struct device_node *eth;
	int i, err;

	for (i = 0; i < ARRAY_SIZE(fe_socs); i++) {
		eth = of_find_compatible_node(NULL, NULL,
					      fe_socs[i].compatible);
		if (!eth)
			continue;
		err = fe_create(&fe_socs[i], eth);
		if (err)
			of_node_put(eth);
		return err;
	}
	return -ENODEV;
}

/*
 * The device of the engine is for its own driver, so the model is bound to the
 * interrupt controller: without that nothing else would be probed.
 */
static const struct of_device_id fe_match[] = {
	{ .compatible = "arm,gic-400" },
	{ .compatible = "arm,gic-v3" },
	{ .compatible = "mti,gic" },
	{}
};

static struct platform_driver fe_driver = {
	.probe = fe_probe,
	.driver = {
		.name = "mtk_fe",
		.of_match_table = fe_match,
		.suppress_bind_attrs = true,
	},
};

static struct platform_driver * const fe_drivers[] = {
	&fe_driver,
	&fe_sram_driver,
};

static int __init mtk_fe_init(void)
{
	return platform_register_drivers(fe_drivers, ARRAY_SIZE(fe_drivers));
}
module_init(mtk_fe_init);

MODULE_DESCRIPTION("Model of the MediaTek frame engine");
MODULE_LICENSE("GPL");
