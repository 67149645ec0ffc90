/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A functional model of the MediaTek frame engine: what its parts share.
 *
 * Frames are linear skbs that nobody else has, with the Ethernet header at
 * skb->data.  All that moves frames or looks at the flow table runs in the
 * one ordered workqueue of the engine, so it needs no locks among itself;
 * register accesses come from everywhere.
 */
#ifndef _MTK_FE_H
#define _MTK_FE_H

#include <linux/if_ether.h>
#include <linux/io.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "fe_regs.h"
#include "foe.h"

#define FE_MAX_GDM	2
#define FE_MAX_PPE	2

/* What a frame has on its way out for headers that grow */
#define FE_HEADROOM	64
#define FE_MAX_FRAME	2048

struct dentry;
struct device_node;
struct fe;
struct fe_soc;
struct irq_domain;
struct platform_driver;
struct sw;

/**
 * struct wire - cable from a port of the model to a netdev
 * @fe:		the engine that takes in what comes
 * @dev:	netdev at the far end
 * @rx:		what has come from there
 */
struct wire {
	struct fe *fe;
	struct net_device *dev;
	struct sk_buff_head rx;
};

/**
 * struct gdm - Ethernet port of the engine, and what it leads to
 * @fe:		the engine
 * @wire:	a wire, or
 * @sw:		a switch, unless it is NULL
 * @id:		number
 */
struct gdm {
	struct fe *fe;
	struct wire wire;
	struct sw *sw;
	int id;
};

/**
 * struct ppe_pkt - a frame that enters the engine, as its parsers see it
 * @skb:	the frame
 * @key:	of the flow, if @reason is 0
 * @sport:	where it came in
 * @reason:	enum ppe_cpu_reason of what no flow can have, or 0
 * @l3:		offset of the IP header, 0 if there is none
 * @l4:		offset of the TCP or UDP header, 0 if there is none
 * @l3_len:	length from the IP header on, without padding
 * @ttl:	or hop limit
 * @tcp_stop:	FIN, SYN or RST is set
 * @is_ip6:	it is IPv6
 * @bad_ip:	the checksum of the IPv4 header is wrong
 * @bad_l4:	the checksum of TCP or UDP is wrong
 * @stag:	it has the special tag of a switch
 */
struct ppe_pkt {
	struct sk_buff *skb;
	struct foe_key key;
	u8 sport;
	u8 reason;
	u16 l3;
	u16 l4;
	u16 l3_len;
	u8 ttl;
	bool tcp_stop;
	bool is_ip6;
	bool bad_ip;
	bool bad_l4;
	bool stag;
};

/**
 * struct ppe_verdict - where a frame goes
 * @port:	port of the packet switch
 * @reason:	enum ppe_cpu_reason, for the CPU
 * @index:	of the entry, for the CPU
 */
struct ppe_verdict {
	u8 port;
	u8 reason;
	u16 index;
};

#define FOE_NO_INDEX	0x3fff

/**
 * struct ppe_count - what an entry has counted
 * @bytes:	of the MIB
 * @packets:	of the MIB
 * @tick:	when @rate was begun
 * @rate:	packets in that tick before it was bound
 * @keepalive:	tick of the last one, or when it was built
 */
struct ppe_count {
	u64 bytes;
	u64 packets;
	u32 tick;
	u32 rate;
	u32 keepalive;
};

/**
 * struct ppe_stats - what a packet processing engine has done
 * @reason:	frames to the CPU, by reason; copies are among them
 * @forward:	frames that a bound entry has sent out
 * @drop:	frames that it has dropped as its registers tell it
 * @build:	entries built
 * @full:	entries not built, all ways were taken
 * @age:	entries aged, by the state that they had
 * @closed:	entries that became FIN
 * @miss_line:	reads of the table, if there is a cache
 */
struct ppe_stats {
	u64 reason[PPE_CPU_REASONS];
	u64 forward;
	u64 drop;
	u64 build;
	u64 full;
	u64 age[4];
	u64 closed;
	u64 miss_line;
};

/**
 * struct ppe - packet processing engine
 * @fe:		the frame engine that it is part of
 * @base:	its registers
 * @layout:	of its table
 * @count:	by entry; MIB fields are protected by fe->lock
 * @cache:	copy of the table, if fe->cache
 * @cached:	which entries @cache has
 * @flush:	the driver has cleared the cache
 * @stats:	for people and tests
 */
struct ppe {
	struct fe *fe;
	u32 base;
	const struct foe_layout *layout;
	struct ppe_count *count;
	void *cache;
	unsigned long *cached;
	bool flush;
	struct ppe_stats stats;
};

