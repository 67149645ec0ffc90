// SPDX-License-Identifier: GPL-2.0
/*
 * PDMA: frames to the CPU, through ring 0.  Descriptors as mtk_eth_soc.h of
 * Linux 6.12 has them for all chips before MT7988; which checksum bits there
 * are besides L4VLD is from the header of the vendor's driver raeth.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/unaligned.h>

#include "mtk_fe.h"

#define RXD2_DONE		BIT(31)
#define RXD2_LAST		BIT(30)
#define RXD2_LEN		GENMASK(29, 16)
#define RXD2_TAG		BIT(15)
#define RXD3_TPID		GENMASK(31, 16)
#define RXD3_TCI		GENMASK(15, 0)
#define RXD4_FOE		GENMASK(13, 0)
#define RXD4_REASON		GENMASK(18, 14)
#define RXD4_SPORT		GENMASK(21, 19)
#define RXD4_L4_FAIL		BIT(23)
#define RXD4_L4_VALID		BIT(24)
#define RXD4_IP4_FAIL		BIT(26)
#define RXD4_IP4		BIT(27)
#define RXD4_IP6		BIT(28)

struct pdma_rxd {
	u32 rxd1;
	u32 rxd2;
	u32 rxd3;
	u32 rxd4;
};

static u32 rxd4_csum(const struct fe *fe, const struct ppe_pkt *pkt)
{
	u32 cfg = fe_read(fe, GDM_FWD_CFG(pkt->sport - PSE_GDM1));
	u32 rxd4 = 0;

	if (pkt->l3)
		rxd4 |= pkt->is_ip6 ? RXD4_IP6 : RXD4_IP4;
	if (pkt->bad_ip && cfg & GDM_FWD_ICS)
		rxd4 |= RXD4_IP4_FAIL;
	if (pkt->l4 && cfg & (GDM_FWD_TCS | GDM_FWD_UCS))
		rxd4 |= pkt->bad_l4 || pkt->bad_ip ? RXD4_L4_FAIL :
						     RXD4_L4_VALID;
	return rxd4;
}

/* The next descriptor, if the driver has given it to the engine */
static struct pdma_rxd *pdma_next(struct fe *fe, u32 *next)
{
	u32 base = fe->soc->pdma;
	struct pdma_rxd *rxd;
	u32 count;

	count = fe_read(fe, base + PDMA_RX_COUNT);
	if (xchg(&fe->rx_reset, false))
		fe->rx_idx = 0;
	if (fe->rx_idx >= count ||
	    fe->rx_idx == fe_read(fe, base + PDMA_RX_CPU_IDX))
		return NULL;
	rxd = fe_dma(fe, fe_read(fe, base + PDMA_RX_BASE) +
		     fe->rx_idx * sizeof(*rxd), sizeof(*rxd));
	if (!rxd || READ_ONCE(rxd->rxd2) & RXD2_DONE)
		return NULL;
	*next = (fe->rx_idx + 1) % count;
	return rxd;
}

static u32 pdma_offset(const struct fe *fe)
{
	u32 cfg = fe_read(fe, fe->soc->pdma + PDMA_GLO_CFG);

	return cfg & DMA_RX_2B_OFFSET && !fe->soc->no_rx_offset ? 2 : 0;
}

/* The outer tag, of a VLAN or a switch, if it goes into the descriptor */
static u32 pdma_untag(struct fe *fe, const struct ppe_pkt *pkt, u32 *rxd3)
{
	bool stag = fe_read(fe, FE_CDMP_IG) & FE_CDM_SPECIAL_TAG && pkt->stag;
	struct sk_buff *skb = pkt->skb;
	const u8 *tag = skb->data + 2 * ETH_ALEN;

	*rxd3 = 0;
	if (!(fe_read(fe, FE_CDMP_EG) & FE_CDM_UNTAG) ||
	    !(stag || eth_type_vlan(get_unaligned((__be16 *)tag))))
		return 0;
	*rxd3 = FIELD_PREP(RXD3_TPID, get_unaligned_be16(tag)) |
		FIELD_PREP(RXD3_TCI, get_unaligned_be16(tag + 2));
	memmove(skb->data + VLAN_HLEN, skb->data, 2 * ETH_ALEN);
	skb_pull(skb, VLAN_HLEN);
	return RXD2_TAG;
}

static bool pdma_fill(struct fe *fe, const struct ppe_pkt *pkt,
		      const struct ppe_verdict *verdict)
{
	const struct sk_buff *skb = pkt->skb;
	u32 offset = pdma_offset(fe);
	struct pdma_rxd *rxd;
	u32 next, rxd2, rxd3;
	void *buf;

	rxd2 = pdma_untag(fe, pkt, &rxd3) | RXD2_DONE | RXD2_LAST;
	rxd = pdma_next(fe, &next);
	if (!rxd || skb->len + offset > FIELD_GET(RXD2_LEN, rxd->rxd2))
		return false;
	buf = fe_dma(fe, rxd->rxd1, skb->len + offset);
	if (!buf)
		return false;

	memcpy(buf + offset, skb->data, skb->len);
	rxd->rxd3 = rxd3;
	rxd->rxd4 = FIELD_PREP(RXD4_FOE, verdict->index) |
		    FIELD_PREP(RXD4_REASON, verdict->reason) |
		    FIELD_PREP(RXD4_SPORT, pkt->sport) | rxd4_csum(fe, pkt);
	smp_wmb(); /* the driver looks at DONE, then at the rest */
	WRITE_ONCE(rxd->rxd2, rxd2 | FIELD_PREP(RXD2_LEN, skb->len));
	fe->rx_idx = next;
	return true;
}

/**
 * pdma_rx() - hand a frame to the CPU
 * @fe:		the engine
 * @pkt:	the frame; the caller keeps it
 * @verdict:	why, and for which entry of the flow table
 */
void pdma_rx(struct fe *fe, const struct ppe_pkt *pkt,
	     const struct ppe_verdict *verdict)
{
	struct gdm *gdm = &fe->gdm[pkt->sport - PSE_GDM1];
	bool done;

	done = fe_dma_begin(fe, fe->soc->pdma + PDMA_GLO_CFG, DMA_RX_EN);
	if (done) {
		done = pdma_fill(fe, pkt, verdict);
		fe_dma_end(fe, DMA_RX_EN);
	}
	if (!done) {
		fe->rx_full++;
		gdm_count(gdm, GDM_CNT_RX_OVERFLOW, 1);
		return;
	}
	fe_set_bits(fe, fe->soc->pdma + PDMA_INT_STATUS, PDMA_INT_RX_DONE);
}
