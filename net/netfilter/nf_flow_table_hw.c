// SPDX-License-Identifier: GPL-2.0-only
/* Connections that hardware tracks: who has them, and what is reported. */

#include <linux/rhashtable.h>
#include <linux/xarray.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "nf_flow_table_hw.h"

/**
 * enum nf_flow_hw_conn_state - life of a connection in hardware
 * @NF_FLOW_CONN_NEW:	not every direction is claimed
 * @NF_FLOW_CONN_ACTIVE:	its timer, and maybe its state, is hardware's
 * @NF_FLOW_CONN_LEFT:	conntrack has it back, DESTROY is on its way
 * @NF_FLOW_CONN_GONE:	nothing that is reported is believed any more
 */
enum nf_flow_hw_conn_state {
	NF_FLOW_CONN_NEW,
	NF_FLOW_CONN_ACTIVE,
	NF_FLOW_CONN_LEFT,
	NF_FLOW_CONN_GONE,
};

/**
 * struct nf_flow_hw_conn - connection that is claimed
 * @handle:	name for drivers: generation, and index in nf_flow_hw_conns
 * @ct:		connection, only to be compared
 * @node:	in nf_flow_hw_by_ct
 * @lock:	protects the members below; taken before ct->lock
 * @state:	of its life
 * @asked:	directions that hardware was asked to take, bits
 * @claimed:	directions that are claimed, bits
 * @missed:	conntrack has missed packets that hardware forwarded before
 * @claim:	by whom
 * @flowtable:	flowtable of @flow
 * @flow:	flow, unless the state is NF_FLOW_CONN_GONE
 * @rcu:	for the deferred free
 */
struct nf_flow_hw_conn {
	u64				handle;
	const struct nf_conn		*ct;
	struct rhash_head		node;
	spinlock_t			lock; /* protects what follows */
	enum nf_flow_hw_conn_state	state;
	u8				asked;
	u8				claimed;
	bool				missed;
	struct flow_ft_claim		claim;
	struct nf_flowtable		*flowtable;
	struct flow_offload		*flow;
	struct rcu_head			rcu;
};

static const struct rhashtable_params nf_flow_hw_by_ct_params = {
	.key_offset		= offsetof(struct nf_flow_hw_conn, ct),
	.key_len		= sizeof(struct nf_conn *),
	.head_offset		= offsetof(struct nf_flow_hw_conn, node),
	.automatic_shrinking	= true,
};

static struct rhashtable nf_flow_hw_by_ct;
static DEFINE_XARRAY_FLAGS(nf_flow_hw_conns,
			   XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_BH);
static atomic_t nf_flow_hw_generation = ATOMIC_INIT(0);
static u32 nf_flow_hw_next;

static LIST_HEAD(nf_flow_hw_offers);
static DEFINE_SPINLOCK(nf_flow_hw_offers_lock); /* protects nf_flow_hw_offers */

static struct nf_flow_hw_conn *nf_flow_hw_find(u64 handle)
{
	struct nf_flow_hw_conn *conn;

	conn = xa_load(&nf_flow_hw_conns, lower_32_bits(handle));

	return conn && conn->handle == handle ? conn : NULL;
}

static u8 nf_flow_hw_asked(const struct flow_offload *flow)
{
	return test_bit(NF_FLOW_HW_BIDIRECTIONAL, &flow->flags) ?
	       BIT(FLOW_OFFLOAD_DIR_ORIGINAL) | BIT(FLOW_OFFLOAD_DIR_REPLY) :
	       BIT(FLOW_OFFLOAD_DIR_ORIGINAL);
}

static struct nf_flow_hw_conn *
nf_flow_hw_conn_alloc(struct nf_flowtable *flowtable, struct flow_offload *flow)
{
	struct nf_flow_hw_conn *conn;
	u32 index;

	conn = kzalloc_obj(*conn, GFP_ATOMIC);
	if (!conn)
		return NULL;

	spin_lock_init(&conn->lock);
	conn->state = NF_FLOW_CONN_NEW;
	conn->asked = nf_flow_hw_asked(flow);
	conn->flowtable = flowtable;
	conn->flow = flow;
	conn->ct = flow->ct;

	/* Reserved first: who finds it must find it whole. */
	if (xa_alloc_cyclic_bh(&nf_flow_hw_conns, &index, NULL, xa_limit_32b,
			       &nf_flow_hw_next, GFP_ATOMIC) < 0)
		goto err_free;

	conn->handle = (u64)(u32)atomic_inc_return(&nf_flow_hw_generation) << 32
		       | index;
	if (rhashtable_insert_fast(&nf_flow_hw_by_ct, &conn->node,
				   nf_flow_hw_by_ct_params))
		goto err_index;

	xa_store_bh(&nf_flow_hw_conns, index, conn, GFP_ATOMIC);
	return conn;

err_index:
	xa_erase_bh(&nf_flow_hw_conns, index);
err_free:
	kfree(conn);
	return NULL;
}

