// SPDX-License-Identifier: GPL-2.0
/* What a frame is to the packet processing engine */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/if_pppox.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/ppp_defs.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>

#include "mtk_fe.h"

#define PPE_MAX_TAGS	4

static bool has(const struct ppe_pkt *pkt, u32 offset, u32 len)
{
	return offset + len <= pkt->skb->len;
}

/* The type of what is behind tags and PPPoE; pkt->l3 is where it is */
static __be16 parse_l2(struct ppe_pkt *pkt)
{
	u16 off = 2 * ETH_ALEN;
	__be16 type;
	int tags;

	if (pkt->stag) {
		off += VLAN_HLEN;
		if (!has(pkt, off, sizeof(type)))
			return 0;
	}
	type = get_unaligned((__be16 *)(pkt->skb->data + off));
	for (tags = 0; eth_type_vlan(type); tags++) {
		off += VLAN_HLEN;
		if (tags == PPE_MAX_TAGS || !has(pkt, off, sizeof(type)))
			return 0;
		type = get_unaligned((__be16 *)(pkt->skb->data + off));
	}
	off += sizeof(type);
	if (type == htons(ETH_P_PPP_SES)) {
		if (!has(pkt, off, PPPOE_SES_HLEN))
			return 0;
		off += PPPOE_SES_HLEN;
		type = get_unaligned((__be16 *)(pkt->skb->data + off - 2));
		if (type == htons(PPP_IP))
			type = htons(ETH_P_IP);
		else if (type == htons(PPP_IPV6))
			type = htons(ETH_P_IPV6);
		else
			return 0;
	}
	pkt->l3 = off;
	return type;
}

static bool l4_csum_is_bad(const struct ppe_pkt *pkt, u8 proto)
{
	u32 len = pkt->l3 + pkt->l3_len - pkt->l4;
	const u8 *l3 = pkt->skb->data + pkt->l3;
	const struct ipv6hdr *ip6 = (void *)l3;
	const struct iphdr *ip = (void *)l3;
	__wsum sum;

	sum = csum_partial(pkt->skb->data + pkt->l4, len, 0);
	if (pkt->is_ip6)
		return csum_ipv6_magic(&ip6->saddr, &ip6->daddr, len, proto,
				       sum);
	if (proto == IPPROTO_UDP &&
	    !((struct udphdr *)(pkt->skb->data + pkt->l4))->check)
		return false;
	return csum_tcpudp_magic(ip->saddr, ip->daddr, len, proto, sum);
}

/* Ports into the key, if there are any */
static void parse_l4(struct ppe_pkt *pkt, u8 proto, u16 off)
{
	bool tcp = proto == IPPROTO_TCP;
	const struct tcphdr *th;
	u32 len;

	len = tcp ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	if ((!tcp && proto != IPPROTO_UDP) ||
	    off + len > pkt->l3 + pkt->l3_len)
		return;
	pkt->l4 = off;
	pkt->bad_l4 = l4_csum_is_bad(pkt, proto);
	th = (void *)(pkt->skb->data + off);
	pkt->key.udp = !tcp;
	pkt->key.words[pkt->key.num - 1] = ntohs(th->source) << 16 |
					   ntohs(th->dest);
	pkt->tcp_stop = tcp && (th->fin || th->syn || th->rst);
}

static void parse_ip4(struct ppe_pkt *pkt)
{
	const struct iphdr *ip = (void *)(pkt->skb->data + pkt->l3);
	u16 off = pkt->l3 + ip->ihl * 4;

	if (ip->version != 4 || ip->ihl < 5 || !has(pkt, off, 0) ||
	    ntohs(ip->tot_len) < ip->ihl * 4 ||
	    !has(pkt, pkt->l3, ntohs(ip->tot_len))) {
		pkt->l3 = 0;
		return;
	}
	pkt->l3_len = ntohs(ip->tot_len);
	pkt->ttl = ip->ttl;
	pkt->bad_ip = ip_fast_csum(ip, ip->ihl);
	pkt->key.num = FOE_KEY_WORDS_IP4;
	pkt->key.words[0] = ntohl(ip->saddr);
	pkt->key.words[1] = ntohl(ip->daddr);
	pkt->key.words[2] = FOE_3T_PORTS(ip->protocol);
	if (ip->ihl > 5)
		pkt->reason = PPE_CPU_OPTIONS;
	else if (ip_is_fragment(ip))
		pkt->reason = ip->protocol == IPPROTO_TCP ||
			      ip->protocol == IPPROTO_UDP ?
			      PPE_CPU_IP4_NAPT_FRAG : PPE_CPU_IP4_NAT_FRAG;
	if (!ip_is_fragment(ip))
		parse_l4(pkt, ip->protocol, off);
}

