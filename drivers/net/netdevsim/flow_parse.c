// SPDX-License-Identifier: GPL-2.0
/* Parser of the modelled switch ASIC: the key of a frame, or the reason why the
 * frame is one for the CPU.
 */

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "flow.h"

static enum nsim_flow_counter nsim_flow_parse_tcp(struct sk_buff *skb,
						  struct nsim_flow_pkt *pkt)
{
	const struct tcphdr *th;

	pkt->hdr_len = pkt->thoff + sizeof(*th);
	if (pkt->hdr_len > pkt->l3_len || !pskb_may_pull(skb, pkt->hdr_len))
		return NSIM_FLOW_PUNT_MALFORMED;

	th = (const struct tcphdr *)(skb->data + pkt->thoff);
	if (th->doff < sizeof(*th) / 4)
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

	pkt->hdr_len = pkt->thoff + sizeof(*uh);
	if (pkt->hdr_len > pkt->l3_len || !pskb_may_pull(skb, pkt->hdr_len))
		return NSIM_FLOW_PUNT_MALFORMED;

	uh = (const struct udphdr *)(skb->data + pkt->thoff);
	pkt->tuple.sport = uh->source;
	pkt->tuple.dport = uh->dest;
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
	default:
		return NSIM_FLOW_PUNT_PROTO;
	}
}

static enum nsim_flow_counter nsim_flow_parse_ipv4(struct sk_buff *skb,
						   struct nsim_flow_pkt *pkt)
{
	const struct iphdr *iph;

	if (!pskb_may_pull(skb, sizeof(*iph)))
		return NSIM_FLOW_PUNT_MALFORMED;

	iph = ip_hdr(skb);
	pkt->l3_len = iph_totlen(skb, iph);
	if (iph->version != 4 || iph->ihl < 5 || pkt->l3_len > skb->len ||
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

	if (!pskb_may_pull(skb, sizeof(*ip6h)))
		return NSIM_FLOW_PUNT_MALFORMED;

	ip6h = ipv6_hdr(skb);
	pkt->l3_len = sizeof(*ip6h) + ipv6_payload_len(skb, ip6h);
	if (ip6h->version != 6 || pkt->l3_len > skb->len)
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

/**
 * nsim_flow_parse() - find the key of a received frame
 * @skb: frame as eth_type_trans() leaves it; may be linearised in part, but
 *	looks the same to the rest of the stack afterwards
 * @pkt: result
 *
 * Context: softirq.
 * Return: NSIM_FLOW_HIT if @pkt is worth a lookup, else why it is not.
 */
enum nsim_flow_counter nsim_flow_parse(struct sk_buff *skb,
				       struct nsim_flow_pkt *pkt)
{
	memset(pkt, 0, sizeof(*pkt));

	if (is_multicast_ether_addr(eth_hdr(skb)->h_dest))
		return NSIM_FLOW_PUNT_MULTICAST;
	if (skb->pkt_type != PACKET_HOST)
		return NSIM_FLOW_PUNT_DMAC;
	/* A frame of PSP carries what only the stack understands. */
	if (skb_vlan_tag_present(skb) || skb_is_decrypted(skb))
		return NSIM_FLOW_PUNT_PROTO;

	skb_reset_network_header(skb);

	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return nsim_flow_parse_ipv4(skb, pkt);
	case htons(ETH_P_IPV6):
		return nsim_flow_parse_ipv6(skb, pkt);
	default:
		return NSIM_FLOW_PUNT_PROTO;
	}
}
