// SPDX-License-Identifier: GPL-2.0
/* Tests of the flow table behind TC_SETUP_FT: bindings and rules. */

#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/netdevice.h>

#include "../flow_ft_binding.h"
#include "flow_ft_fake.h"

#define FTT_NO_PORT							\
	"flow_ft: egress is not a port of the ingress device"

static void ftt_test_bind(struct kunit *test)
{
	struct ftt *t = test->priv;

	ftt_unbind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, t->ft.counters.unbind, 0);
	KUNIT_EXPECT_FALSE(test, flow_ft_port_bound(&t->ports[0]));

	ftt_bind(t, 0, 0);
	ftt_bind(t, 0, 1);
	KUNIT_EXPECT_TRUE(test, flow_ft_port_bound(&t->ports[0]));
	KUNIT_EXPECT_TRUE(test, flow_ft_port_bound(&t->ports[1]));
	KUNIT_EXPECT_FALSE(test, flow_ft_port_bound(&t->ports[2]));
	KUNIT_EXPECT_EQ(test, list_count_nodes(&t->blocks[0].cb_list), 2);
	KUNIT_EXPECT_EQ(test, t->ft.counters.bind, 2);

	ftt_unbind(t, 1, 0);
	KUNIT_EXPECT_EQ(test, t->ft.counters.unbind, 0);
	ftt_unbind(t, 0, 0);
	KUNIT_EXPECT_FALSE(test, flow_ft_port_bound(&t->ports[0]));
	KUNIT_EXPECT_TRUE(test, flow_ft_port_bound(&t->ports[1]));
	KUNIT_EXPECT_EQ(test, list_count_nodes(&t->blocks[0].cb_list), 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.unbind, 1);
}

/* A flowtable that names a device twice takes it back twice. */
static void ftt_test_bind_twice(struct kunit *test)
{
	struct ftt *t = test->priv;

	ftt_bind(t, 0, 0);
	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&t->blocks[0].cb_list), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_a), 1);

	ftt_unbind(t, 0, 0);
	ftt_expect_found(t, &ftt_a);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&t->blocks[0].cb_list), 1);

	ftt_unbind(t, 0, 0);
	KUNIT_EXPECT_NULL(test, ftt_find(t, &ftt_a));
	KUNIT_EXPECT_EQ(test, list_count_nodes(&t->blocks[0].cb_list), 0);
	KUNIT_EXPECT_EQ(test, t->ft.counters.bind, 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.unbind, 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.unbind_orphans, 1);
}

static void ftt_test_bad_requests(struct kunit *test)
{
	struct flow_block_offload bo = { .command = FLOW_BLOCK_BIND };
	struct flow_cls_offload cls = { .command = FLOW_CLS_TMPLT_CREATE };
	struct flow_block_cb *block_cb;
	struct ftt *t = test->priv;
	int i;

	bo.extack = &t->extack;
	bo.block = &t->blocks[0];
	INIT_LIST_HEAD(&bo.cb_list);
	for (i = 0; i <= FLOW_BLOCK_BINDER_TYPE_RED_MARK; i++) {
		if (i == FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS)
			continue;

		t->extack._msg = NULL;
		bo.binder_type = i;
		KUNIT_EXPECT_EQ(test, flow_ft_setup(&t->ports[0], &bo),
				-EOPNOTSUPP);
		ftt_expect_msg(t, "flow_ft: only ingress is supported");
	}
	KUNIT_EXPECT_EQ(test, ftt_setup(t, 0, 0, FLOW_BLOCK_UNBIND + 1),
			-EOPNOTSUPP);
	KUNIT_EXPECT_FALSE(test, flow_ft_port_bound(&t->ports[0]));

	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_call(t, 0, 0, &cls), -EOPNOTSUPP);
	cls.command = FLOW_CLS_TMPLT_DESTROY;
	KUNIT_EXPECT_EQ(test, ftt_call(t, 0, 0, &cls), -EOPNOTSUPP);
	block_cb = list_first_entry(&t->blocks[0].cb_list, typeof(*block_cb),
				    list);
	KUNIT_EXPECT_EQ(test, block_cb->cb(TC_SETUP_CLSMATCHALL, NULL,
					   block_cb->cb_priv), -EOPNOTSUPP);
}