/* What FIN, SYN and RST do to a bound flow; which one is right nobody knows */
enum fe_fin_mode {
	FE_FIN_CLOSE,		/* to the CPU, the entry becomes FIN */
	FE_FIN_CPU,		/* to the CPU, the entry stays */
	FE_FIN_FORWARD,		/* like all others */
};

/**
 * struct fe - the frame engine
 * @soc:	what it is on
 * @eth:	its devicetree node
 * @domain:	of its interrupt lines
 * @lines:	interrupt lines that software has not masked; protected by @lock
 * @lock:	protects @regs where reading or writing them does something,
 *		@dma_busy and the MIB
 * @regs:	by offset / 4
 * @dma_busy:	DMA_TX_BUSY and DMA_RX_BUSY; the ring is in use
 * @ppe_busy:	bits of PPEs that are at work; as @dma_busy
 * @rx_idx:	next descriptor of the PDMA's ring
 * @rx_reset:	the driver wants @rx_idx to be 0; who takes that clears it
 * @wq:		ordered; all work of the engine
 * @work:	moves frames and raises interrupts
 * @tick_work:	counts time
 * @gdm:	Ethernet ports
 * @ppe:	packet processing engines
 * @tick_ms:	length of a tick of FE_FOE_TS; 0: it stands still
 * @fin_mode:	enum fe_fin_mode
 * @force_bucket: the bucket of all flows, unless it is ~0
 * @rate_total:	BIND_RATE is compared with the packets of all ticks
 * @cache:	PPEs have a cache; without its flush they do not see the table
 * @dscp:	a bound entry sets the TOS byte
 * @ka_flag:	only entries with a flag for it have keepalives
 * @mib_l3:	the MIB counts L3 bytes, not frames
 * @stag_any:	GDMs know a special tag by itself, whatever their register says
 * @reg_offset:	which register debugfs reads and writes
 * @irq_busy:	no line is given to who asks for it, and probe fails
 * @ts_reads:	reads of FE_FOE_TS: the driver binds a flow, or wants to know
 *		how long one has been idle; protected by @lock
 * @dma_fault:	addresses that are no memory
 * @rx_full:	frames dropped since the PDMA's ring was full or off
 * @tx_lost:	frames dropped since their descriptor asks for what is not there
 */
struct fe {
	const struct fe_soc *soc;
	struct device_node *eth;
	struct irq_domain *domain;
	unsigned long lines;
	spinlock_t lock;	/* of registers with effects, and the MIB */
	u32 *regs;
	u32 dma_busy;
	unsigned long ppe_busy;
	u32 rx_idx;
	bool rx_reset;
	struct workqueue_struct *wq;
	struct work_struct work;
	struct delayed_work tick_work;
	struct gdm gdm[FE_MAX_GDM];
	struct ppe ppe[FE_MAX_PPE];
	u32 tick_ms;
	u32 fin_mode;
	u32 force_bucket;
	bool rate_total;
	bool cache;
	bool dscp;
	bool ka_flag;
	bool mib_l3;
	bool stag_any;
	u32 reg_offset;
	bool irq_busy;
	u64 ts_reads;
	u64 dma_fault;
	u64 rx_full;
	u64 tx_lost;
};

/**
 * struct fe_soc - what differs between chips
 * @compatible:	of the devicetree node
 * @pdma:	offset of PDMA
 * @qdma:	offset of QDMA
 * @gdm_cnt:	offset of the counters of the GDMs
 * @ppe:	offset of the first PPE
 * @ppe_ports:	their ports of the packet switch
 * @num_ppe:	how many
 * @tx_line:	interrupt line of QDMA, as the driver counts: in the devicetree
 * @rx_line:	interrupt line of PDMA
 * @txd_v2:	QDMA has descriptors of 32 bytes
 * @no_rx_offset: PDMA takes no notice of DMA_RX_2B_OFFSET.  The driver sets it
 *		where NET_IP_ALIGN is 2, as in user-mode Linux, but with a page
 *		pool, which this chip gets, does not expect what it asks for.
 *		On arm64, where the chip is, NET_IP_ALIGN is 0.
 * @layout:	of the flow table
 * @has_mib:	PPEs count by entry
 */
struct fe_soc {
	const char *compatible;
	u32 pdma;
	u32 qdma;
	u32 gdm_cnt;
	u32 ppe;
	u8 ppe_ports[FE_MAX_PPE];
	u8 num_ppe;
	u8 tx_line;
	u8 rx_line;
	bool txd_v2;
	bool no_rx_offset;
	const struct foe_layout *layout;
	bool has_mib;
};

