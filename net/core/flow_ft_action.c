// SPDX-License-Identifier: GPL-2.0
/* Decoder of the rules that a flowtable hands to drivers: what they do. */

#include <linux/if_vlan.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/tc_act/tc_csum.h>
#include <net/flow_ft.h>
#include <net/flow_offload.h>

/* The header bytes that a rule may rewrite. Mangles are collected word by word
 * in two of these, values and mask, and looked at once all of them are known.
 */
struct flow_ft_headers {
	struct {
		u8	dst[ETH_ALEN];
		u8	src[ETH_ALEN];
	} eth;
	union {
		struct {
			__be32	saddr;
			__be32	daddr;
		} v4;
		struct {
			struct in6_addr	saddr;
			struct in6_addr	daddr;
		} v6;
		u8	ip[2 * sizeof(struct in6_addr)];
	};
	struct {
		__be16	sport;
		__be16	dport;
	} l4;
};

struct flow_ft_mangles {
	struct flow_ft_headers	val;
	struct flow_ft_headers	mask;
};

/* Merge one 32-bit mangle, both words in packet byte order, into the @len bytes
 * of a header that start at @start.
 */
static int flow_ft_mangle_word(u8 *val, u8 *mask, u32 start, u32 len,
			       u32 offset, __be32 word, __be32 word_mask)
{
	const u8 *new_mask = (const u8 *)&word_mask;
	const u8 *new = (const u8 *)&word;
	u64 pos;
	int i;

	for (i = 0; i < sizeof(word); i++) {
		if (!new_mask[i])
			continue;

		pos = (u64)offset + i;
		if (pos < start || pos - start >= len)
			return -EOPNOTSUPP;

		pos -= start;
		val[pos] = (val[pos] & ~new_mask[i]) | (new[i] & new_mask[i]);
		mask[pos] |= new_mask[i];
	}

	return 0;
}

/* Bring the two ways to write a mangle to one: a word in packet byte order at
 * an offset, with the bits to change set in the mask.
 */
static int flow_ft_mangle_normalise(const struct flow_action_entry *act,
				    enum flow_ft_mangle_order order,
				    u32 *offset, __be32 *word, __be32 *mask)
{
	u32 shift = 0;

	*offset = act->mangle.offset;
	if (order == FLOW_FT_MANGLE_PACKET) {
		*word = (__force __be32)act->mangle.val;
		*mask = (__force __be32)~act->mangle.mask;
		return 0;
	}

	switch (act->mangle.htype) {
	case FLOW_ACT_MANGLE_HDR_TYPE_IP4:
	case FLOW_ACT_MANGLE_HDR_TYPE_IP6:
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_TCP:
	case FLOW_ACT_MANGLE_HDR_TYPE_UDP:
		if (~act->mangle.mask & ~0xffffU)
			return -EOPNOTSUPP;
		shift = 16;
		break;
	default:
		return -EOPNOTSUPP;
	}

	*word = cpu_to_be32(act->mangle.val << shift);
	*mask = cpu_to_be32(~act->mangle.mask << shift);
	return 0;
}

static bool flow_ft_mangle_fits(const struct flow_action_entry *act,
				const struct flow_ft_tuple *tuple)
{
	switch (act->mangle.htype) {
	case FLOW_ACT_MANGLE_HDR_TYPE_ETH:
		return true;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP4:
		return tuple->family == AF_INET;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP6:
		return tuple->family == AF_INET6;
	case FLOW_ACT_MANGLE_HDR_TYPE_TCP:
		return tuple->l4proto == IPPROTO_TCP;
	case FLOW_ACT_MANGLE_HDR_TYPE_UDP:
		return tuple->l4proto == IPPROTO_UDP;
	default:
		return false;
	}
}

static int flow_ft_parse_mangle(const struct flow_action_entry *act,
				enum flow_ft_mangle_order order,
				const struct flow_ft_rule *out,
				struct flow_ft_mangles *mangles,
				struct netlink_ext_ack *extack)
{
	struct flow_ft_headers *mask = &mangles->mask;
	struct flow_ft_headers *val = &mangles->val;
	__be32 word, word_mask;
	u32 offset;
	int err;

