/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _NET_FLOW_FT_H
#define _NET_FLOW_FT_H

#include <linux/bits.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/types.h>

struct flow_rule;
struct net_device;
struct netlink_ext_ack;

/**
 * DOC: flow_ft rules
 *
 * A flowtable hands its connections to drivers as one &struct flow_rule per
 * direction: a dissector with masks and a list of up to 24 actions, most of
 * them 32-bit mangles of header words. flow_ft_parse() turns that into a
 * &struct flow_ft_rule, which says the same in the terms of a forwarding
 * table: an exact match, a set of rewritten fields and an egress device.
 *
 * What the decoder does not know it refuses with -EOPNOTSUPP and an extack
 * text. It never leaves out a part of a rule: a driver may take the result for
 * the whole of what the flowtable asked for. So a rule without a VLAN or PPPoE
 * match is for frames that have neither.
 *
 * A rule that matches a PPPoE session has no action to take the header off:
 * that goes without saying, in contrast to VLAN tags.
 *
 * What the core writes wrongly no decoder can see: on big endian, that are the
 * words of MAC addresses.
 */

#define FLOW_FT_VLAN_MAX	2

/**
 * struct flow_ft_vlan - one VLAN tag
 * @proto: ETH_P_8021Q or ETH_P_8021AD, network byte order
 * @vid: VLAN ID, host byte order
 */
struct flow_ft_vlan {
	__be16	proto;
	u16	vid;
};

/**
 * struct flow_ft_tuple - what a packet is compared with
 * @src_v4: IPv4 source address, network byte order
 * @src_v6: IPv6 source address
 * @dst_v4: IPv4 destination address, network byte order
 * @dst_v6: IPv6 destination address
 * @sport: TCP or UDP source port, network byte order, else 0
 * @dport: TCP or UDP destination port, network byte order, else 0
 * @vlan: tags of the packet, outermost first, all zero where there is none
 * @pppoe_sid: PPPoE session ID, host byte order, 0 outside of PPPoE
 * @family: AF_INET or AF_INET6
 * @l4proto: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_GRE
 *
 * Has no padding, and every bit takes part in the comparison, so it can serve
 * as a hash key: zero it before the members are set.
 */
struct flow_ft_tuple {
	union {
		__be32		src_v4;
		struct in6_addr	src_v6;
	};
	union {
		__be32		dst_v4;
		struct in6_addr	dst_v6;
	};
	__be16			sport;
	__be16			dport;
	struct flow_ft_vlan	vlan[FLOW_FT_VLAN_MAX];
	u16			pppoe_sid;
	u8			family;
	u8			l4proto;
};

#define FLOW_FT_SET_ETH_DST	BIT(0)
#define FLOW_FT_SET_ETH_SRC	BIT(1)
#define FLOW_FT_SET_SADDR	BIT(2)
#define FLOW_FT_SET_DADDR	BIT(3)
#define FLOW_FT_SET_SPORT	BIT(4)
#define FLOW_FT_SET_DPORT	BIT(5)
#define FLOW_FT_SET_PPPOE	BIT(6)

#define FLOW_FT_SET_NAT		(FLOW_FT_SET_SADDR | FLOW_FT_SET_DADDR | \
				 FLOW_FT_SET_SPORT | FLOW_FT_SET_DPORT)

/**
 * struct flow_ft_rewrite - what becomes of a packet that matches
 * @set: FLOW_FT_SET_* of the members below that are valid
 * @eth_dst: destination MAC address
 * @eth_src: source MAC address
 * @saddr_v4: IPv4 source address, network byte order
 * @saddr_v6: IPv6 source address
 * @daddr_v4: IPv4 destination address, network byte order
 * @daddr_v6: IPv6 destination address
 * @sport: TCP or UDP source port, network byte order
 * @dport: TCP or UDP destination port, network byte order
 * @vlan_push: tags that the packet leaves with, outermost first as in the
 *	tuple
 * @pppoe_sid: PPPoE session ID to push, inside of any tag, host byte order
 * @vlan_pop: number of tags to remove, never more than the tuple has
 * @vlan_push_num: number of tags to push
 * @pppoe_pop: remove the PPPoE header; always so when the tuple has one, as
 *	there is no action of its own for it
 *
 * A flowtable routes, so a device also decrements TTL or hop limit, and hands
 * packets to the CPU in which it would become 0. There is no action for that.
 */
struct flow_ft_rewrite {
	u16			set;
	u8			eth_dst[ETH_ALEN];
	u8			eth_src[ETH_ALEN];
	union {
		__be32		saddr_v4;
		struct in6_addr	saddr_v6;
	};
	union {
		__be32		daddr_v4;
		struct in6_addr	daddr_v6;
	};
	__be16			sport;
	__be16			dport;
	struct flow_ft_vlan	vlan_push[FLOW_FT_VLAN_MAX];
	u16			pppoe_sid;
	u8			vlan_pop;
	u8			vlan_push_num;
	bool			pppoe_pop;
};

/**
 * struct flow_ft_rule - one direction of a connection, decoded
 * @tuple: exact match
 * @tcp_flags: TCP flags that must all be clear, network byte order as in the
 *	13th and 14th byte of the TCP header; a packet that has one of them set
 *	belongs to the CPU
 * @ingress_ifindex: device that the packet came in by, as seen in the netns of
 *	the flowtable
 * @egress: device that the packet leaves by; valid as long as the flow_rule is
 * @rewrite: changes to the packet
 * @priority: value of FLOW_ACTION_PRIORITY, 0 without one
 */
struct flow_ft_rule {
	struct flow_ft_tuple	tuple;
	__be16			tcp_flags;
	int			ingress_ifindex;
	struct net_device	*egress;
	struct flow_ft_rewrite	rewrite;
	u32			priority;
};

/**
 * flow_ft_vlan_num() - number of VLAN tags of a packet
 * @tuple: what the packet says
 *
 * Return: 0, 1 or 2.
 */
static inline unsigned int flow_ft_vlan_num(const struct flow_ft_tuple *tuple)
{
	return !!tuple->vlan[0].proto + !!tuple->vlan[1].proto;
}

/**
 * enum flow_ft_mangle_order - byte order of FLOW_ACTION_MANGLE values
 * @FLOW_FT_MANGLE_PACKET: words as they stand in the packet, as
 *	nf_flow_table_offload.c writes them
 * @FLOW_FT_MANGLE_HOST: numbers in host byte order, addresses of 32 bits and
 *	ports of 16 bits at their own offset, as act_ct.c writes them
 */
enum flow_ft_mangle_order {
	FLOW_FT_MANGLE_PACKET,
	FLOW_FT_MANGLE_HOST,
};

int flow_ft_parse_match(const struct flow_rule *rule, struct flow_ft_rule *out,
			struct netlink_ext_ack *extack);
int flow_ft_parse_actions(const struct flow_rule *rule,
			  enum flow_ft_mangle_order order,
			  struct flow_ft_rule *out,
			  struct netlink_ext_ack *extack);
int flow_ft_parse(const struct flow_rule *rule,
		  enum flow_ft_mangle_order order, struct flow_ft_rule *out,
		  struct netlink_ext_ack *extack);

#endif /* _NET_FLOW_FT_H */
