// SPDX-License-Identifier: GPL-2.0
/* flow_differential client=NS server=NS plain=NS soft=NS hard=NS
 *	debugfs=DIR [seed=N] [first=N] [rounds=N] [conv=N]
 *	[repeat=COMMAND]
 *
 * Plays conversations, all of whose frames go into three routers: one that has
 * no flowtable, one with a flowtable in software, and one with hardware that
 * tracks connections. What the first one does is right. Of hardware every
 * frame is compared, and after each step state, time left, counters and events
 * of the connection; of software the frames, and the state in the end.
 *
 * What the routers may do differently stands in deviations[] of
 * flow_diff_compare.c.
 *
 * Prints "sent N" and so on when all is done, and "# " with the rest.
 */
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>

#include "flow_diff_compare.h"
#include "flow_diff_script.h"
#include "flow_traffic.h"

#define CLAIM_TRIES	100
#define CLAIM_MS	10
#define GONE_MS		5000
#define RIPE_MS		25
#define TICK_MS		20	/* what jiffies may be late */
#define AGED_MS		2000
#define SLOW_ADD_MS	10	/* in some rounds hardware takes its time */
#define RESIDENCY_SEC	30	/* in hardware, without packets */
#define SHORT_SEC	10
#define LONG_SEC	600
#define HIDDEN_PART	200	/* of so many comparisons one may be missed */
#define PAUSED_PART	50	/* of so many conversations one may be */
#define UNAGED_PART	200
#define UNCLAIMED_PART	200
#define WHOLE_RUN	50000	/* packets that meet every case */

static void learn(struct conv *c, enum side_id from)
{
	const struct output *out = &t.wires.out[PLAIN];

	if (from == CLIENT && !c->known && out->n == 1 &&
	    out->frames[0].side == SERVER)
		c->known = learn_ends(&out->frames[0], &c->ends[SERVER]);
}

/* UDP is a stream after some time. One that routers have seen before and after
 * it may be one to some of them only.
 */
static void note_time(struct conv *c, long long began, long long ended)
{
	c->took = ended - began;
	c->skew += c->took;
	if (!c->born) {
		c->born = began;
		c->born_by = ended;
	}
	if (!c->udp || c->broken || ended < c->born + STREAM_MS ||
	    began > c->born_by + STREAM_MS + TICK_MS)
		return;

	t.paused++;
	give_up(c);
}

static void send_step(struct conv *c, const struct step *s)
{
	struct frame frames[PIECES_MAX];
	enum side_id from = s->pkt.from;
	long long began = now_ms();
	unsigned int n;

	/* Nobody would know where to. */
	if (from == SERVER && !c->known)
		return;

	c->wild |= s->pkt.doubt;
	n = put_packet(&c->ends[from], &s->pkt, frames);
	wires_step(&t.wires, frames, n, from, s->pkt.doubt);
	note_time(c, began, now_ms());
	learn(c, from);
	compare_frames(c, HARD, from, s->what);
	compare_frames(c, SOFT, from, s->what);
	if (s->pkt.doubt)
		c->ripe = t.now + RIPE_MS;
}

static void mark_step(struct conv *c)
{
	uint32_t mark = 1 + draw(c, 1000);
	int router;

	for (router = 0; router < ROUTERS; router++)
		ct_set(t.ct[router], &c->ends[CLIENT], c->udp, CTA_MARK, mark);
}

static bool is_in_hardware(const struct conv *c)
{
	unsigned int port = c->ends[CLIENT].port[CLIENT];
	char sport[24], dport[24], line[512];
	bool found = false;

	snprintf(sport, sizeof(sport), " sport=%u ", port);
	snprintf(dport, sizeof(dport), " dport=%u ", port);
	rewind(t.entries);
	while (fgets(line, sizeof(line), t.entries))
		found |= strstr(line, sport) || strstr(line, dport);

	return found;
}

/* What is deleted leaves hardware at once, but not before that. */
static void wait_gone(struct conv *c)
{
	int ms;

	for (ms = 0; is_in_hardware(c); ms++) {
		errno = ETIMEDOUT;
		if (ms > GONE_MS)
			die("a deleted connection is still in hardware");
		nap(1);
	}
}

static void delete_step(struct conv *c)
{
	int router;

	for (router = 0; router < ROUTERS; router++)
		ct_delete(t.ct[router], &c->ends[CLIENT], c->udp);
	wait_gone(c);
	c->born = 0;
	c->reclaim = RECLAIM_NEXT;
}

static void do_step(struct conv *c)
{
	const struct step s = c->steps[c->head++ % STEPS_MAX];

	note(c, &s);
	t.steps++;
	switch (s.op) {
	case OP_SEND:
		send_step(c, &s);
		break;
	case OP_MARK:
		mark_step(c);
		get_plain(c);
		break;
	case OP_DELETE:
		delete_step(c);
		get_plain(c);
		break;
	}
	read_ready(s.op != OP_SEND);
	compare_events(c, s.what);
	if (s.op == OP_SEND)
		look_at_plain(c);
	if (!c->lazy)
		compare_state(c, HARD, s.what);
}

