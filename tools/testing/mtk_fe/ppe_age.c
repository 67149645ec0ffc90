// SPDX-License-Identifier: GPL-2.0
/*
 * Time of the packet processing engine: the time stamp of the frame engine and
 * the scan that ages entries.  Unit and meaning of the ages are from the vendor
 * SDK.  Real hardware visits one entry after the other; here all are visited
 * when a tick begins.
 */
#include <linux/bitfield.h>

#include "mtk_fe.h"

static bool foe_has_ports(const struct ppe *ppe, u32 ib1)
{
	u8 type = foe_get(ib1, ppe->layout->type);

	return type == FOE_IP4_HNAPT || type == FOE_IP6_5T;
}

static bool foe_idle(u32 ib1, u32 now, u32 ts, u32 max)
{
	return ((now - ib1) & ts) > max;
}

static bool unbound_is_old(const struct ppe *ppe, u32 ib1, u32 now)
{
	u32 age = ppe_read(ppe, PPE_UNBIND_AGE);

	return ppe_read(ppe, PPE_TB_CFG) & PPE_TB_AGE_UNBIND &&
	       foe_get(ib1, ppe->layout->count) <
	       FIELD_GET(PPE_UNBIND_AGE_PACKETS, age) &&
	       foe_idle(ib1, now, ppe->layout->ts_unbind,
			FIELD_GET(PPE_UNBIND_AGE_DELTA, age));
}

static bool bound_is_old(const struct ppe *ppe, u32 ib1, u32 now)
{
	u32 age0 = ppe_read(ppe, PPE_BIND_AGE0);
	u32 age1 = ppe_read(ppe, PPE_BIND_AGE1);
	u32 enable, max;

	if (FIELD_GET(FOE_IB1_STATE, ib1) == FOE_FIN) {
		enable = PPE_TB_AGE_FIN;
		max = FIELD_GET(PPE_BIND_AGE1_FIN, age1);
	} else if (!foe_has_ports(ppe, ib1)) {
		enable = PPE_TB_AGE_NON_L4;
		max = FIELD_GET(PPE_BIND_AGE0_NON_L4, age0);
	} else if (ib1 & FOE_IB1_UDP) {
		enable = PPE_TB_AGE_UDP;
		max = FIELD_GET(PPE_BIND_AGE0_UDP, age0);
	} else {
		enable = PPE_TB_AGE_TCP;
		max = FIELD_GET(PPE_BIND_AGE1_TCP, age1);
	}
	return ppe_read(ppe, PPE_TB_CFG) & enable &&
	       foe_idle(ib1, now, ppe->layout->ts, max);
}

static void foe_age(struct ppe *ppe, u32 index, u32 now)
{
	const u32 *entry = foe_peek(ppe, index);
	u32 ib1, state;
	bool old;

	if (!entry)
		return;
	ib1 = READ_ONCE(*entry);
	state = FIELD_GET(FOE_IB1_STATE, ib1);
	if (state == FOE_INVALID || ib1 & FOE_IB1_STATIC)
		return;
	old = state == FOE_UNBIND ? unbound_is_old(ppe, ib1, now) :
				    bound_is_old(ppe, ib1, now);
	if (old && foe_set_ib1(ppe, index, ib1, ib1 & ~FOE_IB1_STATE))
		ppe->stats.age[state]++;
}

static void ppe_scan(struct ppe *ppe, u32 now)
{
	u32 i, entries = foe_entries(ppe);

	if (!ppe_begin(ppe))
		return;
	if (FIELD_GET(PPE_TB_SCAN_MODE, ppe_read(ppe, PPE_TB_CFG)))
		for (i = 0; i < entries; i++)
			foe_age(ppe, i, now);
	ppe_end(ppe);
}

/* How long a flow has none, in ms: the vendor SDK visits one entry at a time */
static u64 keepalive_ms(const struct ppe *ppe, u32 ib1)
{
	u32 cfg = ppe_read(ppe, PPE_KEEPALIVE);
	u32 rounds;

	if (!foe_has_ports(ppe, ib1))
		rounds = FIELD_GET(PPE_KEEPALIVE_OTHER,
				   ppe_read(ppe, PPE_BIND_LIMIT1));
	else if (ib1 & FOE_IB1_UDP)
		rounds = FIELD_GET(PPE_KEEPALIVE_UDP, cfg);
	else
		rounds = FIELD_GET(PPE_KEEPALIVE_TCP, cfg);
	return (u64)rounds * FIELD_GET(PPE_KEEPALIVE_MS, cfg) *
	       foe_entries(ppe);
}

/**
 * ppe_keepalive_is_due() - a frame of a bound flow shows the CPU that it lives
 * @ppe:	the engine
 * @index:	of the entry
 * @ib1:	its first word
 *
 * A tick is taken for a second here, however long it is.
 *
 * Return: whether this frame does
 */
bool ppe_keepalive_is_due(struct ppe *ppe, u32 index, u32 ib1)
{
	u32 scan = FIELD_GET(PPE_TB_SCAN_MODE, ppe_read(ppe, PPE_TB_CFG));
	u32 now = fe_read(ppe->fe, FE_FOE_TS);
	u64 ms = keepalive_ms(ppe, ib1);

	if (scan != PPE_TB_SCAN_KEEPALIVE || !ms ||
	    (READ_ONCE(ppe->fe->ka_flag) && !(ib1 & ppe->layout->keepalive)) ||
	    (u64)(now - ppe->count[index].keepalive) * MSEC_PER_SEC < ms)
		return false;
	ppe->count[index].keepalive = now;
	return true;
}

/**
 * fe_tick() - time goes on
 * @fe:		the engine
 * @ticks:	how far; each is looked at, as if they passed one by one
 */
void fe_tick(struct fe *fe, u32 ticks)
{
	unsigned long flags;
	u32 now;
	int i;

	while (ticks--) {
		spin_lock_irqsave(&fe->lock, flags);
		now = fe_read(fe, FE_FOE_TS) + 1;
		WRITE_ONCE(fe->regs[FE_FOE_TS / 4], now);
		spin_unlock_irqrestore(&fe->lock, flags);
		for (i = 0; i < fe->soc->num_ppe; i++)
			ppe_scan(&fe->ppe[i], now);
		cond_resched();
	}
}
