// SPDX-License-Identifier: GPL-2.0
/* What may be said, and happen, in a conversation of flow_differential. */
#include <netinet/tcp.h>
#include <string.h>

#include "flow_diff_talk.h"

static struct step *add_step(struct conv *c, const char *what, enum op op)
{
	struct step *s = &c->steps[c->tail++ % STEPS_MAX];

	memset(s, 0, sizeof(*s));
	s->what = what;
	s->op = op;
	return s;
}

/* An ACK of what has arrived, which may become something else */
struct packet *say(struct conv *c, const char *what, enum side_id from)
{
	struct tcp_end *me = &c->tcp[from], *peer = &c->tcp[!from];
	struct packet *pkt = &add_step(c, what, OP_SEND)->pkt;

	*pkt = (struct packet){
		.from = from,
		.udp = c->udp,
		.flags = TH_ACK,
		.ttl = 64,
		.win = me->win,
		.id = ++c->id,
		.seq = me->next,
		.ack = peer->next,
		.scale = -1,
		.stamped = c->stamped && !c->udp,
		.stamps = { c->id, c->id - 1 },
	};
	if (!c->udp)
		peer->acked = peer->next;
	return pkt;
}

static uint32_t window(const struct tcp_end *receiver)
{
	return (uint32_t)receiver->win << receiver->scale;
}

unsigned int payload(struct conv *c)
{
	return one_in(c, 8) ? 1 + draw(c, 1400) : 1 + draw(c, 200);
}

struct packet *say_data(struct conv *c, const char *what, enum side_id from)
{
	struct tcp_end *me = &c->tcp[from], *peer = &c->tcp[!from];
	unsigned int len = payload(c);
	struct packet *pkt;

	if (len > window(peer))
		len = window(peer);
	if (me->next - me->acked + len > window(peer))
		say(c, "ack", !from);
	pkt = say(c, what, from);
	pkt->len = len;
	if (one_in(c, 3))
		pkt->flags |= TH_PUSH;
	me->next += len;
	return pkt;
}

struct packet *say_fin(struct conv *c, const char *what, enum side_id from)
{
	struct packet *pkt = say(c, what, from);

	pkt->flags |= TH_FIN;
	c->tcp[from].next++;
	return pkt;
}

/* From here on: what may happen in a conversation of TCP */

static void tcp_data(struct conv *c)
{
	enum side_id from = any_side(c);
	int n = 1 + draw(c, 3);

	while (n--)
		say_data(c, "data", from);
	if (one_in(c, 2))
		say(c, "ack", !from);
}

static void tcp_ack(struct conv *c)
{
	say(c, "ack", any_side(c));
}

static void tcp_retransmit(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet *pkt, again = *say_data(c, "data", from);
	int n = 1 + draw(c, one_in(c, 4) ? 5 : 2);

	while (n--) {
		pkt = say(c, "retransmission", from);
		*pkt = again;
		pkt->id = ++c->id;
	}
	if (one_in(c, 2))
		say(c, "ack", !from);
}

static void tcp_dup_ack(struct conv *c)
{
	enum side_id from = any_side(c);
	int n = 2 + draw(c, 4);

	while (n--)
		say(c, "duplicate ACK", from);
}

static void tcp_keepalive(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet *pkt = say(c, "keepalive", from);

	pkt->seq--;
	pkt->len = one_in(c, 2);
	say(c, "answer to keepalive", !from);
}

static void tcp_zero_window(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet *pkt;
	int n = 1 + draw(c, 2);

	say(c, "zero window", !from)->win = 0;
	while (n--) {
		pkt = say(c, "zero window probe", from);
		if (one_in(c, 2))
			pkt->seq--;
		else
			pkt->len = 1;
		pkt->doubt = true;
		say(c, "zero window", !from)->win = 0;
	}
	say(c, "window opens", !from);
}

