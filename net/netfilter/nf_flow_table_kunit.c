// SPDX-License-Identifier: GPL-2.0
/* Flowtables and drivers that come, go and refuse: netdevs without hardware, a
 * driver that binds to them by the indirect block API, or by their own
 * ndo_setup_tc, and what it hears of a flow.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/flow_offload.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <net/netfilter/nf_flow_table.h>

#define NF_FT_TEST_DEVS	2
#define NF_FT_TEST_POISON	0x5a

struct nf_ft_test {
	struct nf_flowtable	*ft;
	struct net_device	*devs[NF_FT_TEST_DEVS];
	struct flow_block_cb	*block_cb;
	struct completion	done;
	bool			refuse_unbind;
	bool			registered;
	bool			freed;
	unsigned int		bind[NF_FT_TEST_DEVS];
	unsigned int		unbind;
	unsigned int		released;
	unsigned int		replace;
	void			(*on_replace)(struct nf_ft_test *t);
};

/* For callbacks that get no pointer of ours. */
static struct nf_ft_test *nf_ft_test;

static LIST_HEAD(nf_ft_test_cb_list);

static int nf_ft_test_action(struct net *net, struct flow_offload *flow,
			     enum flow_offload_tuple_dir dir,
			     struct nf_flow_rule *flow_rule)
{
	return 0;
}

static const struct nf_flowtable_type nf_ft_test_type = {
	.action	= nf_ft_test_action,
	.owner	= THIS_MODULE,
};

static int nf_ft_test_cb(enum tc_setup_type type, void *type_data,
			 void *cb_priv)
{
	struct flow_cls_offload *cls_flow = type_data;
	struct nf_ft_test *t = nf_ft_test;

	if (cls_flow->command != FLOW_CLS_REPLACE || !t->on_replace)
		return -EOPNOTSUPP;

	t->replace++;
	t->on_replace(t);

	return 0;
}

static void nf_ft_test_release(void *cb_priv)
{
	struct nf_ft_test *t = cb_priv;

	t->released++;
}

static int nf_ft_test_dev_index(const struct net_device *dev)
{
	int i;

	for (i = 0; i < NF_FT_TEST_DEVS; i++)
		if (nf_ft_test->devs[i] == dev)
			return i;

	return -1;
}

static int nf_ft_test_bind(struct net_device *dev, struct Qdisc *sch,
			   struct flow_block_offload *f, void *data,
			   void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct flow_block_cb *block_cb;
	struct nf_ft_test *t = nf_ft_test;

	if (cleanup)
		block_cb = flow_indr_block_cb_alloc(nf_ft_test_cb, dev, t,
						    nf_ft_test_release, f, dev,
						    sch, data, t, cleanup);
	else
		block_cb = flow_block_cb_alloc(nf_ft_test_cb, dev, t,
					       nf_ft_test_release);
	if (IS_ERR(block_cb))
		return PTR_ERR(block_cb);

	flow_block_cb_add(block_cb, f);
	list_add_tail(&block_cb->driver_list, &nf_ft_test_cb_list);
	t->bind[nf_ft_test_dev_index(dev)]++;
	t->block_cb = block_cb;

	return 0;
}

static int nf_ft_test_unbind(struct net_device *dev,
			     struct flow_block_offload *f, bool indr)
{
	struct flow_block_cb *block_cb;
	struct nf_ft_test *t = nf_ft_test;

	if (t->refuse_unbind)
		return -EBUSY;

	block_cb = flow_block_cb_lookup(f->block, nf_ft_test_cb, dev);
	if (!block_cb)
		return -ENOENT;

	if (indr)
		flow_indr_block_cb_remove(block_cb, f);
	else
		flow_block_cb_remove(block_cb, f);
	list_del(&block_cb->driver_list);
	t->unbind++;

	return 0;
}

static int nf_ft_test_indr(struct net_device *dev, struct Qdisc *sch,
			   void *cb_priv, enum tc_setup_type type,
			   void *type_data, void *data,
			   void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct flow_block_offload *f = type_data;

	if (type != TC_SETUP_FT || nf_ft_test_dev_index(dev) < 0)
		return -EOPNOTSUPP;

	return f->command == FLOW_BLOCK_BIND ?
	       nf_ft_test_bind(dev, sch, f, data, cleanup) :
	       nf_ft_test_unbind(dev, f, true);
}

