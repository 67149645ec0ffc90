/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Model of the MT7530 switch that is part of MT7621: what its parts share.
 *
 * Registers and fields as mt7530.c and mt7530.h of Linux 6.12 use them.  What
 * is not here is plain storage, as in the frame engine.
 */
#ifndef _SW_H
#define _SW_H

#include "mtk_fe.h"

#define SW_WINDOW		0x10000

/* Where frames go whose address is not in the table, by port */
#define SW_MFC			0x0010
#define SW_MFC_BROADCAST	GENMASK(31, 24)
#define SW_MFC_MULTICAST	GENMASK(23, 16)
#define SW_MFC_UNICAST		GENMASK(15, 8)

/* Commands to the tables of addresses and VLANs */
#define SW_ATC			0x0080
#define SW_ATC_BUSY		BIT(15)
#define SW_ATC_SEARCH_END	BIT(14)
#define SW_VTCR			0x0090
#define SW_VTCR_BUSY		BIT(31)

/* Ports */
#define SW_SSP(port)		(0x2000 + (port) * 0x100)
#define SW_SSP_BRIDGED		GENMASK(3, 2)
#define SW_STP_FORWARDING	3
#define SW_PCR(port)		(0x2004 + (port) * 0x100)
#define SW_PCR_MATRIX		GENMASK(23, 16)
#define SW_PCR_MODE		GENMASK(1, 0)
#define SW_MODE_MATRIX		0
#define SW_MODE_FALLBACK	1
#define SW_PVC(port)		(0x2010 + (port) * 0x100)
#define SW_PVC_SPECIAL_TAG	BIT(5)
#define SW_PMCR(port)		(0x3000 + (port) * 0x100)
#define SW_PMCR_TX_EN		BIT(14)
#define SW_PMCR_RX_EN		BIT(13)
#define SW_PMCR_LINK		BIT(0)

/* Counters of a port; three in a row are unicast, multicast, broadcast */
#define SW_MIB(port)		(0x4000 + (port) * 0x100)
#define SW_MIB_TX		0x08
#define SW_MIB_TX_BYTES		0x48
#define SW_MIB_RX_FILTERED	0x64
#define SW_MIB_RX		0x68
#define SW_MIB_RX_BYTES		0xa8
#define SW_MIB_CCR		0x4fe0
#define SW_MIB_ENABLE		BIT(31)

#define SW_SYS_CTRL		0x7000
#define SW_SYS_REG_RESET	BIT(0)
#define SW_HWTRAP		0x7800
#define SW_MTRAP		0x7804
#define SW_TRAP_XTAL_25MHZ	(BIT(10) | BIT(9))
#define SW_CREV			0x7ffc
#define SW_CREV_MT7530		(0x7530 << 16)

#define SW_CPU			6
#define SW_WIRES		5

/* What tells the switch the port, and the CPU: tag_mtk.c of Linux 6.12 */
#define STAG_LEN		4
#define STAG_TX_UNTAGGED	0
#define STAG_TX_8021Q		1
#define STAG_TX_8021AD		2
#define STAG_TX_PORTS		GENMASK(5, 0)

/**
 * struct sw_port - port of the switch that has a wire
 * @sw:		the switch
 * @wire:	the wire
 * @id:		number
 */
struct sw_port {
	struct sw *sw;
	struct wire wire;
	int id;
};

/**
 * struct sw - the switch
 * @gdm:	to which its port SW_CPU leads
 * @regs:	by offset / 4; written under fe->lock
 * @addr:	on the MDIO bus
 * @page:	of registers, on the MDIO bus; as the next three, under fe->lock
 * @low:	half of what is going to be written
 * @low_at:	where
 * @high:	half of what has been read
 * @port:	those with wires
 * @filtered:	frames that no port may have
 * @unknown:	frames that a port has got in a mode that is not modelled
 * @bad_tag:	frames from the CPU with a special tag that means nothing
 */
struct sw {
	struct gdm *gdm;
	u32 *regs;
	u32 addr;
	u16 page;
	u16 low;
	u32 low_at;
	u16 high;
	struct sw_port port[SW_WIRES];
	u64 filtered;
	u64 unknown;
	u64 bad_tag;
};

static inline u32 sw_read(const struct sw *sw, u32 offset)
{
	return READ_ONCE(sw->regs[offset / 4]);
}

/* sw_mdio.c */
void sw_reset(struct sw *sw);

#endif
