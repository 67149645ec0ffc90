// SPDX-License-Identifier: GPL-2.0
/*
 * Wires.  What is at the far end of each is a netdev, which any netns may have.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "mtk_fe.h"

/* Frames on a wire before its far end is stopped */
#define WIRE_QUEUE	256

/* A netdev that goes away must find its pointer again. */
struct wire_priv {
	struct wire *wire;
};

/* The far end sees a link while the near one has it. */
void wire_carrier(struct wire *wire, bool up)
{
	if (up == netif_carrier_ok(wire->dev))
		return;
	if (up)
		netif_carrier_on(wire->dev);
	else
		netif_carrier_off(wire->dev);
}

/**
 * wire_send() - send a frame to the far end
 * @wire:	the wire
 * @skb:	the frame, which it takes
 */
void wire_send(struct wire *wire, struct sk_buff *skb)
{
	local_bh_disable();
	if (likely(netif_running(wire->dev))) {
		skb->protocol = eth_type_trans(skb, wire->dev);
		skb->ip_summed = CHECKSUM_NONE;
		dev_sw_netstats_rx_add(wire->dev, skb->len + ETH_HLEN);
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

/**
 * wire_poll() - take in what has come from the far end
 * @wire:	the wire
 * @budget:	frames at most
 * @rx:		gets each of them, and takes it
 *
 * Return: how many frames
 */
int wire_poll(struct wire *wire, int budget,
	      void (*rx)(struct wire *wire, struct sk_buff *skb))
{
	struct sk_buff *skb, *frame;
	int done;

	for (done = 0; done < budget; done++) {
		skb = skb_dequeue(&wire->rx);
		if (!skb)
			break;
		frame = frame_copy(skb);
		consume_skb(skb);
		if (frame)
			rx(wire, frame);
	}
	if (netif_queue_stopped(wire->dev) &&
	    skb_queue_len(&wire->rx) < WIRE_QUEUE / 2)
		netif_wake_queue(wire->dev);
	return done;
}

static netdev_tx_t wire_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct wire_priv *priv = netdev_priv(dev);
	struct wire *wire = priv->wire;

	if (skb_put_padto(skb, ETH_ZLEN)) {
		dev_core_stats_tx_dropped_inc(dev);
		return NETDEV_TX_OK;
	}
	dev_sw_netstats_tx_add(dev, 1, skb->len);
	skb_tx_timestamp(skb);
	skb_queue_tail(&wire->rx, skb);
	if (skb_queue_len(&wire->rx) >= WIRE_QUEUE)
		netif_stop_queue(dev);
	fe_kick(wire->fe);
	return NETDEV_TX_OK;
}

static int wire_open(struct net_device *dev)
{
	netif_start_queue(dev);
	return 0;
}

static int wire_stop(struct net_device *dev)
{
	struct wire_priv *priv = netdev_priv(dev);

	netif_stop_queue(dev);
	skb_queue_purge(&priv->wire->rx);
	return 0;
}

static const struct net_device_ops wire_ops = {
	.ndo_open		= wire_open,
	.ndo_stop		= wire_stop,
	.ndo_start_xmit		= wire_xmit,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
};

static void wire_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &wire_ops;
	dev->max_mtu = FE_MAX_FRAME - VLAN_ETH_HLEN;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->needs_free_netdev = true;
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	eth_hw_addr_random(dev);
}

int wire_init(struct wire *wire, struct fe *fe, const char *name)
{
	struct wire_priv *priv;
	int err;

	wire->fe = fe;
	skb_queue_head_init(&wire->rx);
	wire->dev = alloc_netdev(sizeof(*priv), name, NET_NAME_PREDICTABLE,
				 wire_setup);
	if (!wire->dev)
		return -ENOMEM;
	priv = netdev_priv(wire->dev);
	priv->wire = wire;
	netif_carrier_off(wire->dev);
	err = register_netdev(wire->dev);
	if (err) {
		free_netdev(wire->dev);
		wire->dev = NULL;
	}
	return err;
}

void wire_exit(struct wire *wire)
{
	if (wire->dev)
		unregister_netdev(wire->dev);
	wire->dev = NULL;
}
