// SPDX-License-Identifier: GPL-2.0-only
/* Next hops of flows that carry a copy of a MAC address.
 *
 * Neither hardware nor FLOW_OFFLOAD_XMIT_DIRECT asks the neighbour table or a
 * bridge again. So the next hops in use are kept here, one for all flows to
 * the same neighbour: an event costs a lookup, and only if a next hop really
 * has moved, the flowtables are searched for its flows.
 */
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/random.h>
#include <net/arp.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
#include <net/netevent.h>
#include <net/netns/generic.h>
#include <net/route.h>
#include <net/switchdev.h>

#include "nf_flow_table_nexthop.h"

#define NF_FLOW_NEXTHOP_BITS	10
/* ms: at the least, and for each thousand flows, which take less than one */
#define NF_FLOW_NEXTHOP_PAUSE	100
#define NF_FLOW_NEXTHOP_SHARE	10

static DEFINE_HASHTABLE(nf_flow_nexthops_by_key, NF_FLOW_NEXTHOP_BITS);
static DEFINE_HASHTABLE(nf_flow_nexthops_by_mac, NF_FLOW_NEXTHOP_BITS);
/* Writers of both tables; readers use RCU. */
static DEFINE_SPINLOCK(nf_flow_nexthop_lock);

static u32 nf_flow_nexthop_rnd __read_mostly;
static unsigned int nf_flow_nexthop_net_id __read_mostly;

static u32 nf_flow_nexthop_hash(const struct nf_flow_nexthop_key *key)
{
	return jhash(key, sizeof(*key), nf_flow_nexthop_rnd);
}

static u32 nf_flow_nexthop_mac_hash(const u8 *mac)
{
	return jhash(mac, ETH_ALEN, nf_flow_nexthop_rnd);
}

static struct nf_flow_nexthop *
nf_flow_nexthop_find(const struct nf_flow_nexthop_key *key)
{
	struct nf_flow_nexthop *nh;

	hash_for_each_possible_rcu(nf_flow_nexthops_by_key, nh, by_key,
				   nf_flow_nexthop_hash(key),
				   lockdep_is_held(&nf_flow_nexthop_lock)) {
		if (!memcmp(&nh->key, key, sizeof(*key)))
			return nh;
	}

	return NULL;
}

/* Search the flowtables after @delay, but not all the time. */
static void nf_flow_nexthop_kick(struct nf_flow_nexthop_net *nn,
				 unsigned long delay)
{
	unsigned long next, now = jiffies, ran = READ_ONCE(nn->ran);

	if (!atomic_read(&nn->nexthops))
		return;

	next = ran + READ_ONCE(nn->pause);
	if (time_in_range(now, ran, next))
		delay = max(delay, next - now);

	queue_delayed_work(system_power_efficient_wq, &nn->work, delay);
}

void nf_flow_nexthop_kick_net(const struct net *net, unsigned long delay)
{
	nf_flow_nexthop_kick(net_generic(net, nf_flow_nexthop_net_id), delay);
}

static void nf_flow_nexthop_work(struct work_struct *work)
{
	struct nf_flow_nexthop_net *nn;
	unsigned int flows, pause;
	bool again;

	nn = container_of(work, struct nf_flow_nexthop_net, work.work);
	WRITE_ONCE(nn->ran, jiffies);
	again = nf_flow_table_recheck(nn->net, &flows);

	/* However many flows there are, about a tenth of one CPU at most. Not
	 * by the clock: time that goes by meanwhile may be that of others.
	 */
	pause = max(NF_FLOW_NEXTHOP_PAUSE,
		    flows / 1000 * NF_FLOW_NEXTHOP_SHARE);
	WRITE_ONCE(nn->pause, msecs_to_jiffies(pause));
	WRITE_ONCE(nn->ran, jiffies);
	if (again)
		nf_flow_nexthop_kick(nn, 0);
}

static void nf_flow_nexthop_unhash(struct nf_flow_nexthop *nh)
{
	lockdep_assert_held(&nf_flow_nexthop_lock);

	hash_del_rcu(&nh->by_key);
	hash_del_rcu(&nh->by_mac);
}

static void nf_flow_nexthop_expire_locked(struct nf_flow_nexthop *nh)
{
	if (nh->stale)
		return;

	WRITE_ONCE(nh->stale, true);
	nf_flow_nexthop_unhash(nh);
	nf_flow_nexthop_kick(nh->key.nn, 0);
}

