// SPDX-License-Identifier: GPL-2.0-only
/* Connections that hardware tracks, with a driver that says what the test wants
 * it to say: who may claim what, what is believed, and what conntrack has then.
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <net/flow_ft_conn.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_l4proto.h>

#include "nf_flow_table_hw.h"

#define NF_HW_TEST_DAY	(24 * 60 * 60 * HZ)

struct nf_hw_test {
	struct nf_flowtable	ft;
	struct flow_offload	flow;
	struct nf_conn		*ct;
	struct nf_flow_hw_offer	offer;
	struct flow_ft_conn	conn;
	struct flow_ft_claim	claim;
	struct flow_ft_report	report;
	bool			offered;
	bool			answers;
	unsigned int		queries;
	struct nf_tcp_net	tcp;
	struct nf_udp_net	udp;
};

static bool nf_hw_test_query(void *owner, u64 handle,
			     struct flow_ft_report *report)
{
	struct nf_hw_test *t = owner;

	t->queries++;
	*report = t->report;
	report->handle = handle;
	return t->answers;
}

static unsigned long nf_hw_test_cookie(const struct nf_hw_test *t, int dir)
{
	return (unsigned long)&t->flow.tuplehash[dir].tuple;
}

static void nf_hw_test_offer(struct nf_hw_test *t, int dir)
{
	t->offer = (struct nf_flow_hw_offer){
		.flowtable = &t->ft, .flow = &t->flow, .dir = dir,
	};
	nf_flow_hw_offer(&t->offer);
	t->offered = true;
}

static void nf_hw_test_offer_end(struct nf_hw_test *t)
{
	nf_flow_hw_offer_end(&t->offer);
	t->offered = false;
}

static int nf_hw_test_snapshot(struct nf_hw_test *t, int dir)
{
	return flow_ft_conn_snapshot(nf_hw_test_cookie(t, dir), &t->conn);
}

static int nf_hw_test_claim(struct nf_hw_test *t)
{
	return flow_ft_conn_claim(&t->conn, &t->claim);
}

/* REPLACE of one direction, as for a driver that agrees */
static int nf_hw_test_replace(struct nf_hw_test *t, int dir)
{
	int err;

	nf_hw_test_offer(t, dir);
	err = nf_hw_test_snapshot(t, dir) ?: nf_hw_test_claim(t);
	nf_flow_hw_answer(&t->offer, 0);
	nf_hw_test_offer_end(t);

	return err;
}

static void nf_hw_test_replace_both(struct kunit *test, u8 flags)
{
	struct nf_hw_test *t = test->priv;

	t->claim.flags = flags;
	KUNIT_ASSERT_EQ(test, nf_hw_test_replace(t, 0), 0);
	KUNIT_ASSERT_EQ(test, nf_hw_test_replace(t, 1), 0);
	KUNIT_ASSERT_TRUE(test, nf_flow_hw_claimed(&t->flow));
	KUNIT_ASSERT_EQ(test, nf_flow_hw_tracked(&t->flow),
			!!(flags & FLOW_FT_CLAIM_STATE));
}

static unsigned int nf_hw_test_report(struct nf_hw_test *t,
				      enum flow_ft_event event)
{
	t->report.handle = t->conn.handle;
	t->report.event = event;

	return flow_ft_conn_report(&t->report, 1);
}

static void nf_hw_test_set_proto(struct nf_hw_test *t, u8 proto)
{
	t->ct->tuplehash[0].tuple.dst.protonum = proto;
}

static void nf_hw_test_open(struct nf_hw_test *t)
{
	struct ip_ct_tcp *tcp = &t->ct->proto.tcp;
	int i;

	memset(tcp, 0, sizeof(*tcp));
	tcp->state = TCP_CONNTRACK_ESTABLISHED;
	tcp->last_win = 1000;
	tcp->last_index = FLOW_FT_TCP_LAST_ACK;
	for (i = 0; i < 2; i++) {
		tcp->seen[i].td_end = 1000;
		tcp->seen[i].td_maxend = 2000;
		tcp->seen[i].td_maxwin = 500;
		tcp->seen[i].td_maxack = 800;
		tcp->seen[i].flags = IP_CT_TCP_FLAG_MAXACK_SET;
		t->report.state.tcp.dir[i] = (struct flow_ft_tcp_dir){
			.end = 1500, .maxend = 1900, .maxwin = 600,
			.maxack = 700, .flags = IP_CT_TCP_FLAG_MAXACK_SET,
			.synced = true,
		};
	}
	t->report.has_state = true;
	t->report.state.tcp.state = TCP_CONNTRACK_ESTABLISHED;
	t->report.state.tcp.last = FLOW_FT_TCP_LAST_ACK;
	t->report.state.tcp.last_win = 1000;
}

