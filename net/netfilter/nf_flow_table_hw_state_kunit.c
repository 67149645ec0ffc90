// SPDX-License-Identifier: GPL-2.0-only
/* What hardware says of a connection, and what conntrack makes of it: windows,
 * states, and the time that is left.
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <net/netfilter/nf_conntrack_l4proto.h>

#include "nf_flow_table_hw.h"

struct nf_hw_state_test {
	struct nf_conn			*ct;
	struct flow_offload		flow;
	struct flow_ft_conn_state	state;
	struct nf_tcp_net		tcp;
	struct nf_udp_net		udp;
};

/* So that the numbers wrap between what conntrack knows and what it is told. */
#define NF_HW_STATE_SEQ		0xfffffe00

struct nf_hw_state_window {
	u32	end;
	u32	maxend;
	u32	maxwin;
	u32	maxack;
};

static const struct nf_hw_state_window nf_hw_state_none;
static const struct nf_hw_state_window nf_hw_state_old = { 0, 1000, 500, 300 };
static const struct nf_hw_state_window nf_hw_state_new = { 600, 900, 700, 200 };
static const struct nf_hw_state_window nf_hw_state_merged = {
	600, 1000, 700, 300,
};

struct nf_hw_state_merge {
	const char				*name;
	enum nf_flow_hw_says			says;
	bool					synced;
	const struct nf_hw_state_window		*seen;
	const struct nf_hw_state_window		*want;
	bool					liberal;
};

/* All that is known of a window only grows, so of two the later one is right.
 * Conntrack is liberal with what it does not know, and until then.
 */
static const struct nf_hw_state_merge nf_hw_state_merges[] = {
	{ "in hardware", NF_FLOW_SAYS_HAS_IT, true, &nf_hw_state_old,
	  &nf_hw_state_merged, true },
	{ "in hardware, nothing known", NF_FLOW_SAYS_HAS_IT, true,
	  &nf_hw_state_none, &nf_hw_state_new, true },
	{ "in hardware, not in sync", NF_FLOW_SAYS_HAS_IT, false,
	  &nf_hw_state_old, &nf_hw_state_old, true },
	{ "out of hardware", NF_FLOW_SAYS_HAD_IT, true, &nf_hw_state_old,
	  &nf_hw_state_merged, false },
	{ "out of hardware, nothing known", NF_FLOW_SAYS_HAD_IT, true,
	  &nf_hw_state_none, &nf_hw_state_new, false },
	{ "out of hardware, not in sync", NF_FLOW_SAYS_HAD_IT, false,
	  &nf_hw_state_old, &nf_hw_state_none, true },
	{ "may go on", NF_FLOW_SAYS_MAY_GO_ON, true, &nf_hw_state_old,
	  &nf_hw_state_none, true },
	{ "before, in sync", NF_FLOW_SAYS_BEFORE, true, &nf_hw_state_old,
	  &nf_hw_state_merged, true },
	{ "before, not in sync", NF_FLOW_SAYS_BEFORE, false, &nf_hw_state_old,
	  &nf_hw_state_old, true },
	{ "late, packets seen since", NF_FLOW_SAYS_LATE, true,
	  &nf_hw_state_old, &nf_hw_state_old, true },
	{ "late, none seen since", NF_FLOW_SAYS_LATE, true, &nf_hw_state_none,
	  &nf_hw_state_new, false },
	{ "late, not in sync", NF_FLOW_SAYS_LATE, false, &nf_hw_state_none,
	  &nf_hw_state_none, true },
};

KUNIT_ARRAY_PARAM_DESC(nf_hw_state_merge, nf_hw_state_merges, name);

static void nf_hw_state_test_see(struct ip_ct_tcp_state *seen,
				 const struct nf_hw_state_window *window)
{
	seen->td_end = NF_HW_STATE_SEQ + window->end;
	seen->td_maxend = NF_HW_STATE_SEQ + window->maxend;
	seen->td_maxwin = window->maxwin;
	seen->td_maxack = NF_HW_STATE_SEQ + window->maxack;
	seen->flags = IP_CT_TCP_FLAG_BE_LIBERAL | IP_CT_TCP_FLAG_SACK_PERM;
	if (window->maxwin)
		seen->flags |= IP_CT_TCP_FLAG_MAXACK_SET;
}

