/* SPDX-License-Identifier: GPL-2.0 */
/* Frames of flow_differential: made from what a packet says, and compared. */
#ifndef _FLOW_DIFF_FRAME_H
#define _FLOW_DIFF_FRAME_H

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

#define FRAME_MAX	2048
#define PIECES_MAX	2

enum side_id { CLIENT, SERVER, SIDES };

/* Addresses and ports of a connection, as one of its ends sees it */
struct ends {
	int		family;
	struct in6_addr	addr[SIDES];
	uint16_t	port[SIDES];
};

enum quirk {
	QUIRK_NONE,
	QUIRK_BAD_SUM,		/* of TCP or UDP */
	QUIRK_NO_SUM,		/* of UDP */
	QUIRK_BAD_IP_SUM,
	QUIRK_OPTIONS,		/* of IP */
	QUIRK_FRAGMENTS,
	QUIRK_FRAGMENTS_BACK,	/* the last one first */
	QUIRK_PADDED,		/* behind the packet */
	QUIRK_DOFF,		/* a TCP header that is too long */
};

/* By an end, about what it has got */
enum icmp_error {
	ICMP_NONE, ICMP_PORT, ICMP_HOST, ICMP_BIG, ICMP_TIME, ICMP_ERRORS
};

struct packet {
	enum side_id	from;
	bool		udp;
	uint8_t		flags;
	uint8_t		ttl;
	uint16_t	win;
	uint16_t	id;
	uint32_t	seq;
	uint32_t	ack;
	unsigned int	len;
	uint32_t	sack[2];	/* a block, if they differ */
	int		scale;		/* in a SYN; -1: not offered */
	bool		sack_perm;
	bool		stamped;
	uint32_t	stamps[2];	/* its time, and that of the peer */
	enum icmp_error	icmp;		/* seq and ack are of what it quotes */
	enum quirk	quirk;
	bool		doubt;		/* may not come out */
};

struct frame {
	enum side_id	side;		/* that it came out at */
	unsigned int	len;
	uint8_t		data[FRAME_MAX];
};

extern const uint8_t flow_macs[SIDES][2][ETH_ALEN];

unsigned int put_packet(const struct ends *ends, const struct packet *pkt,
			struct frame *frames);
bool learn_ends(const struct frame *f, struct ends *ends);
void forget_id(struct frame *f);
void dump_frame(const char *what, const struct frame *f);

#endif /* _FLOW_DIFF_FRAME_H */
