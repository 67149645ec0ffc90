// SPDX-License-Identifier: GPL-2.0
/* Connections of the modelled switch ASIC, and what the core hears of them. */

#include <linux/delay.h>
#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <net/tcp.h>

#include "flow_conn.h"

static const struct rhashtable_params nsim_flow_conn_params = {
	.key_offset		= offsetof(struct nsim_flow_conn, handle),
	.key_len		= sizeof_field(struct nsim_flow_conn, handle),
	.head_offset		= offsetof(struct nsim_flow_conn, node),
	.automatic_shrinking	= true,
};

/* What the core has not heard of yet. */
static void nsim_flow_conn_fill(struct nsim_flow_conn *conn,
				struct flow_ft_report *report)
{
	int dir;

	lockdep_assert_held(&conn->lock);

	memset(report, 0, sizeof(*report));
	report->handle = conn->handle;
	report->event = conn->event;
	/* Once conntrack has seen packets it knows better. */
	report->has_state = conn->has_state && !(conn->told && conn->late);
	report->state = conn->state;
	report->idle = jiffies - conn->lastused;
	for (dir = 0; dir < ARRAY_SIZE(conn->counts); dir++)
		if (conn->counts[dir])
			flow_ft_take(conn->counts[dir], &report->packets[dir],
				     &report->bytes[dir]);
}

static bool nsim_flow_conn_query(void *owner, u64 handle,
				 struct flow_ft_report *report)
{
	struct nsim_flow_conns *conns = owner;
	struct nsim_flow_conn *conn;

	atomic64_inc(&conns->queries);
	conn = rhashtable_lookup_fast(&conns->by_handle, &handle,
				      nsim_flow_conn_params);
	if (!conn)
		return false;

	spin_lock_bh(&conn->lock);
	nsim_flow_conn_fill(conn, report);
	if (conn->phase != NSIM_FLOW_CONN_STOP)
		report->event = FLOW_FT_UPDATE;
	spin_unlock_bh(&conn->lock);
	return true;
}

static struct nsim_flow_conn *nsim_flow_conn_next(struct nsim_flow_conns *conns)
{
	struct nsim_flow_conn *conn;

	spin_lock_bh(&conns->lock);
	conn = list_first_entry_or_null(&conns->pending, struct nsim_flow_conn,
					pending);
	if (conn)
		list_del_init(&conn->pending);
	spin_unlock_bh(&conns->lock);

	return conn;
}

/* Return: false if it is to be lost. */
static bool nsim_flow_conn_tell(struct nsim_flow_conn *conn,
				struct flow_ft_report *report)
{
	bool lost = nsim_flow_fault(&conn->conns->drop_reports);
	bool held;

	spin_lock(&conn->lock);
	/* The counters are there to be read by the next one. */
	if (!lost)
		nsim_flow_conn_fill(conn, report);
	conn->told = true;
	held = conn->phase == NSIM_FLOW_CONN_HOLD;
	spin_unlock(&conn->lock);

	/* To be resumed soon, if no packet comes. */
	if (held)
		nsim_flow_age_add(conn);

	return !lost;
}

static unsigned int nsim_flow_conn_collect(struct nsim_flow_conns *conns)
{
	struct nsim_flow_conn *conn;
	unsigned int num = 0;

	while (num < NSIM_FLOW_BATCH && (conn = nsim_flow_conn_next(conns))) {
		if (nsim_flow_conn_tell(conn, &conns->batch[num]))
			num++;
		else
			atomic64_inc(&conns->reports_dropped);
	}

	return num;
}

/* What is on its way may be late: the flow goes meanwhile. */
static void nsim_flow_conn_delay(const struct nsim_flow_conns *conns)
{
	u32 delay = READ_ONCE(conns->report_delay_us);

	if (delay)
		udelay(min(delay, NSIM_FLOW_REPORT_DELAY_MAX));
}

/**
 * nsim_flow_conn_report() - tell the core what happened
 * @conns: connections of the ASIC
 *
 * Context: process or softirq, without the lock of a connection. All that was
 *	noted before has been reported on return.
 */
void nsim_flow_conn_report(struct nsim_flow_conns *conns)
{
	unsigned int num;

	rcu_read_lock();
	spin_lock_bh(&conns->report_lock);
	while ((num = nsim_flow_conn_collect(conns))) {
		atomic64_add(num, &conns->reports);
		atomic64_inc(&conns->batches);
		nsim_flow_conn_delay(conns);
		atomic64_add(num - flow_ft_conn_report(conns->batch, num),
			     &conns->reports_stale);
	}
	spin_unlock_bh(&conns->report_lock);
	rcu_read_unlock();
}