static void ftt_test_unknown_cookie(struct kunit *test)
{
	struct ftt *t = test->priv;
	struct flow_stats stats;

	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), 1);
	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, 0, 0xa1), -ENOENT);
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 0, 0xa1, &stats), -ENOENT);
	KUNIT_EXPECT_FALSE(test, stats.used_hw_stats_valid);
	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, 0, 0xa0), 1);
	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, 0, 0xa0), -ENOENT);
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 0, 0xa0, &stats), -ENOENT);

	KUNIT_EXPECT_EQ(test, t->ft.counters.replace, 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.destroy, 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.destroy_unknown, 2);
	KUNIT_EXPECT_EQ(test, t->ft.counters.stats, 0);
	KUNIT_EXPECT_EQ(test, t->ft.counters.stats_unknown, 2);
}

/* A reload: the new flowtable has the old one's cookies. */
static void ftt_test_two_bindings(struct kunit *test)
{
	struct ftt_flow newer = ftt_a;
	struct ftt *t = test->priv;
	struct flow_stats stats;

	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), 1);
	ftt_bind(t, 1, 0);
	ftt_expect_found(t, &ftt_a);

	newer.to = 1001;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 1, 0, &newer), 1);
	ftt_expect_entries(t, 2);
	ftt_expect_found(t, &newer);

	flow_ft_count(ftt_find(t, &newer), 3, 300);
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 0, ftt_a.cookie, &stats), 1);
	KUNIT_EXPECT_EQ(test, stats.pkts, 0);
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 1, 0, ftt_a.cookie, &stats), 1);
	KUNIT_EXPECT_EQ(test, stats.pkts, 3);

	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 1, 0, ftt_a.cookie), 1);
	ftt_expect_found(t, &ftt_a);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 1, 0, &newer), 1);

	ftt_unbind(t, 0, 0);
	ftt_expect_entries(t, 1);
	ftt_expect_found(t, &newer);
	KUNIT_EXPECT_TRUE(test, flow_ft_port_bound(&t->ports[0]));
	KUNIT_EXPECT_EQ(test, t->ft.counters.unbind_orphans, 1);
}

static void ftt_test_unbind_orphans(struct kunit *test)
{
	struct ftt_flow flow = ftt_a;
	struct ftt *t = test->priv;
	int i;

	ftt_bind(t, 0, 0);
	ftt_bind(t, 0, 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_b), 1);
	for (i = 0; i < 5; i++) {
		flow.cookie++;
		flow.id++;
		KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &flow), 1);
	}
	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, FTT_ALL, flow.cookie), 1);

	ftt_unbind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, t->ft.counters.unbind_orphans, 4);
	ftt_expect_entries(t, 1);
	ftt_expect_found(t, &ftt_b);

	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, FTT_ALL, ftt_b.cookie), 1);
	ftt_unbind(t, 0, 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.unbind_orphans, 4);
}

static void ftt_test_replace_same(struct kunit *test)
{
	struct flow_ft_entry *entry;
	struct ftt *t = test->priv;

	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), 1);
	entry = ftt_find(t, &ftt_a);

	t->add_err = -ENOSPC;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), 1);
	KUNIT_EXPECT_PTR_EQ(test, ftt_find(t, &ftt_a), entry);
	KUNIT_EXPECT_EQ(test, t->adds, 1);
	KUNIT_EXPECT_EQ(test, t->dels, 0);
	KUNIT_EXPECT_EQ(test, t->ft.counters.replace, 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.replace_same, 1);
	KUNIT_EXPECT_EQ(test, ftt_refused(t), 0);
}

/* Other actions, same flow: the numbers go on, with what hardware had not
 * reported.
 */
