// SPDX-License-Identifier: GPL-2.0
/*
 * QDMA: frames from the CPU.  Descriptors as mtk_eth_soc.h of Linux 6.12 has
 * them, v1 of 16 bytes up to MT7623, v2 of 32 bytes.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "mtk_fe.h"

#define TXD3_OWNER_CPU		BIT(31)
#define TXD3_LAST		BIT(30)
#define TXD3_LEN_V1		GENMASK(29, 16)
#define TXD3_LEN_V2		GENMASK(23, 8)

#define TXD4_CSUM_V1		GENMASK(31, 29)
#define TXD4_TSO_V1		BIT(28)
#define TXD4_PORT_V1		GENMASK(27, 25)
#define TXD4_VLAN_V1		BIT(16)
#define TXD4_TCI_V1		GENMASK(15, 0)

#define TXD4_PORT_V2		GENMASK(11, 8)
#define TXD5_TSO_V2		BIT(31)
#define TXD5_CSUM_V2		GENMASK(30, 28)
#define TXD6_VLAN_V2		BIT(16)
#define TXD6_TCI_V2		GENMASK(15, 0)

/* What the largest skb needs, and then some */
#define QDMA_MAX_DESCS		64
#define QDMA_MAX_LEN		(SZ_64K + VLAN_ETH_HLEN)

struct qdma_txd {
	u32 txd1;
	u32 txd2;
	u32 txd3;
	u32 txd4;
	u32 txd5;
	u32 txd6;
	u32 txd7;
	u32 txd8;
};

/**
 * struct qdma_frame - what the descriptors of a frame say
 * @txd:	the descriptors
 * @num:	how many
 * @len:	of all their buffers
 * @last:	address of the last descriptor
 * @next:	address of the one after it
 * @port:	where it goes
 * @tso:	cut it
 * @csum:	fill in checksums
 * @vlan:	insert a tag
 * @tci:	of the tag
 */
struct qdma_frame {
	struct qdma_txd *txd[QDMA_MAX_DESCS];
	int num;
	u32 len;
	u32 last;
	u32 next;
	u8 port;
	bool tso;
	bool csum;
	bool vlan;
	u16 tci;
};

static u32 txd_len(const struct fe *fe, const struct qdma_txd *txd)
{
	u32 txd3 = READ_ONCE(txd->txd3);

	return fe->soc->txd_v2 ? FIELD_GET(TXD3_LEN_V2, txd3) :
				 FIELD_GET(TXD3_LEN_V1, txd3);
}

static void qdma_parse_v1(struct qdma_frame *frame)
{
	u32 txd4 = READ_ONCE(frame->txd[0]->txd4);

	frame->port = FIELD_GET(TXD4_PORT_V1, txd4);
	frame->tso = txd4 & TXD4_TSO_V1;
	frame->csum = txd4 & TXD4_CSUM_V1;
	frame->vlan = txd4 & TXD4_VLAN_V1;
	frame->tci = FIELD_GET(TXD4_TCI_V1, txd4);
}

static void qdma_parse_v2(struct qdma_frame *frame)
{
	const struct qdma_txd *txd = frame->txd[0];
	u32 txd5 = READ_ONCE(txd->txd5);
	u32 txd6 = READ_ONCE(txd->txd6);

	frame->port = FIELD_GET(TXD4_PORT_V2, READ_ONCE(txd->txd4));
	frame->tso = txd5 & TXD5_TSO_V2;
	frame->csum = txd5 & TXD5_CSUM_V2;
	frame->vlan = txd6 & TXD6_VLAN_V2;
	frame->tci = FIELD_GET(TXD6_TCI_V2, txd6);
}

