// SPDX-License-Identifier: GPL-2.0
/* What airoha_ppe.c does with its flows and the table of hardware, in user
 * space: its functions as they are, on an array instead of the table.  Nothing
 * of the chip is modelled; what hardware does to an entry is done by the test.
 * scripts/test/airoha_ppe.sh takes types.h and driver.c out of the driver.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/list.h>

#define ENTRIES		64
#define HZ		100
#define IPPROTO_UDP	17

typedef unsigned long dma_addr_t;

struct rhash_head {
	void *next;
};

struct rhashtable {
	void *entry;
};

struct ethhdr {
	u8 addr[12];
};

struct in6_addr {
	__be32 addr[4];
};

struct sk_buff;

#define DECLARE_FLEX_ARRAY(type, name)	\
	struct { struct {} empty_##name; type name[]; }

#include "airoha_regs.h"
#include "types.h"

struct airoha_npu {
	struct airoha_foe_stats stats[ENTRIES];
};

struct airoha_ppe {
	struct airoha_eth *eth;
	void *foe;
	struct rhashtable l2_flows;
	struct hlist_head *foe_flow;
	struct airoha_foe_stats *foe_stats;
};

struct airoha_eth {
	struct airoha_npu *npu;
	struct airoha_ppe *ppe;
	struct rhashtable flow_table;
};

struct flow_cls_offload {
	unsigned long cookie;
	struct {
		u64 pkts;
		u64 bytes;
		u64 lastused;
	} stats;
};

static unsigned long jiffies = 1000000;
static u32 seconds;

#define spin_lock_bh(lock)		((void)0)
#define spin_unlock_bh(lock)		((void)0)
#define lockdep_assert_held(lock)	((void)0)
#define rcu_read_lock()			((void)0)
#define rcu_read_unlock()		((void)0)
#define rcu_dereference(p)		(p)
#define wmb()				((void)0)
#define memset_io			memset
#define memcpy_fromio			memcpy
#define kzalloc_obj(obj, ...)		calloc(1, sizeof(obj))
#define kfree				free
#define eth_hdr(skb)			NULL
#undef READ_ONCE
#define READ_ONCE(x)			(x)
#define IS_ERR(p)			((void)(p), false)
#define PTR_ERR(p)			((void)(p), 0)

#define airoha_fe_wr(eth, reg, val)		((void)(eth))
#define airoha_fe_rr(eth, reg)			((void)(eth), 0)
#define read_poll_timeout_atomic(...)		0
#define airoha_ppe_get_timestamp(ppe)		(seconds & 0x7fff)
#define airoha_ppe_get_total_sram_num_entries(ppe)	0
#define airoha_ppe_get_total_num_stats_entries(ppe)	ENTRIES
#define airoha_ppe_foe_set_bridge_addrs(br, eh)	((void)(br))
#define PPE_SRAM_NUM_ENTRIES			ENTRIES

/* One flow at a time is in each of the two tables. */
#define rhashtable_lookup(table, key, params)		((table)->entry)
#define rhashtable_lookup_fast(table, key, params)	((table)->entry)
#define rhashtable_remove_fast(table, node, params)	\
	((table)->entry = NULL)
#define rhashtable_replace_fast(...)			0
#define rhashtable_lookup_get_insert_fast(table, node, params)	\
	((table)->entry = container_of(node, \
			struct airoha_flow_table_entry, l2_node), NULL)

static int airoha_ppe_foe_get_flow_stats_index(struct airoha_ppe *ppe,
					       u32 hash, u32 *index)
{
	*index = hash;

	return 0;
}

static u32 airoha_ppe_foe_get_entry_hash(struct airoha_ppe *ppe,
					 struct airoha_foe_entry *hwe)
{
	return hwe->ipv4.orig_tuple.src_ip % ENTRIES;
}

#include "driver.c"

static struct airoha_foe_entry table[ENTRIES];
static struct hlist_head lists[ENTRIES];
static struct airoha_foe_stats high[ENTRIES];
static struct airoha_npu npu;
static struct airoha_eth eth = { .npu = &npu };
static struct airoha_ppe ppe = {
	.eth = &eth,
	.foe = table,
	.foe_flow = lists,
	.foe_stats = high,
};

static bool is_bound(u32 hash)
{
	return FIELD_GET(AIROHA_FOE_IB1_BIND_STATE, table[hash].ib1) ==
	       AIROHA_FOE_STATE_BIND;
}