static void nf_flow_nexthop_expire(struct nf_flow_nexthop *nh)
{
	spin_lock_bh(&nf_flow_nexthop_lock);
	nf_flow_nexthop_expire_locked(nh);
	spin_unlock_bh(&nf_flow_nexthop_lock);
}

/* A neighbour that nobody knows any more may well be where it was: hardware
 * uses it without telling, and so the entry is collected as unused.
 */
static bool nf_flow_neigh_moved(const struct nf_flow_nexthop *nh,
				const struct neighbour *n)
{
	u8 state = READ_ONCE(n->nud_state);
	u8 mac[MAX_ADDR_LEN];

	if (state & NUD_FAILED)
		return true;
	if (!(state & NUD_VALID))
		return false;

	neigh_ha_snapshot(mac, n, n->dev);

	return !ether_addr_equal(mac, nh->mac);
}

static struct neighbour *
nf_flow_neigh_find(const struct nf_flow_nexthop *nh, struct net_device *dev)
{
	switch (nh->key.family) {
	case AF_INET:
		return __ipv4_neigh_lookup_noref(dev,
						 (__force u32)nh->key.addr.ip);
#if IS_ENABLED(CONFIG_IPV6)
	case AF_INET6:
		return __ipv6_neigh_lookup_noref(dev, &nh->key.addr.in6);
#endif
	}

	return NULL;
}

/* As for neighbours: an address that the bridge has forgotten has not moved. */
static bool nf_flow_port_moved(const struct nf_flow_nexthop *nh,
			       const struct net_device *dev)
{
	struct net_device_path_ctx ctx = {
		.dev		= dev,
		.ether_type	= htons(ETH_P_IP),
		.ieee80211	= true,
	};
	struct net_device_path_stack stack;
	int port;

	ether_addr_copy(ctx.daddr, nh->mac);
	if (dev_fill_forward_path(&ctx, &stack) < 0 || !stack.num_paths)
		return false;

	port = stack.path[stack.num_paths - 1].dev->ifindex;
	dev_fill_forward_path_release(&stack);

	return port != nh->port;
}

static bool nf_flow_nexthop_moved(const struct nf_flow_nexthop *nh)
{
	const struct neighbour *n;
	struct net_device *dev;

	dev = dev_get_by_index_rcu(nh->key.nn->net, nh->key.ifindex);
	if (!dev)
		return true;

	n = nf_flow_neigh_find(nh, dev);

	return (n && nf_flow_neigh_moved(nh, n)) || nf_flow_port_moved(nh, dev);
}

void nf_flow_nexthop_set_gw(struct nf_flow_nexthop_key *key,
			    const struct net_device *dev, u8 family,
			    const void *addr)
{
	memset(&key->addr, 0, sizeof(key->addr));
	key->ifindex = dev->ifindex;
	key->family = 0;
	if (dev->type != ARPHRD_ETHER || dev->addr_len != ETH_ALEN)
		return;

	key->family = family;
	memcpy(&key->addr, addr, family == AF_INET ? sizeof(key->addr.ip) :
						     sizeof(key->addr.in6));
}

static void nf_flow_nexthop_set_key(struct nf_flow_nexthop_key *key,
				    const struct flow_offload *flow,
				    const struct dst_entry *dst,
				    enum flow_offload_tuple_dir dir)
{
	const struct flow_offload_tuple *other = &flow->tuplehash[!dir].tuple;
	const struct net_device *dev = dst->dev;
	const struct rtable *rt;

	key->nn = net_generic(nf_ct_net(flow->ct), nf_flow_nexthop_net_id);
	if (other->l3proto == NFPROTO_IPV6) {
		nf_flow_nexthop_set_gw(key, dev, AF_INET6,
				       rt6_nexthop(dst_rt6_info(dst),
						   &other->src_v6));
		return;
	}

	rt = dst_rtable(dst);
	if (rt->rt_gw_family == AF_INET6)
		nf_flow_nexthop_set_gw(key, dev, AF_INET6, &rt->rt_gw6);
	else if (rt->rt_gw_family == AF_INET)
		nf_flow_nexthop_set_gw(key, dev, AF_INET, &rt->rt_gw4);
	else
		nf_flow_nexthop_set_gw(key, dev, AF_INET, &other->src_v4);
}

