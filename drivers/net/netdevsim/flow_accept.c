// SPDX-License-Identifier: GPL-2.0
/* In place of the flow table: a driver that says yes and does nothing. What the
 * core alone takes for flows in hardware can be measured with it.
 */

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <net/flow_offload.h>
#include <net/pkt_cls.h>

#include "flow.h"

static int nsim_flow_accept_cb(enum tc_setup_type type, void *type_data,
			       void *cb_priv)
{
	struct nsim_flow_faults *faults = cb_priv;
	struct flow_cls_offload *cls = type_data;

	if (type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;
	if (cls->command == FLOW_CLS_REPLACE)
		atomic_inc(&faults->accepted);

	return 0;
}

/**
 * nsim_flow_is_accepted() - is a request about the driver that does nothing?
 * @port: port
 * @f: request of TC_SETUP_FT
 *
 * Context: process.
 * Return: true if it is one for nsim_flow_accept().
 */
bool nsim_flow_is_accepted(struct nsim_flow_port *port,
			   struct flow_block_offload *f)
{
	if (f->command == FLOW_BLOCK_BIND)
		return READ_ONCE(nsim_flow_of(port)->faults.accept_only);

	return flow_block_cb_lookup(f->block, nsim_flow_accept_cb, port);
}

/**
 * nsim_flow_accept() - bind a driver that does nothing, or unbind it
 * @port: port
 * @f: request of TC_SETUP_FT
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int nsim_flow_accept(struct nsim_flow_port *port, struct flow_block_offload *f)
{
	struct flow_block_cb *block_cb;

	if (f->command != FLOW_BLOCK_BIND) {
		block_cb = flow_block_cb_lookup(f->block, nsim_flow_accept_cb,
						port);
		flow_block_cb_remove(block_cb, f);
		return 0;
	}

	block_cb = flow_block_cb_alloc(nsim_flow_accept_cb, port,
				       &nsim_flow_of(port)->faults, NULL);
	if (IS_ERR(block_cb))
		return PTR_ERR(block_cb);

	flow_block_cb_add(block_cb, f);
	return 0;
}
