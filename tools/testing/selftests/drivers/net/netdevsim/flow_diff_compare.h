/* SPDX-License-Identifier: GPL-2.0 */
/* What flow_differential compares, and what may differ. */
#ifndef _FLOW_DIFF_COMPARE_H
#define _FLOW_DIFF_COMPARE_H

#include <stdio.h>

#include "flow_diff_talk.h"
#include "flow_diff_wire.h"

#define FAILURES_MAX	5

struct test {
	struct wires	wires;
	int		ct[ROUTERS];
	int		events[ROUTERS];
	uint64_t	seed;
	unsigned int	round;
	int		only;
	const char	*repeat;
	unsigned int	failures;
	unsigned long	steps;
	unsigned long	compared;
	unsigned long	num_events;
	unsigned long	unaged;
	unsigned long	unclaimed;
	unsigned long	hidden;
	unsigned long	paused;
	const char	*debugfs;	/* of hardware */
	unsigned long	idles;
	long long	now;
	FILE		*entries;
	struct conv	convs[CONVS];
};

extern struct test t;

bool check_deviations(bool whole);
void nap(int ms);
void note(struct conv *c, const struct step *s);
void give_up(struct conv *c);
void read_ready(bool all);
void compare_events(struct conv *c, const char *what);
void get_plain(struct conv *c);
void look_at_plain(struct conv *c);
void compare_state(struct conv *c, enum router_id router, const char *what);
void compare_frames(struct conv *c, enum router_id router, enum side_id from,
		    const char *what);

#endif /* _FLOW_DIFF_COMPARE_H */
