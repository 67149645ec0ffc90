// SPDX-License-Identifier: GPL-2.0
/* Frames for the KUnit tests of the modelled switch ASIC, written byte by byte
 * and with checksums of our own: those that come in, and those that have to
 * come out.
 */

#include <kunit/skbuff.h>
#include <linux/etherdevice.h>
#include <linux/unaligned.h>

#include "flow_kunit.h"

/* With the two bytes more that ether_addr_equal_64bits() reads. */
const u8 nfk_macs[][ETH_ALEN + 2] = {
	{ 0x02, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5 },
	{ 0x06, 0x51, 0x52, 0x53, 0x54, 0x55 },
	{ 0x0a, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5 },
};

static struct net_device nfk_dev = { .dev_addr = nfk_macs[0] };

static const u8 nfk_v4[] = { 0x45, 0xb8, 0, 0, 0x12, 0x34, 0x40 };
static const u8 nfk_v6[] = { 0x6b, 0x81, 0x23, 0x45 };
static const u8 nfk_tcp[] = { 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x81, 0x18,
			      0x20, 0, 0, 0, 0, 0, 1, 1, 8, 10, 9, 8, 7, 6,
			      5, 4, 3, 2 };
static const u8 nfk_udp[] = { 0, 0, 0, 0, 0, 8 + NFK_PAYLOAD, 0, 0 };
static const u8 nfk_gre[] = { 0x20, 0, 8, 0, 0xde, 0xad, 0xbe, 0xef };

void nfk_addr(enum nfk_end end, u8 *addr)
{
	static const u8 seed[] = { 0x20, 0xc6, 0xcb, 0x0a };
	int i;

	for (i = 0; i < sizeof(struct in6_addr); i++)
		addr[i] = seed[end] + i * 0x35;
}

u16 nfk_port(enum nfk_end end)
{
	static const u16 port[] = { 0xc1c2, 0x0050, 0xfedc, 0x1f90 };

	return port[end];
}

u16 nfk_sport(const struct nfk_frame *f)
{
	return f->sport ?: nfk_port(f->src);
}

static u16 nfk_sum(u32 sum, const u8 *p, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);

	return sum;
}

static u8 *nfk_put(u8 *p, const void *from, unsigned int len)
{
	memcpy(p, from, len);
	return p + len;
}

u8 *nfk_put16(u8 *p, u16 val)
{
	put_unaligned_be16(val, p);
	return p + sizeof(val);
}

void nfk_ip_check(const struct nfk_frame *f, struct nfk_bytes *b)
{
	u8 *ip = b->data + b->at[NFK_L3];

	if (f->family != AF_INET)
		return;

	nfk_put16(ip + 10, 0);
	nfk_put16(ip + 10, ~nfk_sum(0, ip, 20));
}

static void nfk_build_l3(const struct nfk_frame *f, struct nfk_bytes *b)
{
	unsigned int len = b->at[NFK_END] - b->at[NFK_L3];
	u8 *ip = b->data + b->at[NFK_L3];

	if (f->family == AF_INET) {
		nfk_put(ip, nfk_v4, sizeof(nfk_v4));
		nfk_put16(ip + 2, len);
		ip[8] = f->ttl;
		ip[9] = f->l4proto;
		/* The second one overwrites what is too much of the first. */
		nfk_addr(f->src, ip + 12);
		nfk_addr(f->dst, ip + 16);
		nfk_ip_check(f, b);
	} else {
		nfk_put(ip, nfk_v6, sizeof(nfk_v6));
		nfk_put16(ip + 4, len - 40);
		ip[6] = f->l4proto;
		ip[7] = f->ttl;
		nfk_addr(f->src, ip + 8);
		nfk_addr(f->dst, ip + 24);
	}
}

static unsigned int nfk_l4_len(const struct nfk_frame *f)
{
	return f->l4proto == IPPROTO_TCP ? sizeof(nfk_tcp) : 8;
}

