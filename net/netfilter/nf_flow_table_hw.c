// SPDX-License-Identifier: GPL-2.0-only
/* Connections that hardware tracks: what it reports, and what it is asked. */

#include <kunit/visibility.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_ecache.h>

#include "nf_flow_table_hw_claim.h"

static void nf_flow_hw_account(const struct nf_flow_hw_conn *conn,
			       const struct flow_ft_report *report)
{
	struct nf_conn_acct *acct;
	int dir;

	if (!(conn->flowtable->flags & NF_FLOWTABLE_COUNTER))
		return;

	acct = nf_conn_acct_find(conn->flow->ct);
	if (!acct)
		return;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		atomic64_add(report->packets[dir], &acct->counter[dir].packets);
		atomic64_add(report->bytes[dir], &acct->counter[dir].bytes);
	}
}

/* Return: true if TCP has another state than before. */
static bool nf_flow_hw_take(const struct nf_flow_hw_conn *conn,
			    const struct flow_ft_report *report,
			    enum nf_flow_hw_says says)
{
	nf_flow_hw_account(conn, report);
	if (!report->has_state || !(conn->claim.flags & FLOW_FT_CLAIM_STATE))
		return false;

	return nf_flow_hw_set_state(conn->flow, &report->state, says);
}

/* Conntrack has it from here on; packets find no flow, and gc frees it. */
static void nf_flow_hw_give_back(struct nf_flow_hw_conn *conn,
				 unsigned long idle)
{
	struct flow_offload *flow = conn->flow;

	conn->state = NF_FLOW_CONN_LEFT;
	nf_flow_hw_unmark(flow);
	nf_flow_offload_leave(flow);
	/* Pairs with nf_flow_table_hold_ct(). */
	smp_mb();
	nf_flow_hw_set_timeout(flow->ct, idle);
}

static void nf_flow_hw_end(struct nf_flow_hw_conn *conn,
			   const struct flow_ft_report *report)
{
	nf_flow_hw_take(conn, report, NF_FLOW_SAYS_HAD_IT);
	if (!(conn->claim.flags & FLOW_FT_CLAIM_STATE))
		nf_flow_hw_unsync(conn->flow->ct);
	nf_flow_hw_give_back(conn, report->idle);
	nf_flow_offload_del(conn->flowtable, conn->flow);
}

static void nf_flow_hw_evicted(struct nf_flow_hw_conn *conn,
			       const struct flow_ft_report *report)
{
	nf_flow_hw_take(conn, report, NF_FLOW_SAYS_HAS_IT);
	nf_flow_hw_go_on(conn);
	nf_flow_offload_evicted(conn->flowtable, conn->flow);
}

static bool nf_flow_hw_hear(struct nf_flow_hw_conn *conn,
			    const struct flow_ft_report *report)
{
	bool drop = false;

	lockdep_assert_held(&conn->lock);

	if (conn->state == NF_FLOW_CONN_LEFT) {
		if (nf_flow_hw_take(conn, report, NF_FLOW_SAYS_LATE))
			nf_flow_hw_lower_timeout(conn->flow->ct, report->idle);
		return false;
	}

	switch (report->event) {
	case FLOW_FT_UPDATE:
	case FLOW_FT_CLOSING:
		nf_flow_hw_take(conn, report, NF_FLOW_SAYS_HAS_IT);
		nf_flow_hw_set_backstop(conn->flow);
		break;
	case FLOW_FT_CLOSED:
	case FLOW_FT_AGED:
		nf_flow_hw_end(conn, report);
		break;
	case FLOW_FT_EVICTED:
		nf_flow_hw_evicted(conn, report);
		drop = true;
		break;
	}

	return drop;
}

/* Without the lock: whoever listens may ask for the connection. */
static void nf_flow_hw_deliver(struct nf_conn *ct)
{
	local_bh_disable();
	nf_ct_deliver_cached_events(ct);
	local_bh_enable();
}

