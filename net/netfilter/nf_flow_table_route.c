// SPDX-License-Identifier: GPL-2.0-only
/* Routes of flows that carry a copy of a MAC address.
 *
 * After a change of routes, rules or nexthop objects of their family the flows
 * are looked up again, as a packet would be. Those whose next hop is not among
 * what the route says now leave the flowtable.
 */
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <net/addrconf.h>
#include <net/fib_notifier.h>
#include <net/ip6_route.h>
#include <net/ip_fib.h>
#include <net/netns/generic.h>
#include <net/nexthop.h>

#include "nf_flow_table_nexthop.h"

/* Notifiers may come before the change: it is made by then. */
#define NF_FLOW_ROUTE_DELAY	(HZ / 100 + 1)

struct nf_flow_route_net {
	struct net		*net;
	struct notifier_block	fib_nb;
	unsigned long		changed;	/* fib_nb called last */
	atomic_t		events;		/* of IPv6 */
	bool			poll;		/* fib_nb is not registered */
	bool			dead;		/* there are no more routes */
};

static unsigned int nf_flow_route_net_id __read_mostly;

static struct nf_flow_route_net *nf_flow_route_pernet(const struct net *net)
{
	return net_generic(net, nf_flow_route_net_id);
}

/* IPv6 counts what was added, but not what was deleted. */
static u32 nf_flow_route6_gen(const struct nf_flow_route_net *rn)
{
#if IS_ENABLED(CONFIG_IPV6)
	return rt_genid_ipv6(rn->net) + atomic_read(&rn->events) +
	       (rn->poll ? jiffies / HZ : 0);
#else
	return 0;
#endif
}

static u32 nf_flow_route_gen(const struct nf_flow_route_net *rn, u8 l3proto)
{
	if (l3proto == NFPROTO_IPV4)
		return rt_genid_ipv4(rn->net);

	return nf_flow_route6_gen(rn);
}

/* What was looked up since nf_flow_route_gen() need not be again. */
static bool nf_flow_route_settled(const struct nf_flow_route_net *rn)
{
	smp_rmb(); /* see nf_flow_route_event() */

	return jiffies - READ_ONCE(rn->changed) >= NF_FLOW_ROUTE_DELAY;
}

static bool nf_flow_route_same(const struct nf_flow_nexthop *nh,
			       const struct net_device *dev, u8 family,
			       const void *gw)
{
	struct nf_flow_nexthop_key key = {
		.nn	= nh->key.nn,
	};

	nf_flow_nexthop_set_gw(&key, dev, family, gw);

	return !memcmp(&key, &nh->key, sizeof(key));
}

static bool nf_flow_route_linkdown(const struct fib_nh_common *nhc, u8 family)
{
	if (!(nhc->nhc_flags & RTNH_F_LINKDOWN))
		return false;

	return family == AF_INET ? ip_ignore_linkdown(nhc->nhc_dev) :
				   ip6_ignore_linkdown(nhc->nhc_dev);
}

static bool nf_flow_route_nhc_same(const struct nf_flow_nexthop *nh,
				   const struct fib_nh_common *nhc, u8 family,
				   const void *daddr)
{
	if (nhc->nhc_flags & RTNH_F_DEAD || !nhc->nhc_dev ||
	    nf_flow_route_linkdown(nhc, family))
		return false;
	if (nhc->nhc_gw_family)
		return nf_flow_route_same(nh, nhc->nhc_dev, nhc->nhc_gw_family,
					  &nhc->nhc_gw);

	return nf_flow_route_same(nh, nhc->nhc_dev, family, daddr);
}

static bool nf_flow_route4_valid(struct net *net,
				 const struct flow_offload *flow,
				 enum flow_offload_tuple_dir dir)
{
	const struct flow_offload_tuple *other = &flow->tuplehash[!dir].tuple;
	const struct flow_offload_tuple *this = &flow->tuplehash[dir].tuple;
	const struct nf_flow_nexthop *nh = flow->nexthop[dir];
	struct flowi4 fl4 = {
		.flowi4_iif	= flow->nexthop[!dir]->key.ifindex,
		.flowi4_mark	= flow->route.mark,
		.flowi4_dscp	= flow->route.dscp,
		.flowi4_scope	= RT_SCOPE_UNIVERSE,
		.flowi4_proto	= this->l4proto,
		.flowi4_uid	= sock_net_uid(net, NULL),
		.daddr		= other->src_v4.s_addr,
		.saddr		= this->src_v4.s_addr,
		.fl4_sport	= this->src_port,
		.fl4_dport	= other->src_port,
	};
	struct fib_result res;
	int i;

