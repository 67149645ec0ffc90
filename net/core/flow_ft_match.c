// SPDX-License-Identifier: GPL-2.0
/* Decoder of the rules that a flowtable hands to drivers: what they match. */

#include <linux/if_vlan.h>
#include <linux/in.h>
#include <linux/module.h>
#include <linux/ppp_defs.h>
#include <linux/string.h>
#include <net/flow_ft.h>
#include <net/flow_offload.h>

#define FLOW_FT_KEYS	(BIT_ULL(FLOW_DISSECTOR_KEY_META) |		\
			 BIT_ULL(FLOW_DISSECTOR_KEY_CONTROL) |		\
			 BIT_ULL(FLOW_DISSECTOR_KEY_BASIC) |		\
			 BIT_ULL(FLOW_DISSECTOR_KEY_IPV4_ADDRS) |	\
			 BIT_ULL(FLOW_DISSECTOR_KEY_IPV6_ADDRS) |	\
			 BIT_ULL(FLOW_DISSECTOR_KEY_PORTS) |		\
			 BIT_ULL(FLOW_DISSECTOR_KEY_TCP) |		\
			 BIT_ULL(FLOW_DISSECTOR_KEY_VLAN) |		\
			 BIT_ULL(FLOW_DISSECTOR_KEY_CVLAN) |		\
			 BIT_ULL(FLOW_DISSECTOR_KEY_PPPOE))

static bool flow_ft_all_set(const void *mask, size_t len)
{
	return !memchr_inv(mask, 0xff, len);
}

static int flow_ft_parse_meta(const struct flow_rule *rule,
			      struct flow_ft_rule *out,
			      struct netlink_ext_ack *extack)
{
	struct flow_match_meta match;

	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_META)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "match on ingress device is missing");
		return -EOPNOTSUPP;
	}

	flow_rule_match_meta(rule, &match);
	if (match.mask->ingress_ifindex != 0xffffffff) {
		NL_SET_ERR_MSG_MOD(extack, "ingress device must match exactly");
		return -EOPNOTSUPP;
	}
	if (match.mask->ingress_iftype || match.mask->l2_miss) {
		NL_SET_ERR_MSG_MOD(extack,
				   "match on device type or L2 miss is not supported");
		return -EOPNOTSUPP;
	}

	out->ingress_ifindex = match.key->ingress_ifindex;
	return 0;
}

static int flow_ft_parse_basic(const struct flow_rule *rule,
			       struct flow_ft_rule *out,
			       struct netlink_ext_ack *extack)
{
	struct flow_match_basic match;

	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_BASIC)) {
		NL_SET_ERR_MSG_MOD(extack, "match on protocol is missing");
		return -EOPNOTSUPP;
	}

	flow_rule_match_basic(rule, &match);
	if (match.mask->n_proto != htons(0xffff) ||
	    match.mask->ip_proto != 0xff) {
		NL_SET_ERR_MSG_MOD(extack, "protocols must match exactly");
		return -EOPNOTSUPP;
	}

	switch (match.key->n_proto) {
	case htons(ETH_P_IP):
		out->tuple.family = AF_INET;
		break;
	case htons(ETH_P_IPV6):
		out->tuple.family = AF_INET6;
		break;
	default:
		NL_SET_ERR_MSG_MOD(extack, "only IPv4 and IPv6 are supported");
		return -EOPNOTSUPP;
	}

	switch (match.key->ip_proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_GRE:
		break;
	default:
		NL_SET_ERR_MSG_MOD(extack,
				   "only TCP, UDP and GRE are supported");
		return -EOPNOTSUPP;
	}

	out->tuple.l4proto = match.key->ip_proto;
	return 0;
}