static bool nf_flow_hw_report_one(const struct flow_ft_report *report)
{
	struct nf_flow_hw_conn *conn;
	struct flow_offload *flow;
	struct nf_conn *ct;
	bool drop;

	conn = nf_flow_hw_find(report->handle);
	if (!conn)
		return false;

	spin_lock_bh(&conn->lock);
	flow = conn->flow;
	if (!flow || !conn->claimed) {
		spin_unlock_bh(&conn->lock);
		return false;
	}

	ct = flow->ct;
	nf_conntrack_get(&ct->ct_general);
	drop = nf_flow_hw_hear(conn, report);
	if (drop) {
		nf_flow_hw_unclaim(conn);
		/* Somebody else may drop it too, and another one begin. */
		drop = unrcu_pointer(cmpxchg(&flow->hw_conn,
					     RCU_INITIALIZER(conn),
					     NULL)) == conn;
	}
	spin_unlock_bh(&conn->lock);

	nf_flow_hw_deliver(ct);
	nf_ct_put(ct);
	if (drop)
		nf_flow_hw_conn_free(conn);

	return true;
}

static unsigned int nf_flow_hw_report(const struct flow_ft_report *reports,
				      unsigned int num)
{
	unsigned int accepted = 0, i;

	for (i = 0; i < num; i++)
		accepted += nf_flow_hw_report_one(&reports[i]);

	return accepted;
}

static bool nf_flow_hw_query_conn(const struct nf_flow_hw_conn *conn,
				  struct flow_ft_report *report)
{
	memset(report, 0, sizeof(*report));
	if (conn->state == NF_FLOW_CONN_NEW ||
	    conn->state == NF_FLOW_CONN_GONE || !conn->claim.query)
		return false;

	return conn->claim.query(conn->claim.owner, conn->handle, report);
}

/* Hardware may forward packets until DESTROY: its windows are of the past. */
static void nf_flow_hw_take_leaving(const struct nf_flow_hw_conn *conn,
				    const struct flow_ft_report *report)
{
	nf_flow_hw_take(conn, report, NF_FLOW_SAYS_MAY_GO_ON);
	if (!(conn->claim.flags & FLOW_FT_CLAIM_STATE))
		nf_flow_hw_unsync(conn->flow->ct);
}

/* ask() is called with the lock of the connection, if there is one. */
static bool nf_flow_hw_ask(struct flow_offload *flow,
			   bool (*ask)(struct nf_flow_hw_conn *conn,
				       struct flow_offload *flow))
{
	struct nf_flow_hw_conn *conn;
	bool answered = false;

	rcu_read_lock();
	conn = rcu_dereference(flow->hw_conn);
	if (conn) {
		spin_lock_bh(&conn->lock);
		answered = ask(conn, flow);
		spin_unlock_bh(&conn->lock);
		nf_flow_hw_deliver(flow->ct);
	}
	rcu_read_unlock();

	return answered;
}

static bool nf_flow_hw_do_leave(struct nf_flow_hw_conn *conn,
				struct flow_offload *flow)
{
	struct flow_ft_report report;
	bool answered;

	if (conn->state != NF_FLOW_CONN_ACTIVE)
		return conn->state == NF_FLOW_CONN_LEFT;

	answered = nf_flow_hw_query_conn(conn, &report);
	if (answered) {
		nf_flow_hw_take_leaving(conn, &report);
		nf_flow_hw_give_back(conn, report.idle);
	} else {
		nf_flow_hw_go_on(conn);
		nf_flow_hw_unmark(flow);
		conn->state = NF_FLOW_CONN_LEFT;
	}

	return answered;
}

/**
 * nf_flow_hw_leave() - conntrack gets back a connection that hardware has
 * @flow: flow that leaves the flowtable, with NF_FLOW_TEARDOWN set
 *
 * Context: any but hard interrupt.
 * Return: true if state and timeout of the connection are as they should be,
 *	false if hardware has nothing to say of them.
 */
bool nf_flow_hw_leave(struct flow_offload *flow)
{
	return nf_flow_hw_ask(flow, nf_flow_hw_do_leave);
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_leave);

static bool nf_flow_hw_do_poll(struct nf_flow_hw_conn *conn,
			       struct flow_offload *flow)
{
	struct flow_ft_report report;

	if (!conn->flow || !nf_flow_hw_query_conn(conn, &report))
		return false;

	nf_flow_hw_hear(conn, &report);
	return true;
}

/**
 * nf_flow_hw_poll() - hear what hardware has not reported yet
 * @flow: flow
 *
 * Context: process, with NF_FLOW_PENDING set.
 * Return: true if it is in hardware that tracks connections.
 */
bool nf_flow_hw_poll(struct flow_offload *flow)
{
	return nf_flow_hw_ask(flow, nf_flow_hw_do_poll);
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_poll);

