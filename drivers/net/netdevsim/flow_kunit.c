// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of the modelled switch ASIC: what comes out is compared byte by
 * byte with what has to.
 */

#include <kunit/skbuff.h>
#include <linux/if_vlan.h>
#include <linux/module.h>

#include "flow_kunit.h"

/* As nsim_flow_forward() does it, with the headroom that it asks for. */
static struct sk_buff *nfk_ingress(struct kunit *test,
				   const struct nfk_frame *in,
				   const struct flow_ft_rewrite *rewrite,
				   struct nsim_flow_pkt *pkt)
{
	unsigned int headroom = nsim_flow_headroom(rewrite);
	struct nfk_bytes b;
	struct sk_buff *skb;

	nfk_build(in, &b);
	skb = nfk_skb(test, &b, headroom, b.len, b.len, true);
	if (in->csum == NFK_PARTIAL) {
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = headroom + b.at[NFK_L4];
		skb->csum_offset = in->l4proto == IPPROTO_TCP ? 16 : 6;
	}

	KUNIT_ASSERT_EQ(test, nsim_flow_parse(skb, pkt), NSIM_FLOW_HIT);
	KUNIT_ASSERT_EQ(test, 0, skb_cow_head(skb, ETH_HLEN + headroom));
	KUNIT_ASSERT_EQ(test, 0, pskb_trim_rcsum(skb, pkt->encap_len +
						      pkt->l3_len));
	skb_set_transport_header(skb, pkt->encap_len + pkt->thoff);
	return skb;
}

static void nfk_rewrite(const struct nfk_frame *in, const struct nfk_frame *out,
			unsigned int pop, struct flow_ft_rewrite *rewrite)
{
	unsigned int i, len = in->family == AF_INET ? 4 : 16;
	u8 src[16], dst[16];

	memset(rewrite, 0, sizeof(*rewrite));
	rewrite->set = FLOW_FT_SET_ETH_DST | FLOW_FT_SET_ETH_SRC;
	memcpy(rewrite->eth_dst, nfk_macs[out->hop], ETH_ALEN);
	memcpy(rewrite->eth_src, nfk_macs[out->hop + 1], ETH_ALEN);

	nfk_addr(out->src, src);
	nfk_addr(out->dst, dst);
	memcpy(&rewrite->saddr_v6, src, len);
	memcpy(&rewrite->daddr_v6, dst, len);
	rewrite->sport = htons(nfk_sport(out));
	rewrite->dport = htons(nfk_port(out->dst));
	if (in->src != out->src)
		rewrite->set |= FLOW_FT_SET_SADDR;
	if (in->dst != out->dst)
		rewrite->set |= FLOW_FT_SET_DADDR;
	if (in->l4proto != IPPROTO_GRE && nfk_sport(in) != nfk_sport(out))
		rewrite->set |= FLOW_FT_SET_SPORT;
	if (in->l4proto != IPPROTO_GRE && in->dst != out->dst)
		rewrite->set |= FLOW_FT_SET_DPORT;

	rewrite->pppoe_pop = in->encap.sid;
	rewrite->pppoe_sid = out->encap.sid;
	if (out->encap.sid)
		rewrite->set |= FLOW_FT_SET_PPPOE;
	rewrite->vlan_pop = pop;
	rewrite->vlan_push_num = out->encap.tags - (in->encap.tags - pop);
	for (i = 0; i < rewrite->vlan_push_num; i++) {
		rewrite->vlan_push[i].proto = htons(out->encap.tag[i].tpid);
		rewrite->vlan_push[i].vid = out->encap.tag[i].tci;
	}
}

/* The last steps before a wire. */
static struct sk_buff *nfk_egress(struct kunit *test, struct sk_buff *skb)
{
	if (skb_vlan_tag_present(skb))
		skb = __vlan_hwaccel_push_inside(skb);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		KUNIT_EXPECT_EQ(test, skb_checksum_help(skb), 0);

