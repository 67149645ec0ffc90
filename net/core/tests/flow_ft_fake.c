// SPDX-License-Identifier: GPL-2.0
/* A driver that counts what the flow table asks of it, and a core that drives
 * the table as nf_tables does.
 */

#include <linux/etherdevice.h>
#include <linux/in.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <net/pkt_cls.h>

#include "flow_ft_fake.h"

#define FTT_IFINDEX	100
#define FTT_MAGIC	0xf10f10f1f10f10f1ULL

struct ftt_priv {
	u64			magic;
	struct flow_ft_entry	*entry;
	unsigned int		serial;
	u64			tail;
};

const struct ftt_flow ftt_a = {
	.cookie = 0xa0, .id = 0x0a00000a, .in = 0, .out = 1, .to = 1000,
};

/* The way back has a cookie of its own, as in nf_flow_table. */
const struct ftt_flow ftt_b = {
	.cookie = 0xb0, .id = 0x0b00000b, .in = 1, .out = 0, .to = 2000,
};

const struct ftt_flow ftt_c = {
	.cookie = 0xc0, .id = 0x0c00000c, .in = 0, .out = 2, .to = 3000,
};

static struct ftt_priv *ftt_priv(struct flow_ft_entry *entry)
{
	return (struct ftt_priv *)entry->priv;
}

/* Tells an entry from one that has taken its place in memory. */
unsigned int ftt_serial(struct flow_ft_entry *entry)
{
	return READ_ONCE(ftt_priv(entry)->serial);
}

static int ftt_add(struct flow_ft *ft, struct flow_ft_entry *entry,
		   struct netlink_ext_ack *extack)
{
	struct ftt *t = container_of(ft, struct ftt, ft);
	struct ftt_priv *priv = ftt_priv(entry);

	lockdep_assert_held(&ft->lock);
	might_sleep();
	if (t->add_err) {
		NL_SET_ERR_MSG(extack, "table is full");
		return t->add_err;
	}

	KUNIT_EXPECT_NULL(t->test, memchr_inv(priv, 0, sizeof(*priv)));
	KUNIT_EXPECT_PTR_EQ(t->test, entry->rule.egress, entry->egress->dev);
	priv->magic = FTT_MAGIC;
	priv->tail = ~FTT_MAGIC;
	priv->entry = entry;
	priv->serial = ++t->adds;
	return 0;
}

static void ftt_check_entry(struct ftt *t, struct flow_ft_entry *entry)
{
	struct ftt_priv *priv = ftt_priv(entry);

	lockdep_assert_held(&t->ft.lock);
	might_sleep();
	KUNIT_EXPECT_EQ(t->test, priv->magic, FTT_MAGIC);
	KUNIT_EXPECT_EQ(t->test, priv->tail, ~FTT_MAGIC);
	KUNIT_EXPECT_PTR_EQ(t->test, priv->entry, entry);
}

static void ftt_hand_over(struct ftt *t, struct flow_ft_entry *entry)
{
	flow_ft_count(entry, t->unread, t->unread * 100);
	t->unread = 0;
}

/* Two flowtables may have the same flow. */
static struct flow_ft_entry *ftt_same(const struct flow_ft_entry *entry)
{
	struct flow_ft_entry *found;

	rcu_read_lock();
	found = flow_ft_lookup(entry->ingress, &entry->key.tuple);
	rcu_read_unlock();

	return found;
}

/* Packets find it until then. */
static void ftt_stop(struct flow_ft *ft, struct flow_ft_entry *entry)
{
	struct ftt *t = container_of(ft, struct ftt, ft);

	ftt_check_entry(t, entry);
	KUNIT_EXPECT_EQ(t->test, t->stops, t->dels);
	KUNIT_EXPECT_NOT_NULL(t->test, ftt_same(entry));
	t->stops++;
}

static void ftt_del(struct flow_ft *ft, struct flow_ft_entry *entry)
{
	struct ftt *t = container_of(ft, struct ftt, ft);

	ftt_check_entry(t, entry);
	KUNIT_EXPECT_EQ(t->test, t->stops, t->dels + 1);
	KUNIT_EXPECT_PTR_NE(t->test, ftt_same(entry), entry);
	ftt_hand_over(t, entry);
	ftt_priv(entry)->entry = NULL;
	WRITE_ONCE(t->dels, t->dels + 1);
}

static void ftt_read(struct flow_ft *ft, struct flow_ft_entry *entry)
{
	struct ftt *t = container_of(ft, struct ftt, ft);

	ftt_check_entry(t, entry);
	t->reads++;
	ftt_hand_over(t, entry);
}

static const struct flow_ft_ops ftt_ops = {
	.priv_size	= sizeof(struct ftt_priv),
	.add		= ftt_add,
	.stop		= ftt_stop,
	.del		= ftt_del,
	.stats		= ftt_read,
};

int ftt_setup(struct ftt *t, int block, int port,
	      enum flow_block_command command)
{
	struct flow_block_offload bo = {
		.command	= command,
		.binder_type	= FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS,
		.net		= t->net,
		.block		= &t->blocks[block],
		.cb_list_head	= &t->blocks[block].cb_list,
		.extack		= &t->extack,
	};
	struct flow_block_cb *block_cb, *next;
	int err;

