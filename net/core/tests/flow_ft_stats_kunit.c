// SPDX-License-Identifier: GPL-2.0
/* Tests of the flow table behind TC_SETUP_FT: numbers, and packets that look
 * entries up meanwhile.
 */

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "flow_ft_fake.h"

#define FTT_MANY	2000
#define FTT_CHURN	3000
#define FTT_SWAPS	40
#define FTT_DWELL	1000

static void ftt_install(struct ftt *t)
{
	ftt_bind(t, 0, 0);
	KUNIT_ASSERT_EQ(t->test, ftt_replace(t, 0, 0, &ftt_a), 1);
}

static void ftt_expect_stats(struct ftt *t, int block, u64 pkts, u64 bytes)
{
	struct flow_stats stats;

	KUNIT_EXPECT_GT(t->test, ftt_stats(t, block, FTT_ALL, ftt_a.cookie,
					   &stats), 0);
	KUNIT_EXPECT_EQ(t->test, stats.pkts, pkts);
	KUNIT_EXPECT_EQ(t->test, stats.bytes, bytes);
	KUNIT_EXPECT_EQ(t->test, stats.drops, 0);
}

static void ftt_test_deltas(struct kunit *test)
{
	struct flow_ft_counts *counts;
	struct ftt *t = test->priv;

	ftt_install(t);
	ftt_expect_stats(t, 0, 0, 0);

	flow_ft_count(ftt_find(t, &ftt_a), 2, 120);
	flow_ft_count(ftt_find(t, &ftt_a), 1, 1500);
	ftt_expect_stats(t, 0, 3, 1620);
	ftt_expect_stats(t, 0, 0, 0);

	t->unread = 7;
	ftt_expect_stats(t, 0, 7, 700);
	ftt_expect_stats(t, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, t->reads, 5);
	KUNIT_EXPECT_EQ(test, t->ft.counters.stats, 5);
	counts = ftt_find(t, &ftt_a)->counts;
	KUNIT_EXPECT_EQ(test, atomic64_read(&counts->packets), 10);
	KUNIT_EXPECT_EQ(test, atomic64_read(&counts->bytes), 2320);
}

/* The core asks all ports of the flowtable with one struct flow_stats. */
static void ftt_test_counted_once(struct kunit *test)
{
	struct ftt *t = test->priv;

	ftt_bind(t, 0, 2);
	ftt_install(t);
	ftt_bind(t, 0, 0);
	ftt_bind(t, 0, 1);
	ftt_bind(t, 1, 0);
	flow_ft_count(ftt_find(t, &ftt_a), 5, 500);
	ftt_expect_stats(t, 0, 5, 500);
	ftt_expect_stats(t, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, t->ft.counters.stats, 2);
	KUNIT_EXPECT_EQ(test, t->ft.counters.stats_unknown, 4);
	ftt_unbind(t, 0, 0);
}

/* A rule that each of two flowtables has is two entries, a packet hits one. */
static void ftt_test_two_flowtables(struct kunit *test)
{
	struct ftt *t = test->priv;

	ftt_install(t);
	flow_ft_count(ftt_find(t, &ftt_a), 5, 500);
	ftt_bind(t, 1, 0);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 1, 0, &ftt_a), 1);
	flow_ft_count(ftt_find(t, &ftt_a), 2, 200);
	ftt_expect_stats(t, 0, 5, 500);
	ftt_expect_stats(t, 1, 2, 200);
}

static void ftt_test_large(struct kunit *test)
{
	struct ftt *t = test->priv;

	ftt_install(t);
	flow_ft_count(ftt_find(t, &ftt_a), 5000000000, 7000000000000);
	ftt_expect_stats(t, 0, 5000000000, 7000000000000);
	flow_ft_count(ftt_find(t, &ftt_a), 1, 64);
	ftt_expect_stats(t, 0, 1, 64);
	flow_ft_count(ftt_find(t, &ftt_a), 1ULL << 32, 1ULL << 32);
	ftt_expect_stats(t, 0, 1ULL << 32, 1ULL << 32);
}

/* The core takes lastused for the time of the last packet. */
static void ftt_test_lastused(struct kunit *test)
{
	unsigned long installed, counted;
	struct flow_ft_counts *counts;
	struct ftt *t = test->priv;
	struct flow_stats stats;

	installed = jiffies;
	ftt_install(t);
	counts = ftt_find(t, &ftt_a)->counts;
	KUNIT_EXPECT_TRUE(test, time_in_range(counts->lastused, installed,
					      jiffies));
	installed = counts->lastused;

	msleep(50);
	flow_ft_count(ftt_find(t, &ftt_a), 0, 0);
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 0, ftt_a.cookie, &stats), 1);
	KUNIT_EXPECT_EQ(test, stats.lastused, installed);
	KUNIT_EXPECT_TRUE(test, stats.used_hw_stats_valid);
	KUNIT_EXPECT_EQ(test, stats.used_hw_stats,
			FLOW_ACTION_HW_STATS_IMMEDIATE);

	counted = jiffies;
	flow_ft_count(ftt_find(t, &ftt_a), 1, 100);
	KUNIT_EXPECT_TRUE(test, time_in_range(counts->lastused, counted,
					      jiffies));
	counted = counts->lastused;
	msleep(50);
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &ftt_a), 1);
	KUNIT_EXPECT_EQ(test, ftt_stats(t, 0, 0, ftt_a.cookie, &stats), 1);
	KUNIT_EXPECT_EQ(test, stats.lastused, counted);
}