static int flow_ft_parse_ipv4(const struct flow_rule *rule,
			      struct flow_ft_rule *out,
			      struct netlink_ext_ack *extack)
{
	struct flow_match_ipv4_addrs match;

	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPV4_ADDRS) ||
	    flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPV6_ADDRS)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "IPv4 needs a match on IPv4 addresses only");
		return -EOPNOTSUPP;
	}

	flow_rule_match_ipv4_addrs(rule, &match);
	if (!flow_ft_all_set(match.mask, sizeof(*match.mask))) {
		NL_SET_ERR_MSG_MOD(extack, "addresses must match exactly");
		return -EOPNOTSUPP;
	}

	out->tuple.src_v4 = match.key->src;
	out->tuple.dst_v4 = match.key->dst;
	return 0;
}

static int flow_ft_parse_ipv6(const struct flow_rule *rule,
			      struct flow_ft_rule *out,
			      struct netlink_ext_ack *extack)
{
	struct flow_match_ipv6_addrs match;

	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPV6_ADDRS) ||
	    flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPV4_ADDRS)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "IPv6 needs a match on IPv6 addresses only");
		return -EOPNOTSUPP;
	}

	flow_rule_match_ipv6_addrs(rule, &match);
	if (!flow_ft_all_set(match.mask, sizeof(*match.mask))) {
		NL_SET_ERR_MSG_MOD(extack, "addresses must match exactly");
		return -EOPNOTSUPP;
	}

	out->tuple.src_v6 = match.key->src;
	out->tuple.dst_v6 = match.key->dst;
	return 0;
}

static int flow_ft_parse_addrs(const struct flow_rule *rule,
			       struct flow_ft_rule *out,
			       struct netlink_ext_ack *extack)
{
	if (out->tuple.family == AF_INET)
		return flow_ft_parse_ipv4(rule, out, extack);

	return flow_ft_parse_ipv6(rule, out, extack);
}

static bool flow_ft_has_ports(const struct flow_ft_rule *rule)
{
	return rule->tuple.l4proto == IPPROTO_TCP ||
	       rule->tuple.l4proto == IPPROTO_UDP;
}

static int flow_ft_parse_ports(const struct flow_rule *rule,
			       struct flow_ft_rule *out,
			       struct netlink_ext_ack *extack)
{
	struct flow_match_ports match;

	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_PORTS) !=
	    flow_ft_has_ports(out)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "match on ports goes with TCP and UDP, and only with them");
		return -EOPNOTSUPP;
	}
	if (!flow_ft_has_ports(out))
		return 0;

	flow_rule_match_ports(rule, &match);
	if (match.mask->src != htons(0xffff) ||
	    match.mask->dst != htons(0xffff)) {
		NL_SET_ERR_MSG_MOD(extack, "ports must match exactly");
		return -EOPNOTSUPP;
	}

	out->tuple.sport = match.key->src;
	out->tuple.dport = match.key->dst;
	return 0;
}

static int flow_ft_parse_tcp(const struct flow_rule *rule,
			     struct flow_ft_rule *out,
			     struct netlink_ext_ack *extack)
{
	struct flow_match_tcp match;

	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_TCP))
		return 0;

	if (out->tuple.l4proto != IPPROTO_TCP) {
		NL_SET_ERR_MSG_MOD(extack, "match on TCP flags needs TCP");
		return -EOPNOTSUPP;
	}

	flow_rule_match_tcp(rule, &match);
	if (match.key->flags & match.mask->flags) {
		NL_SET_ERR_MSG_MOD(extack,
				   "TCP flags can only be required to be clear");
		return -EOPNOTSUPP;
	}

	out->tcp_flags = match.mask->flags;
	return 0;
}

static int flow_ft_parse_vlan(const struct flow_match_vlan *match,
			      struct flow_ft_vlan *vlan,
			      struct netlink_ext_ack *extack)
{
	if (match->mask->vlan_id != VLAN_VID_MASK ||
	    match->mask->vlan_tpid != htons(0xffff)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "VLAN ID and TPID must match exactly");
		return -EOPNOTSUPP;
	}
	if (match->mask->vlan_priority || match->mask->vlan_dei ||
	    match->mask->vlan_eth_type) {
		NL_SET_ERR_MSG_MOD(extack,
				   "match on VLAN priority, DEI or inner type is not supported");
		return -EOPNOTSUPP;
	}
	if (!eth_type_vlan(match->key->vlan_tpid)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "VLAN TPID must be 802.1Q or 802.1ad");
		return -EOPNOTSUPP;
	}

	vlan->proto = match->key->vlan_tpid;
	vlan->vid = match->key->vlan_id;
	return 0;
}

