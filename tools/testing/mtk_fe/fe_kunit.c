// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of the flow table's hash */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/module.h>

#include "foe.h"

#define ENTRIES 16384

struct hash_case {
	const char *name;
	struct foe_key key;
	u32 v1;
	u32 v2;
};

#define KEY4(src, dst, ports, t) \
	{ .words = { src, dst, ports }, .num = FOE_KEY_WORDS_IP4, .type = (t) }

#define KEY6(s0, s1, s2, s3, d0, d1, d2, d3, ports) \
	{ .words = { s0, s1, s2, s3, d0, d1, d2, d3, ports }, \
	  .num = FOE_KEY_WORDS_IP6, .type = FOE_IP6_5T }

#define PORTS(src, dst) ((u32)(src) << 16 | (dst))

/* Indices that the hash of mtk_ppe.c of Linux 6.12 gives for these packets */
static const struct hash_case hash_cases[] = {
	{
		.name = "192.168.1.2:12345 > 10.0.0.1:80",
		.key = KEY4(0xc0a80102, 0x0a000001, PORTS(12345, 80),
			    FOE_IP4_HNAPT),
		.v1 = 0x3206, .v2 = 0x240c,
	}, {
		.name = "10.0.0.1:80 > 192.0.2.1:12345",
		.key = KEY4(0x0a000001, 0xc0000201, PORTS(80, 12345),
			    FOE_IP4_HNAPT),
		.v1 = 0x32c6, .v2 = 0x258c,
	}, {
		.name = "192.168.1.100:40000 > 203.0.113.5:443",
		.key = KEY4(0xc0a80164, 0xcb007105, PORTS(40000, 443),
			    FOE_IP4_HNAPT),
		.v1 = 0x17f6, .v2 = 0x2fec,
	}, {
		.name = "203.0.113.5:443 > 198.51.100.2:40000",
		.key = KEY4(0xcb007105, 0xc6336402, PORTS(443, 40000),
			    FOE_IP4_HNAPT),
		.v1 = 0x26c0, .v2 = 0x0d80,
	}, {
		.name = "1.2.3.4:1 > 5.6.7.8:2",
		.key = KEY4(0x01020304, 0x05060708, PORTS(1, 2),
			    FOE_IP4_HNAPT),
		.v1 = 0x0c12, .v2 = 0x1824,
	}, {
		.name = "192.168.1.2 > 10.0.0.1 GRE",
		.key = KEY4(0xc0a80102, 0x0a000001, FOE_3T_PORTS(47),
			    FOE_IP4_HNAT),
		.v1 = 0x04c2, .v2 = 0x0984,
	}, {
		.name = "[2001:db8:1::2]:12345 > [2001:db8:2::1]:80",
		.key = KEY6(0x20010db8, 0x00010000, 0, 2,
			    0x20010db8, 0x00020000, 0, 1, PORTS(12345, 80)),
		.v1 = 0x1688, .v2 = 0x2d10,
	}, {
		.name = "[2001:db8:2::1]:80 > [2001:db8:1::2]:12345",
		.key = KEY6(0x20010db8, 0x00020000, 0, 1,
			    0x20010db8, 0x00010000, 0, 2, PORTS(80, 12345)),
		.v1 = 0x1488, .v2 = 0x2910,
	}, {
		.name = "[fd00::1]:1000 > [fd00::2]:2000",
		.key = KEY6(0xfd000000, 0, 0, 1,
			    0xfd000000, 0, 0, 2, PORTS(1000, 2000)),
		.v1 = 0x098c, .v2 = 0x1318,
	},
};

static void hash_case_desc(const struct hash_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hash, hash_cases, hash_case_desc);

static void test_hash_v1(struct kunit *test)
{
	const struct hash_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, foe_hash(&foe_layout_v1, &c->key, ENTRIES),
			c->v1);
}

static void test_hash_v2(struct kunit *test)
{
	const struct hash_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, foe_hash(&foe_layout_v2, &c->key, ENTRIES),
			c->v2);
}

/* TCP and UDP with equal addresses and ports share a bucket */
static void test_hash_udp(struct kunit *test)
{
	struct foe_key key = hash_cases[0].key;

	key.udp = true;
	KUNIT_EXPECT_EQ(test, foe_hash(&foe_layout_v1, &key, ENTRIES),
			hash_cases[0].v1);
}

/* A smaller table takes the lower bits: the vendor's software hash of 2017 */
static void test_hash_small(struct kunit *test)
{
	const struct hash_case *c = &hash_cases[0];

	KUNIT_EXPECT_EQ(test, foe_hash(&foe_layout_v1, &c->key, 1024),
			c->v1 & 1023);
}

static struct kunit_case foe_cases[] = {
	KUNIT_CASE_PARAM(test_hash_v1, hash_gen_params),
	KUNIT_CASE_PARAM(test_hash_v2, hash_gen_params),
	KUNIT_CASE(test_hash_udp),
	KUNIT_CASE(test_hash_small),
	{}
};

static struct kunit_suite foe_suite = {
	.name = "mtk_fe_foe",
	.test_cases = foe_cases,
};

kunit_test_suite(foe_suite);

MODULE_DESCRIPTION("KUnit tests of the model of the MediaTek frame engine");
MODULE_LICENSE("GPL");
