// SPDX-License-Identifier: GPL-2.0
/* Connections of the modelled switch ASIC in debugfs. */

#include <linux/debugfs.h>
#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "flow_conn.h"

static const char * const nsim_flow_modes[] = {
	[NSIM_FLOW_MODE_PUNT]	= "punt",
	[NSIM_FLOW_MODE_TIMER]	= "timer",
	[NSIM_FLOW_MODE_TRACK]	= "track",
};

static const char * const nsim_flow_phases[] = {
	[NSIM_FLOW_CONN_HALF]	= "half",
	[NSIM_FLOW_CONN_RUN]	= "run",
	[NSIM_FLOW_CONN_HOLD]	= "hold",
	[NSIM_FLOW_CONN_STOP]	= "stop",
};

static const char * const nsim_flow_tcp_states[] = {
	[TCP_CONNTRACK_NONE]		= "none",
	[TCP_CONNTRACK_SYN_SENT]	= "syn_sent",
	[TCP_CONNTRACK_SYN_RECV]	= "syn_recv",
	[TCP_CONNTRACK_ESTABLISHED]	= "established",
	[TCP_CONNTRACK_FIN_WAIT]	= "fin_wait",
	[TCP_CONNTRACK_CLOSE_WAIT]	= "close_wait",
	[TCP_CONNTRACK_LAST_ACK]	= "last_ack",
	[TCP_CONNTRACK_TIME_WAIT]	= "time_wait",
	[TCP_CONNTRACK_CLOSE]		= "close",
	[TCP_CONNTRACK_LISTEN]		= "syn_sent2",
};

static void nsim_flow_conn_show_state(struct seq_file *s,
				      const struct nsim_flow_conn *conn)
{
	const struct flow_ft_conn_state *state = &conn->state;

	if (!conn->has_state)
		seq_puts(s, " state=none");
	else if (conn->l4proto == IPPROTO_TCP)
		seq_printf(s, " state=%s",
			   nsim_flow_tcp_states[state->tcp.state]);
	else
		seq_printf(s, " state=%s", state->udp.stream ? "stream" :
			   state->udp.replied ? "replied" : "unreplied");
}

static void nsim_flow_conn_show(struct flow_ft_entry *entry, void *data)
{
	struct nsim_flow_conn *conn = nsim_flow_entry(entry)->conn;
	struct seq_file *s = data;
	unsigned long idle, limit;

	if (!conn)
		return;

	spin_lock_bh(&conn->lock);
	/* Once, by whichever entry is the first one that is there. */
	if (nsim_flow_entry(entry)->dir && conn->counts[0])
		goto unlock;

	idle = jiffies - conn->lastused;
	limit = nsim_flow_age_limit(conn);
	seq_printf(s, "handle=%llx in=%s phase=%s", conn->handle,
		   netdev_name(entry->ingress->dev),
		   nsim_flow_phases[conn->phase]);
	nsim_flow_conn_show_state(s, conn);
	seq_printf(s, " idle_ms=%u left_ms=%u\n", jiffies_to_msecs(idle),
		   jiffies_to_msecs(limit - min(limit, idle)));
unlock:
	spin_unlock_bh(&conn->lock);
}

static int nsim_flow_conns_show(struct seq_file *s, void *data)
{
	struct nsim_flow *flow = s->private;

	flow_ft_walk(&flow->ft, nsim_flow_conn_show, s);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nsim_flow_conns);

static int nsim_flow_conn_counters_show(struct seq_file *s, void *data)
{
	struct nsim_flow *flow = s->private;
	const struct nsim_flow_conns *conns = flow->conns;

	seq_printf(s, "claimed %lld\n", atomic64_read(&conns->claimed));
	seq_printf(s, "unclaimed %lld\n", atomic64_read(&conns->unclaimed));
	seq_printf(s, "reports %lld\n", atomic64_read(&conns->reports));
	seq_printf(s, "batches %lld\n", atomic64_read(&conns->batches));
	seq_printf(s, "reports_stale %lld\n",
		   atomic64_read(&conns->reports_stale));
	seq_printf(s, "reports_dropped %lld\n",
		   atomic64_read(&conns->reports_dropped));
	seq_printf(s, "resyncs %lld\n", atomic64_read(&conns->resyncs));
	seq_printf(s, "queries %lld\n", atomic64_read(&conns->queries));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nsim_flow_conn_counters);

static ssize_t nsim_flow_mode_read(struct file *file, char __user *buf,
				   size_t size, loff_t *pos)
{
	struct nsim_flow *flow = file->private_data;
	char text[8];
	int len;

	len = scnprintf(text, sizeof(text), "%s\n",
			nsim_flow_modes[READ_ONCE(flow->conns->mode)]);
	return simple_read_from_buffer(buf, size, pos, text, len);
}

static ssize_t nsim_flow_mode_write(struct file *file, const char __user *buf,
				    size_t size, loff_t *pos)
{
	struct nsim_flow *flow = file->private_data;
	char text[8] = {};
	int mode;

	if (*pos || size >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, size))
		return -EFAULT;

	mode = __sysfs_match_string(nsim_flow_modes,
				    ARRAY_SIZE(nsim_flow_modes), text);
	if (mode < 0)
		return mode;

	WRITE_ONCE(flow->conns->mode, mode);
	return size;
}

static const struct file_operations nsim_flow_mode_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.read	= nsim_flow_mode_read,
	.write	= nsim_flow_mode_write,
};

/**
 * nsim_flow_conn_debugfs_init() - show connections, and what to do about them
 * @flow: table, with its debugfs directory
 *
 * Context: process; may sleep.
 */
void nsim_flow_conn_debugfs_init(struct nsim_flow *flow)
{
	debugfs_create_file("conns", 0400, flow->ddir, flow,
			    &nsim_flow_conns_fops);
	debugfs_create_file("conn_counters", 0400, flow->ddir, flow,
			    &nsim_flow_conn_counters_fops);
	debugfs_create_file("mode", 0600, flow->ddir, flow,
			    &nsim_flow_mode_fops);
	debugfs_create_atomic_t("drop_reports", 0600, flow->ddir,
				&flow->conns->drop_reports);
	debugfs_create_u32("report_delay_us", 0600, flow->ddir,
			   &flow->conns->report_delay_us);
}
