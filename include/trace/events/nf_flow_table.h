/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nf_flow_table

#if !defined(_TRACE_NF_FLOW_TABLE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_NF_FLOW_TABLE_H

#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/skbuff.h>
#include <linux/tracepoint.h>
#include <net/flow_ft_conn.h>
#include <net/netfilter/nf_flow_table.h>
#include <net/tcp.h>
#include <trace/events/flow_ft_addr.h>

/* Of UDP; of TCP as conntrack has them. */
#define NF_FLOW_HW_STATE_UNREPLIED	0x80
#define NF_FLOW_HW_STATE_REPLIED	0x81
#define NF_FLOW_HW_STATE_STREAM		0x82
#define NF_FLOW_HW_STATE_UNKNOWN	0xff

TRACE_DEFINE_ENUM(FLOW_FT_UPDATE);
TRACE_DEFINE_ENUM(FLOW_FT_CLOSING);
TRACE_DEFINE_ENUM(FLOW_FT_CLOSED);
TRACE_DEFINE_ENUM(FLOW_FT_AGED);
TRACE_DEFINE_ENUM(FLOW_FT_EVICTED);
TRACE_DEFINE_ENUM(TCP_CONNTRACK_NONE);
TRACE_DEFINE_ENUM(TCP_CONNTRACK_SYN_SENT);
TRACE_DEFINE_ENUM(TCP_CONNTRACK_SYN_RECV);
TRACE_DEFINE_ENUM(TCP_CONNTRACK_ESTABLISHED);
TRACE_DEFINE_ENUM(TCP_CONNTRACK_FIN_WAIT);
TRACE_DEFINE_ENUM(TCP_CONNTRACK_CLOSE_WAIT);
TRACE_DEFINE_ENUM(TCP_CONNTRACK_LAST_ACK);
TRACE_DEFINE_ENUM(TCP_CONNTRACK_TIME_WAIT);
TRACE_DEFINE_ENUM(TCP_CONNTRACK_CLOSE);
TRACE_DEFINE_ENUM(TCP_CONNTRACK_LISTEN);

#define show_nf_flow_hw_event(event)				\
	__print_symbolic(event,					\
		{ FLOW_FT_UPDATE, "update" },			\
		{ FLOW_FT_CLOSING, "closing" },			\
		{ FLOW_FT_CLOSED, "closed" },			\
		{ FLOW_FT_AGED, "aged" },			\
		{ FLOW_FT_EVICTED, "evicted" })

#define show_nf_flow_hw_state(state)				\
	__print_symbolic(state,					\
		{ TCP_CONNTRACK_NONE, "NONE" },			\
		{ TCP_CONNTRACK_SYN_SENT, "SYN_SENT" },		\
		{ TCP_CONNTRACK_SYN_RECV, "SYN_RECV" },		\
		{ TCP_CONNTRACK_ESTABLISHED, "ESTABLISHED" },	\
		{ TCP_CONNTRACK_FIN_WAIT, "FIN_WAIT" },		\
		{ TCP_CONNTRACK_CLOSE_WAIT, "CLOSE_WAIT" },	\
		{ TCP_CONNTRACK_LAST_ACK, "LAST_ACK" },		\
		{ TCP_CONNTRACK_TIME_WAIT, "TIME_WAIT" },	\
		{ TCP_CONNTRACK_CLOSE, "CLOSE" },		\
		{ TCP_CONNTRACK_LISTEN, "SYN_SENT2" },		\
		{ NF_FLOW_HW_STATE_UNREPLIED, "UNREPLIED" },	\
		{ NF_FLOW_HW_STATE_REPLIED, "REPLIED" },	\
		{ NF_FLOW_HW_STATE_STREAM, "STREAM" },		\
		{ NF_FLOW_HW_STATE_UNKNOWN, "-" })

#ifdef CREATE_TRACE_POINTS
static inline u8 nf_flow_hw_trace_state(const struct flow_ft_report *report,
					u8 l4proto)
{
	if (!report->has_state)
		return NF_FLOW_HW_STATE_UNKNOWN;

	switch (l4proto) {
	case IPPROTO_TCP:
		return report->state.tcp.state;
	case IPPROTO_UDP:
		return report->state.udp.stream ? NF_FLOW_HW_STATE_STREAM :
		       report->state.udp.replied ? NF_FLOW_HW_STATE_REPLIED :
		       NF_FLOW_HW_STATE_UNREPLIED;
	default:
		return NF_FLOW_HW_STATE_UNKNOWN;
	}
}

