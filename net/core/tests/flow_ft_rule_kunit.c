// SPDX-License-Identifier: GPL-2.0
/* Tests of the decoder of flowtable rules. Rules are built word by word as
 * nf_flow_table_offload.c and act_ct.c do.
 */

#include <kunit/test.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/ppp_defs.h>
#include <linux/tc_act/tc_csum.h>
#include <linux/tcp.h>
#include <net/flow_ft.h>
#include <net/flow_offload.h>

#define FTR_ACTIONS	24	/* NF_FLOW_RULE_ACTION_MAX */
#define FTR_IFINDEX	7
#define FTR_SID		0x1234

/* Laid out as struct nf_flow_key, and what only tc knows at the end. */
struct ftr_keys {
	struct flow_dissector_key_meta			meta;
	struct flow_dissector_key_control		control;
	struct flow_dissector_key_basic			basic;
	struct flow_dissector_key_vlan			vlan;
	struct flow_dissector_key_vlan			cvlan;
	union {
		struct flow_dissector_key_ipv4_addrs	ipv4;
		struct flow_dissector_key_ipv6_addrs	ipv6;
	};
	struct flow_dissector_key_tcp			tcp;
	struct flow_dissector_key_ports			tp;
	struct flow_dissector_key_pppoe			pppoe;
} __aligned(BITS_PER_LONG / 8);

struct ftr {
	struct flow_dissector		dissector;
	struct ftr_keys			key;
	struct ftr_keys			mask;
	enum flow_ft_mangle_order	order;
	struct flow_rule		*rule;
};

struct ftr_end {
	struct in6_addr	addr;	/* IPv4: the first word */
	__be16		port;
};

struct ftr_tuple {
	struct ftr_end	src;
	struct ftr_end	dst;
};

struct ftr_encap {
	u8	vlans;
	bool	pppoe;
};

/* One direction of a connection: what comes in, and the reverse of what goes
 * out.
 */
struct ftr_flow {
	u8			family;
	u8			l4proto;
	bool			nat_src;
	bool			nat_dst;
	struct ftr_tuple	tuple;
	struct ftr_tuple	other;
	struct ftr_encap	in;
	struct ftr_encap	out;
};

static const u8 ftr_eth_dst[] = { 0x02, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5 };
static const u8 ftr_eth_src[] = { 0x06, 0x51, 0x52, 0x53, 0x54, 0x55 };

#define FTR_END(_addr, _port)						\
	{ { { .u6_addr32 = { htonl(_addr), htonl(0x11121314),		\
			     htonl(0x21222324), htonl(0x3132) } } },	\
	  htons(_port) }

static const struct ftr_end ftr_client = FTR_END(0x20010db8, 0xc1c2);
static const struct ftr_end ftr_service = FTR_END(0xc6336401, 0x0050);
static const struct ftr_end ftr_router = FTR_END(0xcb007105, 0xfedc);
static const struct ftr_end ftr_backend = FTR_END(0x0a636261, 0x1f90);

/* Never looked into by the decoder. */
static struct net_device ftr_egress;

static struct flow_action_entry *ftr_action(struct ftr *t,
					    enum flow_action_id id)
{
	struct flow_action *action = &t->rule->action;
	struct flow_action_entry *act;

	action->num_entries++;
	act = &action->entries[action->num_entries - 1];
	act->hw_stats = FLOW_ACTION_HW_STATS_DONT_CARE;
	act->id = id;
	return act;
}

static void ftr_mangle(struct ftr *t, enum flow_action_mangle_base htype,
		       u32 offset, const void *val, const void *mask)
{
	struct flow_action_entry *act = ftr_action(t, FLOW_ACTION_MANGLE);

	act->mangle.htype = htype;
	act->mangle.offset = offset;
	memcpy(&act->mangle.mask, mask, sizeof(u32));
	memcpy(&act->mangle.val, val, sizeof(u32));
}

static void ftr_key(struct ftr *t, enum flow_dissector_key_id id, void *key,
		    size_t len)
{
	size_t offset = key - (void *)&t->key;

	t->dissector.used_keys |= BIT_ULL(id);
	t->dissector.offset[id] = offset;
	memset(key, 0, len);
	memset((void *)&t->mask + offset, 0, len);
}