	if (!flow_ft_mangle_fits(act, &out->tuple)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "mangle of a header that the match does not have");
		return -EOPNOTSUPP;
	}

	err = flow_ft_mangle_normalise(act, order, &offset, &word, &word_mask);
	if (err)
		goto err_mangle;

	switch (act->mangle.htype) {
	case FLOW_ACT_MANGLE_HDR_TYPE_ETH:
		err = flow_ft_mangle_word((u8 *)&val->eth, (u8 *)&mask->eth, 0,
					  sizeof(val->eth), offset, word,
					  word_mask);
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP4:
		err = flow_ft_mangle_word(val->ip, mask->ip,
					  offsetof(struct iphdr, saddr),
					  sizeof(val->v4), offset, word,
					  word_mask);
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP6:
		err = flow_ft_mangle_word(val->ip, mask->ip,
					  offsetof(struct ipv6hdr, saddr),
					  sizeof(val->v6), offset, word,
					  word_mask);
		break;
	default:
		err = flow_ft_mangle_word((u8 *)&val->l4, (u8 *)&mask->l4, 0,
					  sizeof(val->l4), offset, word,
					  word_mask);
		break;
	}
	if (!err)
		return 0;

err_mangle:
	NL_SET_ERR_MSG_FMT_MOD(extack,
			       "mangle of header type %u, offset %u is not supported",
			       act->mangle.htype, act->mangle.offset);
	return err;
}

static int flow_ft_parse_vlan_push(const struct flow_action_entry *act,
				   struct flow_ft_rewrite *rewrite,
				   struct netlink_ext_ack *extack)
{
	struct flow_ft_vlan *vlan;

	if (rewrite->vlan_push_num == FLOW_FT_VLAN_MAX) {
		NL_SET_ERR_MSG_MOD(extack, "more than two VLAN pushes");
		return -EOPNOTSUPP;
	}
	if (!eth_type_vlan(act->vlan.proto)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "VLAN TPID must be 802.1Q or 802.1ad");
		return -EOPNOTSUPP;
	}
	if (act->vlan.vid > VLAN_VID_MASK) {
		NL_SET_ERR_MSG_MOD(extack, "VLAN ID must be below 4096");
		return -EOPNOTSUPP;
	}
	if (act->vlan.prio) {
		NL_SET_ERR_MSG_MOD(extack,
				   "VLAN priority is not supported");
		return -EOPNOTSUPP;
	}

	vlan = &rewrite->vlan_push[rewrite->vlan_push_num++];
	vlan->proto = act->vlan.proto;
	vlan->vid = act->vlan.vid;
	return 0;
}

static int flow_ft_parse_vlan_pop(struct flow_ft_rule *out,
				  struct netlink_ext_ack *extack)
{
	if (out->rewrite.vlan_push_num ||
	    out->rewrite.set & FLOW_FT_SET_PPPOE) {
		NL_SET_ERR_MSG_MOD(extack, "VLAN pop after a push");
		return -EOPNOTSUPP;
	}
	if (out->rewrite.vlan_pop == flow_ft_vlan_num(&out->tuple)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "VLAN pop without a match on that tag");
		return -EOPNOTSUPP;
	}

	out->rewrite.vlan_pop++;
	return 0;
}

static int flow_ft_parse_pppoe_push(const struct flow_action_entry *act,
				    struct flow_ft_rewrite *rewrite,
				    struct netlink_ext_ack *extack)
{
	if (rewrite->set & FLOW_FT_SET_PPPOE) {
		NL_SET_ERR_MSG_MOD(extack, "more than one PPPoE push");
		return -EOPNOTSUPP;
	}

	rewrite->set |= FLOW_FT_SET_PPPOE;
	rewrite->pppoe_sid = act->pppoe.sid;
	return 0;
}

static int flow_ft_parse_redirect(const struct flow_action_entry *act,
				  struct flow_ft_rule *out,
				  struct netlink_ext_ack *extack)
{
	out->egress = act->dev;
	return 0;
}