static void nf_hw_test_expect_windows(struct kunit *test, u32 end, u32 maxend,
				      u32 maxwin, u32 maxack)
{
	struct nf_hw_test *t = test->priv;
	const struct ip_ct_tcp_state *seen;
	int i;

	for (i = 0; i < 2; i++) {
		seen = &t->ct->proto.tcp.seen[i];
		KUNIT_EXPECT_EQ(test, seen->td_maxwin, maxwin);
		if (!maxwin)
			continue;
		KUNIT_EXPECT_EQ(test, seen->td_end, end);
		KUNIT_EXPECT_EQ(test, seen->td_maxend, maxend);
		KUNIT_EXPECT_EQ(test, seen->td_maxack, maxack);
		KUNIT_EXPECT_TRUE(test, seen->flags &
					IP_CT_TCP_FLAG_MAXACK_SET);
	}
}

static bool nf_hw_test_is_liberal(const struct nf_hw_test *t)
{
	return t->ct->proto.tcp.seen[0].flags &
	       t->ct->proto.tcp.seen[1].flags & IP_CT_TCP_FLAG_BE_LIBERAL;
}

/* Seconds that conntrack has given it, or one less. */
static void nf_hw_test_expect_left(struct kunit *test, u32 sec)
{
	struct nf_hw_test *t = test->priv;
	s32 left = t->ct->timeout - nfct_time_stamp;

	KUNIT_EXPECT_LE(test, left, (s32)sec * HZ);
	KUNIT_EXPECT_GT(test, left, ((s32)sec - 1) * HZ);
}

static void nf_hw_test_expect_left_hw(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;

	KUNIT_EXPECT_TRUE(test, t->flow.flags & BIT(NF_FLOW_TEARDOWN));
	KUNIT_EXPECT_FALSE(test, t->ct->status & IPS_OFFLOAD);
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_claimed(&t->flow));
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_tracked(&t->flow));
}

static void nf_hw_test_cookies(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, nf_hw_test_snapshot(t, 0), -ENOENT);
	nf_hw_test_offer(t, 0);
	KUNIT_EXPECT_EQ(test, nf_hw_test_snapshot(t, 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, flow_ft_conn_snapshot(0, &t->conn), -ENOENT);
	KUNIT_EXPECT_EQ(test, nf_hw_test_snapshot(t, 0), 0);
	KUNIT_EXPECT_EQ(test, t->conn.partner, nf_hw_test_cookie(t, 1));
	nf_hw_test_offer_end(t);
	KUNIT_EXPECT_EQ(test, nf_hw_test_snapshot(t, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, nf_hw_test_claim(t), -ENOENT);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(t->flow.hw_conn));
}