	INIT_LIST_HEAD(&bo.cb_list);
	err = flow_ft_setup(&t->ports[port], &bo);
	if (command == FLOW_BLOCK_BIND) {
		list_splice(&bo.cb_list, &t->blocks[block].cb_list);
		return err;
	}

	list_for_each_entry_safe(block_cb, next, &bo.cb_list, list) {
		list_del(&block_cb->list);
		flow_block_cb_free(block_cb);
	}
	return err;
}

void ftt_bind(struct ftt *t, int block, int port)
{
	KUNIT_ASSERT_EQ(t->test, ftt_setup(t, block, port, FLOW_BLOCK_BIND), 0);
}

void ftt_unbind(struct ftt *t, int block, int port)
{
	KUNIT_EXPECT_EQ(t->test, ftt_setup(t, block, port, FLOW_BLOCK_UNBIND),
			0);
}

/* Ask one port, or all of them as the core does.
 *
 * Return: number of ports that said yes, or the error of the last one.
 */
int ftt_call(struct ftt *t, int block, int port, struct flow_cls_offload *cls)
{
	struct flow_block_cb *block_cb;
	int err, last = -ENXIO, n = 0;

	memset(&t->extack, 0, sizeof(t->extack));
	cls->common.extack = &t->extack;
	list_for_each_entry(block_cb, &t->blocks[block].cb_list, list) {
		if (port != FTT_ALL && block_cb->cb_ident != &t->ports[port])
			continue;

		err = block_cb->cb(TC_SETUP_CLSFLOWER, cls, block_cb->cb_priv);
		if (err)
			last = err;
		else
			n++;
	}

	return n ?: last;
}

static void ftt_fill_rule(struct ftt *t, const struct ftt_flow *flow)
{
	struct flow_action_entry *act = t->rule->action.entries;

	t->key.meta.ingress_ifindex = FTT_IFINDEX + flow->in;
	t->key.ipv4.src = htonl(flow->id);
	t->key.ipv4.dst = htonl(~flow->id);
	t->key.ports.src = htons(flow->id);
	t->key.ports.dst = htons(53);

	act[0].id = FLOW_ACTION_MANGLE;
	act[0].mangle.htype = FLOW_ACT_MANGLE_HDR_TYPE_UDP;
	act[0].mangle.mask = (__force u32)~htonl(0xffff);
	act[0].mangle.val = (__force u32)htonl(flow->to);
	act[1].id = FLOW_ACTION_REDIRECT;
	act[1].dev = t->devs[flow->out];
}

int ftt_replace(struct ftt *t, int block, int port,
		const struct ftt_flow *flow)
{
	struct flow_cls_offload cls = {
		.command	= FLOW_CLS_REPLACE,
		.cookie		= flow->cookie,
		.rule		= t->rule,
	};

	ftt_fill_rule(t, flow);
	return ftt_call(t, block, port, &cls);
}

int ftt_destroy(struct ftt *t, int block, int port, unsigned long cookie)
{
	struct flow_cls_offload cls = {
		.command	= FLOW_CLS_DESTROY,
		.cookie		= cookie,
	};

	return ftt_call(t, block, port, &cls);
}

int ftt_stats(struct ftt *t, int block, int port, unsigned long cookie,
	      struct flow_stats *stats)
{
	struct flow_cls_offload cls = {
		.command	= FLOW_CLS_STATS,
		.cookie		= cookie,
	};
	int err;

	err = ftt_call(t, block, port, &cls);
	*stats = cls.stats;
	return err;
}

void ftt_fill_tuple(const struct ftt_flow *flow, struct flow_ft_tuple *tuple)
{
	memset(tuple, 0, sizeof(*tuple));
	tuple->src_v4 = htonl(flow->id);
	tuple->dst_v4 = htonl(~flow->id);
	tuple->sport = htons(flow->id);
	tuple->dport = htons(53);
	tuple->family = AF_INET;
	tuple->l4proto = IPPROTO_UDP;
}

/* Nothing is removed behind the back of the test, so what is found stays. */
struct flow_ft_entry *ftt_find(struct ftt *t, const struct ftt_flow *flow)
{
	struct flow_ft_entry *entry;
	struct flow_ft_tuple tuple;

	ftt_fill_tuple(flow, &tuple);
	rcu_read_lock();
	entry = flow_ft_lookup(&t->ports[flow->in], &tuple);
	rcu_read_unlock();

	return entry;
}

void ftt_expect_found(struct ftt *t, const struct ftt_flow *flow)
{
	struct flow_ft_entry *entry = ftt_find(t, flow);
	u16 to;

	KUNIT_ASSERT_NOT_NULL(t->test, entry);
	to = ntohs(entry->rule.rewrite.dport);
	KUNIT_EXPECT_EQ(t->test, entry->cookie.cookie, flow->cookie);
	KUNIT_EXPECT_EQ(t->test, to, flow->to);
	KUNIT_EXPECT_PTR_EQ(t->test, entry->ingress, &t->ports[flow->in]);
	KUNIT_EXPECT_PTR_EQ(t->test, entry->egress, &t->ports[flow->out]);
}

