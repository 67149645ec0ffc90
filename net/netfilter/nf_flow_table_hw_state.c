// SPDX-License-Identifier: GPL-2.0-only
/* What hardware knows of a connection, and what conntrack does. */

#include <kunit/visibility.h>
#include <linux/netfilter.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_timeout.h>
#include <net/tcp.h>

#include "nf_flow_table_hw.h"

static void nf_flow_hw_get_tcp_dir(const struct ip_ct_tcp_state *seen,
				   struct flow_ft_tcp_dir *dir)
{
	dir->end	= seen->td_end;
	dir->maxend	= seen->td_maxend;
	dir->maxwin	= seen->td_maxwin;
	dir->maxack	= seen->td_maxack;
	dir->scale	= seen->td_scale;
	/* The expression that offloads sets it, for want of hardware that
	 * tracks windows.
	 */
	dir->flags	= seen->flags & ~IP_CT_TCP_FLAG_BE_LIBERAL;
	dir->synced	= seen->td_maxwin;
}

static void nf_flow_hw_get_tcp(struct nf_conn *ct, struct flow_ft_tcp *tcp)
{
	const struct ip_ct_tcp *seen = &ct->proto.tcp;
	int dir;

	spin_lock_bh(&ct->lock);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		nf_flow_hw_get_tcp_dir(&seen->seen[dir], &tcp->dir[dir]);
	tcp->state	= seen->state;
	tcp->last_dir	= seen->last_dir;
	tcp->last	= seen->last_index;
	tcp->retrans	= seen->retrans;
	tcp->last_seq	= seen->last_seq;
	tcp->last_ack	= seen->last_ack;
	tcp->last_end	= seen->last_end;
	tcp->last_win	= seen->last_win;
	spin_unlock_bh(&ct->lock);
}

/**
 * nf_flow_hw_get_state() - what conntrack knows of a connection
 * @ct: connection
 * @state: filled in; all zero for protocols without state
 *
 * Context: any but hard interrupt; takes ct->lock.
 */
void nf_flow_hw_get_state(struct nf_conn *ct, struct flow_ft_conn_state *state)
{
	unsigned long status = READ_ONCE(ct->status);

	memset(state, 0, sizeof(*state));
	switch (nf_ct_protonum(ct)) {
	case IPPROTO_TCP:
		nf_flow_hw_get_tcp(ct, &state->tcp);
		break;
	case IPPROTO_UDP:
		state->udp.replied = status & IPS_SEEN_REPLY;
		state->udp.stream = status & IPS_ASSURED;
		state->udp.stream_at = ct->proto.udp.stream_ts;
		break;
	}
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_get_state);

/* Both directions or none: conntrack takes what it does not know of the one
 * from packets of the other, but only if it knows nothing of either.
 */
static void nf_flow_hw_forget_windows(struct ip_ct_tcp *seen)
{
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		seen->seen[dir].td_maxwin = 0;
		seen->seen[dir].flags &= ~IP_CT_TCP_FLAG_MAXACK_SET;
		seen->seen[dir].flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
	}
}

/* Unless it was picked up in its middle: nobody knows its window scale. */
static void nf_flow_hw_be_strict(const struct flow_offload *flow)
{
	struct ip_ct_tcp *seen = &flow->ct->proto.tcp;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (!test_bit(NF_FLOW_LIBERAL_ORIGINAL + dir, &flow->flags))
			seen->seen[dir].flags &= ~IP_CT_TCP_FLAG_BE_LIBERAL;
}

/**
 * nf_flow_hw_start() - conntrack sees all that hardware does not report
 * @flow: flow of the connection
 * @missed: but it has missed packets before
 *
 * From here on it can be as strict as the user wants it to be, at once or when
 * it has seen packets of both directions.
 *
 * Context: any but hard interrupt; takes ct->lock.
 */
void nf_flow_hw_start(const struct flow_offload *flow, bool missed)
{
	struct nf_conn *ct = flow->ct;

	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return;

	spin_lock_bh(&ct->lock);
	if (missed)
		nf_flow_hw_forget_windows(&ct->proto.tcp);
	else
		nf_flow_hw_be_strict(flow);
	spin_unlock_bh(&ct->lock);
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_start);

/**
 * nf_flow_hw_started() - has conntrack seen packets of both directions?
 * @flow: flow of the connection, since nf_flow_hw_start()
 *
 * Context: any but hard interrupt; takes ct->lock.
 */