static void tcp_hole(struct conv *c)
{
	enum side_id from = any_side(c);
	uint32_t start = c->tcp[from].next, gap = 1 + draw(c, 600), len;
	struct packet *pkt;

	len = payload(c);
	if (gap + len > window(&c->tcp[!from]))
		return;
	say(c, "ack", !from);
	pkt = say(c, "data with a hole before it", from);
	pkt->seq += gap;
	pkt->len = len;
	pkt = say(c, "selective ACK", !from);
	if (c->sack) {
		pkt->sack[0] = start + gap;
		pkt->sack[1] = start + gap + len;
	}
	pkt = say(c, "data that fills a hole", from);
	pkt->len = gap;
	c->tcp[from].next += gap + len;
	say(c, "ack", !from);
}

static void tcp_old_data(struct conv *c)
{
	struct packet *pkt = say(c, "old data", any_side(c));

	pkt->len = payload(c);
	pkt->seq -= pkt->len + draw(c, one_in(c, 2) ? 1000 : 150000);
	pkt->doubt = true;
}

static void tcp_over_window(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet *pkt = say(c, "data beyond the window", from);

	pkt->seq += window(&c->tcp[!from]) - draw(c, 3) + draw(c, 2000);
	pkt->len = payload(c);
	pkt->doubt = true;
}

static void tcp_far_seq(struct conv *c)
{
	struct packet *pkt = say(c, "sequence number out of the blue",
				 any_side(c));

	pkt->seq = mix(&c->rng);
	pkt->len = payload(c);
	pkt->doubt = true;
}

static void tcp_future_ack(struct conv *c)
{
	struct packet *pkt = say(c, "ACK of what was not sent", any_side(c));

	pkt->ack += 1 + draw(c, 3000);
	pkt->doubt = true;
}

static void tcp_past_ack(struct conv *c)
{
	struct packet *pkt = say(c, "old ACK", any_side(c));

	pkt->ack -= 1 + draw(c, one_in(c, 2) ? 1000 : 200000);
	pkt->doubt = true;
}

static void tcp_urgent(struct conv *c)
{
	say_data(c, "URG", any_side(c))->flags |= TH_URG;
}

static void tcp_ecn(struct conv *c)
{
	say_data(c, "ECN", any_side(c))->flags |= 0x40 << draw(c, 2);
}

static void tcp_flags(struct conv *c)
{
	static const uint8_t flags[] = {
		0, TH_FIN, TH_SYN | TH_FIN, TH_SYN | TH_RST, TH_FIN | TH_RST,
		TH_URG, TH_PUSH, TH_FIN | TH_PUSH | TH_URG, 0x3f,
	};
	struct packet *pkt = say(c, "flags that make no sense", any_side(c));

	pkt->flags = flags[draw(c, ARRAY_SIZE(flags))];
	pkt->doubt = true;
}

static void tcp_bad_sum(struct conv *c)
{
	struct packet *pkt = say_data(c, "bad checksum", any_side(c));
	struct packet again = *pkt;

	pkt->quirk = QUIRK_BAD_SUM;
	pkt->doubt = true;
	*say(c, "retransmission", again.from) = again;
}

static void tcp_bad_ip_sum(struct conv *c)
{
	struct packet *pkt = say(c, "bad IP checksum", any_side(c));

	pkt->quirk = QUIRK_BAD_IP_SUM;
	pkt->doubt = true;
}

static void tcp_doff(struct conv *c)
{
	struct packet *pkt = say(c, "header longer than packet", any_side(c));

	pkt->quirk = QUIRK_DOFF;
	pkt->doubt = true;
}

static void tcp_ttl(struct conv *c)
{
	struct packet *pkt = say_data(c, "TTL", any_side(c));

	pkt->ttl = 1 + draw(c, 2);
	pkt->doubt = true;
}

static void tcp_options(struct conv *c)
{
	say_data(c, "IP options", any_side(c))->quirk = QUIRK_OPTIONS;
}

