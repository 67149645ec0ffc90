// SPDX-License-Identifier: GPL-2.0
/* What flow_differential compares, and what may differ. */
#include <inttypes.h>

#include "flow_diff_compare.h"
#include "flow_traffic.h"

#define CT_DAY		86400
#define HIDDEN_TRIES	500
#define CASE_DAY	"before the claim"
#define CASE_REFUSED	"after what was refused"
#define CASE_END	"in the end"

enum field { FRAMES, STATE, TIMEOUT, COUNTERS, EVENTS };

static const char * const field_names[] = {
	[FRAMES]	= "frames",
	[STATE]		= "state",
	[TIMEOUT]	= "timeout",
	[COUNTERS]	= "counters",
	[EVENTS]	= "events",
};

struct test t;

/* What the routers may do differently: in which case, and of how many packets
 * at most, in parts per thousand. One that a whole run does not meet has no
 * place here.
 */
static struct deviation {
	enum router_id	router;
	enum field	field;
	const char	*what;
	unsigned int	max;
	unsigned long	count;
} deviations[] = {
	/* An event of the packet that puts a connection into the flowtable,
	 * or of one that goes by before hardware has claimed it: the core has
	 * given it a day by then.
	 */
	{ HARD, EVENTS, CASE_DAY, 30 },
	/* What conntrack refuses does not renew its timeout, but is something
	 * that hardware has seen. The next packet that is accepted makes them
	 * the same again.
	 */
	{ HARD, TIMEOUT, CASE_REFUSED, 50 },
	/* The flowtable in software forwards what conntrack would refuse. */
	{ SOFT, FRAMES, "bad checksum", 20 },
	{ SOFT, FRAMES, "bad IP checksum", 20 },
	{ SOFT, FRAMES, "header longer than packet", 10 },
	{ SOFT, FRAMES, "flags that make no sense", 10 },
	{ SOFT, FRAMES, "data beyond the window", 10 },
	{ SOFT, FRAMES, "sequence number out of the blue", 10 },
	{ SOFT, FRAMES, "ACK of what was not sent", 10 },
	{ SOFT, FRAMES, "RST out of the window", 10 },
	/* ... whatever it is; and after one of these, or at the second use of
	 * the ports, conntrack judges by other numbers, for it has not seen
	 * the same packets.
	 */
	{ SOFT, FRAMES, CASE_REFUSED, 20 },
	/* ... and what stands behind a packet. */
	{ SOFT, FRAMES, "padding", 30 },
	/* It does not see what ends a connection, or makes it a stream, and
	 * counts what conntrack would have refused.
	 */
	{ SOFT, STATE, CASE_END, 50 },
	{ SOFT, COUNTERS, CASE_END, 50 },
};

static bool allow(enum router_id router, enum field field, const char *what)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(deviations); i++) {
		if (deviations[i].router != router ||
		    deviations[i].field != field ||
		    strcmp(deviations[i].what, what))
			continue;
		deviations[i].count++;
		return true;
	}

	return false;
}

/* Of a whole run, none is left over; of any, none too often. */
bool check_deviations(bool whole)
{
	const struct deviation *d;
	bool good = true;

	for (d = deviations; d < deviations + ARRAY_SIZE(deviations); d++) {
		printf("deviation %s, %s, %s: %lu\n", router_names[d->router],
		       field_names[d->field], d->what, d->count);
		if (d->count * 1000 > d->max * t.wires.sent + 20000) {
			printf("# ... that is more than %u per thousand\n",
			       d->max);
			good = false;
		}
		if (whole && !d->count) {
			printf("# ... it is not needed, remove it\n");
			good = false;
		}
	}

	return good;
}

void nap(int ms)
{
	poll(NULL, 0, ms);
}

void note(struct conv *c, const struct step *s)
{
	char *line = c->history[c->num_history++ % HISTORY];
	const struct packet *pkt = &s->pkt;
	const struct tcp_end *me = &c->tcp[pkt->from];
	const struct tcp_end *peer = &c->tcp[!pkt->from];

	if (s->op != OP_SEND)
		snprintf(line, sizeof(c->history[0]), "%s", s->what);
	else if (c->udp)
		snprintf(line, sizeof(c->history[0]), "%c ttl %u len %u: %s",
			 pkt->from ? '<' : '>', pkt->ttl, pkt->len, s->what);
	else
		snprintf(line, sizeof(c->history[0]),
			 "%c %02x seq %d ack %d win %u len %u: %.40s",
			 pkt->from ? '<' : '>', pkt->flags,
			 (int)(pkt->seq - me->isn), (int)(pkt->ack - peer->isn),
			 pkt->win, pkt->len, s->what);
}

