// SPDX-License-Identifier: GPL-2.0
/*
 * Packet processing engine: what becomes of a frame.  Which reason stands for
 * what is from mtk_ppe.h of Linux 6.12 and the vendor SDK; the order of the
 * checks follows their numbers, which no source confirms.
 */
#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/vmalloc.h>

#include "mtk_fe.h"

static void to_cpu(struct ppe_verdict *verdict, u8 reason)
{
	verdict->port = PSE_PDMA;
	verdict->reason = reason;
}

static void to_drop(struct ppe *ppe, struct ppe_verdict *verdict)
{
	verdict->port = PSE_DROP;
	ppe->stats.drop++;
}

/* What needs no look at the table: whether that is all */
static bool ppe_precheck(struct ppe *ppe, const struct ppe_pkt *pkt,
			 struct ppe_verdict *verdict)
{
	u32 cfg = ppe_read(ppe, PPE_GLO_CFG);

	if ((pkt->bad_ip && cfg & PPE_GLO_IP4_CS_DROP) ||
	    (pkt->bad_l4 && cfg & PPE_GLO_IP4_L4_CS_DROP && !pkt->is_ip6) ||
	    (pkt->l3 && !pkt->ttl && cfg & PPE_GLO_TTL0_DROP)) {
		to_drop(ppe, verdict);
		return true;
	}
	if (pkt->bad_ip || pkt->bad_l4)
		to_cpu(verdict, PPE_CPU_NO_FLOW);
	else if (pkt->l3 && !pkt->ttl)
		to_cpu(verdict, PPE_CPU_TTL_0);
	else if (pkt->reason)
		to_cpu(verdict, pkt->reason);
	else
		return false;
	return true;
}

static void ppe_miss(struct ppe *ppe, const struct ppe_pkt *pkt,
		     struct ppe_verdict *verdict)
{
	u32 miss = FIELD_GET(PPE_TB_SEARCH_MISS, ppe_read(ppe, PPE_TB_CFG));
	struct ppe_count *count;
	int index;

	if (miss < PPE_TB_MISS_CPU) {
		to_drop(ppe, verdict);
		return;
	}
	to_cpu(verdict, PPE_CPU_MISS);
	if (miss != PPE_TB_MISS_BUILD)
		return;
	if (pkt->tcp_stop) {
		to_cpu(verdict, PPE_CPU_TCP_FIN_SYN_RST);
		return;
	}
	index = foe_build(ppe, &pkt->key);
	if (index < 0) {
		ppe->stats.full++;
		return;
	}
	ppe->stats.build++;
	verdict->index = index;
	count = &ppe->count[index];
	count->tick = fe_read(ppe->fe, FE_FOE_TS);
	count->rate = 1;
	count->keepalive = count->tick;
}

/* Packets of this tick, or of all of them */
static u32 ppe_rate(struct ppe *ppe, int index)
{
	struct ppe_count *count = &ppe->count[index];
	u32 now = fe_read(ppe->fe, FE_FOE_TS);

	if (count->tick != now && !READ_ONCE(ppe->fe->rate_total))
		count->rate = 0;
	count->tick = now;
	return ++count->rate;
}

static void ppe_unbound(struct ppe *ppe, const struct ppe_pkt *pkt, int index,
			u32 ib1, struct ppe_verdict *verdict)
{
	u32 rate = FIELD_GET(PPE_BIND_RATE_BIND, ppe_read(ppe, PPE_BIND_RATE));
	const struct foe_layout *layout = ppe->layout;
	u32 max = foe_get(~0, layout->count);
	u32 new = ib1 & ~(layout->count | layout->ts_unbind);

	if (pkt->tcp_stop) {
		to_cpu(verdict, PPE_CPU_TCP_FIN_SYN_RST);
		return;
	}
	new |= foe_put(min(foe_get(ib1, layout->count) + 1, max),
		       layout->count);
	new |= foe_put(fe_read(ppe->fe, FE_FOE_TS), layout->ts_unbind);
	foe_set_ib1(ppe, index, ib1, new);
	to_cpu(verdict, ppe_rate(ppe, index) >= rate ?
	       PPE_CPU_HIT_UNBIND_RATE : PPE_CPU_HIT_UNBIND);
}

