/* SPDX-License-Identifier: GPL-2.0 */
/* The flow table ("FOE") of the packet processing engine: entries and hash */
#ifndef _FOE_H
#define _FOE_H

#include <linux/types.h>

/* Byte offsets; two halves of a word are two 16 bit fields, low one first */
#define FOE_KEY			0x04
#define FOE_IP4_IB2		0x10
#define FOE_IP4_NEW_SRC		0x14
#define FOE_IP4_NEW_DST		0x18
#define FOE_IP4_NEW_PORTS	0x1c
#define FOE_IP4_L2		0x2c
#define FOE_IP6_IB2		0x38
#define FOE_IP6_L2		0x3c

/* Relative to the L2 block */
#define FOE_L2_VLAN1_ETYPE	0x00
#define FOE_L2_DMAC_HI		0x04
#define FOE_L2_VLAN2_DMAC_LO	0x08
#define FOE_L2_SMAC_HI		0x0c
#define FOE_L2_PPPOE_SMAC_LO	0x10

/* Of ib1, in all versions */
#define FOE_IB1_STATE		GENMASK(29, 28)
#define FOE_IB1_UDP		BIT(30)
#define FOE_IB1_STATIC		BIT(31)

/* Of ib2, in all versions */
#define FOE_IB2_DSCP		GENMASK(31, 24)

/* What stands for the ports of a flow without: mtk_ppe.c of Linux 6.12 */
#define FOE_3T_PORTS(proto)	(0xa5a5a500 | (proto))

#define FOE_KEY_WORDS_IP4	3
#define FOE_KEY_WORDS_IP6	9
#define FOE_WORDS_MAX		24
#define FOE_ENTRIES_MAX		32768

enum foe_state {
	FOE_INVALID,
	FOE_UNBIND,
	FOE_BIND,
	FOE_FIN,
};

enum foe_type {
	FOE_IP4_HNAPT	= 0,
	FOE_IP4_HNAT	= 1,
	FOE_IP6_3T	= 4,
	FOE_IP6_5T	= 5,
};

/**
 * struct foe_layout - what differs between the versions of the table
 * @size:	bytes of an entry
 * @ways:	entries of a bucket
 * @type:	of ib1, the packet type
 * @ts:		of ib1, time stamp of a bound entry
 * @ts_unbind:	of ib1, time stamp of an entry that is not bound
 * @count:	of ib1, packets of an entry that is not bound
 * @keepalive:	of ib1, see ka_flag
 * @layers:	of ib1, number of VLAN tags of what leaves
 * @pppoe:	of ib1, what leaves has a PPPoE header
 * @vpm:	of ib1, the tags have the TPID of 802.1Q, not l2.etype
 * @ttl:	of ib1, TTL and hop limit are decremented
 * @dp:		of ib2, the port where it leaves
 * @mib:	of ib2, count in the MIB
 *
 * v1 is MT7621, MT7622 and MT7623, v2 is MT7981 and MT7986: mtk_ppe.h of Linux
 * 6.12; what an entry that is not bound has in ib1 is from the vendor SDK.
 */
struct foe_layout {
	unsigned int size;
	unsigned int ways;
	u32 type;
	u32 ts;
	u32 ts_unbind;
	u32 count;
	u32 keepalive;
	u32 layers;
	u32 pppoe;
	u32 vpm;
	u32 ttl;
	u32 dp;
	u32 mib;
};

/**
 * struct foe_key - what an entry matches
 * @words:	the words behind ib1: source, destination, ports as
 *		source << 16 | destination; all in host order
 * @num:	how many of them count
 * @type:	packet type
 * @udp:	UDP and not TCP
 */
struct foe_key {
	u32 words[FOE_KEY_WORDS_IP6];
	u8 num;
	u8 type;
	bool udp;
};

extern const struct foe_layout foe_layout_v1;
extern const struct foe_layout foe_layout_v2;

/* Field of a word by its mask, which is not constant here */
static inline u32 foe_get(u32 word, u32 mask)
{
	return (word & mask) >> __ffs(mask);
}

static inline u32 foe_put(u32 value, u32 mask)
{
	return (value << __ffs(mask)) & mask;
}

static inline bool foe_type_is_ip6(u8 type)
{
	return type == FOE_IP6_3T || type == FOE_IP6_5T;
}

u32 foe_hash(const struct foe_layout *layout, const struct foe_key *key,
	     u32 entries);
u32 foe_key_ib1(const struct foe_layout *layout, const struct foe_key *key);

#endif
