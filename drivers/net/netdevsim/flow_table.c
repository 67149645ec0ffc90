// SPDX-License-Identifier: GPL-2.0
/* Flow table of the modelled switch ASIC: life cycle, and what it can do. */

#include <linux/slab.h>
#include <net/flow_offload.h>
#include <net/pkt_cls.h>

#include "flow.h"
#include "netdevsim.h"

static int nsim_flow_add_entry(struct flow_ft *ft, struct flow_ft_entry *entry,
			       struct netlink_ext_ack *extack)
{
	struct nsim_flow *flow = container_of(ft, struct nsim_flow, ft);

	if (entry->rule.priority) {
		NSIM_EA(extack, "priorities are not supported");
		return -EOPNOTSUPP;
	}

	return nsim_flow_fault_add(flow, extack);
}

static void nsim_flow_del_entry(struct flow_ft *ft, struct flow_ft_entry *entry)
{
	nsim_flow_fault_del(container_of(ft, struct nsim_flow, ft));
}

static const struct flow_ft_ops nsim_flow_ops = {
	.add	= nsim_flow_add_entry,
	.del	= nsim_flow_del_entry,
};

int nsim_flow_setup(struct netdevsim *ns, struct flow_block_offload *f)
{
	if (!ns->flow) {
		NL_SET_ERR_MSG_FMT_MOD(f->extack,
				       "%s has no flow table, only PF ports do",
				       netdev_name(ns->netdev));
		return -EOPNOTSUPP;
	}

	return flow_ft_setup(&ns->flow->ft, f);
}

/* The core has no use for an error from UNBIND, so keep it away from the error
 * injection of nsim_setup_tc(). Who wants to see what the core makes of one
 * plants it, and must keep the device: the callback is left with the core.
 */
int nsim_flow_setup_tc(struct net_device *dev, enum tc_setup_type type,
		       void *type_data)
{
	struct netdevsim *ns = netdev_priv(dev);
	struct flow_block_offload *f = type_data;

	if (type != TC_SETUP_FT || f->command != FLOW_BLOCK_UNBIND)
		return nsim_setup_tc(dev, type, type_data);

	if (ns->flow &&
	    nsim_flow_fault(&nsim_flow_of(ns->flow)->faults.fail_unbind)) {
		NSIM_EA(f->extack, "planted failure");
		return -EBUSY;
	}

	return nsim_flow_setup(ns, f);
}

int nsim_flow_port_init(struct netdevsim *ns)
{
	struct nsim_flow_port *port;

	port = kzalloc_obj(*port);
	if (!port)
		return -ENOMEM;

	port->ns = ns;
	flow_ft_port_add(&ns->nsim_dev->flow->ft, &port->ft, ns->netdev);
	ns->flow = port;
	return 0;
}

/* Before the netdev is unregistered: from here on nothing is sent to it. */
void nsim_flow_port_exit(struct netdevsim *ns)
{
	if (ns->flow)
		flow_ft_port_del(&ns->flow->ft);
}

/* After the netdev is unregistered, or if it could not be registered: the
 * flowtables have let go of the port.
 */
void nsim_flow_port_free(struct netdevsim *ns)
{
	nsim_flow_port_exit(ns);
	kfree_rcu(ns->flow, rcu);
	ns->flow = NULL;
}

int nsim_flow_init(struct nsim_dev *nsim_dev)
{
	struct nsim_flow *flow;
	int err;

	flow = kzalloc_obj(*flow);
	if (!flow)
		return -ENOMEM;

	err = flow_ft_init(&flow->ft, &nsim_flow_ops);
	if (err)
		goto err_free;

	nsim_flow_debugfs_init(flow, nsim_dev->ddir);
	nsim_dev->flow = flow;
	return 0;

err_free:
	kfree(flow);
	return err;
}

void nsim_flow_exit(struct nsim_dev *nsim_dev)
{
	struct nsim_flow *flow = nsim_dev->flow;

	nsim_flow_debugfs_exit(flow);
	flow_ft_destroy(&flow->ft);
	kfree(flow);
}
