/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM flow_ft

#if !defined(_TRACE_FLOW_FT_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_FLOW_FT_H

#include <linux/tracepoint.h>
#include <net/flow_ft.h>
#include <net/flow_ft_conn.h>
#include <trace/events/flow_ft_addr.h>

/* A port was asked to take a rule whose packets come in by it: with err=0 it is
 * in hardware, otherwise text is what the driver had to say.
 */
TRACE_EVENT(flow_ft_install,

	TP_PROTO(const char *port, unsigned long cookie,
		 const struct flow_ft_tuple *tuple, int err, const char *text),

	TP_ARGS(port, cookie, tuple, err, text),

	TP_STRUCT__entry(
		__string(port, port)
		__field(const void *, cookie)
		__field(int, err)
		__field(u8, l4proto)
		__field(u16, vlan)
		__field(u16, inner_vlan)
		__field(u16, pppoe)
		__array(u8, src, sizeof(struct sockaddr_in6))
		__array(u8, dst, sizeof(struct sockaddr_in6))
		__string(text, text)
	),

	TP_fast_assign(
		__assign_str(port);
		__entry->cookie = (const void *)cookie;
		__entry->err = err;
		__entry->l4proto = tuple->l4proto;
		__entry->vlan = tuple->vlan[0].vid;
		__entry->inner_vlan = tuple->vlan[1].vid;
		__entry->pppoe = tuple->pppoe_sid;
		flow_ft_trace_addr(__entry->src, tuple->family, &tuple->src_v6,
				   tuple->sport);
		flow_ft_trace_addr(__entry->dst, tuple->family, &tuple->dst_v6,
				   tuple->dport);
		__assign_str(text);
	),

	TP_printk("port=%s cookie=%p proto=%u src=%pISpc dst=%pISpc vlan=%u.%u pppoe=%u err=%d text=%s",
		  __get_str(port), __entry->cookie, __entry->l4proto,
		  __entry->src, __entry->dst, __entry->vlan,
		  __entry->inner_vlan, __entry->pppoe, __entry->err,
		  __get_str(text))
);

/* A driver asked whose connection a rule is; with err=0 it is handle's. */
TRACE_EVENT(flow_ft_snapshot,

	TP_PROTO(unsigned long cookie, const struct flow_ft_conn *conn,
		 int err),

	TP_ARGS(cookie, conn, err),

	TP_STRUCT__entry(
		__field(u64, handle)
		__field(const void *, cookie)
		__field(int, err)
		__field(u8, dir)
	),

	TP_fast_assign(
		__entry->handle = err ? 0 : conn->handle;
		__entry->cookie = (const void *)cookie;
		__entry->err = err;
		__entry->dir = err ? 0 : conn->dir;
	),

	TP_printk("cookie=%p handle=%llx dir=%u err=%d",
		  __entry->cookie, __entry->handle, __entry->dir, __entry->err)
);

/* A driver wants to keep the timer, or timer and state, of a connection. */
TRACE_EVENT(flow_ft_claim,

	TP_PROTO(const struct flow_ft_conn *conn,
		 const struct flow_ft_claim *claim, int err),

	TP_ARGS(conn, claim, err),

	TP_STRUCT__entry(
		__field(u64, handle)
		__field(int, err)
		__field(u8, dir)
		__field(u8, flags)
	),

	TP_fast_assign(
		__entry->handle = conn->handle;
		__entry->err = err;
		__entry->dir = conn->dir;
		__entry->flags = claim->flags;
	),

	TP_printk("handle=%llx dir=%u flags=%s err=%d",
		  __entry->handle, __entry->dir,
		  __print_flags(__entry->flags, "|",
				{ FLOW_FT_CLAIM_TIMER, "timer" },
				{ FLOW_FT_CLAIM_STATE, "state" }),
		  __entry->err)
);

#endif /* _TRACE_FLOW_FT_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