static void nf_hw_state_test_say(struct flow_ft_tcp_dir *dir, bool synced)
{
	const struct nf_hw_state_window *window = &nf_hw_state_new;

	*dir = (struct flow_ft_tcp_dir){
		.end = NF_HW_STATE_SEQ + window->end,
		.maxend = NF_HW_STATE_SEQ + window->maxend,
		.maxwin = window->maxwin,
		.maxack = NF_HW_STATE_SEQ + window->maxack,
		.flags = IP_CT_TCP_FLAG_MAXACK_SET | IP_CT_TCP_FLAG_SACK_PERM,
		.synced = synced,
	};
}

static void nf_hw_state_test_windows(struct kunit *test)
{
	const struct nf_hw_state_merge *m = test->param_value;
	struct nf_hw_state_test *t = test->priv;
	struct ip_ct_tcp_state *seen = t->ct->proto.tcp.seen;
	int i;

	for (i = 0; i < 2; i++) {
		nf_hw_state_test_see(&seen[i], m->seen);
		/* One direction that is not known is enough. */
		nf_hw_state_test_say(&t->state.tcp.dir[i], m->synced || i);
	}
	nf_flow_hw_set_state(&t->flow, &t->state, m->says);

	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, m->liberal,
				!!(seen[i].flags & IP_CT_TCP_FLAG_BE_LIBERAL));
		KUNIT_EXPECT_TRUE(test, seen[i].flags &
					IP_CT_TCP_FLAG_SACK_PERM);
		KUNIT_EXPECT_EQ(test, seen[i].td_maxwin, m->want->maxwin);
		KUNIT_EXPECT_EQ(test, !!m->want->maxwin,
				!!(seen[i].flags & IP_CT_TCP_FLAG_MAXACK_SET));
		if (!m->want->maxwin)
			continue;
		KUNIT_EXPECT_EQ(test, seen[i].td_end - NF_HW_STATE_SEQ,
				m->want->end);
		KUNIT_EXPECT_EQ(test, seen[i].td_maxend - NF_HW_STATE_SEQ,
				m->want->maxend);
		KUNIT_EXPECT_EQ(test, seen[i].td_maxack - NF_HW_STATE_SEQ,
				m->want->maxack);
	}
}

/* What data is not acknowledged knows who has seen the last of it. */
static void nf_hw_state_test_unacked(struct kunit *test)
{
	struct nf_hw_state_test *t = test->priv;
	struct ip_ct_tcp_state *seen = t->ct->proto.tcp.seen;
	const u8 unacked = IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;
	int i;

	for (i = 0; i < 2; i++) {
		nf_hw_state_test_see(&seen[i], &nf_hw_state_old);
		nf_hw_state_test_say(&t->state.tcp.dir[i], true);
	}
	t->state.tcp.dir[0].flags |= unacked;
	seen[1].flags |= unacked;
	nf_flow_hw_set_state(&t->flow, &t->state, NF_FLOW_SAYS_HAS_IT);
	KUNIT_EXPECT_TRUE(test, seen[0].flags & unacked);
	KUNIT_EXPECT_FALSE(test, seen[1].flags & unacked);

	seen[0].td_end += 1;
	t->state.tcp.dir[0].flags &= ~unacked;
	nf_flow_hw_set_state(&t->flow, &t->state, NF_FLOW_SAYS_HAS_IT);
	KUNIT_EXPECT_TRUE(test, seen[0].flags & unacked);
}

/* Only forward, and never to what no connection of hardware can be in. */
static void nf_hw_state_test_states(struct kunit *test)
{
	struct nf_hw_state_test *t = test->priv;
	int from, to;
	bool ahead;

	for (from = TCP_CONNTRACK_ESTABLISHED; from <= TCP_CONNTRACK_CLOSE;
	     from++) {
		for (to = 0; to < TCP_CONNTRACK_TIMEOUT_MAX; to++) {
			ahead = to > from && to <= TCP_CONNTRACK_CLOSE;
			t->ct->proto.tcp.state = from;
			t->state.tcp.state = to;
			KUNIT_EXPECT_EQ_MSG(test, ahead,
					    nf_flow_hw_set_state(&t->flow,
								 &t->state,
								 to % 4),
					    "from %d to %d", from, to);
			KUNIT_EXPECT_EQ(test, t->ct->proto.tcp.state,
					ahead ? to : from);
		}
	}
}

