/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _FLOW_FT_BINDING_H
#define _FLOW_FT_BINDING_H

#include <net/flow_ft_table.h>

struct flow_cls_offload;

/* A port that is in a flowtable. It outlives the port: the core gives the
 * block callback back only when it hears that the netdev is gone.
 */
struct flow_ft_binding {
	struct flow_ft		*ft;
	struct flow_ft_port	*port;	/* NULL once the port is gone */
	const struct net	*net;	/* of the flowtable, for comparison */
	struct list_head	list;	/* in port->bindings */
	struct list_head	entries;
	struct rcu_head		rcu;
};

struct flow_ft_port *flow_ft_port_by_dev(const struct flow_ft *ft,
					 const struct net_device *dev);

int flow_ft_entries_init(struct flow_ft *ft);
void flow_ft_entries_destroy(struct flow_ft *ft);

int flow_ft_replace(struct flow_ft_binding *binding,
		    const struct flow_cls_offload *cls);
int flow_ft_del(struct flow_ft_binding *binding,
		const struct flow_cls_offload *cls);
int flow_ft_stats(struct flow_ft_binding *binding,
		  struct flow_cls_offload *cls);

void flow_ft_remove_free(struct flow_ft *ft, struct flow_ft_entry *entry);

#if IS_ENABLED(CONFIG_KUNIT)
extern struct notifier_block flow_ft_netdev_notifier;
#endif

#endif /* _FLOW_FT_BINDING_H */
