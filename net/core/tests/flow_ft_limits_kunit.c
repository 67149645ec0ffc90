// SPDX-License-Identifier: GPL-2.0
/* Tests of the decoder of flowtable rules: what it just takes, what it refuses,
 * and the reason it gives.
 */

#include <kunit/test.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/ppp_defs.h>
#include <linux/tc_act/tc_csum.h>
#include <net/flow_ft.h>
#include <net/flow_offload.h>

#define FTL_ACTIONS	8

#define FTL_KEY(_id)	BIT_ULL(FLOW_DISSECTOR_KEY_##_id)
#define FTL_MSG(_text)	("flow_ft: " _text)

#define FTL_NO_PORTS							\
	FTL_MSG("match on ports goes with TCP and UDP, and only with them")
#define FTL_TAG_EXACT	FTL_MSG("VLAN ID and TPID must match exactly")
#define FTL_TAG_ONLY							\
	FTL_MSG("match on VLAN priority, DEI or inner type is not supported")
#define FTL_TPID	FTL_MSG("VLAN TPID must be 802.1Q or 802.1ad")
#define FTL_SESSION							\
	FTL_MSG("PPPoE session must match exactly, and not be 0")
#define FTL_PPP	FTL_MSG("PPPoE type or protocol contradicts the rule")
#define FTL_V4	FTL_MSG("IPv4 needs a match on IPv4 addresses only")
#define FTL_V6	FTL_MSG("IPv6 needs a match on IPv6 addresses only")
#define FTL_POPS	FTL_MSG("VLAN pop without a match on that tag")
#define FTL_PROTOS	FTL_MSG("only TCP, UDP and GRE are supported")
#define FTL_L2	FTL_MSG("match on device type or L2 miss is not supported")

struct ftl_keys {
	struct flow_dissector_key_meta			meta;
	struct flow_dissector_key_control		control;
	struct flow_dissector_key_basic			basic;
	struct flow_dissector_key_ipv4_addrs		ipv4;
	struct flow_dissector_key_ipv6_addrs		ipv6;
	struct flow_dissector_key_ports			ports;
	struct flow_dissector_key_tcp			tcp;
	struct flow_dissector_key_vlan			vlan;
	struct flow_dissector_key_vlan			cvlan;
	struct flow_dissector_key_pppoe			pppoe;
} __aligned(BITS_PER_LONG / 8);

struct ftl {
	struct flow_dissector	dissector;
	struct ftl_keys		key;
	struct ftl_keys		mask;
	struct flow_rule	*rule;
};

/* What a rule matches; the zero value is plain TCP over IPv4. */
struct ftl_base {
	bool	ipv6;
	u8	l4proto;
	u8	vlans;
	bool	pppoe;
};