static bool nf_flow_nexthop_same(const struct nf_flow_nexthop *a,
				 const struct nf_flow_nexthop *b)
{
	return a->port == b->port && ether_addr_equal(a->mac, b->mac);
}

/* Of two flows that do not agree about a next hop one is late, but which? */
static struct nf_flow_nexthop *
nf_flow_nexthop_insert(struct nf_flow_nexthop *nh)
{
	struct nf_flow_nexthop *old;

	spin_lock_bh(&nf_flow_nexthop_lock);
	old = nf_flow_nexthop_find(&nh->key);
	if (old && nf_flow_nexthop_same(old, nh) &&
	    refcount_inc_not_zero(&old->flows)) {
		spin_unlock_bh(&nf_flow_nexthop_lock);
		return old;
	}
	if (old)
		nf_flow_nexthop_expire_locked(old);
	atomic_inc(&nh->key.nn->nexthops);
	hash_add_rcu(nf_flow_nexthops_by_key, &nh->by_key,
		     nf_flow_nexthop_hash(&nh->key));
	hash_add_rcu(nf_flow_nexthops_by_mac, &nh->by_mac,
		     nf_flow_nexthop_mac_hash(nh->mac));
	spin_unlock_bh(&nf_flow_nexthop_lock);

	/* Either the notifiers see nh, or what they tell of is seen here. */
	smp_mb();
	if (nf_flow_nexthop_moved(nh))
		nf_flow_nexthop_expire(nh);

	return nh;
}

int nf_flow_nexthop_add(struct flow_offload *flow,
			const struct nf_flow_route *route,
			const struct dst_entry *dst,
			enum flow_offload_tuple_dir dir)
{
	struct nf_flow_nexthop want = {}, *nh, *new;
	int err = 0;

	nf_flow_nexthop_set_key(&want.key, flow, dst, dir);
	want.port = route->tuple[dir].out.ifindex;
	ether_addr_copy(want.mac, route->tuple[dir].out.h_dest);
	refcount_set(&want.flows, 1);

	rcu_read_lock();
	nh = nf_flow_nexthop_find(&want.key);
	if (nh && nf_flow_nexthop_same(nh, &want) &&
	    refcount_inc_not_zero(&nh->flows))
		goto out;

	new = kmemdup(&want, sizeof(want), GFP_ATOMIC);
	if (!new) {
		nh = NULL;
		err = -ENOMEM;
		goto out;
	}

	nh = nf_flow_nexthop_insert(new);
	if (nh != new)
		kfree(new);
out:
	rcu_read_unlock();
	flow->nexthop[dir] = nh;

	return err;
}

static void nf_flow_nexthop_put(struct nf_flow_nexthop *nh)
{
	if (!nh)
		return;

	local_bh_disable();
	if (refcount_dec_and_lock(&nh->flows, &nf_flow_nexthop_lock)) {
		if (!nh->stale)
			nf_flow_nexthop_unhash(nh);
		/* A notifier may have found it already. */
		nh->stale = true;
		atomic_dec(&nh->key.nn->nexthops);
		spin_unlock(&nf_flow_nexthop_lock);
		kfree_rcu(nh, rcu);
	}
	local_bh_enable();
}

void nf_flow_nexthop_release(struct flow_offload *flow)
{
	nf_flow_nexthop_put(flow->nexthop[FLOW_OFFLOAD_DIR_ORIGINAL]);
	nf_flow_nexthop_put(flow->nexthop[FLOW_OFFLOAD_DIR_REPLY]);
}

static bool nf_flow_nexthop_stale(const struct nf_flow_nexthop *nh)
{
	return nh && READ_ONCE(nh->stale);
}

bool nf_flow_nexthop_valid(const struct flow_offload *flow)
{
	struct nf_flow_nexthop * const *nh = flow->nexthop;

	return !nf_flow_nexthop_stale(nh[FLOW_OFFLOAD_DIR_ORIGINAL]) &&
	       !nf_flow_nexthop_stale(nh[FLOW_OFFLOAD_DIR_REPLY]);
}

