// SPDX-License-Identifier: GPL-2.0
/* Limits and faults of the flow table of the modelled switch ASIC. */

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/netlink.h>

#include "flow.h"
#include "netdevsim.h"

#define NSIM_FLOW_MAX_FLOWS		65536
#define NSIM_FLOW_EGRESS_QUEUE_LEN	192

static bool nsim_flow_is_nth(struct nsim_flow_faults *faults)
{
	u32 nth = READ_ONCE(faults->fail_every_nth);

	return nth && !(++faults->adds % nth);
}

/**
 * nsim_flow_fault_add() - is there room, and does programming work today?
 * @flow: table
 * @extack: where the reason goes, or NULL
 *
 * Context: process; may sleep; &flow_ft.lock is held.
 * Return: 0, -ENOSPC if the table is full, -EIO for a planted failure, -EBUSY
 *	while the table is disabled.
 */
int nsim_flow_fault_add(struct nsim_flow *flow, struct netlink_ext_ack *extack)
{
	struct nsim_flow_faults *faults = &flow->faults;
	u32 delay = READ_ONCE(faults->add_delay_ms);

	if (delay)
		msleep(delay);
	if (READ_ONCE(faults->disable)) {
		NSIM_EA(extack, "the flow table is disabled");
		return -EBUSY;
	}
	if (flow->ft.entries >= READ_ONCE(faults->max_flows)) {
		NSIM_EA(extack, "the flow table is full");
		return -ENOSPC;
	}
	if (nsim_flow_fault(&faults->fail_next_add) ||
	    nsim_flow_is_nth(faults)) {
		NSIM_EA(extack, "planted failure");
		return -EIO;
	}

	return 0;
}

/**
 * nsim_flow_fault_del() - take the time that clearing an entry takes
 * @flow: table
 *
 * Context: process; may sleep; &flow_ft.lock is held.
 */
void nsim_flow_fault_del(struct nsim_flow *flow)
{
	u32 delay = READ_ONCE(flow->faults.del_delay_ms);

	if (delay)
		msleep(delay);
}

static int nsim_flow_evict_set(void *data, u64 val)
{
	struct nsim_flow *flow = data;

	flow_ft_evict(&flow->ft, min_t(u64, val, UINT_MAX));
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(nsim_flow_evict_fops, NULL, nsim_flow_evict_set,
			 "%llu\n");

static void nsim_flow_fake_entry(struct flow_ft_entry *entry, void *data)
{
	flow_ft_count(entry, 1, *(u64 *)data);
}

static int nsim_flow_fake_bytes_set(void *data, u64 val)
{
	struct nsim_flow *flow = data;

	flow_ft_walk(&flow->ft, nsim_flow_fake_entry, &val);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(nsim_flow_fake_bytes_fops, NULL,
			 nsim_flow_fake_bytes_set, "%llu\n");

static void nsim_flow_age_entry(struct flow_ft_entry *entry, void *data)
{
	unsigned long *lastused = &entry->counts->lastused;

	WRITE_ONCE(*lastused, *lastused - *(unsigned long *)data);
}

static int nsim_flow_fake_idle_set(void *data, u64 val)
{
	unsigned long idle = msecs_to_jiffies(min_t(u64, val, UINT_MAX));
	struct nsim_flow *flow = data;

	flow_ft_walk(&flow->ft, nsim_flow_age_entry, &idle);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(nsim_flow_fake_idle_fops, NULL,
			 nsim_flow_fake_idle_set, "%llu\n");

/**
 * nsim_flow_faults_init() - limits and faults of a table, with their knobs
 * @flow: table, with its debugfs directory
 *
 * Context: process; may sleep.
 */
void nsim_flow_faults_init(struct nsim_flow *flow)
{
	struct nsim_flow_faults *faults = &flow->faults;
	struct dentry *dir = flow->ddir;

	faults->max_flows = NSIM_FLOW_MAX_FLOWS;
	faults->egress_queue_len = NSIM_FLOW_EGRESS_QUEUE_LEN;

	debugfs_create_u32("max_flows", 0600, dir, &faults->max_flows);
	debugfs_create_u32("egress_queue_len", 0600, dir,
			   &faults->egress_queue_len);
	debugfs_create_u32("add_delay_ms", 0600, dir, &faults->add_delay_ms);
	debugfs_create_u32("del_delay_ms", 0600, dir, &faults->del_delay_ms);
	debugfs_create_u32("fail_every_nth", 0600, dir,
			   &faults->fail_every_nth);
	debugfs_create_atomic_t("fail_next_add", 0600, dir,
				&faults->fail_next_add);
	debugfs_create_atomic_t("fail_unbind", 0600, dir,
				&faults->fail_unbind);
	debugfs_create_atomic_t("lose_hits", 0600, dir, &faults->lose_hits);
	debugfs_create_bool("disable", 0600, dir, &faults->disable);
	debugfs_create_file("evict", 0200, dir, flow, &nsim_flow_evict_fops);
	debugfs_create_file("fake_bytes", 0200, dir, flow,
			    &nsim_flow_fake_bytes_fops);
	debugfs_create_file("fake_idle_ms", 0200, dir, flow,
			    &nsim_flow_fake_idle_fops);
}