static void ftt_test_replace_actions(struct kunit *test)
{
	struct ftt_flow flow = ftt_a;
	struct ftt *t = test->priv;
	struct flow_ft_counts *counts;
	struct flow_stats stats;
	unsigned long lastused;

	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), 1);
	flow_ft_count(ftt_find(t, &flow), 5, 500);
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 0, flow.cookie, &stats), 1);
	KUNIT_EXPECT_EQ(test, stats.pkts, 5);

	flow_ft_count(ftt_find(t, &flow), 3, 300);
	t->unread = 4;
	flow.out = 2;
	flow.to++;
	KUNIT_EXPECT_EQ(test, t->ft.counters.replaced, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.replaced, 1);
	ftt_expect_found(t, &flow);
	KUNIT_EXPECT_EQ(test, t->adds, 2);
	KUNIT_EXPECT_EQ(test, t->dels, 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.replace, 2);

	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 0, flow.cookie, &stats), 1);
	KUNIT_EXPECT_EQ(test, stats.pkts, 7);
	KUNIT_EXPECT_EQ(test, stats.bytes, 700);
	counts = ftt_find(t, &flow)->counts;
	KUNIT_EXPECT_EQ(test, atomic64_read(&counts->packets), 12);
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 0, flow.cookie, &stats), 1);
	KUNIT_EXPECT_EQ(test, stats.pkts, 0);

	lastused = jiffies - HZ;
	counts->lastused = lastused;
	flow.to++;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), 1);
	counts = ftt_find(t, &flow)->counts;
	KUNIT_EXPECT_EQ(test, counts->lastused, lastused);
}

/* A cookie is an address, and that can come to another flow. */
static void ftt_test_replace_tuple(struct kunit *test)
{
	struct flow_ft_counts *counts;
	struct ftt_flow flow = ftt_a;
	struct ftt *t = test->priv;
	struct flow_stats stats;

	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), 1);
	flow_ft_count(ftt_find(t, &ftt_a), 5, 500);
	ftt_find(t, &ftt_a)->counts->lastused = jiffies - HZ;

	flow.id++;
	t->unread = 2;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), 1);
	KUNIT_EXPECT_NULL(test, ftt_find(t, &ftt_a));
	ftt_expect_found(t, &flow);
	ftt_expect_entries(t, 1);
	counts = ftt_find(t, &flow)->counts;
	KUNIT_EXPECT_TRUE(test, time_after(counts->lastused, jiffies - HZ / 2));
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 0, flow.cookie, &stats), 1);
	KUNIT_EXPECT_EQ(test, stats.pkts, 0);
	KUNIT_EXPECT_EQ(test, stats.bytes, 0);
}

/* Hardware would take it for the same entry, so it does not hear of it. */
static void ftt_test_same_match(struct kunit *test)
{
	struct ftt_flow flow = ftt_a;
	struct ftt *t = test->priv;

	flow.cookie++;
	flow.to++;
	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), -ENOTUNIQ);
	ftt_expect_msg(t, "flow_ft: another flow has the same match");
	ftt_expect_refused(t, FLOW_FT_REFUSED_MATCH, 1);
	KUNIT_EXPECT_EQ(test, t->adds, 1);
	ftt_expect_entries(t, 1);
	ftt_expect_found(t, &ftt_a);

	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, 0, flow.cookie), -ENOENT);
	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, 0, ftt_a.cookie), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), 1);
	ftt_expect_found(t, &flow);
}

static void ftt_test_foreign(struct kunit *test)
{
	struct ftt *t = test->priv;

	ftt_bind(t, 0, 0);
	ftt_bind(t, 0, 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 1, &ftt_a), -EOPNOTSUPP);
	ftt_expect_msg(t, "");
	ftt_expect_entries(t, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_a), 1);
	ftt_expect_found(t, &ftt_a);
	KUNIT_EXPECT_EQ(test, t->ft.counters.replace_foreign, 2);
	KUNIT_EXPECT_EQ(test, ftt_refused(t), 0);
	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, FTT_ALL, ftt_a.cookie), 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.destroy_unknown, 1);
}

/* The core has one extack for all ports: the reason is that of the port which
 * the rule is for, whichever is asked first, and even if it cannot be decoded.
 */
static void ftt_test_foreign_reason(struct kunit *test)
{
	struct ftt_flow flow = ftt_a;
	struct ftt *t = test->priv;

	ftt_bind(t, 0, 1);
	ftt_bind(t, 0, 0);
	flow.out = FTT_STRANGER;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &flow), -EOPNOTSUPP);
	ftt_expect_msg(t, FTT_NO_PORT);
	flow = ftt_b;
	flow.out = FTT_STRANGER;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &flow), -EXDEV);
	ftt_expect_msg(t, FTT_NO_PORT);

	t->mask.ports.src = 0;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_a), -EOPNOTSUPP);
	ftt_expect_msg(t, "flow_ft: ports must match exactly");
	KUNIT_EXPECT_EQ(test, t->ft.counters.replace_foreign, 3);
	ftt_expect_refused(t, FLOW_FT_REFUSED_EGRESS, 2);
	ftt_expect_refused(t, FLOW_FT_REFUSED_RULE, 1);
}