	if (fib_lookup(net, &fl4, &res, 0) || res.type != RTN_UNICAST)
		return false;

	for (i = 0; i < fib_info_num_path(res.fi); i++) {
		if (nf_flow_route_nhc_same(nh, fib_info_nhc(res.fi, i),
					   AF_INET, &other->src_v4))
			return true;
	}

	return false;
}

#if IS_ENABLED(CONFIG_IPV6)
struct nf_flow_route6 {
	const struct nf_flow_nexthop	*nh;
	const struct in6_addr		*daddr;
};

static int nf_flow_route6_nh_same(struct fib6_nh *fib6_nh, void *arg)
{
	const struct nf_flow_route6 *r6 = arg;

	return nf_flow_route_nhc_same(r6->nh, &fib6_nh->nh_common, AF_INET6,
				      r6->daddr);
}

/* Is it one of those that lookups choose from? */
static bool nf_flow_route6_multipath(struct fib6_info *f6i,
				     struct nf_flow_route6 *r6)
{
	struct fib6_info *sibling;

	if (!f6i)
		return false;
	if (f6i->nh)
		return nexthop_for_each_fib6_nh(f6i->nh,
						nf_flow_route6_nh_same, r6);

	list_for_each_entry_rcu(sibling, &f6i->fib6_siblings, fib6_siblings) {
		/* It was deleted, and is in no list any more. */
		if (!READ_ONCE(f6i->fib6_nsiblings))
			break;
		if (nf_flow_route6_nh_same(sibling->fib6_nh, r6))
			return true;
	}

	return false;
}

static bool nf_flow_route6_dst_same(struct dst_entry *dst,
				    struct nf_flow_route6 *r6)
{
	const struct rt6_info *rt = dst_rt6_info(dst);

	if (dst->error)
		return false;
	if (nf_flow_route_same(r6->nh, dst->dev, AF_INET6,
			       rt6_nexthop(rt, r6->daddr)))
		return true;

	return nf_flow_route6_multipath(rcu_dereference(rt->from), r6);
}

static bool nf_flow_route6_valid(struct net *net,
				 const struct flow_offload *flow,
				 enum flow_offload_tuple_dir dir)
{
	const struct flow_offload_tuple *other = &flow->tuplehash[!dir].tuple;
	const struct flow_offload_tuple *this = &flow->tuplehash[dir].tuple;
	struct flowi6 fl6 = {
		.flowi6_iif	= flow->nexthop[!dir]->key.ifindex,
		.flowi6_mark	= flow->route.mark,
		.flowi6_proto	= this->l4proto,
		.flowlabel	= flow->route.flowinfo,
		.daddr		= other->src_v6,
		.saddr		= this->src_v6,
		.fl6_sport	= this->src_port,
		.fl6_dport	= other->src_port,
	};
	struct nf_flow_route6 r6 = {
		.nh	= flow->nexthop[dir],
		.daddr	= &fl6.daddr,
	};
	struct net_device *dev;
	struct dst_entry *dst;
	bool valid;

	dev = dev_get_by_index_rcu(net, fl6.flowi6_iif);
	if (!dev)
		return false;

	dst = ip6_route_input_lookup(net, dev, &fl6, NULL,
				     RT6_LOOKUP_F_HAS_SADDR);
	valid = nf_flow_route6_dst_same(dst, &r6);
	dst_release(dst);

	return valid;
}
#else
static bool nf_flow_route6_valid(struct net *net,
				 const struct flow_offload *flow,
				 enum flow_offload_tuple_dir dir)
{
	return true;
}
#endif

static bool nf_flow_route_dir_valid(struct net *net,
				    const struct flow_offload *flow,
				    enum flow_offload_tuple_dir dir)
{
	if (flow->tuplehash[dir].tuple.l3proto == NFPROTO_IPV6)
		return nf_flow_route6_valid(net, flow, dir);