static void tell(struct conv *c, enum router_id router, enum field field,
		 const char *what)
{
	unsigned int i = 0;

	printf("# round %u conversation %u, IPv%d %s: %s differs in %s: %s\n",
	       t.round, c->index, c->ends[0].family == AF_INET ? 4 : 6,
	       c->udp ? "UDP" : "TCP", router_names[router],
	       field_names[field], what);
	printf("#   once more: SEED=%" PRIu64 " FIRST=%u ROUNDS=1 %s\n", t.seed,
	       t.round, t.repeat);
	printf("#   client scale %d win %u, server scale %d win %u%s%s%s\n",
	       (int8_t)c->tcp[0].scale, c->tcp[0].win,
	       (int8_t)c->tcp[1].scale, c->tcp[1].win, c->lazy ? " lazy" : "",
	       c->eager ? " eager" : "", c->gone ? " deleted" : "");
	if (c->num_history > HISTORY)
		i = c->num_history - HISTORY;
	for (; i < c->num_history; i++)
		printf("#   %s\n", c->history[i % HISTORY]);
}

void give_up(struct conv *c)
{
	c->broken = true;
	c->phase = DONE;
	c->head = c->tail;
}

/* Return: true if it must be told */
static bool differs(struct conv *c, enum router_id router, enum field field,
		    const char *what)
{
	if (c->broken)
		return false;

	tell(c, router, field, what);
	give_up(c);
	t.failures++;
	return true;
}

static struct conv *conv_of(const struct ct_info *info)
{
	unsigned int port = info->port[0];
	unsigned int i;

	if (port < CLIENT_PORT)
		port = info->port[1];
	i = (port - CLIENT_PORT - t.round * CONVS) % 50000;
	return port >= CLIENT_PORT && i < CONVS ? &t.convs[i] : NULL;
}

static void take_event(enum router_id router, const struct nlmsghdr *nlh)
{
	int which = router == HARD, type = ct_event_type(nlh);
	struct ct_event *event;
	struct ct_info info;
	struct conv *c;

	if (!type)
		return;
	ct_parse(nlh, &info);
	c = conv_of(&info);
	if (!c || c->num_events[which] == CT_EVENTS)
		return;

	event = &c->events[which][c->num_events[which]++];
	event->type = type;
	event->info = info;
	t.num_events++;
}

static void read_events(enum router_id router)
{
	static char buf[65536];
	const struct nlmsghdr *nlh;
	ssize_t len;

	for (;;) {
		len = recv(t.events[router], buf, sizeof(buf), MSG_DONTWAIT);
		if (len < 0 && errno == EAGAIN)
			return;
		if (len < 0)
			die("events");
		for (nlh = (void *)buf; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len))
			take_event(router, nlh);
	}
}

/* An event comes before the frame that it is about. */
void read_ready(bool all)
{
	static const enum router_id of[OTHERS] = { PLAIN, HARD };
	int i;

	for (i = 0; i < OTHERS; i++) {
		if (all || t.wires.ready[i])
			read_events(of[i]);
		t.wires.ready[i] = false;
		t.wires.pfd[ROUTERS * SIDES + i].events = POLLIN;
	}
}

/* To one second, and what goes by between one router and the next */
static bool close_to(uint32_t a, uint32_t b, unsigned int ms)
{
	uint32_t most = 1 + ms / 1000;

	return a - b + most <= 2 * most;
}