static void ftt_test_undecodable(struct kunit *test)
{
	struct ftt *t = test->priv;

	ftt_bind(t, 0, 0);
	t->mask.ports.src = 0;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), -EOPNOTSUPP);
	ftt_expect_msg(t, "flow_ft: ports must match exactly");
	t->mask.ports.src = htons(0xffff);
	t->rule->action.num_entries = 1;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), -EOPNOTSUPP);
	ftt_expect_msg(t, "flow_ft: rule has no egress device");
	t->rule->action.num_entries = 2;
	ftt_expect_refused(t, FLOW_FT_REFUSED_RULE, 2);
	KUNIT_EXPECT_EQ(test, t->adds, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), 1);
}

/* ethtool -K ... hw-tc-offload off stops new entries only. */
static void ftt_test_hw_tc_off(struct kunit *test)
{
	struct ftt *t = test->priv;
	struct flow_stats stats;

	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), 1);
	flow_ft_count(ftt_find(t, &ftt_a), 1, 100);

	t->devs[0]->features &= ~NETIF_F_HW_TC;
	ftt_expect_found(t, &ftt_a);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_c), -EOPNOTSUPP);
	ftt_expect_msg(t, "flow_ft: hw-tc-offload is off on this port");
	ftt_expect_refused(t, FLOW_FT_REFUSED_OFF, 1);
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 0, ftt_a.cookie, &stats), 1);
	KUNIT_EXPECT_EQ(test, stats.pkts, 1);
	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, 0, ftt_a.cookie), 1);

	ftt_bind(t, 1, 0);
	ftt_unbind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 1, 0, &ftt_a), -EOPNOTSUPP);
	t->devs[0]->features |= NETIF_F_HW_TC;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 1, 0, &ftt_a), 1);
}

static void ftt_test_egress(struct kunit *test)
{
	struct ftt_flow flow = ftt_a;
	struct ftt *t = test->priv;

	ftt_bind(t, 0, 0);
	flow.out = FTT_STRANGER;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), -EXDEV);
	ftt_expect_msg(t, FTT_NO_PORT);
	ftt_expect_refused(t, FLOW_FT_REFUSED_EGRESS, 1);
	KUNIT_EXPECT_EQ(test, t->adds, 0);

	flow.out = flow.in;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), 1);
	ftt_expect_found(t, &flow);
}

static void ftt_test_egress_netns(struct kunit *test)
{
	struct ftt *t = test->priv;

	if (!IS_ENABLED(CONFIG_NET_NS))
		kunit_skip(test, "there is one netns only");

	/* The table compares it and no more. */
	t->net = kunit_kzalloc(test, sizeof(*t->net), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->net);
	dev_net_set(t->devs[ftt_a.in], t->net);
	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), -EXDEV);
	ftt_expect_msg(t, "flow_ft: egress is in another netns");
	ftt_expect_entries(t, 0);
	dev_net_set(t->devs[ftt_a.in], &init_net);
}

/* ifindexes are those of a netns. */
static void ftt_test_ingress_netns(struct kunit *test)
{
	struct ftt *t = test->priv;

	if (!IS_ENABLED(CONFIG_NET_NS))
		kunit_skip(test, "there is one netns only");

	t->net = kunit_kzalloc(test, sizeof(*t->net), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->net);
	dev_net_set(t->devs[ftt_a.out], t->net);
	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), -EOPNOTSUPP);
	KUNIT_EXPECT_GT(test, t->ft.counters.replace_foreign, 0);
	ftt_expect_entries(t, 0);
	dev_net_set(t->devs[ftt_a.out], &init_net);
}