	return skb;
}

static void nfk_expect_proto(struct kunit *test, const struct sk_buff *skb)
{
	KUNIT_EXPECT_PTR_EQ(test, skb_mac_header(skb), skb->data);
	KUNIT_EXPECT_MEMEQ(test, &skb->protocol, skb->data + 2 * ETH_ALEN,
			   sizeof(skb->protocol));
}

static void nfk_forward(struct kunit *test, const struct nfk_frame *in,
			const struct nfk_frame *out, unsigned int pop)
{
	struct flow_ft_rewrite rewrite;
	struct nfk_frame sent = *out;
	struct nsim_flow_pkt pkt;
	unsigned char *head;
	struct nfk_bytes b;
	struct sk_buff *skb;

	if (sent.csum == NFK_PARTIAL)
		sent.csum = NFK_FULL;
	nfk_build(&sent, &b);
	nfk_rewrite(in, out, pop, &rewrite);
	skb = nfk_ingress(test, in, &rewrite, &pkt);
	head = skb->head;

	nsim_flow_rewrite(skb, &pkt, &rewrite);
	skb_push(skb, ETH_HLEN);
	KUNIT_EXPECT_EQ(test, nsim_flow_encap(skb, &pkt, &rewrite), 0);
	nfk_expect_proto(test, skb);
	KUNIT_EXPECT_EQ(test, b.len, skb->len +
			(skb_vlan_tag_present(skb) ? VLAN_HLEN : 0));

	skb = nfk_egress(test, skb);
	nfk_expect_proto(test, skb);
	KUNIT_EXPECT_PTR_EQ(test, skb->head, head);
	KUNIT_EXPECT_EQ(test, skb_transport_offset(skb), b.at[NFK_L4]);
	KUNIT_EXPECT_EQ(test, skb->len, b.len);
	if (skb->len == b.len)
		KUNIT_EXPECT_MEMEQ(test, skb->data, b.data, b.len);
	kunit_kfree_skb(test, skb);
}

struct nfk_encap_case {
	const char		*name;
	struct nfk_encap	in;
	unsigned int		pop;
	struct nfk_encap	out;
};

