// SPDX-License-Identifier: GPL-2.0
/* Rewrite stage of the modelled switch ASIC: VLAN tags and PPPoE. */

#include <kunit/visibility.h>
#include <linux/etherdevice.h>
#include <linux/if_pppox.h>
#include <linux/if_vlan.h>
#include <linux/ppp_defs.h>
#include <linux/skbuff.h>

#include "flow.h"

/* Where PPPoE goes: behind the tags that are in the frame. */
static unsigned int nsim_flow_l2_len(const struct sk_buff *skb,
				     unsigned int tags)
{
	if (skb_vlan_tag_present(skb))
		tags--;

	return ETH_HLEN + tags * VLAN_HLEN;
}

/* What the frame carries behind the first @l2_len bytes. */
static void nsim_flow_set_proto(struct sk_buff *skb, unsigned int l2_len,
				__be16 proto)
{
	*(__be16 *)(skb->data + l2_len - sizeof(proto)) = proto;
	if (l2_len == ETH_HLEN)
		skb->protocol = proto;
}

static void nsim_flow_pppoe_pop(struct sk_buff *skb, unsigned int l2_len,
				__be16 proto)
{
	memmove(skb->data + PPPOE_SES_HLEN, skb->data, l2_len);
	__skb_pull(skb, PPPOE_SES_HLEN);
	skb_reset_mac_header(skb);
	nsim_flow_set_proto(skb, l2_len, proto);
}

static void nsim_flow_pppoe_push(struct sk_buff *skb, unsigned int l2_len,
				 u16 sid, __be16 ppp_proto)
{
	unsigned int l3_len = skb->len - l2_len;
	struct pppoe_hdr *ph;

	__skb_push(skb, PPPOE_SES_HLEN);
	memmove(skb->data, skb->data + PPPOE_SES_HLEN, l2_len);
	skb_reset_mac_header(skb);

	ph = (struct pppoe_hdr *)(skb->data + l2_len);
	ph->ver = 1;
	ph->type = 1;
	ph->code = 0;
	ph->sid = htons(sid);
	ph->length = htons(l3_len + PPPOE_SES_HLEN - sizeof(*ph));
	*(__be16 *)(ph + 1) = ppp_proto;
	nsim_flow_set_proto(skb, l2_len, htons(ETH_P_PPP_SES));
}

static void nsim_flow_pppoe(struct sk_buff *skb,
			    const struct nsim_flow_pkt *pkt,
			    const struct flow_ft_rewrite *rewrite)
{
	bool ipv4 = pkt->tuple.family == AF_INET;
	unsigned int l2_len;

	l2_len = nsim_flow_l2_len(skb, flow_ft_vlan_num(&pkt->tuple) -
				       rewrite->vlan_pop);
	if (pkt->tuple.pppoe_sid)
		nsim_flow_pppoe_pop(skb, l2_len,
				    htons(ipv4 ? ETH_P_IP : ETH_P_IPV6));
	if (rewrite->set & FLOW_FT_SET_PPPOE)
		nsim_flow_pppoe_push(skb, l2_len, rewrite->pppoe_sid,
				     htons(ipv4 ? PPP_IP : PPP_IPV6));
}

/**
 * nsim_flow_headroom() - room that a frame must have in front
 * @rewrite: what its entry says
 *
 * Return: bytes in front of the Ethernet header as it comes.
 */
unsigned int nsim_flow_headroom(const struct flow_ft_rewrite *rewrite)
{
	return FLOW_FT_VLAN_MAX * VLAN_HLEN +
	       (rewrite->set & FLOW_FT_SET_PPPOE ? PPPOE_SES_HLEN : 0);
}
EXPORT_SYMBOL_IF_KUNIT(nsim_flow_headroom);

/**
 * nsim_flow_encap() - take tags and PPPoE off a frame, and put others on
 * @skb: frame, from the MAC header on; writable from there up to the IP header,
 *	with nsim_flow_headroom() in front; no GSO if it gets PPPoE
 * @pkt: what nsim_flow_parse() found in it
 * @rewrite: what its entry says
 *
 * A tag may be in the skb and not in the frame afterwards.
 *
 * Context: softirq.
 * Return: 0 or a negative error code, with the frame in pieces.
 */
int nsim_flow_encap(struct sk_buff *skb, const struct nsim_flow_pkt *pkt,
		    const struct flow_ft_rewrite *rewrite)
{
	const struct flow_ft_vlan *vlan;
	int err, i;

	for (i = 0; i < rewrite->vlan_pop; i++) {
		err = skb_vlan_pop(skb);
		if (err)
			return err;
	}

	nsim_flow_pppoe(skb, pkt, rewrite);

	for (i = rewrite->vlan_push_num - 1; i >= 0; i--) {
		vlan = &rewrite->vlan_push[i];
		err = skb_vlan_push(skb, vlan->proto, vlan->vid);
		if (err)
			return err;
	}

	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nsim_flow_encap);
