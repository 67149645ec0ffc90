// SPDX-License-Identifier: GPL-2.0
/* Entries of flow tables of devices: installed, found, counted, removed. */

#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rculist.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <net/flow_ft_table.h>
#include <net/flow_offload.h>
#include <net/pkt_cls.h>

#include "flow_ft_binding.h"

static const struct rhashtable_params flow_ft_key_params = {
	.key_offset		= offsetof(struct flow_ft_entry, key),
	.key_len		= sizeof(struct flow_ft_key),
	.head_offset		= offsetof(struct flow_ft_entry, key_node),
	.automatic_shrinking	= true,
};

static const struct rhashtable_params flow_ft_cookie_params = {
	.key_offset		= offsetof(struct flow_ft_entry, cookie),
	.key_len		= sizeof(struct flow_ft_cookie),
	.head_offset		= offsetof(struct flow_ft_entry, cookie_node),
	.automatic_shrinking	= true,
};

static struct flow_ft_key flow_ft_key(const struct flow_ft_binding *binding,
				      const struct flow_ft_tuple *tuple)
{
	struct flow_ft_key key = { .binding = binding, .tuple = *tuple };

	/* No padding, or the hash and the comparison would see it. */
	BUILD_BUG_ON(sizeof(key) != sizeof(binding) + 48);

	return key;
}

static struct flow_ft_entry *
flow_ft_by_cookie(const struct flow_ft_binding *binding, unsigned long cookie)
{
	struct flow_ft_cookie key = { .binding = binding, .cookie = cookie };

	lockdep_assert_held(&binding->ft->lock);

	return rhashtable_lookup_fast(&binding->ft->cookies, &key,
				      flow_ft_cookie_params);
}

/**
 * flow_ft_lookup() - find the entry that a packet hits
 * @port: port that the packet came in by
 * @tuple: what the packet says; all of it counts, so zero it before
 *
 * Entries that are there are found while hw-tc-offload is off, too: not to
 * forward by them then is up to the driver.
 *
 * Context: RCU read side; the result is valid until its end.
 * Return: the entry, of the newest flowtable that has one, or NULL.
 */
struct flow_ft_entry *flow_ft_lookup(struct flow_ft_port *port,
				     const struct flow_ft_tuple *tuple)
{
	const struct flow_ft_binding *binding;
	struct flow_ft_entry *entry;
	struct flow_ft_key key;

	list_for_each_entry_rcu(binding, &port->bindings, list) {
		key = flow_ft_key(binding, tuple);
		entry = rhashtable_lookup(&port->ft->keys, &key,
					  flow_ft_key_params);
		if (entry)
			return entry;
	}

	return NULL;
}
EXPORT_SYMBOL_GPL(flow_ft_lookup);

/**
 * flow_ft_count() - account packets that hardware has forwarded
 * @entry: entry that they hit
 * @packets: number of packets since the last call
 * @bytes: their L3 length
 *
 * Context: any; several at once are fine.
 */
void flow_ft_count(struct flow_ft_entry *entry, u64 packets, u64 bytes)
{
	struct flow_ft_counts *counts = entry->counts;
	unsigned long now = jiffies;

	if (!packets)
		return;

	atomic64_add(packets, &counts->packets);
	atomic64_add(bytes, &counts->bytes);
	if (READ_ONCE(counts->lastused) != now)
		WRITE_ONCE(counts->lastused, now);
}
EXPORT_SYMBOL_GPL(flow_ft_count);

static u64 flow_ft_untold(atomic64_t *count, atomic64_t *told)
{
	s64 old = atomic64_read(told), now = atomic64_read(count);

	do {
		if (now <= old)
			return 0;
	} while (!atomic64_try_cmpxchg(told, &old, now));

	return now - old;
}

/**
 * flow_ft_take() - what the core has not been told of yet
 * @counts: of an entry
 * @packets: packets since the last call
 * @bytes: their L3 length
 *
 * For drivers that report; STATS is answered with what is left.
 *
 * Context: any; several at once are fine, each packet is in one of them.
 */
