/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _NET_FLOW_FT_CONN_H
#define _NET_FLOW_FT_CONN_H

#include <linux/bits.h>
#include <linux/types.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

/**
 * DOC: connections that hardware tracks
 *
 * A flowtable hands over forwarding, and goes on asking once a second whether
 * a flow is still in use. Hardware that keeps TCP state and timers can take
 * over both: in REPLACE, and before it is programmed, the driver asks for a
 * snapshot of the connection and claims it. From then on the core does not
 * poll, and hears of the connection by reports.
 *
 * Rules have cookies, connections have handles. A cookie is known while the
 * callback for FLOW_CLS_REPLACE runs, only then, and only to those who got it
 * from a flowtable: asking for any other one is safe and fails with -ENOENT. A
 * handle is not used again before four billion others; one of a connection that
 * is gone is stale, and what is said of it is ignored.
 *
 * The connection is the hardware's when each direction that the flowtable asks
 * for is claimed by the same owner. Until then hardware must hand TCP packets
 * with FIN, RST or SYN to the CPU, or all packets if it is to track the state.
 * A claim of one direction that hardware cannot keep is given up by
 * FLOW_FT_EVICTED. When REPLACE fails the core drops the claim
 * that was made in it. All claims end before the callback for FLOW_CLS_DESTROY
 * has returned for the last direction, or the binding is gone.
 *
 * Packets that hardware cannot judge it hands to the CPU, where conntrack sees
 * them, after it has reported the state that it has. They may change what
 * conntrack knows, so hardware that tracks the state hands over all packets of
 * the connection from then on, until it has got the state again by a resync.
 *
 * Nothing here needs nf_flow_table or nf_conntrack to be there: without them,
 * or while they are unloaded, a driver hears -EOPNOTSUPP and goes on as for a
 * core that polls.
 */

/**
 * enum flow_ft_tcp_last - kind of the TCP packet seen last
 * @FLOW_FT_TCP_LAST_SYN: SYN without ACK
 * @FLOW_FT_TCP_LAST_SYNACK: SYN and ACK
 * @FLOW_FT_TCP_LAST_FIN: FIN
 * @FLOW_FT_TCP_LAST_ACK: ACK, and none of the others
 * @FLOW_FT_TCP_LAST_RST: RST, whatever else is set
 * @FLOW_FT_TCP_LAST_NONE: none of these
 */
enum flow_ft_tcp_last {
	FLOW_FT_TCP_LAST_SYN,
	FLOW_FT_TCP_LAST_SYNACK,
	FLOW_FT_TCP_LAST_FIN,
	FLOW_FT_TCP_LAST_ACK,
	FLOW_FT_TCP_LAST_RST,
	FLOW_FT_TCP_LAST_NONE,
};

/**
 * struct flow_ft_tcp_dir - what the sender of one direction may do
 * @end: highest sequence number sent, plus one
 * @maxend: highest sequence number that the receiver allows, plus one
 * @maxwin: largest window that the sender has advertised, scaled, never 0
 * @maxack: highest acknowledgment sent, valid if @flags says so
 * @scale: window scale of the sender
 * @flags: IP_CT_TCP_FLAG_* of the sender
 * @synced: the members above but @scale and the options in @flags are true;
 *	otherwise the next packet of this direction sets them
 *
 * All in host byte order.
 */
struct flow_ft_tcp_dir {
	u32	end;
	u32	maxend;
	u32	maxwin;
	u32	maxack;
	u8	scale;
	u8	flags;
	bool	synced;
};

/**
 * struct flow_ft_tcp - state of a TCP connection
 * @dir: by direction of the sender, 0 is that of the one who opened it
 * @state: enum tcp_conntrack
 * @last_dir: direction of the packet seen last
 * @last: enum flow_ft_tcp_last of the packet seen last
 * @retrans: how often the packet seen last was repeated
 * @last_seq: sequence number of the last packet that was an ACK
 * @last_ack: its acknowledgment
 * @last_end: its sequence number plus length
 * @last_win: its window as it stands in the packet
 */
struct flow_ft_tcp {
	struct flow_ft_tcp_dir	dir[2];
	u8			state;
	u8			last_dir;
	u8			last;
	u8			retrans;
	u32			last_seq;
	u32			last_ack;
	u32			last_end;
	u16			last_win;
};

/**
 * enum flow_ft_udp_timeout - what the life of a UDP connection depends on
 * @FLOW_FT_UDP_NO_STREAM: it is not &flow_ft_udp.stream
 * @FLOW_FT_UDP_STREAM: it is
 */
enum flow_ft_udp_timeout {
	FLOW_FT_UDP_NO_STREAM,
	FLOW_FT_UDP_STREAM,
};

/**
 * struct flow_ft_udp - state of a UDP connection
 * @replied: packets were seen in both directions
 * @stream: ... and later than @stream_at
 * @stream_at: jiffies from which on it is a stream
 */
struct flow_ft_udp {
	bool		replied;
	bool		stream;
	unsigned long	stream_at;
};