void nf_flow_hw_started(const struct flow_offload *flow)
{
	struct nf_conn *ct = flow->ct;
	struct ip_ct_tcp *seen = &ct->proto.tcp;

	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return;

	spin_lock_bh(&ct->lock);
	if (seen->seen[0].td_maxwin && seen->seen[1].td_maxwin)
		nf_flow_hw_be_strict(flow);
	spin_unlock_bh(&ct->lock);
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_started);

static u32 nf_flow_hw_later(u32 a, u32 b)
{
	return after(a, b) ? a : b;
}

/* All of them only ever grow, so who knows less is right as well. */
static void nf_flow_hw_merge_tcp_dir(struct ip_ct_tcp_state *seen,
				     const struct flow_ft_tcp_dir *dir,
				     enum nf_flow_hw_says says)
{
	u8 flags = dir->flags & ~IP_CT_TCP_FLAG_BE_LIBERAL;
	u32 end = dir->end;

	if (!seen->td_maxwin) {
		seen->td_end	= dir->end;
		seen->td_maxend	= dir->maxend;
		seen->td_maxwin	= dir->maxwin;
		seen->td_maxack	= dir->maxack;
		seen->flags	= flags |
				  (seen->flags & IP_CT_TCP_FLAG_BE_LIBERAL);
		return;
	}

	if (dir->flags & IP_CT_TCP_FLAG_MAXACK_SET) {
		seen->td_maxack = seen->flags & IP_CT_TCP_FLAG_MAXACK_SET ?
			nf_flow_hw_later(seen->td_maxack, dir->maxack) :
			dir->maxack;
		seen->flags |= IP_CT_TCP_FLAG_MAXACK_SET;
	}
	seen->flags |= flags & IP_CT_TCP_FLAG_CLOSE_INIT;
	/* What conntrack has seen since may have acknowledged it. */
	if (says == NF_FLOW_SAYS_BEFORE ? before(seen->td_end, end) :
					  !after(seen->td_end, end)) {
		seen->flags &= ~IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;
		seen->flags |= flags & IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;
	}
	seen->td_end	= nf_flow_hw_later(seen->td_end, end);
	seen->td_maxend	= nf_flow_hw_later(seen->td_maxend, dir->maxend);
	seen->td_maxwin	= max(seen->td_maxwin, dir->maxwin);
}

static void nf_flow_hw_merge_windows(struct ip_ct_tcp *seen,
				     const struct flow_ft_tcp *tcp,
				     enum nf_flow_hw_says says)
{
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		nf_flow_hw_merge_tcp_dir(&seen->seen[dir], &tcp->dir[dir],
					 says);
}

static void nf_flow_hw_set_windows(const struct flow_offload *flow,
				   const struct flow_ft_tcp *tcp,
				   enum nf_flow_hw_says says)
{
	struct ip_ct_tcp *seen = &flow->ct->proto.tcp;
	bool synced = tcp->dir[0].synced && tcp->dir[1].synced;

	switch (says) {
	case NF_FLOW_SAYS_HAS_IT:
	case NF_FLOW_SAYS_BEFORE:
		if (synced)
			nf_flow_hw_merge_windows(seen, tcp, says);
		return;
	case NF_FLOW_SAYS_HAD_IT:
		if (!synced)
			break;
		nf_flow_hw_merge_windows(seen, tcp, says);
		nf_flow_hw_be_strict(flow);
		return;
	case NF_FLOW_SAYS_LATE:
		/* Packets that conntrack has seen since have set it up. */
		if (!synced || seen->seen[0].td_maxwin ||
		    seen->seen[1].td_maxwin)
			return;
		nf_flow_hw_merge_windows(seen, tcp, says);
		nf_flow_hw_be_strict(flow);
		return;
	case NF_FLOW_SAYS_MAY_GO_ON:
		break;
	}

	nf_flow_hw_forget_windows(seen);
}

static void nf_flow_hw_set_tcp_last(struct ip_ct_tcp *seen,
				    const struct flow_ft_tcp *tcp)
{
	seen->last_dir		= tcp->last_dir;
	seen->last_index	= tcp->last;
	seen->retrans		= tcp->retrans;
	seen->last_seq		= tcp->last_seq;
	seen->last_ack		= tcp->last_ack;
	seen->last_end		= tcp->last_end;
	seen->last_win		= tcp->last_win;
}

