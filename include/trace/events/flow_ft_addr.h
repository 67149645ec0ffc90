/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TRACE_FLOW_FT_ADDR_H
#define _TRACE_FLOW_FT_ADDR_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/socket.h>
#include <linux/string.h>

/* An end of a connection, as %pISpc prints it. */
static inline void flow_ft_trace_addr(void *to, u8 family, const void *addr,
				      __be16 port)
{
	struct sockaddr_in6 *sin6 = to;
	struct sockaddr_in *sin = to;

	memset(sin6, 0, sizeof(*sin6));
	if (family == AF_INET6) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = port;
		memcpy(&sin6->sin6_addr, addr, sizeof(sin6->sin6_addr));
	} else {
		sin->sin_family = AF_INET;
		sin->sin_port = port;
		memcpy(&sin->sin_addr, addr, sizeof(sin->sin_addr));
	}
}

#endif /* _TRACE_FLOW_FT_ADDR_H */