static bool ftr_has_ports(const struct ftr_flow *flow)
{
	return flow->l4proto != IPPROTO_GRE;
}

static void ftr_match_l3(struct ftr *t, const struct ftr_flow *flow)
{
	const struct ftr_tuple *tuple = &flow->tuple;

	if (flow->family == AF_INET) {
		ftr_key(t, FLOW_DISSECTOR_KEY_IPV4_ADDRS, &t->key.ipv4,
			sizeof(t->key.ipv4));
		t->key.basic.n_proto = htons(ETH_P_IP);
		t->key.ipv4.src = tuple->src.addr.s6_addr32[0];
		t->key.ipv4.dst = tuple->dst.addr.s6_addr32[0];
		memset(&t->mask.ipv4, 0xff, sizeof(t->mask.ipv4));
		t->key.control.addr_type = FLOW_DISSECTOR_KEY_IPV4_ADDRS;
	} else {
		ftr_key(t, FLOW_DISSECTOR_KEY_IPV6_ADDRS, &t->key.ipv6,
			sizeof(t->key.ipv6));
		t->key.basic.n_proto = htons(ETH_P_IPV6);
		t->key.ipv6.src = tuple->src.addr;
		t->key.ipv6.dst = tuple->dst.addr;
		memset(&t->mask.ipv6, 0xff, sizeof(t->mask.ipv6));
		t->key.control.addr_type = FLOW_DISSECTOR_KEY_IPV6_ADDRS;
	}
	t->mask.control.addr_type = 0xffff;
	t->mask.basic.n_proto = htons(0xffff);
}

static void ftr_match_l4(struct ftr *t, const struct ftr_flow *flow)
{
	u32 flags;

	t->key.basic.ip_proto = flow->l4proto;
	t->mask.basic.ip_proto = 0xff;

	if (flow->l4proto == IPPROTO_TCP) {
		ftr_key(t, FLOW_DISSECTOR_KEY_TCP, &t->key.tcp,
			sizeof(t->key.tcp));
		flags = be32_to_cpu(TCP_FLAG_SYN | TCP_FLAG_RST |
				    TCP_FLAG_FIN);
		t->mask.tcp.flags = cpu_to_be16(flags >> 16);
	}
	if (!ftr_has_ports(flow))
		return;

	ftr_key(t, FLOW_DISSECTOR_KEY_PORTS, &t->key.tp, sizeof(t->key.tp));
	t->key.tp.src = flow->tuple.src.port;
	t->key.tp.dst = flow->tuple.dst.port;
	t->mask.tp.src = htons(0xffff);
	t->mask.tp.dst = htons(0xffff);
}

static void ftr_match_vlan(struct flow_dissector_key_vlan *key,
			   struct flow_dissector_key_vlan *mask, u16 vid)
{
	key->vlan_id = vid;
	mask->vlan_id = 0xfff;
	key->vlan_tpid = htons(ETH_P_8021Q);
	mask->vlan_tpid = htons(0xffff);
}

static void ftr_match_encap(struct ftr *t, const struct ftr_flow *flow)
{
	if (flow->in.vlans > 0) {
		ftr_key(t, FLOW_DISSECTOR_KEY_VLAN, &t->key.vlan,
			sizeof(t->key.vlan));
		ftr_match_vlan(&t->key.vlan, &t->mask.vlan, 0xa01);
	}
	if (flow->in.vlans > 1) {
		ftr_key(t, FLOW_DISSECTOR_KEY_CVLAN, &t->key.cvlan,
			sizeof(t->key.cvlan));
		ftr_match_vlan(&t->key.cvlan, &t->mask.cvlan, 0xa02);
	}
	if (!flow->in.pppoe)
		return;

	ftr_key(t, FLOW_DISSECTOR_KEY_PPPOE, &t->key.pppoe,
		sizeof(t->key.pppoe));
	t->key.pppoe.session_id = htons(FTR_SID);
	t->key.pppoe.ppp_proto = flow->family == AF_INET ? htons(PPP_IP) :
							   htons(PPP_IPV6);
	t->key.pppoe.type = htons(ETH_P_PPP_SES);
	memset(&t->mask.pppoe, 0xff, sizeof(t->mask.pppoe));
}