static bool nf_flow_hw_set_tcp(const struct flow_offload *flow,
			       const struct flow_ft_tcp *tcp,
			       enum nf_flow_hw_says says)
{
	struct nf_conn *ct = flow->ct;
	struct ip_ct_tcp *seen = &ct->proto.tcp;
	bool changed = false;

	spin_lock_bh(&ct->lock);
	nf_flow_hw_set_windows(flow, tcp, says);
	/* Offloaded connections are established, and states are in the order
	 * in which they follow: what was sent to the CPU may be ahead.
	 */
	if (tcp->state > seen->state && tcp->state < TCP_CONNTRACK_LISTEN) {
		seen->state = tcp->state;
		changed = true;
	}
	if (says != NF_FLOW_SAYS_BEFORE && says != NF_FLOW_SAYS_LATE)
		nf_flow_hw_set_tcp_last(seen, tcp);
	spin_unlock_bh(&ct->lock);

	if (changed)
		nf_conntrack_event_cache(IPCT_PROTOINFO, ct);

	return changed;
}

static void nf_flow_hw_set_udp(struct nf_conn *ct,
			       const struct flow_ft_udp *udp)
{
	if (udp->replied && !test_and_set_bit(IPS_SEEN_REPLY_BIT, &ct->status))
		nf_conntrack_event_cache(IPCT_REPLY, ct);

	if (udp->stream && !test_bit(IPS_NAT_CLASH_BIT, &ct->status) &&
	    !test_and_set_bit(IPS_ASSURED_BIT, &ct->status))
		nf_conntrack_event_cache(IPCT_ASSURED, ct);
}

/**
 * nf_flow_hw_set_state() - tell conntrack what hardware knows
 * @flow: flow of the connection
 * @state: state as hardware has it
 * @says: how far to believe it
 *
 * Events are cached, and remain to be delivered.
 *
 * Context: any but hard interrupt; takes ct->lock.
 * Return: true if TCP has another state than before.
 */
bool nf_flow_hw_set_state(const struct flow_offload *flow,
			  const struct flow_ft_conn_state *state,
			  enum nf_flow_hw_says says)
{
	switch (nf_ct_protonum(flow->ct)) {
	case IPPROTO_TCP:
		return nf_flow_hw_set_tcp(flow, &state->tcp, says);
	case IPPROTO_UDP:
		nf_flow_hw_set_udp(flow->ct, &state->udp);
		break;
	}

	return false;
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_set_state);

/**
 * nf_flow_hw_unsync() - conntrack has missed packets of a connection
 * @ct: connection
 *
 * Context: any but hard interrupt; takes ct->lock.
 */
void nf_flow_hw_unsync(struct nf_conn *ct)
{
	struct ip_ct_tcp *seen = &ct->proto.tcp;
	int dir;

	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return;

	spin_lock_bh(&ct->lock);
	nf_flow_hw_forget_windows(seen);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		seen->seen[dir].flags &= ~IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;
	seen->retrans = 0;
	spin_unlock_bh(&ct->lock);
}

static bool nf_flow_hw_tcp_unacked(const struct ip_ct_tcp *seen)
{
	if (seen->last_index == FLOW_FT_TCP_LAST_RST &&
	    seen->state == TCP_CONNTRACK_ESTABLISHED)
		return true;

	return (seen->seen[0].flags | seen->seen[1].flags) &
	       IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;
}

static unsigned int nf_flow_hw_tcp_timeout(struct nf_conn *ct)
{
	const struct nf_tcp_net *tn = nf_tcp_pernet(nf_ct_net(ct));
	const struct ip_ct_tcp *seen = &ct->proto.tcp;
	const unsigned int *timeouts;
	unsigned int timeout;

	timeouts = nf_ct_timeout_lookup(ct) ?: tn->timeouts;
	spin_lock_bh(&ct->lock);
	timeout = timeouts[seen->state];
	if (seen->retrans >= READ_ONCE(tn->tcp_max_retrans) &&
	    timeout > timeouts[TCP_CONNTRACK_RETRANS])
		timeout = timeouts[TCP_CONNTRACK_RETRANS];
	else if (nf_flow_hw_tcp_unacked(seen) &&
		 timeout > timeouts[TCP_CONNTRACK_UNACK])
		timeout = timeouts[TCP_CONNTRACK_UNACK];
	else if (!seen->last_win && timeout > timeouts[TCP_CONNTRACK_RETRANS])
		timeout = timeouts[TCP_CONNTRACK_RETRANS];
	spin_unlock_bh(&ct->lock);

	return timeout;
}