void flow_ft_take(struct flow_ft_counts *counts, u64 *packets, u64 *bytes)
{
	*packets = flow_ft_untold(&counts->packets, &counts->told_packets);
	*bytes = flow_ft_untold(&counts->bytes, &counts->told_bytes);
}
EXPORT_SYMBOL_GPL(flow_ft_take);

/* Context: flow_ft.lock or RCU read side. */
struct flow_ft_port *flow_ft_port_by_dev(const struct flow_ft *ft,
					 const struct net_device *dev)
{
	struct flow_ft_port *port;

	list_for_each_entry_rcu(port, &ft->ports, list,
				lockdep_is_held(&ft->lock))
		if (port->dev == dev)
			return port;

	return NULL;
}

static int flow_ft_resolve(const struct flow_ft_binding *binding,
			   struct flow_ft_entry *entry,
			   struct netlink_ext_ack *extack)
{
	struct flow_ft_port *egress;

	egress = flow_ft_port_by_dev(binding->ft, entry->rule.egress);
	if (!egress) {
		NL_SET_ERR_MSG_MOD(extack,
				   "egress is not a port of the ingress device");
		return -EXDEV;
	}
	if (!net_eq(dev_net(egress->dev), binding->net)) {
		NL_SET_ERR_MSG_MOD(extack, "egress is in another netns");
		return -EXDEV;
	}

	entry->ingress = binding->port;
	entry->egress = egress;
	return 0;
}

static int flow_ft_insert(struct flow_ft_binding *binding,
			  struct flow_ft_entry *entry)
{
	struct flow_ft *ft = binding->ft;
	int err;

	err = rhashtable_lookup_insert_fast(&ft->cookies, &entry->cookie_node,
					    flow_ft_cookie_params);
	if (err)
		return err;

	/* Last, for from here on packets find it. */
	err = rhashtable_lookup_insert_fast(&ft->keys, &entry->key_node,
					    flow_ft_key_params);
	if (err) {
		rhashtable_remove_fast(&ft->cookies, &entry->cookie_node,
				       flow_ft_cookie_params);
		return err;
	}

	list_add_tail(&entry->list, &binding->entries);
	ft->entries++;
	return 0;
}

static void flow_ft_remove(struct flow_ft *ft, struct flow_ft_entry *entry)
{
	lockdep_assert_held(&ft->lock);

	if (ft->ops->stop)
		ft->ops->stop(ft, entry);
	rhashtable_remove_fast(&ft->keys, &entry->key_node, flow_ft_key_params);
	rhashtable_remove_fast(&ft->cookies, &entry->cookie_node,
			       flow_ft_cookie_params);
	list_del(&entry->list);
	ft->entries--;
	ft->ops->del(ft, entry);
}

static void flow_ft_free(struct flow_ft_entry *entry)
{
	kfree_rcu(entry->counts, rcu);
	kfree_rcu(entry, rcu);
}

void flow_ft_remove_free(struct flow_ft *ft, struct flow_ft_entry *entry)
{
	flow_ft_remove(ft, entry);
	flow_ft_free(entry);
}

static struct flow_ft_entry *
flow_ft_entry_alloc(const struct flow_ft_binding *binding,
		    const struct flow_ft_rule *rule, unsigned long cookie)
{
	struct flow_ft_entry *entry;

	entry = kzalloc(sizeof(*entry) + binding->ft->ops->priv_size,
			GFP_KERNEL);
	if (!entry)
		return NULL;

	entry->counts = kzalloc_obj(*entry->counts);
	if (!entry->counts) {
		kfree(entry);
		return NULL;
	}

	entry->key = flow_ft_key(binding, &rule->tuple);
	entry->cookie.binding = binding;
	entry->cookie.cookie = cookie;
	entry->counts->lastused = jiffies;
	memcpy(&entry->rule, rule, sizeof(*rule));
	return entry;
}

static int flow_ft_install(struct flow_ft_binding *binding,
			   struct flow_ft_entry *entry,
			   struct netlink_ext_ack *extack)
{
	struct flow_ft *ft = binding->ft;
	int err;