static void nf_flow_hw_conn_free(struct nf_flow_hw_conn *conn)
{
	xa_erase_bh(&nf_flow_hw_conns, lower_32_bits(conn->handle));
	rhashtable_remove_fast(&nf_flow_hw_by_ct, &conn->node,
			       nf_flow_hw_by_ct_params);
	kfree_rcu(conn, rcu);
}

static void nf_flow_hw_unmark(struct flow_offload *flow)
{
	clear_bit(NF_FLOW_HW_CLAIMED, &flow->flags);
	clear_bit(NF_FLOW_HW_TRACKED, &flow->flags);
}

static void nf_flow_hw_unclaim(struct nf_flow_hw_conn *conn)
{
	conn->state = NF_FLOW_CONN_GONE;
	if (conn->flow)
		nf_flow_hw_unmark(conn->flow);
	WRITE_ONCE(conn->flow, NULL);
}

/* The flow stays, and its time begins to run; what goes by in the flowtable
 * conntrack does not see.
 */
static void nf_flow_hw_go_on(struct nf_flow_hw_conn *conn)
{
	struct flow_offload *flow = conn->flow;

	if (conn->claim.flags & FLOW_FT_CLAIM_STATE)
		nf_flow_hw_unsync(flow->ct);
	WRITE_ONCE(flow->timeout, nf_flowtable_time_stamp +
		   (u32)flow_offload_get_timeout(flow));
}

/**
 * nf_flow_hw_drop() - take a connection back from hardware
 * @flow: flow whose claims end, if it has some
 *
 * Nothing that is reported from now on touches @flow.
 *
 * Context: any but hard interrupt; who frees flows must wait meanwhile.
 */
void nf_flow_hw_drop(struct flow_offload *flow)
{
	struct nf_flow_hw_conn *conn;

	conn = unrcu_pointer(xchg(&flow->hw_conn, NULL));
	if (!conn)
		return;

	spin_lock_bh(&conn->lock);
	if (conn->state == NF_FLOW_CONN_ACTIVE)
		nf_flow_hw_go_on(conn);
	nf_flow_hw_unclaim(conn);
	spin_unlock_bh(&conn->lock);

	nf_flow_hw_conn_free(conn);
}

/**
 * nf_flow_hw_offer() - drivers are going to be asked to take a direction
 * @offer: on the stack of the caller
 *
 * Context: process.
 */
void nf_flow_hw_offer(struct nf_flow_hw_offer *offer)
{
	offer->fresh = false;
	spin_lock_bh(&nf_flow_hw_offers_lock);
	list_add(&offer->list, &nf_flow_hw_offers);
	spin_unlock_bh(&nf_flow_hw_offers_lock);
}

/**
 * nf_flow_hw_answer() - a driver has answered
 * @offer: that nf_flow_hw_offer() was called for
 * @err: what it said
 *
 * Context: process.
 */
void nf_flow_hw_answer(struct nf_flow_hw_offer *offer, int err)
{
	bool fresh;

	spin_lock_bh(&nf_flow_hw_offers_lock);
	fresh = offer->fresh;
	offer->fresh = false;
	spin_unlock_bh(&nf_flow_hw_offers_lock);

	if (err && fresh)
		nf_flow_hw_drop(offer->flow);
}

/**
 * nf_flow_hw_offer_end() - no driver will be asked any more
 * @offer: that nf_flow_hw_offer() was called for
 *
 * Context: process.
 */
void nf_flow_hw_offer_end(struct nf_flow_hw_offer *offer)
{
	struct flow_offload *flow = offer->flow;
	struct nf_flow_hw_conn *conn;
	bool claimed = false;

	spin_lock_bh(&nf_flow_hw_offers_lock);
	list_del(&offer->list);
	spin_unlock_bh(&nf_flow_hw_offers_lock);

	rcu_read_lock();
	conn = rcu_dereference(flow->hw_conn);
	if (conn) {
		spin_lock_bh(&conn->lock);
		claimed = conn->claimed;
		spin_unlock_bh(&conn->lock);
	}
	rcu_read_unlock();

	if (conn && !claimed)
		nf_flow_hw_drop(flow);
}

