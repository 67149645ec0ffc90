// SPDX-License-Identifier: GPL-2.0
/*
 * The MDIO bus of the frame engine.  The switch is there and nothing else:
 * its PHYs are not modelled, and nobody answers at their addresses.
 */
#include <linux/bitfield.h>

#include "sw.h"

/* Of MAC_PHY_IAC: mtk_eth_soc.h of Linux 6.12 */
#define IAC_REG			GENMASK(29, 25)
#define IAC_ADDR		GENMASK(24, 20)
#define IAC_CMD			GENMASK(19, 18)
#define IAC_CMD_WRITE		1
#define IAC_CMD_READ		2
#define IAC_START		GENMASK(17, 16)
#define IAC_START_C22		1
#define IAC_DATA		GENMASK(15, 0)

/* How the switch is read and written: mt7530-mdio.c of Linux 6.12 */
#define SW_MDIO_LOW_REGS	0x10
#define SW_MDIO_HIGH		0x10
#define SW_MDIO_PAGE		0x1f

static u32 sw_offset(const struct sw *sw, u32 reg)
{
	return (sw->page << 6 | reg << 2) & (SW_WINDOW - 1);
}

/**
 * sw_reset() - registers as they are when the power comes
 * @sw:		the switch
 */
void sw_reset(struct sw *sw)
{
	memset(sw->regs, 0, SW_WINDOW);
	/* With 25 MHz the driver leaves the PLL alone, which is in a PHY. */
	sw->regs[SW_HWTRAP / 4] = SW_TRAP_XTAL_25MHZ;
	sw->regs[SW_MTRAP / 4] = SW_TRAP_XTAL_25MHZ;
	sw->regs[SW_CREV / 4] = SW_CREV_MT7530;
}

static void sw_write(struct sw *sw, u32 offset, u32 val)
{
	switch (offset) {
	case SW_HWTRAP:
	case SW_CREV:
		return;
	case SW_SYS_CTRL:
		if (val & SW_SYS_REG_RESET)
			sw_reset(sw);
		return;
	case SW_ATC:
		val = (val & ~SW_ATC_BUSY) | SW_ATC_SEARCH_END;
		break;
	case SW_VTCR:
		val &= ~SW_VTCR_BUSY;
		break;
	}
	WRITE_ONCE(sw->regs[offset / 4], val);
	/* Links come and go */
	fe_kick(sw->gdm->fe);
}

static void sw_mdio_write(struct sw *sw, u32 reg, u16 data)
{
	if (reg == SW_MDIO_PAGE)
		sw->page = data;
	if (reg == SW_MDIO_HIGH)
		sw_write(sw, sw->low_at, data << 16 | sw->low);
	if (reg >= SW_MDIO_LOW_REGS)
		return;
	sw->low = data;
	sw->low_at = sw_offset(sw, reg);
}

static u16 sw_mdio_read(struct sw *sw, u32 reg)
{
	u32 val;

	if (reg == SW_MDIO_PAGE)
		return sw->page;
	if (reg == SW_MDIO_HIGH)
		return sw->high;
	if (reg >= SW_MDIO_LOW_REGS)
		return 0;
	val = sw_read(sw, sw_offset(sw, reg));
	sw->high = val >> 16;
	return val;
}

static struct sw *sw_at(struct fe *fe, u32 addr)
{
	int i;

	for (i = 0; i < FE_MAX_GDM; i++)
		if (fe->gdm[i].sw && fe->gdm[i].sw->addr == addr)
			return fe->gdm[i].sw;
	return NULL;
}

/**
 * mdio_access() - the driver has written MAC_PHY_IAC
 * @fe:		the engine
 * @cmd:	what it has written
 *
 * Return: what it reads there, which is when all is done
 */
u32 mdio_access(struct fe *fe, u32 cmd)
{
	struct sw *sw = sw_at(fe, FIELD_GET(IAC_ADDR, cmd));
	u32 reg = FIELD_GET(IAC_REG, cmd);
	u32 data = IAC_DATA;

	lockdep_assert_held(&fe->lock);
	if (FIELD_GET(IAC_START, cmd) != IAC_START_C22)
		sw = NULL;
	switch (FIELD_GET(IAC_CMD, cmd)) {
	case IAC_CMD_WRITE:
		data = FIELD_GET(IAC_DATA, cmd);
		if (sw)
			sw_mdio_write(sw, reg, data);
		break;
	case IAC_CMD_READ:
		if (sw)
			data = sw_mdio_read(sw, reg);
		break;
	}
	return (cmd & ~(MAC_PHY_IAC_BUSY | IAC_DATA)) | data;
}
