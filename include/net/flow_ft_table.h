/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _NET_FLOW_FT_TABLE_H
#define _NET_FLOW_FT_TABLE_H

#include <linux/atomic.h>
#include <linux/if.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <net/flow_ft.h>

struct flow_block_offload;
struct flow_ft;
struct flow_ft_binding;
struct flow_ft_entry;
struct netlink_ext_ack;

/**
 * DOC: flow_ft tables
 *
 * A driver with a flow table in hardware embeds a &struct flow_ft in its device
 * and a &struct flow_ft_port in each of its ports, passes TC_SETUP_FT of a port
 * to flow_ft_setup(), and is asked through &struct flow_ft_ops to program and
 * clear entries. The library does the rest: one binding for each flowtable that
 * a port is in, decoding, cookies, the numbers for FLOW_CLS_STATS.
 *
 * A rule is taken by the binding of the port that its packets come in by, and
 * refused by those of the other ports that the core offers it to as well. So an
 * entry belongs to one binding, and its packets are counted once.
 *
 * A port can have two bindings at a time: an atomic reload of the ruleset binds
 * the new flowtable before it unbinds the old one. They share nothing, not even
 * when the core uses a cookie of the one again in the other.
 */

/**
 * struct flow_ft_port - port of a device, embedded in the driver's own
 * @ft: device
 * @dev: netdev of the port
 * @bindings: struct flow_ft_binding, newest first; written under &flow_ft.lock,
 *	read under RCU
 * @list: entry in &flow_ft.ports
 * @gone: flow_ft_port_del() was called; under &flow_ft.lock
 */
struct flow_ft_port {
	struct flow_ft		*ft;
	struct net_device	*dev;
	struct list_head	bindings;
	struct list_head	list;
	bool			gone;
};

/**
 * struct flow_ft_key - identity of a packet on one port
 * @binding: binding that the entry belongs to
 * @tuple: what the packet says
 */
struct flow_ft_key {
	const struct flow_ft_binding	*binding;
	struct flow_ft_tuple		tuple;
};

/**
 * struct flow_ft_cookie - identity of a rule in one flowtable
 * @binding: binding that the entry belongs to
 * @cookie: &flow_cls_offload.cookie
 */
struct flow_ft_cookie {
	const struct flow_ft_binding	*binding;
	unsigned long			cookie;
};

/**
 * struct flow_ft_counts - what an entry has forwarded
 * @packets: packets so far
 * @bytes: their L3 length, as conntrack accounts it
 * @told_packets: packets that the core knows of
 * @told_bytes: bytes that the core knows of
 * @lastused: jiffies of the last packet, or of the installation
 * @rcu: for the deferred free
 *
 * Apart from the entry, so that both can count while an entry takes the place
 * of another one.
 */
struct flow_ft_counts {
	atomic64_t	packets;
	atomic64_t	bytes;
	atomic64_t	told_packets;
	atomic64_t	told_bytes;
	unsigned long	lastused;
	struct rcu_head	rcu;
};

/**
 * struct flow_ft_entry - one direction of a connection in hardware
 * @key: port, by way of the binding, and match
 * @cookie: name that the core has for it
 * @rule: all of the rule; @rule.egress may be used only in &flow_ft_ops.add
 * @ingress: port that packets come in by
 * @egress: port that packets leave by
 * @counts: packets and bytes
 * @key_node: in &flow_ft.keys
 * @cookie_node: in &flow_ft.cookies
 * @list: in the binding's list of entries; under &flow_ft.lock
 * @rcu: for the deferred free
 * @priv: &flow_ft_ops.priv_size bytes of the driver
 *
 * Does not change once it can be looked up, apart from the counters.
 */
struct flow_ft_entry {
	struct flow_ft_key	key;
	struct flow_ft_cookie	cookie;
	struct flow_ft_rule	rule;
	struct flow_ft_port	*ingress;
	struct flow_ft_port	*egress;
	struct flow_ft_counts	*counts;
	struct rhash_head	key_node;
	struct rhash_head	cookie_node;
	struct list_head	list;
	struct rcu_head		rcu;
	unsigned long		priv[];
};

/**
 * struct flow_ft_ops - what a driver does for its table
 * @priv_size: size of &flow_ft_entry.priv in bytes
 * @add: program an entry. What the hardware cannot do is refused here, with an
 *	extack text. Returns 0 or a negative error code.
 * @stop: packets find an entry for the last time; forward none of them, and
 *	say so before the CPU sees one. May be NULL.
 * @del: clear an entry. Cannot fail. Packets that the hardware has counted
 *	since the last @stats may be handed over by flow_ft_count().
 * @keep: is an entry still as @add would make it? Asked when the core repeats a
 *	REPLACE; it is added again if not. May be NULL when it always is.
 * @stats: bring the counters of an entry up to date by flow_ft_count(). May be
 *	NULL when they always are.
 *
 * All are called in process context with &flow_ft.lock held and may sleep, but
 * must not take RTNL, the lock of a netdev or one of devlink.
 */
struct flow_ft_ops {
	size_t	priv_size;
	int	(*add)(struct flow_ft *ft, struct flow_ft_entry *entry,
		       struct netlink_ext_ack *extack);
	void	(*stop)(struct flow_ft *ft, struct flow_ft_entry *entry);
	void	(*del)(struct flow_ft *ft, struct flow_ft_entry *entry);
	bool	(*keep)(struct flow_ft *ft, struct flow_ft_entry *entry);
	void	(*stats)(struct flow_ft *ft, struct flow_ft_entry *entry);
};