static void nf_hw_state_test_last(struct kunit *test)
{
	struct nf_hw_state_test *t = test->priv;
	struct ip_ct_tcp *tcp = &t->ct->proto.tcp;

	t->state.tcp.last = FLOW_FT_TCP_LAST_FIN;
	t->state.tcp.last_dir = 1;
	t->state.tcp.last_seq = 11;
	t->state.tcp.last_ack = 12;
	t->state.tcp.last_end = 13;
	t->state.tcp.last_win = 14;
	t->state.tcp.retrans = 2;
	nf_flow_hw_set_state(&t->flow, &t->state, NF_FLOW_SAYS_LATE);
	KUNIT_EXPECT_EQ(test, tcp->last_seq, 0);
	nf_flow_hw_set_state(&t->flow, &t->state, NF_FLOW_SAYS_BEFORE);
	KUNIT_EXPECT_EQ(test, tcp->last_seq, 0);
	nf_flow_hw_set_state(&t->flow, &t->state, NF_FLOW_SAYS_HAD_IT);
	KUNIT_EXPECT_EQ(test, tcp->last_index, FLOW_FT_TCP_LAST_FIN);
	KUNIT_EXPECT_EQ(test, tcp->last_dir, 1);
	KUNIT_EXPECT_EQ(test, tcp->last_seq, 11);
	KUNIT_EXPECT_EQ(test, tcp->last_ack, 12);
	KUNIT_EXPECT_EQ(test, tcp->last_end, 13);
	KUNIT_EXPECT_EQ(test, tcp->last_win, 14);
	KUNIT_EXPECT_EQ(test, tcp->retrans, 2);
}

/* Strict at once if it has missed nothing, else with packets of both sides. */
static void nf_hw_state_test_start(struct kunit *test)
{
	struct nf_hw_state_test *t = test->priv;
	struct ip_ct_tcp_state *seen = t->ct->proto.tcp.seen;
	const u8 liberal = IP_CT_TCP_FLAG_BE_LIBERAL;
	int i;

	for (i = 0; i < 2; i++)
		nf_hw_state_test_see(&seen[i], &nf_hw_state_old);
	nf_flow_hw_start(&t->flow, true);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_TRUE(test, seen[0].flags & liberal);
		KUNIT_EXPECT_TRUE(test, seen[1].flags & liberal);
		KUNIT_EXPECT_EQ(test, seen[i].td_maxwin, 0);
		nf_flow_hw_started(&t->flow);
		seen[i].td_maxwin = 100;
	}
	nf_flow_hw_started(&t->flow);
	KUNIT_EXPECT_FALSE(test, (seen[0].flags | seen[1].flags) & liberal);

	seen[0].flags |= liberal;
	seen[1].flags |= liberal;
	nf_flow_hw_start(&t->flow, false);
	KUNIT_EXPECT_FALSE(test, (seen[0].flags | seen[1].flags) & liberal);
	KUNIT_EXPECT_EQ(test, seen[0].td_maxwin, 100);

	seen[0].flags |= liberal;
	seen[1].flags |= liberal;
	set_bit(NF_FLOW_LIBERAL_REPLY, &t->flow.flags);
	nf_flow_hw_start(&t->flow, false);
	KUNIT_EXPECT_FALSE(test, seen[0].flags & liberal);
	KUNIT_EXPECT_TRUE(test, seen[1].flags & liberal);
}

enum nf_hw_state_why { NF_HW_PLAIN, NF_HW_RETRANS, NF_HW_UNACKED, NF_HW_ZERO,
		       NF_HW_RST, NF_HW_WHYS };

static void nf_hw_state_test_set_why(struct ip_ct_tcp *tcp, u8 state,
				     enum nf_hw_state_why why)
{
	memset(tcp, 0, sizeof(*tcp));
	tcp->state = state;
	tcp->last_index = why == NF_HW_RST ? FLOW_FT_TCP_LAST_RST :
					     FLOW_FT_TCP_LAST_ACK;
	tcp->last_win = why == NF_HW_ZERO ? 0 : 1000;
	tcp->retrans = why == NF_HW_RETRANS ? 3 : 2;
	if (why == NF_HW_UNACKED)
		tcp->seen[1].flags = IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;
}

/* As nf_conntrack-sysctl.rst says: max_retrans and the zero window give
 * timeout_max_retrans, data that is not acknowledged timeout_unacknowledged,
 * if the state does not give less.
 */