static void nf_hw_test_snapshots(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;
	u64 handle;
	int i;

	t->ct->mark = 0x1234;
	t->ct->proto.tcp.seen[1].flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
	set_bit(NF_FLOW_SW_REPLY, &t->flow.flags);
	KUNIT_ASSERT_EQ(test, nf_hw_test_replace(t, 0), 0);
	handle = t->conn.handle;
	KUNIT_EXPECT_NE(test, handle, 0);
	KUNIT_EXPECT_EQ(test, t->conn.dir, 0);
	KUNIT_EXPECT_EQ(test, t->conn.l4proto, IPPROTO_TCP);
	KUNIT_EXPECT_EQ(test, t->conn.mark, 0x1234);
	KUNIT_EXPECT_EQ(test, t->conn.timeout, 30 * HZ);
	KUNIT_EXPECT_EQ(test, t->conn.expires[TCP_CONNTRACK_TIME_WAIT],
			120 * HZ);
	KUNIT_EXPECT_FALSE(test, t->conn.liberal);
	KUNIT_EXPECT_EQ(test, t->conn.state.tcp.state,
			TCP_CONNTRACK_ESTABLISHED);
	for (i = 0; i < 2; i++) {
		const struct flow_ft_tcp_dir *dir = &t->conn.state.tcp.dir[i];

		KUNIT_EXPECT_EQ(test, dir->end, 1000);
		KUNIT_EXPECT_EQ(test, dir->maxend, 2000);
		KUNIT_EXPECT_EQ(test, dir->maxwin, 500);
		KUNIT_EXPECT_EQ(test, dir->maxack, 800);
		KUNIT_EXPECT_EQ(test, dir->flags, IP_CT_TCP_FLAG_MAXACK_SET);
		/* Software has forwarded what conntrack did not see. */
		KUNIT_EXPECT_EQ(test, dir->synced, !i);
	}

	nf_tcp_pernet(&init_net)->tcp_be_liberal = 1;
	KUNIT_ASSERT_EQ(test, nf_hw_test_replace(t, 1), 0);
	KUNIT_EXPECT_EQ(test, t->conn.handle, handle);
	KUNIT_EXPECT_EQ(test, t->conn.dir, 1);
	KUNIT_EXPECT_EQ(test, t->conn.partner, nf_hw_test_cookie(t, 0));
	KUNIT_EXPECT_TRUE(test, t->conn.liberal);
}

static void nf_hw_test_claim_flags(struct kunit *test)
{
	static const u8 bad[] = { 0, FLOW_FT_CLAIM_STATE, 4, 0xff };
	struct nf_hw_test *t = test->priv;
	int i;

	nf_hw_test_offer(t, 0);
	KUNIT_ASSERT_EQ(test, nf_hw_test_snapshot(t, 0), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		t->claim.flags = bad[i];
		KUNIT_EXPECT_EQ(test, nf_hw_test_claim(t), -EINVAL);
	}
	t->claim.flags = FLOW_FT_CLAIM_TIMER;
	t->conn.dir = 1;
	KUNIT_EXPECT_EQ(test, nf_hw_test_claim(t), -ENOENT);
	t->conn.dir = 0;
	t->conn.handle ^= BIT_ULL(32);
	KUNIT_EXPECT_EQ(test, nf_hw_test_claim(t), -ENOENT);
	t->conn.handle ^= BIT_ULL(32);
	KUNIT_EXPECT_EQ(test, nf_hw_test_claim(t), 0);
	KUNIT_EXPECT_EQ(test, nf_hw_test_claim(t), 0);
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_claimed(&t->flow));
}

static void nf_hw_test_claim_busy(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;

	KUNIT_ASSERT_EQ(test, nf_hw_test_replace(t, 0), 0);
	t->claim.owner = &t->flow;
	KUNIT_EXPECT_EQ(test, nf_hw_test_replace(t, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, nf_hw_test_replace(t, 1), -EBUSY);
	t->claim.owner = t;
	t->claim.flags = FLOW_FT_CLAIM_TIMER;
	KUNIT_EXPECT_EQ(test, nf_hw_test_replace(t, 1), -EBUSY);
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_claimed(&t->flow));
	t->claim.flags |= FLOW_FT_CLAIM_STATE;
	KUNIT_EXPECT_EQ(test, nf_hw_test_replace(t, 1), 0);
	KUNIT_EXPECT_TRUE(test, nf_flow_hw_claimed(&t->flow));
}

static void nf_hw_test_claim_stale(struct kunit *test)
{
	static const u8 over[] = {
		NF_FLOW_CLOSING, NF_FLOW_TEARDOWN, NF_FLOW_HW_DYING,
	};
	struct nf_hw_test *t = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(over); i++) {
		set_bit(over[i], &t->flow.flags);
		KUNIT_EXPECT_EQ(test, nf_hw_test_replace(t, 0), -ESTALE);
		clear_bit(over[i], &t->flow.flags);
	}

	nf_hw_test_replace_both(test, t->claim.flags);
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_AGED), 1);
	clear_bit(NF_FLOW_TEARDOWN, &t->flow.flags);
	KUNIT_EXPECT_EQ(test, nf_hw_test_replace(t, 0), -ESTALE);
}

