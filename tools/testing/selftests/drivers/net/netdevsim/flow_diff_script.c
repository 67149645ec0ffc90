// SPDX-License-Identifier: GPL-2.0
/* How conversations of flow_differential begin, go on and end. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "flow_diff_script.h"

static struct packet *say_syn(struct conv *c, const char *what,
			      enum side_id from, uint8_t flags)
{
	struct tcp_end *me = &c->tcp[from];
	struct packet *pkt = say(c, what, from);

	pkt->flags = flags;
	pkt->seq = me->isn;
	pkt->scale = me->scale == 0xff ? -1 : me->scale;
	pkt->sack_perm = c->sack;
	me->next = me->isn + 1;
	return pkt;
}

/* Scaling is agreed upon if both ask for it. */
static void agree(struct conv *c)
{
	struct tcp_end *a = &c->tcp[CLIENT], *b = &c->tcp[SERVER];

	if (a->scale == 0xff || b->scale == 0xff) {
		a->scale = 0;
		b->scale = 0;
	}
}

static void open_normal(struct conv *c)
{
	struct packet *pkt;

	say_syn(c, "SYN", CLIENT, TH_SYN);
	if (one_in(c, 6))
		say_syn(c, "SYN repeated", CLIENT, TH_SYN);
	say_syn(c, "SYN and ACK", SERVER, TH_SYN | TH_ACK);
	if (one_in(c, 6))
		say_syn(c, "SYN and ACK repeated", SERVER, TH_SYN | TH_ACK);
	pkt = say(c, "ACK that opens", CLIENT);
	if (one_in(c, 4)) {
		pkt->len = 1 + draw(c, 100);
		c->tcp[CLIENT].next += pkt->len;
	}
}

static void open_with_data(struct conv *c)
{
	struct packet *pkt = say_syn(c, "data on SYN", CLIENT, TH_SYN);

	pkt->len = 1 + draw(c, 100);
	if (one_in(c, 2))
		c->tcp[CLIENT].next += pkt->len;
	say_syn(c, "SYN and ACK", SERVER, TH_SYN | TH_ACK);
	say(c, "ACK that opens", CLIENT);
}

/* Conntrack ignores the last SYN and ACK, so how far the client may go it does
 * not know until the server says more. A keepalive that is beyond that makes it
 * forget the client's last data, and refuse their ACK.
 */
static void open_simultaneous(struct conv *c)
{
	say_syn(c, "SYN", CLIENT, TH_SYN);
	say_syn(c, "simultaneous SYN", SERVER, TH_SYN);
	say_syn(c, "simultaneous SYN and ACK", CLIENT, TH_SYN | TH_ACK);
	say_syn(c, "simultaneous SYN and ACK", SERVER, TH_SYN | TH_ACK);
	say(c, "ACK that opens", CLIENT);
	say(c, "ACK that opens", SERVER);
}

static void open_refused(struct conv *c)
{
	struct packet *pkt;

	say_syn(c, "SYN", CLIENT, TH_SYN);
	pkt = say(c, "RST that refuses", SERVER);
	pkt->flags = TH_RST | TH_ACK;
	pkt->seq = 0;
	pkt->doubt = true;
	c->refused = true;
}

static void script_open(struct conv *c)
{
	unsigned int what = draw(c, 20);

	if (c->udp) {
		c->replies = !one_in(c, 4);
		say(c, "data", CLIENT)->len = payload(c);
		if (c->replies)
			say(c, "reply", SERVER)->len = payload(c);
		say(c, "data", CLIENT)->len = payload(c);
		return;
	}
	if (what == 0)
		open_refused(c);
	else if (what < 3)
		open_simultaneous(c);
	else if (what < 5)
		open_with_data(c);
	else
		open_normal(c);
	agree(c);
}

static void close_normal(struct conv *c)
{
	enum side_id from = any_side(c);

	say_fin(c, "FIN", from);
	if (one_in(c, 2))
		say(c, "ACK of FIN", !from);
	say_fin(c, "FIN back", !from);
	say(c, "ACK of FIN", from);
}

