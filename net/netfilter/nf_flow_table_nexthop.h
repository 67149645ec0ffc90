/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NF_FLOW_TABLE_NEXTHOP_H
#define _NF_FLOW_TABLE_NEXTHOP_H

#include <linux/etherdevice.h>
#include <linux/netfilter.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_flow_table.h>

struct nf_flow_nexthop_net {
	struct net		*net;
	struct delayed_work	work;
	unsigned long		ran;		/* when work ran last */
	unsigned long		pause;		/* until it may run again */
	atomic_t		nexthops;	/* that flows point to */
};

struct nf_flow_nexthop_key {
	struct nf_flow_nexthop_net *nn;
	int			ifindex;	/* that the route names */
	u32			family;		/* 0: without neighbours */
	union nf_inet_addr	addr;		/* on the link */
};

/**
 * struct nf_flow_nexthop - where flows with a copied MAC address are sent to
 * @by_key:	in nf_flow_nexthops_by_key, unless @stale
 * @by_mac:	in nf_flow_nexthops_by_mac, unless @stale
 * @key:	the next hop as routes know it
 * @port:	ifindex of the device that sends, below VLANs and bridges
 * @mac:	its address, as it was when the flows were added
 * @stale:	the next hop now has another address or port: its flows must go
 * @flows:	number of flow directions that point here
 * @rcu:	for notifiers, who look without a lock
 */
struct nf_flow_nexthop {
	struct hlist_node		by_key;
	struct hlist_node		by_mac;
	struct nf_flow_nexthop_key	key;
	int				port;
	u8				mac[ETH_ALEN];
	bool				stale;
	refcount_t			flows;
	struct rcu_head			rcu;
};

void nf_flow_nexthop_set_gw(struct nf_flow_nexthop_key *key,
			    const struct net_device *dev, u8 family,
			    const void *addr);
void nf_flow_nexthop_kick_net(const struct net *net, unsigned long delay);

#endif
