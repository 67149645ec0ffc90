// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Flowtables on user ports.  A switch may forward flows itself; if it does not,
 * the conduit may.  A flowtable is bound for as long as it has the port, which
 * may get another conduit meanwhile: it is unbound from who has its callback.
 */
#include <kunit/visibility.h>
#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <net/dsa.h>
#include <net/flow_offload.h>

#include "ft.h"

struct dsa_ft_bound {
	struct list_head list;
	const struct flow_block *block;
	struct net_device *conduit;	/* or NULL: the switch */
	netdevice_tracker tracker;
};

void dsa_ft_init(struct dsa_ft *ft)
{
	INIT_LIST_HEAD(&ft->bound);
	mutex_init(&ft->lock);
}
EXPORT_SYMBOL_IF_KUNIT(dsa_ft_init);

static int dsa_ft_conduit(struct net_device *conduit,
			  struct flow_block_offload *f)
{
	if (!conduit->netdev_ops->ndo_setup_tc)
		return -EOPNOTSUPP;

	return conduit->netdev_ops->ndo_setup_tc(conduit, TC_SETUP_FT, f);
}

static int dsa_ft_switch(struct dsa_port *dp, struct flow_block_offload *f)
{
	struct dsa_switch *ds = dp->ds;

	if (!ds->ops->port_setup_tc)
		return -EOPNOTSUPP;

	return ds->ops->port_setup_tc(ds, dp->index, TC_SETUP_FT, f);
}

static int dsa_ft_bind(struct dsa_port *dp, struct dsa_ft *ft,
		       struct flow_block_offload *f)
{
	struct net_device *conduit = NULL;
	struct dsa_ft_bound *bound;
	int err;

	bound = kzalloc_obj(*bound);
	if (!bound)
		return -ENOMEM;

	err = dsa_ft_switch(dp, f);
	if (err == -EOPNOTSUPP) {
		conduit = dsa_port_to_conduit(dp);
		err = dsa_ft_conduit(conduit, f);
	}
	if (err) {
		kfree(bound);
		return err;
	}

	bound->block = f->block;
	bound->conduit = conduit;
	netdev_hold(conduit, &bound->tracker, GFP_KERNEL);
	list_add(&bound->list, &ft->bound);

	return 0;
}

static void dsa_ft_free(struct dsa_ft_bound *bound)
{
	list_del(&bound->list);
	netdev_put(bound->conduit, &bound->tracker);
	kfree(bound);
}

static int dsa_ft_unbind(struct dsa_port *dp, struct dsa_ft *ft,
			 struct flow_block_offload *f)
{
	struct dsa_ft_bound *bound;
	int err;

	list_for_each_entry(bound, &ft->bound, list) {
		if (bound->block != f->block)
			continue;

		if (bound->conduit)
			err = dsa_ft_conduit(bound->conduit, f);
		else
			err = dsa_ft_switch(dp, f);
		dsa_ft_free(bound);

		return err;
	}

	return -ENOENT;
}

/**
 * dsa_ft_setup() - a flowtable comes to a user port, or leaves it
 * @dp: the port
 * @ft: its flowtables
 * @f: the request
 *
 * Return: 0, or what the driver returned that was asked.
 */
int dsa_ft_setup(struct dsa_port *dp, struct dsa_ft *ft,
		 struct flow_block_offload *f)
{
	guard(mutex)(&ft->lock);

	switch (f->command) {
	case FLOW_BLOCK_BIND:
		return dsa_ft_bind(dp, ft, f);
	case FLOW_BLOCK_UNBIND:
		return dsa_ft_unbind(dp, ft, f);
	default:
		return -EOPNOTSUPP;
	}
}
EXPORT_SYMBOL_IF_KUNIT(dsa_ft_setup);

/**
 * dsa_ft_forget() - the system goes down, with flowtables bound
 * @ft: flowtables of a user port
 *
 * Nobody unbinds them any more, and a conduit that is unregistered must not
 * wait for that.
 */
void dsa_ft_forget(struct dsa_ft *ft)
{
	struct dsa_ft_bound *bound, *next;

	guard(mutex)(&ft->lock);

	list_for_each_entry_safe(bound, next, &ft->bound, list)
		dsa_ft_free(bound);
}
EXPORT_SYMBOL_IF_KUNIT(dsa_ft_forget);