static int nf_flow_netevent(struct notifier_block *nb, unsigned long event,
			    void *ptr)
{
	struct nf_flow_nexthop_key key = {};
	const struct neighbour *n = ptr;
	struct nf_flow_nexthop *nh;

	if (event != NETEVENT_NEIGH_UPDATE)
		return NOTIFY_DONE;
	if (n->tbl->family != AF_INET && n->tbl->family != AF_INET6)
		return NOTIFY_DONE;

	key.nn = net_generic(dev_net(n->dev), nf_flow_nexthop_net_id);
	nf_flow_nexthop_set_gw(&key, n->dev, n->tbl->family, n->primary_key);
	/* The next hop is not a neighbour, but what the device leads to. */
	if (!key.family)
		return NOTIFY_DONE;

	smp_mb(); /* see nf_flow_nexthop_insert() */
	rcu_read_lock();
	nh = nf_flow_nexthop_find(&key);
	if (nh && nf_flow_neigh_moved(nh, n))
		nf_flow_nexthop_expire(nh);
	rcu_read_unlock();

	return NOTIFY_DONE;
}

static void nf_flow_fdb_event(const struct net_device *port, const u8 *mac)
{
	const struct net *net = dev_net(port);
	struct net_device *dev;
	struct nf_flow_nexthop *nh;

	smp_mb(); /* see nf_flow_nexthop_insert() */
	rcu_read_lock();
	hash_for_each_possible_rcu(nf_flow_nexthops_by_mac, nh, by_mac,
				   nf_flow_nexthop_mac_hash(mac)) {
		if (!net_eq(nh->key.nn->net, net) ||
		    !ether_addr_equal(nh->mac, mac))
			continue;
		dev = dev_get_by_index_rcu(nh->key.nn->net, nh->key.ifindex);
		if (dev && nf_flow_port_moved(nh, dev))
			nf_flow_nexthop_expire(nh);
	}
	rcu_read_unlock();
}

static int nf_flow_switchdev_event(struct notifier_block *nb,
				   unsigned long event, void *ptr)
{
	const struct switchdev_notifier_fdb_info *fdb = ptr;

	switch (event) {
	case SWITCHDEV_FDB_ADD_TO_BRIDGE:
	case SWITCHDEV_FDB_ADD_TO_DEVICE:
		nf_flow_fdb_event(fdb->info.dev, fdb->addr);
		break;
	}

	return NOTIFY_DONE;
}

static struct notifier_block nf_flow_netevent_notifier = {
	.notifier_call	= nf_flow_netevent,
};

static struct notifier_block nf_flow_switchdev_notifier = {
	.notifier_call	= nf_flow_switchdev_event,
	.priority	= -1,	/* after the bridge */
};

static int __net_init nf_flow_nexthop_net_init(struct net *net)
{
	struct nf_flow_nexthop_net *nn;

	nn = net_generic(net, nf_flow_nexthop_net_id);
	nn->net = net;
	nn->ran = jiffies - 1;
	INIT_DELAYED_WORK(&nn->work, nf_flow_nexthop_work);

	return 0;
}

static void __net_exit nf_flow_nexthop_net_exit(struct net *net)
{
	struct nf_flow_nexthop_net *nn;

	nn = net_generic(net, nf_flow_nexthop_net_id);
	disable_delayed_work_sync(&nn->work);
}

static struct pernet_operations nf_flow_nexthop_net_ops = {
	.init	= nf_flow_nexthop_net_init,
	.exit	= nf_flow_nexthop_net_exit,
	.id	= &nf_flow_nexthop_net_id,
	.size	= sizeof(struct nf_flow_nexthop_net),
};

int __init nf_flow_nexthop_init(void)
{
	int err;

	get_random_bytes(&nf_flow_nexthop_rnd, sizeof(nf_flow_nexthop_rnd));

	err = register_pernet_subsys(&nf_flow_nexthop_net_ops);
	if (err)
		return err;

	err = register_netevent_notifier(&nf_flow_netevent_notifier);
	if (err)
		goto err_netevent;

	err = register_switchdev_notifier(&nf_flow_switchdev_notifier);
	if (err)
		goto err_switchdev;

	return 0;

err_switchdev:
	unregister_netevent_notifier(&nf_flow_netevent_notifier);
err_netevent:
	unregister_pernet_subsys(&nf_flow_nexthop_net_ops);
	return err;
}

void nf_flow_nexthop_exit(void)
{
	unregister_switchdev_notifier(&nf_flow_switchdev_notifier);
	unregister_netevent_notifier(&nf_flow_netevent_notifier);
	unregister_pernet_subsys(&nf_flow_nexthop_net_ops);
}
