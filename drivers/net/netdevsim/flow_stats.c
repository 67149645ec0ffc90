// SPDX-License-Identifier: GPL-2.0
/* Counters of a port's flow offload, as "ethtool -S" shows them. */

#include <linux/ethtool.h>

#include "flow.h"
#include "netdevsim.h"

static const char * const nsim_flow_names[NSIM_FLOW_COUNTERS] = {
	[NSIM_FLOW_HIT]			= "offload_hit",
	[NSIM_FLOW_HIT_BYTES]		= "offload_hit_bytes",
	[NSIM_FLOW_TX]			= "offload_tx",
	[NSIM_FLOW_TX_BYTES]		= "offload_tx_bytes",
	[NSIM_FLOW_DROP_EGRESS_FULL]	= "offload_drop_egress_full",
	[NSIM_FLOW_DROP_XMIT]		= "offload_drop_xmit",
	[NSIM_FLOW_PUNT_DISABLED]	= "offload_punt_disabled",
	[NSIM_FLOW_PUNT_MULTICAST]	= "offload_punt_multicast",
	[NSIM_FLOW_PUNT_DMAC]		= "offload_punt_dmac",
	[NSIM_FLOW_PUNT_PROTO]		= "offload_punt_proto",
	[NSIM_FLOW_PUNT_MALFORMED]	= "offload_punt_malformed",
	[NSIM_FLOW_PUNT_CHECKSUM]	= "offload_punt_checksum",
	[NSIM_FLOW_PUNT_OPTIONS]	= "offload_punt_options",
	[NSIM_FLOW_PUNT_FRAGMENT]	= "offload_punt_fragment",
	[NSIM_FLOW_PUNT_MISS]		= "offload_punt_miss",
	[NSIM_FLOW_PUNT_TCP_FLAGS]	= "offload_punt_tcp_flags",
	[NSIM_FLOW_PUNT_TTL]		= "offload_punt_ttl",
	[NSIM_FLOW_PUNT_MTU]		= "offload_punt_mtu",
	[NSIM_FLOW_PUNT_EGRESS_DOWN]	= "offload_punt_egress_down",
	[NSIM_FLOW_PUNT_NOMEM]		= "offload_punt_nomem",
};

int nsim_flow_get_sset_count(struct net_device *dev, int sset)
{
	struct netdevsim *ns = netdev_priv(dev);

	if (sset != ETH_SS_STATS || !ns->flow)
		return -EOPNOTSUPP;

	return NSIM_FLOW_COUNTERS;
}

void nsim_flow_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	int i;

	for (i = 0; i < NSIM_FLOW_COUNTERS; i++)
		ethtool_puts(&data, nsim_flow_names[i]);
}

void nsim_flow_get_ethtool_stats(struct net_device *dev,
				 struct ethtool_stats *stats, u64 *data)
{
	struct netdevsim *ns = netdev_priv(dev);
	int i;

	for (i = 0; i < NSIM_FLOW_COUNTERS; i++)
		data[i] = atomic64_read(&ns->flow->counters[i]);
}
