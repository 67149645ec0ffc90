// SPDX-License-Identifier: GPL-2.0
/* How flow_differential sends frames and waits for them. */
#include "flow_diff_wire.h"
#include "flow_packet.h"

#define BARRIER_MS	20
#define LOST_MS		30000
#define PORT_BARRIER	9

const char * const router_names[ROUTERS] = {
	[PLAIN]	= "plain",
	[SOFT]	= "soft",
	[HARD]	= "hard",
};

static int wire_fd(const struct wires *w, int router, enum side_id side)
{
	return w->pfd[router * SIDES + side].fd;
}

/* The ports are c0, c1, c2 in one netns and s0, s1, s2 in the other. */
void wires_open(struct wires *w, const char *client, const char *server)
{
	char where[NAME_MAX + 4];
	int router, side;

	for (router = 0; router < ROUTERS; router++) {
		for (side = 0; side < SIDES; side++) {
			snprintf(where, sizeof(where), "%.200s:%c%d",
				 side == CLIENT ? client : server,
				 side == CLIENT ? 'c' : 's', router);
			w->pfd[router * SIDES + side] = (struct pollfd){
				.fd = open_port(where, ETH_P_ALL,
						PACKET_IGNORE_OUTGOING),
				.events = POLLIN,
			};
		}
	}
}

static void wire_send(int fd, const struct frame *f)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	while (send(fd, f->data, f->len, 0) < 0) {
		if (errno != EAGAIN && errno != ENOBUFS)
			die("send");
		poll(&pfd, 1, 1);
	}
}

static bool is_barrier(const struct frame *f, uint32_t *number)
{
	const uint8_t *l3 = f->data + ETH_HLEN;

	if (f->len < ETH_HLEN + 32 || l3[0] != 0x45 || l3[9] != IPPROTO_UDP ||
	    l3[20] || l3[21] != PORT_BARRIER)
		return false;

	memcpy(number, l3 + 28, sizeof(*number));
	return true;
}

/* Multicast is what routers say of themselves. */
static void wire_read(struct wires *w, int router, enum side_id side)
{
	struct output *out = &w->out[router];
	struct frame *f;
	uint32_t number;
	ssize_t len;

	if (out->n == FRAMES_MAX)
		out->n--;
	f = &out->frames[out->n];
	len = recv(wire_fd(w, router, side), f->data, sizeof(f->data), 0);
	if (len < 0 && errno == EAGAIN)
		return;
	if (len < 0)
		die("recv");
	f->len = len;
	f->side = side;
	if (len < ETH_HLEN || memcmp(f->data, flow_macs[side][0], ETH_ALEN))
		return;
	if (is_barrier(f, &number)) {
		out->barrier |= number == w->barrier;
		return;
	}
	forget_id(f);
	out->n++;
}

/* One frame of each port: a system call costs more than a frame.
 * Return: false if nothing came
 */
static bool wires_read(struct wires *w, int ms)
{
	int i, n = ROUTERS * SIDES;

	if (poll(w->pfd, n + OTHERS, ms) <= 0)
		return false;
	for (i = 0; i < n; i++)
		if (w->pfd[i].revents & POLLIN)
			wire_read(w, i / SIDES, i % SIDES);
	for (i = 0; i < OTHERS; i++) {
		if (!(w->pfd[n + i].revents & POLLIN))
			continue;
		w->ready[i] = true;
		/* Once is enough, or poll() would not wait. */
		w->pfd[n + i].events = 0;
	}
	return true;
}

static bool barrier_is_through(const struct wires *w)
{
	int router;

	for (router = 0; router < ROUTERS; router++)
		if (!w->out[router].barrier)
			return false;

	return true;
}

/* What was sent before it from the same side has come out when it does. */
static void wires_barrier(struct wires *w, enum side_id from)
{
	struct ends ends = {
		.family = AF_INET,
		.port = { PORT_BARRIER, PORT_BARRIER },
	};
	struct packet pkt = { .from = from, .udp = true, .ttl = 64, .len = 4 };
	struct frame f;
	int router, ms;

	inet_pton(AF_INET, "10.0.1.100", &ends.addr[CLIENT]);
	inet_pton(AF_INET, "10.0.2.100", &ends.addr[SERVER]);
	w->barrier++;
	w->barriers++;
	put_packet(&ends, &pkt, &f);
	memcpy(f.data + f.len - 4, &w->barrier, 4);
	/* UDP goes without a checksum then. */
	memset(f.data + f.len - 6, 0, 2);
	for (router = 0; router < ROUTERS; router++) {
		w->out[router].barrier = false;
		wire_send(wire_fd(w, router, from), &f);
	}
	for (ms = 0; !barrier_is_through(w); ms += 10 * !wires_read(w, 10)) {
		errno = ETIMEDOUT;
		if (ms > LOST_MS)
			die("a router does not forward");
	}
}

static bool wires_have(const struct wires *w, unsigned int n)
{
	int router;

	for (router = 0; router < ROUTERS; router++)
		if (w->out[router].n < n)
			return false;

	return true;
}

/* Errors go back, so the other way comes second. It is for those who must know
 * that nothing else comes: what goes back was sent before the barrier, and is
 * nearly always there before it.
 */
void wires_settle(struct wires *w, enum side_id from)
{
	wires_barrier(w, from);
	wires_barrier(w, !from);
}

/* One packet into each of them. Unless there is a doubt that it comes out, the
 * frames that it is made of are waited for.
 */
void wires_step(struct wires *w, const struct frame *frames, unsigned int n,
		enum side_id from, bool doubt)
{
	unsigned int i;
	int router;

	for (router = 0; router < ROUTERS; router++) {
		w->out[router].n = 0;
		for (i = 0; i < n; i++)
			wire_send(wire_fd(w, router, from), &frames[i]);
	}
	w->sent++;
	doubt |= w->wary;
	while (!doubt && !wires_have(w, n))
		doubt = !wires_read(w, BARRIER_MS);
	if (doubt)
		wires_barrier(w, from);
}

bool same_output(const struct output *a, const struct output *b)
{
	unsigned int i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (a->frames[i].side != b->frames[i].side ||
		    a->frames[i].len != b->frames[i].len ||
		    memcmp(a->frames[i].data, b->frames[i].data,
			   a->frames[i].len))
			return false;

	return true;
}

void dump_output(const struct wires *w)
{
	int router;
	unsigned int i;

	for (router = 0; router < ROUTERS; router++)
		for (i = 0; i < w->out[router].n; i++)
			dump_frame(router_names[router],
				   &w->out[router].frames[i]);
}