/**
 * struct flow_ft_conn_state - state of a connection
 * @tcp: of TCP
 * @udp: of UDP
 */
struct flow_ft_conn_state {
	union {
		struct flow_ft_tcp	tcp;
		struct flow_ft_udp	udp;
	};
};

/**
 * struct flow_ft_conn - snapshot of a connection
 * @handle: name of the connection
 * @partner: cookie of the rule for the other direction, 0 if none will follow
 * @timeout: how long a connection without packets may stay in hardware, jiffies
 * @expires: how long it lives without packets, jiffies: of TCP by
 *	enum tcp_conntrack, of UDP by enum flow_ft_udp_timeout, of others the
 *	first one. Where it is less
 *	than @timeout, this is how long it may stay.
 * @mark: of the connection
 * @zone: of the connection
 * @dir: direction of the rule that is asked about
 * @l4proto: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_GRE
 * @liberal: packets outside of the window are not to be objected to
 * @state: state of the connection
 */
struct flow_ft_conn {
	u64				handle;
	unsigned long			partner;
	unsigned long			timeout;
	u32				expires[TCP_CONNTRACK_TIMEOUT_MAX];
	u32				mark;
	u16				zone;
	u8				dir;
	u8				l4proto;
	bool				liberal;
	struct flow_ft_conn_state	state;
};

/**
 * enum flow_ft_event - what a report says
 * @FLOW_FT_UPDATE: the state has changed, or packets were counted
 * @FLOW_FT_CLOSING: a TCP connection is being closed; it stays in hardware
 * @FLOW_FT_CLOSED: a TCP connection is closed. Hardware forwards no packet of
 *	it any more.
 * @FLOW_FT_AGED: no packet for as long as &flow_ft_conn.timeout. Hardware
 *	forwards no packet of it any more.
 * @FLOW_FT_EVICTED: hardware has no entry for it any more
 */
enum flow_ft_event {
	FLOW_FT_UPDATE,
	FLOW_FT_CLOSING,
	FLOW_FT_CLOSED,
	FLOW_FT_AGED,
	FLOW_FT_EVICTED,
};

/**
 * struct flow_ft_report - what hardware says of a connection
 * @handle: name of the connection
 * @event: what happened
 * @has_state: @state is valid; must be if it was claimed, other than while
 *	conntrack sees the packets and hardware does not
 * @state: state of the connection
 * @idle: time since the last packet, jiffies
 * @packets: packets by direction that the core has not heard of
 * @bytes: their L3 length
 */
struct flow_ft_report {
	u64				handle;
	enum flow_ft_event		event;
	bool				has_state;
	struct flow_ft_conn_state	state;
	unsigned long			idle;
	u64				packets[2];
	u64				bytes[2];
};

#define FLOW_FT_CLAIM_TIMER	BIT(0)	/* reports FLOW_FT_AGED */
#define FLOW_FT_CLAIM_STATE	BIT(1)	/* tracks the state; needs the timer */

/**
 * struct flow_ft_claim - what a driver takes over
 * @owner: who; claims for both directions must name the same one
 * @flags: FLOW_FT_CLAIM_*
 * @query: fill in a report, as it would be made now; of FLOW_FT_UPDATE if there
 *	is nothing special. Packets that it names are not named again. Returns
 *	false if it does not know the connection. May be NULL. Called under RCU
 *	with softirqs disabled, also from conntrack with locks of its own held:
 *	must not sleep, and not call flow_ft_conn_report().
 */
struct flow_ft_claim {
	void	*owner;
	u8	flags;
	bool	(*query)(void *owner, u64 handle,
			 struct flow_ft_report *report);
};

/**
 * struct flow_ft_conn_ops - who keeps the connections, nf_flow_table
 * @snapshot: see flow_ft_conn_snapshot()
 * @claim: see flow_ft_conn_claim()
 * @report: see flow_ft_conn_report()
 * @resync: see flow_ft_conn_resync()
 *
 * Called under RCU.
 */
struct flow_ft_conn_ops {
	int		(*snapshot)(unsigned long cookie,
				    struct flow_ft_conn *conn);
	int		(*claim)(struct flow_ft_conn *conn,
				 const struct flow_ft_claim *claim);
	unsigned int	(*report)(const struct flow_ft_report *reports,
				  unsigned int num);
	int		(*resync)(u64 handle, struct flow_ft_conn_state *state);
};

int flow_ft_conn_snapshot(unsigned long cookie, struct flow_ft_conn *conn);
int flow_ft_conn_claim(struct flow_ft_conn *conn,
		       const struct flow_ft_claim *claim);
int flow_ft_conn_resync(u64 handle, struct flow_ft_conn_state *state);
unsigned int flow_ft_conn_report(const struct flow_ft_report *reports,
				 unsigned int num);

void flow_ft_conn_register(const struct flow_ft_conn_ops *ops);
void flow_ft_conn_unregister(void);

#endif /* _NET_FLOW_FT_CONN_H */