static void nf_hw_test_one_direction(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;

	clear_bit(NF_FLOW_HW_BIDIRECTIONAL, &t->flow.flags);
	KUNIT_EXPECT_EQ(test, nf_hw_test_replace(t, 0), 0);
	KUNIT_EXPECT_EQ(test, t->conn.partner, 0);
	KUNIT_EXPECT_TRUE(test, nf_flow_hw_claimed(&t->flow));
	KUNIT_EXPECT_TRUE(test, nf_flow_hw_tracked(&t->flow));
}

static void nf_hw_test_replace_fails(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;
	u64 handle;

	KUNIT_ASSERT_EQ(test, nf_hw_test_replace(t, 0), 0);
	handle = t->conn.handle;

	/* Another driver, which has claimed nothing. */
	nf_hw_test_offer(t, 0);
	nf_flow_hw_answer(&t->offer, -ENOSPC);
	nf_hw_test_offer_end(t);
	KUNIT_EXPECT_NOT_NULL(test, rcu_access_pointer(t->flow.hw_conn));

	nf_hw_test_offer(t, 1);
	KUNIT_ASSERT_EQ(test, nf_hw_test_snapshot(t, 1), 0);
	KUNIT_ASSERT_EQ(test, nf_hw_test_claim(t), 0);
	KUNIT_EXPECT_TRUE(test, nf_flow_hw_claimed(&t->flow));
	nf_flow_hw_answer(&t->offer, -ENOSPC);
	nf_hw_test_offer_end(t);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(t->flow.hw_conn));
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_claimed(&t->flow));
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_tracked(&t->flow));
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_CLOSED), 0);

	KUNIT_EXPECT_EQ(test, nf_hw_test_replace(t, 0), 0);
	KUNIT_EXPECT_NE(test, t->conn.handle, handle);
}

static void nf_hw_test_stale_handles(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;
	struct flow_ft_conn_state state = {};
	u64 old;

	nf_hw_test_replace_both(test, t->claim.flags);
	old = t->conn.handle;
	nf_flow_hw_drop(&t->flow);
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_claimed(&t->flow));
	KUNIT_EXPECT_EQ(test, flow_ft_conn_resync(old, &state), -ENOENT);

	/* The same flow at the same address, and another claim of it. */
	nf_hw_test_replace_both(test, t->claim.flags);
	KUNIT_EXPECT_NE(test, t->conn.handle, old);
	t->conn.handle ^= BIT_ULL(32);
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_CLOSED), 0);
	t->conn.handle ^= BIT_ULL(32);
	swap(t->conn.handle, old);
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_CLOSED), 0);
	KUNIT_EXPECT_EQ(test, flow_ft_conn_resync(0, &state), -ENOENT);
	KUNIT_EXPECT_TRUE(test, nf_flow_hw_tracked(&t->flow));
	KUNIT_EXPECT_FALSE(test, t->flow.flags & BIT(NF_FLOW_TEARDOWN));
	swap(t->conn.handle, old);
	KUNIT_EXPECT_EQ(test, flow_ft_conn_resync(t->conn.handle, &state), 0);
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_UPDATE), 1);
}

static void nf_hw_test_account(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;
	struct nf_conn_acct *acct = nf_conn_acct_find(t->ct);

	nf_hw_test_replace_both(test, t->claim.flags);
	t->report.packets[0] = 3;
	t->report.bytes[0] = 300;
	t->report.packets[1] = 0x100000001;
	t->report.bytes[1] = 0x1000000ff;
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_UPDATE), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&acct->counter[0].packets), 3);
	KUNIT_EXPECT_EQ(test, atomic64_read(&acct->counter[0].bytes), 300);
	KUNIT_EXPECT_EQ(test, atomic64_read(&acct->counter[1].packets),
			0x100000001);
	KUNIT_EXPECT_EQ(test, atomic64_read(&acct->counter[1].bytes),
			0x1000000ff);

	t->ft.flags &= ~NF_FLOWTABLE_COUNTER;
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_UPDATE), 1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&acct->counter[0].packets), 3);
}

