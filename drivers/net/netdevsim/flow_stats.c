// SPDX-License-Identifier: GPL-2.0
/* Counters of a port's flow offload, as "ethtool -S" shows them, and what they
 * leave of the port's statistics for the CPU.
 */

#include <linux/ethtool.h>
#include <linux/if_link.h>

#include "flow.h"
#include "netdevsim.h"

static const char * const nsim_flow_names[NSIM_FLOW_COUNTERS] = {
	[NSIM_FLOW_HIT]			= "offload_hit",
	[NSIM_FLOW_HIT_BYTES]		= "offload_hit_bytes",
	[NSIM_FLOW_RX]			= "offload_rx",
	[NSIM_FLOW_RX_BYTES]		= "offload_rx_bytes",
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

bool nsim_flow_has_offload_stats(const struct net_device *dev, int attr_id)
{
	const struct netdevsim *ns = netdev_priv(dev);

	return attr_id == IFLA_OFFLOAD_XSTATS_CPU_HIT && ns->flow;
}

static void nsim_flow_add_dstats(struct rtnl_link_stats64 *stats,
				 const struct pcpu_dstats *dstats)
{
	u64 rx_packets, rx_bytes, tx_packets, tx_bytes;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&dstats->syncp);
		rx_packets = u64_stats_read(&dstats->rx_packets);
		rx_bytes = u64_stats_read(&dstats->rx_bytes);
		tx_packets = u64_stats_read(&dstats->tx_packets);
		tx_bytes = u64_stats_read(&dstats->tx_bytes);
	} while (u64_stats_fetch_retry(&dstats->syncp, start));

	stats->rx_packets += rx_packets;
	stats->rx_bytes += rx_bytes;
	stats->tx_packets += tx_packets;
	stats->tx_bytes += tx_bytes;
}

static u64 nsim_flow_rest(u64 all, u64 hw)
{
	return all - min(all, hw);
}

/* Statistics of the port are those of its MAC, so the rest is the CPU's. What
 * is counted in between may be in one and not in the other.
 */
int nsim_flow_get_offload_stats(int attr_id, const struct net_device *dev,
				void *data)
{
	const struct netdevsim *ns = netdev_priv(dev);
	struct rtnl_link_stats64 *stats = data;
	u64 hw[NSIM_FLOW_COUNTERS];
	int i, cpu;

	if (!nsim_flow_has_offload_stats(dev, attr_id))
		return -EINVAL;

	for (i = 0; i < NSIM_FLOW_COUNTERS; i++)
		hw[i] = atomic64_read(&ns->flow->counters[i]);

	memset(stats, 0, sizeof(*stats));
	for_each_possible_cpu(cpu)
		nsim_flow_add_dstats(stats, per_cpu_ptr(dev->dstats, cpu));
	stats->rx_packets = nsim_flow_rest(stats->rx_packets,
					   hw[NSIM_FLOW_RX]);
	stats->rx_bytes = nsim_flow_rest(stats->rx_bytes,
					 hw[NSIM_FLOW_RX_BYTES]);
	stats->tx_packets = nsim_flow_rest(stats->tx_packets,
					   hw[NSIM_FLOW_TX]);
	stats->tx_bytes = nsim_flow_rest(stats->tx_bytes,
					 hw[NSIM_FLOW_TX_BYTES]);
	return 0;
}
