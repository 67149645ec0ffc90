/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NF_FLOW_TABLE_HW_CLAIM_H
#define _NF_FLOW_TABLE_HW_CLAIM_H

#include <linux/rhashtable-types.h>

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

struct nf_flow_hw_conn *nf_flow_hw_find(u64 handle);
struct nf_flow_hw_conn *nf_flow_hw_find_ct(const struct nf_conn *ct);
void nf_flow_hw_conn_free(struct nf_flow_hw_conn *conn);
void nf_flow_hw_unmark(struct flow_offload *flow);
void nf_flow_hw_unclaim(struct nf_flow_hw_conn *conn);
void nf_flow_hw_go_on(struct nf_flow_hw_conn *conn);
void nf_flow_hw_set_backstop(struct flow_offload *flow);
int nf_flow_hw_snapshot(unsigned long cookie, struct flow_ft_conn *out);
int nf_flow_hw_claim(struct flow_ft_conn *snapshot,
		     const struct flow_ft_claim *claim);
int nf_flow_hw_claims_init(void);
void nf_flow_hw_claims_exit(void);

#endif