void ftt_expect_entries(struct ftt *t, unsigned int n)
{
	KUNIT_EXPECT_EQ(t->test, t->ft.entries, n);
	KUNIT_EXPECT_EQ(t->test, t->adds - t->dels, n);
}

/* What the last request was refused for. */
u64 ftt_refused(const struct ftt *t)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < FLOW_FT_REFUSALS; i++)
		sum += t->ft.counters.refused[i];

	return sum;
}

void ftt_expect_refused(struct ftt *t, enum flow_ft_refusal reason, u64 n)
{
	KUNIT_EXPECT_EQ_MSG(t->test, t->ft.counters.refused[reason], n,
			    "reason %d", reason);
}

void ftt_expect_msg(struct ftt *t, const char *msg)
{
	KUNIT_EXPECT_STREQ(t->test, t->extack._msg ?: "", msg);
}

static void ftt_alloc_rule(struct kunit *test, struct ftt *t)
{
	struct flow_dissector *d = &t->dissector;

	t->rule = kunit_kzalloc(test, struct_size(t->rule, action.entries, 2),
				GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->rule);
	t->rule->action.num_entries = 2;
	t->rule->action.entries[0].hw_stats = FLOW_ACTION_HW_STATS_DONT_CARE;
	t->rule->action.entries[1].hw_stats = FLOW_ACTION_HW_STATS_DONT_CARE;
	t->rule->match.dissector = d;
	t->rule->match.key = &t->key;
	t->rule->match.mask = &t->mask;

	d->used_keys = BIT_ULL(FLOW_DISSECTOR_KEY_META) |
		       BIT_ULL(FLOW_DISSECTOR_KEY_BASIC) |
		       BIT_ULL(FLOW_DISSECTOR_KEY_IPV4_ADDRS) |
		       BIT_ULL(FLOW_DISSECTOR_KEY_PORTS);
	d->offset[FLOW_DISSECTOR_KEY_META] = offsetof(struct ftt_keys, meta);
	d->offset[FLOW_DISSECTOR_KEY_BASIC] = offsetof(struct ftt_keys, basic);
	d->offset[FLOW_DISSECTOR_KEY_IPV4_ADDRS] = offsetof(struct ftt_keys,
							    ipv4);
	d->offset[FLOW_DISSECTOR_KEY_PORTS] = offsetof(struct ftt_keys, ports);

	memset(&t->mask, 0xff, sizeof(t->mask));
	memset(&t->mask.meta, 0, sizeof(t->mask.meta));
	t->mask.meta.ingress_ifindex = 0xffffffff;
	t->key.basic.n_proto = htons(ETH_P_IP);
	t->key.basic.ip_proto = IPPROTO_UDP;
}

int ftt_init(struct kunit *test)
{
	struct net_device *dev;
	struct ftt *t;
	int i;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->net = &init_net;
	for (i = 0; i < FTT_BLOCKS; i++)
		INIT_LIST_HEAD(&t->blocks[i].cb_list);
	ftt_alloc_rule(test, t);

	KUNIT_ASSERT_EQ(test, flow_ft_init(&t->ft, &ftt_ops), 0);
	test->priv = t;
	for (i = 0; i < FTT_DEVS; i++) {
		dev = alloc_etherdev(0);
		KUNIT_ASSERT_NOT_NULL(test, dev);
		dev->ifindex = FTT_IFINDEX + i;
		dev->features |= NETIF_F_HW_TC;
		t->devs[i] = dev;
	}
	for (i = 0; i < FTT_PORTS; i++)
		flow_ft_port_add(&t->ft, &t->ports[i], t->devs[i]);

	return 0;
}

void ftt_port_gone(struct ftt *t, int port)
{
	flow_ft_port_del(&t->ports[port]);
	t->gone[port] = true;
}

/* Whatever a test did, nothing is left after the ports are gone. */
void ftt_exit(struct kunit *test)
{
	struct ftt *t = test->priv;
	int i, block;

	if (!t)
		return;

	for (i = 0; i < FTT_PORTS; i++) {
		if (!t->gone[i])
			ftt_port_gone(t, i);
		KUNIT_EXPECT_FALSE(test, flow_ft_port_bound(&t->ports[i]));
		for (block = 0; block < FTT_BLOCKS; block++)
			ftt_setup(t, block, i, FLOW_BLOCK_UNBIND);
	}
	for (block = 0; block < FTT_BLOCKS; block++)
		KUNIT_EXPECT_TRUE(test, list_empty(&t->blocks[block].cb_list));

	ftt_expect_entries(t, 0);
	KUNIT_EXPECT_EQ(test, t->ft.counters.bind, t->ft.counters.unbind);
	flow_ft_destroy(&t->ft);
	for (i = 0; i < FTT_DEVS; i++)
		free_netdev(t->devs[i]);
}
