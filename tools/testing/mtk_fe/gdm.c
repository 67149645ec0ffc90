// SPDX-License-Identifier: GPL-2.0
/*
 * Ethernet ports of the frame engine.  Each leads to a wire, wire0 or wire1, or
 * to a switch.
 */
#include <linux/etherdevice.h>

#include "mtk_fe.h"

/**
 * gdm_count() - count in a register, or a pair of them for bytes
 * @gdm:	the port
 * @counter:	GDM_CNT_*
 * @n:		how many
 */
void gdm_count(struct gdm *gdm, u32 counter, u64 n)
{
	struct fe *fe = gdm->fe;
	unsigned long flags;
	u32 *reg;
	u64 sum;

	reg = &fe->regs[(fe->soc->gdm_cnt + gdm->id * GDM_CNT_STRIDE +
			 counter) / 4];
	spin_lock_irqsave(&fe->lock, flags);
	sum = *reg + n;
	WRITE_ONCE(*reg, sum);
	if (counter == GDM_CNT_RX_BYTES || counter == GDM_CNT_TX_BYTES)
		WRITE_ONCE(reg[1], reg[1] + (sum >> 32));
	spin_unlock_irqrestore(&fe->lock, flags);
}

static bool mac_enabled(const struct gdm *gdm, u32 bits)
{
	return (fe_read(gdm->fe, MAC_MCR(gdm->id)) & bits) == bits;
}

/**
 * gdm_xmit() - send a frame over the wire
 * @gdm:	the port
 * @skb:	the frame, which it takes
 */
void gdm_xmit(struct gdm *gdm, struct sk_buff *skb)
{
	if (!mac_enabled(gdm, MAC_MCR_TX_EN)) {
		gdm_count(gdm, GDM_CNT_TX_SKIP, 1);
		kfree_skb(skb);
		return;
	}
	if (eth_skb_pad(skb))
		return;
	gdm_count(gdm, GDM_CNT_TX_PACKETS, 1);
	gdm_count(gdm, GDM_CNT_TX_BYTES, skb->len + ETH_FCS_LEN);

	if (gdm->sw)
		sw_from_cpu(gdm->sw, skb);
	else
		wire_send(&gdm->wire, skb);
}

/**
 * gdm_rx() - a frame has come to the port
 * @gdm:	the port
 * @skb:	the frame, which it takes
 */
void gdm_rx(struct gdm *gdm, struct sk_buff *skb)
{
	if (!mac_enabled(gdm, MAC_MCR_RX_EN)) {
		kfree_skb(skb);
		return;
	}
	gdm_count(gdm, GDM_CNT_RX_PACKETS, 1);
	gdm_count(gdm, GDM_CNT_RX_BYTES, skb->len + ETH_FCS_LEN);
	if (skb->len > FE_MAX_FRAME) {
		gdm_count(gdm, GDM_CNT_RX_OVERFLOW, 1);
		kfree_skb(skb);
		return;
	}
	fe_input(gdm->fe, skb, gdm->id);
}

static void gdm_wire_rx(struct wire *wire, struct sk_buff *skb)
{
	gdm_rx(container_of(wire, struct gdm, wire), skb);
}

/**
 * gdm_poll() - take in what has come over the wire
 * @gdm:	the port
 * @budget:	frames at most
 *
 * Return: how many frames
 */
int gdm_poll(struct gdm *gdm, int budget)
{
	if (gdm->sw)
		return sw_poll(gdm->sw, budget);
	wire_carrier(&gdm->wire,
		     mac_enabled(gdm, MAC_MCR_RX_EN | MAC_MCR_TX_EN));
	return wire_poll(&gdm->wire, budget, gdm_wire_rx);
}

int gdm_init(struct fe *fe, int id)
{
	struct gdm *gdm = &fe->gdm[id];
	char name[IFNAMSIZ];
	int err;

	gdm->fe = fe;
	gdm->id = id;
	err = sw_init(gdm);
	if (err || gdm->sw)
		return err;
	snprintf(name, sizeof(name), "wire%d", id);
	return wire_init(&gdm->wire, fe, name);
}

void gdm_exit(struct gdm *gdm)
{
	if (gdm->sw)
		sw_exit(gdm->sw);
	wire_exit(&gdm->wire);
}
