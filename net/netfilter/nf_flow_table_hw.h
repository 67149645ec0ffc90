/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NF_FLOW_TABLE_HW_H
#define _NF_FLOW_TABLE_HW_H

#include <net/flow_ft_conn.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_flow_table.h>

/**
 * enum nf_flow_hw_says - what hardware's word on a connection is worth
 * @NF_FLOW_SAYS_HAS_IT: it is in hardware, and goes on there
 * @NF_FLOW_SAYS_HAD_IT: hardware has forwarded its last packet
 * @NF_FLOW_SAYS_MAY_GO_ON: it leaves hardware, which may forward packets until
 *	then
 * @NF_FLOW_SAYS_BEFORE: it is in hardware, and conntrack has seen packets since
 * @NF_FLOW_SAYS_LATE: it has left, and conntrack may have seen packets since
 */
enum nf_flow_hw_says {
	NF_FLOW_SAYS_HAS_IT,
	NF_FLOW_SAYS_HAD_IT,
	NF_FLOW_SAYS_MAY_GO_ON,
	NF_FLOW_SAYS_BEFORE,
	NF_FLOW_SAYS_LATE,
};

void nf_flow_hw_start(const struct flow_offload *flow, bool missed);
void nf_flow_hw_started(const struct flow_offload *flow);
void nf_flow_hw_get_state(struct nf_conn *ct, struct flow_ft_conn_state *state);
bool nf_flow_hw_set_state(const struct flow_offload *flow,
			  const struct flow_ft_conn_state *state,
			  enum nf_flow_hw_says says);
void nf_flow_hw_unsync(struct nf_conn *ct);
void nf_flow_hw_get_expires(const struct nf_conn *ct, u32 *expires);
long nf_flow_hw_time_left(struct nf_conn *ct, unsigned long idle);
void nf_flow_hw_set_timeout(struct nf_conn *ct, unsigned long idle);
void nf_flow_hw_lower_timeout(struct nf_conn *ct, unsigned long idle);

/**
 * struct nf_flow_hw_offer - a direction that drivers are asked to take
 * @list:	in nf_flow_hw_offers
 * @flowtable:	flowtable of @flow
 * @flow:	flow, with NF_FLOW_PENDING set
 * @dir:	direction of the rule
 * @fresh:	the driver that is asked now has claimed it
 */
struct nf_flow_hw_offer {
	struct list_head		list;
	struct nf_flowtable		*flowtable;
	struct flow_offload		*flow;
	enum flow_offload_tuple_dir	dir;
	bool				fresh;
};

long nf_flow_hw_query(struct nf_conn *ct);

/* After what a claim lasts without packets, before the core asks. */
#define NF_FLOW_HW_BACKSTOP	(60 * HZ)

#ifdef CONFIG_NF_FLOW_TABLE_HW
void nf_flow_hw_offer(struct nf_flow_hw_offer *offer);
void nf_flow_hw_answer(struct nf_flow_hw_offer *offer, int err);
void nf_flow_hw_offer_end(struct nf_flow_hw_offer *offer);
bool nf_flow_hw_leave(struct flow_offload *flow);
bool nf_flow_hw_poll(struct flow_offload *flow);
bool nf_flow_hw_backstop(struct flow_offload *flow);
void nf_flow_hw_drop(struct flow_offload *flow);
int nf_flow_hw_init(void);
void nf_flow_hw_exit(void);
#else
static inline void nf_flow_hw_offer(struct nf_flow_hw_offer *offer)
{
}

static inline void nf_flow_hw_answer(struct nf_flow_hw_offer *offer, int err)
{
}

static inline void nf_flow_hw_offer_end(struct nf_flow_hw_offer *offer)
{
}

static inline bool nf_flow_hw_leave(struct flow_offload *flow)
{
	return false;
}

static inline bool nf_flow_hw_poll(struct flow_offload *flow)
{
	return false;
}

static inline bool nf_flow_hw_backstop(struct flow_offload *flow)
{
	return false;
}

static inline void nf_flow_hw_drop(struct flow_offload *flow)
{
}

static inline int nf_flow_hw_init(void)
{
	return 0;
}

static inline void nf_flow_hw_exit(void)
{
}
#endif

/**
 * nf_flow_hw_claimed() - does hardware keep the timer of this flow?
 * @flow: flow
 *
 * Context: any.
 * Return: true if a driver has claimed each direction that it was asked for.
 */
static inline bool nf_flow_hw_claimed(const struct flow_offload *flow)
{
	return IS_ENABLED(CONFIG_NF_FLOW_TABLE_HW) &&
	       test_bit(NF_FLOW_HW_CLAIMED, &flow->flags);
}

/**
 * nf_flow_hw_tracked() - does hardware keep the state of this flow?
 * @flow: flow
 *
 * Context: any.
 * Return: true if so, and then its timer too.
 */
static inline bool nf_flow_hw_tracked(const struct flow_offload *flow)
{
	return IS_ENABLED(CONFIG_NF_FLOW_TABLE_HW) &&
	       test_bit(NF_FLOW_HW_TRACKED, &flow->flags);
}

/**
 * nf_flow_hw_exception() - is a packet conntrack's, not the fast path's?
 * @flow_table: flowtable
 * @flow: flow that it belongs to
 * @dir: its direction
 *
 * Hardware sends up what it does not forward; what becomes of that changes the
 * connection, so conntrack must see it. What the fast path forwards conntrack
 * does not hear of: it leaves a mark for whoever claims the connection.
 *
 * Context: softirq.
 * Return: true if the packet must take the slow path.
 */
static inline bool nf_flow_hw_exception(struct nf_flowtable *flow_table,
					struct flow_offload *flow,
					enum flow_offload_tuple_dir dir)
{
	if (!IS_ENABLED(CONFIG_NF_FLOW_TABLE_HW) ||
	    !nf_flowtable_hw_offload(flow_table))
		return false;

	if (!nf_flow_hw_claimed(flow) &&
	    !test_bit(NF_FLOW_SW_ORIGINAL + dir, &flow->flags)) {
		set_bit(NF_FLOW_SW_ORIGINAL + dir, &flow->flags);
		/* Pairs with nf_flow_hw_claim_dir(). */
		smp_mb__after_atomic();
	}

	return nf_flow_hw_claimed(flow);
}

#endif
