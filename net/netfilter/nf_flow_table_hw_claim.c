// SPDX-License-Identifier: GPL-2.0-only
/* Connections that hardware tracks: who has claimed them. */

#include <kunit/visibility.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/xarray.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "nf_flow_table_hw_claim.h"

static const struct rhashtable_params nf_flow_hw_by_ct_params = {
	.key_offset		= offsetof(struct nf_flow_hw_conn, ct),
	.key_len		= sizeof(struct nf_conn *),
	.head_offset		= offsetof(struct nf_flow_hw_conn, node),
	.automatic_shrinking	= true,
};

static struct rhashtable nf_flow_hw_by_ct;
static DEFINE_XARRAY_FLAGS(nf_flow_hw_conns,
			   XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_BH);
static atomic_t nf_flow_hw_generation;
static u32 nf_flow_hw_next;

static LIST_HEAD(nf_flow_hw_offers);
static DEFINE_SPINLOCK(nf_flow_hw_offers_lock); /* protects nf_flow_hw_offers */

struct nf_flow_hw_conn *nf_flow_hw_find(u64 handle)
{
	struct nf_flow_hw_conn *conn;

	conn = xa_load(&nf_flow_hw_conns, lower_32_bits(handle));

	return conn && conn->handle == handle ? conn : NULL;
}

struct nf_flow_hw_conn *nf_flow_hw_find_ct(const struct nf_conn *ct)
{
	return rhashtable_lookup(&nf_flow_hw_by_ct, &ct,
				 nf_flow_hw_by_ct_params);
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

void nf_flow_hw_conn_free(struct nf_flow_hw_conn *conn)
{
	xa_erase_bh(&nf_flow_hw_conns, lower_32_bits(conn->handle));
	rhashtable_remove_fast(&nf_flow_hw_by_ct, &conn->node,
			       nf_flow_hw_by_ct_params);
	kfree_rcu(conn, rcu);
}

void nf_flow_hw_unmark(struct flow_offload *flow)
{
	clear_bit(NF_FLOW_HW_CLAIMED, &flow->flags);
	clear_bit(NF_FLOW_HW_TRACKED, &flow->flags);
}

void nf_flow_hw_unclaim(struct nf_flow_hw_conn *conn)
{
	conn->state = NF_FLOW_CONN_GONE;
	if (conn->flow)
		nf_flow_hw_unmark(conn->flow);
	WRITE_ONCE(conn->flow, NULL);
}

/* The flow stays, and its time begins to run; what goes by in the flowtable
 * conntrack does not see.
 */
void nf_flow_hw_go_on(struct nf_flow_hw_conn *conn)
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
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_drop);

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
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_offer);

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
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_answer);

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
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_offer_end);

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

int nf_flow_hw_snapshot(unsigned long cookie, struct flow_ft_conn *out)
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

void nf_flow_hw_set_backstop(struct flow_offload *flow)
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
		nf_flow_hw_start(conn->flow, conn->missed);
	return 0;
}

int nf_flow_hw_claim(struct flow_ft_conn *snapshot,
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

int nf_flow_hw_claims_init(void)
{
	/* What was said of connections before this was unloaded is stale. */
	atomic_set(&nf_flow_hw_generation, get_random_u32());

	return rhashtable_init(&nf_flow_hw_by_ct, &nf_flow_hw_by_ct_params);
}

/* After the last flow is gone. */
void nf_flow_hw_claims_exit(void)
{
	rhashtable_destroy(&nf_flow_hw_by_ct);
	xa_destroy(&nf_flow_hw_conns);
}