static void nf_hw_test_closed(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;

	nf_hw_test_replace_both(test, t->claim.flags);
	t->report.state.tcp.state = TCP_CONNTRACK_FIN_WAIT;
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_CLOSING), 1);
	KUNIT_EXPECT_EQ(test, t->ct->proto.tcp.state, TCP_CONNTRACK_FIN_WAIT);
	KUNIT_EXPECT_TRUE(test, nf_flow_hw_tracked(&t->flow));

	t->report.state.tcp.state = TCP_CONNTRACK_TIME_WAIT;
	t->report.idle = 20 * HZ;
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_CLOSED), 1);
	KUNIT_EXPECT_EQ(test, t->ct->proto.tcp.state, TCP_CONNTRACK_TIME_WAIT);
	nf_hw_test_expect_left_hw(test);
	nf_hw_test_expect_left(test, 100);
	nf_hw_test_expect_windows(test, 1500, 2000, 600, 800);
	KUNIT_EXPECT_FALSE(test, nf_hw_test_is_liberal(t));

	/* Too late: conntrack has it, and is not made to wait any longer. */
	t->report.state.tcp.state = TCP_CONNTRACK_ESTABLISHED;
	t->report.idle = 0;
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_UPDATE), 1);
	KUNIT_EXPECT_EQ(test, t->ct->proto.tcp.state, TCP_CONNTRACK_TIME_WAIT);
	nf_hw_test_expect_left(test, 100);
	t->report.state.tcp.state = TCP_CONNTRACK_CLOSE;
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_UPDATE), 1);
	KUNIT_EXPECT_EQ(test, t->ct->proto.tcp.state, TCP_CONNTRACK_CLOSE);
	nf_hw_test_expect_left(test, 10);
}

static void nf_hw_test_aged(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;

	nf_hw_test_replace_both(test, FLOW_FT_CLAIM_TIMER);
	t->report.idle = 30 * HZ;
	/* Not to be believed: it was not claimed. */
	t->report.state.tcp.state = TCP_CONNTRACK_CLOSE;
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_AGED), 1);
	KUNIT_EXPECT_EQ(test, t->ct->proto.tcp.state,
			TCP_CONNTRACK_ESTABLISHED);
	nf_hw_test_expect_left_hw(test);
	nf_hw_test_expect_left(test, 1000 - 30);
	nf_hw_test_expect_windows(test, 0, 0, 0, 0);
	KUNIT_EXPECT_TRUE(test, nf_hw_test_is_liberal(t));
}

static void nf_hw_test_evicted(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;
	s32 left;

	nf_hw_test_replace_both(test, t->claim.flags);
	set_bit(NF_FLOW_HW_ORIGINAL, &t->flow.flags);
	set_bit(NF_FLOW_HW_REPLY, &t->flow.flags);
	set_bit(IPS_HW_OFFLOAD_BIT, &t->ct->status);
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_EVICTED), 1);
	KUNIT_EXPECT_FALSE(test, t->flow.flags & BIT(NF_FLOW_TEARDOWN));
	KUNIT_EXPECT_FALSE(test, t->flow.flags & (BIT(NF_FLOW_HW_ORIGINAL) |
						  BIT(NF_FLOW_HW_REPLY)));
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_claimed(&t->flow));
	KUNIT_EXPECT_TRUE(test, t->ct->status & IPS_OFFLOAD);
	KUNIT_EXPECT_FALSE(test, t->ct->status & IPS_HW_OFFLOAD);
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(t->flow.hw_conn));
	left = nf_flow_timeout_delta(t->flow.timeout);
	KUNIT_EXPECT_TRUE(test, left > 29 * HZ && left <= 30 * HZ);
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_UPDATE), 0);
}

