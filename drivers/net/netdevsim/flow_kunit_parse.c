// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of the modelled switch ASIC: the parser. */

#include <kunit/skbuff.h>
#include <linux/if_vlan.h>
#include <linux/module.h>

#include "flow_kunit.h"

static void nfk_want_pkt(const struct nfk_frame *f, const struct nfk_bytes *b,
			 struct nsim_flow_pkt *want)
{
	struct flow_ft_tuple *tuple = &want->tuple;
	u8 src[16], dst[16];
	int i;

	memset(want, 0, sizeof(*want));
	nfk_addr(f->src, src);
	nfk_addr(f->dst, dst);
	memcpy(&tuple->src_v6, src, f->family == AF_INET ? 4 : 16);
	memcpy(&tuple->dst_v6, dst, f->family == AF_INET ? 4 : 16);
	if (f->l4proto != IPPROTO_GRE) {
		tuple->sport = htons(nfk_sport(f));
		tuple->dport = htons(nfk_port(f->dst));
	}
	for (i = 0; i < f->encap.tags; i++) {
		tuple->vlan[i].proto = htons(f->encap.tag[i].tpid);
		tuple->vlan[i].vid = f->encap.tag[i].tci % 4096;
	}
	tuple->pppoe_sid = f->encap.sid;
	tuple->family = f->family;
	tuple->l4proto = f->l4proto;
	want->encap_len = b->at[NFK_L3] - ETH_HLEN;
	want->l3_len = b->at[NFK_END] - b->at[NFK_L3];
	want->thoff = b->at[NFK_L4] - b->at[NFK_L3];
	want->hdr_len = want->thoff + 8;
	want->ttl = f->ttl;
	if (f->l4proto == IPPROTO_TCP) {
		want->hdr_len = want->thoff + 20;
		want->tcp_flags = htons(0x118);
	} else if (f->l4proto == IPPROTO_GRE) {
		want->hdr_len = want->thoff + 4;
	}
}

static void nfk_expect(struct kunit *test, const struct nfk_frame *f,
		       const struct nfk_bytes *b, unsigned int len,
		       unsigned int linear, bool junk,
		       enum nsim_flow_counter verdict)
{
	struct sk_buff *skb = nfk_skb(test, b, 0, len, linear, junk);
	struct nsim_flow_pkt pkt, want;
	u8 data[NFK_MAX];

	memset(&pkt, 0xa5, sizeof(pkt));
	KUNIT_EXPECT_EQ_MSG(test, nsim_flow_parse(skb, &pkt), verdict,
			    "%u bytes, %u of them linear", len, linear);
	if (verdict == NSIM_FLOW_HIT) {
		nfk_want_pkt(f, b, &want);
		want.l3_room = pkt.l3_room;
		KUNIT_EXPECT_MEMEQ(test, &pkt, &want, sizeof(pkt));
	}

	/* The CPU gets it as it came. */
	KUNIT_EXPECT_PTR_EQ(test, skb_mac_header(skb), skb->data - ETH_HLEN);
	skb_push(skb, ETH_HLEN);
	KUNIT_EXPECT_EQ(test, skb->len, len);
	KUNIT_EXPECT_EQ(test, skb_copy_bits(skb, 0, data, len), 0);
	KUNIT_EXPECT_MEMEQ(test, data, b->data, len);
	kunit_kfree_skb(test, skb);
}

struct nfk_good {
	const char		*name;
	struct nfk_frame	f;
};

#define NFK_GOOD(_name, _family, _l4proto, ...)				\
	{ _name, { .family = (_family), .l4proto = (_l4proto),		\
		   .dst = NFK_SERVICE, .ttl = 64, __VA_ARGS__ } }
#define NFK_GOOD4(_name, ...) \
	NFK_GOOD(_name, AF_INET, IPPROTO_UDP, .encap = NFK_ENCAP(__VA_ARGS__))
#define NFK_GOOD6(_name, ...) \
	NFK_GOOD(_name, AF_INET6, IPPROTO_TCP, .encap = NFK_ENCAP(__VA_ARGS__))

