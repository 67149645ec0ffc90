// SPDX-License-Identifier: GPL-2.0
/* Tests of the flow table behind TC_SETUP_FT: what it says about rules that it
 * did not take, and entries that it gives up by itself.
 */

#include <linux/module.h>
#include <linux/netdevice.h>

#include "flow_ft_fake.h"

static void ftt_expect_last(struct ftt *t, enum flow_ft_refusal reason,
			    int err, const char *port, const char *text)
{
	const struct flow_ft_refused *last = &t->ft.last_refused;

	KUNIT_EXPECT_EQ(t->test, last->reason, reason);
	KUNIT_EXPECT_EQ(t->test, last->err, err);
	KUNIT_EXPECT_STREQ(t->test, last->port, port);
	KUNIT_EXPECT_STREQ(t->test, last->text, text);
	KUNIT_EXPECT_EQ(t->test, t->ft.counters.refused[reason], 1);
}

static const struct {
	int			err;
	enum flow_ft_refusal	reason;
} ftt_driver_errors[] = {
	{ -ENOSPC,	FLOW_FT_REFUSED_FULL },
	{ -ENOMEM,	FLOW_FT_REFUSED_NOMEM },
	{ -EIO,		FLOW_FT_REFUSED_DRIVER },
};

/* The error of a driver goes to the core as it is. */
static void ftt_test_driver_errors(struct kunit *test)
{
	struct ftt *t = test->priv;
	struct flow_ft_tuple tuple;
	int i;

	ftt_bind(t, 0, 0);
	ftt_fill_tuple(&ftt_a, &tuple);
	for (i = 0; i < ARRAY_SIZE(ftt_driver_errors); i++) {
		t->add_err = ftt_driver_errors[i].err;
		KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a),
				t->add_err);
		ftt_expect_last(t, ftt_driver_errors[i].reason, t->add_err,
				t->devs[0]->name, "table is full");
		KUNIT_EXPECT_MEMEQ(test, &t->ft.last_refused.tuple, &tuple,
				   sizeof(tuple));
	}
	KUNIT_EXPECT_EQ(test, ftt_refused(t), 3);
}

static void ftt_test_last_rule(struct kunit *test)
{
	struct ftt *t = test->priv;

	ftt_bind(t, 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), 1);
	KUNIT_EXPECT_STREQ(test, t->ft.last_refused.text, "");
	KUNIT_EXPECT_EQ(test, t->ft.last_refused.err, 0);

	t->mask.ports.src = 0;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_c), -EOPNOTSUPP);
	ftt_expect_last(t, FLOW_FT_REFUSED_RULE, -EOPNOTSUPP,
			t->devs[0]->name, "flow_ft: ports must match exactly");
}

/* The name of a port that is gone may be another one's by now. */
static void ftt_test_last_gone(struct kunit *test)
{
	struct ftt *t = test->priv;

	ftt_bind(t, 0, 0);
	ftt_port_gone(t, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), -ENODEV);
	ftt_expect_last(t, FLOW_FT_REFUSED_GONE, -ENODEV, "",
			"flow_ft: port is gone");
	ftt_unbind(t, 0, 0);
}

static void ftt_test_evict(struct kunit *test)
{
	struct ftt *t = test->priv;
	struct flow_stats stats;

	KUNIT_EXPECT_EQ(test, flow_ft_evict(&t->ft, 1), 0);

	ftt_bind(t, 0, 0);
	ftt_bind(t, 0, 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_c), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_a), 1);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_b), 1);
	KUNIT_EXPECT_EQ(test, flow_ft_evict(&t->ft, 0), 0);
	ftt_expect_entries(t, 3);

	/* Of one port, the oldest. */
	KUNIT_EXPECT_EQ(test, flow_ft_evict(&t->ft, 1), 1);
	KUNIT_EXPECT_NULL(test, ftt_find(t, &ftt_c));
	ftt_expect_found(t, &ftt_a);
	ftt_expect_found(t, &ftt_b);
	KUNIT_EXPECT_EQ(test, t->dels, 1);
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 0, ftt_c.cookie, &stats),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, 0, ftt_c.cookie), -ENOENT);

	/* The core may bring it back. */
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &ftt_c), 1);
	ftt_expect_found(t, &ftt_c);

	KUNIT_EXPECT_EQ(test, flow_ft_evict(&t->ft, UINT_MAX), 3);
	ftt_expect_entries(t, 0);
	KUNIT_EXPECT_EQ(test, t->ft.counters.evicted, 4);
	KUNIT_EXPECT_EQ(test, t->ft.counters.destroy, 0);
	KUNIT_EXPECT_EQ(test, t->ft.counters.replace, 4);
}

static struct kunit_case ftt_refuse_cases[] = {
	KUNIT_CASE(ftt_test_driver_errors),
	KUNIT_CASE(ftt_test_last_rule),
	KUNIT_CASE(ftt_test_last_gone),
	KUNIT_CASE(ftt_test_evict),
	{}
};

static struct kunit_suite ftt_refuse_suite = {
	.name = "flow_ft_refuse",
	.init = ftt_init,
	.exit = ftt_exit,
	.test_cases = ftt_refuse_cases,
};

kunit_test_suites(&ftt_refuse_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of refusals of flowtable offload");