static void nsim_flow_conn_note(struct nsim_flow_conn *conn,
				enum flow_ft_event event)
{
	struct nsim_flow_conns *conns = conn->conns;

	lockdep_assert_held(&conn->lock);

	conn->event = event;
	conn->told = false;
	spin_lock_bh(&conns->lock);
	if (list_empty(&conn->pending))
		list_add_tail(&conn->pending, &conns->pending);
	spin_unlock_bh(&conns->lock);
}

static void __nsim_flow_conn_stop(struct nsim_flow_conn *conn,
				  enum flow_ft_event event)
{
	/* Conntrack has seen packets, and knows better. */
	bool behind = conn->phase == NSIM_FLOW_CONN_HOLD && conn->told;

	if (conn->phase == NSIM_FLOW_CONN_STOP)
		return;

	conn->phase = NSIM_FLOW_CONN_STOP;
	nsim_flow_conn_note(conn, event);
	conn->told = behind;
	conn->late = behind;
}

/**
 * nsim_flow_conn_stop() - forward nothing of a connection any more
 * @conn: connection
 * @event: why, to be reported by nsim_flow_conn_report()
 *
 * Context: any but hard interrupt.
 */
void nsim_flow_conn_stop(struct nsim_flow_conn *conn, enum flow_ft_event event)
{
	spin_lock_bh(&conn->lock);
	__nsim_flow_conn_stop(conn, event);
	spin_unlock_bh(&conn->lock);
}

/* Of UDP all goes on meanwhile, but the CPU may have seen the first reply. */
static bool nsim_flow_conn_is_behind(const struct nsim_flow_conn *conn)
{
	return conn->phase == NSIM_FLOW_CONN_HOLD ||
	       (conn->phase == NSIM_FLOW_CONN_RUN && conn->has_state &&
		conn->l4proto == IPPROTO_UDP);
}

/* Packets on their way to conntrack had the time to get there. */
static bool nsim_flow_conn_may_resume(struct nsim_flow_conn *conn,
				      struct flow_ft_conn_state *state,
				      unsigned int *punted)
{
	bool may;

	spin_lock_bh(&conn->lock);
	may = nsim_flow_conn_is_behind(conn) && conn->tried != conn->punted &&
	      time_after(jiffies, conn->held + 1);
	if (may)
		conn->tried = conn->punted;
	*punted = conn->punted;
	*state = conn->state;
	/* Conntrack knows it all, or it may be another connection by now. */
	if (!conn->ahead || conn->syn == (BIT(0) | BIT(1)))
		memset(state, 0, sizeof(*state));
	spin_unlock_bh(&conn->lock);

	return may;
}

static void nsim_flow_conn_restart(struct nsim_flow_conn *conn,
				   const struct flow_ft_tcp *tcp)
{
	if (tcp->state < TCP_CONNTRACK_TIME_WAIT &&
	    !(tcp->dir[0].synced && tcp->dir[1].synced))
		return;

	conn->state.tcp = *tcp;
	conn->phase = NSIM_FLOW_CONN_RUN;
	conn->ahead = false;
	conn->syn = 0;
	conn->late = false;
	if (tcp->state >= TCP_CONNTRACK_TIME_WAIT)
		__nsim_flow_conn_stop(conn, FLOW_FT_CLOSED);
}

static void nsim_flow_conn_learn(struct nsim_flow_conn *conn,
				 const struct flow_ft_udp *udp)
{
	conn->state.udp.replied |= udp->replied;
	conn->state.udp.stream |= udp->stream;
}

/**
 * nsim_flow_conn_resume() - forward a connection again if it can be judged
 * @conn: connection
 *
 * Context: any but hard interrupt.
 */
void nsim_flow_conn_resume(struct nsim_flow_conn *conn)
{
	struct flow_ft_conn_state state;
	unsigned int punted;

	/* The core takes our lock inside its own. */
	if (!nsim_flow_conn_may_resume(conn, &state, &punted) ||
	    flow_ft_conn_resync(conn->handle, &state))
		return;

	atomic64_inc(&conn->conns->resyncs);
	spin_lock_bh(&conn->lock);
	if (conn->l4proto == IPPROTO_UDP)
		nsim_flow_conn_learn(conn, &state.udp);
	else if (conn->phase == NSIM_FLOW_CONN_HOLD && conn->punted == punted)
		nsim_flow_conn_restart(conn, &state.tcp);
	spin_unlock_bh(&conn->lock);
}