static void tcp_fragments(struct conv *c)
{
	struct packet *pkt = say_data(c, "fragments", any_side(c));

	pkt->quirk = QUIRK_FRAGMENTS + draw(c, 2);
	pkt->doubt = true;
}

static void tcp_padded(struct conv *c)
{
	say_data(c, "padding", any_side(c))->quirk = QUIRK_PADDED;
}

static void tcp_far_rst(struct conv *c)
{
	struct packet *pkt = say(c, "RST out of the window", any_side(c));

	pkt->seq += one_in(c, 2) ? mix(&c->rng) : 0x40000000;
	pkt->flags = one_in(c, 2) ? TH_RST : TH_RST | TH_ACK;
	pkt->doubt = true;
}

static void tcp_near_rst(struct conv *c)
{
	struct packet *pkt = say(c, "RST in the window, but not exact",
				 any_side(c));

	pkt->seq += 1 + draw(c, 100);
	pkt->flags = TH_RST;
	pkt->doubt = true;
	if (one_in(c, 2))
		say(c, "challenge ACK", !pkt->from);
}

static void tcp_syn_again(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet *pkt = say(c, "SYN on an open connection", from);

	pkt->flags = TH_SYN;
	pkt->seq = one_in(c, 2) ? c->tcp[from].isn : mix(&c->rng);
	pkt->doubt = true;
	if (one_in(c, 2))
		say(c, "challenge ACK", !from);
}

static void tcp_synack_again(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet *pkt = say(c, "SYN and ACK on an open connection", from);

	pkt->flags = TH_SYN | TH_ACK;
	pkt->seq = c->tcp[from].isn;
	pkt->doubt = true;
}

/* The port of the server takes 1500 bytes, and that of the client 2000. It goes
 * nowhere, so its bytes are still to come.
 */
static void tcp_large(struct conv *c)
{
	struct packet *pkt = say(c, "larger than the MTU", CLIENT);

	pkt->len = 1461 + draw(c, 200);
	pkt->doubt = true;
}

/* About the last packet of the other side */
static void any_icmp(struct conv *c)
{
	enum side_id from = any_side(c);
	uint32_t acked = c->tcp[!from].acked;
	struct packet *pkt = say(c, "ICMP error", from);

	c->tcp[!from].acked = acked;
	pkt->icmp = ICMP_PORT + draw(c, ICMP_ERRORS - ICMP_PORT);
	pkt->seq = c->tcp[!from].next;
	pkt->ack = c->tcp[from].next;
	pkt->len = draw(c, 30);
	pkt->doubt = true;
}

static void any_mark(struct conv *c)
{
	add_step(c, "mark", OP_MARK);
}

/* Who is translated must speak first then: to the server's packets his address
 * is the router's. And nothing may close what is picked up before its end: what
 * the server says after that is a connection of its own, and makes the router
 * choose another port for the client, at random.
 */
static void any_delete(struct conv *c)
{
	if (!c->udp)
		say(c, "ack", SERVER);
	add_step(c, "deletion", OP_DELETE);
	c->gone = true;
	if (c->udp)
		say(c, "data", CLIENT)->len = payload(c);
	else
		say_data(c, "data", CLIENT);
	c->picked_up = !c->udp;
}

struct action {
	void	(*act)(struct conv *c);
	int	weight;
	bool	closes;		/* what was picked up in its middle */
};

static const struct action tcp_actions[] = {
	{ tcp_data, 240 }, { tcp_ack, 30 }, { tcp_retransmit, 15 },
	{ tcp_dup_ack, 6 }, { tcp_keepalive, 6 }, { tcp_zero_window, 6 },
	{ tcp_hole, 8 }, { tcp_old_data, 3 }, { tcp_over_window, 3 },
	{ tcp_far_seq, 2 }, { tcp_future_ack, 2 }, { tcp_past_ack, 3 },
	{ tcp_urgent, 4 }, { tcp_ecn, 4 }, { tcp_flags, 2, true },
	{ tcp_bad_sum, 2 }, { tcp_bad_ip_sum, 1 }, { tcp_doff, 1 },
	{ tcp_ttl, 3 }, { tcp_options, 3 }, { tcp_fragments, 3 },
	{ tcp_padded, 4 }, { tcp_far_rst, 2, true },
	{ tcp_near_rst, 2, true },
	{ tcp_syn_again, 2 }, { tcp_synack_again, 1 }, { tcp_large, 2 },
	{ any_icmp, 3 }, { any_mark, 3 }, { any_delete, 1 },
};