#define FTL_OFFSET(_id, _member)					\
	[FLOW_DISSECTOR_KEY_##_id] = offsetof(struct ftl_keys, _member)

static const struct flow_dissector ftl_dissector = {
	.used_keys = FTL_KEY(META) | FTL_KEY(CONTROL) | FTL_KEY(BASIC),
	.offset = {
		FTL_OFFSET(META, meta),
		FTL_OFFSET(CONTROL, control),
		FTL_OFFSET(BASIC, basic),
		FTL_OFFSET(IPV4_ADDRS, ipv4),
		FTL_OFFSET(IPV6_ADDRS, ipv6),
		FTL_OFFSET(PORTS, ports),
		FTL_OFFSET(TCP, tcp),
		FTL_OFFSET(VLAN, vlan),
		FTL_OFFSET(CVLAN, cvlan),
		FTL_OFFSET(PPPOE, pppoe),
	},
};

/* Never looked into by the decoder. */
static struct net_device ftl_egress;

static struct flow_action_entry *ftl_action(struct ftl *t,
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

static void ftl_redirect(struct ftl *t)
{
	ftl_action(t, FLOW_ACTION_REDIRECT)->dev = &ftl_egress;
}

static void ftl_fill_keys(struct ftl *t, const struct ftl_base *base)
{
	struct ftl_keys *key = &t->key, *mask = &t->mask;

	key->meta.ingress_ifindex = 3;
	mask->meta.ingress_ifindex = 0xffffffff;
	key->basic.n_proto = htons(base->ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	key->basic.ip_proto = base->l4proto ?: IPPROTO_TCP;
	mask->basic.n_proto = htons(0xffff);
	mask->basic.ip_proto = 0xff;
	memset(&mask->ipv4, 0xff, sizeof(mask->ipv4));
	memset(&mask->ipv6, 0xff, sizeof(mask->ipv6));
	memset(&mask->ports, 0xff, sizeof(mask->ports));
	mask->tcp.flags = htons(0x0005);

	key->vlan.vlan_tpid = htons(ETH_P_8021Q);
	mask->vlan.vlan_id = 0xfff;
	mask->vlan.vlan_tpid = htons(0xffff);
	key->cvlan = key->vlan;
	mask->cvlan = mask->vlan;

	key->pppoe.session_id = htons(1);
	key->pppoe.ppp_proto = htons(base->ipv6 ? PPP_IPV6 : PPP_IP);
	key->pppoe.type = htons(ETH_P_PPP_SES);
	memset(&mask->pppoe, 0xff, sizeof(mask->pppoe));
}

static u64 ftl_used_keys(const struct ftl_base *base)
{
	u64 keys = base->ipv6 ? FTL_KEY(IPV6_ADDRS) : FTL_KEY(IPV4_ADDRS);

	if (base->l4proto != IPPROTO_GRE)
		keys |= FTL_KEY(PORTS);
	if (!base->l4proto)
		keys |= FTL_KEY(TCP);
	if (base->vlans > 0)
		keys |= FTL_KEY(VLAN);
	if (base->vlans > 1)
		keys |= FTL_KEY(CVLAN);
	if (base->pppoe)
		keys |= FTL_KEY(PPPOE);
	return keys;
}

static struct ftl *ftl_new(struct kunit *test, const struct ftl_base *base)
{
	struct ftl *t;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->rule = kunit_kzalloc(test, struct_size(t->rule, action.entries,
						  FTL_ACTIONS), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->rule);

	t->dissector = ftl_dissector;
	t->dissector.used_keys |= ftl_used_keys(base);
	ftl_fill_keys(t, base);
	t->rule->match.dissector = &t->dissector;
	t->rule->match.key = &t->key;
	t->rule->match.mask = &t->mask;
	return t;
}

static int ftl_parse(const struct ftl *t, struct flow_ft_rule *out)
{
	memset(out, 0xc3, sizeof(*out));
	return flow_ft_parse(t->rule, FLOW_FT_MANGLE_PACKET, out, NULL);
}

static void ftl_expect_refusal(struct kunit *test, const struct ftl *t,
			       enum flow_ft_mangle_order order, const char *msg)
{
	struct netlink_ext_ack extack = {};
	struct flow_ft_rule out;

	KUNIT_EXPECT_EQ(test, flow_ft_parse(t->rule, order, &out, &extack),
			-EOPNOTSUPP);
	KUNIT_EXPECT_STREQ(test, extack._msg ?: "", msg);
	KUNIT_EXPECT_EQ(test, flow_ft_parse(t->rule, order, &out, NULL),
			-EOPNOTSUPP);
}

/* A match is spoilt by adding or leaving out keys, or by filling a part of key
 * or mask with a byte.
 */
struct ftl_match {
	const char	*name;
	const char	*msg;
	struct ftl_base	base;
	u64		add;
	u64		drop;
	u16		pos;
	u8		len;
	u8		fill;
};

#define FTL_FILL(_member, _len, _fill)					\
	.pos = offsetof(struct ftl, _member), .len = _len, .fill = _fill

static const struct ftl_match ftl_matches[] = {
	{ "control flags",
	  FTL_MSG("Unsupported match on control.flags 0x1010101"),
	  FTL_FILL(mask.control.flags, 4, 1) },
	{ "no ingress", FTL_MSG("match on ingress device is missing"),
	  .drop = FTL_KEY(META) },
	{ "any ingress", FTL_MSG("ingress device must match exactly"),
	  FTL_FILL(mask.meta.ingress_ifindex, 4, 0) },
	{ "part of ingress", FTL_MSG("ingress device must match exactly"),
	  FTL_FILL(mask.meta.ingress_ifindex, 4, 0x7f) },
	{ "ingress type", FTL_L2, FTL_FILL(mask.meta.ingress_iftype, 2, 0xff) },
	{ "L2 miss", FTL_L2, FTL_FILL(mask.meta.l2_miss, 1, 1) },
	{ "no protocol", FTL_MSG("match on protocol is missing"),
	  .drop = FTL_KEY(BASIC) },
	{ "part of ethertype", FTL_MSG("protocols must match exactly"),
	  FTL_FILL(mask.basic.n_proto, 2, 0xfe) },
	{ "part of protocol", FTL_MSG("protocols must match exactly"),
	  FTL_FILL(mask.basic.ip_proto, 1, 0xfe) },
	{ "other ethertype", FTL_MSG("only IPv4 and IPv6 are supported"),
	  FTL_FILL(key.basic.n_proto, 2, 0x08) },
	{ "ICMP", FTL_PROTOS, FTL_FILL(key.basic.ip_proto, 1, IPPROTO_ICMP) },
	{ "SCTP", FTL_PROTOS, FTL_FILL(key.basic.ip_proto, 1, IPPROTO_SCTP) },
	{ "IPv4 without", FTL_V4, .drop = FTL_KEY(IPV4_ADDRS) },
	{ "IPv4 with IPv6", FTL_V4, .add = FTL_KEY(IPV6_ADDRS) },
	{ "part of IPv4 source", FTL_MSG("addresses must match exactly"),
	  FTL_FILL(mask.ipv4.src, 4, 0xfe) },
	{ "any IPv4 destination", FTL_MSG("addresses must match exactly"),
	  FTL_FILL(mask.ipv4.dst, 4, 0) },
	{ "IPv6 without", FTL_V6,
	  { .ipv6 = true }, .drop = FTL_KEY(IPV6_ADDRS) },
	{ "IPv6 with IPv4", FTL_V6,
	  { .ipv6 = true }, .add = FTL_KEY(IPV4_ADDRS) },
	{ "any IPv6 source", FTL_MSG("addresses must match exactly"),
	  { .ipv6 = true }, FTL_FILL(mask.ipv6.src.s6_addr32[3], 4, 0) },
	{ "part of IPv6 destination", FTL_MSG("addresses must match exactly"),
	  { .ipv6 = true }, FTL_FILL(mask.ipv6.dst.s6_addr[15], 1, 0x7f) },
	{ "TCP without ports", FTL_NO_PORTS, .drop = FTL_KEY(PORTS) },
	{ "UDP without ports", FTL_NO_PORTS,
	  { .l4proto = IPPROTO_UDP }, .drop = FTL_KEY(PORTS) },
	{ "GRE with ports", FTL_NO_PORTS,
	  { .l4proto = IPPROTO_GRE }, .add = FTL_KEY(PORTS) },
	{ "any source port", FTL_MSG("ports must match exactly"),
	  FTL_FILL(mask.ports.src, 2, 0) },
	{ "part of destination port", FTL_MSG("ports must match exactly"),
	  { .l4proto = IPPROTO_UDP }, FTL_FILL(mask.ports.dst, 2, 0x7f) },
	{ "TCP flags of UDP", FTL_MSG("match on TCP flags needs TCP"),
	  { .l4proto = IPPROTO_UDP }, .add = FTL_KEY(TCP) },
	{ "TCP flags of GRE", FTL_MSG("match on TCP flags needs TCP"),
	  { .l4proto = IPPROTO_GRE }, .add = FTL_KEY(TCP) },
	{ "TCP flags set",
	  FTL_MSG("TCP flags can only be required to be clear"),
	  FTL_FILL(key.tcp.flags, 2, 0x04) },
	{ "inner VLAN only",
	  FTL_MSG("match on inner VLAN needs one on the outer"),
	  .add = FTL_KEY(CVLAN) },
	{ "any VLAN ID", FTL_TAG_EXACT,
	  { .vlans = 1 }, FTL_FILL(mask.vlan.vlan_tci, 2, 0) },
	{ "part of VLAN ID", FTL_TAG_EXACT,
	  { .vlans = 1 }, FTL_FILL(mask.vlan.vlan_tci, 2, 0x0f) },
	{ "part of TPID", FTL_TAG_EXACT,
	  { .vlans = 1 }, FTL_FILL(mask.vlan.vlan_tpid, 2, 0x0f) },
	{ "any inner VLAN ID", FTL_TAG_EXACT,
	  { .vlans = 2 }, FTL_FILL(mask.cvlan.vlan_tci, 2, 0) },
	{ "type in VLAN", FTL_TAG_ONLY,
	  { .vlans = 1 }, FTL_FILL(mask.vlan.vlan_eth_type, 2, 0xff) },
	{ "all of TCI", FTL_TAG_ONLY,
	  { .vlans = 2 }, FTL_FILL(mask.cvlan.vlan_tci, 2, 0xff) },
	{ "odd TPID", FTL_TPID,
	  { .vlans = 1 }, FTL_FILL(key.vlan.vlan_tpid, 2, 0x81) },
	{ "odd inner TPID", FTL_TPID,
	  { .vlans = 2 }, FTL_FILL(key.cvlan.vlan_tpid, 2, 0) },
	{ "part of PPPoE session", FTL_SESSION,
	  { .pppoe = true }, FTL_FILL(mask.pppoe.session_id, 2, 0x7f) },
	{ "PPPoE session 0", FTL_SESSION,
	  { .pppoe = true }, FTL_FILL(key.pppoe.session_id, 2, 0) },
	{ "other PPP protocol", FTL_PPP,
	  { .pppoe = true }, FTL_FILL(key.pppoe.ppp_proto, 2, 0x57) },
	{ "part of PPP protocol", FTL_PPP,
	  { .pppoe = true }, FTL_FILL(mask.pppoe.ppp_proto, 2, 0x7f) },
	{ "other PPPoE type", FTL_PPP,
	  { .pppoe = true }, FTL_FILL(key.pppoe.type, 2, 0x88) },
	{ "part of PPPoE type", FTL_PPP,
	  { .pppoe = true }, FTL_FILL(mask.pppoe.type, 2, 0xfe) },
};

KUNIT_ARRAY_PARAM_DESC(ftl_match, ftl_matches, name);

static void ftl_test_match(struct kunit *test)
{
	const struct ftl_match *m = test->param_value;
	struct ftl *t = ftl_new(test, &m->base);
	struct flow_ft_rule out;

	ftl_redirect(t);
	KUNIT_EXPECT_EQ(test, ftl_parse(t, &out), 0);

	t->dissector.used_keys |= m->add;
	t->dissector.used_keys &= ~m->drop;
	memset((u8 *)t + m->pos, m->fill, m->len);
	ftl_expect_refusal(test, t, FLOW_FT_MANGLE_PACKET, m->msg);
}

struct ftl_acts {
	const char			*name;
	const char			*msg;
	struct ftl_base			base;
	enum flow_ft_mangle_order	order;
	struct flow_action_entry	acts[3];
};

/* @_bits are those to be changed, in the order of the packet. */
#define FTL_MANGLE(_type, _offset, _bits)				\
	{ .id = FLOW_ACTION_MANGLE,					\
	  .mangle = { .htype = FLOW_ACT_MANGLE_HDR_TYPE_##_type,	\
		      .offset = _offset,				\
		      .mask = (__force u32)htonl(~(_bits)) } }

#define FTL_MANGLE_HOST(_type, _offset, _bits)				\
	{ .id = FLOW_ACTION_MANGLE,					\
	  .mangle = { .htype = FLOW_ACT_MANGLE_HDR_TYPE_##_type,	\
		      .offset = _offset, .mask = ~(_bits) } }

#define FTL_PUSH(_tpid, _prio)						\
	{ .id = FLOW_ACTION_VLAN_PUSH,					\
	  .vlan = { .vid = 9, .proto = htons(_tpid), .prio = _prio } }

#define FTL_POP		{ .id = FLOW_ACTION_VLAN_POP }
#define FTL_PRIO(_n)	{ .id = FLOW_ACTION_PRIORITY, .priority = _n }
#define FTL_PPPOE	{ .id = FLOW_ACTION_PPPOE_PUSH, .pppoe.sid = 1 }
#define FTL_TO(_dev)	{ .id = FLOW_ACTION_REDIRECT, .dev = _dev }
#define FTL_CSUM(_bits)	{ .id = FLOW_ACTION_CSUM, .csum_flags = _bits }

#define FTL_WHOLE							\
	FTL_MSG("addresses and ports can only be rewritten as a whole")
#define FTL_HEADER							\
	FTL_MSG("mangle of a header that the match does not have")
#define FTL_AT(_type, _offset)						\
	FTL_MSG("mangle of header type " _type ", offset " _offset	\
		" is not supported")

static const struct ftl_acts ftl_acts[] = {
	{ "no egress", FTL_MSG("rule has no egress device") },
	{ "egress is NULL", FTL_MSG("rule has no egress device"),
	  .acts = { FTL_TO(NULL) } },
	{ "two egresses", FTL_MSG("actions after the redirect"),
	  .acts = { FTL_TO(&ftl_egress), FTL_TO(&ftl_egress) } },
	{ "push after the redirect", FTL_MSG("actions after the redirect"),
	  .acts = { FTL_TO(&ftl_egress), FTL_PUSH(ETH_P_8021Q, 0) } },
	{ "two priorities", FTL_MSG("more than one priority"),
	  .acts = { FTL_PRIO(1), FTL_PRIO(1) } },
	{ "pop of no tag", FTL_POPS, .acts = { FTL_POP } },
	{ "two pops of one tag", FTL_POPS, { .vlans = 1 },
	  .acts = { FTL_POP, FTL_POP } },
	{ "three pops of two tags", FTL_POPS, { .vlans = 2 },
	  .acts = { FTL_POP, FTL_POP, FTL_POP } },
	{ "pop after a push", FTL_MSG("VLAN pop after a push"), { .vlans = 1 },
	  .acts = { FTL_PUSH(ETH_P_8021Q, 0), FTL_POP } },
	{ "pop after a PPPoE push", FTL_MSG("VLAN pop after a push"),
	  { .vlans = 1 }, .acts = { FTL_PPPOE, FTL_POP } },
	{ "three pushes", FTL_MSG("more than two VLAN pushes"),
	  .acts = { FTL_PUSH(ETH_P_8021Q, 0), FTL_PUSH(ETH_P_8021AD, 0),
		    FTL_PUSH(ETH_P_8021Q, 0) } },
	{ "push of odd TPID", FTL_TPID, .acts = { FTL_PUSH(ETH_P_QINQ1, 0) } },
	{ "push of priority", FTL_MSG("VLAN priority is not supported"),
	  .acts = { FTL_PUSH(ETH_P_8021Q, 1) } },
	{ "push of VLAN ID 4096", FTL_MSG("VLAN ID must be below 4096"),
	  .acts = { { .id = FLOW_ACTION_VLAN_PUSH, .vlan.vid = 4096,
		      .vlan.proto = htons(ETH_P_8021Q) } } },
	{ "two PPPoE pushes", FTL_MSG("more than one PPPoE push"),
	  .acts = { FTL_PPPOE, FTL_PPPOE } },
	{ "ICMP checksum", FTL_MSG("checksum flags 0x2 are not supported"),
	  .acts = { FTL_CSUM(TCA_CSUM_UPDATE_FLAG_ICMP) } },
	{ "SCTP checksum", FTL_MSG("checksum flags 0x41 are not supported"),
	  .acts = { FTL_CSUM(TCA_CSUM_UPDATE_FLAG_IPV4HDR |
			     TCA_CSUM_UPDATE_FLAG_SCTP) } },
	{ "mangle of nothing known", FTL_HEADER,
	  .acts = { { .id = FLOW_ACTION_MANGLE } } },
	{ "mangle of unknown type", FTL_HEADER,
	  .acts = { { .id = FLOW_ACTION_MANGLE, .mangle.htype = 6 } } },
	{ "IPv6 mangle of IPv4", FTL_HEADER,
	  .acts = { FTL_MANGLE(IP6, 8, 0xffffffff) } },
	{ "IPv4 mangle of IPv6", FTL_HEADER, { .ipv6 = true },
	  .acts = { FTL_MANGLE(IP4, 12, 0xffffffff) } },
	{ "UDP mangle of TCP", FTL_HEADER,
	  .acts = { FTL_MANGLE(UDP, 0, 0xffff) } },
	{ "TCP mangle of UDP", FTL_HEADER, { .l4proto = IPPROTO_UDP },
	  .acts = { FTL_MANGLE(TCP, 0, 0xffff) } },
	{ "TCP mangle of GRE", FTL_HEADER, { .l4proto = IPPROTO_GRE },
	  .acts = { FTL_MANGLE(TCP, 0, 0xffff) } },
	{ "ethertype", FTL_AT("1", "12"),
	  .acts = { FTL_MANGLE(ETH, 12, 0xffff0000) } },
	{ "past the MAC addresses", FTL_AT("1", "9"),
	  .acts = { FTL_MANGLE(ETH, 9, 0xffffffff) } },
	{ "TTL", FTL_AT("2", "8"), .acts = { FTL_MANGLE(IP4, 8, 0xff000000) } },
	{ "IPv4 checksum and source", FTL_AT("2", "10"),
	  .acts = { FTL_MANGLE(IP4, 10, 0xffffffff) } },
	{ "IPv4 options", FTL_AT("2", "20"),
	  .acts = { FTL_MANGLE(IP4, 20, 1) } },
	{ "hop limit", FTL_AT("3", "4"), { .ipv6 = true },
	  .acts = { FTL_MANGLE(IP6, 4, 0xff) } },
	{ "past IPv6", FTL_AT("3", "40"), { .ipv6 = true },
	  .acts = { FTL_MANGLE(IP6, 40, 0xffffffff) } },
	{ "TCP sequence", FTL_AT("4", "4"),
	  .acts = { FTL_MANGLE(TCP, 4, 0xffffffff) } },
	{ "UDP length", FTL_AT("5", "2"), { .l4proto = IPPROTO_UDP },
	  .acts = { FTL_MANGLE(UDP, 2, 0xffffffff) } },
	{ "far offset", FTL_AT("4", "4294967292"),
	  .acts = { FTL_MANGLE(TCP, -4, 0xffffffff) } },
	{ "offset that wraps", FTL_AT("4", "4294967294"),
	  .acts = { FTL_MANGLE(TCP, -2, 0xffff) } },
	{ "part of destination MAC", FTL_WHOLE,
	  .acts = { FTL_MANGLE(ETH, 0, 0xffffffff) } },
	{ "part of source MAC", FTL_WHOLE,
	  .acts = { FTL_MANGLE(ETH, 8, 0xffffffff) } },
	{ "three bytes of IPv4 source", FTL_WHOLE,
	  .acts = { FTL_MANGLE(IP4, 12, 0xffffff00) } },
	{ "31 bits of IPv4 destination", FTL_WHOLE,
	  .acts = { FTL_MANGLE(IP4, 16, 0xfffffffe) } },
	{ "three words of IPv6 source", FTL_WHOLE, { .ipv6 = true },
	  .acts = { FTL_MANGLE(IP6, 8, 0xffffffff),
		    FTL_MANGLE(IP6, 12, 0xffffffff),
		    FTL_MANGLE(IP6, 20, 0xffffffff) } },
	{ "one word of IPv6 destination", FTL_WHOLE, { .ipv6 = true },
	  .acts = { FTL_MANGLE(IP6, 36, 0xffffffff) } },
	{ "half of source port", FTL_WHOLE,
	  .acts = { FTL_MANGLE(TCP, 0, 0xff000000) } },
	{ "half of destination port", FTL_WHOLE, { .l4proto = IPPROTO_UDP },
	  .acts = { FTL_MANGLE(UDP, 0, 0x000000ff) } },
	{ "host order MAC", FTL_AT("1", "0"), .order = FLOW_FT_MANGLE_HOST,
	  .acts = { FTL_MANGLE_HOST(ETH, 0, 0xffffffff) } },
	{ "host order 17 bits of port", FTL_AT("4", "0"),
	  .order = FLOW_FT_MANGLE_HOST,
	  .acts = { FTL_MANGLE_HOST(TCP, 0, 0x1ffff) } },
	{ "host order UDP length", FTL_AT("5", "4"), { .l4proto = IPPROTO_UDP },
	  .order = FLOW_FT_MANGLE_HOST,
	  .acts = { FTL_MANGLE_HOST(UDP, 4, 0xffff) } },
	{ "host order TTL", FTL_AT("2", "8"), .order = FLOW_FT_MANGLE_HOST,
	  .acts = { FTL_MANGLE_HOST(IP4, 8, 0xff000000) } },
	{ "host order part of port", FTL_WHOLE, .order = FLOW_FT_MANGLE_HOST,
	  .acts = { FTL_MANGLE_HOST(TCP, 2, 0xff) } },
};

KUNIT_ARRAY_PARAM_DESC(ftl_acts, ftl_acts, name);

static void ftl_test_actions(struct kunit *test)
{
	const struct ftl_acts *a = test->param_value;
	struct ftl *t = ftl_new(test, &a->base);
	struct flow_action_entry *act;
	bool redirect = false;
	int i;

	/* The first of the unused entries has id 0, and so has ACCEPT. */
	for (i = 0; i < ARRAY_SIZE(a->acts) && a->acts[i].id; i++) {
		act = ftl_action(t, a->acts[i].id);
		*act = a->acts[i];
		act->hw_stats = FLOW_ACTION_HW_STATS_DONT_CARE;
		redirect |= a->acts[i].id == FLOW_ACTION_REDIRECT;
	}
	if (i && !redirect)
		ftl_redirect(t);

	ftl_expect_refusal(test, t, a->order, a->msg);
}

static void ftl_test_unknown_keys(struct kunit *test)
{
	const u64 known = FTL_KEY(META) | FTL_KEY(CONTROL) | FTL_KEY(BASIC) |
			  FTL_KEY(IPV4_ADDRS) | FTL_KEY(IPV6_ADDRS) |
			  FTL_KEY(PORTS) | FTL_KEY(TCP) | FTL_KEY(VLAN) |
			  FTL_KEY(CVLAN) | FTL_KEY(PPPOE);
	struct ftl *t = ftl_new(test, &(struct ftl_base){});
	const u64 used = t->dissector.used_keys;
	char msg[80];
	int i;

	ftl_redirect(t);
	for (i = 0; i < FLOW_DISSECTOR_KEY_MAX; i++) {
		if (known & BIT_ULL(i))
			continue;

		t->dissector.used_keys = used | BIT_ULL(i);
		snprintf(msg, sizeof(msg),
			 "flow_ft: match keys 0x%llx are not supported",
			 BIT_ULL(i));
		ftl_expect_refusal(test, t, FLOW_FT_MANGLE_PACKET, msg);
	}

	/* As for a route through an IPv4 tunnel; the text names all of them. */
	t->dissector.used_keys = used | FTL_KEY(ENC_KEYID) |
				 FTL_KEY(ENC_CONTROL) | FTL_KEY(ENC_IPV4_ADDRS);
	snprintf(msg, sizeof(msg),
		 "flow_ft: match keys 0x%llx are not supported",
		 t->dissector.used_keys ^ used);
	ftl_expect_refusal(test, t, FLOW_FT_MANGLE_PACKET, msg);
}

static bool ftl_action_is_known(enum flow_action_id id)
{
	switch (id) {
	case FLOW_ACTION_REDIRECT:
	case FLOW_ACTION_VLAN_PUSH:
	case FLOW_ACTION_VLAN_POP:
	case FLOW_ACTION_MANGLE:
	case FLOW_ACTION_CSUM:
	case FLOW_ACTION_PRIORITY:
	case FLOW_ACTION_PPPOE_PUSH:
		return true;
	default:
		return false;
	}
}

/* Among them id 0 of an entry that nobody has filled in, and
 * FLOW_ACTION_CT_METADATA, which act_ct adds to every rule.
 */
static void ftl_test_unknown_actions(struct kunit *test)
{
	struct ftl *t = ftl_new(test, &(struct ftl_base){});
	struct flow_action_entry *act;
	char msg[80];
	int id;

	act = ftl_action(t, 0);
	ftl_redirect(t);
	for (id = 0; id <= NUM_FLOW_ACTIONS; id++) {
		if (ftl_action_is_known(id))
			continue;

		act->id = id;
		snprintf(msg, sizeof(msg),
			 "flow_ft: action %u is not supported", id);
		if (id == FLOW_ACTION_TUNNEL_ENCAP ||
		    id == FLOW_ACTION_TUNNEL_DECAP)
			strscpy(msg, FTL_MSG("tunnels are not supported"));
		ftl_expect_refusal(test, t, FLOW_FT_MANGLE_PACKET, msg);
	}
}

static void ftl_test_vlan_bits(struct kunit *test)
{
	struct ftl *t = ftl_new(test, &(struct ftl_base){ .vlans = 2 });
	const char *msg = FTL_TAG_ONLY;
	struct flow_ft_rule out;

	ftl_redirect(t);
	t->key.vlan.vlan_priority = 1;
	t->key.vlan.vlan_dei = 1;
	KUNIT_EXPECT_EQ(test, ftl_parse(t, &out), 0);
	KUNIT_EXPECT_EQ(test, out.tuple.vlan[0].vid, 0);

	t->mask.vlan.vlan_priority = 4;
	ftl_expect_refusal(test, t, FLOW_FT_MANGLE_PACKET, msg);

	t->mask.vlan.vlan_priority = 0;
	t->mask.vlan.vlan_dei = 1;
	ftl_expect_refusal(test, t, FLOW_FT_MANGLE_PACKET, msg);

	t->mask.vlan.vlan_dei = 0;
	t->mask.cvlan.vlan_id = 0xffe;
	ftl_expect_refusal(test, t, FLOW_FT_MANGLE_PACKET,
			   FTL_TAG_EXACT);
}

/* Keys that are filled in, but not in used_keys. */
static void ftl_test_vlan_unannounced(struct kunit *test)
{
	struct ftl *t = ftl_new(test, &(struct ftl_base){});
	struct flow_ft_rule out;

	t->key.vlan.vlan_id = 5;
	ftl_redirect(t);
	KUNIT_EXPECT_EQ(test, ftl_parse(t, &out), 0);
	KUNIT_EXPECT_EQ(test, flow_ft_vlan_num(&out.tuple), 0);

	t->rule->action.num_entries = 0;
	ftl_action(t, FLOW_ACTION_VLAN_POP);
	ftl_redirect(t);
	ftl_expect_refusal(test, t, FLOW_FT_MANGLE_PACKET,
			   FTL_POPS);
}

/* What a match may leave open. */
static void ftl_test_open_match(struct kunit *test)
{
	struct ftl *t = ftl_new(test, &(struct ftl_base){ .pppoe = true });
	struct flow_ft_rule out;

	ftl_redirect(t);
	memset(&t->mask.pppoe.ppp_proto, 0, sizeof(t->mask.pppoe.ppp_proto));
	memset(&t->key.pppoe.ppp_proto, 0, sizeof(t->key.pppoe.ppp_proto));
	KUNIT_EXPECT_EQ(test, ftl_parse(t, &out), 0);

	memset(&t->mask.pppoe.type, 0, sizeof(t->mask.pppoe.type));
	memset(&t->key.pppoe.type, 0, sizeof(t->key.pppoe.type));
	KUNIT_EXPECT_EQ(test, ftl_parse(t, &out), 0);
	KUNIT_EXPECT_EQ(test, out.tuple.pppoe_sid, 1);
	KUNIT_EXPECT_TRUE(test, out.rewrite.pppoe_pop);

	t->key.tcp.flags = htons(0x0ffa);
	KUNIT_EXPECT_EQ(test, ftl_parse(t, &out), 0);
	KUNIT_EXPECT_EQ(test, ntohs(out.tcp_flags), 0x0005);

	t->dissector.used_keys &= ~(FTL_KEY(TCP) | FTL_KEY(CONTROL));
	t->mask.control.flags = ~0;
	KUNIT_EXPECT_EQ(test, ftl_parse(t, &out), 0);
	KUNIT_EXPECT_EQ(test, ntohs(out.tcp_flags), 0);
}

static void ftl_word(struct ftl *t, enum flow_action_mangle_base type,
		     u32 offset, u32 val, u32 bits)
{
	struct flow_action_entry *act = ftl_action(t, FLOW_ACTION_MANGLE);

	act->mangle.htype = type;
	act->mangle.offset = offset;
	act->mangle.val = (__force u32)htonl(val);
	act->mangle.mask = (__force u32)htonl(~bits);
}

/* A field may be written in pieces, in any order and more than once; bits of
 * the value outside of the mask do not count.
 */
static void ftl_test_pieces(struct kunit *test)
{
	struct ftl *t = ftl_new(test, &(struct ftl_base){});
	struct flow_ft_rewrite *rewrite;
	struct flow_ft_rule out;

	ftl_word(t, FLOW_ACT_MANGLE_HDR_TYPE_TCP, 0, 0x11112222, 0xffffffff);
	ftl_word(t, FLOW_ACT_MANGLE_HDR_TYPE_IP4, 14, 0x03040506, 0xffffffff);
	ftl_word(t, FLOW_ACT_MANGLE_HDR_TYPE_IP4, 10, 0xffff0102, 0xffff);
	ftl_word(t, FLOW_ACT_MANGLE_HDR_TYPE_IP4, 18, 0x0708ffff, 0xffff0000);
	ftl_word(t, FLOW_ACT_MANGLE_HDR_TYPE_TCP, 0, 0x3333eeee, 0xff0f0000);
	ftl_redirect(t);
	KUNIT_EXPECT_EQ(test, ftl_parse(t, &out), 0);

	rewrite = &out.rewrite;
	KUNIT_EXPECT_EQ(test, rewrite->set, FLOW_FT_SET_NAT);
	KUNIT_EXPECT_EQ(test, ntohl(rewrite->saddr_v4), 0x01020304);
	KUNIT_EXPECT_EQ(test, ntohl(rewrite->daddr_v4), 0x05060708);
	KUNIT_EXPECT_EQ(test, ntohs(rewrite->sport), 0x3313);
	KUNIT_EXPECT_EQ(test, ntohs(rewrite->dport), 0x2222);
}

static u16 ftl_parse_set(struct kunit *test, struct ftl *t)
{
	struct flow_ft_rule out;

	ftl_redirect(t);
	KUNIT_EXPECT_EQ(test, ftl_parse(t, &out), 0);
	t->rule->action.num_entries--;
	return out.rewrite.set;
}

/* One of two fields in the same word leaves the other alone. */
static void ftl_test_single_fields(struct kunit *test)
{
	struct ftl *t = ftl_new(test, &(struct ftl_base){});
	u16 set = 0;

	KUNIT_EXPECT_EQ(test, ftl_parse_set(test, t), set);

	ftl_word(t, FLOW_ACT_MANGLE_HDR_TYPE_TCP, 0, 0, 0xffff);
	set |= FLOW_FT_SET_DPORT;
	KUNIT_EXPECT_EQ(test, ftl_parse_set(test, t), set);

	ftl_word(t, FLOW_ACT_MANGLE_HDR_TYPE_IP4, 16, 0, 0xffffffff);
	set |= FLOW_FT_SET_DADDR;
	KUNIT_EXPECT_EQ(test, ftl_parse_set(test, t), set);

	ftl_word(t, FLOW_ACT_MANGLE_HDR_TYPE_ETH, 8, 0, 0xffffffff);
	ftl_word(t, FLOW_ACT_MANGLE_HDR_TYPE_ETH, 4, 0, 0xffff);
	set |= FLOW_FT_SET_ETH_SRC;
	KUNIT_EXPECT_EQ(test, ftl_parse_set(test, t), set);
}

#define FTL_MIXED_STATS							\
	FTL_MSG("Mixing HW stats types for actions is not supported")
#define FTL_ANY_STATS							\
	FTL_MSG("Driver supports only default HW stats type \"any\"")

/* A flowtable does not care, tc may. */
static void ftl_test_hw_stats(struct kunit *test)
{
	struct ftl *t = ftl_new(test, &(struct ftl_base){});
	struct flow_action_entry *act = ftl_action(t, FLOW_ACTION_CSUM);

	ftl_redirect(t);
	act->hw_stats = FLOW_ACTION_HW_STATS_DISABLED;
	ftl_expect_refusal(test, t, FLOW_FT_MANGLE_PACKET, FTL_MIXED_STATS);
	act[1].hw_stats = FLOW_ACTION_HW_STATS_DISABLED;
	ftl_expect_refusal(test, t, FLOW_FT_MANGLE_PACKET, FTL_ANY_STATS);
}

static struct kunit_case ftl_test_cases[] = {
	KUNIT_CASE_PARAM(ftl_test_match, ftl_match_gen_params),
	KUNIT_CASE_PARAM(ftl_test_actions, ftl_acts_gen_params),
	KUNIT_CASE(ftl_test_unknown_keys),
	KUNIT_CASE(ftl_test_unknown_actions),
	KUNIT_CASE(ftl_test_vlan_bits),
	KUNIT_CASE(ftl_test_vlan_unannounced),
	KUNIT_CASE(ftl_test_open_match),
	KUNIT_CASE(ftl_test_pieces),
	KUNIT_CASE(ftl_test_single_fields),
	KUNIT_CASE(ftl_test_hw_stats),
	{}
};

static struct kunit_suite ftl_test_suite = {
	.name = "flow_ft_limits",
	.test_cases = ftl_test_cases,
};

kunit_test_suites(&ftl_test_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of the limits of the flowtable rule decoder");
