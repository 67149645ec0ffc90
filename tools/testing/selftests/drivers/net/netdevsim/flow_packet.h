/* SPDX-License-Identifier: GPL-2.0 */
/* What flow_frames and flow_storm share: those that send and receive frames. */
#ifndef _FLOW_PACKET_H
#define _FLOW_PACKET_H

#include <arpa/inet.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>

#include "flow_traffic.h"

/* NS:IF: go there, and tell the index of the device. */
static inline int enter_port(const char *where)
{
	const char *dev = strchr(where, ':');
	char ns[NAME_MAX];
	int ifindex;

	errno = EINVAL;
	if (!dev || dev - where >= NAME_MAX)
		die("%s", where);
	memcpy(ns, where, dev - where);
	ns[dev - where] = '\0';
	enter_netns(ns);
	ifindex = if_nametoindex(dev + 1);
	if (!ifindex)
		die("%s", where);
	return ifindex;
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