	return nf_flow_route4_valid(net, flow, dir);
}

/* Not all is known that routed the packets of a flow: the mark may be another
 * by now, and replies go where requests come from, whatever the routes say. A
 * direction that its route does not explain stays as it is.
 */
void nf_flow_route_init(struct flow_offload *flow,
			const struct nf_flow_route *route)
{
	struct net *net = nf_ct_net(flow->ct);
	const struct nf_flow_route_net *rn = nf_flow_route_pernet(net);
	u32 gen;
	int dir;

	flow->route.mark = route->mark;
	flow->route.dscp = route->dscp;
	flow->route.flowinfo = route->flowinfo;
	if (!flow->nexthop[FLOW_OFFLOAD_DIR_ORIGINAL] ||
	    !flow->nexthop[FLOW_OFFLOAD_DIR_REPLY])
		return;

	gen = nf_flow_route_gen(rn, flow->tuplehash[0].tuple.l3proto);
	rcu_read_lock();
	for (dir = 0; dir < FLOW_OFFLOAD_DIR_MAX; dir++) {
		if (nf_flow_route_dir_valid(net, flow, dir))
			flow->route.dirs |= BIT(dir);
	}
	rcu_read_unlock();
	flow->route.gen = nf_flow_route_settled(rn) ? gen : gen - 1;
}

/* Under RCU. */
bool nf_flow_route_valid(struct flow_offload *flow)
{
	struct net *net = nf_ct_net(flow->ct);
	const struct nf_flow_route_net *rn = nf_flow_route_pernet(net);
	u32 gen;
	int dir;

	if (!flow->route.dirs || READ_ONCE(rn->dead))
		return true;

	gen = nf_flow_route_gen(rn, flow->tuplehash[0].tuple.l3proto);
	if (gen == READ_ONCE(flow->route.gen))
		return true;

	for (dir = 0; dir < FLOW_OFFLOAD_DIR_MAX; dir++) {
		if (flow->route.dirs & BIT(dir) &&
		    !nf_flow_route_dir_valid(net, flow, dir))
			return false;
	}
	if (nf_flow_route_settled(rn))
		WRITE_ONCE(flow->route.gen, gen);

	return true;
}

static int nf_flow_route_event(struct notifier_block *nb, unsigned long event,
			       void *ptr)
{
	const struct fib_notifier_info *info = ptr;
	struct nf_flow_route_net *rn;

	if (info->family != AF_INET && info->family != AF_INET6)
		return NOTIFY_DONE;

	rn = container_of(nb, struct nf_flow_route_net, fib_nb);
	WRITE_ONCE(rn->changed, jiffies);
	smp_wmb(); /* see nf_flow_route_settled() */
	if (info->family == AF_INET6)
		atomic_inc(&rn->events);
	nf_flow_nexthop_kick_net(rn->net, NF_FLOW_ROUTE_DELAY);

	return NOTIFY_DONE;
}

static int __net_init nf_flow_route_net_init(struct net *net)
{
	struct nf_flow_route_net *rn = nf_flow_route_pernet(net);

	rn->net = net;
	rn->changed = jiffies - NF_FLOW_ROUTE_DELAY;
	rn->fib_nb.notifier_call = nf_flow_route_event;
	/* It gives up if routes change too fast. */
	if (register_fib_notifier(net, &rn->fib_nb, NULL, NULL))
		rn->poll = true;

	return 0;
}

static void __net_exit nf_flow_route_net_pre_exit(struct net *net)
{
	struct nf_flow_route_net *rn = nf_flow_route_pernet(net);

	WRITE_ONCE(rn->dead, true);
	if (!rn->poll)
		unregister_fib_notifier(net, &rn->fib_nb);
}

static struct pernet_operations nf_flow_route_net_ops = {
	.init		= nf_flow_route_net_init,
	.pre_exit	= nf_flow_route_net_pre_exit,
	.id		= &nf_flow_route_net_id,
	.size		= sizeof(struct nf_flow_route_net),
};

int __init nf_flow_route_module_init(void)
{
	return register_pernet_subsys(&nf_flow_route_net_ops);
}

void nf_flow_route_module_exit(void)
{
	unregister_pernet_subsys(&nf_flow_route_net_ops);
}