static int nf_ft_test_setup_tc(struct net_device *dev, enum tc_setup_type type,
			       void *type_data)
{
	struct flow_block_offload *f = type_data;

	return f->command == FLOW_BLOCK_BIND ?
	       nf_ft_test_bind(dev, NULL, f, NULL, NULL) :
	       nf_ft_test_unbind(dev, f, false);
}

static const struct net_device_ops nf_ft_test_indr_netdev_ops = {
};

static const struct net_device_ops nf_ft_test_netdev_ops = {
	.ndo_setup_tc	= nf_ft_test_setup_tc,
};

static void nf_ft_test_register(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;

	KUNIT_ASSERT_EQ(test, flow_indr_dev_register(nf_ft_test_indr, t), 0);
	t->registered = true;
}

static void nf_ft_test_unregister(struct nf_ft_test *t)
{
	flow_indr_dev_unregister(nf_ft_test_indr, t, nf_ft_test_release);
	t->registered = false;
}

static int nf_ft_test_setup(struct nf_ft_test *t, int dev,
			    enum flow_block_command cmd)
{
	return nf_flow_table_offload_setup(t->ft, t->devs[dev], cmd, NULL);
}

/* Whoever still points to it changes, or uses, what is here now. */
static void nf_ft_test_free_flowtable(struct nf_ft_test *t)
{
	nf_flow_table_free(t->ft);
	t->freed = true;
	memset(t->ft, NF_FT_TEST_POISON, sizeof(*t->ft));
}

static void nf_ft_test_expect_untouched(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;

	KUNIT_EXPECT_NULL(test, memchr_inv(t->ft, NF_FT_TEST_POISON,
					   sizeof(*t->ft)));
}

static void nf_ft_test_indr_bind(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;

	nf_ft_test_register(test);
	KUNIT_ASSERT_GE(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_BIND), 0);
	KUNIT_EXPECT_EQ(test, t->bind[0], 1);
	KUNIT_EXPECT_GE(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_UNBIND), 0);
	KUNIT_EXPECT_EQ(test, t->unbind, 1);
	KUNIT_EXPECT_EQ(test, t->released, 1);

	nf_ft_test_free_flowtable(t);
	nf_ft_test_unregister(t);
	KUNIT_EXPECT_EQ(test, t->released, 1);
	nf_ft_test_expect_untouched(test);
}

static void nf_ft_test_indr_unregister(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;

	nf_ft_test_register(test);
	KUNIT_ASSERT_GE(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_BIND), 0);
	nf_ft_test_unregister(t);
	KUNIT_EXPECT_EQ(test, t->released, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->ft->flow_block.cb_list));

	nf_ft_test_setup(t, 0, FLOW_BLOCK_UNBIND);
	nf_ft_test_free_flowtable(t);
	KUNIT_EXPECT_EQ(test, t->released, 1);
}

static void nf_ft_test_indr_refused(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;

	nf_ft_test_register(test);
	KUNIT_ASSERT_GE(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_BIND), 0);
	t->refuse_unbind = true;
	KUNIT_EXPECT_LT(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_UNBIND), 0);
	KUNIT_EXPECT_EQ(test, t->released, 0);

	nf_ft_test_free_flowtable(t);
	KUNIT_EXPECT_NULL(test, t->block_cb->indr.data);
	if (t->block_cb->indr.data) {
		/* Cleanup would wait for a lock that is not one any more. */
		t->registered = false;
		return;
	}
	nf_ft_test_unregister(t);
	KUNIT_EXPECT_EQ(test, t->released, 1);
	nf_ft_test_expect_untouched(test);
}

static void nf_ft_test_indr_late(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_BIND),
			-EOPNOTSUPP);
	nf_ft_test_free_flowtable(t);

	nf_ft_test_register(test);
	KUNIT_EXPECT_EQ(test, t->bind[0], 0);
	nf_ft_test_expect_untouched(test);
}

static void nf_ft_test_indr_two_devs(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;

	nf_ft_test_register(test);
	KUNIT_ASSERT_GE(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_BIND), 0);
	KUNIT_ASSERT_GE(test, nf_ft_test_setup(t, 1, FLOW_BLOCK_BIND), 0);
	nf_ft_test_unregister(t);

	nf_ft_test_register(test);
	KUNIT_EXPECT_EQ(test, t->bind[0], 2);
	KUNIT_EXPECT_EQ(test, t->bind[1], 2);

	KUNIT_EXPECT_GE(test, nf_ft_test_setup(t, 1, FLOW_BLOCK_UNBIND), 0);
	nf_ft_test_unregister(t);
	nf_ft_test_register(test);
	KUNIT_EXPECT_EQ(test, t->bind[0], 3);
	KUNIT_EXPECT_EQ(test, t->bind[1], 2);

	nf_ft_test_setup(t, 0, FLOW_BLOCK_UNBIND);
	nf_ft_test_free_flowtable(t);
	KUNIT_EXPECT_EQ(test, t->released, 5);
}

