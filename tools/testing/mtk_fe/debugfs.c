// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/mtk_fe: what the engine has done, and switches for what no
 * source says of the hardware.
 */
#include <linux/bitfield.h>
#include <linux/debugfs.h>
#include <linux/if_ether.h>
#include <linux/seq_file.h>

#include "mtk_fe.h"

/* The engine's own work does not run meanwhile. */
struct fe_call {
	struct work_struct work;
	void (*fn)(void *arg);
	void *arg;
};

static void fe_call_work(struct work_struct *work)
{
	struct fe_call *call = container_of(work, struct fe_call, work);

	call->fn(call->arg);
}

static void fe_call(struct fe *fe, void (*fn)(void *arg), void *arg)
{
	struct fe_call call = { .fn = fn, .arg = arg };

	INIT_WORK_ONSTACK(&call.work, fe_call_work);
	queue_work(fe->wq, &call.work);
	flush_work(&call.work);
	destroy_work_on_stack(&call.work);
}

static const char * const foe_states[] = {
	[FOE_INVALID]	= "invalid",
	[FOE_UNBIND]	= "unbind",
	[FOE_BIND]	= "bind",
	[FOE_FIN]	= "fin",
};

static void show_key(struct seq_file *s, const u32 *key, bool ip6)
{
	__be32 addr[8];
	int i;

	for (i = 0; i < ARRAY_SIZE(addr); i++)
		addr[i] = htonl(key[i]);
	if (ip6)
		seq_printf(s, "%pI6c %pI6c ports %u %u", &addr[0], &addr[4],
			   key[8] >> 16, key[8] & 0xffff);
	else
		seq_printf(s, "%pI4 %pI4 ports %u %u", &addr[0], &addr[1],
			   key[2] >> 16, key[2] & 0xffff);
}

/* Where a frame leaves, and what it has in front of its type then */
static void show_tags(struct seq_file *s, const struct foe_layout *layout,
		      const void *entry, u32 ib1)
{
	bool ip6 = foe_type_is_ip6(foe_get(ib1, layout->type));
	const u32 *l2 = entry + (ip6 ? FOE_IP6_L2 : FOE_IP4_L2);
	u32 ib2 = *(u32 *)(entry + (ip6 ? FOE_IP6_IB2 : FOE_IP4_IB2));

	seq_printf(s, " port %u layers %u tag %04x %04x",
		   foe_get(ib2, layout->dp), foe_get(ib1, layout->layers),
		   ib1 & layout->vpm ? ETH_P_8021Q :
		   l2[FOE_L2_VLAN1_ETYPE / 4] >> 16,
		   l2[FOE_L2_VLAN1_ETYPE / 4] & 0xffff);
	if (ib1 & layout->pppoe)
		seq_printf(s, " pppoe %u",
			   l2[FOE_L2_PPPOE_SMAC_LO / 4] & 0xffff);
}

static void show_entry(struct seq_file *s, struct ppe *ppe, u32 index)
{
	const struct foe_layout *layout = ppe->layout;
	const u32 *entry = foe_peek(ppe, index);
	u32 ib1, state, now, ts, type;

	if (!entry)
		return;
	ib1 = READ_ONCE(*entry);
	state = FIELD_GET(FOE_IB1_STATE, ib1);
	if (state == FOE_INVALID)
		return;
	type = foe_get(ib1, layout->type);
	ts = state == FOE_UNBIND ? layout->ts_unbind : layout->ts;
	now = fe_read(ppe->fe, FE_FOE_TS);
	seq_printf(s, "%u %s type %u %s ", index, foe_states[state], type,
		   ib1 & FOE_IB1_UDP ? "udp" : "tcp");
	show_key(s, entry + FOE_KEY / 4, foe_type_is_ip6(type));
	seq_printf(s, " idle %u packets %llu bytes %llu", (now - ib1) & ts,
		   ppe->count[index].packets, ppe->count[index].bytes);
	if (state == FOE_BIND)
		show_tags(s, layout, (void *)entry, ib1);
	seq_puts(s, "\n");
}

static void table_work(void *arg)
{
	struct seq_file *s = arg;
	struct ppe *ppe = s->private;
	u32 i, entries = foe_entries(ppe);

	if (!ppe_begin(ppe))
		return;
	for (i = 0; i < entries; i++)
		show_entry(s, ppe, i);
	ppe_end(ppe);
}