/* What may go by before the claim: the flowtable in software treats it like
 * the other two.
 */
static const struct action tcp_plain_actions[] = {
	{ tcp_data, 20 }, { tcp_ack, 4 }, { tcp_retransmit, 2 },
};

static void udp_data(struct conv *c)
{
	enum side_id from = CLIENT;

	if (!c->replies && c->late && one_in(c, 4)) {
		c->replies = true;
		from = SERVER;
	} else if (c->replies) {
		from = any_side(c);
	}
	say(c, "data", from)->len = payload(c);
}

static const struct action udp_plain_actions[] = {
	{ udp_data, 1 },
};

static void udp_no_sum(struct conv *c)
{
	udp_data(c);
	c->steps[(c->tail - 1) % STEPS_MAX].what = "no checksum";
	c->steps[(c->tail - 1) % STEPS_MAX].pkt.quirk = QUIRK_NO_SUM;
	/* IPv6 does not go without. */
	c->steps[(c->tail - 1) % STEPS_MAX].pkt.doubt = true;
}

static void udp_quirk(struct conv *c)
{
	static const enum quirk quirks[] = {
		QUIRK_BAD_SUM, QUIRK_BAD_IP_SUM, QUIRK_OPTIONS,
		QUIRK_FRAGMENTS, QUIRK_FRAGMENTS_BACK, QUIRK_PADDED,
	};
	static const char * const names[] = {
		"bad checksum", "bad IP checksum", "IP options",
		"fragments", "fragments", "padding",
	};
	unsigned int i = draw(c, 6);
	struct step *s;

	udp_data(c);
	s = &c->steps[(c->tail - 1) % STEPS_MAX];
	s->what = names[i];
	s->pkt.quirk = quirks[i];
	s->pkt.doubt = true;
}

static void udp_large(struct conv *c)
{
	struct packet *pkt = say(c, "larger than the MTU", CLIENT);

	pkt->len = 1473 + draw(c, 200);
	pkt->doubt = true;
}

static void udp_ttl(struct conv *c)
{
	struct step *s;

	udp_data(c);
	s = &c->steps[(c->tail - 1) % STEPS_MAX];
	s->what = "TTL";
	s->pkt.ttl = 1 + draw(c, 2);
	s->pkt.doubt = true;
}

static const struct action udp_actions[] = {
	{ udp_data, 60 }, { udp_no_sum, 3 }, { udp_quirk, 6 }, { udp_ttl, 2 },
	{ udp_large, 2 }, { any_icmp, 2 }, { any_mark, 1 }, { any_delete, 1 },
};

static void act(struct conv *c, const struct action *actions, unsigned int n)
{
	unsigned int i, total = 0;

	for (i = 0; i < n; i++)
		total += actions[i].weight;
	total = draw(c, total);
	for (i = 0; total >= (unsigned int)actions[i].weight; i++)
		total -= actions[i].weight;
	if (!c->picked_up || !actions[i].closes)
		actions[i].act(c);
}

#define ACT(c, actions)	act(c, actions, ARRAY_SIZE(actions))

/* Something of what may happen */
void talk(struct conv *c)
{
	if (c->udp && c->eager)
		ACT(c, udp_plain_actions);
	else if (c->udp)
		ACT(c, udp_actions);
	else if (c->eager)
		ACT(c, tcp_plain_actions);
	else
		ACT(c, tcp_actions);
}