/* Runs @fn while somebody walks the callbacks, until it waits for that or is
 * done.
 */
static struct task_struct *nf_ft_test_start(struct nf_ft_test *t,
					    int (*fn)(void *data))
{
	struct rw_semaphore *lock = &t->ft->flow_block_lock;
	struct task_struct *task;

	task = kthread_run(fn, t, "nf_ft_test");
	while (!IS_ERR(task) && !rwsem_is_contended(lock) &&
	       !completion_done(&t->done))
		schedule_timeout_uninterruptible(1);

	return task;
}

static void nf_ft_test_beside_walk(struct kunit *test, int (*fn)(void *data))
{
	struct nf_ft_test *t = test->priv;
	struct task_struct *task;

	init_completion(&t->done);
	down_read(&t->ft->flow_block_lock);
	task = nf_ft_test_start(t, fn);
	if (IS_ERR(task)) {
		up_read(&t->ft->flow_block_lock);
		KUNIT_FAIL_AND_ABORT(test, "no thread: %pe", task);
	}
}

static void nf_ft_test_end_walk(struct nf_ft_test *t)
{
	up_read(&t->ft->flow_block_lock);
	wait_for_completion(&t->done);
}

static int nf_ft_test_register_thread(void *data)
{
	struct nf_ft_test *t = data;

	t->registered = !flow_indr_dev_register(nf_ft_test_indr, t);
	kthread_complete_and_exit(&t->done, 0);
}

static int nf_ft_test_unbind_thread(void *data)
{
	struct nf_ft_test *t = data;

	nf_ft_test_setup(t, 0, FLOW_BLOCK_UNBIND);
	kthread_complete_and_exit(&t->done, 0);
}

static void nf_ft_test_indr_late_lock(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;

	nf_ft_test_register(test);
	KUNIT_ASSERT_GE(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_BIND), 0);
	nf_ft_test_unregister(t);
	KUNIT_ASSERT_TRUE(test, list_empty(&t->ft->flow_block.cb_list));

	nf_ft_test_beside_walk(test, nf_ft_test_register_thread);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->ft->flow_block.cb_list));
	nf_ft_test_end_walk(t);
	KUNIT_EXPECT_EQ(test, t->bind[0], 2);
	KUNIT_EXPECT_FALSE(test, list_empty(&t->ft->flow_block.cb_list));

	nf_ft_test_setup(t, 0, FLOW_BLOCK_UNBIND);
	KUNIT_EXPECT_EQ(test, t->released, 2);
}

static void nf_ft_test_indr_unbind_lock(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;

	nf_ft_test_register(test);
	KUNIT_ASSERT_GE(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_BIND), 0);

	nf_ft_test_beside_walk(test, nf_ft_test_unbind_thread);
	KUNIT_EXPECT_FALSE(test, list_empty(&t->ft->flow_block.cb_list));
	nf_ft_test_end_walk(t);
	KUNIT_EXPECT_EQ(test, t->unbind, 1);
	KUNIT_EXPECT_EQ(test, t->released, 1);
}

static void nf_ft_test_ndo_refused(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;

	t->devs[0]->netdev_ops = &nf_ft_test_netdev_ops;
	KUNIT_ASSERT_GE(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_BIND), 0);
	t->refuse_unbind = true;
	KUNIT_EXPECT_EQ(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_UNBIND),
			-EBUSY);
	nf_ft_test_free_flowtable(t);

	/* The driver lets go in the end. */
	list_del(&t->block_cb->list);
	list_del(&t->block_cb->driver_list);
	flow_block_cb_free(t->block_cb);
	nf_ft_test_expect_untouched(test);
}

/* Whoever has waited for a while, and been woken, is next: readers do not come
 * before.
 */
static void nf_ft_test_unbind_next(struct nf_ft_test *t)
{
	struct task_struct *task;

	if (t->replace > 1)
		return;

	task = nf_ft_test_start(t, nf_ft_test_unbind_thread);
	if (IS_ERR(task))
		complete(&t->done);
	if (completion_done(&t->done))
		return;

	schedule_timeout_uninterruptible(HZ / 10);
	wake_up_process(task);
	schedule_timeout_uninterruptible(HZ / 10);
}