/* Return: false if it is in the flowtable, and hardware has not claimed it */
static bool is_claimed(struct conv *c)
{
	struct ct_info info;

	c->reclaim = 0;
	if ((c->eager && c->phase < CLOSE) || c->broken)
		return true;
	ct_get(t.ct[HARD], &c->ends[CLIENT], c->udp, &info);
	if (!info.there || !(info.status & IPS_OFFLOAD)) {
		c->reclaim = RECLAIM_NEXT;
	} else if (!(info.status & IPS_HW_OFFLOAD)) {
		if (c->claim_tries++ < CLAIM_TRIES) {
			c->reclaim = RECLAIM_NOW;
			c->ripe = t.now + CLAIM_MS;
			return false;
		}
		t.unclaimed++;
	}
	c->claim_tries = 0;
	c->ripe = t.now + RIPE_MS;
	if (c->udp && c->stream)
		c->ripe = c->born_by + STREAM_MS + 200;
	return true;
}

static bool is_ripe(const struct conv *c)
{
	if (c->phase == DONE && !has_step(c))
		return false;
	/* Before, or after: who looks a moment later may see a stream. */
	if (c->udp && c->born && t.now - c->born > STREAM_MS - 200 &&
	    t.now - c->born_by < STREAM_MS + 200)
		return false;

	return t.now >= c->ripe;
}

static void turn(struct conv *c)
{
	if (c->reclaim == RECLAIM_NOW) {
		is_claimed(c);
		return;
	}
	if (has_step(c)) {
		do_step(c);
		if (c->reclaim == RECLAIM_NEXT)
			c->reclaim = RECLAIM_NOW;
		return;
	}
	if (c->phase == CLAIM && !is_claimed(c))
		return;
	conv_go_on(c);
}

/* What is not hardware's ages by hand. */
static void age(struct conv *c, enum router_id router, unsigned int sec)
{
	struct ct_info info;

	ct_get(t.ct[router], &c->ends[CLIENT], c->udp, &info);
	if (info.there && info.shown &&
	    (router == PLAIN || !(info.status & IPS_OFFLOAD)))
		ct_set(t.ct[router], &c->ends[CLIENT], c->udp, CTA_TIMEOUT,
		       info.timeout - sec);
}

/* What is added later is not as old as the others. Nor is what hardware has yet
 * to let go of: who asks is told the state before hardware reports the end.
 *
 * Return: false if it is in the flowtable, and hardware has not claimed it
 */
static bool wait_claimed(struct conv *c)
{
	struct ct_info info;
	int ms;

	for (ms = 0; ms < AGED_MS; ms++) {
		ct_get(t.ct[HARD], &c->ends[CLIENT], c->udp, &info);
		if (!info.there || !(info.status & IPS_OFFLOAD))
			return true;
		if (info.state < TCP_CONNTRACK_TIME_WAIT) {
			if (info.status & IPS_HW_OFFLOAD)
				return true;
			if (ms >= CLAIM_TRIES)
				return false;
		}
		nap(1);
	}

	return false;
}

/* Hardware that gives back what was idle tells nobody when. */
static void wait_aged(struct conv *c)
{
	struct ct_info info;
	int ms;

	for (ms = 0; ms < AGED_MS; ms++) {
		ct_get(t.ct[HARD], &c->ends[CLIENT], c->udp, &info);
		if (!info.there || !(info.status & IPS_OFFLOAD))
			return;
		nap(1);
	}
	t.unaged++;
}

static FILE *open_debugfs(const char *name, const char *mode)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", t.debugfs, name);
	f = fopen(path, mode);
	if (!f)
		die("%s", path);
	return f;
}

static void set_knob(const char *name, unsigned int value)
{
	FILE *f = open_debugfs(name, "w");

	fprintf(f, "%u\n", value);
	if (fclose(f))
		die("%s", name);
}

/* Time goes by, and nobody says anything. */
static void idle(unsigned int sec)
{
	bool claimed[CONVS];
	struct conv *c;
	int router, i;

	for (i = 0; i < CONVS; i++)
		claimed[i] = wait_claimed(&t.convs[i]);
	for (i = 0; i < CONVS; i++)
		for (router = 0; router < ROUTERS; router++)
			age(&t.convs[i], router, sec);
	set_knob("fake_idle_ms", sec * 1000);

	for (i = 0; i < CONVS; i++) {
		c = &t.convs[i];
		c->skew += 1000;	/* ctnetlink has no less than seconds */
		if (sec > RESIDENCY_SEC && claimed[i])
			wait_aged(c);
		get_plain(c);
		compare_state(c, HARD, "idle");
		/* It may be in the flowtable still, or be none of hardware's */
		if (sec > RESIDENCY_SEC)
			c->reclaim = RECLAIM_NOW;
	}
	/* Those of what was done by hand */
	read_ready(true);
	for (i = 0; i < CONVS; i++) {
		t.convs[i].num_events[0] = 0;
		t.convs[i].num_events[1] = 0;
	}
	t.idles++;
}

