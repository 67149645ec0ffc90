// SPDX-License-Identifier: GPL-2.0
/* Packets of which the ASIC does not find the L4 header, behind options or in
 * fragments. The CPU forwards them, conntrack sees them, and must know by then
 * what has been forwarded before.
 */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "flow_conn.h"

static bool nsim_flow_hidden_ipv4(const struct sk_buff *skb,
				  struct nsim_flow_pkt *pkt)
{
	const struct iphdr *iph;
	struct iphdr buf;

	iph = skb_header_pointer(skb, pkt->encap_len, sizeof(buf), &buf);
	if (!iph || iph->frag_off & htons(IP_OFFSET))
		return false;

	pkt->tuple.family = AF_INET;
	pkt->tuple.l4proto = iph->protocol;
	pkt->tuple.src_v4 = iph->saddr;
	pkt->tuple.dst_v4 = iph->daddr;
	pkt->thoff = iph->ihl * 4;
	return true;
}

static bool nsim_flow_hidden_ipv6(const struct sk_buff *skb,
				  struct nsim_flow_pkt *pkt)
{
	const struct ipv6hdr *ip6h;
	struct ipv6hdr buf;
	__be16 frag_off;
	int thoff;

	ip6h = skb_header_pointer(skb, pkt->encap_len, sizeof(buf), &buf);
	if (!ip6h)
		return false;

	pkt->tuple.l4proto = ip6h->nexthdr;
	thoff = ipv6_skip_exthdr(skb, pkt->encap_len + sizeof(*ip6h),
				 &pkt->tuple.l4proto, &frag_off);
	if (thoff < 0 || frag_off & htons(IP6_OFFSET))
		return false;

	pkt->tuple.family = AF_INET6;
	pkt->tuple.src_v6 = ip6h->saddr;
	pkt->tuple.dst_v6 = ip6h->daddr;
	pkt->thoff = thoff - pkt->encap_len;
	return true;
}

static bool nsim_flow_hidden_l4(const struct sk_buff *skb,
				struct nsim_flow_pkt *pkt)
{
	unsigned int hdr = pkt->encap_len + pkt->thoff;
	const struct tcphdr *th;
	const __be16 *ports;
	struct tcphdr buf;

	if (pkt->tuple.l4proto != IPPROTO_TCP &&
	    pkt->tuple.l4proto != IPPROTO_UDP)
		return false;

	ports = skb_header_pointer(skb, hdr, 2 * sizeof(*ports), &buf);
	if (!ports)
		return false;

	pkt->tuple.sport = ports[0];
	pkt->tuple.dport = ports[1];
	if (pkt->tuple.l4proto == IPPROTO_UDP)
		return true;

	th = skb_header_pointer(skb, hdr, sizeof(buf), &buf);
	if (th)
		pkt->tcp_flags = htons(tcp_flags_ntohs(th));
	return true;
}

/**
 * nsim_flow_conn_hidden() - a packet goes to the CPU, whatever flow it is of
 * @port: ingress port
 * @skb: packet, as for nsim_flow_parse()
 * @pkt: what nsim_flow_parse() has found; completed
 * @verdict: of nsim_flow_parse()
 *
 * What nsim_flow_conn_pending() is to be reported before it does.
 *
 * Context: softirq.
 */
void nsim_flow_conn_hidden(struct nsim_flow_port *port,
			   const struct sk_buff *skb, struct nsim_flow_pkt *pkt,
			   enum nsim_flow_counter verdict)
{
	const struct iphdr *iph = (void *)(skb->data + pkt->encap_len);
	struct flow_ft_entry *entry;
	bool found;

	if (verdict != NSIM_FLOW_PUNT_OPTIONS &&
	    verdict != NSIM_FLOW_PUNT_FRAGMENT)
		return;

	if (iph->version == 4)
		found = nsim_flow_hidden_ipv4(skb, pkt);
	else
		found = nsim_flow_hidden_ipv6(skb, pkt);
	if (!found || !nsim_flow_hidden_l4(skb, pkt))
		return;

	entry = flow_ft_lookup(&port->ft, &pkt->tuple);
	if (entry)
		nsim_flow_conn_exception(entry, pkt);
}
