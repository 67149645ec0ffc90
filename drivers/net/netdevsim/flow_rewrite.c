// SPDX-License-Identifier: GPL-2.0
/* Rewrite stage of the modelled switch ASIC: NAT, TTL, MAC addresses. */

#include <kunit/visibility.h>
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip.h>

#include "flow.h"

/* NULL for GRE, and for UDP that does without: the sender's choice holds behind
 * the NAT.
 */
static __sum16 *nsim_flow_l4_check(struct sk_buff *skb,
				   const struct nsim_flow_pkt *pkt)
{
	struct udphdr *uh;

	if (pkt->tuple.l4proto == IPPROTO_TCP)
		return &tcp_hdr(skb)->check;
	if (pkt->tuple.l4proto != IPPROTO_UDP)
		return NULL;

	uh = udp_hdr(skb);
	if (!uh->check && skb->ip_summed != CHECKSUM_PARTIAL)
		return NULL;

	return &uh->check;
}

static void nsim_flow_nat_addr4(struct sk_buff *skb, __sum16 *check,
				__be32 *addr, __be32 new)
{
	csum_replace4(&ip_hdr(skb)->check, *addr, new);
	if (check)
		inet_proto_csum_replace4(check, skb, *addr, new, true);
	*addr = new;
}

static void nsim_flow_nat_addr6(struct sk_buff *skb, __sum16 *check,
				struct in6_addr *addr,
				const struct in6_addr *new)
{
	if (check)
		inet_proto_csum_replace16(check, skb, addr->s6_addr32,
					  new->s6_addr32, true);
	*addr = *new;
}

static void nsim_flow_nat_port(struct sk_buff *skb, __sum16 *check,
			       __be16 *port, __be16 new)
{
	if (check)
		inet_proto_csum_replace2(check, skb, *port, new, false);
	*port = new;
}

static void nsim_flow_nat_addrs(struct sk_buff *skb, __sum16 *check,
				const struct nsim_flow_pkt *pkt,
				const struct flow_ft_rewrite *rewrite)
{
	if (pkt->tuple.family == AF_INET) {
		if (rewrite->set & FLOW_FT_SET_SADDR)
			nsim_flow_nat_addr4(skb, check, &ip_hdr(skb)->saddr,
					    rewrite->saddr_v4);
		if (rewrite->set & FLOW_FT_SET_DADDR)
			nsim_flow_nat_addr4(skb, check, &ip_hdr(skb)->daddr,
					    rewrite->daddr_v4);
		return;
	}

	if (rewrite->set & FLOW_FT_SET_SADDR)
		nsim_flow_nat_addr6(skb, check, &ipv6_hdr(skb)->saddr,
				    &rewrite->saddr_v6);
	if (rewrite->set & FLOW_FT_SET_DADDR)
		nsim_flow_nat_addr6(skb, check, &ipv6_hdr(skb)->daddr,
				    &rewrite->daddr_v6);
}

static void nsim_flow_nat(struct sk_buff *skb, const struct nsim_flow_pkt *pkt,
			  const struct flow_ft_rewrite *rewrite)
{
	__sum16 *check = nsim_flow_l4_check(skb, pkt);
	/* TCP has its ports in the same place. */
	struct udphdr *ports = udp_hdr(skb);

	nsim_flow_nat_addrs(skb, check, pkt, rewrite);
	if (rewrite->set & FLOW_FT_SET_SPORT)
		nsim_flow_nat_port(skb, check, &ports->source, rewrite->sport);
	if (rewrite->set & FLOW_FT_SET_DPORT)
		nsim_flow_nat_port(skb, check, &ports->dest, rewrite->dport);

	if (check && !*check && pkt->tuple.l4proto == IPPROTO_UDP)
		*check = CSUM_MANGLED_0;
}

/**
 * nsim_flow_rewrite() - change addresses, ports and TTL of a frame
 * @skb: frame with MAC, network and transport header set, writable from the
 *	first to the end of @pkt->hdr_len
 * @pkt: what nsim_flow_parse() found in it
 * @rewrite: what the entry says
 *
 * Context: softirq.
 */
void nsim_flow_rewrite(struct sk_buff *skb, const struct nsim_flow_pkt *pkt,
		       const struct flow_ft_rewrite *rewrite)
{
	struct ethhdr *eth = eth_hdr(skb);

	if (rewrite->set & FLOW_FT_SET_NAT)
		nsim_flow_nat(skb, pkt, rewrite);

	if (pkt->tuple.family == AF_INET)
		ip_decrease_ttl(ip_hdr(skb));
	else
		ipv6_hdr(skb)->hop_limit--;

	if (rewrite->set & FLOW_FT_SET_ETH_DST)
		ether_addr_copy(eth->h_dest, rewrite->eth_dst);
	if (rewrite->set & FLOW_FT_SET_ETH_SRC)
		ether_addr_copy(eth->h_source, rewrite->eth_src);
}
EXPORT_SYMBOL_IF_KUNIT(nsim_flow_rewrite);