static void nfk_build_l4(const struct nfk_frame *f, struct nfk_bytes *b)
{
	unsigned int i, len = b->at[NFK_END] - b->at[NFK_L4];
	u8 *l4 = b->data + b->at[NFK_L4];
	u8 *check = l4 + 6;
	u16 sum;

	memset(l4, 0xee, b->len - b->at[NFK_L4]);
	for (i = 0; i < NFK_PAYLOAD; i++)
		l4[len - NFK_PAYLOAD + i] = 0xa0 + i;
	if (f->l4proto == IPPROTO_GRE) {
		nfk_put(l4, nfk_gre, sizeof(nfk_gre));
		return;
	}
	if (f->l4proto == IPPROTO_TCP) {
		nfk_put(l4, nfk_tcp, sizeof(nfk_tcp));
		check = l4 + 16;
	} else {
		nfk_put(l4, nfk_udp, sizeof(nfk_udp));
	}
	nfk_put16(l4, nfk_sport(f));
	nfk_put16(l4 + 2, nfk_port(f->dst));
	if (f->csum == NFK_ZERO)
		return;

	i = f->family == AF_INET ? 8 : 32; /* the addresses */
	sum = nfk_sum(len + f->l4proto, l4 - i, i);
	if (f->csum == NFK_FULL)
		sum = ~nfk_sum(sum, l4, len);
	if (!sum && f->l4proto == IPPROTO_UDP)
		sum = 0xffff;
	nfk_put16(check, sum);
}

void nfk_build(const struct nfk_frame *f, struct nfk_bytes *b)
{
	bool v4 = f->family == AF_INET;
	u8 *p = b->data;
	unsigned int i, len;

	memset(b, 0, sizeof(*b));
	len = (v4 ? 20 : 40) + nfk_l4_len(f) + NFK_PAYLOAD;
	p = nfk_put(p, nfk_macs[f->hop], ETH_ALEN);
	p = nfk_put(p, nfk_macs[f->hop + 1], ETH_ALEN);
	for (i = 0; i < f->encap.tags; i++) {
		p = nfk_put16(p, f->encap.tag[i].tpid);
		p = nfk_put16(p, f->encap.tag[i].tci);
	}
	if (f->encap.sid) {
		p = nfk_put16(p, 0x8864);
		b->at[NFK_PPPOE] = p - b->data;
		p = nfk_put16(p, 0x1100);
		p = nfk_put16(p, f->encap.sid);
		p = nfk_put16(p, len + 2);
		p = nfk_put16(p, v4 ? 0x0021 : 0x0057);
	} else {
		p = nfk_put16(p, v4 ? 0x0800 : 0x86dd);
	}
	b->at[NFK_L3] = p - b->data;
	b->at[NFK_L4] = b->at[NFK_L3] + (v4 ? 20 : 40);
	b->at[NFK_END] = b->at[NFK_L3] + len;
	b->len = b->at[NFK_END] + f->pad;
	nfk_build_l3(f, b);
	nfk_build_l4(f, b);
}

/* The first @len bytes of a frame, @linear of them not in a page. Behind these
 * stands the rest of the frame, or with @junk nothing that makes sense.
 */
struct sk_buff *nfk_skb(struct kunit *test, const struct nfk_bytes *b,
			unsigned int headroom, unsigned int len,
			unsigned int linear, bool junk)
{
	unsigned int rest = len - linear, offset = PAGE_SIZE - rest;
	struct sk_buff *skb;
	struct page *page;

	skb = kunit_zalloc_skb(test, headroom + NFK_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, headroom);
	memcpy(skb->data, b->data, NFK_MAX);
	if (junk)
		memset(skb->data + linear, 0xff, NFK_MAX - linear);
	skb_put(skb, linear);
	if (rest) {
		page = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, page);
		memcpy(page_address(page) + offset, b->data + linear, rest);
		skb_add_rx_frag(skb, 0, page, offset, rest, PAGE_SIZE);
	}
	skb->protocol = eth_type_trans(skb, &nfk_dev);
	return skb;
}
