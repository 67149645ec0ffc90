// SPDX-License-Identifier: GPL-2.0
/* Data path of the modelled switch ASIC: from the wire of a port to the wire of
 * another one, or to the CPU.
 */

#include <linux/etherdevice.h>
#include <linux/hrtimer.h>
#include <linux/if_pppox.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "flow.h"
#include "netdevsim.h"

/* Tags do not count, PPPoE does. */
static bool nsim_flow_exceeds_mtu(const struct sk_buff *skb,
				  const struct nsim_flow_pkt *pkt,
				  const struct flow_ft_entry *entry)
{
	unsigned int mtu = READ_ONCE(entry->egress->dev->mtu);

	if (entry->rule.rewrite.set & FLOW_FT_SET_PPPOE)
		mtu -= min(mtu, PPPOE_SES_HLEN);
	if (pkt->l3_len <= mtu)
		return false;

	return !skb_is_gso(skb) || !skb_gso_validate_network_len(skb, mtu);
}

/* What makes a frame one for the CPU although the table knows its flow. */
static enum nsim_flow_counter
nsim_flow_exception(const struct sk_buff *skb, const struct nsim_flow_pkt *pkt,
		    const struct flow_ft_entry *entry)
{
	const struct net_device *egress = entry->egress->dev;

	if (pkt->tcp_flags & entry->rule.tcp_flags)
		return NSIM_FLOW_PUNT_TCP_FLAGS;
	if (pkt->ttl <= 1)
		return NSIM_FLOW_PUNT_TTL;
	if (!netif_running(egress) || !netif_carrier_ok(egress) ||
	    egress->features & NETIF_F_LOOPBACK)
		return NSIM_FLOW_PUNT_EGRESS_DOWN;
	if (nsim_flow_exceeds_mtu(skb, pkt, entry))
		return NSIM_FLOW_PUNT_MTU;

	return NSIM_FLOW_HIT;
}

/* The queue stands for the egress buffer of the ASIC: what does not fit is
 * lost. The egress port's own TX queue is not stopped, it belongs to the CPU.
 */
static bool nsim_flow_wire(struct nsim_flow_port *egress,
			   struct net_device *peer, struct nsim_rq *rq,
			   struct sk_buff *skb)
{
	unsigned int len = skb->len;

	if (skb_queue_len_lockless(&rq->skb_queue) >=
	    READ_ONCE(nsim_flow_of(egress)->faults.egress_queue_len)) {
		nsim_flow_add(egress, NSIM_FLOW_DROP_EGRESS_FULL, 1);
		kfree_skb(skb);
		return false;
	}
	if (__dev_forward_skb(peer, skb)) {
		nsim_flow_add(egress, NSIM_FLOW_DROP_XMIT, 1);
		return false;
	}

	skb_queue_tail(&rq->skb_queue, skb);
	dev_dstats_tx_add(egress->ft.dev, len);
	nsim_flow_add(egress, NSIM_FLOW_TX, 1);
	nsim_flow_add(egress, NSIM_FLOW_TX_BYTES, len);
	return true;
}

static void nsim_flow_xmit(struct nsim_flow_port *egress, struct sk_buff *skb,
			   unsigned int queue)
{
	struct net_device *dev = egress->ft.dev;
	struct sk_buff *list, *next;
	struct netdevsim *peer;
	bool again = false, sent = false;
	struct nsim_rq *rq;

	peer = rcu_dereference(egress->ns->peer);
	list = peer ? validate_xmit_skb_list(skb, dev, &again) : NULL;
	if (!list) {
		if (!peer)
			kfree_skb(skb);
		nsim_flow_add(egress, NSIM_FLOW_DROP_XMIT, 1);
		return;
	}

	rq = peer->rq[queue % peer->netdev->num_rx_queues];
	skb_list_walk_safe(list, skb, next) {
		skb_mark_not_on_list(skb);
		sent |= nsim_flow_wire(egress, peer->netdev, rq, skb);
	}

	/* Nothing was sent if the peer is down, and then has no NAPI. */
	if (sent && !hrtimer_is_queued(&rq->napi_timer))
		hrtimer_start(&rq->napi_timer, us_to_ktime(5),
			      HRTIMER_MODE_REL);
}

/* Make the frame one that is about to leave by the egress port. */
static int nsim_flow_prepare(struct sk_buff *skb,
			     const struct nsim_flow_pkt *pkt,
			     const struct flow_ft_rewrite *rewrite)
{
	if (skb_ensure_writable(skb, pkt->encap_len + pkt->hdr_len) ||
	    skb_cow_head(skb, ETH_HLEN + nsim_flow_headroom(rewrite)) ||
	    pskb_trim_rcsum(skb, pkt->encap_len + pkt->l3_len))
		return -ENOMEM;

	skb_set_transport_header(skb, pkt->encap_len + pkt->thoff);
	skb_forward_csum(skb);
	skb_clear_tstamp(skb);
	skb_clear_hash(skb);
	skb_orphan(skb);
	return 0;
}