static void ftt_flow_n(struct ftt_flow *flow, u32 n)
{
	flow->cookie = 0x1000 + 8 * n;
	flow->id = n;
	flow->in = n % FTT_PORTS;
	flow->out = (n + 1) % FTT_PORTS;
	flow->to = n;
}

static void ftt_test_many(struct kunit *test)
{
	struct ftt *t = test->priv;
	struct ftt_flow flow;
	int i;

	for (i = 0; i < FTT_PORTS; i++)
		ftt_bind(t, 0, i);

	for (i = 0; i < FTT_MANY; i++) {
		ftt_flow_n(&flow, i);
		KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, FTT_ALL, &flow), 1);
	}
	ftt_expect_entries(t, FTT_MANY);

	for (i = 0; i < FTT_MANY; i++) {
		ftt_flow_n(&flow, i);
		ftt_expect_found(t, &flow);
		if (i & 1)
			KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, FTT_ALL,
							  flow.cookie), 1);
	}
	ftt_expect_entries(t, FTT_MANY / 2);

	for (i = 0; i < FTT_MANY; i++) {
		ftt_flow_n(&flow, i);
		if (i & 1)
			KUNIT_EXPECT_NULL(test, ftt_find(t, &flow));
		else
			KUNIT_EXPECT_EQ(test, ftt_destroy(t, 0, FTT_ALL,
							  flow.cookie), 1);
	}
	ftt_expect_entries(t, 0);
	KUNIT_EXPECT_EQ(test, t->adds, FTT_MANY);
	KUNIT_EXPECT_EQ(test, t->dels, FTT_MANY);
}

/* The packet path: looks one flow up for as long as it runs, and takes its time
 * before it counts.
 */
struct ftt_reader {
	struct flow_ft_port	*port;
	struct flow_ft_tuple	tuple;
	struct task_struct	*task;
	u64			rounds;
	u64			hits;
	u64			wrong;
};

static void ftt_reader_once(struct ftt_reader *reader)
{
	struct flow_ft_entry *entry;
	unsigned int serial;
	int i;

	rcu_read_lock();
	entry = flow_ft_lookup(reader->port, &reader->tuple);
	if (entry) {
		serial = ftt_serial(entry);
		for (i = 0; i < FTT_DWELL; i++)
			cpu_relax();
		flow_ft_count(entry, 1, 100);
		reader->hits++;
		if (serial != ftt_serial(entry) ||
		    entry->ingress != reader->port ||
		    memcmp(&entry->rule.tuple, &reader->tuple,
			   sizeof(reader->tuple)))
			reader->wrong++;
	}
	rcu_read_unlock();
}

static int ftt_reader_run(void *data)
{
	struct ftt_reader *reader = data;

	while (!kthread_should_stop()) {
		ftt_reader_once(reader);
		WRITE_ONCE(reader->rounds, reader->rounds + 1);
		cond_resched();
	}

	return 0;
}

static void ftt_reader_start(struct ftt *t, struct ftt_reader *reader)
{
	memset(reader, 0, sizeof(*reader));
	reader->port = &t->ports[ftt_a.in];
	ftt_fill_tuple(&ftt_a, &reader->tuple);
	reader->task = kthread_run(ftt_reader_run, reader, "flow_ft_reader");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(t->test, reader->task);
}

/* Let the reader go round once, however few CPUs there are. */
static void ftt_reader_wait(struct ftt_reader *reader)
{
	u64 rounds = READ_ONCE(reader->rounds);

	while (READ_ONCE(reader->rounds) - rounds < 2)
		schedule_timeout_uninterruptible(1);
}

/* Entries come and go under the eyes of a reader. */
static void ftt_test_churn(struct kunit *test)
{
	struct ftt_reader reader;
	struct ftt *t = test->priv;
	int i, failed = 0;

	ftt_bind(t, 0, 0);
	ftt_reader_start(t, &reader);
	for (i = 0; i < FTT_CHURN; i++) {
		failed += ftt_replace(t, 0, 0, &ftt_a) != 1;
		if (i % 100 == 0)
			ftt_reader_wait(&reader);
		failed += ftt_destroy(t, 0, 0, ftt_a.cookie) != 1;
	}
	kthread_stop(reader.task);

	KUNIT_EXPECT_EQ(test, failed, 0);
	KUNIT_EXPECT_EQ(test, reader.wrong, 0);
	KUNIT_EXPECT_GE(test, reader.hits, FTT_CHURN / 100);
	KUNIT_EXPECT_EQ(test, t->adds, FTT_CHURN);
	ftt_expect_entries(t, 0);
}