static void ftr_match(struct ftr *t, const struct ftr_flow *flow)
{
	ftr_key(t, FLOW_DISSECTOR_KEY_META, &t->key.meta, sizeof(t->key.meta));
	ftr_key(t, FLOW_DISSECTOR_KEY_CONTROL, &t->key.control,
		sizeof(t->key.control));
	ftr_key(t, FLOW_DISSECTOR_KEY_BASIC, &t->key.basic,
		sizeof(t->key.basic));
	t->key.meta.ingress_ifindex = FTR_IFINDEX;
	t->mask.meta.ingress_ifindex = 0xffffffff;
	ftr_match_l3(t, flow);
	ftr_match_l4(t, flow);
	ftr_match_encap(t, flow);
}

/* The core's words come out as these bytes on a little endian machine. */
static void ftr_eth(struct ftr *t)
{
	const u8 src_keep[4] = { 0xff, 0xff, 0, 0 };
	const u8 dst_keep[4] = { 0, 0, 0xff, 0xff };
	const u8 all[4] = {};
	u8 word[4] = {};

	memcpy(word + 2, ftr_eth_src, 2);
	ftr_mangle(t, FLOW_ACT_MANGLE_HDR_TYPE_ETH, 4, word, src_keep);
	ftr_mangle(t, FLOW_ACT_MANGLE_HDR_TYPE_ETH, 8, ftr_eth_src + 2, all);

	ftr_mangle(t, FLOW_ACT_MANGLE_HDR_TYPE_ETH, 0, ftr_eth_dst, all);
	memset(word, 0, sizeof(word));
	memcpy(word, ftr_eth_dst + 4, 2);
	ftr_mangle(t, FLOW_ACT_MANGLE_HDR_TYPE_ETH, 4, word, dst_keep);
}

static void ftr_encap(struct ftr *t, const struct ftr_flow *flow)
{
	struct flow_action_entry *act;
	int i;

	for (i = 0; i < flow->in.vlans; i++)
		ftr_action(t, FLOW_ACTION_VLAN_POP);

	for (i = 0; i < flow->out.vlans; i++) {
		act = ftr_action(t, FLOW_ACTION_VLAN_PUSH);
		act->vlan.vid = 0xf01 + i;
		act->vlan.proto = htons(ETH_P_8021Q);
	}
	if (flow->out.pppoe) {
		act = ftr_action(t, FLOW_ACTION_PPPOE_PUSH);
		act->pppoe.sid = 0xfedc;
	}
}

static enum flow_action_mangle_base ftr_l4_type(const struct ftr_flow *flow)
{
	return flow->l4proto == IPPROTO_TCP ? FLOW_ACT_MANGLE_HDR_TYPE_TCP :
					      FLOW_ACT_MANGLE_HDR_TYPE_UDP;
}

static void ftr_nat_addr(struct ftr *t, const struct ftr_flow *flow,
			 const struct ftr_end *end, bool src)
{
	enum flow_action_mangle_base type = FLOW_ACT_MANGLE_HDR_TYPE_IP6;
	u32 offset = src ? offsetof(struct ipv6hdr, saddr) :
			   offsetof(struct ipv6hdr, daddr);
	u32 mask = (__force u32)~htonl(0xffffffff);
	int i, words = 4;
	u32 val;

	if (flow->family == AF_INET) {
		type = FLOW_ACT_MANGLE_HDR_TYPE_IP4;
		offset = src ? offsetof(struct iphdr, saddr) :
			       offsetof(struct iphdr, daddr);
		words = 1;
	}

	for (i = 0; i < words; i++) {
		if (t->order == FLOW_FT_MANGLE_HOST)
			val = be32_to_cpu(end->addr.s6_addr32[i]);
		else
			val = (__force u32)end->addr.s6_addr32[i];
		ftr_mangle(t, type, offset + i * 4, &val, &mask);
	}
}

/* Both in one word at offset 0 (nf_flow_table_offload.c), or each at its own
 * offset (act_ct.c).
 */