/* What a bound flow does not do with a frame: the reason, or 0 */
static u8 ppe_bound_check(struct ppe *ppe, const struct ppe_pkt *pkt,
			  int index, u32 ib1)
{
	const struct foe_layout *layout = ppe->layout;
	u32 layers = foe_get(ib1, layout->layers) + !!(ib1 & layout->pppoe);
	u32 mode = READ_ONCE(ppe->fe->fin_mode);
	u32 mtu;

	if (pkt->tcp_stop && mode != FE_FIN_FORWARD) {
		if (mode == FE_FIN_CLOSE) {
			foe_set_ib1(ppe, index, ib1, ib1 | FOE_IB1_STATE);
			ppe->stats.closed++;
		}
		return PPE_CPU_TCP_FIN_SYN_RST;
	}
	if (ib1 & layout->ttl && pkt->ttl <= 1)
		return PPE_CPU_HIT_TTL_1;
	layers = min(layers, 3U);
	mtu = ppe_read(ppe, PPE_VLAN_MTU(layers)) >> (layers & 1) * 16;
	if (ppe_rewrite_len(ppe, pkt, ib1) > (mtu & GENMASK(13, 0)))
		return PPE_CPU_OVER_MTU;
	return 0;
}

static void ppe_mib_count(struct ppe *ppe, const struct ppe_pkt *pkt,
			  int index, u32 ib2)
{
	struct ppe_count *count = &ppe->count[index];
	struct fe *fe = ppe->fe;
	unsigned long flags;

	if (!fe->soc->has_mib || !(ib2 & ppe->layout->mib) ||
	    !(ppe_read(ppe, PPE_MIB_CFG) & PPE_MIB_EN))
		return;
	spin_lock_irqsave(&fe->lock, flags);
	count->packets++;
	count->bytes += READ_ONCE(fe->mib_l3) ? pkt->l3_len : pkt->skb->len;
	spin_unlock_irqrestore(&fe->lock, flags);
}

static void ppe_copy_to_cpu(struct ppe *ppe, const struct ppe_pkt *pkt,
			    int index, u8 reason)
{
	struct ppe_verdict verdict = { .index = index };
	struct ppe_pkt copy = *pkt;

	copy.skb = skb_copy(pkt->skb, GFP_KERNEL);
	if (!copy.skb)
		return;
	to_cpu(&verdict, reason);
	ppe->stats.reason[reason]++;
	pdma_rx(ppe->fe, &copy, &verdict);
	kfree_skb(copy.skb);
}

static enum ppe_keepalive ppe_keepalive(struct ppe *ppe, int index, u32 ib1)
{
	u32 mode = FIELD_GET(PPE_TB_KEEPALIVE, ppe_read(ppe, PPE_TB_CFG));

	return mode && ppe_keepalive_is_due(ppe, index, ib1) ?
	       mode : PPE_KEEPALIVE_OFF;
}

static void ppe_bound(struct ppe *ppe, struct ppe_pkt *pkt, int index, u32 ib1,
		      struct ppe_verdict *verdict)
{
	bool ip6 = foe_type_is_ip6(foe_get(ib1, ppe->layout->type));
	const void *entry = foe_entry(ppe, index);
	u32 ib2 = *(u32 *)(entry + (ip6 ? FOE_IP6_IB2 : FOE_IP4_IB2));
	u32 now = fe_read(ppe->fe, FE_FOE_TS);
	u8 port = foe_get(ib2, ppe->layout->dp);
	enum ppe_keepalive keepalive;
	u8 reason;

	reason = ppe_bound_check(ppe, pkt, index, ib1);
	if (!reason && port == PSE_PDMA)
		reason = PPE_CPU_HIT_FORCED;
	keepalive = reason ? PPE_KEEPALIVE_OFF : ppe_keepalive(ppe, index, ib1);
	if (keepalive == PPE_KEEPALIVE_TO_CPU)
		reason = PPE_CPU_KEEPALIVE_OLD;
	if (reason) {
		to_cpu(verdict, reason);
		return;
	}
	if (keepalive == PPE_KEEPALIVE_OLD_HEADER)
		ppe_copy_to_cpu(ppe, pkt, index, PPE_CPU_KEEPALIVE_OLD_COPY);
	if ((port != PSE_GDM1 && port != PSE_GDM2) ||
	    !ppe_rewrite(ppe, pkt, entry, ib1)) {
		to_drop(ppe, verdict);
		return;
	}
	if (keepalive == PPE_KEEPALIVE_NEW_HEADER)
		ppe_copy_to_cpu(ppe, pkt, index, PPE_CPU_KEEPALIVE_NEW_COPY);
	foe_set_ib1(ppe, index, ib1, (ib1 & ~ppe->layout->ts) |
		    foe_put(now, ppe->layout->ts));
	ppe_mib_count(ppe, pkt, index, ib2);
	ppe->stats.forward++;
	verdict->port = port;
}

