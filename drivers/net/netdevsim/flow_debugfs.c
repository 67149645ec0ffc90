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

static void nsim_flow_show_vlan(struct seq_file *s, const char *name,
				const struct flow_ft_vlan *vlan)
{
	if (vlan->proto)
		seq_printf(s, " %s=%u%s", name, vlan->vid,
			   vlan->proto == htons(ETH_P_8021AD) ? "(ad)" : "");
}

static const char *nsim_flow_l4_name(u8 l4proto)
{
	switch (l4proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_GRE:
		return "gre";
	default:
		return "none";
	}
}

static void nsim_flow_show_tuple(struct seq_file *s,
				 const struct flow_ft_tuple *tuple)
{
	int i;

	seq_printf(s, " proto=%s", nsim_flow_l4_name(tuple->l4proto));
	for (i = 0; i < FLOW_FT_VLAN_MAX; i++)
		nsim_flow_show_vlan(s, "vlan", &tuple->vlan[i]);
	if (tuple->pppoe_sid)
		seq_printf(s, " pppoe=%u", tuple->pppoe_sid);
	nsim_flow_show_addr(s, "src", tuple->family, &tuple->src_v6);
	nsim_flow_show_addr(s, "dst", tuple->family, &tuple->dst_v6);
	if (tuple->l4proto == IPPROTO_GRE)
		return;

	seq_printf(s, " sport=%u dport=%u", ntohs(tuple->sport),
		   ntohs(tuple->dport));
}

static void nsim_flow_show_encap(struct seq_file *s,
				 const struct flow_ft_rewrite *rewrite)
{
	int i;

	if (rewrite->vlan_pop)
		seq_printf(s, " vlan_pop=%u", rewrite->vlan_pop);
	for (i = 0; i < rewrite->vlan_push_num; i++)
		nsim_flow_show_vlan(s, "vlan_push", &rewrite->vlan_push[i]);
	if (rewrite->pppoe_pop)
		seq_puts(s, " pppoe_pop");
	if (rewrite->set & FLOW_FT_SET_PPPOE)
		seq_printf(s, " pppoe_push=%u", rewrite->pppoe_sid);
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
	nsim_flow_show_encap(s, rewrite);
}

static void nsim_flow_show_entry(struct flow_ft_entry *entry, void *data)
{
	const struct flow_ft_counts *counts = entry->counts;
	const struct flow_ft_tuple *tuple = &entry->rule.tuple;
	struct seq_file *s = data;
	unsigned long idle;

	idle = jiffies - READ_ONCE(counts->lastused);
	seq_printf(s, "in=%s out=%s", netdev_name(entry->ingress->dev),
		   netdev_name(entry->egress->dev));
	nsim_flow_show_tuple(s, tuple);
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

static u64 nsim_flow_refused(const struct flow_ft_counters *counters)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < FLOW_FT_REFUSALS; i++)
		sum += counters->refused[i];

	return sum;
}

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
	seq_printf(s, "replace_refused %llu\n", nsim_flow_refused(&counters));
	seq_printf(s, "replace_foreign %llu\n", counters.replace_foreign);
	seq_printf(s, "destroy %llu\n", counters.destroy);
	seq_printf(s, "destroy_unknown %llu\n", counters.destroy_unknown);
	seq_printf(s, "stats %llu\n", counters.stats);
	seq_printf(s, "stats_unknown %llu\n", counters.stats_unknown);
	seq_printf(s, "port_purged %llu\n", counters.port_purged);
	seq_printf(s, "evicted %llu\n", counters.evicted);
	seq_printf(s, "replaced %llu\n", counters.replaced);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nsim_flow_counters);

static const char * const nsim_flow_refusals[FLOW_FT_REFUSALS] = {
	[FLOW_FT_REFUSED_GONE]		= "gone",
	[FLOW_FT_REFUSED_RULE]		= "rule",
	[FLOW_FT_REFUSED_OFF]		= "off",
	[FLOW_FT_REFUSED_EGRESS]	= "egress",
	[FLOW_FT_REFUSED_MATCH]		= "match",
	[FLOW_FT_REFUSED_FULL]		= "full",
	[FLOW_FT_REFUSED_NOMEM]		= "nomem",
	[FLOW_FT_REFUSED_DRIVER]	= "driver",
};

static int nsim_flow_refused_show(struct seq_file *s, void *data)
{
	struct nsim_flow *flow = s->private;
	const struct flow_ft_refused *last = &flow->ft.last_refused;
	int i;

	mutex_lock(&flow->ft.lock);
	for (i = 0; i < FLOW_FT_REFUSALS; i++)
		seq_printf(s, "%s %llu\n", nsim_flow_refusals[i],
			   flow->ft.counters.refused[i]);
	if (last->err) {
		seq_printf(s, "last %s err=%d in=%s",
			   nsim_flow_refusals[last->reason], last->err,
			   last->port);
		nsim_flow_show_tuple(s, &last->tuple);
		seq_printf(s, " text=\"%s\"\n", last->text);
	}
	mutex_unlock(&flow->ft.lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nsim_flow_refused);

void nsim_flow_debugfs_init(struct nsim_flow *flow, struct dentry *parent)
{
	flow->ddir = debugfs_create_dir("flow", parent);
	debugfs_create_file("entries", 0400, flow->ddir, flow,
			    &nsim_flow_entries_fops);
	debugfs_create_file("counters", 0400, flow->ddir, flow,
			    &nsim_flow_counters_fops);
	debugfs_create_file("refused", 0400, flow->ddir, flow,
			    &nsim_flow_refused_fops);
	nsim_flow_faults_init(flow);
}

void nsim_flow_debugfs_exit(struct nsim_flow *flow)
{
	debugfs_remove_recursive(flow->ddir);
}
