// SPDX-License-Identifier: GPL-2.0
/* The flow table of the packet processing engine: layouts and hash */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/bitfield.h>
#include <linux/bug.h>
#include <linux/module.h>

#include "foe.h"

const struct foe_layout foe_layout_v1 = {
	.size		= 80,
	.ways		= 2,
	.type		= GENMASK(27, 25),
	.ts		= GENMASK(14, 0),
	.ts_unbind	= GENMASK(7, 0),
	.count		= GENMASK(23, 8),
	.keepalive	= BIT(15),
	.layers		= GENMASK(18, 16),
	.pppoe		= BIT(19),
	.vpm		= BIT(20),
	.ttl		= BIT(24),
	.dp		= GENMASK(7, 5),
	.mib		= BIT(10),
};
EXPORT_SYMBOL_GPL(foe_layout_v1);

const struct foe_layout foe_layout_v2 = {
	.size		= 96,
	.ways		= 4,
	.type		= GENMASK(27, 23),
	.ts		= GENMASK(7, 0),
	.ts_unbind	= GENMASK(7, 0),
	.count		= GENMASK(19, 12),
	.keepalive	= BIT(13),
	.layers		= GENMASK(16, 14),
	.pppoe		= BIT(17),
	.vpm		= BIT(18),
	.ttl		= BIT(22),
	.dp		= GENMASK(12, 9),
	.mib		= BIT(15),
};
EXPORT_SYMBOL_GPL(foe_layout_v2);

/*
 * Hash mode 1, which is the one that all drivers choose: mtk_ppe.c of Linux
 * 6.12, and the vendor's software hash of 2017 gives the same.
 */
static u32 foe_hash_mix(u32 h1, u32 h2, u32 h3)
{
	u32 hash = (h1 & h2) | (~h1 & h3);

	hash = rol32(hash, 8) ^ h1 ^ h2 ^ h3;
	return hash ^ hash >> 16;
}

/**
 * foe_hash() - the bucket of a flow
 * @layout:	of the table
 * @key:	of the flow
 * @entries:	in the table, a power of two
 *
 * Return: the index of the first entry of the bucket
 */
u32 foe_hash(const struct foe_layout *layout, const struct foe_key *key,
	     u32 entries)
{
	const u32 *w = key->words;
	u32 hash;

	if (foe_type_is_ip6(key->type))
		hash = foe_hash_mix(w[3] ^ w[7] ^ w[8], w[2] ^ w[6] ^ w[4],
				    w[1] ^ w[5] ^ w[0]);
	else
		hash = foe_hash_mix(w[2], w[1], w[0]);

	return hash * layout->ways & (entries - 1);
}
EXPORT_SYMBOL_GPL(foe_hash);

/* The part of ib1 that tells flows with equal words apart */
u32 foe_key_ib1(const struct foe_layout *layout, const struct foe_key *key)
{
	return foe_put(key->type, layout->type) |
	       FIELD_PREP(FOE_IB1_UDP, key->udp);
}
EXPORT_SYMBOL_GPL(foe_key_ib1);

MODULE_DESCRIPTION("Flow table of the model of the MediaTek frame engine");
MODULE_LICENSE("GPL");
