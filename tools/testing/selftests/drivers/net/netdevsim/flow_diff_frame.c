// SPDX-License-Identifier: GPL-2.0
/* Frames of flow_differential: made, learned from and printed. */
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include "flow_diff_frame.h"
#include "flow_packet.h"

#define MTU_SAID	1400	/* by ICMP errors that say one */

/* IPv4 and IPv6; code */
static const uint8_t icmp_types[ICMP_ERRORS][2][2] = {
	[ICMP_PORT]	= { { 3, 3 }, { 1, 4 } },
	[ICMP_HOST]	= { { 3, 1 }, { 1, 3 } },
	[ICMP_BIG]	= { { 3, 4 }, { 2, 0 } },
	[ICMP_TIME]	= { { 11, 0 }, { 3, 0 } },
};

const uint8_t flow_macs[SIDES][2][ETH_ALEN] = {
	[CLIENT] = { { 2, 0, 0, 0, 1, 2 }, { 2, 0, 0, 0, 1, 1 } },
	[SERVER] = { { 2, 0, 0, 0, 2, 2 }, { 2, 0, 0, 0, 2, 1 } },
};

static uint8_t *put_numbers(uint8_t *p, const void *option,
			    const uint32_t *numbers)
{
	uint32_t number;
	int i;

	memcpy(p, option, 4);
	p += 4;
	for (i = 0; i < 2; i++, p += 4) {
		number = htonl(numbers[i]);
		memcpy(p, &number, 4);
	}

	return p;
}

static unsigned int put_tcp_options(const struct packet *pkt, uint8_t *opt)
{
	uint8_t *p = opt;

	if (pkt->stamped)
		p = put_numbers(p, "\1\1\10\12", pkt->stamps);
	if (pkt->flags & TH_SYN) {
		memcpy(p, "\2\4\5\264", 4);
		p += 4;
		if (pkt->sack_perm) {
			memcpy(p, "\1\1\4\2", 4);
			p += 4;
		}
		if (pkt->scale >= 0) {
			memcpy(p, "\1\3\3", 3);
			p[3] = pkt->scale;
			p += 4;
		}
	} else if (pkt->sack[0] != pkt->sack[1]) {
		p = put_numbers(p, "\1\1\5\12", pkt->sack);
	}

	return p - opt;
}

static uint8_t proto_of(const struct ends *ends, const struct packet *pkt)
{
	if (pkt->icmp)
		return ends->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	return pkt->udp ? IPPROTO_UDP : IPPROTO_TCP;
}

/* With the addresses */
static uint16_t l4_sum(const struct ends *ends, const struct packet *pkt,
		       const uint8_t *l4, unsigned int len)
{
	size_t addr_len = ends->family == AF_INET ? 4 : 16;
	uint32_t acc = len + proto_of(ends, pkt);

	acc = sum(&ends->addr[CLIENT], addr_len, acc);
	acc = sum(&ends->addr[SERVER], addr_len, acc);
	return fold(sum(l4, len, acc));
}

static void put_l4_sum(const struct ends *ends, const struct packet *pkt,
		       uint8_t *l4, unsigned int len)
{
	uint16_t *check = (uint16_t *)(l4 + (pkt->udp ? 6 : 16));

	*check = l4_sum(ends, pkt, l4, len);
	if (pkt->udp && !*check)
		*check = 0xffff;
	if (pkt->quirk == QUIRK_BAD_SUM)
		*check ^= htons(0x100);
	else if (pkt->quirk == QUIRK_NO_SUM)
		*check = 0;
}

static unsigned int put_l4(const struct ends *ends, const struct packet *pkt,
			   uint8_t *l4)
{
	unsigned int hdr = sizeof(struct udphdr), i;
	struct tcphdr *th = (void *)l4;
	struct udphdr *uh = (void *)l4;

	memset(l4, 0, sizeof(*th));
	uh->source = htons(ends->port[pkt->from]);
	uh->dest = htons(ends->port[!pkt->from]);
	if (pkt->udp) {
		uh->len = htons(hdr + pkt->len);
	} else {
		hdr = sizeof(*th) + put_tcp_options(pkt, l4 + sizeof(*th));
		th->seq = htonl(pkt->seq);
		th->ack_seq = htonl(pkt->flags & TH_ACK ? pkt->ack : 0);
		th->doff = pkt->quirk == QUIRK_DOFF ? 15 : hdr / 4;
		th->th_flags = pkt->flags;
		th->window = htons(pkt->win);
		if (pkt->flags & TH_URG)
			th->urg_ptr = htons(1);
	}
	for (i = 0; i < pkt->len; i++)
		l4[hdr + i] = pkt->seq + i + pkt->id;
	put_l4_sum(ends, pkt, l4, hdr + pkt->len);

	return hdr + pkt->len;
}