static void ftr_nat_port(struct ftr *t, const struct ftr_flow *flow,
			 const struct ftr_end *end, bool src)
{
	u32 port = ntohs(end->port);
	u32 offset = 0, mask;

	if (t->order == FLOW_FT_MANGLE_HOST) {
		offset = src ? offsetof(struct tcphdr, source) :
			       offsetof(struct tcphdr, dest);
		mask = ~0xffff;
	} else if (src) {
		port = (__force u32)htonl(port << 16);
		mask = (__force u32)~htonl(0xffff0000);
	} else {
		port = (__force u32)htonl(port);
		mask = (__force u32)~htonl(0xffff);
	}
	ftr_mangle(t, ftr_l4_type(flow), offset, &port, &mask);
}

static void ftr_nat(struct ftr *t, const struct ftr_flow *flow)
{
	struct flow_action_entry *act;

	if (flow->nat_src) {
		ftr_nat_addr(t, flow, &flow->other.dst, true);
		ftr_nat_port(t, flow, &flow->other.dst, true);
	}
	if (flow->nat_dst) {
		ftr_nat_addr(t, flow, &flow->other.src, false);
		ftr_nat_port(t, flow, &flow->other.src, false);
	}
	if ((!flow->nat_src && !flow->nat_dst) || flow->family != AF_INET)
		return;

	act = ftr_action(t, FLOW_ACTION_CSUM);
	act->csum_flags = TCA_CSUM_UPDATE_FLAG_IPV4HDR;
	act->csum_flags |= flow->l4proto == IPPROTO_TCP ?
			   TCA_CSUM_UPDATE_FLAG_TCP : TCA_CSUM_UPDATE_FLAG_UDP;
}

static struct ftr *ftr_new(struct kunit *test, u8 poison)
{
	struct ftr *t;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	memset(&t->key, poison, sizeof(t->key));
	memset(&t->mask, poison, sizeof(t->mask));

	t->rule = kunit_kzalloc(test, struct_size(t->rule, action.entries,
						  FTR_ACTIONS), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->rule);
	t->rule->match.dissector = &t->dissector;
	t->rule->match.key = &t->key;
	t->rule->match.mask = &t->mask;
	return t;
}

static struct ftr *ftr_build(struct kunit *test, const struct ftr_flow *flow,
			     enum flow_ft_mangle_order order, u8 poison)
{
	struct ftr *t = ftr_new(test, poison);

	t->order = order;
	ftr_match(t, flow);
	if (order == FLOW_FT_MANGLE_PACKET)
		ftr_eth(t);
	ftr_encap(t, flow);
	ftr_nat(t, flow);
	ftr_action(t, FLOW_ACTION_REDIRECT)->dev = &ftr_egress;
	return t;
}

static void ftr_want_match(const struct ftr_flow *flow,
			   struct flow_ft_rule *want)
{
	struct flow_ft_tuple *tuple = &want->tuple;
	int i;

	want->ingress_ifindex = FTR_IFINDEX;
	tuple->family = flow->family;
	tuple->l4proto = flow->l4proto;
	if (flow->family == AF_INET) {
		tuple->src_v4 = flow->tuple.src.addr.s6_addr32[0];
		tuple->dst_v4 = flow->tuple.dst.addr.s6_addr32[0];
	} else {
		tuple->src_v6 = flow->tuple.src.addr;
		tuple->dst_v6 = flow->tuple.dst.addr;
	}
	if (ftr_has_ports(flow)) {
		tuple->sport = flow->tuple.src.port;
		tuple->dport = flow->tuple.dst.port;
	}
	if (flow->l4proto == IPPROTO_TCP)
		want->tcp_flags = htons(0x0007);
	for (i = 0; i < flow->in.vlans; i++) {
		tuple->vlan[i].proto = htons(ETH_P_8021Q);
		tuple->vlan[i].vid = 0xa01 + i;
	}
	if (flow->in.pppoe)
		tuple->pppoe_sid = FTR_SID;
}

static void ftr_want_nat(const struct ftr_flow *flow,
			 struct flow_ft_rewrite *rewrite)
{
	size_t len = flow->family == AF_INET ? 4 : 16;