static const struct nfk_encap_case nfk_encaps[] = {
	{ "nothing", NFK_ENCAP(0, 0), 0, NFK_ENCAP(0, 0) },
	{ "keep 1", NFK_ENCAP(0, 1, NFK_Q1), 0, NFK_ENCAP(0, 1, NFK_Q1) },
	{ "keep 2", NFK_ENCAP(0, 2, NFK_AD, NFK_Q2), 0,
	  NFK_ENCAP(0, 2, NFK_AD, NFK_Q2) },
	{ "pop 1 of 1", NFK_ENCAP(0, 1, NFK_Q1), 1, NFK_ENCAP(0, 0) },
	{ "pop 1 of 1, 802.1ad", NFK_ENCAP(0, 1, NFK_AD), 1, NFK_ENCAP(0, 0) },
	{ "pop 1 of 1, priority", NFK_ENCAP(0, 1, NFK_PRIO), 1,
	  NFK_ENCAP(0, 0) },
	{ "pop 1 of 2", NFK_ENCAP(0, 2, NFK_Q1, NFK_Q2), 1,
	  NFK_ENCAP(0, 1, NFK_Q2) },
	{ "pop 1 of 2, 802.1ad", NFK_ENCAP(0, 2, NFK_AD, NFK_Q1), 1,
	  NFK_ENCAP(0, 1, NFK_Q1) },
	{ "pop 1 of 2, keep priority", NFK_ENCAP(0, 2, NFK_AD, NFK_PRIO), 1,
	  NFK_ENCAP(0, 1, NFK_PRIO) },
	{ "pop 2 of 2", NFK_ENCAP(0, 2, NFK_AD, NFK_Q2), 2, NFK_ENCAP(0, 0) },
	{ "push 1", NFK_ENCAP(0, 0), 0, NFK_ENCAP(0, 1, NFK_P1) },
	{ "push 2", NFK_ENCAP(0, 0), 0, NFK_ENCAP(0, 2, NFK_P2, NFK_P1) },
	{ "push 1 on 1", NFK_ENCAP(0, 1, NFK_Q1), 0,
	  NFK_ENCAP(0, 2, NFK_P2, NFK_Q1) },
	{ "push 1 on 2", NFK_ENCAP(0, 2, NFK_AD, NFK_Q1), 0,
	  NFK_ENCAP(0, 3, NFK_P1, NFK_AD, NFK_Q1) },
	{ "push 2 on 2", NFK_ENCAP(0, 2, NFK_AD, NFK_Q1), 0,
	  NFK_ENCAP(0, 4, NFK_P2, NFK_P1, NFK_AD, NFK_Q1) },
	{ "pop 1 of 1, push 1", NFK_ENCAP(0, 1, NFK_Q1), 1,
	  NFK_ENCAP(0, 1, NFK_P1) },
	{ "pop 1 of 2, push 1", NFK_ENCAP(0, 2, NFK_AD, NFK_Q2), 1,
	  NFK_ENCAP(0, 2, NFK_P2, NFK_Q2) },
	{ "pop 1 of 2, push 2", NFK_ENCAP(0, 2, NFK_AD, NFK_Q2), 1,
	  NFK_ENCAP(0, 3, NFK_P2, NFK_P1, NFK_Q2) },
	{ "pop 2 of 2, push 2", NFK_ENCAP(0, 2, NFK_Q1, NFK_Q2), 2,
	  NFK_ENCAP(0, 2, NFK_P2, NFK_P1) },

	{ "PPPoE pop", NFK_ENCAP(0x1234, 0), 0, NFK_ENCAP(0, 0) },
	{ "PPPoE push", NFK_ENCAP(0, 0), 0, NFK_ENCAP(0x8001, 0) },
	{ "PPPoE pop and push", NFK_ENCAP(0x1234, 0), 0, NFK_ENCAP(1, 0) },
	{ "PPPoE pop, keep 1", NFK_ENCAP(0x1234, 1, NFK_Q1), 0,
	  NFK_ENCAP(0, 1, NFK_Q1) },
	{ "PPPoE pop, keep 2", NFK_ENCAP(0x1234, 2, NFK_AD, NFK_Q1), 0,
	  NFK_ENCAP(0, 2, NFK_AD, NFK_Q1) },
	{ "PPPoE pop, pop 1 of 1", NFK_ENCAP(0x1234, 1, NFK_Q1), 1,
	  NFK_ENCAP(0, 0) },
	{ "PPPoE pop, pop 1 of 2", NFK_ENCAP(0x1234, 2, NFK_AD, NFK_Q1), 1,
	  NFK_ENCAP(0, 1, NFK_Q1) },
	{ "PPPoE pop, pop 2 of 2", NFK_ENCAP(0x1234, 2, NFK_Q1, NFK_Q2), 2,
	  NFK_ENCAP(0, 0) },
	{ "PPPoE pop, push 2", NFK_ENCAP(0x1234, 0), 0,
	  NFK_ENCAP(0, 2, NFK_P2, NFK_P1) },
	{ "PPPoE pop, pop 1, push 1", NFK_ENCAP(0x1234, 1, NFK_Q1), 1,
	  NFK_ENCAP(0, 1, NFK_P1) },
	{ "PPPoE push in 1 kept", NFK_ENCAP(0, 1, NFK_Q1), 0,
	  NFK_ENCAP(0x8001, 1, NFK_Q1) },
	{ "PPPoE push in 2 kept", NFK_ENCAP(0, 2, NFK_AD, NFK_Q1), 0,
	  NFK_ENCAP(0x8001, 2, NFK_AD, NFK_Q1) },
	{ "PPPoE push, pop 1 of 2", NFK_ENCAP(0, 2, NFK_AD, NFK_Q1), 1,
	  NFK_ENCAP(0x8001, 1, NFK_Q1) },
	{ "PPPoE push, push 1", NFK_ENCAP(0, 0), 0,
	  NFK_ENCAP(0x8001, 1, NFK_P1) },
	{ "PPPoE push, push 2", NFK_ENCAP(0, 0), 0,
	  NFK_ENCAP(0x8001, 2, NFK_P2, NFK_P1) },
	{ "PPPoE push, push 2 on 2", NFK_ENCAP(0, 2, NFK_AD, NFK_Q1), 0,
	  NFK_ENCAP(0x8001, 4, NFK_P2, NFK_P1, NFK_AD, NFK_Q1) },
	{ "PPPoE push, pop 1 of 2, push 2", NFK_ENCAP(0, 2, NFK_AD, NFK_Q1), 1,
	  NFK_ENCAP(0x8001, 3, NFK_P2, NFK_P1, NFK_Q1) },
	{ "PPPoE pop and push, keep 1", NFK_ENCAP(0x1234, 1, NFK_Q1), 0,
	  NFK_ENCAP(0x8001, 1, NFK_Q1) },
	{ "PPPoE pop and push, pop 1 of 2",
	  NFK_ENCAP(0x1234, 2, NFK_AD, NFK_Q1), 1,
	  NFK_ENCAP(0x8001, 1, NFK_Q1) },
	{ "PPPoE pop and push, pop 2, push 2",
	  NFK_ENCAP(0x1234, 2, NFK_AD, NFK_Q1), 2,
	  NFK_ENCAP(0x8001, 2, NFK_P2, NFK_P1) },
};