static struct nf_flow_hw_offer *nf_flow_hw_offer_find(unsigned long cookie)
{
	struct nf_flow_hw_offer *offer;

	list_for_each_entry(offer, &nf_flow_hw_offers, list)
		if ((unsigned long)&offer->flow->tuplehash[offer->dir].tuple ==
		    cookie)
			return offer;

	return NULL;
}

/* What the software datapath has forwarded conntrack does not know. */
static void nf_flow_hw_get_synced(const struct flow_offload *flow,
				  struct flow_ft_conn_state *state)
{
	int dir;

	nf_flow_hw_get_state(flow->ct, state);
	if (nf_ct_protonum(flow->ct) != IPPROTO_TCP)
		return;

	for (dir = 0; dir < FLOW_OFFLOAD_DIR_MAX; dir++)
		if (test_bit(NF_FLOW_SW_ORIGINAL + dir, &flow->flags))
			state->tcp.dir[dir].synced = false;
}

static void nf_flow_hw_fill(const struct nf_flow_hw_conn *conn,
			    struct flow_offload *flow,
			    enum flow_offload_tuple_dir dir,
			    struct flow_ft_conn *out)
{
	const struct nf_conn *ct = flow->ct;

	memset(out, 0, sizeof(*out));
	out->handle = conn->handle;
	if (conn->asked & BIT(!dir))
		out->partner = (unsigned long)&flow->tuplehash[!dir].tuple;
	out->timeout = flow_offload_get_timeout(flow);
	nf_flow_hw_get_expires(ct, out->expires);
	out->mark = READ_ONCE(ct->mark);
	out->zone = nf_ct_zone(ct)->id;
	out->dir = dir;
	out->l4proto = nf_ct_protonum(ct);
	out->liberal = READ_ONCE(nf_tcp_pernet(nf_ct_net(ct))->tcp_be_liberal);
	nf_flow_hw_get_synced(flow, &out->state);
}

static int nf_flow_hw_snapshot(unsigned long cookie, struct flow_ft_conn *out)
{
	struct nf_flow_hw_offer *offer;
	struct nf_flow_hw_conn *conn;
	struct flow_offload *flow;
	int err = -ENOENT;

	spin_lock_bh(&nf_flow_hw_offers_lock);
	offer = nf_flow_hw_offer_find(cookie);
	if (!offer)
		goto unlock;

	flow = offer->flow;
	conn = rcu_dereference(flow->hw_conn);
	if (!conn) {
		conn = nf_flow_hw_conn_alloc(offer->flowtable, flow);
		if (!conn) {
			err = -ENOMEM;
			goto unlock;
		}
		rcu_assign_pointer(flow->hw_conn, conn);
	}
	nf_flow_hw_fill(conn, flow, offer->dir, out);
	err = 0;
unlock:
	spin_unlock_bh(&nf_flow_hw_offers_lock);
	return err;
}

static bool nf_flow_hw_is_over(const struct flow_offload *flow)
{
	return flow->flags & (BIT(NF_FLOW_CLOSING) | BIT(NF_FLOW_TEARDOWN) |
			      BIT(NF_FLOW_HW_DYING));
}

static void nf_flow_hw_set_backstop(struct flow_offload *flow)
{
	WRITE_ONCE(flow->timeout, nf_flowtable_time_stamp +
		   (u32)flow_offload_get_timeout(flow) + NF_FLOW_HW_BACKSTOP);
}

static bool nf_flow_hw_missed(struct flow_offload *flow)
{
	bool missed;

	missed = test_and_clear_bit(NF_FLOW_SW_ORIGINAL, &flow->flags);

	return test_and_clear_bit(NF_FLOW_SW_REPLY, &flow->flags) || missed;
}