static int flow_ft_parse_priority(const struct flow_action_entry *act,
				  struct flow_ft_rule *out,
				  struct netlink_ext_ack *extack)
{
	if (out->priority) {
		NL_SET_ERR_MSG_MOD(extack, "more than one priority");
		return -EOPNOTSUPP;
	}

	out->priority = act->priority;
	return 0;
}

/* A device that rewrites addresses mends the checksums in any case. */
static int flow_ft_parse_csum(const struct flow_action_entry *act,
			      struct netlink_ext_ack *extack)
{
	if (act->csum_flags & ~(TCA_CSUM_UPDATE_FLAG_IPV4HDR |
				TCA_CSUM_UPDATE_FLAG_TCP |
				TCA_CSUM_UPDATE_FLAG_UDP)) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "checksum flags 0x%x are not supported",
				       act->csum_flags);
		return -EOPNOTSUPP;
	}

	return 0;
}

static int flow_ft_parse_action(const struct flow_action_entry *act,
				enum flow_ft_mangle_order order,
				struct flow_ft_rule *out,
				struct flow_ft_mangles *mangles,
				struct netlink_ext_ack *extack)
{
	if (out->egress) {
		NL_SET_ERR_MSG_MOD(extack, "actions after the redirect");
		return -EOPNOTSUPP;
	}

	switch (act->id) {
	case FLOW_ACTION_MANGLE:
		return flow_ft_parse_mangle(act, order, out, mangles, extack);
	case FLOW_ACTION_CSUM:
		return flow_ft_parse_csum(act, extack);
	case FLOW_ACTION_VLAN_PUSH:
		return flow_ft_parse_vlan_push(act, &out->rewrite, extack);
	case FLOW_ACTION_VLAN_POP:
		return flow_ft_parse_vlan_pop(out, extack);
	case FLOW_ACTION_PPPOE_PUSH:
		return flow_ft_parse_pppoe_push(act, &out->rewrite, extack);
	case FLOW_ACTION_REDIRECT:
		return flow_ft_parse_redirect(act, out, extack);
	case FLOW_ACTION_PRIORITY:
		return flow_ft_parse_priority(act, out, extack);
	case FLOW_ACTION_TUNNEL_ENCAP:
	case FLOW_ACTION_TUNNEL_DECAP:
		NL_SET_ERR_MSG_MOD(extack, "tunnels are not supported");
		return -EOPNOTSUPP;
	default:
		NL_SET_ERR_MSG_FMT_MOD(extack, "action %u is not supported",
				       act->id);
		return -EOPNOTSUPP;
	}
}

static int flow_ft_take(const void *mask, size_t len, u16 bit,
			struct flow_ft_rewrite *rewrite,
			struct netlink_ext_ack *extack)
{
	if (!memchr_inv(mask, 0, len))
		return 0;

	if (memchr_inv(mask, 0xff, len)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "addresses and ports can only be rewritten as a whole");
		return -EOPNOTSUPP;
	}

	rewrite->set |= bit;
	return 0;
}

static int flow_ft_take_addrs(const struct flow_ft_mangles *mangles,
			      struct flow_ft_rule *out,
			      struct netlink_ext_ack *extack)
{
	const struct flow_ft_headers *mask = &mangles->mask;
	const struct flow_ft_headers *val = &mangles->val;
	struct flow_ft_rewrite *rewrite = &out->rewrite;
	int err;

	if (out->tuple.family == AF_INET) {
		rewrite->saddr_v4 = val->v4.saddr;
		rewrite->daddr_v4 = val->v4.daddr;
		err = flow_ft_take(&mask->v4.saddr, sizeof(mask->v4.saddr),
				   FLOW_FT_SET_SADDR, rewrite, extack);
		if (err)
			return err;

		return flow_ft_take(&mask->v4.daddr, sizeof(mask->v4.daddr),
				    FLOW_FT_SET_DADDR, rewrite, extack);
	}

	rewrite->saddr_v6 = val->v6.saddr;
	rewrite->daddr_v6 = val->v6.daddr;
	err = flow_ft_take(&mask->v6.saddr, sizeof(mask->v6.saddr),
			   FLOW_FT_SET_SADDR, rewrite, extack);
	if (err)
		return err;