static const struct nfk_good nfk_goods[] = {
	NFK_GOOD("IPv4 TCP", AF_INET, IPPROTO_TCP),
	NFK_GOOD("IPv4 UDP", AF_INET, IPPROTO_UDP),
	NFK_GOOD("IPv4 GRE", AF_INET, IPPROTO_GRE),
	NFK_GOOD("IPv6 TCP", AF_INET6, IPPROTO_TCP),
	NFK_GOOD("IPv6 UDP", AF_INET6, IPPROTO_UDP),
	NFK_GOOD("IPv6 GRE", AF_INET6, IPPROTO_GRE),
	NFK_GOOD("IPv4 padded", AF_INET, IPPROTO_UDP, .pad = 5),
	NFK_GOOD("IPv6 padded", AF_INET6, IPPROTO_UDP, .pad = 1),
	NFK_GOOD("IPv4 without UDP checksum", AF_INET, IPPROTO_UDP,
		 .csum = NFK_ZERO),
	{ "last TTL", { .family = AF_INET, .l4proto = IPPROTO_TCP,
			.dst = NFK_SERVICE, .ttl = 1 } },
	NFK_GOOD4("one tag IPv4", 0, 1, NFK_Q1),
	NFK_GOOD6("one tag IPv6", 0, 1, NFK_Q1),
	NFK_GOOD6("802.1ad", 0, 1, NFK_AD),
	NFK_GOOD4("priority tag", 0, 1, NFK_PRIO),
	NFK_GOOD4("two tags", 0, 2, NFK_Q1, NFK_Q2),
	NFK_GOOD6("802.1Q in 802.1ad", 0, 2, NFK_AD, NFK_Q1),
	NFK_GOOD4("priority tag in 802.1ad", 0, 2, NFK_AD, NFK_PRIO),
	NFK_GOOD4("PPPoE IPv4", 0x1234, 0),
	NFK_GOOD6("PPPoE IPv6", 0xffff, 0),
	NFK_GOOD4("PPPoE in a tag", 1, 1, NFK_Q1),
	NFK_GOOD6("PPPoE in two tags", 0x0100, 2, NFK_AD, NFK_Q1),
	NFK_GOOD("PPPoE padded", AF_INET, IPPROTO_TCP, .pad = 9,
		 .encap = NFK_ENCAP(0x1234, 1, NFK_Q1)),
};

KUNIT_ARRAY_PARAM_DESC(nfk_good, nfk_goods, name);

static void nfk_test_parse(struct kunit *test)
{
	const struct nfk_good *c = test->param_value;
	struct nfk_bytes b;
	unsigned int i;

	nfk_build(&c->f, &b);
	for (i = ETH_HLEN; i <= b.len; i++)
		nfk_expect(test, &c->f, &b, b.len, i, true, NSIM_FLOW_HIT);
}

/* A frame that ends too early, with what follows in memory and without. */
static void nfk_test_truncated(struct kunit *test)
{
	const struct nfk_good *c = test->param_value;
	struct nfk_bytes b;
	unsigned int i;

	nfk_build(&c->f, &b);
	for (i = ETH_HLEN; i < b.at[NFK_END]; i++) {
		nfk_expect(test, &c->f, &b, i, i, false,
			   NSIM_FLOW_PUNT_MALFORMED);
		nfk_expect(test, &c->f, &b, i, i, true,
			   NSIM_FLOW_PUNT_MALFORMED);
		nfk_expect(test, &c->f, &b, i, ETH_HLEN, false,
			   NSIM_FLOW_PUNT_MALFORMED);
	}
}