static void parse_ip6(struct ppe_pkt *pkt)
{
	const struct ipv6hdr *ip6 = (void *)(pkt->skb->data + pkt->l3);
	u16 off = pkt->l3 + sizeof(*ip6);
	int i;

	if (ip6->version != 6 || !has(pkt, off, ntohs(ip6->payload_len))) {
		pkt->l3 = 0;
		return;
	}
	pkt->is_ip6 = true;
	pkt->l3_len = sizeof(*ip6) + ntohs(ip6->payload_len);
	pkt->ttl = ip6->hop_limit;
	pkt->key.num = FOE_KEY_WORDS_IP6;
	for (i = 0; i < 4; i++) {
		pkt->key.words[i] = ntohl(ip6->saddr.s6_addr32[i]);
		pkt->key.words[4 + i] = ntohl(ip6->daddr.s6_addr32[i]);
	}
	pkt->key.words[8] = FOE_3T_PORTS(ip6->nexthdr);
	if (ipv6_ext_hdr(ip6->nexthdr))
		pkt->reason = PPE_CPU_OPTIONS;
	else
		parse_l4(pkt, ip6->nexthdr, off);
}

/**
 * ppe_parse() - find headers and key, verify checksums
 * @pkt:	is filled in
 * @skb:	a frame that came over a wire
 * @sport:	where
 * @stag:	a switch has put its special tag into it
 */
void ppe_parse(struct ppe_pkt *pkt, struct sk_buff *skb, u8 sport, bool stag)
{
	__be16 type;

	*pkt = (struct ppe_pkt) {
		.skb = skb,
		.sport = sport,
		.stag = stag,
	};
	type = parse_l2(pkt);
	if (type == htons(ETH_P_IP) && has(pkt, pkt->l3, sizeof(struct iphdr)))
		parse_ip4(pkt);
	else if (type == htons(ETH_P_IPV6) &&
		 has(pkt, pkt->l3, sizeof(struct ipv6hdr)))
		parse_ip6(pkt);
	else
		pkt->l3 = 0;
	if (!pkt->l3 || is_multicast_ether_addr(skb->data))
		pkt->reason = PPE_CPU_NO_FLOW;
}

/* What it is when it has no ports, or these do not count */
static void parse_3t(struct ppe_pkt *pkt, u32 flow_cfg)
{
	u32 bit = pkt->is_ip6 ? PPE_FLOW_IP6_3T : PPE_FLOW_IP4_NAT;

	pkt->key.type = pkt->is_ip6 ? FOE_IP6_3T : FOE_IP4_HNAT;
	if (!(flow_cfg & bit))
		pkt->reason = pkt->is_ip6 ? PPE_CPU_IP6_NO_PORTS :
					    PPE_CPU_IP4_NO_PORTS;
}

/**
 * ppe_parse_flow() - which type of flow a frame is of, if of any
 * @pkt:	a frame that ppe_parse() has seen
 * @flow_cfg:	FLOW_CFG of the engine
 *
 * What its bits mean is from the vendor SDK.
 */
void ppe_parse_flow(struct ppe_pkt *pkt, u32 flow_cfg)
{
	u32 bit = pkt->is_ip6 ? PPE_FLOW_IP6_5T : PPE_FLOW_IP4_NAPT;

	if (pkt->reason == PPE_CPU_IP4_NAT_FRAG &&
	    flow_cfg & PPE_FLOW_IP4_NAT_FRAG)
		pkt->reason = 0;
	if (pkt->reason)
		return;
	if (pkt->l4 && flow_cfg & bit)
		pkt->key.type = pkt->is_ip6 ? FOE_IP6_5T : FOE_IP4_HNAPT;
	else if (!pkt->l4)
		parse_3t(pkt, flow_cfg);
	else
		pkt->reason = PPE_CPU_NO_FLOW;
}