static void close_with_data(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet *pkt;

	pkt = say_fin(c, "FIN with data", from);
	pkt->len = payload(c);
	c->tcp[from].next += pkt->len;
	pkt = say_fin(c, "FIN back with data", !from);
	pkt->len = payload(c);
	c->tcp[!from].next += pkt->len;
	say(c, "ACK of FIN", from);
}

static void close_simultaneous(struct conv *c)
{
	enum side_id from = any_side(c);

	say_fin(c, "simultaneous FIN", from);
	say_fin(c, "simultaneous FIN", !from)->ack--;
	say(c, "ACK of FIN", from);
	say(c, "ACK of FIN", !from);
}

static void close_repeated(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet fin = *say_fin(c, "FIN", from);
	int n = 1 + draw(c, 3);

	while (n--)
		*say(c, "FIN repeated", from) = fin;
	say(c, "ACK of FIN", !from);
	fin = *say_fin(c, "FIN back", !from);
	if (one_in(c, 2))
		*say(c, "FIN repeated", !from) = fin;
	say(c, "ACK of FIN", from);
	if (one_in(c, 2)) {
		*say(c, "FIN repeated", !from) = fin;
		say(c, "ACK of FIN", from);
	}
}

static void close_half(struct conv *c)
{
	enum side_id from = any_side(c);
	int n = 1 + draw(c, 6);

	say_fin(c, "FIN", from);
	say(c, "ACK of FIN", !from);
	while (n--) {
		say_data(c, "data after FIN", !from);
		if (one_in(c, 2))
			say(c, "ack", from);
	}
	say_fin(c, "FIN back", !from);
	say(c, "ACK of FIN", from);
}

static void close_fin_lost(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet *pkt;

	c->tcp[from].next++;
	pkt = say(c, "RST after a lost FIN", from);
	pkt->flags = one_in(c, 2) ? TH_RST : TH_RST | TH_ACK;
	pkt->doubt = true;
}

static void close_rst(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet *pkt;

	if (one_in(c, 2))
		say(c, "ack", !from);
	pkt = say(c, "RST", from);
	pkt->flags = one_in(c, 2) ? TH_RST : TH_RST | TH_ACK;
	pkt->doubt = true;
	if (one_in(c, 3))
		*say(c, "RST repeated", from) = *pkt;
}

static void close_fin_rst(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet *pkt;

	say_fin(c, "FIN", from);
	if (one_in(c, 2))
		say(c, "ACK of FIN", !from);
	pkt = say(c, "RST after FIN", any_side(c));
	pkt->flags = one_in(c, 2) ? TH_RST : TH_RST | TH_ACK;
	pkt->doubt = true;
}

static void close_never(struct conv *c)
{
	say(c, "ack", any_side(c));
}

/* Until hardware has claimed it, the flowtable in software forwards what closes
 * it, and conntrack does not hear of that.
 */
static void script_settle(struct conv *c)
{
	c->reclaim = RECLAIM_NOW;
	say(c, "ack", CLIENT);
	say(c, "ack", SERVER);
}

static void (*const closes[])(struct conv *c) = {
	close_normal, close_normal, close_normal, close_with_data,
	close_simultaneous, close_repeated, close_half, close_half,
	close_fin_lost, close_rst, close_rst, close_fin_rst, close_never,
};

static void script_close(struct conv *c)
{
	if (!c->udp)
		closes[draw(c, ARRAY_SIZE(closes))](c);
}

/* After the end. */
static void script_late(struct conv *c)
{
	enum side_id from = any_side(c);
	struct packet *pkt;
	int n = draw(c, 3);

	if (c->udp || c->refused || c->picked_up)
		return;
	while (n--) {
		pkt = say(c, "late ACK", from);
		pkt->doubt = true;
		switch (draw(c, 4)) {
		case 0:
			pkt->flags |= TH_FIN;
			pkt->seq--;
			break;
		case 1:
			pkt->flags = TH_RST;
			break;
		case 2:
			pkt->len = payload(c);
			pkt->seq -= pkt->len;
			break;
		}
		from = any_side(c);
	}
}