	if (flow->nat_src) {
		rewrite->set |= FLOW_FT_SET_SADDR | FLOW_FT_SET_SPORT;
		memcpy(&rewrite->saddr_v6, &flow->other.dst.addr, len);
		rewrite->sport = flow->other.dst.port;
	}
	if (flow->nat_dst) {
		rewrite->set |= FLOW_FT_SET_DADDR | FLOW_FT_SET_DPORT;
		memcpy(&rewrite->daddr_v6, &flow->other.src.addr, len);
		rewrite->dport = flow->other.src.port;
	}
}

static void ftr_want(const struct ftr_flow *flow,
		     enum flow_ft_mangle_order order, struct flow_ft_rule *want)
{
	struct flow_ft_rewrite *rewrite = &want->rewrite;
	int i;

	memset(want, 0, sizeof(*want));
	want->egress = &ftr_egress;
	ftr_want_match(flow, want);
	ftr_want_nat(flow, rewrite);

	if (order == FLOW_FT_MANGLE_PACKET) {
		rewrite->set |= FLOW_FT_SET_ETH_DST | FLOW_FT_SET_ETH_SRC;
		memcpy(rewrite->eth_dst, ftr_eth_dst, ETH_ALEN);
		memcpy(rewrite->eth_src, ftr_eth_src, ETH_ALEN);
	}
	rewrite->vlan_pop = flow->in.vlans;
	rewrite->pppoe_pop = flow->in.pppoe;
	rewrite->vlan_push_num = flow->out.vlans;
	for (i = 0; i < flow->out.vlans; i++) {
		rewrite->vlan_push[i].proto = htons(ETH_P_8021Q);
		rewrite->vlan_push[i].vid = 0xf01 + i;
	}
	if (flow->out.pppoe) {
		rewrite->set |= FLOW_FT_SET_PPPOE;
		rewrite->pppoe_sid = 0xfedc;
	}
}

struct ftr_case {
	const char			*name;
	u8				family;
	u8				l4proto;
	bool				reply;
	enum flow_ft_mangle_order	order;
};

static const struct ftr_case ftr_cases[] = {
	{ "nft IPv4 TCP original", AF_INET, IPPROTO_TCP },
	{ "nft IPv4 TCP reply", AF_INET, IPPROTO_TCP, true },
	{ "nft IPv4 UDP original", AF_INET, IPPROTO_UDP },
	{ "nft IPv4 UDP reply", AF_INET, IPPROTO_UDP, true },
	{ "nft IPv4 GRE original", AF_INET, IPPROTO_GRE },
	{ "nft IPv4 GRE reply", AF_INET, IPPROTO_GRE, true },
	{ "nft IPv6 TCP original", AF_INET6, IPPROTO_TCP },
	{ "nft IPv6 TCP reply", AF_INET6, IPPROTO_TCP, true },
	{ "nft IPv6 UDP original", AF_INET6, IPPROTO_UDP },
	{ "nft IPv6 UDP reply", AF_INET6, IPPROTO_UDP, true },
	{ "nft IPv6 GRE original", AF_INET6, IPPROTO_GRE },
	{ "nft IPv6 GRE reply", AF_INET6, IPPROTO_GRE, true },
	{ "act_ct IPv4 TCP", AF_INET, IPPROTO_TCP, 0, FLOW_FT_MANGLE_HOST },
	{ "act_ct IPv4 UDP", AF_INET, IPPROTO_UDP, 1, FLOW_FT_MANGLE_HOST },
	{ "act_ct IPv6 TCP", AF_INET6, IPPROTO_TCP, 1, FLOW_FT_MANGLE_HOST },
	{ "act_ct IPv6 UDP", AF_INET6, IPPROTO_UDP, 0, FLOW_FT_MANGLE_HOST },
};

KUNIT_ARRAY_PARAM_DESC(ftr_case, ftr_cases, name);

/* What nft_flow_offload lets have two: tags and PPPoE together. */
static const struct ftr_encap ftr_encaps[] = {
	{ 0 }, { 1 }, { 2 }, { 0, true }, { 1, true },
};