KUNIT_ARRAY_PARAM_DESC(nfk_encap, nfk_encaps, name);

struct nfk_flow {
	const char	*name;
	u8		family;
	u8		l4proto;
	enum nfk_csum	csum;
};

static const struct nfk_flow nfk_flows[] = {
	{ "IPv4 TCP", AF_INET, IPPROTO_TCP },
	{ "IPv4 TCP, checksum partial", AF_INET, IPPROTO_TCP, NFK_PARTIAL },
	{ "IPv4 UDP", AF_INET, IPPROTO_UDP },
	{ "IPv4 UDP, checksum partial", AF_INET, IPPROTO_UDP, NFK_PARTIAL },
	{ "IPv4 UDP, no checksum", AF_INET, IPPROTO_UDP, NFK_ZERO },
	{ "IPv4 GRE", AF_INET, IPPROTO_GRE },
	{ "IPv6 TCP", AF_INET6, IPPROTO_TCP },
	{ "IPv6 TCP, checksum partial", AF_INET6, IPPROTO_TCP, NFK_PARTIAL },
	{ "IPv6 UDP", AF_INET6, IPPROTO_UDP },
	{ "IPv6 UDP, checksum partial", AF_INET6, IPPROTO_UDP, NFK_PARTIAL },
	{ "IPv6 UDP, no checksum", AF_INET6, IPPROTO_UDP, NFK_ZERO },
	{ "IPv6 GRE", AF_INET6, IPPROTO_GRE },
};

KUNIT_ARRAY_PARAM_DESC(nfk_flow, nfk_flows, name);

static const struct nfk_flow nfk_mangled[] = {
	{ "IPv4", AF_INET, IPPROTO_UDP },
	{ "IPv4, checksum partial", AF_INET, IPPROTO_UDP, NFK_PARTIAL },
	{ "IPv6", AF_INET6, IPPROTO_UDP },
	{ "IPv6, checksum partial", AF_INET6, IPPROTO_UDP, NFK_PARTIAL },
};

KUNIT_ARRAY_PARAM_DESC(nfk_mangled, nfk_mangled, name);