static inline u32 fe_read(const struct fe *fe, u32 offset)
{
	return READ_ONCE(fe->regs[offset / 4]);
}

/*
 * A frame from the CPU with a special tag: it has that where others have their
 * type.  What tells the hardware no source says; this small it is a length, and
 * what has a length is not IP.
 */
static inline bool is_stag(const struct sk_buff *skb)
{
	return skb->len > 2 * ETH_ALEN && skb->data[2 * ETH_ALEN] < 3;
}

static inline u32 ppe_read(const struct ppe *ppe, u32 offset)
{
	return fe_read(ppe->fe, ppe->base + offset);
}

/* main.c */
void fe_kick(struct fe *fe);
void fe_input(struct fe *fe, struct sk_buff *skb, int id);

/* mmio.c */
int fe_mmio_init(struct fe *fe);
u32 fe_mmio_get(struct fe *fe, u32 offset);
void fe_mmio_set(struct fe *fe, u32 offset, u32 val);
bool fe_dma_begin(struct fe *fe, u32 glo_cfg, u32 enable);
void fe_dma_end(struct fe *fe, u32 enable);
void *fe_dma(struct fe *fe, u32 addr, size_t len);
void fe_set_bits(struct fe *fe, u32 offset, u32 bits);

/* irq.c */
int fe_irq_init(struct fe *fe);
void fe_irq_raise(struct fe *fe);

/* sram.c */
extern struct platform_driver fe_sram_driver;

/* wire.c */
int wire_init(struct wire *wire, struct fe *fe, const char *name);
void wire_exit(struct wire *wire);
void wire_carrier(struct wire *wire, bool up);
void wire_send(struct wire *wire, struct sk_buff *skb);
int wire_poll(struct wire *wire, int budget,
	      void (*rx)(struct wire *wire, struct sk_buff *skb));

/* gdm.c */
int gdm_init(struct fe *fe, int id);
void gdm_exit(struct gdm *gdm);
int gdm_poll(struct gdm *gdm, int budget);
void gdm_xmit(struct gdm *gdm, struct sk_buff *skb);
void gdm_rx(struct gdm *gdm, struct sk_buff *skb);
void gdm_count(struct gdm *gdm, u32 counter, u64 n);

/* sw.c */
int sw_init(struct gdm *gdm);
void sw_exit(struct sw *sw);
int sw_poll(struct sw *sw, int budget);
void sw_from_cpu(struct sw *sw, struct sk_buff *skb);
void sw_debugfs_init(struct sw *sw, struct dentry *root);

/* sw_mdio.c */
u32 mdio_access(struct fe *fe, u32 cmd);

/* pdma.c */
void pdma_rx(struct fe *fe, const struct ppe_pkt *pkt,
	     const struct ppe_verdict *verdict);

/* qdma.c */
int qdma_poll(struct fe *fe, int budget);

/* qdma_offload.c */
struct sk_buff *qdma_offload(struct sk_buff *skb, bool tso, bool csum,
			     bool stag);

/* ppe.c */
int ppe_init(struct fe *fe, int id);
void ppe_exit(struct ppe *ppe);
void ppe_input(struct ppe *ppe, struct ppe_pkt *pkt,
	       struct ppe_verdict *verdict);
void ppe_mib_read(struct ppe *ppe);
bool ppe_begin(struct ppe *ppe);
void ppe_end(struct ppe *ppe);

/* ppe_table.c */
u32 foe_entries(const struct ppe *ppe);
void *foe_entry(struct ppe *ppe, u32 index);
void *foe_peek(struct ppe *ppe, u32 index);
bool foe_set_ib1(struct ppe *ppe, u32 index, u32 old, u32 new);
int foe_lookup(struct ppe *ppe, const struct foe_key *key, u32 *ib1);
int foe_build(struct ppe *ppe, const struct foe_key *key);

/* ppe_parse.c */
void ppe_parse(struct ppe_pkt *pkt, struct sk_buff *skb, u8 sport,
	       bool stag);
void ppe_parse_flow(struct ppe_pkt *pkt, u32 flow_cfg);

/* ppe_rewrite.c */
u32 ppe_rewrite_len(const struct ppe *ppe, const struct ppe_pkt *pkt, u32 ib1);
bool ppe_rewrite(struct ppe *ppe, struct ppe_pkt *pkt, const void *entry,
		 u32 ib1);

/* ppe_age.c */
bool ppe_keepalive_is_due(struct ppe *ppe, u32 index, u32 ib1);
void fe_tick(struct fe *fe, u32 ticks);

/* debugfs.c */
void fe_debugfs_init(struct fe *fe);

#endif
