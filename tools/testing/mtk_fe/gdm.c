// SPDX-License-Identifier: GPL-2.0
/*
 * Ethernet ports of the frame engine.  What is at the other end of each one's
 * wire is a netdev, wire0 and wire1, which any netns may have.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "mtk_fe.h"

/* Frames on a wire before its far end is stopped */
#define WIRE_QUEUE	256

/* A netdev that goes away must find its pointer again. */
struct wire_priv {
	struct gdm *gdm;
};

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

/* The far end sees a link while the MAC has one. */
void gdm_carrier(struct gdm *gdm)
{
	bool up = mac_enabled(gdm, MAC_MCR_RX_EN | MAC_MCR_TX_EN);

	if (up == netif_carrier_ok(gdm->wire))
		return;
	if (up)
		netif_carrier_on(gdm->wire);
	else
		netif_carrier_off(gdm->wire);
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

	local_bh_disable();
	if (likely(netif_running(gdm->wire))) {
		skb->protocol = eth_type_trans(skb, gdm->wire);
		skb->ip_summed = CHECKSUM_NONE;
		dev_sw_netstats_rx_add(gdm->wire, skb->len + ETH_HLEN);
		netif_receive_skb(skb);
	} else {
		kfree_skb(skb);
	}
	local_bh_enable();
}

/* The far end keeps its skb, as the memory of another machine would. */
static struct sk_buff *frame_copy(const struct sk_buff *skb)
{
	struct sk_buff *frame;

	frame = alloc_skb(FE_HEADROOM + skb->len + ETH_ZLEN, GFP_KERNEL);
	if (!frame)
		return NULL;
	skb_reserve(frame, FE_HEADROOM);
	skb_copy_bits(skb, 0, skb_put(frame, skb->len), skb->len);
	return frame;
}

static void gdm_rx(struct gdm *gdm, struct sk_buff *skb)
{
	struct sk_buff *frame;

	if (!mac_enabled(gdm, MAC_MCR_RX_EN))
		return;
	gdm_count(gdm, GDM_CNT_RX_PACKETS, 1);
	gdm_count(gdm, GDM_CNT_RX_BYTES, skb->len + ETH_FCS_LEN);
	if (skb->len > FE_MAX_FRAME) {
		gdm_count(gdm, GDM_CNT_RX_OVERFLOW, 1);
		return;
	}
	frame = frame_copy(skb);
	if (frame)
		fe_input(gdm->fe, frame, gdm->id);
	else
		gdm_count(gdm, GDM_CNT_RX_OVERFLOW, 1);
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
	struct sk_buff *skb;
	int done;

	for (done = 0; done < budget; done++) {
		skb = skb_dequeue(&gdm->rx);
		if (!skb)
			break;
		gdm_rx(gdm, skb);
		consume_skb(skb);
	}
	if (netif_queue_stopped(gdm->wire) &&
	    skb_queue_len(&gdm->rx) < WIRE_QUEUE / 2)
		netif_wake_queue(gdm->wire);
	return done;
}

static netdev_tx_t wire_xmit(struct sk_buff *skb, struct net_device *wire)
{
	struct wire_priv *priv = netdev_priv(wire);
	struct gdm *gdm = priv->gdm;

	if (skb_put_padto(skb, ETH_ZLEN)) {
		dev_core_stats_tx_dropped_inc(wire);
		return NETDEV_TX_OK;
	}
	dev_sw_netstats_tx_add(wire, 1, skb->len);
	skb_tx_timestamp(skb);
	skb_queue_tail(&gdm->rx, skb);
	if (skb_queue_len(&gdm->rx) >= WIRE_QUEUE)
		netif_stop_queue(wire);
	fe_kick(gdm->fe);
	return NETDEV_TX_OK;
}

static int wire_open(struct net_device *wire)
{
	netif_start_queue(wire);
	return 0;
}

static int wire_stop(struct net_device *wire)
{
	struct wire_priv *priv = netdev_priv(wire);

	netif_stop_queue(wire);
	skb_queue_purge(&priv->gdm->rx);
	return 0;
}

static const struct net_device_ops wire_ops = {
	.ndo_open		= wire_open,
	.ndo_stop		= wire_stop,
	.ndo_start_xmit		= wire_xmit,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
};

static void wire_setup(struct net_device *wire)
{
	ether_setup(wire);
	wire->netdev_ops = &wire_ops;
	wire->max_mtu = FE_MAX_FRAME - VLAN_ETH_HLEN;
	wire->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	wire->needs_free_netdev = true;
	wire->priv_flags &= ~IFF_TX_SKB_SHARING;
	eth_hw_addr_random(wire);
}

int gdm_init(struct fe *fe, int id)
{
	struct gdm *gdm = &fe->gdm[id];
	struct wire_priv *priv;
	char name[IFNAMSIZ];
	int err;

	gdm->fe = fe;
	gdm->id = id;
	skb_queue_head_init(&gdm->rx);
	snprintf(name, sizeof(name), "wire%d", id);
	gdm->wire = alloc_netdev(sizeof(*priv), name, NET_NAME_PREDICTABLE,
				 wire_setup);
	if (!gdm->wire)
		return -ENOMEM;
	priv = netdev_priv(gdm->wire);
	priv->gdm = gdm;
	netif_carrier_off(gdm->wire);
	err = register_netdev(gdm->wire);
	if (err) {
		free_netdev(gdm->wire);
		gdm->wire = NULL;
	}
	return err;
}

void gdm_exit(struct gdm *gdm)
{
	if (gdm->wire)
		unregister_netdev(gdm->wire);
}