/* What comes after the end, as the SYN of the next one, is not its own. */
static void nsim_flow_conn_use(struct nsim_flow_conn *conn)
{
	if (conn->phase != NSIM_FLOW_CONN_STOP)
		conn->lastused = jiffies;
}

static void nsim_flow_conn_hold(struct nsim_flow_conn *conn,
				const struct nsim_flow_pkt *pkt, u8 dir)
{
	if (pkt->tcp_flags & htons(TCPHDR_SYN))
		conn->syn |= BIT(dir);
	conn->punted++;
	if (!conn->has_state)
		return;
	/* What hardware knows of UDP is true, if not all. */
	if (conn->l4proto != IPPROTO_TCP) {
		conn->held = jiffies;
		return;
	}

	conn->late = true;

	/* What is not plain may take its time on its way to conntrack. */
	if (conn->phase == NSIM_FLOW_CONN_HOLD &&
	    pkt->tcp_flags & htons(TCPHDR_SYN | TCPHDR_FIN | TCPHDR_RST))
		conn->held = jiffies;
	if (conn->phase != NSIM_FLOW_CONN_RUN)
		return;

	conn->phase = NSIM_FLOW_CONN_HOLD;
	conn->held = jiffies;
	nsim_flow_conn_note(conn, FLOW_FT_UPDATE);
}

static bool nsim_flow_conn_track_udp(struct nsim_flow_conn *conn,
				     const struct sk_buff *skb,
				     const struct nsim_flow_pkt *pkt, u8 dir)
{
	struct flow_ft_udp *udp = &conn->state.udp;
	struct flow_ft_udp was = *udp;

	if (!nsim_flow_track_udp(udp, skb, pkt, dir))
		return false;

	if (udp->replied != was.replied || udp->stream != was.stream)
		nsim_flow_conn_note(conn, FLOW_FT_UPDATE);
	return true;
}

static bool nsim_flow_conn_track(struct nsim_flow_conn *conn,
				 const struct sk_buff *skb,
				 const struct nsim_flow_pkt *pkt, u8 dir)
{
	u8 was;

	if (!conn->has_state)
		return true;
	if (conn->l4proto == IPPROTO_UDP)
		return nsim_flow_conn_track_udp(conn, skb, pkt, dir);

	was = conn->state.tcp.state;
	if (!nsim_flow_track_tcp(&conn->state.tcp, skb, pkt, dir))
		return false;

	conn->ahead = true;
	if (conn->state.tcp.state >= TCP_CONNTRACK_TIME_WAIT)
		__nsim_flow_conn_stop(conn, FLOW_FT_CLOSED);
	else if (conn->state.tcp.state != was)
		nsim_flow_conn_note(conn, FLOW_FT_CLOSING);
	return true;
}

/**
 * nsim_flow_conn_rcv() - a packet is about to be forwarded
 * @entry: entry that it hit
 * @skb: packet
 * @pkt: what the parser found in it
 *
 * Context: softirq.
 * Return: true if it may be, false if it is one for the CPU.
 */
bool nsim_flow_conn_rcv(const struct flow_ft_entry *entry,
			const struct sk_buff *skb,
			const struct nsim_flow_pkt *pkt)
{
	const struct nsim_flow_entry *priv = nsim_flow_entry(entry);
	struct nsim_flow_conn *conn = priv->conn;
	bool forward;

	if (!conn)
		return true;

	nsim_flow_conn_resume(conn);
	spin_lock_bh(&conn->lock);
	nsim_flow_conn_use(conn);
	forward = (conn->phase == NSIM_FLOW_CONN_HALF && !conn->has_state) ||
		  (conn->phase == NSIM_FLOW_CONN_RUN &&
		   nsim_flow_conn_track(conn, skb, pkt, priv->dir));
	if (!forward)
		nsim_flow_conn_hold(conn, pkt, priv->dir);
	spin_unlock_bh(&conn->lock);

	return forward;
}

/**
 * nsim_flow_conn_exception() - a packet of a known flow goes to the CPU
 * @entry: entry that it hit
 * @pkt: what the parser found in it
 *
 * What nsim_flow_conn_pending() is to be reported before it does.
 *
 * Context: softirq.
 */