/* A report that should have come has been lost. */
static bool nf_flow_hw_is_overdue(const struct nf_flow_hw_conn *conn,
				  const struct flow_ft_report *report)
{
	struct flow_offload *flow = conn->flow;

	if (report->event == FLOW_FT_CLOSED || report->event == FLOW_FT_AGED ||
	    report->event == FLOW_FT_EVICTED)
		return true;
	if (report->has_state && nf_ct_protonum(flow->ct) == IPPROTO_TCP &&
	    report->state.tcp.state >= TCP_CONNTRACK_TIME_WAIT)
		return true;

	return report->idle > flow_offload_get_timeout(flow) + HZ;
}

static bool nf_flow_hw_do_backstop(struct nf_flow_hw_conn *conn,
				   struct flow_offload *flow)
{
	struct flow_ft_report report;

	if (conn->state != NF_FLOW_CONN_ACTIVE ||
	    !nf_flow_hw_query_conn(conn, &report))
		return false;

	if (nf_flow_hw_is_overdue(conn, &report)) {
		nf_flow_hw_take_leaving(conn, &report);
		nf_flow_hw_give_back(conn, report.idle);
	} else {
		nf_flow_hw_take(conn, &report, NF_FLOW_SAYS_HAS_IT);
		nf_flow_hw_set_backstop(flow);
	}

	return true;
}

/**
 * nf_flow_hw_backstop() - has hardware forgotten to report?
 * @flow: flow that nothing was heard of for long
 *
 * Context: process, with NF_FLOW_PENDING set.
 * Return: false if hardware does not answer.
 */
bool nf_flow_hw_backstop(struct flow_offload *flow)
{
	return nf_flow_hw_ask(flow, nf_flow_hw_do_backstop);
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_backstop);

/**
 * nf_flow_hw_query() - bring a connection up to date
 * @ct: connection
 *
 * Who asks may hold locks, so events are cached; the next report delivers them.
 *
 * Context: any but hard interrupt, under RCU.
 * Return: jiffies until it expires, or -1 if hardware does not track it.
 */
long nf_flow_hw_query(struct nf_conn *ct)
{
	struct flow_ft_report report;
	struct nf_flow_hw_conn *conn;
	long left = -1;

	conn = nf_flow_hw_find_ct(ct);
	if (!conn)
		return -1;

	spin_lock_bh(&conn->lock);
	if (conn->state == NF_FLOW_CONN_ACTIVE &&
	    nf_flow_hw_query_conn(conn, &report)) {
		nf_flow_hw_take(conn, &report, NF_FLOW_SAYS_HAS_IT);
		left = nf_flow_hw_time_left(ct, report.idle);
	}
	spin_unlock_bh(&conn->lock);

	return left;
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_query);

static int nf_flow_hw_resync(u64 handle, struct flow_ft_conn_state *state)
{
	struct nf_flow_hw_conn *conn;
	struct nf_conn *ct = NULL;

	conn = nf_flow_hw_find(handle);
	if (!conn)
		return -ENOENT;

	spin_lock_bh(&conn->lock);
	if (conn->state == NF_FLOW_CONN_ACTIVE &&
	    conn->claim.flags & FLOW_FT_CLAIM_STATE) {
		ct = conn->flow->ct;
		nf_conntrack_get(&ct->ct_general);
		/* The report that said so may have been lost. */
		nf_flow_hw_set_state(conn->flow, state,
				     NF_FLOW_SAYS_BEFORE);
		nf_flow_hw_started(conn->flow);
		nf_flow_hw_get_state(ct, state);
	}
	spin_unlock_bh(&conn->lock);
	if (!ct)
		return -ENOENT;

	nf_flow_hw_deliver(ct);
	nf_ct_put(ct);
	return 0;
}

static const struct flow_ft_conn_ops nf_flow_hw_ops = {
	.snapshot	= nf_flow_hw_snapshot,
	.claim		= nf_flow_hw_claim,
	.report		= nf_flow_hw_report,
	.resync		= nf_flow_hw_resync,
};

int nf_flow_hw_init(void)
{
	int err;

	err = nf_flow_hw_claims_init();
	if (err)
		return err;

	flow_ft_conn_register(&nf_flow_hw_ops);
	return 0;
}

/* After the last flow is gone. */
void nf_flow_hw_exit(void)
{
	flow_ft_conn_unregister();
	nf_flow_hw_claims_exit();
}
