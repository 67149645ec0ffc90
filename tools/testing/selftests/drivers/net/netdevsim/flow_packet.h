/* SPDX-License-Identifier: GPL-2.0 */
/* What flow_frames and flow_storm share: those that send and receive frames. */
#ifndef _FLOW_PACKET_H
#define _FLOW_PACKET_H

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "flow_traffic.h"

/* NS:IF: a socket for all frames of protocol @proto there, with @option set */
static inline int open_port(const char *where, uint16_t proto, int option)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(proto),
	};
	int fd, size = 16 << 20, one = 1;
	const char *dev = strchr(where, ':');
	char ns[NAME_MAX];

	errno = EINVAL;
	if (!dev || dev - where >= NAME_MAX)
		die("%s", where);
	memcpy(ns, where, dev - where);
	ns[dev - where] = '\0';
	enter_netns(ns);

	sll.sll_ifindex = if_nametoindex(dev + 1);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
	if (!sll.sll_ifindex || fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_PACKET, option, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&sll, sizeof(sll)))
		die("%s", where);

	return fd;
}

/* The Internet checksum */
static inline uint32_t sum(const void *data, size_t len, uint32_t acc)
{
	const uint8_t *p = data;

	for (; len > 1; len -= 2, p += 2)
		acc += p[0] << 8 | p[1];
	if (len)
		acc += p[0] << 8;
	return acc;
}

static inline uint16_t fold(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return htons(~acc);
}

#endif /* _FLOW_PACKET_H */
