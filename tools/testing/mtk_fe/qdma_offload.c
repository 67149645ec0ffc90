// SPDX-License-Identifier: GPL-2.0
/*
 * Checksums and TCP segments on transmit.  The hardware knows nothing of what
 * the stack has prepared: it finds the headers in the frame, and the MSS where
 * the checksum of TCP will be.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/gso.h>
#include <net/ip6_checksum.h>

#include "mtk_fe.h"

/* Behind all tags; skb->protocol is what is there. */
static u32 find_ip(struct sk_buff *skb, bool stag)
{
	u32 off = ETH_HLEN;

	if (stag && is_stag(skb) && off + VLAN_HLEN <= skb->len)
		off += VLAN_HLEN;
	skb_reset_mac_header(skb);
	skb->protocol = get_unaligned((__be16 *)(skb->data + off - 2));
	while (eth_type_vlan(skb->protocol) && off + VLAN_HLEN <= skb->len) {
		off += VLAN_HLEN;
		skb->protocol = get_unaligned((__be16 *)(skb->data + off - 2));
	}
	skb->mac_len = off;
	return off;
}

/* Sets the offsets of the headers: the protocol above IP, or -1 */
static int find_headers(struct sk_buff *skb, bool stag)
{
	u32 off = find_ip(skb, stag);

	skb_set_network_header(skb, off);
	if (skb->protocol == htons(ETH_P_IP) &&
	    off + sizeof(struct iphdr) <= skb->len) {
		skb_set_transport_header(skb, off + ip_hdrlen(skb));
		return ip_is_fragment(ip_hdr(skb)) ? -1 : ip_hdr(skb)->protocol;
	}
	if (skb->protocol == htons(ETH_P_IPV6) &&
	    off + sizeof(struct ipv6hdr) <= skb->len) {
		skb_set_transport_header(skb, off + sizeof(struct ipv6hdr));
		return ipv6_hdr(skb)->nexthdr;
	}
	return -1;
}

/* What is above IP and below its checksum, to be complemented */
static __sum16 pseudo(struct sk_buff *skb, int proto)
{
	u32 len = skb_tail_pointer(skb) - skb_transport_header(skb);

	if (skb->protocol == htons(ETH_P_IP))
		return ~csum_tcpudp_magic(ip_hdr(skb)->saddr,
					  ip_hdr(skb)->daddr, len, proto, 0);
	return ~csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr,
				len, proto, 0);
}

/* Leaves the frame as the stack has it when checksums are still to be done */
static bool prepare_csum(struct sk_buff *skb, int proto, u16 *mss)
{
	u32 room = skb_tail_pointer(skb) - skb_transport_header(skb);

	if (proto == IPPROTO_TCP && room >= sizeof(struct tcphdr)) {
		*mss = ntohs((__force __be16)tcp_hdr(skb)->check);
		tcp_hdr(skb)->check = pseudo(skb, proto);
		skb->csum_offset = offsetof(struct tcphdr, check);
	} else if (proto == IPPROTO_UDP && room >= sizeof(struct udphdr)) {
		udp_hdr(skb)->check = pseudo(skb, proto);
		skb->csum_offset = offsetof(struct udphdr, check);
	} else {
		return false;
	}
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->ip_summed = CHECKSUM_PARTIAL;
	if (skb->protocol == htons(ETH_P_IP))
		ip_send_check(ip_hdr(skb));
	return true;
}

static struct sk_buff *segment(struct sk_buff *skb, u16 mss)
{
	bool ip4 = skb->protocol == htons(ETH_P_IP);
	struct sk_buff *segs;

	skb_shinfo(skb)->gso_size = mss;
	skb_shinfo(skb)->gso_type = ip4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	skb_shinfo(skb)->gso_segs = 0;
	segs = skb_gso_segment(skb, 0);
	if (IS_ERR_OR_NULL(segs)) {
		kfree_skb(skb);
		return NULL;
	}
	consume_skb(skb);
	return segs;
}

/**
 * qdma_offload() - do what the descriptor asks for
 * @skb:	the frame, which it takes
 * @tso:	cut it
 * @csum:	fill in checksums
 * @stag:	it may have the special tag of a switch
 *
 * Return: a list of frames, or NULL
 */
struct sk_buff *qdma_offload(struct sk_buff *skb, bool tso, bool csum,
			     bool stag)
{
	int proto;
	u16 mss = 0;

	if (!tso && !csum)
		return skb;
	proto = find_headers(skb, stag);
	if (!prepare_csum(skb, proto, &mss))
		goto drop;
	if (tso) {
		if (proto != IPPROTO_TCP || !mss)
			goto drop;
		return segment(skb, mss);
	}
	if (skb_checksum_help(skb))
		goto drop;
	return skb;

drop:
	kfree_skb(skb);
	return NULL;
}