	err = flow_ft_resolve(binding, entry, extack);
	if (err)
		return err;

	/* Hardware would take it for the same entry, and lose the other one. */
	if (rhashtable_lookup_fast(&ft->keys, &entry->key,
				   flow_ft_key_params)) {
		NL_SET_ERR_MSG_MOD(extack, "another flow has the same match");
		return -ENOTUNIQ;
	}

	err = ft->ops->add(ft, entry, extack);
	if (err)
		return err;

	err = flow_ft_insert(binding, entry);
	if (err)
		ft->ops->del(ft, entry);

	return err;
}

/* The same flow with other actions goes on counting where it was. Packets that
 * found the old entry just before count in the same place.
 */
static bool flow_ft_take_over(const struct flow_ft_entry *old,
			      struct flow_ft_entry *new)
{
	if (memcmp(&old->key, &new->key, sizeof(old->key)))
		return false;

	kfree(new->counts);
	new->counts = old->counts;
	return true;
}

static int flow_ft_replace_entry(struct flow_ft_binding *binding,
				 struct flow_ft_entry *old,
				 const struct flow_ft_rule *rule,
				 unsigned long cookie,
				 struct netlink_ext_ack *extack)
{
	struct flow_ft *ft = binding->ft;
	struct flow_ft_entry *new;
	int err;

	new = flow_ft_entry_alloc(binding, rule, cookie);
	if (old) {
		flow_ft_remove(ft, old);
		ft->counters.replaced++;
		if (!new || !flow_ft_take_over(old, new))
			kfree_rcu(old->counts, rcu);
		kfree_rcu(old, rcu);
	}
	if (!new) {
		NL_SET_ERR_MSG_MOD(extack, "no memory for an entry");
		return -ENOMEM;
	}

	err = flow_ft_install(binding, new, extack);
	if (err) {
		/* Packets of the entry before may still count. */
		flow_ft_free(new);
		return err;
	}

	ft->counters.replace++;
	return 0;
}

/* The core offers a rule to all ports of the flowtable; it is for the one that
 * its packets come in by.
 */
static bool flow_ft_is_foreign(const struct flow_ft_binding *binding,
			       const struct flow_rule *rule)
{
	const struct net_device *dev = binding->port->dev;
	struct flow_match_meta match;

	if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_META))
		return false;

	flow_rule_match_meta(rule, &match);
	return match.key->ingress_ifindex != dev->ifindex ||
	       !net_eq(dev_net(dev), binding->net);
}

static enum flow_ft_refusal flow_ft_refusal(int err)
{
	switch (err) {
	case -EXDEV:
		return FLOW_FT_REFUSED_EGRESS;
	case -ENOTUNIQ:
		return FLOW_FT_REFUSED_MATCH;
	case -ENOSPC:
		return FLOW_FT_REFUSED_FULL;
	case -ENOMEM:
		return FLOW_FT_REFUSED_NOMEM;
	default:
		return FLOW_FT_REFUSED_DRIVER;
	}
}

/* The core drops the text, so keep it for those who look. */
static void flow_ft_refuse(const struct flow_ft_binding *binding,
			   const struct flow_cls_offload *cls,
			   const struct flow_ft_rule *rule,
			   enum flow_ft_refusal reason, int err)
{
	const struct netlink_ext_ack *extack = cls->common.extack;
	struct flow_ft_refused *last = &binding->ft->last_refused;

	binding->ft->counters.refused[reason]++;
	last->tuple = rule->tuple;
	last->reason = reason;
	last->err = err;
	strscpy(last->port, binding->port ? binding->port->dev->name : "");
	strscpy(last->text, extack && extack->_msg ? extack->_msg : "");
}

static int flow_ft_decode(const struct flow_ft_binding *binding,
			  const struct flow_cls_offload *cls,
			  struct flow_ft_rule *rule,
			  enum flow_ft_refusal *reason)
{
	struct netlink_ext_ack *extack = cls->common.extack;