static struct nf_conn *nf_ft_test_ct(struct kunit *test)
{
	struct nf_conntrack_tuple tuple = {
		.src.l3num	= AF_INET,
		.dst.protonum	= IPPROTO_UDP,
		.src.u3.ip	= htonl(INADDR_LOOPBACK),
	}, reply = {
		.src.l3num	= AF_INET,
		.dst.protonum	= IPPROTO_UDP,
		.dst.u3.ip	= htonl(INADDR_LOOPBACK),
		.dst.dir	= IP_CT_DIR_REPLY,
	};
	struct nf_conn *ct;

	ct = nf_conntrack_alloc(&init_net, &nf_ct_zone_dflt, &tuple, &reply,
				GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ct);
	refcount_set(&ct->ct_general.use, 1);

	return ct;
}

/* A device goes while its driver hears of the first direction of a flow. */
static void nf_ft_test_both_directions(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;
	struct flow_offload *flow;
	struct nf_conn *ct;

	t->devs[0]->netdev_ops = &nf_ft_test_netdev_ops;
	KUNIT_ASSERT_GE(test, nf_ft_test_setup(t, 0, FLOW_BLOCK_BIND), 0);
	t->on_replace = nf_ft_test_unbind_next;
	init_completion(&t->done);

	ct = nf_ft_test_ct(test);
	flow = flow_offload_alloc(ct);
	nf_ct_put(ct);
	KUNIT_ASSERT_NOT_NULL(test, flow);
	__set_bit(NF_FLOW_HW_BIDIRECTIONAL, &flow->flags);
	if (flow_offload_add(t->ft, flow)) {
		flow_offload_free(flow);
		KUNIT_FAIL_AND_ABORT(test, "the flowtable does not take it");
	}

	wait_for_completion(&t->done);
	KUNIT_EXPECT_EQ(test, t->replace, 2);
	KUNIT_EXPECT_EQ(test, t->unbind, 1);
}

static int nf_ft_test_init(struct kunit *test)
{
	struct nf_ft_test *t;
	int i;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->ft = kunit_kzalloc(test, sizeof(*t->ft), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->ft);
	for (i = 0; i < NF_FT_TEST_DEVS; i++) {
		t->devs[i] = alloc_netdev(0, "ft_test%d", NET_NAME_UNKNOWN,
					  ether_setup);
		KUNIT_ASSERT_NOT_NULL(test, t->devs[i]);
		t->devs[i]->netdev_ops = &nf_ft_test_indr_netdev_ops;
	}

	t->ft->type = &nf_ft_test_type;
	t->ft->flags = NF_FLOWTABLE_HW_OFFLOAD;
	write_pnet(&t->ft->net, &init_net);
	KUNIT_ASSERT_EQ(test, nf_flow_table_init(t->ft), 0);
	test->priv = t;
	nf_ft_test = t;

	return 0;
}

static void nf_ft_test_exit(struct kunit *test)
{
	struct nf_ft_test *t = test->priv;
	int i;

	if (!t)
		return;

	if (t->registered)
		nf_ft_test_unregister(t);
	if (!t->freed)
		nf_ft_test_free_flowtable(t);
	for (i = 0; i < NF_FT_TEST_DEVS; i++)
		free_netdev(t->devs[i]);
}

static struct kunit_case nf_ft_test_cases[] = {
	KUNIT_CASE(nf_ft_test_indr_bind),
	KUNIT_CASE(nf_ft_test_indr_unregister),
	KUNIT_CASE(nf_ft_test_indr_refused),
	KUNIT_CASE(nf_ft_test_indr_late),
	KUNIT_CASE(nf_ft_test_indr_two_devs),
	KUNIT_CASE(nf_ft_test_indr_late_lock),
	KUNIT_CASE(nf_ft_test_indr_unbind_lock),
	KUNIT_CASE(nf_ft_test_ndo_refused),
	KUNIT_CASE_SLOW(nf_ft_test_both_directions),
	{}
};

static struct kunit_suite nf_ft_test_suite = {
	.name		= "nf_flow_table",
	.init		= nf_ft_test_init,
	.exit		= nf_ft_test_exit,
	.test_cases	= nf_ft_test_cases,
};

kunit_test_suite(nf_ft_test_suite);

MODULE_DESCRIPTION("KUnit tests of flowtables and the drivers they bind to");
MODULE_LICENSE("GPL");