static void nf_hw_test_resync(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;
	struct flow_ft_conn_state state = {};

	nf_hw_test_replace_both(test, FLOW_FT_CLAIM_TIMER);
	KUNIT_EXPECT_EQ(test, flow_ft_conn_resync(t->conn.handle, &state),
			-ENOENT);
	nf_flow_hw_drop(&t->flow);
	nf_hw_test_replace_both(test, FLOW_FT_CLAIM_TIMER |
				      FLOW_FT_CLAIM_STATE);
	t->ct->proto.tcp.state = TCP_CONNTRACK_CLOSE_WAIT;
	KUNIT_EXPECT_EQ(test, flow_ft_conn_resync(t->conn.handle, &state), 0);
	KUNIT_EXPECT_EQ(test, state.tcp.state, TCP_CONNTRACK_CLOSE_WAIT);
	KUNIT_EXPECT_EQ(test, state.tcp.dir[1].end, 1000);

	/* What was not reported, and a packet that conntrack has seen since. */
	state = t->report.state;
	state.tcp.state = TCP_CONNTRACK_LAST_ACK;
	state.tcp.last = FLOW_FT_TCP_LAST_FIN;
	t->ct->proto.tcp.last_index = FLOW_FT_TCP_LAST_SYN;
	KUNIT_EXPECT_EQ(test, flow_ft_conn_resync(t->conn.handle, &state), 0);
	KUNIT_EXPECT_EQ(test, state.tcp.state, TCP_CONNTRACK_LAST_ACK);
	KUNIT_EXPECT_EQ(test, state.tcp.last, FLOW_FT_TCP_LAST_SYN);
	KUNIT_EXPECT_EQ(test, state.tcp.dir[1].end, 1500);
	nf_hw_test_expect_windows(test, 1500, 2000, 600, 800);
	KUNIT_EXPECT_EQ(test, nf_hw_test_report(t, FLOW_FT_CLOSED), 1);
	KUNIT_EXPECT_EQ(test, flow_ft_conn_resync(t->conn.handle, &state),
			-ENOENT);
}

/* Hardware may forward packets after it was asked, until DESTROY. */
static void nf_hw_test_leave(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;

	KUNIT_EXPECT_FALSE(test, nf_flow_hw_leave(&t->flow));
	nf_hw_test_replace_both(test, t->claim.flags);
	set_bit(NF_FLOW_TEARDOWN, &t->flow.flags);
	clear_bit(IPS_OFFLOAD_BIT, &t->ct->status);
	t->report.state.tcp.state = TCP_CONNTRACK_FIN_WAIT;
	t->report.idle = 10 * HZ;
	KUNIT_EXPECT_TRUE(test, nf_flow_hw_leave(&t->flow));
	KUNIT_EXPECT_EQ(test, t->queries, 1);
	nf_hw_test_expect_left_hw(test);
	nf_hw_test_expect_left(test, 120 - 10);
	nf_hw_test_expect_windows(test, 0, 0, 0, 0);
	KUNIT_EXPECT_TRUE(test, nf_hw_test_is_liberal(t));
	KUNIT_EXPECT_TRUE(test, nf_flow_hw_leave(&t->flow));
	KUNIT_EXPECT_EQ(test, t->queries, 1);

	/* The last word, before DESTROY, when there may be another flow. */
	set_bit(IPS_OFFLOAD_BIT, &t->ct->status);
	t->report.state.tcp.state = TCP_CONNTRACK_TIME_WAIT;
	t->report.idle = 0;
	KUNIT_EXPECT_TRUE(test, nf_flow_hw_poll(&t->flow));
	KUNIT_EXPECT_EQ(test, t->ct->proto.tcp.state, TCP_CONNTRACK_TIME_WAIT);
	nf_hw_test_expect_left(test, 110);
	KUNIT_EXPECT_TRUE(test, t->ct->status & IPS_OFFLOAD);
}

static void nf_hw_test_leave_no_answer(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;

	nf_hw_test_replace_both(test, t->claim.flags);
	t->answers = false;
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_leave(&t->flow));
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_claimed(&t->flow));
	nf_hw_test_expect_windows(test, 0, 0, 0, 0);
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_poll(&t->flow));
}

static long nf_hw_test_left(struct nf_hw_test *t)
{
	long left;

	rcu_read_lock();
	left = nf_flow_hw_query(t->ct);
	rcu_read_unlock();

	return left;
}

static void nf_hw_test_show(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;
	struct nf_conn_acct *acct = nf_conn_acct_find(t->ct);

	KUNIT_EXPECT_EQ(test, nf_hw_test_left(t), -1);
	nf_hw_test_replace_both(test, t->claim.flags);
	t->report.packets[1] = 7;
	t->report.idle = 100 * HZ;
	KUNIT_EXPECT_EQ(test, nf_hw_test_left(t), 900 * HZ);
	KUNIT_EXPECT_EQ(test, atomic64_read(&acct->counter[1].packets), 7);
	t->report.idle = 2000 * HZ;
	KUNIT_EXPECT_EQ(test, nf_hw_test_left(t), 0);
	t->answers = false;
	KUNIT_EXPECT_EQ(test, nf_hw_test_left(t), -1);
}