static int nf_flow_hw_claim_dir(struct nf_flow_hw_conn *conn, u8 dir,
				const struct flow_ft_claim *claim)
{
	lockdep_assert_held(&conn->lock);

	if (conn->state > NF_FLOW_CONN_ACTIVE || nf_flow_hw_is_over(conn->flow))
		return -ESTALE;
	if (test_bit(NF_FLOW_HW_ORIGINAL + dir, &conn->flow->flags) &&
	    !(conn->claimed & BIT(dir)))
		conn->missed = true;
	if (conn->claimed && (conn->claim.owner != claim->owner ||
			      conn->claim.flags != claim->flags))
		return -EBUSY;

	conn->claim = *claim;
	conn->claimed |= BIT(dir);
	if (conn->state == NF_FLOW_CONN_ACTIVE || conn->claimed != conn->asked)
		return 0;

	conn->state = NF_FLOW_CONN_ACTIVE;
	nf_flow_hw_set_backstop(conn->flow);
	if (claim->flags & FLOW_FT_CLAIM_STATE)
		set_bit(NF_FLOW_HW_TRACKED, &conn->flow->flags);
	set_bit(NF_FLOW_HW_CLAIMED, &conn->flow->flags);
	/* Pairs with nf_flow_hw_exception(): a packet that went by without
	 * having seen the claim has left its mark.
	 */
	smp_mb__after_atomic();
	if (nf_flow_hw_missed(conn->flow))
		conn->missed = true;
	if (claim->flags & FLOW_FT_CLAIM_STATE)
		nf_flow_hw_start(conn->flow->ct, conn->missed);
	return 0;
}

static int nf_flow_hw_claim(struct flow_ft_conn *snapshot,
			    const struct flow_ft_claim *claim)
{
	struct nf_flow_hw_offer *offer;
	struct nf_flow_hw_conn *conn;
	int err = -ENOENT;

	if (!(claim->flags & FLOW_FT_CLAIM_TIMER) ||
	    claim->flags & ~(FLOW_FT_CLAIM_TIMER | FLOW_FT_CLAIM_STATE))
		return -EINVAL;

	spin_lock_bh(&nf_flow_hw_offers_lock);
	conn = nf_flow_hw_find(snapshot->handle);
	if (!conn)
		goto unlock;

	list_for_each_entry(offer, &nf_flow_hw_offers, list)
		if (offer->flow == READ_ONCE(conn->flow) &&
		    offer->dir == snapshot->dir)
			break;
	if (list_entry_is_head(offer, &nf_flow_hw_offers, list))
		goto unlock;

	spin_lock(&conn->lock);
	offer->fresh = !(conn->claimed & BIT(snapshot->dir));
	err = nf_flow_hw_claim_dir(conn, snapshot->dir, claim);
	if (err)
		offer->fresh = false;
	else
		nf_flow_hw_get_synced(offer->flow, &snapshot->state);
	spin_unlock(&conn->lock);
unlock:
	spin_unlock_bh(&nf_flow_hw_offers_lock);
	return err;
}

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

	return nf_flow_hw_set_state(conn->flow->ct, &report->state, says);
}

/* Conntrack has it from here on; packets find no flow, and gc frees it. */
static void nf_flow_hw_give_back(struct nf_flow_hw_conn *conn,
				 unsigned long idle)
{
	struct flow_offload *flow = conn->flow;

	conn->state = NF_FLOW_CONN_LEFT;
	nf_flow_hw_unmark(flow);
	clear_bit(IPS_OFFLOAD_BIT, &flow->ct->status);
	/* Pairs with nf_flow_table_hold_ct(). */
	smp_mb__after_atomic();
	nf_flow_hw_set_timeout(flow->ct, idle);
}

static void nf_flow_hw_end(struct nf_flow_hw_conn *conn,
			   const struct flow_ft_report *report)
{
	nf_flow_hw_take(conn, report, NF_FLOW_SAYS_HAD_IT);
	if (!(conn->claim.flags & FLOW_FT_CLAIM_STATE))
		nf_flow_hw_unsync(conn->flow->ct);
	nf_flow_hw_give_back(conn, report->idle);
	set_bit(NF_FLOW_TEARDOWN, &conn->flow->flags);
	nf_flow_offload_del(conn->flowtable, conn->flow);
}

static void nf_flow_hw_evicted(struct nf_flow_hw_conn *conn,
			       const struct flow_ft_report *report)
{
	nf_flow_hw_take(conn, report, NF_FLOW_SAYS_HAS_IT);
	nf_flow_hw_go_on(conn);
	nf_flow_offload_evicted(conn->flow);
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
	struct flow_ft_report report;
	struct nf_flow_hw_conn *conn;
	bool left = false;

	rcu_read_lock();
	conn = rcu_dereference(flow->hw_conn);
	if (!conn)
		goto out;

	spin_lock_bh(&conn->lock);
	if (conn->state == NF_FLOW_CONN_LEFT) {
		left = true;
	} else if (conn->state == NF_FLOW_CONN_ACTIVE) {
		left = nf_flow_hw_query_conn(conn, &report);
		if (left) {
			nf_flow_hw_take_leaving(conn, &report);
			nf_flow_hw_give_back(conn, report.idle);
		} else {
			nf_flow_hw_go_on(conn);
		}
		nf_flow_hw_unmark(flow);
		conn->state = NF_FLOW_CONN_LEFT;
	}
	spin_unlock_bh(&conn->lock);
	nf_flow_hw_deliver(flow->ct);
out:
	rcu_read_unlock();
	return left;
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
	struct flow_ft_report report;
	struct nf_flow_hw_conn *conn;
	bool answered = false;

	rcu_read_lock();
	conn = rcu_dereference(flow->hw_conn);
	if (!conn)
		goto out;

	spin_lock_bh(&conn->lock);
	if (conn->flow && nf_flow_hw_query_conn(conn, &report)) {
		nf_flow_hw_hear(conn, &report);
		answered = true;
	}
	spin_unlock_bh(&conn->lock);
	nf_flow_hw_deliver(flow->ct);
out:
	rcu_read_unlock();
	return answered;
}