static void ftr_init_flow(struct ftr_flow *flow, const struct ftr_case *c,
			  bool snat, bool dnat)
{
	struct ftr_tuple orig = { ftr_client, ftr_service };
	struct ftr_tuple reply = { dnat ? ftr_backend : ftr_service,
				   snat ? ftr_router : ftr_client };

	memset(flow, 0, sizeof(*flow));
	flow->family = c->family;
	flow->l4proto = c->l4proto;
	flow->tuple = c->reply ? reply : orig;
	flow->other = c->reply ? orig : reply;
	flow->nat_src = c->reply ? dnat : snat;
	flow->nat_dst = c->reply ? snat : dnat;
}

static void ftr_check(struct kunit *test, const struct ftr_flow *flow,
		      enum flow_ft_mangle_order order)
{
	struct ftr *t = ftr_build(test, flow, order, 0xa5);
	struct netlink_ext_ack extack = {};
	struct flow_ft_rule got, want;
	int err;

	memset(&got, 0x5a, sizeof(got));
	ftr_want(flow, order, &want);
	err = flow_ft_parse(t->rule, order, &got, &extack);
	KUNIT_EXPECT_EQ_MSG(test, err, 0, "%s", extack._msg);
	KUNIT_EXPECT_NULL(test, extack._msg);
	KUNIT_EXPECT_MEMEQ_MSG(test, &got, &want, sizeof(got),
			       "NAT %d %d, in %u %d, out %u %d",
			       flow->nat_src, flow->nat_dst, flow->in.vlans,
			       flow->in.pppoe, flow->out.vlans,
			       flow->out.pppoe);
	kunit_kfree(test, t->rule);
	kunit_kfree(test, t);
}

/* All that a flowtable can ask for, and that it gets. */
static void ftr_test_valid(struct kunit *test)
{
	const struct ftr_case *c = test->param_value;
	struct ftr_flow flow;
	int nat, in, out;

	for (nat = 0; nat < 4; nat++) {
		if (nat && c->l4proto == IPPROTO_GRE)
			break;

		ftr_init_flow(&flow, c, nat & 1, nat & 2);
		for (in = 0; in < ARRAY_SIZE(ftr_encaps); in++) {
			for (out = 0; out < ARRAY_SIZE(ftr_encaps); out++) {
				flow.in = ftr_encaps[in];
				flow.out = ftr_encaps[out];
				ftr_check(test, &flow, c->order);
			}
		}
	}
}

static const struct ftr_case ftr_tcp4 = { "", AF_INET, IPPROTO_TCP };
static const struct ftr_case ftr_tcp6 = { "", AF_INET6, IPPROTO_TCP };

static int ftr_parse(const struct ftr *t, struct flow_ft_rule *out)
{
	memset(out, 0xc3, sizeof(*out));
	return flow_ft_parse(t->rule, t->order, out, NULL);
}

/* The longest rule of the core, filled up to the size of the array. */
static void ftr_test_all_actions(struct kunit *test)
{
	struct flow_ft_rule got, want;
	struct ftr_flow flow;
	struct ftr *t;

	ftr_init_flow(&flow, &ftr_tcp6, true, true);
	flow.in.vlans = 2;
	flow.out.vlans = 2;
	t = ftr_build(test, &flow, FLOW_FT_MANGLE_PACKET, 0);
	KUNIT_EXPECT_EQ(test, t->rule->action.num_entries, 19);

	t->rule->action.num_entries--;
	ftr_action(t, FLOW_ACTION_PRIORITY)->priority = 0xfffffffe;
	while (t->rule->action.num_entries < FTR_ACTIONS - 1)
		ftr_action(t, FLOW_ACTION_CSUM)->csum_flags = 0;
	ftr_action(t, FLOW_ACTION_REDIRECT)->dev = &ftr_egress;

	ftr_want(&flow, FLOW_FT_MANGLE_PACKET, &want);
	want.priority = 0xfffffffe;
	KUNIT_EXPECT_EQ(test, ftr_parse(t, &got), 0);
	KUNIT_EXPECT_MEMEQ(test, &got, &want, sizeof(got));
}