/* A length in a header that leaves no room for what must follow. */
static void nfk_test_lengths(struct kunit *test)
{
	const struct nfk_good *c = test->param_value;
	const struct nfk_frame *f = &c->f;
	bool v4 = f->family == AF_INET;
	struct nsim_flow_pkt pkt;
	unsigned int i, end;
	struct nfk_bytes b;
	u8 *field;

	nfk_build(f, &b);
	nfk_want_pkt(f, &b, &pkt);
	field = b.data + b.at[NFK_L3] + (v4 ? 2 : 4);
	end = pkt.hdr_len - (v4 ? 0 : 40);
	for (i = 0; i < end; i++) {
		nfk_put16(field, i);
		nfk_ip_check(f, &b);
		nfk_expect(test, f, &b, b.len, b.len, true,
			   NSIM_FLOW_PUNT_MALFORMED);
	}
	end = pkt.l3_len - (v4 ? 0 : 40) + (f->encap.sid ? 0 : f->pad);
	nfk_put16(field, end + 1);
	nfk_ip_check(f, &b);
	nfk_expect(test, f, &b, b.len, b.len, false, NSIM_FLOW_PUNT_MALFORMED);
	if (!f->encap.sid)
		return;

	nfk_build(f, &b);
	field = b.data + b.at[NFK_PPPOE] + 4;
	for (i = 0; i < pkt.l3_len + 2; i++) {
		nfk_put16(field, i);
		nfk_expect(test, f, &b, b.len, b.len, true,
			   NSIM_FLOW_PUNT_MALFORMED);
	}
	/* It may be longer than the packet, and not than the frame. */
	end = pkt.l3_len + 2 + f->pad;
	nfk_put16(field, end);
	nfk_expect(test, f, &b, b.len, b.len, true, NSIM_FLOW_HIT);
	nfk_put16(field, end + 1);
	nfk_expect(test, f, &b, b.len, b.len, false, NSIM_FLOW_PUNT_MALFORMED);
	nfk_put16(field, 0xffff);
	nfk_expect(test, f, &b, b.len, b.len, false, NSIM_FLOW_PUNT_MALFORMED);
}

struct nfk_patch {
	u8	layer;
	u8	off;
	u8	val;
};

struct nfk_bad {
	const char		*name;
	enum nsim_flow_counter	verdict;
	const struct nfk_frame	*f;
	struct nfk_patch	patch[3];
};

#define NFK_BASE(_name, _family, _l4proto, ...)				\
	static const struct nfk_frame _name = {				\
		.family = (_family), .l4proto = (_l4proto),		\
		.dst = NFK_SERVICE, .ttl = 64, __VA_ARGS__ }

NFK_BASE(nfk_tcp4, AF_INET, IPPROTO_TCP, .pad = 40);
NFK_BASE(nfk_tcp6, AF_INET6, IPPROTO_TCP);
NFK_BASE(nfk_udp4, AF_INET, IPPROTO_UDP);
NFK_BASE(nfk_gre4, AF_INET, IPPROTO_GRE);
NFK_BASE(nfk_gre6, AF_INET6, IPPROTO_GRE);
NFK_BASE(nfk_ppp4, AF_INET, IPPROTO_UDP, .encap = NFK_ENCAP(0x1234, 0));
NFK_BASE(nfk_ppp6, AF_INET6, IPPROTO_TCP,
	 .encap = NFK_ENCAP(0x1234, 1, NFK_Q1));
NFK_BASE(nfk_3tags, AF_INET, IPPROTO_UDP,
	 .encap = NFK_ENCAP(0, 3, NFK_AD, NFK_Q1, NFK_Q2));
NFK_BASE(nfk_3ppp, AF_INET6, IPPROTO_UDP,
	 .encap = NFK_ENCAP(0x1234, 3, NFK_Q1, NFK_Q2, NFK_Q3));