/* PPPoE has no GSO. */
static struct sk_buff *nsim_flow_segment(struct sk_buff *skb,
					 const struct flow_ft_rewrite *rewrite)
{
	netdev_features_t features = skb->dev->features & ~NETIF_F_GSO_MASK;
	struct sk_buff *segs;

	if (!skb_is_gso(skb) || !(rewrite->set & FLOW_FT_SET_PPPOE))
		return skb;

	segs = skb_gso_segment(skb, features);
	if (IS_ERR_OR_NULL(segs)) {
		kfree_skb(skb);
		return NULL;
	}

	consume_skb(skb);
	return segs;
}

static void nsim_flow_forward(const struct flow_ft_entry *entry,
			      struct sk_buff *skb,
			      const struct nsim_flow_pkt *pkt,
			      unsigned int queue)
{
	struct nsim_flow_port *egress = to_nsim_flow_port(entry->egress);
	const struct flow_ft_rewrite *rewrite = &entry->rule.rewrite;
	struct sk_buff *list, *next;

	nsim_flow_rewrite(skb, pkt, rewrite);
	skb->dev = egress->ft.dev;
	skb_push(skb, ETH_HLEN);

	list = nsim_flow_segment(skb, rewrite);
	if (!list)
		nsim_flow_add(egress, NSIM_FLOW_DROP_XMIT, 1);
	skb_list_walk_safe(list, skb, next) {
		skb_mark_not_on_list(skb);
		if (nsim_flow_encap(skb, pkt, rewrite)) {
			nsim_flow_add(egress, NSIM_FLOW_DROP_XMIT, 1);
			kfree_skb(skb);
			continue;
		}
		nsim_flow_xmit(egress, skb, queue);
	}
}

static enum nsim_flow_counter nsim_flow_process(struct nsim_flow_port *port,
						struct sk_buff *skb,
						unsigned int queue)
{
	struct net_device *dev = port->ft.dev;
	enum nsim_flow_counter verdict;
	struct flow_ft_entry *entry;
	struct nsim_flow_pkt pkt;
	unsigned int len;

	if (is_multicast_ether_addr(eth_hdr(skb)->h_dest))
		return NSIM_FLOW_PUNT_MULTICAST;
	if (!(dev->features & NETIF_F_HW_TC) || nsim_flow_is_off(port))
		return NSIM_FLOW_PUNT_DISABLED;

	verdict = nsim_flow_parse(skb, &pkt);
	if (verdict != NSIM_FLOW_HIT)
		return verdict;

	entry = flow_ft_lookup(&port->ft, &pkt.tuple);
	if (!entry)
		return NSIM_FLOW_PUNT_MISS;

	skb_set_transport_header(skb, pkt.encap_len + pkt.thoff);
	verdict = nsim_flow_exception(skb, &pkt, entry);
	if (verdict != NSIM_FLOW_HIT)
		return verdict;

	len = skb->len;
	if (nsim_flow_prepare(skb, &pkt, &entry->rule.rewrite))
		return NSIM_FLOW_PUNT_NOMEM;

	dev_dstats_rx_add(dev, len);
	nsim_flow_add(port, NSIM_FLOW_RX, 1);
	nsim_flow_add(port, NSIM_FLOW_RX_BYTES, len);
	if (nsim_flow_fault(&nsim_flow_of(port)->faults.lose_hits)) {
		kfree_skb(skb);
		return NSIM_FLOW_HIT;
	}

	flow_ft_count(entry, 1, pkt.l3_len);
	nsim_flow_add(port, NSIM_FLOW_HIT, 1);
	nsim_flow_add(port, NSIM_FLOW_HIT_BYTES, pkt.l3_len);

	nsim_flow_forward(entry, skb, &pkt, queue);
	return NSIM_FLOW_HIT;
}

/**
 * nsim_flow_rcv() - let the ASIC have a frame before the CPU sees it
 * @rq: queue of the ingress port that the frame was in
 * @skb: frame as eth_type_trans() leaves it
 *
 * Context: NAPI poll of the ingress port.
 * Return: true if the frame is on its way and no longer the caller's, false if
 *	it goes to the CPU, as it came.
 */
bool nsim_flow_rcv(struct nsim_rq *rq, struct sk_buff *skb)
{
	struct netdevsim *ns = netdev_priv(rq->napi.dev);
	struct nsim_flow_port *port = ns->flow;
	enum nsim_flow_counter verdict;

	if (!flow_ft_port_bound(&port->ft))
		return false;

	rcu_read_lock();
	verdict = nsim_flow_process(port, skb, rq->napi.index);
	if (verdict != NSIM_FLOW_HIT)
		nsim_flow_add(port, verdict, 1);
	rcu_read_unlock();

	return verdict == NSIM_FLOW_HIT;
}
