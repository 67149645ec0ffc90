/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _NSIM_FLOW_CONN_H
#define _NSIM_FLOW_CONN_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/flow_ft_conn.h>
#include <net/flow_ft_table.h>

#include "flow.h"

#define NSIM_FLOW_WHEEL		256	/* slots */
#define NSIM_FLOW_TICK		(HZ / 10)
#define NSIM_FLOW_BATCH		16	/* reports at a time */
#define NSIM_FLOW_REPORT_DELAY_MAX	1000U	/* us, by udelay() */

/**
 * enum nsim_flow_mode - what the ASIC does about connections
 * @NSIM_FLOW_MODE_PUNT: nothing; TCP flags go to the CPU, and the core polls
 * @NSIM_FLOW_MODE_TIMER: it keeps the timer
 * @NSIM_FLOW_MODE_TRACK: it keeps timer and state
 */
enum nsim_flow_mode {
	NSIM_FLOW_MODE_PUNT,
	NSIM_FLOW_MODE_TIMER,
	NSIM_FLOW_MODE_TRACK,
};

/**
 * enum nsim_flow_conn_phase - what becomes of packets of a connection
 * @NSIM_FLOW_CONN_HALF: only one direction is in the table; to the CPU if the
 *	state is the ASIC's, else as without tracking
 * @NSIM_FLOW_CONN_RUN: they are tracked and forwarded
 * @NSIM_FLOW_CONN_HOLD: they go to the CPU, which knows better for now
 * @NSIM_FLOW_CONN_STOP: they go to the CPU, and the core has been told
 */
enum nsim_flow_conn_phase {
	NSIM_FLOW_CONN_HALF,
	NSIM_FLOW_CONN_RUN,
	NSIM_FLOW_CONN_HOLD,
	NSIM_FLOW_CONN_STOP,
};

/**
 * struct nsim_flow_conn - connection that the ASIC has claimed
 * @node: in &nsim_flow_conns.by_handle
 * @handle: name that the core has for it
 * @conns: those of the ASIC
 * @entries: directions in the table; under &flow_ft.lock
 * @asked: directions that there will be; under &flow_ft.lock
 * @l4proto: IPPROTO_*
 * @has_state: the state is the ASIC's, not only the timer
 * @timeout: time without packets after which it is given back, jiffies
 * @expires: the same by its state, as in &flow_ft_conn
 * @age: in &nsim_flow_conns.wheel
 * @pending: in &nsim_flow_conns.pending; under &nsim_flow_conns.lock
 * @lock: protects the members below
 * @counts: of the entries, by direction
 * @state: state of the connection
 * @phase: what becomes of packets
 * @event: what the core is to be told
 * @held: jiffies since when packets go to the CPU, of UDP when the last did
 * @ahead: packets were forwarded since the state was taken from the core
 * @syn: directions of SYNs that went there, bits
 * @punted: packets that went there, to see whether there were some
 * @tried: @punted when the state was asked for last
 * @told: the core has the state as it is
 * @late: packets have gone to the CPU since
 * @lastused: jiffies of the last packet, whoever forwarded it
 * @rcu: for the deferred free
 */
struct nsim_flow_conn {
	struct rhash_head		node;
	u64				handle;
	struct nsim_flow_conns		*conns;
	unsigned int			entries;
	unsigned int			asked;
	u8				l4proto;
	bool				has_state;
	unsigned long			timeout;
	u32				expires[TCP_CONNTRACK_TIMEOUT_MAX];
	struct list_head		age;
	struct list_head		pending;
	spinlock_t			lock; /* protects what follows */
	struct flow_ft_counts		*counts[2];
	struct flow_ft_conn_state	state;
	enum nsim_flow_conn_phase	phase;
	enum flow_ft_event		event;
	unsigned long			held;
	bool				ahead;
	u8				syn;
	unsigned int			punted;
	unsigned int			tried;
	bool				told;
	bool				late;
	unsigned long			lastused;
	struct rcu_head			rcu;
};

/**
 * struct nsim_flow_entry - what the ASIC keeps with an entry
 * @conn: connection, NULL if it is not claimed
 * @dir: direction of the entry
 */
struct nsim_flow_entry {
	struct nsim_flow_conn	*conn;
	u8			dir;
};