#define NFK_BAD(_name, _verdict, _f, ...)				\
	{ _name, NSIM_FLOW_PUNT_##_verdict, &(_f), { __VA_ARGS__ } }
#define NFK_AT(_layer, _off, _val)	{ NFK_##_layer, (_off), (_val) }

static const struct nfk_bad nfk_bads[] = {
	NFK_BAD("for another host", DMAC, nfk_tcp4, NFK_AT(ETH, 5, 0)),
	NFK_BAD("ARP", PROTO, nfk_tcp4, NFK_AT(ETH, 13, 0x06)),
	NFK_BAD("IPv6 as IPv4", MALFORMED, nfk_tcp6, NFK_AT(ETH, 12, 0x08),
		NFK_AT(ETH, 13, 0x00)),
	NFK_BAD("IPv4 as IPv6", MALFORMED, nfk_tcp4, NFK_AT(ETH, 12, 0x86),
		NFK_AT(ETH, 13, 0xdd)),
	NFK_BAD("three tags", PROTO, nfk_3tags),
	NFK_BAD("PPPoE in three tags", PROTO, nfk_3ppp),

	NFK_BAD("PPPoE discovery", PROTO, nfk_ppp4, NFK_AT(ETH, 13, 0x63)),
	NFK_BAD("PPPoE version 2", MALFORMED, nfk_ppp4, NFK_AT(PPPOE, 0, 0x21)),
	NFK_BAD("PPPoE type 2", MALFORMED, nfk_ppp4, NFK_AT(PPPOE, 0, 0x12)),
	NFK_BAD("PPPoE code PADT", PROTO, nfk_ppp4, NFK_AT(PPPOE, 1, 0xa7)),
	NFK_BAD("PPPoE code 1", PROTO, nfk_ppp6, NFK_AT(PPPOE, 1, 1)),
	NFK_BAD("PPPoE session 0", PROTO, nfk_ppp4, NFK_AT(PPPOE, 2, 0),
		NFK_AT(PPPOE, 3, 0)),
	NFK_BAD("PPPoE LCP", PROTO, nfk_ppp4, NFK_AT(PPPOE, 6, 0xc0)),
	NFK_BAD("PPPoE IPV6CP", PROTO, nfk_ppp6, NFK_AT(PPPOE, 6, 0x80)),
	NFK_BAD("PPPoE IPv4 as IPv6", MALFORMED, nfk_ppp4,
		NFK_AT(PPPOE, 7, 0x57)),
	NFK_BAD("PPPoE IPv6 as IPv4", MALFORMED, nfk_ppp6,
		NFK_AT(PPPOE, 7, 0x21)),

	NFK_BAD("IPv4 version 5", MALFORMED, nfk_tcp4, NFK_AT(L3, 0, 0x55)),
	NFK_BAD("IPv4 header too short", MALFORMED, nfk_tcp4,
		NFK_AT(L3, 0, 0x44)),
	NFK_BAD("IPv4 header longer than packet", MALFORMED, nfk_udp4,
		NFK_AT(L3, 0, 0x4f)),
	NFK_BAD("IPv4 options", OPTIONS, nfk_tcp4, NFK_AT(L3, 0, 0x46)),
	NFK_BAD("IPv4 options in PPPoE", OPTIONS, nfk_ppp4,
		NFK_AT(L3, 0, 0x4a)),
	NFK_BAD("IPv4 checksum", CHECKSUM, nfk_tcp4, NFK_AT(L3, 10, 0)),
	NFK_BAD("IPv4 checksum in PPPoE", CHECKSUM, nfk_ppp4,
		NFK_AT(L3, 11, 0)),
	NFK_BAD("IPv4 first fragment", FRAGMENT, nfk_tcp4,
		NFK_AT(L3, 6, 0x20)),
	NFK_BAD("IPv4 second fragment", FRAGMENT, nfk_tcp4,
		NFK_AT(L3, 6, 0x20), NFK_AT(L3, 7, 1)),
	NFK_BAD("IPv4 last fragment", FRAGMENT, nfk_udp4, NFK_AT(L3, 6, 0x1f)),
	NFK_BAD("IPv4 ICMP", PROTO, nfk_tcp4, NFK_AT(L3, 9, IPPROTO_ICMP)),
	NFK_BAD("IPv4 SCTP", PROTO, nfk_tcp4, NFK_AT(L3, 9, IPPROTO_SCTP)),

	NFK_BAD("IPv6 version 4", MALFORMED, nfk_tcp6, NFK_AT(L3, 0, 0x4b)),
	NFK_BAD("IPv6 hop-by-hop", OPTIONS, nfk_tcp6, NFK_AT(L3, 6, 0)),
	NFK_BAD("IPv6 routing", OPTIONS, nfk_tcp6, NFK_AT(L3, 6, 43)),
	NFK_BAD("IPv6 fragment", FRAGMENT, nfk_tcp6, NFK_AT(L3, 6, 44)),
	NFK_BAD("IPv6 AH", OPTIONS, nfk_tcp6, NFK_AT(L3, 6, 51)),
	NFK_BAD("IPv6 nothing", OPTIONS, nfk_tcp6, NFK_AT(L3, 6, 59)),
	NFK_BAD("IPv6 destination options", OPTIONS, nfk_ppp6,
		NFK_AT(L3, 6, 60)),
	NFK_BAD("IPv6 ESP", PROTO, nfk_tcp6, NFK_AT(L3, 6, 50)),
	NFK_BAD("IPv6 ICMP", PROTO, nfk_tcp6, NFK_AT(L3, 6, 58)),

	NFK_BAD("TCP data offset 0", MALFORMED, nfk_tcp4, NFK_AT(L4, 12, 0)),
	NFK_BAD("TCP data offset 4", MALFORMED, nfk_tcp6,
		NFK_AT(L4, 12, 0x40)),
	NFK_BAD("GRE version 1", PROTO, nfk_gre4, NFK_AT(L4, 1, 0x01)),
	NFK_BAD("GRE version 7", PROTO, nfk_gre6, NFK_AT(L4, 1, 0x07)),
};

KUNIT_ARRAY_PARAM_DESC(nfk_bad, nfk_bads, name);

static void nfk_test_punt(struct kunit *test)
{
	const struct nfk_bad *c = test->param_value;
	const struct nfk_patch *patch = c->patch;
	struct nfk_bytes b;
	unsigned int i;
	bool fix = true;

	nfk_build(c->f, &b);
	for (i = 0; i < ARRAY_SIZE(c->patch); i++) {
		if (!patch[i].layer && !patch[i].off)
			break;

		b.data[b.at[patch[i].layer] + patch[i].off] = patch[i].val;
		if (patch[i].layer != NFK_L3 || patch[i].off / 2 == 5)
			fix = false;
	}
	if (fix)
		nfk_ip_check(c->f, &b);

	for (i = ETH_HLEN; i <= b.len; i++)
		nfk_expect(test, c->f, &b, b.len, i, true, c->verdict);
}

/* A tag that a NIC has taken out is no frame of a wire. */
static void nfk_test_stripped_tag(struct kunit *test)
{
	struct nsim_flow_pkt pkt;
	struct nfk_bytes b;
	struct sk_buff *skb;

	nfk_build(&nfk_tcp4, &b);
	skb = nfk_skb(test, &b, 0, b.len, b.len, true);
	__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), 1);
	KUNIT_EXPECT_EQ(test, nsim_flow_parse(skb, &pkt),
			NSIM_FLOW_PUNT_PROTO);
	kunit_kfree_skb(test, skb);
}

static struct kunit_case nfk_parse_cases[] = {
	KUNIT_CASE_PARAM(nfk_test_parse, nfk_good_gen_params),
	KUNIT_CASE_PARAM(nfk_test_truncated, nfk_good_gen_params),
	KUNIT_CASE_PARAM(nfk_test_lengths, nfk_good_gen_params),
	KUNIT_CASE_PARAM(nfk_test_punt, nfk_bad_gen_params),
	KUNIT_CASE(nfk_test_stripped_tag),
	{}
};

static struct kunit_suite nfk_parse_suite = {
	.name = "netdevsim_flow_parse",
	.test_cases = nfk_parse_cases,
};

kunit_test_suites(&nfk_parse_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of the parser of netdevsim's flow table");