/* Hardware has an entry that is not bound, after that many packets. */
static void unbound(u32 hash, u32 src, u32 packets)
{
	memset(&table[hash], 0, sizeof(table[hash]));
	table[hash].ib1 = FIELD_PREP(AIROHA_FOE_IB1_BIND_STATE,
				     AIROHA_FOE_STATE_UNBIND) |
			  FIELD_PREP(AIROHA_FOE_IB1_UNBIND_PACKETS, packets) |
			  (seconds & AIROHA_FOE_IB1_UNBIND_TIMESTAMP);
	table[hash].ipv4.orig_tuple.src_ip = src;
}

/* ... and tells the driver that it could be. */
static void report(u32 hash, u32 src)
{
	unbound(hash, src, 30);
	airoha_ppe_foe_insert_entry(&ppe, NULL, hash, false);
}

static struct airoha_flow_table_entry *add(int type, u32 src, u32 pse_port)
{
	struct airoha_flow_table_entry *e = calloc(1, sizeof(*e));

	e->data.ib1 = FIELD_PREP(AIROHA_FOE_IB1_BIND_STATE,
				 AIROHA_FOE_STATE_BIND) |
		      FIELD_PREP(AIROHA_FOE_IB1_BIND_PACKET_TYPE, type) |
		      AIROHA_FOE_IB1_BIND_TTL;
	e->data.ipv4.orig_tuple.src_ip = src;
	e->data.ipv4.ib2 = FIELD_PREP(AIROHA_FOE_IB2_PSE_PORT, pse_port);
	airoha_ppe_foe_flow_commit_entry(&ppe, e);

	return e;
}

static struct airoha_flow_table_entry *add_routed(u32 src)
{
	return add(PPE_PKT_TYPE_IPV4_HNAPT, src, 1);
}

static struct flow_cls_offload ask(struct airoha_flow_table_entry *e)
{
	struct flow_cls_offload f = {};

	eth.flow_table.entry = e;
	airoha_ppe_flow_offload_stats(&eth, &f);

	return f;
}

static void del(struct airoha_flow_table_entry *e)
{
	airoha_ppe_foe_flow_remove_entry(&ppe, e);
	free(e);
}

static void result(const char *name, bool ok)
{
	printf("%s %s\n", ok ? "ok" : "not_ok", name);
}

static void test_routed(void)
{
	struct airoha_flow_table_entry *e = add_routed(1), *other;

	result("no_time_if_never_bound", !ask(e).stats.lastused);

	report(3, 1);
	npu.stats[3].packets = 1000;
	result("control_bound", is_bound(3) && ask(e).stats.pkts == 1000);
	result("control_time", ask(e).stats.lastused == jiffies);

	/* It ages, and has three more packets. */
	seconds += 100;
	unbound(3, 1, 3);
	result("no_time_if_aged", !ask(e).stats.lastused);

	report(3, 1);
	result("bound_again", is_bound(3) &&
	       (table[3].ib1 & AIROHA_FOE_IB1_BIND_TTL));
	npu.stats[3].packets = 10;
	result("counts_from_bind", ask(e).stats.pkts == 10);

	/* It ages, and a flow to a wireless device gets the entry. */
	other = add(PPE_PKT_TYPE_IPV4_HNAPT, 5, FE_PSE_PORT_CDM4);
	report(3, 5);
	result("counts_not_others", !ask(other).stats.pkts);
	del(e);
	result("entry_of_other_stays", is_bound(3));
	del(other);
	result("control_cleared", !is_bound(3));
}

static void test_bridged(void)
{
	struct airoha_flow_table_entry *e, *iter, *other;
	struct flow_cls_offload f;
	int i, n = 0;

	npu.stats[0].packets = 77;
	e = add(PPE_PKT_TYPE_BRIDGE, 0, 1);
	f = ask(e);
	result("bridge_no_time", !f.stats.lastused);
	result("bridge_no_counter", !f.stats.pkts);

	/* One entry, for one connection after the other */
	for (i = 0; i < 5; i++)
		report(9, 20 + i);
	hlist_for_each_entry(iter, &e->l2_flows, l2_subflow_node)
		n++;
	result("bridge_one_subflow", is_bound(9) && n == 1);
	seconds += 7;
	result("control_bridge_time",
	       ask(e).stats.lastused == jiffies - 7 * HZ);

	other = add_routed(40);
	report(9, 40);
	result("bridge_not_used_by_others", !ask(e).stats.lastused);
	del(e);
	result("bridge_entry_of_other_stays", is_bound(9));
	del(other);
}

int main(void)
{
	int i;

	eth.ppe = &ppe;
	/* The time stamp of hardware begins anew. */
	seconds = 0x8005;
	test_routed();
	test_bridged();
	for (i = 0; i < ENTRIES; i++)
		if (!hlist_empty(&lists[i]))
			break;
	result("control_nothing_left", i == ENTRIES);

	return 0;
}
