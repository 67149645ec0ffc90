/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers of the MediaTek frame engine: what the model acts on.  All others
 * are plain storage.
 *
 * Offsets and fields as mtk_eth_soc.c, mtk_ppe.c and mtk_ppe_regs.h of Linux
 * 6.12 use them; where a name or a meaning is the vendor SDK's (mtk_hnat of
 * its Linux 5.4), it says so.
 */
#ifndef _FE_REGS_H
#define _FE_REGS_H

#include <linux/bits.h>

#define FE_WINDOW		0x40000

/* Frame engine */
#define FE_INT_STATUS		0x08
#define FE_FOE_TS		0x10

/*
 * Between the packet switch and both DMAs: parse the special tag, and give
 * the outer tag to the CPU in the descriptor
 */
#define FE_CDMP_IG		0x400
#define FE_CDMP_EG		0x404
#define FE_CDMQ_IG		0x1400
#define FE_CDM_SPECIAL_TAG	BIT(0)
#define FE_CDM_UNTAG		BIT(0)

/* GDMs, 0x1000 apart: four nibbles say where to; vendor SDK */
#define GDM_FWD_CFG(n)		(0x500 + (n) * 0x1000)
#define GDM_FWD_UNICAST		GENMASK(15, 12)
#define GDM_FWD_BROADCAST	GENMASK(11, 8)
#define GDM_FWD_MULTICAST	GENMASK(7, 4)
#define GDM_FWD_OTHER		GENMASK(3, 0)
#define GDM_FWD_UCS		BIT(20)
#define GDM_FWD_TCS		BIT(21)
#define GDM_FWD_ICS		BIT(22)
#define GDM_FWD_SPECIAL_TAG	BIT(24)
#define GDM_MAC_LO(n)		(0x508 + (n) * 0x1000)
#define GDM_MAC_HI(n)		(0x50c + (n) * 0x1000)

/* MACs */
#define MAC_MCR(n)		(0x10100 + (n) * 0x100)
#define MAC_MCR_RX_EN		BIT(13)
#define MAC_MCR_TX_EN		BIT(14)
#define MAC_PHY_IAC		0x10004
#define MAC_PHY_IAC_BUSY	BIT(31)

/* Counters of a GDM, 0x40 apart, read-clear */
#define GDM_CNT_STRIDE		0x40
#define GDM_CNT_RX_BYTES	0x00
#define GDM_CNT_RX_PACKETS	0x08
#define GDM_CNT_RX_OVERFLOW	0x10
#define GDM_CNT_RX_SHORT	0x18
#define GDM_CNT_RX_CSUM		0x20
#define GDM_CNT_TX_SKIP		0x28
#define GDM_CNT_TX_BYTES	0x30
#define GDM_CNT_TX_PACKETS	0x38

/* PDMA, ring 0: relative to its base */
#define PDMA_RX_BASE		0x100
#define PDMA_RX_COUNT		0x104
#define PDMA_RX_CPU_IDX		0x108
#define PDMA_GLO_CFG		0x204
#define PDMA_RST_IDX		0x208
#define PDMA_RST_RX0		BIT(16)
#define PDMA_INT_STATUS		0x220
#define PDMA_INT_MASK		0x228
#define PDMA_INT_RX_DONE	BIT(30)

/* QDMA, transmit: relative to its base */
#define QDMA_GLO_CFG		0x204
#define QDMA_INT_STATUS		0x218
#define QDMA_INT_MASK		0x21c
#define QDMA_INT_TX_DONE	BIT(28)
#define QDMA_TX_CPU		0x300
#define QDMA_TX_DMA		0x304
#define QDMA_TX_RELEASED	0x310
#define QDMA_TX_COMPLETED	0x314

/* Of both GLO_CFG */
#define DMA_TX_EN		BIT(0)
#define DMA_TX_BUSY		BIT(1)
#define DMA_RX_EN		BIT(2)
#define DMA_RX_BUSY		BIT(3)
#define DMA_RX_2B_OFFSET	BIT(31)

