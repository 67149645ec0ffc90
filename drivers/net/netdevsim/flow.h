/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _NSIM_FLOW_H
#define _NSIM_FLOW_H

#include <linux/atomic.h>
#include <linux/netdevice.h>
#include <net/flow_ft_table.h>

struct dentry;
struct ethtool_stats;
struct flow_block_offload;
struct netdevsim;
struct nsim_dev;
struct nsim_rq;

/* What can become of a frame, and what else a port counts; the names that users
 * see are in flow_stats.c.
 */
enum nsim_flow_counter {
	NSIM_FLOW_HIT,
	NSIM_FLOW_HIT_BYTES,
	NSIM_FLOW_RX,
	NSIM_FLOW_RX_BYTES,
	NSIM_FLOW_TX,
	NSIM_FLOW_TX_BYTES,
	NSIM_FLOW_DROP_EGRESS_FULL,
	NSIM_FLOW_DROP_XMIT,
	NSIM_FLOW_PUNT_DISABLED,
	NSIM_FLOW_PUNT_MULTICAST,
	NSIM_FLOW_PUNT_DMAC,
	NSIM_FLOW_PUNT_PROTO,
	NSIM_FLOW_PUNT_MALFORMED,
	NSIM_FLOW_PUNT_CHECKSUM,
	NSIM_FLOW_PUNT_OPTIONS,
	NSIM_FLOW_PUNT_FRAGMENT,
	NSIM_FLOW_PUNT_MISS,
	NSIM_FLOW_PUNT_TCP_FLAGS,
	NSIM_FLOW_PUNT_TTL,
	NSIM_FLOW_PUNT_MTU,
	NSIM_FLOW_PUNT_EGRESS_DOWN,
	NSIM_FLOW_PUNT_NOMEM,
	NSIM_FLOW_COUNTERS,
};

/**
 * struct nsim_flow_faults - what users may break, to see what becomes of it
 * @max_flows: number of entries that fit in
 * @egress_queue_len: frames in the queue of an egress port from which on the
 *	ASIC drops; with more than the ring of the port holds, 256, it takes
 *	the room of what the CPU sends
 * @add_delay_ms: time that it takes to program an entry
 * @del_delay_ms: time that it takes to clear an entry
 * @fail_every_nth: of the entries to program, the one in how many that fails
 * @adds: entries to program so far, for @fail_every_nth; under &flow_ft.lock
 * @fail_next_add: number of entries to fail to program
 * @fail_unbind: number of UNBINDs to fail, with nothing done; the core forgets
 *	the callback then, and nobody frees it
 * @lose_hits: number of frames to lose without a trace
 * @disable: forward nothing, and take no entries
 */
struct nsim_flow_faults {
	u32		max_flows;
	u32		egress_queue_len;
	u32		add_delay_ms;
	u32		del_delay_ms;
	u32		fail_every_nth;
	u32		adds;
	atomic_t	fail_next_add;
	atomic_t	fail_unbind;
	atomic_t	lose_hits;
	bool		disable;
};

/**
 * struct nsim_flow - flow table of the ASIC, one for each nsim_dev
 * @ft: the table
 * @ddir: debugfs directory "flow"
 * @faults: limits and faults
 */
struct nsim_flow {
	struct flow_ft		ft;
	struct dentry		*ddir;
	struct nsim_flow_faults	faults;
};

/**
 * struct nsim_flow_port - flow offload of one port
 * @ft: port of the table
 * @ns: the port's netdevsim
 * @rcu: for the deferred free
 * @counters: by enum nsim_flow_counter
 */
struct nsim_flow_port {
	struct flow_ft_port	ft;
	struct netdevsim	*ns;
	struct rcu_head		rcu;
	atomic64_t		counters[NSIM_FLOW_COUNTERS];
};

/**
 * struct nsim_flow_pkt - what the parser found in a frame
 * @tuple: key for the lookup
 * @tcp_flags: flags of a TCP header as in &flow_ft_rule.tcp_flags
 * @encap_len: length of VLAN tags and PPPoE header in front of the IP packet
 * @l3_room: length of what they carry
 * @l3_len: length of the IP packet, padding of the frame excluded
 * @thoff: offset of the L4 header from the network header
 * @hdr_len: length of network and L4 header, without TCP options
 * @ttl: TTL or hop limit
 */
struct nsim_flow_pkt {
	struct flow_ft_tuple	tuple;
	__be16			tcp_flags;
	unsigned int		encap_len;
	unsigned int		l3_room;
	unsigned int		l3_len;
	unsigned int		thoff;
	unsigned int		hdr_len;
	u8			ttl;
};

static inline struct nsim_flow_port *to_nsim_flow_port(struct flow_ft_port *ft)
{
	return container_of(ft, struct nsim_flow_port, ft);
}

static inline struct nsim_flow *nsim_flow_of(const struct nsim_flow_port *port)
{
	return container_of(port->ft.ft, struct nsim_flow, ft);
}

static inline bool nsim_flow_is_off(const struct nsim_flow_port *port)
{
	return READ_ONCE(nsim_flow_of(port)->faults.disable);
}

/* Is it time for one of @left faults? */
static inline bool nsim_flow_fault(atomic_t *left)
{
	return unlikely(atomic_read(left)) && atomic_dec_if_positive(left) >= 0;
}

static inline void nsim_flow_add(struct nsim_flow_port *port,
				 enum nsim_flow_counter counter, u64 n)
{
	atomic64_add(n, &port->counters[counter]);
}

int nsim_flow_init(struct nsim_dev *nsim_dev);
void nsim_flow_exit(struct nsim_dev *nsim_dev);
int nsim_flow_port_init(struct netdevsim *ns);
void nsim_flow_port_exit(struct netdevsim *ns);
void nsim_flow_port_free(struct netdevsim *ns);
int nsim_flow_setup(struct netdevsim *ns, struct flow_block_offload *f);
int nsim_flow_setup_tc(struct net_device *dev, enum tc_setup_type type,
		       void *type_data);

bool nsim_flow_rcv(struct nsim_rq *rq, struct sk_buff *skb);
enum nsim_flow_counter nsim_flow_parse(struct sk_buff *skb,
				       struct nsim_flow_pkt *pkt);
void nsim_flow_rewrite(struct sk_buff *skb, const struct nsim_flow_pkt *pkt,
		       const struct flow_ft_rewrite *rewrite);

unsigned int nsim_flow_headroom(const struct flow_ft_rewrite *rewrite);
int nsim_flow_encap(struct sk_buff *skb, const struct nsim_flow_pkt *pkt,
		    const struct flow_ft_rewrite *rewrite);

void nsim_flow_faults_init(struct nsim_flow *flow);
int nsim_flow_fault_add(struct nsim_flow *flow, struct netlink_ext_ack *extack);
void nsim_flow_fault_del(struct nsim_flow *flow);

int nsim_flow_get_sset_count(struct net_device *dev, int sset);
void nsim_flow_get_strings(struct net_device *dev, u32 sset, u8 *data);
void nsim_flow_get_ethtool_stats(struct net_device *dev,
				 struct ethtool_stats *stats, u64 *data);
bool nsim_flow_has_offload_stats(const struct net_device *dev, int attr_id);
int nsim_flow_get_offload_stats(int attr_id, const struct net_device *dev,
				void *data);

void nsim_flow_debugfs_init(struct nsim_flow *flow, struct dentry *parent);
void nsim_flow_debugfs_exit(struct nsim_flow *flow);

#endif /* _NSIM_FLOW_H */