/* A report that should have come has been lost. */
static bool nf_flow_hw_is_overdue(const struct nf_flow_hw_conn *conn,
				  const struct flow_ft_report *report)
{
	struct flow_offload *flow = conn->flow;

	if (report->event == FLOW_FT_CLOSED || report->event == FLOW_FT_AGED)
		return true;
	if (report->has_state && nf_ct_protonum(flow->ct) == IPPROTO_TCP &&
	    report->state.tcp.state >= TCP_CONNTRACK_TIME_WAIT)
		return true;

	return report->idle > flow_offload_get_timeout(flow) + HZ;
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
	struct flow_ft_report report;
	struct nf_flow_hw_conn *conn;
	bool answered = false;

	rcu_read_lock();
	conn = rcu_dereference(flow->hw_conn);
	if (!conn)
		goto out;

	spin_lock_bh(&conn->lock);
	if (conn->state == NF_FLOW_CONN_ACTIVE)
		answered = nf_flow_hw_query_conn(conn, &report);
	if (answered && nf_flow_hw_is_overdue(conn, &report)) {
		nf_flow_hw_take_leaving(conn, &report);
		nf_flow_hw_give_back(conn, report.idle);
		set_bit(NF_FLOW_TEARDOWN, &flow->flags);
	} else if (answered) {
		nf_flow_hw_take(conn, &report, NF_FLOW_SAYS_HAS_IT);
		nf_flow_hw_set_backstop(flow);
	}
	spin_unlock_bh(&conn->lock);
	nf_flow_hw_deliver(flow->ct);
out:
	rcu_read_unlock();
	return answered;
}

/**
 * nf_flow_hw_query() - bring the counters of a connection up to date
 * @ct: connection
 *
 * Context: any but hard interrupt, under RCU.
 * Return: jiffies until it expires, or -1 if hardware does not track it.
 */
long nf_flow_hw_query(struct nf_conn *ct)
{
	const struct nf_conn *key = ct;
	struct flow_ft_report report;
	struct nf_flow_hw_conn *conn;
	long left = -1;

	conn = rhashtable_lookup(&nf_flow_hw_by_ct, &key,
				 nf_flow_hw_by_ct_params);
	if (!conn)
		return -1;

	spin_lock_bh(&conn->lock);
	if (conn->state == NF_FLOW_CONN_ACTIVE &&
	    nf_flow_hw_query_conn(conn, &report)) {
		nf_flow_hw_account(conn, &report);
		left = nf_flow_hw_time_left(ct, report.idle);
	}
	spin_unlock_bh(&conn->lock);

	return left;
}

static int nf_flow_hw_resync(u64 handle, struct flow_ft_conn_state *state)
{
	struct nf_flow_hw_conn *conn;
	int err = -ENOENT;

	conn = nf_flow_hw_find(handle);
	if (!conn)
		return -ENOENT;

	spin_lock_bh(&conn->lock);
	if (conn->state == NF_FLOW_CONN_ACTIVE &&
	    conn->claim.flags & FLOW_FT_CLAIM_STATE) {
		nf_flow_hw_started(conn->flow->ct);
		nf_flow_hw_get_state(conn->flow->ct, state);
		err = 0;
	}
	spin_unlock_bh(&conn->lock);

	return err;
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

	err = rhashtable_init(&nf_flow_hw_by_ct, &nf_flow_hw_by_ct_params);
	if (err)
		return err;

	flow_ft_conn_register(&nf_flow_hw_ops);
	return 0;
}

/* After the last flow is gone. */
void nf_flow_hw_exit(void)
{
	flow_ft_conn_unregister();
	rhashtable_destroy(&nf_flow_hw_by_ct);
	xa_destroy(&nf_flow_hw_conns);
}