static bool all_done(void)
{
	int i;

	for (i = 0; i < CONVS; i++)
		if (t.convs[i].phase != DONE || has_step(&t.convs[i]))
			return false;

	return true;
}

static void end_round(void)
{
	struct conv *c;
	int router, i;

	wires_settle(&t.wires, CLIENT);
	read_ready(true);
	for (i = 0; i < CONVS; i++) {
		c = &t.convs[i];
		compare_events(c, "in the end");
		get_plain(c);
		compare_state(c, HARD, "in the end");
		compare_state(c, SOFT, "in the end");
	}
	for (router = 0; router < ROUTERS; router++)
		ct_flush(t.ct[router]);
	read_ready(true);
	for (i = 0; i < CONVS; i++)
		compare_events(&t.convs[i], "flushed");
}

static void run_round(void)
{
	uint64_t rng = t.seed << 32 ^ t.round;
	unsigned int start = 0, turns = 0, i;
	unsigned int when = 200 + mix(&rng) % 4000;

	set_knob("add_delay_ms", mix(&rng) % 4 ? 0 : SLOW_ADD_MS);
	for (i = 0; i < CONVS; i++) {
		conv_init(&t.convs[i], t.seed, t.round, i);
		if (t.only >= 0 && t.only != (int)i)
			t.convs[i].phase = DONE;
	}
	while (!all_done() && t.failures < FAILURES_MAX) {
		t.now = now_ms();
		for (i = 0; i < CONVS; i++)
			if (is_ripe(&t.convs[(start + i) % CONVS]))
				break;
		if (i == CONVS) {
			nap(1);
			continue;
		}
		start += i;
		if (turns++ == when)
			idle(mix(&rng) % 2 ? SHORT_SEC : LONG_SEC);
		turn(&t.convs[start % CONVS]);
		start += 1;
	}
	end_round();
}

static bool is_seldom(const char *what, unsigned long n, unsigned long most)
{
	if (n <= most + 10)
		return true;

	printf("# %lu %s are too many, more than %lu\n", n, what, most + 10);
	return false;
}

int main(int argc, char **argv)
{
	unsigned int rounds = number(word(argc, argv, "rounds", "1"), 10, 1e6);
	unsigned int first = number(word(argc, argv, "first", "1"), 10, 1e6);
	long long start = now_ms();
	const char *ns;
	int router;
	bool good;

	setvbuf(stdout, NULL, _IOLBF, 0);
	t.seed = number(word(argc, argv, "seed", "1"), 10, UINT32_MAX);
	t.only = atoi(word(argc, argv, "conv", "-1"));
	t.repeat = word(argc, argv, "repeat", "");
	for (router = 0; router < ROUTERS; router++) {
		ns = word(argc, argv, router_names[router], NULL);
		t.ct[router] = ct_socket(ns, 0);
		/* Without ctnetlink there are no events. */
		ct_flush(t.ct[router]);
		t.events[router] = ct_socket(ns, router == SOFT ? 0 :
			1 << (NFNLGRP_CONNTRACK_NEW - 1) |
			1 << (NFNLGRP_CONNTRACK_UPDATE - 1) |
			1 << (NFNLGRP_CONNTRACK_DESTROY - 1));
	}
	t.wires.wary = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	t.wires.pfd[ROUTERS * SIDES].fd = t.events[PLAIN];
	t.wires.pfd[ROUTERS * SIDES + 1].fd = t.events[HARD];
	read_ready(true);
	t.debugfs = word(argc, argv, "debugfs", NULL);
	t.entries = open_debugfs("entries", "r");
	wires_open(&t.wires, word(argc, argv, "client", NULL),
		   word(argc, argv, "server", NULL));

	for (t.round = first; t.round < first + rounds &&
	     t.failures < FAILURES_MAX; t.round++)
		run_round();

	printf("sent %lu\nbarriers %lu\ncompared %lu\nevents %lu\n",
	       t.wires.sent, t.wires.barriers, t.compared, t.num_events);
	printf("idle %lu\nunaged %lu\nunclaimed %lu\nhidden %lu\npaused %lu\n",
	       t.idles, t.unaged, t.unclaimed, t.hidden, t.paused);
	printf("ms %lld\n", now_ms() - start);
	good = is_seldom("hidden", t.hidden, t.compared / HIDDEN_PART) &&
	       is_seldom("paused", t.paused, rounds * CONVS / PAUSED_PART) &&
	       is_seldom("unaged", t.unaged, rounds * CONVS / UNAGED_PART) &&
	       is_seldom("unclaimed", t.unclaimed,
			 rounds * CONVS / UNCLAIMED_PART) &&
	       check_deviations(t.wires.sent >= WHOLE_RUN);
	return !good || t.failures;
}