/* PPE: relative to its base, 0x400 apart */
#define PPE_STRIDE		0x400
#define PPE_GLO_CFG		0x200
#define PPE_GLO_EN		BIT(0)
#define PPE_GLO_IP4_L4_CS_DROP	BIT(2)
#define PPE_GLO_IP4_CS_DROP	BIT(3)
#define PPE_GLO_TTL0_DROP	BIT(4)
#define PPE_GLO_BUSY		BIT(31)
#define PPE_FLOW_CFG		0x204
#define PPE_FLOW_IP6_3T		BIT(8)
#define PPE_FLOW_IP6_5T		BIT(9)
#define PPE_FLOW_IP4_NAT	BIT(12)
#define PPE_FLOW_IP4_NAPT	BIT(13)
#define PPE_FLOW_IP4_NAT_FRAG	BIT(17)
#define PPE_TB_CFG		0x21c
#define PPE_TB_ENTRY_NUM	GENMASK(2, 0)
#define PPE_TB_SEARCH_MISS	GENMASK(5, 4)
#define PPE_TB_MISS_CPU		2
#define PPE_TB_MISS_BUILD	3
#define PPE_TB_AGE_NON_L4	BIT(7)
#define PPE_TB_AGE_UNBIND	BIT(8)
#define PPE_TB_AGE_TCP		BIT(9)
#define PPE_TB_AGE_UDP		BIT(10)
#define PPE_TB_AGE_FIN		BIT(11)
#define PPE_TB_KEEPALIVE	GENMASK(13, 12)
#define PPE_TB_HASH_MODE	GENMASK(15, 14)
#define PPE_TB_SCAN_MODE	GENMASK(17, 16)
#define PPE_TB_SCAN_KEEPALIVE	2
#define PPE_TB_BASE		0x220
#define PPE_TB_USED		0x224
#define PPE_BIND_RATE		0x228
#define PPE_BIND_RATE_BIND	GENMASK(15, 0)
#define PPE_BIND_LIMIT1		0x230
#define PPE_KEEPALIVE_OTHER	GENMASK(23, 16)
#define PPE_KEEPALIVE		0x234
#define PPE_KEEPALIVE_MS	GENMASK(15, 0)
#define PPE_KEEPALIVE_TCP	GENMASK(23, 16)
#define PPE_KEEPALIVE_UDP	GENMASK(31, 24)
#define PPE_UNBIND_AGE		0x238
#define PPE_UNBIND_AGE_PACKETS	GENMASK(31, 16)
#define PPE_UNBIND_AGE_DELTA	GENMASK(7, 0)
#define PPE_BIND_AGE0		0x23c
#define PPE_BIND_AGE0_NON_L4	GENMASK(30, 16)
#define PPE_BIND_AGE0_UDP	GENMASK(14, 0)
#define PPE_BIND_AGE1		0x240
#define PPE_BIND_AGE1_FIN	GENMASK(30, 16)
#define PPE_BIND_AGE1_TCP	GENMASK(14, 0)
#define PPE_HASH_SEED		0x244
#define PPE_VLAN_MTU(n)		(0x30c + ((n) & 2) * 2)
#define PPE_CACHE_CTL		0x320
#define PPE_CACHE_EN		BIT(0)
#define PPE_CACHE_CLEAR		BIT(9)
#define PPE_MIB_CFG		0x334
#define PPE_MIB_EN		BIT(0)
#define PPE_MIB_READ_CLEAR	BIT(1)
#define PPE_MIB_SER_CR		0x33c
#define PPE_MIB_SER_ST		BIT(16)
#define PPE_MIB_SER_ADDR	GENMASK(13, 0)
#define PPE_MIB_SER_R(n)	(0x340 + (n) * 4)

/* What of a flow goes to the CPU now and then, in PPE_TB_KEEPALIVE */
enum ppe_keepalive {
	PPE_KEEPALIVE_OFF,
	PPE_KEEPALIVE_TO_CPU,		/* a frame, which is not forwarded */
	PPE_KEEPALIVE_NEW_HEADER,	/* a copy of what is forwarded */
	PPE_KEEPALIVE_OLD_HEADER,	/* a copy of what has come */
};

/* Ports of the packet switch between all of these; vendor SDK has the same */
#define PSE_PDMA		0
#define PSE_GDM1		1
#define PSE_GDM2		2
#define PSE_DROP		7

/* Why a frame goes to the CPU: mtk_ppe.h of Linux 6.12 */
enum ppe_cpu_reason {
	PPE_CPU_TTL_0			= 0x02,
	PPE_CPU_OPTIONS			= 0x03,
	PPE_CPU_NO_FLOW			= 0x07,
	PPE_CPU_IP4_NAT_FRAG		= 0x08,
	PPE_CPU_IP4_NAPT_FRAG		= 0x09,
	PPE_CPU_IP4_NO_PORTS		= 0x0a,
	PPE_CPU_IP6_NO_PORTS		= 0x0b,
	PPE_CPU_TCP_FIN_SYN_RST		= 0x0c,
	PPE_CPU_MISS			= 0x0d,
	PPE_CPU_HIT_UNBIND		= 0x0e,
	PPE_CPU_HIT_UNBIND_RATE		= 0x0f,
	PPE_CPU_HIT_FIN			= 0x10,
	PPE_CPU_HIT_TTL_1		= 0x11,
	PPE_CPU_KEEPALIVE_OLD		= 0x13,
	PPE_CPU_KEEPALIVE_NEW_COPY	= 0x14,
	PPE_CPU_KEEPALIVE_OLD_COPY	= 0x15,
	PPE_CPU_HIT_FORCED		= 0x16,
	PPE_CPU_OVER_MTU		= 0x1c,
	PPE_CPU_BYPASS			= 0x1e,
	PPE_CPU_REASONS			= 0x20,
};

#endif
