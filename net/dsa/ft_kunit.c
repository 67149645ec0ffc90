// SPDX-License-Identifier: GPL-2.0-or-later
/* KUnit tests: who is asked for flowtables on user ports, and who is left */
#include <kunit/test.h>
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <net/dsa.h>
#include <net/flow_offload.h>

#include "ft.h"

/* Of a switch, or of a conduit */
struct ft_driver {
	int err;
	int bound;
	int asked;
};

struct ft_test {
	struct dsa_switch_ops ops;
	struct dsa_switch ds;
	struct dsa_port port;
	struct dsa_port cpu[2];
	struct dsa_lag lag;
	struct dsa_ft ft;
	struct ft_driver sw;
	struct flow_block block[2];
};

static int ft_cb(enum tc_setup_type type, void *type_data, void *cb_priv)
{
	return 0;
}

static int ft_driver_setup(struct ft_driver *driver,
			   struct flow_block_offload *f)
{
	struct flow_block_cb *cb;

	driver->asked++;
	if (driver->err)
		return driver->err;

	if (f->command == FLOW_BLOCK_BIND) {
		cb = flow_block_cb_alloc(ft_cb, driver, driver, NULL);
		if (IS_ERR(cb))
			return PTR_ERR(cb);
		flow_block_cb_add(cb, f);
		driver->bound++;
		return 0;
	}

	cb = flow_block_cb_lookup(f->block, ft_cb, driver);
	if (!cb)
		return -ENOENT;
	flow_block_cb_remove(cb, f);
	driver->bound--;
	return 0;
}

static int ft_switch_setup_tc(struct dsa_switch *ds, int port,
			      enum tc_setup_type type, void *type_data)
{
	struct ft_test *ctx = ds->priv;

	return ft_driver_setup(&ctx->sw, type_data);
}

static int ft_conduit_setup_tc(struct net_device *dev, enum tc_setup_type type,
			       void *type_data)
{
	return ft_driver_setup(netdev_priv(dev), type_data);
}

static const struct net_device_ops ft_conduit_ops = {
	.ndo_setup_tc = ft_conduit_setup_tc,
};

/* As a bond: it has nobody to ask. */
static const struct net_device_ops ft_lag_ops;

static struct ft_driver *ft_conduit(struct ft_test *ctx, int id)
{
	return netdev_priv(ctx->cpu[id].conduit);
}

/* As nf_flow_table_offload_setup() */
static int ft_request(struct ft_test *ctx, int block,
		      enum flow_block_command command)
{
	struct flow_block_offload f = {
		.command = command,
		.binder_type = FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS,
		.block = &ctx->block[block],
	};
	struct flow_block_cb *cb, *next;
	int err;

	INIT_LIST_HEAD(&f.cb_list);
	err = dsa_ft_setup(&ctx->port, &ctx->ft, &f);
	if (command == FLOW_BLOCK_BIND) {
		list_splice(&f.cb_list, &f.block->cb_list);
		return err;
	}
	list_for_each_entry_safe(cb, next, &f.cb_list, list) {
		list_del(&cb->list);
		flow_block_cb_free(cb);
	}
	return err;
}

static int ft_bind(struct ft_test *ctx, int block)
{
	return ft_request(ctx, block, FLOW_BLOCK_BIND);
}

static int ft_unbind(struct ft_test *ctx, int block)
{
	return ft_request(ctx, block, FLOW_BLOCK_UNBIND);
}

static void ft_free_netdev(void *dev)
{
	free_netdev(dev);
}

static struct net_device *ft_netdev(struct kunit *test,
				    const struct net_device_ops *ops)
{
	struct net_device *dev = alloc_etherdev(sizeof(struct ft_driver));

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->netdev_ops = ops;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, ft_free_netdev,
							   dev));
	return dev;
}

static int ft_init(struct kunit *test)
{
	struct ft_test *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->ops.port_setup_tc = ft_switch_setup_tc;
	ctx->ds.ops = &ctx->ops;
	ctx->ds.priv = ctx;
	ctx->sw.err = -EOPNOTSUPP;
	ctx->port.ds = &ctx->ds;
	ctx->port.cpu_dp = &ctx->cpu[0];
	for (i = 0; i < ARRAY_SIZE(ctx->cpu); i++) {
		ctx->cpu[i].ds = &ctx->ds;
		ctx->cpu[i].conduit = ft_netdev(test, &ft_conduit_ops);
		flow_block_init(&ctx->block[i]);
	}
	dsa_ft_init(&ctx->ft);
	test->priv = ctx;
	return 0;
}

/* Nobody is asked without need, and nothing is left behind. */
static void ft_expect_clean(struct kunit *test)
{
	struct ft_test *ctx = test->priv;
	int i;

	KUNIT_EXPECT_EQ_MSG(test, ctx->sw.bound, 0, "left at the switch");
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->ft.bound));
	for (i = 0; i < ARRAY_SIZE(ctx->cpu); i++) {
		KUNIT_EXPECT_EQ_MSG(test, ft_conduit(ctx, i)->bound, 0,
				    "left at conduit %d", i);
		KUNIT_EXPECT_TRUE_MSG(test,
				      list_empty(&ctx->block[i].cb_list),
				      "a callback is left");
	}
}

/* A switch that does not forward flows leaves them to the conduit */
static void ft_test_conduit(struct kunit *test)
{
	struct ft_test *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 0), 0);
	KUNIT_EXPECT_EQ(test, ft_conduit(ctx, 0)->bound, 1);
	KUNIT_EXPECT_EQ(test, ft_unbind(ctx, 0), 0);
	ft_expect_clean(test);
}