static void nfk_init(const struct nfk_flow *flow, bool snat, bool dnat,
		     struct nfk_frame *in, struct nfk_frame *out)
{
	*in = (struct nfk_frame){
		.family = flow->family, .l4proto = flow->l4proto,
		.csum = flow->csum, .dst = NFK_SERVICE, .ttl = 64,
	};
	*out = *in;
	out->ttl--;
	out->hop++;
	if (snat)
		out->src = NFK_ROUTER;
	if (dnat)
		out->dst = NFK_BACKEND;
}

/* With NAT and without, padded and not: 4 times each kind of packet. */
static void nfk_test_encap(struct kunit *test)
{
	const struct nfk_encap_case *c = test->param_value;
	struct nfk_frame in, out;
	unsigned int i;

	for (i = 0; i < 4 * ARRAY_SIZE(nfk_flows); i++) {
		nfk_init(&nfk_flows[i / 4], i & 1, i & 1, &in, &out);
		in.encap = c->in;
		out.encap = c->out;
		if (i & 2)
			in.pad = 7;
		nfk_forward(test, &in, &out, c->pop);
	}
}

static void nfk_test_nat(struct kunit *test)
{
	struct nfk_frame in, out;
	int i;

	for (i = 0; i < 4; i++) {
		nfk_init(test->param_value, i & 1, i & 2, &in, &out);
		nfk_forward(test, &in, &out, 0);
	}
}

static void nfk_test_ttl(struct kunit *test)
{
	struct nfk_frame in, out;
	int ttl;

	for (ttl = 2; ttl < 256; ttl++) {
		nfk_init(test->param_value, false, false, &in, &out);
		in.ttl = ttl;
		out.ttl = ttl - 1;
		nfk_forward(test, &in, &out, 0);
	}
}

/* NAT to the port with which the checksum of UDP is 0, and back: 0 would say
 * that there is none.
 */
static void nfk_test_udp_mangled(struct kunit *test)
{
	struct nfk_frame in, out, full;
	struct nfk_bytes b;
	u32 check, port;

	nfk_init(test->param_value, true, false, &in, &out);
	full = out;
	full.csum = NFK_FULL;
	nfk_build(&full, &b);
	check = b.data[b.at[NFK_L4] + 6] << 8 | b.data[b.at[NFK_L4] + 7];
	port = nfk_sport(&full) + check;
	out.sport = (port & 0xffff) + (port >> 16);

	full.sport = out.sport;
	nfk_build(&full, &b);
	KUNIT_ASSERT_EQ(test, b.data[b.at[NFK_L4] + 6], 0xff);
	KUNIT_ASSERT_EQ(test, b.data[b.at[NFK_L4] + 7], 0xff);
	nfk_forward(test, &in, &out, 0);

	out.hop = 0;
	in.hop = 1;
	in.ttl = out.ttl - 1;
	nfk_forward(test, &out, &in, 0);
}

static void nfk_test_headroom(struct kunit *test)
{
	struct flow_ft_rewrite rewrite = {};

	KUNIT_EXPECT_EQ(test, nsim_flow_headroom(&rewrite), 2 * 4);
	rewrite.set = FLOW_FT_SET_PPPOE;
	KUNIT_EXPECT_EQ(test, nsim_flow_headroom(&rewrite), 2 * 4 + 8);
}

static struct kunit_case nfk_cases[] = {
	KUNIT_CASE_PARAM(nfk_test_encap, nfk_encap_gen_params),
	KUNIT_CASE_PARAM(nfk_test_nat, nfk_flow_gen_params),
	KUNIT_CASE_PARAM(nfk_test_ttl, nfk_flow_gen_params),
	KUNIT_CASE_PARAM(nfk_test_udp_mangled, nfk_mangled_gen_params),
	KUNIT_CASE(nfk_test_headroom),
	{}
};

static struct kunit_suite nfk_suite = {
	.name = "netdevsim_flow_rewrite",
	.test_cases = nfk_cases,
};

kunit_test_suites(&nfk_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of the flow table of netdevsim");
