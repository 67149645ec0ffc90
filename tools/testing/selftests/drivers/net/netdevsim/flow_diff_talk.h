/* SPDX-License-Identifier: GPL-2.0 */
/* Conversations of flow_differential: what two ends may say to each other, and
 * what others may say in their name. Depends on a seed only.
 */
#ifndef _FLOW_DIFF_TALK_H
#define _FLOW_DIFF_TALK_H

#include "flow_diff_ct.h"

#define STEPS_MAX	32
#define HISTORY		96
#define CONVS		64	/* of a round */
#define CLIENT_PORT	10000
#define STREAM_MS	2000	/* of conntrack */

enum op { OP_SEND, OP_MARK, OP_DELETE };

struct step {
	const char	*what;		/* the case */
	enum op		op;
	struct packet	pkt;
};

struct tcp_end {
	uint32_t	isn;
	uint32_t	next;
	uint32_t	acked;
	uint16_t	win;
	uint8_t		scale;
};

/* What is not in the flowtable, any more or yet, is offered to hardware with
 * the next packet that conntrack accepts.
 */
enum reclaim { RECLAIM_NEXT = 1, RECLAIM_NOW };

enum phase { OPEN, CLAIM, TALK, CLOSE, LATE, DONE };

struct conv {
	unsigned int	index;
	uint64_t	rng;
	bool		udp;
	bool		lazy;		/* asked for at its end only */
	bool		eager;		/* waits for hardware at its end only */
	bool		sack;
	bool		stamped;	/* has timestamps */
	bool		late;		/* the first reply, if there is one */
	enum reclaim	reclaim;
	bool		refused;
	bool		wild;		/* something strange was said */
	bool		broken;
	bool		gone;		/* deleted, and picked up again */
	bool		picked_up;	/* ... and not opened anew */
	bool		known;		/* what the server sees */
	bool		stream;		/* UDP that becomes one */
	enum phase	phase;
	int		left;
	int		reopens;
	int		replies;
	uint16_t	id;
	long long	ripe;
	long long	born;		/* its first packet, at the earliest */
	long long	born_by;	/* ... and at the latest */
	unsigned int	took;		/* ms: the last packet to all routers */
	unsigned int	skew;		/* ... those since one was accepted */
	int		claim_tries;
	struct ends	ends[SIDES];
	struct tcp_end	tcp[SIDES];
	struct step	steps[STEPS_MAX];
	unsigned int	head;
	unsigned int	tail;
	struct ct_event	events[2][CT_EVENTS];
	unsigned int	num_events[2];
	struct ct_info	plain;		/* as the plain router has it */
	long long	plain_at;	/* ... had it */
	bool		refused_last;
	char		history[HISTORY][96];
	unsigned int	num_history;
};

static inline uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0 to n - 1 */
static inline unsigned int draw(struct conv *c, unsigned int n)
{
	return (mix(&c->rng) >> 16) % n;
}

static inline bool one_in(struct conv *c, unsigned int n)
{
	return !draw(c, n);
}

static inline enum side_id any_side(struct conv *c)
{
	return draw(c, 2);
}

static inline bool has_step(const struct conv *c)
{
	return c->head != c->tail;
}

struct packet *say(struct conv *c, const char *what, enum side_id from);
unsigned int payload(struct conv *c);
struct packet *say_data(struct conv *c, const char *what, enum side_id from);
struct packet *say_fin(struct conv *c, const char *what, enum side_id from);
void talk(struct conv *c);

#endif /* _FLOW_DIFF_TALK_H */