/* ... as does one that has no port_setup_tc() at all */
static void ft_test_no_setup_tc(struct kunit *test)
{
	struct ft_test *ctx = test->priv;

	ctx->ops.port_setup_tc = NULL;
	ft_test_conduit(test);
	KUNIT_EXPECT_EQ(test, ctx->sw.asked, 0);
}

/* A switch that forwards flows is asked first, and the conduit is not */
static void ft_test_switch(struct kunit *test)
{
	struct ft_test *ctx = test->priv;

	ctx->sw.err = 0;
	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 0), 0);
	KUNIT_EXPECT_EQ_MSG(test, ctx->sw.bound, 1, "not at the switch");
	KUNIT_EXPECT_EQ(test, ft_unbind(ctx, 0), 0);
	KUNIT_EXPECT_EQ(test, ft_conduit(ctx, 0)->asked, 0);
	ft_expect_clean(test);
}

/* An error of the switch is an error: it would forward flows, but cannot */
static void ft_test_switch_error(struct kunit *test)
{
	struct ft_test *ctx = test->priv;

	ctx->sw.err = -ENOSPC;
	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 0), -ENOSPC);
	KUNIT_EXPECT_EQ(test, ft_conduit(ctx, 0)->asked, 0);
	ft_expect_clean(test);
}

/* Nobody forwards flows */
static void ft_test_nobody(struct kunit *test)
{
	struct ft_test *ctx = test->priv;

	ft_conduit(ctx, 0)->err = -EOPNOTSUPP;
	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 0), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, ft_unbind(ctx, 0), -ENOENT);
	ft_expect_clean(test);
}

/* Who has bound a flowtable unbinds it, whoever would bind it by then */
static void ft_test_conduit_stays(struct kunit *test)
{
	struct ft_test *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 0), 0);
	ctx->sw.err = 0;
	KUNIT_EXPECT_EQ(test, ft_unbind(ctx, 0), 0);
	ft_expect_clean(test);
}

/* The port has got another conduit */
static void ft_test_change(struct kunit *test)
{
	struct ft_test *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 0), 0);
	ctx->port.cpu_dp = &ctx->cpu[1];
	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 1), 0);
	KUNIT_EXPECT_EQ(test, ft_conduit(ctx, 1)->bound, 1);
	KUNIT_EXPECT_EQ(test, ft_unbind(ctx, 0), 0);
	KUNIT_EXPECT_EQ(test, ft_conduit(ctx, 1)->bound, 1);
	KUNIT_EXPECT_EQ(test, ft_unbind(ctx, 1), 0);
	ft_expect_clean(test);
}

/* The conduits have become ports of a LAG, which cannot be asked */
static void ft_test_lag(struct kunit *test)
{
	struct ft_test *ctx = test->priv;

	ctx->lag.dev = ft_netdev(test, &ft_lag_ops);
	ctx->cpu[0].lag = &ctx->lag;
	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 0), 0);
	ctx->port.cpu_port_in_lag = true;
	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 1), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, ft_unbind(ctx, 0), 0);
	ft_expect_clean(test);
}

/* A reload binds the new flowtable before it unbinds the old one */
static void ft_test_reload(struct kunit *test)
{
	struct ft_test *ctx = test->priv;

	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 0), 0);
	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 1), 0);
	KUNIT_EXPECT_EQ(test, ft_unbind(ctx, 0), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->block[0].cb_list));
	KUNIT_EXPECT_FALSE(test, list_empty(&ctx->block[1].cb_list));
	KUNIT_EXPECT_EQ(test, ft_unbind(ctx, 1), 0);
	ft_expect_clean(test);
}

/* A system that goes down unregisters the conduit, and does not unbind */
static void ft_test_shutdown(struct kunit *test)
{
	struct ft_test *ctx = test->priv;
	struct net_device *conduit = ctx->cpu[0].conduit;
	int refs = netdev_refcnt_read(conduit);
	struct flow_block_cb *cb, *next;

	KUNIT_EXPECT_EQ(test, ft_bind(ctx, 0), 0);
	KUNIT_EXPECT_EQ(test, netdev_refcnt_read(conduit), refs + 1);
	dsa_ft_forget(&ctx->ft);
	KUNIT_EXPECT_EQ(test, netdev_refcnt_read(conduit), refs);
	KUNIT_EXPECT_EQ(test, ft_unbind(ctx, 0), -ENOENT);
	list_for_each_entry_safe(cb, next, &ctx->block[0].cb_list, list)
		flow_block_cb_free(cb);
}

static struct kunit_case ft_cases[] = {
	KUNIT_CASE(ft_test_conduit),
	KUNIT_CASE(ft_test_no_setup_tc),
	KUNIT_CASE(ft_test_switch),
	KUNIT_CASE(ft_test_switch_error),
	KUNIT_CASE(ft_test_nobody),
	KUNIT_CASE(ft_test_conduit_stays),
	KUNIT_CASE(ft_test_change),
	KUNIT_CASE(ft_test_lag),
	KUNIT_CASE(ft_test_reload),
	KUNIT_CASE(ft_test_shutdown),
	{}
};

static struct kunit_suite ft_suite = {
	.name = "dsa_ft",
	.init = ft_init,
	.test_cases = ft_cases,
};

kunit_test_suite(ft_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of flowtables on DSA user ports");
MODULE_LICENSE("GPL");
