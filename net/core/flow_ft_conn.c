// SPDX-License-Identifier: GPL-2.0
/* Between drivers that track connections and the core that has them: neither
 * needs the other to be there.
 */

#include <linux/export.h>
#include <linux/rcupdate.h>
#include <net/flow_ft_conn.h>

static const struct flow_ft_conn_ops __rcu *flow_ft_conn_ops __read_mostly;

/**
 * flow_ft_conn_snapshot() - what is known of a connection
 * @cookie: &flow_cls_offload.cookie of the rule that is to be installed
 * @conn: filled in
 *
 * Context: any but hard interrupt, while the callback for FLOW_CLS_REPLACE of
 *	@cookie runs.
 * Return: 0, -ENOENT if the rule is not one of a flowtable that asks for it
 *	now, -ENOMEM, or -EOPNOTSUPP if there is no core that wants reports.
 */
int flow_ft_conn_snapshot(unsigned long cookie, struct flow_ft_conn *conn)
{
	const struct flow_ft_conn_ops *ops;
	int err = -EOPNOTSUPP;

	rcu_read_lock();
	ops = rcu_dereference(flow_ft_conn_ops);
	if (ops)
		err = ops->snapshot(cookie, conn);
	rcu_read_unlock();

	return err;
}
EXPORT_SYMBOL_GPL(flow_ft_conn_snapshot);

/**
 * flow_ft_conn_claim() - take over one direction of a connection
 * @conn: snapshot; its state is brought up to date, and is what to start from
 * @claim: who takes over what
 *
 * Reports are accepted from now on, so do it before hardware is programmed. To
 * claim what one has already changes nothing.
 *
 * Context: as flow_ft_conn_snapshot(), in the same callback; the caller holds
 *	no lock that &flow_ft_claim.query takes.
 * Return: 0, -ENOENT if @conn is not of this callback, -EBUSY if somebody else
 *	has the other direction or this one, -EINVAL for flags that are not
 *	known or FLOW_FT_CLAIM_STATE without the timer, -ESTALE if the
 *	connection is about to leave, or -EOPNOTSUPP.
 */
int flow_ft_conn_claim(struct flow_ft_conn *conn,
		       const struct flow_ft_claim *claim)
{
	const struct flow_ft_conn_ops *ops;
	int err = -EOPNOTSUPP;

	rcu_read_lock();
	ops = rcu_dereference(flow_ft_conn_ops);
	if (ops)
		err = ops->claim(conn, claim);
	rcu_read_unlock();

	return err;
}
EXPORT_SYMBOL_GPL(flow_ft_conn_claim);

/**
 * flow_ft_conn_report() - tell the core of connections
 * @reports: what happened, those of one connection in the order of time
 * @num: number of reports
 *
 * Context: process or softirq, never hard interrupt. The caller holds no lock
 *	that &flow_ft_claim.query takes.
 * Return: how many of them were of connections that the caller has.
 */
unsigned int flow_ft_conn_report(const struct flow_ft_report *reports,
				 unsigned int num)
{
	const struct flow_ft_conn_ops *ops;
	unsigned int accepted = 0;

	rcu_read_lock();
	ops = rcu_dereference(flow_ft_conn_ops);
	if (ops)
		accepted = ops->report(reports, num);
	rcu_read_unlock();

	return accepted;
}
EXPORT_SYMBOL_GPL(flow_ft_conn_report);

/**
 * flow_ft_conn_resync() - start again from what conntrack knows
 * @handle: name of the connection, claimed with FLOW_FT_CLAIM_STATE
 * @state: what hardware knew before it handed over, for the report of that may
 *	have been lost, or all zero if it is of no use any more; what to start
 *	from
 *
 * For hardware that has handed packets of the connection to the CPU, and
 * forwards none of them itself meanwhile. One that is closed by now must be
 * reported as that. What hardware knew is of no use when it has forwarded
 * nothing since it was told last, or when the ports may have been opened again:
 * both ends have sent a SYN.
 *
 * Context: as flow_ft_conn_report().
 * Return: 0, -ENOENT if the caller does not have the connection any more, or
 *	-EOPNOTSUPP.
 */
int flow_ft_conn_resync(u64 handle, struct flow_ft_conn_state *state)
{
	const struct flow_ft_conn_ops *ops;
	int err = -EOPNOTSUPP;

	rcu_read_lock();
	ops = rcu_dereference(flow_ft_conn_ops);
	if (ops)
		err = ops->resync(handle, state);
	rcu_read_unlock();

	return err;
}
EXPORT_SYMBOL_GPL(flow_ft_conn_resync);

/**
 * flow_ft_conn_register() - become the one who keeps the connections
 * @ops: of nf_flow_table
 */
void flow_ft_conn_register(const struct flow_ft_conn_ops *ops)
{
	rcu_assign_pointer(flow_ft_conn_ops, ops);
}
EXPORT_SYMBOL_GPL(flow_ft_conn_register);

/**
 * flow_ft_conn_unregister() - nothing will be asked or reported any more
 *
 * Context: may sleep.
 */
void flow_ft_conn_unregister(void)
{
	RCU_INIT_POINTER(flow_ft_conn_ops, NULL);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(flow_ft_conn_unregister);