void nsim_flow_conn_exception(const struct flow_ft_entry *entry,
			      const struct nsim_flow_pkt *pkt)
{
	const struct nsim_flow_entry *priv = nsim_flow_entry(entry);
	struct nsim_flow_conn *conn = priv->conn;

	if (!conn)
		return;

	spin_lock_bh(&conn->lock);
	nsim_flow_conn_use(conn);
	nsim_flow_conn_hold(conn, pkt, priv->dir);
	spin_unlock_bh(&conn->lock);
}

/**
 * nsim_flow_conn_is_tracked() - does the ASIC judge TCP flags itself?
 * @entry: entry
 *
 * Context: softirq.
 * Return: true if they are no reason of their own to send a packet to the CPU.
 */
bool nsim_flow_conn_is_tracked(const struct flow_ft_entry *entry)
{
	const struct nsim_flow_conn *conn = nsim_flow_entry(entry)->conn;

	return conn && conn->has_state;
}

static struct nsim_flow_conn *
nsim_flow_conn_alloc(struct nsim_flow_conns *conns, enum nsim_flow_mode mode,
		     const struct flow_ft_conn *snapshot)
{
	struct nsim_flow_conn *conn;

	conn = kzalloc_obj(*conn);
	if (!conn)
		return NULL;

	conn->handle = snapshot->handle;
	conn->conns = conns;
	conn->asked = snapshot->partner ? 2 : 1;
	conn->l4proto = snapshot->l4proto;
	conn->timeout = snapshot->timeout;
	memcpy(conn->expires, snapshot->expires, sizeof(conn->expires));
	conn->has_state = mode == NSIM_FLOW_MODE_TRACK &&
			  (conn->l4proto == IPPROTO_TCP ||
			   conn->l4proto == IPPROTO_UDP);
	INIT_LIST_HEAD(&conn->age);
	INIT_LIST_HEAD(&conn->pending);
	spin_lock_init(&conn->lock);
	conn->lastused = jiffies;
	if (rhashtable_insert_fast(&conns->by_handle, &conn->node,
				   nsim_flow_conn_params)) {
		kfree(conn);
		return NULL;
	}

	return conn;
}

static void nsim_flow_conn_free(struct nsim_flow_conn *conn)
{
	rhashtable_remove_fast(&conn->conns->by_handle, &conn->node,
			       nsim_flow_conn_params);
	kfree_rcu(conn, rcu);
}

/* All directions are there. */
static void nsim_flow_conn_begin(struct nsim_flow_conn *conn,
				 const struct flow_ft_conn *snapshot)
{
	spin_lock_bh(&conn->lock);
	conn->state = snapshot->state;
	conn->ahead = false;
	conn->syn = 0;
	conn->held = jiffies;
	conn->tried = conn->punted - 1;
	conn->told = true;
	conn->late = conn->l4proto == IPPROTO_TCP;
	conn->phase = conn->has_state && conn->l4proto == IPPROTO_TCP ?
		      NSIM_FLOW_CONN_HOLD : NSIM_FLOW_CONN_RUN;
	conn->lastused = jiffies;
	spin_unlock_bh(&conn->lock);
	nsim_flow_age_add(conn);
	atomic64_inc(&conn->conns->claimed);
}

static void nsim_flow_conn_claim(struct nsim_flow_conn *conn,
				 struct flow_ft_entry *entry,
				 struct flow_ft_conn *snapshot)
{
	struct flow_ft_claim claim = {
		.owner	= conn->conns,
		.flags	= FLOW_FT_CLAIM_TIMER,
		.query	= nsim_flow_conn_query,
	};
	struct nsim_flow_entry *priv = nsim_flow_entry(entry);

	if (conn->has_state)
		claim.flags |= FLOW_FT_CLAIM_STATE;
	if (conn->phase == NSIM_FLOW_CONN_STOP ||
	    flow_ft_conn_claim(snapshot, &claim)) {
		atomic64_inc(&conn->conns->unclaimed);
		if (!conn->entries)
			nsim_flow_conn_free(conn);
		return;
	}

	priv->conn = conn;
	priv->dir = snapshot->dir;
	conn->entries++;
	spin_lock_bh(&conn->lock);
	conn->counts[priv->dir] = entry->counts;
	spin_unlock_bh(&conn->lock);
	if (conn->entries == conn->asked)
		nsim_flow_conn_begin(conn, snapshot);
}

/**
 * nsim_flow_conn_add() - claim the connection of an entry, if the core lets us
 * @conns: connections of the ASIC
 * @entry: entry that is about to be found by packets
 *
 * Context: process; &flow_ft.lock is held.
 */
