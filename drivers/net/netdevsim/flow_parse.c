// SPDX-License-Identifier: GPL-2.0
/* Parser of the modelled switch ASIC: the key of a frame, or the reason why the
 * frame is one for the CPU.
 */

#include <kunit/visibility.h>
#include <linux/etherdevice.h>
#include <linux/if_pppox.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/ppp_defs.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/gre.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "flow.h"

/* The first @len bytes of the IP packet, or NULL if there are less. */
static void *nsim_flow_pull(struct sk_buff *skb,
			    const struct nsim_flow_pkt *pkt, unsigned int len)
{
	if (!pskb_may_pull(skb, pkt->encap_len + len))
		return NULL;

	return skb->data + pkt->encap_len;
}

static void *nsim_flow_pull_l4(struct sk_buff *skb, struct nsim_flow_pkt *pkt,
			       unsigned int len)
{
	void *l3;

	pkt->hdr_len = pkt->thoff + len;
	if (pkt->hdr_len > pkt->l3_len)
		return NULL;

	l3 = nsim_flow_pull(skb, pkt, pkt->hdr_len);
	return l3 ? l3 + pkt->thoff : NULL;
}

static enum nsim_flow_counter nsim_flow_parse_tcp(struct sk_buff *skb,
						  struct nsim_flow_pkt *pkt)
{
	const struct tcphdr *th;

	th = nsim_flow_pull_l4(skb, pkt, sizeof(*th));
	if (!th || th->doff < sizeof(*th) / 4 ||
	    pkt->thoff + th->doff * 4 > pkt->l3_len)
		return NSIM_FLOW_PUNT_MALFORMED;

	pkt->tuple.sport = th->source;
	pkt->tuple.dport = th->dest;
	pkt->tcp_flags = htons(tcp_flags_ntohs(th));
	return NSIM_FLOW_HIT;
}

static enum nsim_flow_counter nsim_flow_parse_udp(struct sk_buff *skb,
						  struct nsim_flow_pkt *pkt)
{
	const struct udphdr *uh;

	uh = nsim_flow_pull_l4(skb, pkt, sizeof(*uh));
	if (!uh)
		return NSIM_FLOW_PUNT_MALFORMED;

	pkt->tuple.sport = uh->source;
	pkt->tuple.dport = uh->dest;
	return NSIM_FLOW_HIT;
}

/* Without ports, so all GRE between two addresses is one flow. That of PPTP has
 * call IDs, which a flowtable does not know.
 */
static enum nsim_flow_counter nsim_flow_parse_gre(struct sk_buff *skb,
						  struct nsim_flow_pkt *pkt)
{
	const struct gre_base_hdr *greh;

	greh = nsim_flow_pull_l4(skb, pkt, sizeof(*greh));
	if (!greh)
		return NSIM_FLOW_PUNT_MALFORMED;
	if ((greh->flags & GRE_VERSION) != GRE_VERSION_0)
		return NSIM_FLOW_PUNT_PROTO;

	return NSIM_FLOW_HIT;
}

static enum nsim_flow_counter nsim_flow_parse_l4(struct sk_buff *skb,
						 struct nsim_flow_pkt *pkt)
{
	switch (pkt->tuple.l4proto) {
	case IPPROTO_TCP:
		return nsim_flow_parse_tcp(skb, pkt);
	case IPPROTO_UDP:
		return nsim_flow_parse_udp(skb, pkt);
	case IPPROTO_GRE:
		return nsim_flow_parse_gre(skb, pkt);
	default:
		return NSIM_FLOW_PUNT_PROTO;
	}
}

static enum nsim_flow_counter nsim_flow_parse_ipv4(struct sk_buff *skb,
						   struct nsim_flow_pkt *pkt)
{
	const struct iphdr *iph;

	iph = nsim_flow_pull(skb, pkt, sizeof(*iph));
	if (!iph)
		return NSIM_FLOW_PUNT_MALFORMED;

	pkt->l3_len = iph_totlen(skb, iph);
	if (iph->version != 4 || iph->ihl < 5 || pkt->l3_len > pkt->l3_room ||
	    pkt->l3_len < iph->ihl * 4)
		return NSIM_FLOW_PUNT_MALFORMED;
	if (iph->ihl > 5)
		return NSIM_FLOW_PUNT_OPTIONS;
	if (ip_fast_csum(iph, iph->ihl))
		return NSIM_FLOW_PUNT_CHECKSUM;
	if (ip_is_fragment(iph))
		return NSIM_FLOW_PUNT_FRAGMENT;

	pkt->tuple.family = AF_INET;
	pkt->tuple.l4proto = iph->protocol;
	pkt->tuple.src_v4 = iph->saddr;
	pkt->tuple.dst_v4 = iph->daddr;
	pkt->ttl = iph->ttl;
	pkt->thoff = sizeof(*iph);
	return nsim_flow_parse_l4(skb, pkt);
}

static enum nsim_flow_counter nsim_flow_parse_ipv6(struct sk_buff *skb,
						   struct nsim_flow_pkt *pkt)
{
	const struct ipv6hdr *ip6h;

	ip6h = nsim_flow_pull(skb, pkt, sizeof(*ip6h));
	if (!ip6h)
		return NSIM_FLOW_PUNT_MALFORMED;

