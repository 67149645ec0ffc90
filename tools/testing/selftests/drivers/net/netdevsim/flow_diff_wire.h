/* SPDX-License-Identifier: GPL-2.0 */
/* Wires of flow_differential: the same frames into three routers, and what
 * comes out of each.
 */
#ifndef _FLOW_DIFF_WIRE_H
#define _FLOW_DIFF_WIRE_H

#include <poll.h>

#include "flow_diff_frame.h"

#define FRAMES_MAX	8

enum router_id { PLAIN, SOFT, HARD, ROUTERS };

/* What came out of a router since the last step */
struct output {
	unsigned int	n;
	struct frame	frames[FRAMES_MAX];
	bool		barrier;
};

/* Behind the ports come sockets of somebody else, who is told when there is
 * something to read.
 */
#define OTHERS		2

struct wires {
	struct pollfd	pfd[ROUTERS * SIDES + OTHERS];
	bool		ready[OTHERS];
	bool		wary;		/* CPUs do more than one thing */
	struct output	out[ROUTERS];
	uint32_t	barrier;	/* that is waited for */
	unsigned long	sent;
	unsigned long	barriers;
};

extern const char * const router_names[ROUTERS];

void wires_open(struct wires *w, const char *client, const char *server);
void wires_settle(struct wires *w, enum side_id from);
void wires_step(struct wires *w, const struct frame *frames, unsigned int n,
		enum side_id from, bool doubt);
bool same_output(const struct output *a, const struct output *b);
void dump_output(const struct wires *w);

#endif /* _FLOW_DIFF_WIRE_H */