void nsim_flow_conn_add(struct nsim_flow_conns *conns,
			struct flow_ft_entry *entry)
{
	enum nsim_flow_mode mode = READ_ONCE(conns->mode);
	struct flow_ft_conn snapshot;
	struct nsim_flow_conn *conn;

	if (mode == NSIM_FLOW_MODE_PUNT)
		return;
	if (flow_ft_conn_snapshot(entry->cookie.cookie, &snapshot)) {
		atomic64_inc(&conns->unclaimed);
		return;
	}

	conn = rhashtable_lookup_fast(&conns->by_handle, &snapshot.handle,
				      nsim_flow_conn_params);
	if (!conn)
		conn = nsim_flow_conn_alloc(conns, mode, &snapshot);
	if (!conn) {
		atomic64_inc(&conns->unclaimed);
		return;
	}

	nsim_flow_conn_claim(conn, entry, &snapshot);
}

/**
 * nsim_flow_conn_leave() - an entry is about to go, and so the connection ends
 * @entry: entry that packets still find
 *
 * Context: process; &flow_ft.lock is held.
 */
void nsim_flow_conn_leave(struct flow_ft_entry *entry)
{
	struct nsim_flow_conn *conn = nsim_flow_entry(entry)->conn;

	if (!conn)
		return;

	nsim_flow_conn_stop(conn, FLOW_FT_EVICTED);
	nsim_flow_conn_report(conn->conns);
}

/**
 * nsim_flow_conn_del() - an entry has gone
 * @entry: entry that packets do not find any more
 *
 * Context: process; &flow_ft.lock is held.
 */
void nsim_flow_conn_del(struct flow_ft_entry *entry)
{
	struct nsim_flow_entry *priv = nsim_flow_entry(entry);
	struct nsim_flow_conn *conn = priv->conn;

	if (!conn)
		return;

	/* Last, for who is held is put on the wheel by his report. */
	nsim_flow_age_del(conn);

	spin_lock_bh(&conn->lock);
	conn->counts[priv->dir] = NULL;
	spin_unlock_bh(&conn->lock);
	if (!--conn->entries)
		nsim_flow_conn_free(conn);
}

/**
 * nsim_flow_conn_fake_idle() - let a connection be older than it is
 * @entry: one direction of it
 * @idle: by how much, jiffies
 *
 * Context: process; &flow_ft.lock is held.
 */
void nsim_flow_conn_fake_idle(struct flow_ft_entry *entry, unsigned long idle)
{
	struct nsim_flow_conn *conn = nsim_flow_entry(entry)->conn;

	if (!conn || nsim_flow_entry(entry)->dir)
		return;

	spin_lock_bh(&conn->lock);
	conn->lastused -= idle;
	spin_unlock_bh(&conn->lock);
	nsim_flow_age_add(conn);
}

/**
 * nsim_flow_conn_keep() - is an entry as it would be if it were added now?
 * @conns: connections of the ASIC
 * @entry: entry
 *
 * Context: process; &flow_ft.lock is held.
 * Return: false if it should be added again, to claim its connection.
 */
bool nsim_flow_conn_keep(const struct nsim_flow_conns *conns,
			 const struct flow_ft_entry *entry)
{
	const struct nsim_flow_conn *conn = nsim_flow_entry(entry)->conn;

	if (READ_ONCE(conns->mode) == NSIM_FLOW_MODE_PUNT)
		return true;
	if (!conn)
		return false;

	return conn->entries == conn->asked &&
	       READ_ONCE(conn->phase) != NSIM_FLOW_CONN_STOP;
}

int nsim_flow_conns_init(struct nsim_flow *flow)
{
	struct nsim_flow_conns *conns;
	int err;

	conns = kzalloc_obj(*conns);
	if (!conns)
		return -ENOMEM;

	err = rhashtable_init(&conns->by_handle, &nsim_flow_conn_params);
	if (err) {
		kfree(conns);
		return err;
	}

	spin_lock_init(&conns->lock);
	spin_lock_init(&conns->report_lock);
	INIT_LIST_HEAD(&conns->pending);
	nsim_flow_age_init(conns);
	flow->conns = conns;
	return 0;
}

/* After the table is empty. */
void nsim_flow_conns_exit(struct nsim_flow *flow)
{
	struct nsim_flow_conns *conns = flow->conns;

	nsim_flow_age_exit(conns);
	rhashtable_destroy(&conns->by_handle);
	kfree(conns);
}