static void ppe_flow(struct ppe *ppe, struct ppe_pkt *pkt,
		     struct ppe_verdict *verdict)
{
	int index;
	u32 ib1;

	ppe_parse_flow(pkt, ppe_read(ppe, PPE_FLOW_CFG));
	if (ppe_precheck(ppe, pkt, verdict))
		return;
	index = foe_lookup(ppe, &pkt->key, &ib1);
	if (index < 0) {
		ppe_miss(ppe, pkt, verdict);
		return;
	}
	verdict->index = index;
	switch (FIELD_GET(FOE_IB1_STATE, ib1)) {
	case FOE_UNBIND:
		ppe_unbound(ppe, pkt, index, ib1, verdict);
		break;
	case FOE_BIND:
		ppe_bound(ppe, pkt, index, ib1, verdict);
		break;
	default:
		to_cpu(verdict, PPE_CPU_HIT_FIN);
	}
}

/**
 * ppe_begin() - the engine is going to use the table
 * @ppe:	the engine
 *
 * Return: whether it may; then the driver waits for ppe_end()
 */
bool ppe_begin(struct ppe *ppe)
{
	struct fe *fe = ppe->fe;
	unsigned long flags;
	bool enabled;

	spin_lock_irqsave(&fe->lock, flags);
	enabled = ppe_read(ppe, PPE_GLO_CFG) & PPE_GLO_EN;
	__assign_bit(ppe - fe->ppe, &fe->ppe_busy, enabled);
	spin_unlock_irqrestore(&fe->lock, flags);
	return enabled;
}

void ppe_end(struct ppe *ppe)
{
	struct fe *fe = ppe->fe;
	unsigned long flags;

	spin_lock_irqsave(&fe->lock, flags);
	__clear_bit(ppe - fe->ppe, &fe->ppe_busy);
	spin_unlock_irqrestore(&fe->lock, flags);
}

/**
 * ppe_input() - a frame that a GDM has forwarded to the engine
 * @ppe:	the engine
 * @pkt:	the frame, which it may change
 * @verdict:	where it goes; to the CPU, when the engine is off
 */
void ppe_input(struct ppe *ppe, struct ppe_pkt *pkt,
	       struct ppe_verdict *verdict)
{
	if (ppe_begin(ppe)) {
		ppe_flow(ppe, pkt, verdict);
		ppe_end(ppe);
	}
	if (verdict->port == PSE_PDMA)
		ppe->stats.reason[verdict->reason]++;
}

static void mib_latch(struct ppe *ppe, int n, u32 val)
{
	WRITE_ONCE(ppe->fe->regs[(ppe->base + PPE_MIB_SER_R(n)) / 4], val);
}

/**
 * ppe_mib_read() - the driver asks for the counters of an entry
 * @ppe:	the engine
 *
 * 48 bits of bytes, then 40 bits of packets: mtk_ppe.c of Linux 6.12.
 */
void ppe_mib_read(struct ppe *ppe)
{
	u32 index = FIELD_GET(PPE_MIB_SER_ADDR, ppe_read(ppe, PPE_MIB_SER_CR));
	struct ppe_count *count = &ppe->count[index];

	lockdep_assert_held(&ppe->fe->lock);
	mib_latch(ppe, 0, count->bytes);
	mib_latch(ppe, 1, (count->bytes >> 32 & GENMASK(15, 0)) |
		  count->packets << 16);
	mib_latch(ppe, 2, count->packets >> 16 & GENMASK(23, 0));
	if (ppe_read(ppe, PPE_MIB_CFG) & PPE_MIB_READ_CLEAR) {
		count->bytes = 0;
		count->packets = 0;
	}
}

int ppe_init(struct fe *fe, int id)
{
	struct ppe *ppe = &fe->ppe[id];

	ppe->fe = fe;
	ppe->base = fe->soc->ppe + id * PPE_STRIDE;
	ppe->layout = fe->soc->layout;
	ppe->count = vcalloc(FOE_ENTRIES_MAX, sizeof(*ppe->count));
	ppe->cache = vzalloc(FOE_ENTRIES_MAX * ppe->layout->size);
	ppe->cached = bitmap_zalloc(FOE_ENTRIES_MAX, GFP_KERNEL);
	if (ppe->count && ppe->cache && ppe->cached)
		return 0;
	ppe_exit(ppe);
	return -ENOMEM;
}

void ppe_exit(struct ppe *ppe)
{
	vfree(ppe->count);
	vfree(ppe->cache);
	bitmap_free(ppe->cached);
	ppe->count = NULL;
	ppe->cache = NULL;
	ppe->cached = NULL;
}