	pkt->l3_len = sizeof(*ip6h) + ipv6_payload_len(skb, ip6h);
	if (ip6h->version != 6 || pkt->l3_len > pkt->l3_room)
		return NSIM_FLOW_PUNT_MALFORMED;
	if (ip6h->nexthdr == NEXTHDR_FRAGMENT)
		return NSIM_FLOW_PUNT_FRAGMENT;
	if (ipv6_ext_hdr(ip6h->nexthdr))
		return NSIM_FLOW_PUNT_OPTIONS;

	pkt->tuple.family = AF_INET6;
	pkt->tuple.l4proto = ip6h->nexthdr;
	pkt->tuple.src_v6 = ip6h->saddr;
	pkt->tuple.dst_v6 = ip6h->daddr;
	pkt->ttl = ip6h->hop_limit;
	pkt->thoff = sizeof(*ip6h);
	return nsim_flow_parse_l4(skb, pkt);
}

/* One VLAN tag: protocol of what it carries to @proto. */
static bool nsim_flow_parse_vlan(struct sk_buff *skb, struct nsim_flow_pkt *pkt,
				 struct flow_ft_vlan *vlan, __be16 *proto)
{
	const struct vlan_hdr *vh = nsim_flow_pull(skb, pkt, sizeof(*vh));

	if (!vh)
		return false;

	vlan->proto = *proto;
	vlan->vid = ntohs(vh->h_vlan_TCI) & VLAN_VID_MASK;
	*proto = vh->h_vlan_encapsulated_proto;
	pkt->encap_len += VLAN_HLEN;
	return true;
}

static enum nsim_flow_counter nsim_flow_parse_pppoe(struct sk_buff *skb,
						    struct nsim_flow_pkt *pkt,
						    __be16 *proto)
{
	const struct pppoe_hdr *ph;
	unsigned int len;

	ph = nsim_flow_pull(skb, pkt, PPPOE_SES_HLEN);
	if (!ph || ph->ver != 1 || ph->type != 1)
		return NSIM_FLOW_PUNT_MALFORMED;

	/* Of the PPP protocol field too, which PPPOE_SES_HLEN has in it. */
	len = ntohs(ph->length) - (PPPOE_SES_HLEN - sizeof(*ph));
	pkt->encap_len += PPPOE_SES_HLEN;
	if (len > skb->len - pkt->encap_len)
		return NSIM_FLOW_PUNT_MALFORMED;
	pkt->l3_room = len;

	switch (*(__be16 *)(ph + 1)) {
	case htons(PPP_IP):
		*proto = htons(ETH_P_IP);
		break;
	case htons(PPP_IPV6):
		*proto = htons(ETH_P_IPV6);
		break;
	default:
		return NSIM_FLOW_PUNT_PROTO;
	}
	/* 0 is what a tuple without PPPoE has. */
	if (ph->code || !ph->sid)
		return NSIM_FLOW_PUNT_PROTO;

	pkt->tuple.pppoe_sid = ntohs(ph->sid);
	return NSIM_FLOW_HIT;
}

/* What stands between Ethernet and IP. */
static enum nsim_flow_counter nsim_flow_parse_encap(struct sk_buff *skb,
						    struct nsim_flow_pkt *pkt,
						    __be16 *proto)
{
	struct flow_ft_vlan *vlan = pkt->tuple.vlan;
	int i;

	*proto = skb->protocol;
	for (i = 0; i < FLOW_FT_VLAN_MAX && eth_type_vlan(*proto); i++)
		if (!nsim_flow_parse_vlan(skb, pkt, &vlan[i], proto))
			return NSIM_FLOW_PUNT_MALFORMED;

	pkt->l3_room = skb->len - pkt->encap_len;
	if (*proto == htons(ETH_P_PPP_SES))
		return nsim_flow_parse_pppoe(skb, pkt, proto);

	return NSIM_FLOW_HIT;
}

/**
 * nsim_flow_parse() - find the key of a received frame
 * @skb: unicast frame as eth_type_trans() leaves it; may be linearised in part,
 *	but looks the same to the rest of the stack afterwards
 * @pkt: result
 *
 * Context: softirq.
 * Return: NSIM_FLOW_HIT if @pkt is worth a lookup, else why it is not.
 */
enum nsim_flow_counter nsim_flow_parse(struct sk_buff *skb,
				       struct nsim_flow_pkt *pkt)
{
	enum nsim_flow_counter verdict;
	__be16 proto;

	memset(pkt, 0, sizeof(*pkt));

	if (skb->pkt_type != PACKET_HOST)
		return NSIM_FLOW_PUNT_DMAC;
	/* Tags are in the frame, the wire knows no other place. A frame of PSP
	 * carries what only the stack understands.
	 */
	if (skb_vlan_tag_present(skb) || skb_is_decrypted(skb))
		return NSIM_FLOW_PUNT_PROTO;

	verdict = nsim_flow_parse_encap(skb, pkt, &proto);
	if (verdict != NSIM_FLOW_HIT)
		return verdict;

	skb_set_network_header(skb, pkt->encap_len);

	switch (proto) {
	case htons(ETH_P_IP):
		return nsim_flow_parse_ipv4(skb, pkt);
	case htons(ETH_P_IPV6):
		return nsim_flow_parse_ipv6(skb, pkt);
	default:
		return NSIM_FLOW_PUNT_PROTO;
	}
}
EXPORT_SYMBOL_IF_KUNIT(nsim_flow_parse);
