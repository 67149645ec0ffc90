// SPDX-License-Identifier: GPL-2.0
/* When connections of the modelled switch ASIC expire: a timer wheel. Packets
 * do not touch it; a connection that had some is put where it may expire next.
 */

#include <linux/jiffies.h>

#include "flow_conn.h"

static unsigned int nsim_flow_age_slot(unsigned long expires)
{
	return expires / NSIM_FLOW_TICK % NSIM_FLOW_WHEEL;
}

/* TCP that waits for an acknowledgment or a window is given less time. */
static u32 nsim_flow_age_tcp(const struct flow_ft_tcp *tcp, const u32 *expires)
{
	u32 left = expires[tcp->state];

	if ((tcp->dir[0].flags | tcp->dir[1].flags) &
	    IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED)
		left = min(left, expires[TCP_CONNTRACK_UNACK]);
	else if (!tcp->last_win || tcp->retrans)
		left = min(left, expires[TCP_CONNTRACK_RETRANS]);

	return left;
}

/**
 * nsim_flow_age_limit() - how long a connection may go without packets
 * @conn: connection
 *
 * Context: &nsim_flow_conn.lock is held.
 * Return: jiffies.
 */
unsigned long nsim_flow_age_limit(const struct nsim_flow_conn *conn)
{
	u32 expires;

	lockdep_assert_held(&conn->lock);

	/* The state is the core's while packets go to the CPU. */
	if (!conn->has_state || (conn->told && conn->late))
		return conn->timeout;
	if (conn->l4proto == IPPROTO_TCP)
		expires = nsim_flow_age_tcp(&conn->state.tcp, conn->expires);
	else
		expires = conn->expires[conn->state.udp.stream];

	return min_t(unsigned long, conn->timeout, expires);
}

/* Return: true if it has expired. */
static bool nsim_flow_age_check(struct nsim_flow_conn *conn)
{
	unsigned long expires;
	bool expired = false;

	lockdep_assert_held(&conn->conns->age_lock);

	spin_lock(&conn->lock);
	expires = conn->lastused + nsim_flow_age_limit(conn);
	if (conn->phase == NSIM_FLOW_CONN_RUN ||
	    conn->phase == NSIM_FLOW_CONN_HOLD)
		expired = time_is_before_eq_jiffies(expires);
	/* To be resumed. */
	if (conn->phase == NSIM_FLOW_CONN_HOLD && conn->tried != conn->punted)
		expires = jiffies;
	spin_unlock(&conn->lock);

	/* Not in a slot that the hand has passed. */
	if (time_before(expires, jiffies + NSIM_FLOW_TICK))
		expires = jiffies + NSIM_FLOW_TICK;
	else if (time_after(expires, jiffies +
				     (NSIM_FLOW_WHEEL - 2) * NSIM_FLOW_TICK))
		expires = jiffies + (NSIM_FLOW_WHEEL - 2) * NSIM_FLOW_TICK;
	list_move_tail(&conn->age,
		       &conn->conns->wheel[nsim_flow_age_slot(expires)]);

	return expired;
}

static void nsim_flow_age_turn(struct nsim_flow_conns *conns,
			       struct list_head *slot)
{
	struct nsim_flow_conn *conn, *next;
	LIST_HEAD(due);

	list_splice_init(slot, &due);
	list_for_each_entry_safe(conn, next, &due, age) {
		if (nsim_flow_age_check(conn))
			nsim_flow_conn_stop(conn, FLOW_FT_AGED);
		else
			nsim_flow_conn_resume(conn);
	}
}

static void nsim_flow_age_work(struct work_struct *work)
{
	struct nsim_flow_conns *conns;
	unsigned int target;

	conns = container_of(work, struct nsim_flow_conns, age_work.work);
	target = nsim_flow_age_slot(jiffies);

	spin_lock_bh(&conns->age_lock);
	while (conns->now != target) {
		conns->now = (conns->now + 1) % NSIM_FLOW_WHEEL;
		nsim_flow_age_turn(conns, &conns->wheel[conns->now]);
	}
	spin_unlock_bh(&conns->age_lock);

	nsim_flow_conn_report(conns);
	schedule_delayed_work(&conns->age_work, NSIM_FLOW_TICK);
}

/**
 * nsim_flow_age_add() - put a connection where it may expire next
 * @conn: connection
 *
 * Context: process or softirq.
 */
void nsim_flow_age_add(struct nsim_flow_conn *conn)
{
	spin_lock_bh(&conn->conns->age_lock);
	nsim_flow_age_check(conn);
	spin_unlock_bh(&conn->conns->age_lock);
}

/**
 * nsim_flow_age_del() - a connection does not age any more
 * @conn: connection
 *
 * Context: process.
 */
void nsim_flow_age_del(struct nsim_flow_conn *conn)
{
	spin_lock_bh(&conn->conns->age_lock);
	list_del_init(&conn->age);
	spin_unlock_bh(&conn->conns->age_lock);
}

void nsim_flow_age_init(struct nsim_flow_conns *conns)
{
	int i;

	spin_lock_init(&conns->age_lock);
	for (i = 0; i < NSIM_FLOW_WHEEL; i++)
		INIT_LIST_HEAD(&conns->wheel[i]);
	conns->now = nsim_flow_age_slot(jiffies);
	INIT_DELAYED_WORK(&conns->age_work, nsim_flow_age_work);
	schedule_delayed_work(&conns->age_work, NSIM_FLOW_TICK);
}

void nsim_flow_age_exit(struct nsim_flow_conns *conns)
{
	cancel_delayed_work_sync(&conns->age_work);
}
