// SPDX-License-Identifier: GPL-2.0
/* Flow tables of devices: their ports, and bindings to flowtables. */

#include <kunit/visibility.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <net/flow_ft_table.h>
#include <net/flow_offload.h>
#include <net/pkt_cls.h>

#include "flow_ft_binding.h"

static DEFINE_MUTEX(flow_ft_tables_lock); /* protects flow_ft_tables */
static LIST_HEAD(flow_ft_tables);

static int flow_ft_block_cb(enum tc_setup_type type, void *type_data,
			    void *cb_priv)
{
	struct flow_ft_binding *binding = cb_priv;
	struct flow_cls_offload *cls = type_data;
	int err;

	if (type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;

	mutex_lock(&binding->ft->lock);
	switch (cls->command) {
	case FLOW_CLS_REPLACE:
		err = flow_ft_replace(binding, cls);
		break;
	case FLOW_CLS_DESTROY:
		err = flow_ft_del(binding, cls);
		break;
	case FLOW_CLS_STATS:
		err = flow_ft_stats(binding, cls);
		break;
	default:
		err = -EOPNOTSUPP;
		break;
	}
	mutex_unlock(&binding->ft->lock);

	return err;
}

/* Oldest first. */
static unsigned int flow_ft_binding_evict(struct flow_ft_binding *binding,
					  unsigned int max)
{
	struct flow_ft_entry *entry, *next;
	unsigned int n = 0;

	list_for_each_entry_safe(entry, next, &binding->entries, list) {
		if (n == max)
			break;
		flow_ft_remove_free(binding->ft, entry);
		n++;
	}

	return n;
}

static unsigned int flow_ft_binding_flush(struct flow_ft_binding *binding)
{
	return flow_ft_binding_evict(binding, UINT_MAX);
}

/* The core has taken out what it knows of, and frees the block callback. */
static void flow_ft_binding_release(void *cb_priv)
{
	struct flow_ft_binding *binding = cb_priv;
	struct flow_ft *ft = binding->ft;

	mutex_lock(&ft->lock);
	ft->counters.unbind_orphans += flow_ft_binding_flush(binding);
	if (binding->port)
		list_del_rcu(&binding->list);
	ft->counters.unbind++;
	mutex_unlock(&ft->lock);

	kfree_rcu(binding, rcu);
}

static struct flow_block_cb *
flow_ft_binding_alloc(struct flow_ft_port *port, struct flow_block_offload *f)
{
	struct flow_ft_binding *binding;
	struct flow_block_cb *block_cb;

	binding = kzalloc_obj(*binding);
	if (!binding)
		return ERR_PTR(-ENOMEM);

	block_cb = flow_block_cb_alloc(flow_ft_block_cb, port, binding,
				       flow_ft_binding_release);
	if (IS_ERR(block_cb)) {
		kfree(binding);
		return block_cb;
	}

	binding->ft = port->ft;
	binding->port = port;
	binding->net = f->net;
	INIT_LIST_HEAD(&binding->entries);
	list_add_rcu(&binding->list, &port->bindings);
	port->ft->counters.bind++;

	return block_cb;
}

static int flow_ft_bind(struct flow_ft_port *port, struct flow_block_offload *f)
{
	struct flow_block_cb *block_cb;
	struct flow_ft *ft = port->ft;

	block_cb = flow_block_cb_lookup(f->block, flow_ft_block_cb, port);
	if (block_cb) {
		flow_block_cb_incref(block_cb);
		return 0;
	}

	mutex_lock(&ft->lock);
	if (port->gone) {
		NL_SET_ERR_MSG_MOD(f->extack, "port is gone");
		block_cb = ERR_PTR(-ENODEV);
	} else {
		block_cb = flow_ft_binding_alloc(port, f);
	}
	mutex_unlock(&ft->lock);
	if (IS_ERR(block_cb))
		return PTR_ERR(block_cb);

	flow_block_cb_incref(block_cb);
	flow_block_cb_add(block_cb, f);
	return 0;
}

static void flow_ft_unbind(struct flow_ft_port *port,
			   struct flow_block_offload *f)
{
	struct flow_block_cb *block_cb;

	block_cb = flow_block_cb_lookup(f->block, flow_ft_block_cb, port);
	if (block_cb && !flow_block_cb_decref(block_cb))
		flow_block_cb_remove(block_cb, f);
}

/**
 * flow_ft_setup() - handle TC_SETUP_FT of a port
 * @port: port
 * @f: request
 *
 * Binding does not depend on hw-tc-offload; installing entries does. Unbinding
 * cannot fail, so a driver must not put anything that can in front of it. The
 * core then sends a DESTROY for what it has installed, and frees the block
 * callback. Entries that are left when it does so are removed, and counted in
 * &flow_ft_counters.unbind_orphans.
 *
 * Context: process, with the flow_block_lock of the flowtable held for writing;
 *	may sleep; takes &flow_ft.lock.
 * Return: 0, -ENOMEM, -ENODEV after flow_ft_port_del(), or -EOPNOTSUPP for a
 *	request that is no flowtable's.
 */
int flow_ft_setup(struct flow_ft_port *port, struct flow_block_offload *f)
{
	if (f->binder_type != FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS) {
		NL_SET_ERR_MSG_MOD(f->extack, "only ingress is supported");
		return -EOPNOTSUPP;
	}

	switch (f->command) {
	case FLOW_BLOCK_BIND:
		return flow_ft_bind(port, f);
	case FLOW_BLOCK_UNBIND:
		flow_ft_unbind(port, f);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}
EXPORT_SYMBOL_GPL(flow_ft_setup);

/* Remove what leads to a port that cannot be an egress any more. */
static void flow_ft_purge_egress(struct flow_ft *ft, struct flow_ft_port *gone)
{
	struct flow_ft_entry *entry, *next;
	struct flow_ft_binding *binding;
	struct flow_ft_port *port;

	lockdep_assert_held(&ft->lock);

	list_for_each_entry(port, &ft->ports, list) {
		list_for_each_entry(binding, &port->bindings, list) {
			list_for_each_entry_safe(entry, next,
						 &binding->entries, list) {
				if (entry->egress != gone)
					continue;
				flow_ft_remove_free(ft, entry);
				ft->counters.port_purged++;
			}
		}
	}
}

/* RTNL is held, and hardware may be slow: only the table that the netdev is a
 * port of is locked.
 */
static void flow_ft_purge_netdev(struct flow_ft *ft,
				 const struct net_device *dev)
{
	struct flow_ft_port *port;

	rcu_read_lock();
	port = flow_ft_port_by_dev(ft, dev);
	rcu_read_unlock();
	if (!port)
		return;

	mutex_lock(&ft->lock);
	flow_ft_purge_egress(ft, port);
	mutex_unlock(&ft->lock);
}

/* A netdev that moves to another netns is unregistered here and registered
 * there. A rule may be installed between the first event and the change of
 * dev_net(), hence both.
 */
static int flow_ft_netdev_event(struct notifier_block *nb, unsigned long event,
				void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct flow_ft *ft;

	if (event != NETDEV_UNREGISTER && event != NETDEV_REGISTER)
		return NOTIFY_DONE;

	mutex_lock(&flow_ft_tables_lock);
	list_for_each_entry(ft, &flow_ft_tables, list)
		flow_ft_purge_netdev(ft, dev);
	mutex_unlock(&flow_ft_tables_lock);

	return NOTIFY_DONE;
}

VISIBLE_IF_KUNIT struct notifier_block flow_ft_netdev_notifier = {
	.notifier_call = flow_ft_netdev_event,
};
EXPORT_SYMBOL_IF_KUNIT(flow_ft_netdev_notifier);

/**
 * flow_ft_port_add() - a port joins its device
 * @ft: device
 * @port: port, zeroed
 * @dev: netdev of the port; need not be registered yet
 *
 * Context: process; may sleep; takes &flow_ft.lock.
 */
void flow_ft_port_add(struct flow_ft *ft, struct flow_ft_port *port,
		      struct net_device *dev)
{
	port->ft = ft;
	port->dev = dev;
	INIT_LIST_HEAD(&port->bindings);

	mutex_lock(&ft->lock);
	list_add_tail_rcu(&port->list, &ft->ports);
	mutex_unlock(&ft->lock);
}
EXPORT_SYMBOL_GPL(flow_ft_port_add);

/**
 * flow_ft_port_del() - a port leaves its device
 * @port: port
 *
 * To be called before the netdev is unregistered: entries that lead to the port
 * are gone afterwards, those of its bindings too, and none can come. The
 * bindings themselves stay until the core gives them back by flow_ft_setup(),
 * which it does while the netdev is unregistered. A packet may still see an
 * entry, and by it the port, until an RCU grace period has passed. A second
 * call does nothing.
 *
 * Context: process; may sleep; takes &flow_ft.lock.
 */
void flow_ft_port_del(struct flow_ft_port *port)
{
	struct flow_ft_binding *binding, *next;
	struct flow_ft *ft = port->ft;

	mutex_lock(&ft->lock);
	if (port->gone)
		goto out;

	port->gone = true;
	list_for_each_entry_safe(binding, next, &port->bindings, list) {
		ft->counters.port_purged += flow_ft_binding_flush(binding);
		binding->port = NULL;
		list_del_rcu(&binding->list);
	}
	flow_ft_purge_egress(ft, port);
	list_del_rcu(&port->list);
out:
	mutex_unlock(&ft->lock);
}
EXPORT_SYMBOL_GPL(flow_ft_port_del);

/**
 * flow_ft_walk() - call a function for every entry
 * @ft: device
 * @fn: function; must not change the table
 * @data: second argument of @fn
 *
 * Context: process; may sleep; holds &flow_ft.lock while it calls @fn.
 */
void flow_ft_walk(struct flow_ft *ft,
		  void (*fn)(struct flow_ft_entry *entry, void *data),
		  void *data)
{
	struct flow_ft_binding *binding;
	struct flow_ft_entry *entry;
	struct flow_ft_port *port;

	mutex_lock(&ft->lock);
	list_for_each_entry(port, &ft->ports, list)
		list_for_each_entry(binding, &port->bindings, list)
			list_for_each_entry(entry, &binding->entries, list)
				fn(entry, data);
	mutex_unlock(&ft->lock);
}
EXPORT_SYMBOL_GPL(flow_ft_walk);

/**
 * flow_ft_evict() - make room in the table
 * @ft: device
 * @max: number of entries to remove
 *
 * The core is not told, unless &flow_ft_ops.stop does so: it hears -ENOENT when
 * it asks for one of them. The oldest ones of a binding go first.
 *
 * Context: process; may sleep; takes &flow_ft.lock.
 * Return: number of entries removed, which is less than @max if there were no
 *	more.
 */
unsigned int flow_ft_evict(struct flow_ft *ft, unsigned int max)
{
	struct flow_ft_binding *binding;
	struct flow_ft_port *port;
	unsigned int n = 0;

	mutex_lock(&ft->lock);
	list_for_each_entry(port, &ft->ports, list)
		list_for_each_entry(binding, &port->bindings, list)
			n += flow_ft_binding_evict(binding, max - n);
	ft->counters.evicted += n;
	mutex_unlock(&ft->lock);

	return n;
}
EXPORT_SYMBOL_GPL(flow_ft_evict);

/**
 * flow_ft_init() - set up the flow table of a device
 * @ft: device, zeroed
 * @ops: the driver
 *
 * Context: process; may sleep.
 * Return: 0 or a negative error code.
 */
int flow_ft_init(struct flow_ft *ft, const struct flow_ft_ops *ops)
{
	int err;

	ft->ops = ops;
	mutex_init(&ft->lock);
	INIT_LIST_HEAD(&ft->ports);

	err = flow_ft_entries_init(ft);
	if (err)
		return err;

	mutex_lock(&flow_ft_tables_lock);
	list_add(&ft->list, &flow_ft_tables);
	mutex_unlock(&flow_ft_tables_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(flow_ft_init);

/**
 * flow_ft_destroy() - take down the flow table of a device
 * @ft: device; all of its ports must have left, their netdevs be unregistered
 *
 * Context: process; may sleep.
 */
void flow_ft_destroy(struct flow_ft *ft)
{
	mutex_lock(&flow_ft_tables_lock);
	list_del(&ft->list);
	mutex_unlock(&flow_ft_tables_lock);

	WARN_ON(!list_empty(&ft->ports));
	flow_ft_entries_destroy(ft);
	mutex_destroy(&ft->lock);
}
EXPORT_SYMBOL_GPL(flow_ft_destroy);

/* One for all: a driver sets its table up under locks that nest the other way
 * round than those of register_netdevice_notifier().
 */
static int __init flow_ft_module_init(void)
{
	return register_netdevice_notifier(&flow_ft_netdev_notifier);
}

static void __exit flow_ft_module_exit(void)
{
	unregister_netdevice_notifier(&flow_ft_netdev_notifier);
}

subsys_initcall(flow_ft_module_init);
module_exit(flow_ft_module_exit);