/* The next frame; the driver may not have given all of it yet. */
static bool qdma_gather(struct fe *fe, struct qdma_frame *frame)
{
	size_t size = fe->soc->txd_v2 ? sizeof(struct qdma_txd) : 16;
	u32 cur = fe_read(fe, fe->soc->qdma + QDMA_TX_DMA);
	u32 end = fe_read(fe, fe->soc->qdma + QDMA_TX_CPU);
	struct qdma_txd *txd;

	smp_rmb(); /* the driver writes descriptors, then the register */
	frame->num = 0;
	frame->len = 0;
	while (cur != end && frame->num < QDMA_MAX_DESCS) {
		txd = fe_dma(fe, cur, size);
		if (!txd)
			return false;
		frame->txd[frame->num++] = txd;
		frame->len += txd_len(fe, txd);
		frame->last = cur;
		cur = READ_ONCE(txd->txd2);
		if (READ_ONCE(txd->txd3) & TXD3_LAST) {
			frame->next = cur;
			return true;
		}
	}
	return false;
}

static struct sk_buff *qdma_copy(struct fe *fe, const struct qdma_frame *frame)
{
	struct sk_buff *skb;
	const void *buf;
	u32 len;
	int i;

	if (frame->len < ETH_HLEN || frame->len > QDMA_MAX_LEN)
		return NULL;
	skb = alloc_skb(FE_HEADROOM + frame->len + ETH_ZLEN, GFP_KERNEL);
	if (!skb)
		return NULL;
	skb_reserve(skb, FE_HEADROOM);
	for (i = 0; i < frame->num; i++) {
		len = txd_len(fe, frame->txd[i]);
		buf = fe_dma(fe, READ_ONCE(frame->txd[i]->txd1), len);
		if (!buf) {
			kfree_skb(skb);
			return NULL;
		}
		skb_put_data(skb, buf, len);
	}
	return skb;
}

static void qdma_complete(struct fe *fe, const struct qdma_frame *frame)
{
	u32 base = fe->soc->qdma;
	unsigned long flags;
	int i;

	for (i = 0; i < frame->num; i++)
		WRITE_ONCE(frame->txd[i]->txd3,
			   frame->txd[i]->txd3 | TXD3_OWNER_CPU);
	smp_wmb(); /* the driver reads the register, then descriptors */
	spin_lock_irqsave(&fe->lock, flags);
	WRITE_ONCE(fe->regs[(base + QDMA_TX_DMA) / 4], frame->next);
	WRITE_ONCE(fe->regs[(base + QDMA_TX_COMPLETED) / 4], frame->last);
	fe->regs[(base + QDMA_INT_STATUS) / 4] |= QDMA_INT_TX_DONE;
	spin_unlock_irqrestore(&fe->lock, flags);
}

static void qdma_send(struct fe *fe, const struct qdma_frame *frame,
		      struct sk_buff *skb)
{
	struct sk_buff *next;

	if (frame->port != PSE_GDM1 && frame->port != PSE_GDM2) {
		fe->tx_lost++;
		kfree_skb(skb);
		return;
	}
	skb = qdma_offload(skb, frame->tso, frame->csum,
			   fe_read(fe, FE_CDMQ_IG) & FE_CDM_SPECIAL_TAG);
	if (!skb)
		fe->tx_lost++;
	for (; skb; skb = next) {
		next = skb->next;
		skb_mark_not_on_list(skb);
		if (frame->vlan)
			skb = vlan_insert_tag_set_proto(skb,
							htons(ETH_P_8021Q),
							frame->tci);
		if (skb)
			gdm_xmit(&fe->gdm[frame->port - PSE_GDM1], skb);
	}
}

/**
 * qdma_poll() - send what the driver has queued
 * @fe:		the engine
 * @budget:	frames at most
 *
 * Return: how many frames
 */
int qdma_poll(struct fe *fe, int budget)
{
	struct qdma_frame frame;
	struct sk_buff *skb;
	bool more;
	int done;

	for (done = 0; done < budget; done++) {
		if (!fe_dma_begin(fe, fe->soc->qdma + QDMA_GLO_CFG, DMA_TX_EN))
			break;
		skb = NULL;
		more = qdma_gather(fe, &frame);
		if (more) {
			if (fe->soc->txd_v2)
				qdma_parse_v2(&frame);
			else
				qdma_parse_v1(&frame);
			skb = qdma_copy(fe, &frame);
			qdma_complete(fe, &frame);
		}
		fe_dma_end(fe, DMA_TX_EN);
		if (!more)
			break;
		if (skb)
			qdma_send(fe, &frame, skb);
		else
			fe->tx_lost++;
	}
	return done;
}