	*reason = FLOW_FT_REFUSED_RULE;
	if (binding->port)
		return flow_ft_parse(cls->rule, FLOW_FT_MANGLE_PACKET, rule,
				     extack);

	NL_SET_ERR_MSG_MOD(extack, "port is gone");
	*reason = FLOW_FT_REFUSED_GONE;
	memset(rule, 0, sizeof(*rule));
	return -ENODEV;
}

int flow_ft_replace(struct flow_ft_binding *binding,
		    const struct flow_cls_offload *cls)
{
	struct flow_ft *ft = binding->ft;
	enum flow_ft_refusal reason;
	struct flow_ft_entry *old;
	struct flow_ft_rule rule;
	int err;

	old = flow_ft_by_cookie(binding, cls->cookie);
	/* A cookie has one rule at a time, and the old one is not true any
	 * more, whatever becomes of the new one.
	 */
	if (binding->port && flow_ft_is_foreign(binding, cls->rule)) {
		/* No text: it would hide that of the port that is asked. */
		ft->counters.replace_foreign++;
		err = -EOPNOTSUPP;
		goto err_old;
	}

	err = flow_ft_decode(binding, cls, &rule, &reason);
	if (err)
		goto err_refuse;
	if (old && !memcmp(&old->rule, &rule, sizeof(rule)) &&
	    (!ft->ops->keep || ft->ops->keep(ft, old))) {
		ft->counters.replace_same++;
		return 0;
	}
	if (!tc_can_offload(binding->port->dev)) {
		NL_SET_ERR_MSG_MOD(cls->common.extack,
				   "hw-tc-offload is off on this port");
		reason = FLOW_FT_REFUSED_OFF;
		err = -EOPNOTSUPP;
		goto err_refuse;
	}

	err = flow_ft_replace_entry(binding, old, &rule, cls->cookie,
				    cls->common.extack);
	if (err)
		flow_ft_refuse(binding, cls, &rule, flow_ft_refusal(err), err);

	return err;

err_refuse:
	flow_ft_refuse(binding, cls, &rule, reason, err);
err_old:
	if (old) {
		flow_ft_remove_free(ft, old);
		ft->counters.replaced++;
	}

	return err;
}

int flow_ft_del(struct flow_ft_binding *binding,
		const struct flow_cls_offload *cls)
{
	struct flow_ft *ft = binding->ft;
	struct flow_ft_entry *entry;

	entry = flow_ft_by_cookie(binding, cls->cookie);
	if (!entry) {
		ft->counters.destroy_unknown++;
		return -ENOENT;
	}

	flow_ft_remove_free(ft, entry);
	ft->counters.destroy++;
	return 0;
}

/* Only what is new since the last time: the core adds up. */
int flow_ft_stats(struct flow_ft_binding *binding,
		  struct flow_cls_offload *cls)
{
	struct flow_ft *ft = binding->ft;
	struct flow_ft_entry *entry;
	u64 packets, bytes;

	entry = flow_ft_by_cookie(binding, cls->cookie);
	if (!entry) {
		ft->counters.stats_unknown++;
		return -ENOENT;
	}

	if (ft->ops->stats)
		ft->ops->stats(ft, entry);

	flow_ft_take(entry->counts, &packets, &bytes);
	flow_stats_update(&cls->stats, bytes, packets, 0,
			  READ_ONCE(entry->counts->lastused),
			  FLOW_ACTION_HW_STATS_IMMEDIATE);
	ft->counters.stats++;
	return 0;
}

int flow_ft_entries_init(struct flow_ft *ft)
{
	int err;

	err = rhashtable_init(&ft->keys, &flow_ft_key_params);
	if (err)
		return err;

	err = rhashtable_init(&ft->cookies, &flow_ft_cookie_params);
	if (err)
		rhashtable_destroy(&ft->keys);

	return err;
}

void flow_ft_entries_destroy(struct flow_ft *ft)
{
	WARN_ON(ft->entries);
	rhashtable_destroy(&ft->cookies);
	rhashtable_destroy(&ft->keys);
}