static void new_numbers(struct conv *c, enum side_id side)
{
	static const uint16_t wins[] = { 65535, 29200, 8192, 1024 };
	static const uint8_t scales[] = { 0xff, 0, 2, 7, 14 };
	struct tcp_end *end = &c->tcp[side];

	end->isn = mix(&c->rng);
	if (one_in(c, 8))
		end->isn = -draw(c, 2000);
	end->next = end->isn;
	end->acked = end->isn;
	end->win = wins[draw(c, 4)];
	end->scale = scales[draw(c, 5)];
}

/* The same ports once more, with new numbers or old ones */
static bool script_reopen(struct conv *c)
{
	struct tcp_end was = c->tcp[CLIENT];

	if (c->udp || c->reopens == 2 || !one_in(c, 2))
		return false;

	c->reopens++;
	c->refused = false;
	c->picked_up = false;
	new_numbers(c, CLIENT);
	new_numbers(c, SERVER);
	if (one_in(c, 2))
		c->tcp[CLIENT].isn = was.next + (one_in(c, 2) ? 1 : 70000);
	else if (one_in(c, 2))
		c->tcp[CLIENT].isn = was.isn;
	c->tcp[CLIENT].next = c->tcp[CLIENT].isn;
	c->tcp[CLIENT].acked = c->tcp[CLIENT].isn;
	return true;
}

static void set_addr(struct conv *c, enum side_id side, int family, int host)
{
	char text[INET6_ADDRSTRLEN];

	snprintf(text, sizeof(text), family == AF_INET ? "10.0.%d.%d" :
		 "2001:db8:%d::%d", side + 1, host);
	inet_pton(family, text, &c->ends[CLIENT].addr[side]);
}

/* Host 150 is translated on its way out, 200 on its way in. */
void conv_init(struct conv *c, uint64_t seed, unsigned int round,
	       unsigned int index)
{
	int family;

	memset(c, 0, sizeof(*c));
	c->index = index;
	c->rng = seed << 40 ^ (uint64_t)round << 16 ^ index;
	mix(&c->rng);
	c->udp = one_in(c, 5);
	c->lazy = one_in(c, 4);
	c->stream = one_in(c, 3);
	c->eager = one_in(c, 8);
	c->sack = one_in(c, 2);
	c->left = one_in(c, 8) ? 60 : 8 + draw(c, 12);
	family = one_in(c, 3) ? AF_INET6 : AF_INET;
	c->ends[CLIENT].family = family;
	set_addr(c, CLIENT, family, one_in(c, 3) ? 150 : 100);
	set_addr(c, SERVER, family, one_in(c, 3) ? 200 : 100);
	c->ends[CLIENT].port[CLIENT] = CLIENT_PORT +
		(round * CONVS + index) % 50000;
	c->ends[CLIENT].port[SERVER] = 80 + draw(c, 3);
	c->ends[SERVER] = c->ends[CLIENT];
	new_numbers(c, CLIENT);
	new_numbers(c, SERVER);
	c->id = mix(&c->rng);
	c->stamped = one_in(c, 3);
	c->late = one_in(c, 2);
}

/* What comes next is in its steps. */
void conv_go_on(struct conv *c)
{
	switch (c->phase) {
	case OPEN:
		script_open(c);
		/* What goes by before the claim conntrack does not see, and
		 * takes the next packet for its window, whatever it says.
		 */
		c->reclaim = RECLAIM_NEXT;
		c->phase = c->refused ? LATE : CLAIM;
		break;
	case CLAIM:
		c->phase = TALK;
		break;
	case TALK:
		if (c->left-- > 0) {
			talk(c);
			break;
		}
		c->phase = CLOSE;
		if (c->eager && !c->udp)
			script_settle(c);
		break;
	case CLOSE:
		script_close(c);
		c->phase = LATE;
		break;
	case LATE:
		script_late(c);
		c->phase = DONE;
		if (script_reopen(c)) {
			c->phase = OPEN;
			c->left = 4 + draw(c, 8);
		}
		break;
	case DONE:
		break;
	}
}
