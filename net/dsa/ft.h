/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flowtables on user ports, see ft.c
 */
#ifndef __DSA_FT_H
#define __DSA_FT_H

#include <linux/list.h>
#include <linux/mutex.h>

struct dsa_port;
struct flow_block_offload;

/**
 * struct dsa_ft - flowtables of a user port
 * @bound:	one entry for each that is bound
 * @lock:	protects @bound, and makes BIND and UNBIND one step each
 */
struct dsa_ft {
	struct list_head bound;
	struct mutex lock;	/* see above */
};

void dsa_ft_init(struct dsa_ft *ft);
int dsa_ft_setup(struct dsa_port *dp, struct dsa_ft *ft,
		 struct flow_block_offload *f);
void dsa_ft_forget(struct dsa_ft *ft);

#endif