/**
 * enum flow_ft_refusal - why a REPLACE failed
 * @FLOW_FT_REFUSED_GONE: flow_ft_port_del() was called for the port
 * @FLOW_FT_REFUSED_RULE: a part of the rule is not known to the decoder
 * @FLOW_FT_REFUSED_OFF: hw-tc-offload is off on the port
 * @FLOW_FT_REFUSED_EGRESS: the egress device is no port of this device, or is
 *	in another netns
 * @FLOW_FT_REFUSED_MATCH: another flow has the same match
 * @FLOW_FT_REFUSED_FULL: the driver has no room (-ENOSPC)
 * @FLOW_FT_REFUSED_NOMEM: no memory
 * @FLOW_FT_REFUSED_DRIVER: anything else that &flow_ft_ops.add objects to
 * @FLOW_FT_REFUSALS: number of reasons
 */
enum flow_ft_refusal {
	FLOW_FT_REFUSED_GONE,
	FLOW_FT_REFUSED_RULE,
	FLOW_FT_REFUSED_OFF,
	FLOW_FT_REFUSED_EGRESS,
	FLOW_FT_REFUSED_MATCH,
	FLOW_FT_REFUSED_FULL,
	FLOW_FT_REFUSED_NOMEM,
	FLOW_FT_REFUSED_DRIVER,
	FLOW_FT_REFUSALS,
};

/**
 * struct flow_ft_refused - a REPLACE that failed
 * @tuple: match of the rule, as far as it was decoded
 * @port: name of the port that was asked, empty if it was gone
 * @reason: why, as it is counted
 * @err: what the core was told, negative error code
 * @text: extack text, empty if there was none
 */
struct flow_ft_refused {
	struct flow_ft_tuple	tuple;
	char			port[IFNAMSIZ];
	enum flow_ft_refusal	reason;
	int			err;
	char			text[NETLINK_MAX_FMTMSG_LEN];
};

/**
 * struct flow_ft_counters - what the core asked for since flow_ft_init()
 * @bind: bindings made
 * @unbind: bindings taken back
 * @unbind_orphans: entries that were left when their binding went; a core that
 *	sends a DESTROY for every flow leaves 0
 * @replace: entries installed
 * @replace_same: REPLACE of an entry that already was as asked for
 * @refused: REPLACE that failed, other than for a foreign ingress port, by
 *	&enum flow_ft_refusal
 * @replace_foreign: REPLACE that another port of the flowtable has to answer
 * @destroy: entries removed because the core said so
 * @destroy_unknown: DESTROY for a cookie that is not in the table
 * @stats: STATS answered
 * @stats_unknown: STATS for a cookie that is not in the table
 * @port_purged: entries removed because their egress port went away
 * @evicted: entries removed by flow_ft_evict()
 * @replaced: entries removed because their cookie got another rule, or one that
 *	was refused
 */
struct flow_ft_counters {
	u64	bind;
	u64	unbind;
	u64	unbind_orphans;
	u64	replace;
	u64	replace_same;
	u64	refused[FLOW_FT_REFUSALS];
	u64	replace_foreign;
	u64	destroy;
	u64	destroy_unknown;
	u64	stats;
	u64	stats_unknown;
	u64	port_purged;
	u64	evicted;
	u64	replaced;
};

/**
 * struct flow_ft - flow table of a device, embedded in the driver's own
 * @ops: the driver
 * @lock: protects ports, bindings, entries and counters. Nests inside RTNL, the
 *	locks of netdevs and devlink, and the flow_block_lock of a flowtable.
 * @keys: entries by &struct flow_ft_key
 * @cookies: entries by &struct flow_ft_cookie
 * @ports: struct flow_ft_port; read under RCU too
 * @entries: number of entries
 * @counters: what happened to the table
 * @last_refused: the last REPLACE that failed, if one did
 * @list: in the list of all tables
 */
struct flow_ft {
	const struct flow_ft_ops	*ops;
	struct mutex			lock; /* protects all that follows */
	struct rhashtable		keys;
	struct rhashtable		cookies;
	struct list_head		ports;
	unsigned int			entries;
	struct flow_ft_counters		counters;
	struct flow_ft_refused		last_refused;
	struct list_head		list;
};

int flow_ft_init(struct flow_ft *ft, const struct flow_ft_ops *ops);
void flow_ft_destroy(struct flow_ft *ft);

void flow_ft_port_add(struct flow_ft *ft, struct flow_ft_port *port,
		      struct net_device *dev);
void flow_ft_port_del(struct flow_ft_port *port);

int flow_ft_setup(struct flow_ft_port *port, struct flow_block_offload *f);

struct flow_ft_entry *flow_ft_lookup(struct flow_ft_port *port,
				     const struct flow_ft_tuple *tuple);
void flow_ft_count(struct flow_ft_entry *entry, u64 packets, u64 bytes);
void flow_ft_take(struct flow_ft_counts *counts, u64 *packets, u64 *bytes);

void flow_ft_walk(struct flow_ft *ft,
		  void (*fn)(struct flow_ft_entry *entry, void *data),
		  void *data);
unsigned int flow_ft_evict(struct flow_ft *ft, unsigned int max);

/**
 * flow_ft_port_bound() - is the port in a flowtable?
 * @port: port
 *
 * Context: any.
 * Return: true if a lookup can find anything at all.
 */
static inline bool flow_ft_port_bound(const struct flow_ft_port *port)
{
	return !list_empty(&port->bindings);
}

#endif /* _NET_FLOW_FT_TABLE_H */