static bool same_counters(const struct ct_info *a, const struct ct_info *b)
{
	return !memcmp(a->packets, b->packets, sizeof(a->packets)) &&
	       !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static bool same_event_timeout(const struct conv *c,
			       const struct ct_info *plain,
			       const struct ct_info *hard)
{
	if (close_to(plain->timeout, hard->timeout, c->skew))
		return true;
	if (c->refused_last)
		return allow(HARD, TIMEOUT, CASE_REFUSED);

	return hard->status & IPS_OFFLOAD &&
	       CT_DAY - hard->timeout <= 1 + (now_ms() - c->born) / 1000 &&
	       allow(HARD, EVENTS, CASE_DAY);
}

static bool same_event(const struct conv *c, const struct ct_event *a,
		       const struct ct_event *b)
{
	return a->type == b->type && a->info.state == b->info.state &&
	       !((a->info.status ^ b->info.status) & CT_STATUS) &&
	       a->info.mark == b->info.mark &&
	       same_counters(&a->info, &b->info) &&
	       same_event_timeout(c, &a->info, &b->info);
}

static void print_events(struct conv *c, int which)
{
	const struct ct_event *event;
	char what[40];
	unsigned int i;

	for (i = 0; i < c->num_events[which]; i++) {
		event = &c->events[which][i];
		snprintf(what, sizeof(what), "%s event '%c'",
			 router_names[which ? HARD : PLAIN], event->type);
		ct_print(what, &event->info);
	}
}

void compare_events(struct conv *c, const char *what)
{
	bool same = c->num_events[0] == c->num_events[1];
	unsigned int i;

	for (i = 0; same && i < c->num_events[0]; i++)
		same = same_event(c, &c->events[0][i], &c->events[1][i]);
	if (!same && differs(c, HARD, EVENTS, what)) {
		print_events(c, 0);
		print_events(c, 1);
	}
	c->num_events[0] = 0;
	c->num_events[1] = 0;
}

/* What a flowtable has that nobody has claimed conntrack does not show. The
 * claim comes at once, unless hardware still has the last connection of these
 * ports: then it is asked again later.
 */
static void get_shown(struct conv *c, enum router_id router,
		      struct ct_info *info)
{
	int i;

	for (i = 0; i < HIDDEN_TRIES; i++) {
		ct_get(t.ct[router], &c->ends[CLIENT], c->udp, info);
		if (!info->there || info->shown)
			return;
		nap(1);
	}
}

/* The timeout comes last: when it may differ, the rest still must not. */
static int compare_info(const struct ct_info *a, const struct ct_info *b,
			unsigned int ms)
{
	if (a->there != b->there)
		return STATE;
	if (!a->there)
		return -1;
	if ((a->status ^ b->status) & CT_STATUS || a->mark != b->mark ||
	    a->state != b->state || a->shown != b->shown ||
	    memcmp(a->scale, b->scale, sizeof(a->scale)))
		return STATE;
	if (!same_counters(a, b))
		return COUNTERS;
	if (!close_to(a->timeout, b->timeout, ms))
		return TIMEOUT;

	return -1;
}

void get_plain(struct conv *c)
{
	c->plain_at = now_ms();
	ct_get(t.ct[PLAIN], &c->ends[CLIENT], c->udp, &c->plain);
}

/* Has conntrack accepted what was sent since it was looked at last? */
void look_at_plain(struct conv *c)
{
	struct ct_info was = c->plain;

	get_plain(c);
	c->refused_last = was.there && c->plain.there &&
			  same_counters(&was, &c->plain);
	if (!c->refused_last)
		c->skew = c->took;
}

static bool state_may_differ(struct conv *c, enum router_id router, int field)
{
	if (router == HARD)
		return field == TIMEOUT && c->refused_last &&
		       allow(HARD, TIMEOUT, CASE_REFUSED);

	return allow(SOFT, field, CASE_END);
}

void compare_state(struct conv *c, enum router_id router, const char *what)
{
	struct ct_info plain = c->plain, other;
	int field;

	if (c->broken)
		return;

	if (router == HARD)
		get_shown(c, router, &other);
	else
		ct_get(t.ct[SOFT], &c->ends[CLIENT], c->udp, &other);
	if (router == HARD && other.there && !other.shown) {
		t.hidden++;
		return;
	}
	/* Nobody can see what is still in the flowtable. */
	if (router == SOFT && other.there && !other.shown) {
		plain.state = -1;
		plain.timeout = 0;
		plain.shown = false;
		memset(other.scale, 0, sizeof(other.scale));
		memset(plain.scale, 0, sizeof(plain.scale));
	}
	field = compare_info(&plain, &other,
			     c->skew + now_ms() - c->plain_at);
	t.compared++;
	if (field >= 0 && !state_may_differ(c, router, field) &&
	    differs(c, router, field, what)) {
		ct_print(router_names[PLAIN], &plain);
		ct_print(router_names[router], &other);
	}
}

static bool has_forwarded(enum router_id router, enum side_id from)
{
	const struct output *out = &t.wires.out[router];
	unsigned int i;

	for (i = 0; i < out->n; i++)
		if (out->frames[i].side != from)
			return true;

	return false;
}

/* Software may forward another number of packets, but none another way. What it
 * does not forward the router may answer another way.
 */
static bool frames_may_differ(const struct conv *c, enum router_id router,
			      enum side_id from, const char *what)
{
	if (router == HARD)
		return false;
	if (!strcmp(what, "padding"))
		return allow(SOFT, FRAMES, what);
	if (has_forwarded(SOFT, from) ? has_forwarded(PLAIN, from) :
	    !c->wild && !c->reopens)
		return false;

	return allow(SOFT, FRAMES, what) || allow(SOFT, FRAMES, CASE_REFUSED);
}

void compare_frames(struct conv *c, enum router_id router, enum side_id from,
		    const char *what)
{
	if (c->broken)
		return;
	if (same_output(&t.wires.out[PLAIN], &t.wires.out[router]))
		return;

	wires_settle(&t.wires, CLIENT);
	if (!same_output(&t.wires.out[PLAIN], &t.wires.out[router]) &&
	    !frames_may_differ(c, router, from, what) &&
	    differs(c, router, FRAMES, what))
		dump_output(&t.wires);
}