static int table_show(struct seq_file *s, void *unused)
{
	struct ppe *ppe = s->private;

	fe_call(ppe->fe, table_work, s);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(table);

/* One NAME VALUE per line */
static int stats_show(struct seq_file *s, void *unused)
{
	const struct ppe *ppe = s->private;
	const struct ppe_stats *stats = &ppe->stats;
	int i;

	seq_printf(s, "forward %llu\n", stats->forward);
	seq_printf(s, "drop %llu\n", stats->drop);
	seq_printf(s, "build %llu\n", stats->build);
	seq_printf(s, "full %llu\n", stats->full);
	seq_printf(s, "closed %llu\n", stats->closed);
	seq_printf(s, "miss_line %llu\n", stats->miss_line);
	for (i = FOE_UNBIND; i <= FOE_FIN; i++)
		seq_printf(s, "aged_%s %llu\n", foe_states[i], stats->age[i]);
	for (i = 0; i < PPE_CPU_REASONS; i++)
		if (stats->reason[i])
			seq_printf(s, "cpu_%02x %llu\n", i, stats->reason[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int tick_ms_get(void *data, u64 *val)
{
	struct fe *fe = data;

	*val = fe->tick_ms;
	return 0;
}

static int tick_ms_set(void *data, u64 val)
{
	struct fe *fe = data;

	if (val > INT_MAX)
		return -EINVAL;
	WRITE_ONCE(fe->tick_ms, val);
	mod_delayed_work(fe->wq, &fe->tick_work, msecs_to_jiffies(val));
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(tick_ms_fops, tick_ms_get, tick_ms_set, "%llu\n");

struct tick_step {
	struct fe *fe;
	u32 ticks;
};

static void tick_work(void *arg)
{
	const struct tick_step *step = arg;

	fe_tick(step->fe, step->ticks);
}

static int tick_get(void *data, u64 *val)
{
	*val = fe_read(data, FE_FOE_TS);
	return 0;
}

static int tick_set(void *data, u64 val)
{
	struct tick_step step = { .fe = data, .ticks = val };

	if (val > U16_MAX)
		return -EINVAL;
	fe_call(step.fe, tick_work, &step);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(tick_fops, tick_get, tick_set, "%llu\n");

static int fin_mode_get(void *data, u64 *val)
{
	*val = ((struct fe *)data)->fin_mode;
	return 0;
}

static int fin_mode_set(void *data, u64 val)
{
	struct fe *fe = data;

	if (val > FE_FIN_FORWARD)
		return -EINVAL;
	WRITE_ONCE(fe->fin_mode, val);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fin_mode_fops, fin_mode_get, fin_mode_set, "%llu\n");

static int cache_get(void *data, u64 *val)
{
	*val = ((struct fe *)data)->cache;
	return 0;
}

/* What it had before it was switched off is old. */
static int cache_set(void *data, u64 val)
{
	struct fe *fe = data;
	int i;

	for (i = 0; i < fe->soc->num_ppe; i++)
		WRITE_ONCE(fe->ppe[i].flush, true);
	WRITE_ONCE(fe->cache, !!val);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(cache_fops, cache_get, cache_set, "%llu\n");

static int reg_get(void *data, u64 *val)
{
	struct fe *fe = data;
	u32 offset = READ_ONCE(fe->reg_offset);

	if (offset & 3 || offset >= FE_WINDOW)
		return -EINVAL;
	*val = fe_mmio_get(fe, offset);
	return 0;
}

static int reg_set(void *data, u64 val)
{
	struct fe *fe = data;
	u32 offset = READ_ONCE(fe->reg_offset);

	if (offset & 3 || offset >= FE_WINDOW || val > U32_MAX)
		return -EINVAL;
	fe_mmio_set(fe, offset, val);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(reg_fops, reg_get, reg_set, "0x%08llx\n");

static void ppe_debugfs_init(struct ppe *ppe, struct dentry *root)
{
	struct dentry *dir;
	char name[8];

	snprintf(name, sizeof(name), "ppe%td", ppe - ppe->fe->ppe);
	dir = debugfs_create_dir(name, root);
	debugfs_create_file("table", 0400, dir, ppe, &table_fops);
	debugfs_create_file("stats", 0400, dir, ppe, &stats_fops);
}

void fe_debugfs_init(struct fe *fe)
{
	struct dentry *dir = debugfs_create_dir("mtk_fe", NULL);
	int i;

	debugfs_create_file("tick_ms", 0600, dir, fe, &tick_ms_fops);
	debugfs_create_file("tick", 0600, dir, fe, &tick_fops);
	debugfs_create_file("fin_mode", 0600, dir, fe, &fin_mode_fops);
	debugfs_create_x32("force_bucket", 0600, dir, &fe->force_bucket);
	debugfs_create_bool("rate_total", 0600, dir, &fe->rate_total);
	debugfs_create_file("cache", 0600, dir, fe, &cache_fops);
	debugfs_create_bool("dscp", 0600, dir, &fe->dscp);
	debugfs_create_bool("ka_flag", 0600, dir, &fe->ka_flag);
	debugfs_create_bool("mib_l3", 0600, dir, &fe->mib_l3);
	debugfs_create_bool("stag_any", 0600, dir, &fe->stag_any);
	debugfs_create_bool("irq_busy", 0600, dir, &fe->irq_busy);
	debugfs_create_x32("reg_offset", 0600, dir, &fe->reg_offset);
	debugfs_create_file("reg", 0600, dir, fe, &reg_fops);
	debugfs_create_u64("ts_reads", 0400, dir, &fe->ts_reads);
	debugfs_create_u64("dma_fault", 0400, dir, &fe->dma_fault);
	debugfs_create_u64("rx_full", 0400, dir, &fe->rx_full);
	debugfs_create_u64("tx_lost", 0400, dir, &fe->tx_lost);
	for (i = 0; i < fe->soc->num_ppe; i++)
		ppe_debugfs_init(&fe->ppe[i], dir);
	for (i = 0; i < FE_MAX_GDM; i++)
		if (fe->gdm[i].sw)
			sw_debugfs_init(fe->gdm[i].sw, dir);
}