/* Bindings come and go under the eyes of a reader. */
static void ftt_test_churn_bindings(struct kunit *test)
{
	struct ftt_reader reader;
	struct ftt *t = test->priv;
	int i, failed = 0;

	ftt_bind(t, 1, 0);
	ftt_reader_start(t, &reader);
	for (i = 0; i < FTT_CHURN; i++) {
		failed += ftt_setup(t, i & 1, 0, FLOW_BLOCK_BIND);
		failed += ftt_replace(t, i & 1, 0, &ftt_a) != 1;
		if (i % 100 == 0)
			ftt_reader_wait(&reader);
		failed += ftt_setup(t, !(i & 1), 0, FLOW_BLOCK_UNBIND);
	}
	kthread_stop(reader.task);

	KUNIT_EXPECT_EQ(test, failed, 0);
	KUNIT_EXPECT_EQ(test, reader.wrong, 0);
	KUNIT_EXPECT_GE(test, reader.hits, FTT_CHURN / 100);
	ftt_expect_entries(t, 1);
	KUNIT_EXPECT_EQ(test, t->ft.counters.unbind_orphans, FTT_CHURN - 1);
}

/* No packet is lost or counted twice when the actions of a flow change. */
static void ftt_test_swap_actions(struct kunit *test)
{
	struct ftt_flow flow = ftt_a;
	struct ftt_reader reader;
	struct ftt *t = test->priv;
	u64 pkts = 0, bytes = 0;
	struct flow_stats stats;
	int i, failed = 0;

	ftt_install(t);
	ftt_reader_start(t, &reader);
	for (i = 0; i < FTT_SWAPS; i++) {
		flow.to++;
		failed += ftt_replace(t, 0, 0, &flow) != 1;
		if (i % 10 == 0)
			ftt_reader_wait(&reader);
		if (i & 1)
			continue;

		failed += ftt_stats(t, 0, 0, flow.cookie, &stats) != 1;
		pkts += stats.pkts;
		bytes += stats.bytes;
	}
	kthread_stop(reader.task);
	failed += ftt_stats(t, 0, 0, flow.cookie, &stats) != 1;

	KUNIT_EXPECT_EQ(test, failed, 0);
	KUNIT_EXPECT_EQ(test, reader.wrong, 0);
	KUNIT_EXPECT_GE(test, reader.hits, FTT_SWAPS / 10);
	KUNIT_EXPECT_EQ(test, pkts + stats.pkts, reader.hits);
	KUNIT_EXPECT_EQ(test, bytes + stats.bytes, 100 * reader.hits);
	KUNIT_EXPECT_EQ(test, t->adds, FTT_SWAPS + 1);
}

/* A packet that has found the entry when its actions change. */
struct ftt_late {
	struct ftt	*t;
	bool		found;
};

static int ftt_late_run(void *data)
{
	struct ftt_late *late = data;
	struct flow_ft_entry *entry;
	struct flow_ft_tuple tuple;
	struct ftt *t = late->t;
	unsigned long end;

	ftt_fill_tuple(&ftt_a, &tuple);
	rcu_read_lock();
	entry = flow_ft_lookup(&t->ports[ftt_a.in], &tuple);
	WRITE_ONCE(late->found, true);

	end = jiffies + HZ;
	while (!READ_ONCE(t->dels) && time_before(jiffies, end))
		cpu_relax();
	end = jiffies + HZ / 20;
	while (time_before(jiffies, end))
		cpu_relax();
	if (entry)
		flow_ft_count(entry, 1, 100);
	rcu_read_unlock();

	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void ftt_test_late_packet(struct kunit *test)
{
	struct ftt_late late = { .t = test->priv };
	struct ftt_flow flow = ftt_a;
	struct ftt *t = late.t;
	struct task_struct *task;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs a CPU for the packet");

	ftt_install(t);
	task = kthread_run(ftt_late_run, &late, "flow_ft_late");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	while (!READ_ONCE(late.found))
		schedule_timeout_uninterruptible(1);

	flow.to++;
	KUNIT_EXPECT_EQ(test, ftt_replace(t, 0, 0, &flow), 1);
	kthread_stop(task);
	ftt_expect_stats(t, 0, 1, 100);
}

static struct kunit_case ftt_stats_cases[] = {
	KUNIT_CASE(ftt_test_deltas),
	KUNIT_CASE(ftt_test_counted_once),
	KUNIT_CASE(ftt_test_two_flowtables),
	KUNIT_CASE(ftt_test_large),
	KUNIT_CASE(ftt_test_lastused),
	KUNIT_CASE(ftt_test_many),
	KUNIT_CASE(ftt_test_churn),
	KUNIT_CASE(ftt_test_churn_bindings),
	KUNIT_CASE(ftt_test_swap_actions),
	KUNIT_CASE(ftt_test_late_packet),
	{}
};

static struct kunit_suite ftt_stats_suite = {
	.name = "flow_ft_stats",
	.init = ftt_init,
	.exit = ftt_exit,
	.test_cases = ftt_stats_cases,
};

kunit_test_suites(&ftt_stats_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of the numbers of flowtable offload");
