// SPDX-License-Identifier: GPL-2.0
/* The flow table of the modelled switch ASIC in debugfs. */

#include <linux/debugfs.h>
#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/seq_file.h>

#include "flow.h"

static void nsim_flow_show_addr(struct seq_file *s, const char *name, u8 family,
				const void *addr)
{
	if (family == AF_INET)
		seq_printf(s, " %s=%pI4", name, addr);
	else
		seq_printf(s, " %s=%pI6c", name, addr);
}

static void nsim_flow_show_rewrite(struct seq_file *s,
				   const struct flow_ft_rule *rule)
{
	const struct flow_ft_rewrite *rewrite = &rule->rewrite;
	u8 family = rule->tuple.family;

	if (rewrite->set & FLOW_FT_SET_SADDR)
		nsim_flow_show_addr(s, "new_src", family, &rewrite->saddr_v6);
	if (rewrite->set & FLOW_FT_SET_DADDR)
		nsim_flow_show_addr(s, "new_dst", family, &rewrite->daddr_v6);
	if (rewrite->set & FLOW_FT_SET_SPORT)
		seq_printf(s, " new_sport=%u", ntohs(rewrite->sport));
	if (rewrite->set & FLOW_FT_SET_DPORT)
		seq_printf(s, " new_dport=%u", ntohs(rewrite->dport));
	if (rewrite->set & FLOW_FT_SET_ETH_SRC)
		seq_printf(s, " new_smac=%pM", rewrite->eth_src);
	if (rewrite->set & FLOW_FT_SET_ETH_DST)
		seq_printf(s, " new_dmac=%pM", rewrite->eth_dst);
}

static void nsim_flow_show_entry(struct flow_ft_entry *entry, void *data)
{
	const struct flow_ft_counts *counts = entry->counts;
	const struct flow_ft_tuple *tuple = &entry->rule.tuple;
	struct seq_file *s = data;
	unsigned long idle;

	idle = jiffies - READ_ONCE(counts->lastused);
	seq_printf(s, "in=%s out=%s proto=%s", netdev_name(entry->ingress->dev),
		   netdev_name(entry->egress->dev),
		   tuple->l4proto == IPPROTO_TCP ? "tcp" : "udp");
	nsim_flow_show_addr(s, "src", tuple->family, &tuple->src_v6);
	nsim_flow_show_addr(s, "dst", tuple->family, &tuple->dst_v6);
	seq_printf(s, " sport=%u dport=%u", ntohs(tuple->sport),
		   ntohs(tuple->dport));
	nsim_flow_show_rewrite(s, &entry->rule);
	seq_printf(s, " packets=%lld bytes=%lld idle_ms=%u\n",
		   atomic64_read(&counts->packets),
		   atomic64_read(&counts->bytes), jiffies_to_msecs(idle));
}

static int nsim_flow_entries_show(struct seq_file *s, void *data)
{
	struct nsim_flow *flow = s->private;

	flow_ft_walk(&flow->ft, nsim_flow_show_entry, s);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nsim_flow_entries);

static int nsim_flow_counters_show(struct seq_file *s, void *data)
{
	struct nsim_flow *flow = s->private;
	struct flow_ft_counters counters;
	unsigned int entries;

	mutex_lock(&flow->ft.lock);
	counters = flow->ft.counters;
	entries = flow->ft.entries;
	mutex_unlock(&flow->ft.lock);

	seq_printf(s, "entries %u\n", entries);
	seq_printf(s, "bind %llu\n", counters.bind);
	seq_printf(s, "unbind %llu\n", counters.unbind);
	seq_printf(s, "unbind_orphans %llu\n", counters.unbind_orphans);
	seq_printf(s, "replace %llu\n", counters.replace);
	seq_printf(s, "replace_same %llu\n", counters.replace_same);
	seq_printf(s, "replace_refused %llu\n", counters.replace_refused);
	seq_printf(s, "replace_foreign %llu\n", counters.replace_foreign);
	seq_printf(s, "destroy %llu\n", counters.destroy);
	seq_printf(s, "destroy_unknown %llu\n", counters.destroy_unknown);
	seq_printf(s, "stats %llu\n", counters.stats);
	seq_printf(s, "stats_unknown %llu\n", counters.stats_unknown);
	seq_printf(s, "port_purged %llu\n", counters.port_purged);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nsim_flow_counters);

void nsim_flow_debugfs_init(struct nsim_flow *flow, struct dentry *parent)
{
	flow->ddir = debugfs_create_dir("flow", parent);
	debugfs_create_file("entries", 0400, flow->ddir, flow,
			    &nsim_flow_entries_fops);
	debugfs_create_file("counters", 0400, flow->ddir, flow,
			    &nsim_flow_counters_fops);
	debugfs_create_u32("egress_queue_len", 0600, flow->ddir,
			   &flow->egress_queue_len);
	debugfs_create_atomic_t("lose_hits", 0600, flow->ddir,
				&flow->lose_hits);
}

void nsim_flow_debugfs_exit(struct nsim_flow *flow)
{
	debugfs_remove_recursive(flow->ddir);
}