static int flow_ft_parse_vlans(const struct flow_rule *rule,
			       struct flow_ft_rule *out,
			       struct netlink_ext_ack *extack)
{
	struct flow_match_vlan match;
	int err;

	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_VLAN)) {
		if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_CVLAN))
			return 0;

		NL_SET_ERR_MSG_MOD(extack,
				   "match on inner VLAN needs one on the outer");
		return -EOPNOTSUPP;
	}

	flow_rule_match_vlan(rule, &match);
	err = flow_ft_parse_vlan(&match, &out->tuple.vlan[0], extack);
	if (err || !flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_CVLAN))
		return err;

	flow_rule_match_cvlan(rule, &match);
	return flow_ft_parse_vlan(&match, &out->tuple.vlan[1], extack);
}

static int flow_ft_parse_pppoe(const struct flow_rule *rule,
			       struct flow_ft_rule *out,
			       struct netlink_ext_ack *extack)
{
	__be16 proto = out->tuple.family == AF_INET ? htons(PPP_IP) :
						      htons(PPP_IPV6);
	struct flow_match_pppoe match;

	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_PPPOE))
		return 0;

	flow_rule_match_pppoe(rule, &match);
	if (match.mask->session_id != htons(0xffff) || !match.key->session_id) {
		NL_SET_ERR_MSG_MOD(extack,
				   "PPPoE session must match exactly, and not be 0");
		return -EOPNOTSUPP;
	}
	if ((match.mask->ppp_proto &&
	     (match.mask->ppp_proto != htons(0xffff) ||
	      match.key->ppp_proto != proto)) ||
	    (match.mask->type &&
	     (match.mask->type != htons(0xffff) ||
	      match.key->type != htons(ETH_P_PPP_SES)))) {
		NL_SET_ERR_MSG_MOD(extack,
				   "PPPoE type or protocol contradicts the rule");
		return -EOPNOTSUPP;
	}

	out->tuple.pppoe_sid = ntohs(match.key->session_id);
	out->rewrite.pppoe_pop = true;
	return 0;
}

/**
 * flow_ft_parse_match() - decode what a rule of a flowtable matches
 * @rule: rule of a FLOW_CLS_REPLACE
 * @out: result, zeroed by the caller; unspecified on error
 * @extack: where the reason of a refusal goes, or NULL
 *
 * The first half of flow_ft_parse(), for a driver that has a use for the match
 * alone.
 *
 * Context: any; takes no lock and does not sleep.
 * Return: 0, or -EOPNOTSUPP for a match that has a part that is not known here.
 */
int flow_ft_parse_match(const struct flow_rule *rule, struct flow_ft_rule *out,
			struct netlink_ext_ack *extack)
{
	unsigned long long unknown;
	int err;

	unknown = rule->match.dissector->used_keys & ~FLOW_FT_KEYS;
	if (unknown) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "match keys 0x%llx are not supported",
				       unknown);
		return -EOPNOTSUPP;
	}
	if (flow_rule_match_has_control_flags(rule, extack))
		return -EOPNOTSUPP;

	err = flow_ft_parse_meta(rule, out, extack);
	if (err)
		return err;

	err = flow_ft_parse_basic(rule, out, extack);
	if (err)
		return err;

	err = flow_ft_parse_addrs(rule, out, extack);
	if (err)
		return err;

	err = flow_ft_parse_ports(rule, out, extack);
	if (err)
		return err;

	err = flow_ft_parse_tcp(rule, out, extack);
	if (err)
		return err;

	err = flow_ft_parse_vlans(rule, out, extack);
	if (err)
		return err;

	return flow_ft_parse_pppoe(rule, out, extack);
}
EXPORT_SYMBOL_GPL(flow_ft_parse_match);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Library for drivers that offload flowtables");