struct nf_hw_test_lost {
	const char		*name;
	enum flow_ft_event	event;
	u8			state;
	unsigned int		idle;
	bool			leaves;
};

static const struct nf_hw_test_lost nf_hw_test_losts[] = {
	{ "nothing", FLOW_FT_UPDATE, TCP_CONNTRACK_ESTABLISHED, 5, false },
	{ "half of the end", FLOW_FT_UPDATE, TCP_CONNTRACK_LAST_ACK, 5, false },
	{ "idle as it may be", FLOW_FT_UPDATE, TCP_CONNTRACK_ESTABLISHED, 30,
	  false },
	{ "closed", FLOW_FT_CLOSED, TCP_CONNTRACK_TIME_WAIT, 5, true },
	{ "reset", FLOW_FT_CLOSED, TCP_CONNTRACK_CLOSE, 5, true },
	{ "closed, and forgotten", FLOW_FT_UPDATE, TCP_CONNTRACK_TIME_WAIT, 5,
	  true },
	{ "aged", FLOW_FT_AGED, TCP_CONNTRACK_ESTABLISHED, 5, true },
	{ "aged, and forgotten", FLOW_FT_UPDATE, TCP_CONNTRACK_ESTABLISHED, 32,
	  true },
	{ "evicted", FLOW_FT_EVICTED, TCP_CONNTRACK_ESTABLISHED, 5, true },
};

KUNIT_ARRAY_PARAM_DESC(nf_hw_test_lost, nf_hw_test_losts, name);

static void nf_hw_test_backstop(struct kunit *test)
{
	const struct nf_hw_test_lost *lost = test->param_value;
	struct nf_hw_test *t = test->priv;
	s32 left;

	KUNIT_EXPECT_FALSE(test, nf_flow_hw_backstop(&t->flow));
	nf_hw_test_replace_both(test, t->claim.flags);
	t->flow.timeout = nf_flowtable_time_stamp - HZ;
	t->report.event = lost->event;
	t->report.state.tcp.state = lost->state;
	t->report.idle = lost->idle * HZ;
	KUNIT_EXPECT_TRUE(test, nf_flow_hw_backstop(&t->flow));
	KUNIT_EXPECT_EQ(test, t->ct->proto.tcp.state, lost->state);
	if (lost->leaves) {
		nf_hw_test_expect_left_hw(test);
		return;
	}
	KUNIT_EXPECT_TRUE(test, nf_flow_hw_tracked(&t->flow));
	KUNIT_EXPECT_FALSE(test, t->flow.flags & BIT(NF_FLOW_TEARDOWN));
	left = nf_flow_timeout_delta(t->flow.timeout);
	KUNIT_EXPECT_TRUE(test, left > 89 * HZ && left <= 90 * HZ);
}

static struct kunit_case nf_hw_test_cases[] = {
	KUNIT_CASE(nf_hw_test_cookies),
	KUNIT_CASE(nf_hw_test_snapshots),
	KUNIT_CASE(nf_hw_test_claim_flags),
	KUNIT_CASE(nf_hw_test_claim_busy),
	KUNIT_CASE(nf_hw_test_claim_stale),
	KUNIT_CASE(nf_hw_test_one_direction),
	KUNIT_CASE(nf_hw_test_replace_fails),
	KUNIT_CASE(nf_hw_test_stale_handles),
	KUNIT_CASE(nf_hw_test_account),
	KUNIT_CASE(nf_hw_test_closed),
	KUNIT_CASE(nf_hw_test_aged),
	KUNIT_CASE(nf_hw_test_evicted),
	KUNIT_CASE(nf_hw_test_resync),
	KUNIT_CASE(nf_hw_test_leave),
	KUNIT_CASE(nf_hw_test_leave_no_answer),
	KUNIT_CASE(nf_hw_test_show),
	KUNIT_CASE_PARAM(nf_hw_test_backstop, nf_hw_test_lost_gen_params),
	{}
};