static void ftt_test_add_fails(struct kunit *test)
{
	struct ftt_flow flow = ftt_a;
	struct ftt *t = test->priv;

	ftt_bind(t, 0, 0);
	t->add_err = -ENOSPC;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), -ENOSPC);
	ftt_expect_msg(t, "table is full");
	KUNIT_EXPECT_EQ(test, t->dels, 0);
	KUNIT_EXPECT_NULL(test, ftt_find(t, &flow));
	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, 0, flow.cookie), -ENOENT);

	t->add_err = 0;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), 1);

	/* The old rule is not what the core wants any more. */
	t->add_err = -ENOSPC;
	flow.to++;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), -ENOSPC);
	KUNIT_EXPECT_NULL(test, ftt_find(t, &flow));
	ftt_expect_entries(t, 0);
	KUNIT_EXPECT_EQ(test, t->ft.counters.replace, 1);
	ftt_expect_refused(t, FLOW_FT_REFUSED_FULL, 2);
}

/* A rule that is refused does not leave the one before it in force. */
static void ftt_test_refused_change(struct kunit *test)
{
	struct ftt_flow flow = ftt_a;
	struct ftt *t = test->priv;

	flow.to++;
	ftt_bind(t, 0, 0);
	ftt_bind(t, 0, 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_a), 1);
	t->rule->action.num_entries = 1;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &flow), -EOPNOTSUPP);
	t->rule->action.num_entries = 2;
	ftt_expect_entries(t, 0);

	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_a), 1);
	t->devs[0]->features &= ~NETIF_F_HW_TC;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_a), 1);
	ftt_expect_entries(t, 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &flow), -EOPNOTSUPP);
	t->devs[0]->features |= NETIF_F_HW_TC;
	ftt_expect_entries(t, 0);

	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_a), 1);
	flow.in = 1;
	flow.out = 2;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &flow), 1);
	KUNIT_EXPECT_NULL(test, ftt_find(t, &ftt_a));
	ftt_expect_found(t, &flow);
	ftt_expect_entries(t, 1);
}

/* The port goes first, the core gives its binding back later. */
static void ftt_test_port_del(struct kunit *test)
{
	struct ftt *t = test->priv;
	struct flow_stats stats;

	ftt_bind(t, 0, 0);
	ftt_bind(t, 0, 1);
	ftt_bind(t, 1, 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_a), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_b), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 1, FTT_ALL, &ftt_b), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_c), 1);
	ftt_expect_entries(t, 4);

	ftt_port_gone(t, 1);
	ftt_expect_entries(t, 1);
	ftt_expect_found(t, &ftt_c);
	KUNIT_EXPECT_NULL(test, ftt_find(t, &ftt_a));
	KUNIT_EXPECT_NULL(test, ftt_find(t, &ftt_b));
	KUNIT_EXPECT_EQ(test, t->ft.counters.port_purged, 3);
	KUNIT_EXPECT_FALSE(test, flow_ft_port_bound(&t->ports[1]));

	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 1, &ftt_b), -ENODEV);
	ftt_expect_msg(t, "flow_ft: port is gone");
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), -EXDEV);
	ftt_expect_msg(t, FTT_NO_PORT);
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 1, ftt_b.cookie, &stats),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, 1, ftt_b.cookie), -ENOENT);

	ftt_port_gone(t, 1);
	ftt_unbind(t, 0, 1);
	ftt_unbind(t, 1, 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.unbind, 2);
	KUNIT_EXPECT_EQ(test, t->ft.counters.unbind_orphans, 0);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&t->blocks[0].cb_list), 1);
	ftt_expect_found(t, &ftt_c);
}

/* Nothing comes in by a port that is on its way out. */
static void ftt_test_bind_after_port_del(struct kunit *test)
{
	struct ftt *t = test->priv;

	ftt_bind(t, 1, 1);
	ftt_port_gone(t, 1);
	KUNIT_EXPECT_EQ(test, ftt_setup(t, 0, 1, FLOW_BLOCK_BIND), -ENODEV);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->blocks[0].cb_list));
	KUNIT_EXPECT_FALSE(test, flow_ft_port_bound(&t->ports[1]));
	KUNIT_EXPECT_EQ(test, t->ft.counters.bind, 1);

	/* Once more in a flowtable that has it already. */
	ftt_bind(t, 1, 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 1, 1, &ftt_b), -ENODEV);
	ftt_unbind(t, 1, 1);
	ftt_expect_entries(t, 0);
}