static void nf_hw_state_test_tcp_time(struct kunit *test)
{
	static const u16 sec[][NF_HW_WHYS] = {
		[TCP_CONNTRACK_ESTABLISHED]	= { 1000, 300, 200, 300, 200 },
		[TCP_CONNTRACK_FIN_WAIT]	= { 250, 250, 200, 250, 250 },
		[TCP_CONNTRACK_CLOSE_WAIT]	= { 60, 60, 60, 60, 60 },
		[TCP_CONNTRACK_LAST_ACK]	= { 30, 30, 30, 30, 30 },
		[TCP_CONNTRACK_TIME_WAIT]	= { 120, 120, 120, 120, 120 },
		[TCP_CONNTRACK_CLOSE]		= { 10, 10, 10, 10, 10 },
	};
	struct nf_hw_state_test *t = test->priv;
	int state, why;
	long left;

	for (state = TCP_CONNTRACK_ESTABLISHED; state <= TCP_CONNTRACK_CLOSE;
	     state++) {
		for (why = 0; why < NF_HW_WHYS; why++) {
			nf_hw_state_test_set_why(&t->ct->proto.tcp, state, why);
			rcu_read_lock();
			left = nf_flow_hw_time_left(t->ct, 3 * HZ);
			rcu_read_unlock();
			KUNIT_EXPECT_EQ_MSG(test, left,
					    (sec[state][why] - 3) * HZ,
					    "state %d, why %d", state, why);
		}
	}
}

static void nf_hw_state_test_udp_time(struct kunit *test)
{
	static const unsigned long status[] = {
		0, IPS_SEEN_REPLY, IPS_SEEN_REPLY | IPS_ASSURED,
	};
	static const u16 sec[] = { 31, 31, 121 };
	struct nf_hw_state_test *t = test->priv;
	u32 expires[TCP_CONNTRACK_TIMEOUT_MAX];
	long left;
	int i;

	t->ct->tuplehash[0].tuple.dst.protonum = IPPROTO_UDP;
	for (i = 0; i < ARRAY_SIZE(sec); i++) {
		t->ct->status = status[i];
		rcu_read_lock();
		left = nf_flow_hw_time_left(t->ct, HZ);
		nf_flow_hw_get_expires(t->ct, expires);
		rcu_read_unlock();
		KUNIT_EXPECT_EQ(test, left, (sec[i] - 1) * HZ);
		KUNIT_EXPECT_EQ(test, expires[FLOW_FT_UDP_NO_STREAM], 31 * HZ);
		KUNIT_EXPECT_EQ(test, expires[FLOW_FT_UDP_STREAM], 121 * HZ);
	}
}

static void nf_hw_state_test_udp(struct kunit *test)
{
	struct nf_hw_state_test *t = test->priv;

	t->ct->tuplehash[0].tuple.dst.protonum = IPPROTO_UDP;
	t->ct->proto.udp.stream_ts = 4711;
	nf_flow_hw_get_state(t->ct, &t->state);
	KUNIT_EXPECT_FALSE(test, t->state.udp.replied);
	KUNIT_EXPECT_FALSE(test, t->state.udp.stream);
	KUNIT_EXPECT_EQ(test, t->state.udp.stream_at, 4711);

	t->state.udp.replied = true;
	KUNIT_EXPECT_FALSE(test, nf_flow_hw_set_state(&t->flow, &t->state,
						      NF_FLOW_SAYS_HAS_IT));
	KUNIT_EXPECT_EQ(test, t->ct->status, IPS_SEEN_REPLY);
	t->state.udp.stream = true;
	t->ct->status |= IPS_NAT_CLASH;
	nf_flow_hw_set_state(&t->flow, &t->state, NF_FLOW_SAYS_HAS_IT);
	KUNIT_EXPECT_FALSE(test, t->ct->status & IPS_ASSURED);
	t->ct->status &= ~IPS_NAT_CLASH;
	nf_flow_hw_set_state(&t->flow, &t->state, NF_FLOW_SAYS_HAS_IT);
	KUNIT_EXPECT_TRUE(test, t->ct->status & IPS_ASSURED);

	nf_flow_hw_get_state(t->ct, &t->state);
	KUNIT_EXPECT_TRUE(test, t->state.udp.replied && t->state.udp.stream);
}

static s32 nf_hw_state_test_left(const struct nf_hw_state_test *t)
{
	return t->ct->timeout - nfct_time_stamp;
}