/* offset and more: of a fragment, or 0 */
static unsigned int put_ipv4(const struct ends *ends, const struct packet *pkt,
			     uint8_t *l3, unsigned int offset, bool more,
			     const uint8_t *l4, unsigned int len)
{
	unsigned int hdr = sizeof(struct iphdr);
	struct iphdr *iph = (void *)l3;

	if (pkt->quirk == QUIRK_OPTIONS)
		hdr += 8;
	memset(l3, 0, hdr);
	iph->version = 4;
	iph->ihl = hdr / 4;
	iph->tot_len = htons(hdr + len);
	iph->id = htons(pkt->id);
	iph->frag_off = htons(more || offset ? offset / 8 | (more ? IP_MF : 0) :
			      IP_DF);
	iph->ttl = pkt->ttl;
	iph->protocol = proto_of(ends, pkt);
	memcpy(&iph->saddr, &ends->addr[pkt->from], 4);
	memcpy(&iph->daddr, &ends->addr[!pkt->from], 4);
	if (pkt->quirk == QUIRK_OPTIONS)
		memset(iph + 1, IPOPT_NOP, 8);
	iph->check = fold(sum(l3, hdr, 0));
	if (pkt->quirk == QUIRK_BAD_IP_SUM)
		iph->check ^= htons(1);
	memcpy(l3 + hdr, l4 + offset, len);

	return hdr + len;
}

static unsigned int put_ipv6(const struct ends *ends, const struct packet *pkt,
			     uint8_t *l3, unsigned int offset, bool more,
			     const uint8_t *l4, unsigned int len)
{
	uint8_t proto = proto_of(ends, pkt);
	unsigned int hdr = sizeof(struct ip6_hdr);
	struct ip6_hdr *ip6h = (void *)l3;
	uint8_t *ext = l3 + hdr;

	memset(l3, 0, hdr + 8);
	ip6h->ip6_flow = htonl(6U << 28);
	ip6h->ip6_nxt = proto;
	ip6h->ip6_hlim = pkt->ttl;
	ip6h->ip6_src = ends->addr[pkt->from];
	ip6h->ip6_dst = ends->addr[!pkt->from];
	if (pkt->quirk == QUIRK_OPTIONS) {
		ip6h->ip6_nxt = IPPROTO_DSTOPTS;
		ext[0] = proto;
		ext[2] = IP6OPT_PADN;
		ext[3] = 4;
		hdr += 8;
	} else if (more || offset) {
		ip6h->ip6_nxt = IPPROTO_FRAGMENT;
		ext[0] = proto;
		ext[2] = offset >> 8;
		ext[3] = (offset & 0xf8) | more;
		memcpy(ext + 6, &pkt->id, 2);
		hdr += 8;
	}
	ip6h->ip6_plen = htons(hdr - sizeof(*ip6h) + len);
	memcpy(l3 + hdr, l4 + offset, len);

	return hdr + len;
}

static unsigned int put_icmp(const struct ends *ends, const struct packet *pkt,
			     uint8_t *l4)
{
	bool ipv4 = ends->family == AF_INET;
	const uint8_t *type = icmp_types[pkt->icmp][!ipv4];
	uint16_t *check = (uint16_t *)(l4 + 2);
	struct packet quoted = *pkt;
	uint8_t data[FRAME_MAX];
	unsigned int len;

	quoted.from = !pkt->from;
	quoted.icmp = ICMP_NONE;
	memset(l4, 0, 8);
	memcpy(l4, type, 2);
	if (pkt->icmp == ICMP_BIG) {
		l4[6] = MTU_SAID >> 8;
		l4[7] = MTU_SAID & 0xff;
	}
	len = put_l4(ends, &quoted, data);
	len = 8 + (ipv4 ? put_ipv4 : put_ipv6)(ends, &quoted, l4 + 8, 0, false,
					       data, len);
	*check = ipv4 ? fold(sum(l4, len, 0)) : l4_sum(ends, pkt, l4, len);

	return len;
}