static void ftt_notify(struct ftt *t, int dev, unsigned long event)
{
	struct netdev_notifier_info info = { .dev = t->devs[dev] };
	struct notifier_block *nb = &flow_ft_netdev_notifier;

	KUNIT_EXPECT_EQ(t->test, nb->notifier_call(nb, event, &info),
			NOTIFY_DONE);
}

/* A port leaves its netns and appears in another. */
static void ftt_test_notifier(struct kunit *test)
{
	struct ftt *t = test->priv;

	ftt_bind(t, 0, 0);
	ftt_bind(t, 0, 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_a), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_b), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_c), 1);

	ftt_notify(t, FTT_STRANGER, NETDEV_UNREGISTER);
	ftt_notify(t, 1, NETDEV_DOWN);
	ftt_notify(t, 1, NETDEV_CHANGENAME);
	ftt_expect_entries(t, 3);

	ftt_notify(t, 1, NETDEV_UNREGISTER);
	KUNIT_EXPECT_NULL(test, ftt_find(t, &ftt_a));
	ftt_expect_found(t, &ftt_b);
	ftt_expect_found(t, &ftt_c);
	KUNIT_EXPECT_EQ(test, t->ft.counters.port_purged, 1);

	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_a), 1);
	ftt_notify(t, 1, NETDEV_REGISTER);
	KUNIT_EXPECT_NULL(test, ftt_find(t, &ftt_a));
	ftt_expect_entries(t, 2);
	KUNIT_EXPECT_EQ(test, t->ft.counters.port_purged, 2);
	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, FTT_ALL, ftt_a.cookie),
			-ENOENT);
}

static void ftt_walk_one(struct flow_ft_entry *entry, void *data)
{
	unsigned long *cookies = data;

	*cookies ^= entry->cookie.cookie;
}

static void ftt_test_walk(struct kunit *test)
{
	struct ftt *t = test->priv;
	unsigned long cookies = 0;

	ftt_bind(t, 0, 0);
	ftt_bind(t, 1, 1);
	flow_ft_walk(&t->ft, ftt_walk_one, &cookies);
	KUNIT_EXPECT_EQ(test, cookies, 0);

	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 1, 1, &ftt_b), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_c), 1);
	flow_ft_walk(&t->ft, ftt_walk_one, &cookies);
	KUNIT_EXPECT_EQ(test, cookies,
			ftt_a.cookie ^ ftt_b.cookie ^ ftt_c.cookie);
}

static struct kunit_case ftt_table_cases[] = {
	KUNIT_CASE(ftt_test_bind),
	KUNIT_CASE(ftt_test_bind_twice),
	KUNIT_CASE(ftt_test_bad_requests),
	KUNIT_CASE(ftt_test_unknown_cookie),
	KUNIT_CASE(ftt_test_two_bindings),
	KUNIT_CASE(ftt_test_unbind_orphans),
	KUNIT_CASE(ftt_test_replace_same),
	KUNIT_CASE(ftt_test_replace_actions),
	KUNIT_CASE(ftt_test_replace_tuple),
	KUNIT_CASE(ftt_test_same_match),
	KUNIT_CASE(ftt_test_foreign),
	KUNIT_CASE(ftt_test_foreign_reason),
	KUNIT_CASE(ftt_test_undecodable),
	KUNIT_CASE(ftt_test_hw_tc_off),
	KUNIT_CASE(ftt_test_egress),
	KUNIT_CASE(ftt_test_egress_netns),
	KUNIT_CASE(ftt_test_ingress_netns),
	KUNIT_CASE(ftt_test_add_fails),
	KUNIT_CASE(ftt_test_refused_change),
	KUNIT_CASE(ftt_test_port_del),
	KUNIT_CASE(ftt_test_bind_after_port_del),
	KUNIT_CASE(ftt_test_notifier),
	KUNIT_CASE(ftt_test_walk),
	{}
};

static struct kunit_suite ftt_table_suite = {
	.name = "flow_ft_table",
	.init = ftt_init,
	.exit = ftt_exit,
	.test_cases = ftt_table_cases,
};

kunit_test_suites(&ftt_table_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of flowtable offload in drivers");