/* Equal questions, equal bytes, whatever lay in memory before. */
static void ftr_test_memcmp(struct kunit *test)
{
	const struct ftr_case *c = test->param_value;
	struct flow_ft_rule *a, *b;
	struct ftr_flow flow;
	struct ftr *t;

	a = kunit_kmalloc(test, sizeof(*a), GFP_KERNEL);
	b = kunit_kmalloc(test, sizeof(*b), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	ftr_init_flow(&flow, c, c->l4proto != IPPROTO_GRE, false);

	t = ftr_build(test, &flow, c->order, 0);
	memset(a, 0, sizeof(*a));
	KUNIT_EXPECT_EQ(test, flow_ft_parse(t->rule, c->order, a, NULL), 0);

	t = ftr_build(test, &flow, c->order, 0xff);
	memset(b, 0xff, sizeof(*b));
	KUNIT_EXPECT_EQ(test, flow_ft_parse(t->rule, c->order, b, NULL), 0);
	KUNIT_EXPECT_MEMEQ(test, a, b, sizeof(*a));
}

/* Both ways to write the same NAT. */
static void ftr_test_orders_agree(struct kunit *test)
{
	struct flow_ft_rule nft, ct;
	struct ftr_flow flow;
	struct ftr *t;

	ftr_init_flow(&flow, &ftr_tcp6, true, true);
	t = ftr_build(test, &flow, FLOW_FT_MANGLE_HOST, 0);
	KUNIT_EXPECT_EQ(test, ftr_parse(t, &ct), 0);

	t = ftr_new(test, 0);
	ftr_match(t, &flow);
	ftr_nat(t, &flow);
	ftr_action(t, FLOW_ACTION_REDIRECT)->dev = &ftr_egress;
	KUNIT_EXPECT_EQ(test, ftr_parse(t, &nft), 0);
	KUNIT_EXPECT_MEMEQ(test, &nft, &ct, sizeof(ct));
}

static void ftr_test_8021ad(struct kunit *test)
{
	struct flow_ft_rule got;
	struct ftr_flow flow;
	struct ftr *t;

	ftr_init_flow(&flow, &ftr_tcp4, false, false);
	flow.in.vlans = 2;
	flow.out.vlans = 1;
	t = ftr_build(test, &flow, FLOW_FT_MANGLE_PACKET, 0);
	t->key.vlan.vlan_tpid = htons(ETH_P_8021AD);
	t->key.vlan.vlan_id = 0;
	t->rule->action.entries[6].vlan.proto = htons(ETH_P_8021AD);
	t->rule->action.entries[6].vlan.vid = 0xfff;

	KUNIT_EXPECT_EQ(test, ftr_parse(t, &got), 0);
	KUNIT_EXPECT_EQ(test, flow_ft_vlan_num(&got.tuple), 2);
	KUNIT_EXPECT_EQ(test, ntohs(got.tuple.vlan[0].proto), ETH_P_8021AD);
	KUNIT_EXPECT_EQ(test, got.tuple.vlan[0].vid, 0);
	KUNIT_EXPECT_EQ(test, ntohs(got.tuple.vlan[1].proto), ETH_P_8021Q);
	KUNIT_EXPECT_EQ(test, got.tuple.vlan[1].vid, 0xa02);
	KUNIT_EXPECT_EQ(test, ntohs(got.rewrite.vlan_push[0].proto),
			ETH_P_8021AD);
	KUNIT_EXPECT_EQ(test, got.rewrite.vlan_push[0].vid, 0xfff);
}

static struct kunit_case ftr_test_cases[] = {
	KUNIT_CASE_PARAM(ftr_test_valid, ftr_case_gen_params),
	KUNIT_CASE_PARAM(ftr_test_memcmp, ftr_case_gen_params),
	KUNIT_CASE(ftr_test_all_actions),
	KUNIT_CASE(ftr_test_orders_agree),
	KUNIT_CASE(ftr_test_8021ad),
	{}
};

static struct kunit_suite ftr_test_suite = {
	.name = "flow_ft_rule",
	.test_cases = ftr_test_cases,
};

kunit_test_suites(&ftr_test_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of the flowtable rule decoder");