static void nf_hw_state_test_set_time(struct kunit *test)
{
	struct nf_hw_state_test *t = test->priv;
	s32 left;

	rcu_read_lock();
	nf_flow_hw_set_timeout(t->ct, 100 * HZ);
	left = nf_hw_state_test_left(t);
	KUNIT_EXPECT_TRUE(test, left > 899 * HZ && left <= 900 * HZ);
	nf_flow_hw_lower_timeout(t->ct, 50 * HZ);
	KUNIT_EXPECT_LE(test, nf_hw_state_test_left(t), 900 * HZ);
	nf_flow_hw_lower_timeout(t->ct, 200 * HZ);
	left = nf_hw_state_test_left(t);
	KUNIT_EXPECT_TRUE(test, left > 799 * HZ && left <= 800 * HZ);
	nf_flow_hw_set_timeout(t->ct, 2000 * HZ);
	KUNIT_EXPECT_LE(test, nf_hw_state_test_left(t), 0);

	t->ct->status |= IPS_FIXED_TIMEOUT;
	t->ct->timeout = nfct_time_stamp + 5000 * HZ;
	nf_flow_hw_set_timeout(t->ct, 0);
	nf_flow_hw_lower_timeout(t->ct, 900 * HZ);
	KUNIT_EXPECT_GT(test, nf_hw_state_test_left(t), 4999 * HZ);
	rcu_read_unlock();
}

static struct kunit_case nf_hw_state_test_cases[] = {
	KUNIT_CASE_PARAM(nf_hw_state_test_windows,
			 nf_hw_state_merge_gen_params),
	KUNIT_CASE(nf_hw_state_test_unacked),
	KUNIT_CASE(nf_hw_state_test_states),
	KUNIT_CASE(nf_hw_state_test_last),
	KUNIT_CASE(nf_hw_state_test_start),
	KUNIT_CASE(nf_hw_state_test_tcp_time),
	KUNIT_CASE(nf_hw_state_test_udp_time),
	KUNIT_CASE(nf_hw_state_test_udp),
	KUNIT_CASE(nf_hw_state_test_set_time),
	{}
};

static int nf_hw_state_test_init(struct kunit *test)
{
	struct nf_tcp_net *tn = nf_tcp_pernet(&init_net);
	struct nf_udp_net *un = nf_udp_pernet(&init_net);
	struct nf_hw_state_test *t;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->ct = kunit_kzalloc(test, sizeof(*t->ct), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->ct);
	t->flow.ct = t->ct;
	write_pnet(&t->ct->ct_net, &init_net);
	spin_lock_init(&t->ct->lock);
	t->ct->tuplehash[0].tuple.dst.protonum = IPPROTO_TCP;
	t->ct->proto.tcp.state = TCP_CONNTRACK_ESTABLISHED;
	t->ct->proto.tcp.last_win = 1000;
	t->state.tcp.state = TCP_CONNTRACK_ESTABLISHED;

	t->tcp = *tn;
	t->udp = *un;
	tn->timeouts[TCP_CONNTRACK_ESTABLISHED] = 1000 * HZ;
	tn->timeouts[TCP_CONNTRACK_FIN_WAIT] = 250 * HZ;
	tn->timeouts[TCP_CONNTRACK_CLOSE_WAIT] = 60 * HZ;
	tn->timeouts[TCP_CONNTRACK_LAST_ACK] = 30 * HZ;
	tn->timeouts[TCP_CONNTRACK_TIME_WAIT] = 120 * HZ;
	tn->timeouts[TCP_CONNTRACK_CLOSE] = 10 * HZ;
	tn->timeouts[TCP_CONNTRACK_RETRANS] = 300 * HZ;
	tn->timeouts[TCP_CONNTRACK_UNACK] = 200 * HZ;
	tn->tcp_max_retrans = 3;
	un->timeouts[UDP_CT_UNREPLIED] = 31 * HZ;
	un->timeouts[UDP_CT_REPLIED] = 121 * HZ;
	test->priv = t;

	return 0;
}

static void nf_hw_state_test_exit(struct kunit *test)
{
	struct nf_hw_state_test *t = test->priv;

	if (!t)
		return;

	*nf_tcp_pernet(&init_net) = t->tcp;
	*nf_udp_pernet(&init_net) = t->udp;
}

static struct kunit_suite nf_hw_state_test_suite = {
	.name		= "nf_flow_table_hw_state",
	.init		= nf_hw_state_test_init,
	.exit		= nf_hw_state_test_exit,
	.test_cases	= nf_hw_state_test_cases,
};

kunit_test_suite(nf_hw_state_test_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests of what hardware and conntrack tell each other");
MODULE_LICENSE("GPL");