/**
 * struct nsim_flow_conns - connections of the ASIC
 * @mode: enum nsim_flow_mode for connections to come
 * @by_handle: struct nsim_flow_conn
 * @lock: protects @pending; nests inside all other locks
 * @pending: connections to report
 * @report_lock: makes reports go out in order; taken before @age_lock
 * @batch: those that go out next; under @report_lock
 * @age_lock: protects @wheel; taken before the connections'
 * @wheel: connections by the time when they may expire
 * @now: slot that was looked at last; under @age_lock
 * @age_work: looks at the next one
 * @drop_reports: number of reports to lose
 * @report_delay_us: time that a batch of reports takes to get to the core
 * @claimed: connections claimed
 * @unclaimed: entries whose connection could not be claimed
 * @reports: reports made
 * @batches: times that the core was called for that
 * @reports_stale: reports of connections that the core did not know any more
 * @reports_dropped: reports lost by @drop_reports
 * @resyncs: times that the state was taken from the core
 * @queries: times that the core has asked for a connection
 */
struct nsim_flow_conns {
	enum nsim_flow_mode	mode;
	struct rhashtable	by_handle;
	spinlock_t		lock; /* see above */
	struct list_head	pending;
	spinlock_t		report_lock; /* see above */
	struct flow_ft_report	batch[NSIM_FLOW_BATCH];
	spinlock_t		age_lock; /* see above */
	struct list_head	wheel[NSIM_FLOW_WHEEL];
	unsigned int		now;
	struct delayed_work	age_work;
	atomic_t		drop_reports;
	u32			report_delay_us;
	atomic64_t		claimed;
	atomic64_t		unclaimed;
	atomic64_t		reports;
	atomic64_t		batches;
	atomic64_t		reports_stale;
	atomic64_t		reports_dropped;
	atomic64_t		resyncs;
	atomic64_t		queries;
};

/* Is there something that the core has to hear, or is being told by another CPU
 * and must have heard before it sees a packet?
 */
static inline bool nsim_flow_conn_pending(const struct nsim_flow_conns *conns,
					  bool punt)
{
	return !list_empty(&conns->pending) ||
	       (punt && atomic_read(&conns->by_handle.nelems));
}

static inline struct nsim_flow_entry *
nsim_flow_entry(const struct flow_ft_entry *entry)
{
	return (struct nsim_flow_entry *)entry->priv;
}

/* flow_conn.c - life of a connection, and what the core hears of it */
int nsim_flow_conns_init(struct nsim_flow *flow);
void nsim_flow_conns_exit(struct nsim_flow *flow);
void nsim_flow_conn_add(struct nsim_flow_conns *conns,
			struct flow_ft_entry *entry);
void nsim_flow_conn_leave(struct flow_ft_entry *entry);
void nsim_flow_conn_del(struct flow_ft_entry *entry);
bool nsim_flow_conn_keep(const struct nsim_flow_conns *conns,
			 const struct flow_ft_entry *entry);
bool nsim_flow_conn_is_tracked(const struct flow_ft_entry *entry);
bool nsim_flow_conn_rcv(const struct flow_ft_entry *entry,
			const struct sk_buff *skb,
			const struct nsim_flow_pkt *pkt);
void nsim_flow_conn_fake_idle(struct flow_ft_entry *entry,
			      unsigned long idle);
void nsim_flow_conn_exception(const struct flow_ft_entry *entry,
			      const struct nsim_flow_pkt *pkt);
void nsim_flow_conn_resume(struct nsim_flow_conn *conn);
void nsim_flow_conn_stop(struct nsim_flow_conn *conn, enum flow_ft_event event);
void nsim_flow_conn_report(struct nsim_flow_conns *conns);

/* flow_age.c - when a connection expires */
unsigned long nsim_flow_age_limit(const struct nsim_flow_conn *conn);
void nsim_flow_age_init(struct nsim_flow_conns *conns);
void nsim_flow_age_exit(struct nsim_flow_conns *conns);
void nsim_flow_age_add(struct nsim_flow_conn *conn);
void nsim_flow_age_del(struct nsim_flow_conn *conn);

/* flow_conn_debugfs.c */
void nsim_flow_conn_debugfs_init(struct nsim_flow *flow);

/* flow_track.c - what a packet does to the state of a connection */
bool nsim_flow_track_tcp(struct flow_ft_tcp *tcp, const struct sk_buff *skb,
			 const struct nsim_flow_pkt *pkt, u8 dir);
bool nsim_flow_track_udp(struct flow_ft_udp *udp, const struct sk_buff *skb,
			 const struct nsim_flow_pkt *pkt, u8 dir);

/* flow_hidden.c - packets whose flow the parser does not tell */
void nsim_flow_conn_hidden(struct nsim_flow_port *port,
			   const struct sk_buff *skb, struct nsim_flow_pkt *pkt,
			   enum nsim_flow_counter verdict);

#endif /* _NSIM_FLOW_CONN_H */