	return flow_ft_take(&mask->v6.daddr, sizeof(mask->v6.daddr),
			    FLOW_FT_SET_DADDR, rewrite, extack);
}

static int flow_ft_take_mangles(const struct flow_ft_mangles *mangles,
				struct flow_ft_rule *out,
				struct netlink_ext_ack *extack)
{
	const struct flow_ft_headers *mask = &mangles->mask;
	const struct flow_ft_headers *val = &mangles->val;
	struct flow_ft_rewrite *rewrite = &out->rewrite;
	int err;

	memcpy(rewrite->eth_dst, val->eth.dst, ETH_ALEN);
	memcpy(rewrite->eth_src, val->eth.src, ETH_ALEN);
	rewrite->sport = val->l4.sport;
	rewrite->dport = val->l4.dport;

	err = flow_ft_take(mask->eth.dst, ETH_ALEN, FLOW_FT_SET_ETH_DST,
			   rewrite, extack);
	if (err)
		return err;

	err = flow_ft_take(mask->eth.src, ETH_ALEN, FLOW_FT_SET_ETH_SRC,
			   rewrite, extack);
	if (err)
		return err;

	err = flow_ft_take(&mask->l4.sport, sizeof(mask->l4.sport),
			   FLOW_FT_SET_SPORT, rewrite, extack);
	if (err)
		return err;

	err = flow_ft_take(&mask->l4.dport, sizeof(mask->l4.dport),
			   FLOW_FT_SET_DPORT, rewrite, extack);
	if (err)
		return err;

	return flow_ft_take_addrs(mangles, out, extack);
}

/**
 * flow_ft_parse_actions() - decode what a rule of a flowtable does
 * @rule: rule of a FLOW_CLS_REPLACE
 * @order: byte order of the mangles in @rule
 * @out: result of flow_ft_parse_match(), completed; unspecified on error
 * @extack: where the reason of a refusal goes, or NULL
 *
 * The second half of flow_ft_parse().
 *
 * Context: any; takes no lock and does not sleep.
 * Return: 0, or -EOPNOTSUPP for an action that is not known here.
 */
int flow_ft_parse_actions(const struct flow_rule *rule,
			  enum flow_ft_mangle_order order,
			  struct flow_ft_rule *out,
			  struct netlink_ext_ack *extack)
{
	const struct flow_action_entry *act;
	struct flow_ft_mangles mangles = {};
	int err, i;

	if (!flow_action_basic_hw_stats_check(&rule->action, extack))
		return -EOPNOTSUPP;

	flow_action_for_each(i, act, &rule->action) {
		err = flow_ft_parse_action(act, order, out, &mangles, extack);
		if (err)
			return err;
	}

	err = flow_ft_take_mangles(&mangles, out, extack);
	if (err)
		return err;

	if (!out->egress) {
		NL_SET_ERR_MSG_MOD(extack, "rule has no egress device");
		return -EOPNOTSUPP;
	}

	return 0;
}
EXPORT_SYMBOL_GPL(flow_ft_parse_actions);

/**
 * flow_ft_parse() - decode the rule of a flowtable
 * @rule: rule of a FLOW_CLS_REPLACE
 * @order: byte order of the mangles in @rule
 * @out: result, overwritten; unspecified on error
 * @extack: where the reason of a refusal goes, or NULL
 *
 * Two rules that ask for the same give results that are equal under memcmp().
 *
 * Context: any; takes no lock and does not sleep.
 * Return: 0, or -EOPNOTSUPP for a rule that has a part that is not known here.
 */
int flow_ft_parse(const struct flow_rule *rule,
		  enum flow_ft_mangle_order order, struct flow_ft_rule *out,
		  struct netlink_ext_ack *extack)
{
	int err;

	memset(out, 0, sizeof(*out));

	err = flow_ft_parse_match(rule, out, extack);
	if (err)
		return err;

	return flow_ft_parse_actions(rule, order, out, extack);
}
EXPORT_SYMBOL_GPL(flow_ft_parse);