/* Until it is a stream, it has the time of a connection without replies. */
static unsigned int nf_flow_hw_udp_timeout(struct nf_conn *ct)
{
	const struct nf_udp_net *un = nf_udp_pernet(nf_ct_net(ct));
	unsigned long status = READ_ONCE(ct->status);
	const unsigned int *timeouts;

	timeouts = nf_ct_timeout_lookup(ct) ?: un->timeouts;

	return timeouts[status & IPS_SEEN_REPLY && status & IPS_ASSURED ?
			UDP_CT_REPLIED : UDP_CT_UNREPLIED];
}

static unsigned int nf_flow_hw_gre_timeout(const struct nf_conn *ct)
{
#ifdef CONFIG_NF_CT_PROTO_GRE
	return test_bit(IPS_SEEN_REPLY_BIT, &ct->status) ?
	       ct->proto.gre.stream_timeout : ct->proto.gre.timeout;
#else
	return 0;
#endif
}

/**
 * nf_flow_hw_time_left() - when a connection expires that hardware has
 * @ct: connection, its state up to date
 * @idle: time since the last packet, jiffies
 *
 * Context: any but hard interrupt, under RCU; takes ct->lock.
 * Return: jiffies from now on, not negative.
 */
long nf_flow_hw_time_left(struct nf_conn *ct, unsigned long idle)
{
	unsigned int timeout = 0;

	switch (nf_ct_protonum(ct)) {
	case IPPROTO_TCP:
		timeout = nf_flow_hw_tcp_timeout(ct);
		break;
	case IPPROTO_UDP:
		timeout = nf_flow_hw_udp_timeout(ct);
		break;
	case IPPROTO_GRE:
		timeout = nf_flow_hw_gre_timeout(ct);
		break;
	}

	return timeout > idle ? timeout - idle : 0;
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_time_left);

/**
 * nf_flow_hw_get_expires() - how long a connection lives, by its state
 * @ct: connection
 * @expires: as in &flow_ft_conn.expires
 *
 * Context: as nf_flow_hw_time_left().
 */
void nf_flow_hw_get_expires(const struct nf_conn *ct, u32 *expires)
{
	const unsigned int *timeouts = nf_ct_timeout_lookup(ct);
	struct net *net = nf_ct_net(ct);

	switch (nf_ct_protonum(ct)) {
	case IPPROTO_TCP:
		memcpy(expires, timeouts ?: nf_tcp_pernet(net)->timeouts,
		       sizeof(nf_tcp_pernet(net)->timeouts));
		break;
	case IPPROTO_UDP:
		timeouts = timeouts ?: nf_udp_pernet(net)->timeouts;
		expires[FLOW_FT_UDP_NO_STREAM] = timeouts[UDP_CT_UNREPLIED];
		expires[FLOW_FT_UDP_STREAM] = timeouts[UDP_CT_REPLIED];
		break;
	default:
		expires[0] = nf_flow_hw_gre_timeout(ct);
		break;
	}
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_get_expires);

/**
 * nf_flow_hw_set_timeout() - give conntrack back its timer
 * @ct: connection, its state up to date
 * @idle: time since the last packet, jiffies
 *
 * Context: as nf_flow_hw_time_left().
 */
void nf_flow_hw_set_timeout(struct nf_conn *ct, unsigned long idle)
{
	if (test_bit(IPS_FIXED_TIMEOUT_BIT, &ct->status))
		return;

	WRITE_ONCE(ct->timeout,
		   nfct_time_stamp + (u32)nf_flow_hw_time_left(ct, idle));
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_set_timeout);

/**
 * nf_flow_hw_lower_timeout() - a connection that was given back is older by now
 * @ct: connection, its state up to date
 * @idle: time since the last packet, jiffies
 *
 * Context: as nf_flow_hw_time_left().
 */
void nf_flow_hw_lower_timeout(struct nf_conn *ct, unsigned long idle)
{
	u32 timeout = nfct_time_stamp + (u32)nf_flow_hw_time_left(ct, idle);
	u32 old = READ_ONCE(ct->timeout);

	if (!test_bit(IPS_FIXED_TIMEOUT_BIT, &ct->status) &&
	    (s32)(timeout - old) < 0)
		cmpxchg(&ct->timeout, old, timeout);
}
EXPORT_SYMBOL_IF_KUNIT(nf_flow_hw_lower_timeout);