static inline u8 nf_flow_hw_trace_tcp(const struct sk_buff *skb, u8 l4proto,
				      unsigned int thoff)
{
	return l4proto == IPPROTO_TCP ?
	       tcp_flag_byte(skb_network_header(skb) + thoff) : 0;
}
#endif

/* Hardware has said something of a connection; accepted=0: of one that it does
 * not have any more, and nobody believed it.
 */
TRACE_EVENT(nf_flow_hw_report,

	TP_PROTO(const struct flow_ft_report *report, u8 l4proto,
		 bool accepted),

	TP_ARGS(report, l4proto, accepted),

	TP_STRUCT__entry(
		__field(u64, handle)
		__field(u64, packets)
		__field(u64, bytes)
		__field(u64, reply_packets)
		__field(u64, reply_bytes)
		__field(unsigned int, idle)
		__field(u8, event)
		__field(u8, state)
		__field(bool, accepted)
	),

	TP_fast_assign(
		__entry->handle = report->handle;
		__entry->packets = report->packets[0];
		__entry->bytes = report->bytes[0];
		__entry->reply_packets = report->packets[1];
		__entry->reply_bytes = report->bytes[1];
		__entry->idle = jiffies_to_msecs(report->idle);
		__entry->event = report->event;
		__entry->state = nf_flow_hw_trace_state(report, l4proto);
		__entry->accepted = accepted;
	),

	TP_printk("handle=%llx event=%s state=%s idle_ms=%u packets=%llu/%llu bytes=%llu/%llu accepted=%d",
		  __entry->handle,
		  show_nf_flow_hw_event(__entry->event),
		  show_nf_flow_hw_state(__entry->state),
		  __entry->idle, __entry->packets, __entry->reply_packets,
		  __entry->bytes, __entry->reply_bytes, __entry->accepted)
);

/* Conntrack has a connection back that has closed or expired in hardware;
 * lost=1: no report said so, the core has asked.
 */
TRACE_EVENT(nf_flow_hw_expire,

	TP_PROTO(const struct flow_ft_report *report, long left, bool lost),

	TP_ARGS(report, left, lost),

	TP_STRUCT__entry(
		__field(u64, handle)
		__field(unsigned int, idle)
		__field(unsigned int, left)
		__field(u8, event)
		__field(bool, lost)
	),

	TP_fast_assign(
		__entry->handle = report->handle;
		__entry->idle = jiffies_to_msecs(report->idle);
		__entry->left = jiffies_to_msecs(left);
		__entry->event = report->event;
		__entry->lost = lost;
	),

	TP_printk("handle=%llx event=%s idle_ms=%u left_ms=%u lost=%d",
		  __entry->handle,
		  show_nf_flow_hw_event(__entry->event),
		  __entry->idle, __entry->left, __entry->lost)
);

/* Hardware has handed over a packet of a connection that it has claimed, and
 * conntrack judges it.
 */
TRACE_EVENT(nf_flow_hw_exception,

	TP_PROTO(const struct flow_offload_tuple *tuple,
		 const struct sk_buff *skb, unsigned int thoff),

	TP_ARGS(tuple, skb, thoff),

	TP_STRUCT__entry(
		__field(const void *, cookie)
		__field(u8, dir)
		__field(u8, l4proto)
		__field(u8, flags)
		__array(u8, src, sizeof(struct sockaddr_in6))
		__array(u8, dst, sizeof(struct sockaddr_in6))
	),

	TP_fast_assign(
		__entry->cookie = tuple;
		__entry->dir = tuple->dir;
		__entry->l4proto = tuple->l4proto;
		__entry->flags = nf_flow_hw_trace_tcp(skb, tuple->l4proto,
						      thoff);
		flow_ft_trace_addr(__entry->src, tuple->l3proto,
				   &tuple->src_v6, tuple->src_port);
		flow_ft_trace_addr(__entry->dst, tuple->l3proto,
				   &tuple->dst_v6, tuple->dst_port);
	),

	TP_printk("cookie=%p dir=%u proto=%u src=%pISpc dst=%pISpc tcp_flags=0x%02x",
		  __entry->cookie, __entry->dir, __entry->l4proto,
		  __entry->src, __entry->dst, __entry->flags)
);

#endif /* _TRACE_NF_FLOW_TABLE_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
