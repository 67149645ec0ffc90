/* SPDX-License-Identifier: GPL-2.0 */
/* What flow_differential asks of ctnetlink: one connection at a time. */
#ifndef _FLOW_DIFF_CT_H
#define _FLOW_DIFF_CT_H

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "flow_diff_frame.h"

#define CT_EVENTS	24
/* Where a connection is forwarded is none of conntrack's state. */
#define CT_STATUS	(~(IPS_OFFLOAD | IPS_HW_OFFLOAD))

struct ct_info {
	bool		there;
	bool		shown;		/* time left, and the state of TCP */
	uint32_t	status;
	uint32_t	timeout;
	uint32_t	mark;
	int		state;		/* of TCP, or -1 */
	uint8_t		scale[2];
	uint64_t	packets[2];
	uint64_t	bytes[2];
	uint16_t	port[2];	/* of the original direction */
};

struct ct_event {
	int		type;		/* 'n', 'u', 'd' */
	struct ct_info	info;
};

int ct_socket(const char *ns, uint32_t groups);
void ct_parse(const struct nlmsghdr *nlh, struct ct_info *info);
void ct_get(int fd, const struct ends *ends, bool udp, struct ct_info *info);
int ct_delete(int fd, const struct ends *ends, bool udp);
int ct_flush(int fd);
int ct_set(int fd, const struct ends *ends, bool udp, int what, uint32_t value);
int ct_event_type(const struct nlmsghdr *nlh);
void ct_print(const char *what, const struct ct_info *info);

#endif /* _FLOW_DIFF_CT_H */