static void put_frame(const struct ends *ends, const struct packet *pkt,
		      struct frame *f, unsigned int offset, bool more,
		      const uint8_t *l4, unsigned int len)
{
	bool ipv4 = ends->family == AF_INET;
	uint8_t *l3 = f->data + ETH_HLEN;

	memcpy(f->data, flow_macs[pkt->from][1], ETH_ALEN);
	memcpy(f->data + ETH_ALEN, flow_macs[pkt->from][0], ETH_ALEN);
	f->data[12] = (ipv4 ? ETH_P_IP : ETH_P_IPV6) >> 8;
	f->data[13] = (ipv4 ? ETH_P_IP : ETH_P_IPV6) & 0xff;
	f->len = ETH_HLEN + (ipv4 ? put_ipv4 : put_ipv6)(ends, pkt, l3, offset,
							 more, l4, len);
	if (pkt->quirk == QUIRK_PADDED) {
		memset(f->data + f->len, 0xa5, 7);
		f->len += 7;
	}
}

/* Return: number of frames that the packet is made of */
unsigned int put_packet(const struct ends *ends, const struct packet *pkt,
			struct frame *frames)
{
	bool back = pkt->quirk == QUIRK_FRAGMENTS_BACK;
	unsigned int len, cut;
	uint8_t l4[FRAME_MAX];

	len = (pkt->icmp ? put_icmp : put_l4)(ends, pkt, l4);
	cut = len / 2 & ~7;
	if ((pkt->quirk != QUIRK_FRAGMENTS && !back) || cut < 24) {
		put_frame(ends, pkt, frames, 0, false, l4, len);
		return 1;
	}

	put_frame(ends, pkt, &frames[back], 0, true, l4, cut);
	put_frame(ends, pkt, &frames[!back], cut, false, l4, len - cut);
	return 2;
}

/* The addresses of a frame that came out at the server: as he sees them */
bool learn_ends(const struct frame *f, struct ends *ends)
{
	const uint8_t *l3 = f->data + ETH_HLEN, *l4;

	if (ends->family == AF_INET) {
		if (f->len < ETH_HLEN + 28 || l3[0] >> 4 != 4)
			return false;
		l4 = l3 + (l3[0] & 15) * 4;
		memcpy(&ends->addr[CLIENT], l3 + 12, 4);
		memcpy(&ends->addr[SERVER], l3 + 16, 4);
	} else {
		if (f->len < ETH_HLEN + 48 || l3[0] >> 4 != 6)
			return false;
		l4 = l3 + sizeof(struct ip6_hdr);
		memcpy(&ends->addr[CLIENT], l3 + 8, 16);
		memcpy(&ends->addr[SERVER], l3 + 24, 16);
	}
	ends->port[CLIENT] = l4[0] << 8 | l4[1];
	ends->port[SERVER] = l4[2] << 8 | l4[3];
	return true;
}

/* ICMP errors over IPv4 and fragments of IPv6 get a number from the router, at
 * random: it is not compared.
 */
void forget_id(struct frame *f)
{
	struct ip6_hdr *ip6h = (void *)(f->data + ETH_HLEN);
	struct iphdr *iph = (void *)(f->data + ETH_HLEN);
	uint16_t proto = f->data[12] << 8 | f->data[13];

	if (f->len < ETH_HLEN + sizeof(*ip6h) + sizeof(struct ip6_frag))
		return;
	if (proto == ETH_P_IP && iph->protocol == IPPROTO_ICMP) {
		iph->id = 0;
		iph->check = 0;
	} else if (proto == ETH_P_IPV6 &&
		   ip6h->ip6_nxt == IPPROTO_FRAGMENT) {
		((struct ip6_frag *)(ip6h + 1))->ip6f_ident = 0;
	}
}

void dump_frame(const char *what, const struct frame *f)
{
	unsigned int i;

	printf("#   %s, %s (%u):", what, f->side ? "to server" : "to client",
	       f->len);
	for (i = 0; i < f->len && i < 110; i++)
		printf("%s%02x", i % 2 ? "" : " ", f->data[i]);
	putchar('\n');
}