static void nf_hw_test_set_timeouts(void)
{
	static const unsigned int sec[] = {
		[TCP_CONNTRACK_SYN_SENT]	= 110,
		[TCP_CONNTRACK_SYN_RECV]	= 65,
		[TCP_CONNTRACK_ESTABLISHED]	= 1000,
		[TCP_CONNTRACK_FIN_WAIT]	= 120,
		[TCP_CONNTRACK_CLOSE_WAIT]	= 60,
		[TCP_CONNTRACK_LAST_ACK]	= 30,
		[TCP_CONNTRACK_TIME_WAIT]	= 120,
		[TCP_CONNTRACK_CLOSE]		= 10,
		[TCP_CONNTRACK_RETRANS]		= 300,
		[TCP_CONNTRACK_UNACK]		= 400,
	};
	struct nf_tcp_net *tn = nf_tcp_pernet(&init_net);
	struct nf_udp_net *un = nf_udp_pernet(&init_net);
	int i;

	for (i = 0; i < ARRAY_SIZE(sec); i++)
		tn->timeouts[i] = sec[i] * HZ;
	tn->offload_timeout = 30 * HZ;
	tn->tcp_max_retrans = 3;
	tn->tcp_be_liberal = 0;
	un->timeouts[UDP_CT_UNREPLIED] = 31 * HZ;
	un->timeouts[UDP_CT_REPLIED] = 121 * HZ;
}

static int nf_hw_test_init(struct kunit *test)
{
	struct nf_hw_test *t;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->ct = kunit_kzalloc(test, sizeof(*t->ct), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->ct);

	t->tcp = *nf_tcp_pernet(&init_net);
	t->udp = *nf_udp_pernet(&init_net);
	test->priv = t;
	nf_hw_test_set_timeouts();

	write_pnet(&t->ct->ct_net, &init_net);
	write_pnet(&t->ft.net, &init_net);
	spin_lock_init(&t->ct->lock);
	refcount_set(&t->ct->ct_general.use, 1);
	t->ct->tuplehash[0].tuple.src.l3num = AF_INET;
	KUNIT_ASSERT_NOT_NULL(test, nf_ct_ext_add(t->ct, NF_CT_EXT_ACCT,
						  GFP_KERNEL));
	t->ct->status = IPS_CONFIRMED | IPS_OFFLOAD | IPS_SEEN_REPLY |
			IPS_ASSURED;
	t->ct->timeout = nfct_time_stamp + NF_HW_TEST_DAY;
	nf_hw_test_set_proto(t, IPPROTO_TCP);
	nf_hw_test_open(t);

	t->ft.flags = NF_FLOWTABLE_HW_OFFLOAD | NF_FLOWTABLE_COUNTER;
	t->flow.ct = t->ct;
	t->flow.type = NF_FLOW_OFFLOAD_ROUTE;
	/* PENDING: there is a worker, so nothing is queued. */
	t->flow.flags = BIT(NF_FLOW_HW) | BIT(NF_FLOW_PENDING) |
			BIT(NF_FLOW_HW_BIDIRECTIONAL);
	t->claim = (struct flow_ft_claim){
		.owner = t, .query = nf_hw_test_query,
		.flags = FLOW_FT_CLAIM_TIMER | FLOW_FT_CLAIM_STATE,
	};
	t->answers = true;

	return 0;
}

static void nf_hw_test_exit(struct kunit *test)
{
	struct nf_hw_test *t = test->priv;

	if (!t)
		return;

	if (t->offered)
		nf_hw_test_offer_end(t);
	nf_flow_hw_drop(&t->flow);
	*nf_tcp_pernet(&init_net) = t->tcp;
	*nf_udp_pernet(&init_net) = t->udp;
	kfree(t->ct->ext);
}

static struct kunit_suite nf_hw_test_suite = {
	.name		= "nf_flow_table_hw",
	.init		= nf_hw_test_init,
	.exit		= nf_hw_test_exit,
	.test_cases	= nf_hw_test_cases,
};

kunit_test_suite(nf_hw_test_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of connections that hardware tracks");
MODULE_LICENSE("GPL");
