// SPDX-License-Identifier: GPL-2.0
/* Registers of the frame engine and of the syscon that resets it */
#include <linux/logic_iomem.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/slab.h>

#include "mtk_fe.h"

/* logic_iomem does not say which region it maps, so there is one engine. */
static struct fe *fe_mapped;

/**
 * struct fe_storage - a region that is nothing but storage
 * @res:	where
 * @regs:	by offset / 4
 */
struct fe_storage {
	struct resource res;
	u32 *regs;
};

static struct resource fe_res;
static struct fe_storage fe_ethsys;

/**
 * fe_dma_begin() - the engine is going to touch a ring of the driver
 * @fe:		the engine
 * @glo_cfg:	offset of the register that enables it
 * @enable:	the bit there; the one above it tells the driver to wait
 *
 * Return: whether it may
 */
bool fe_dma_begin(struct fe *fe, u32 glo_cfg, u32 enable)
{
	unsigned long flags;
	bool enabled;

	spin_lock_irqsave(&fe->lock, flags);
	enabled = fe_read(fe, glo_cfg) & enable;
	if (enabled)
		fe->dma_busy |= enable << 1;
	spin_unlock_irqrestore(&fe->lock, flags);
	return enabled;
}

void fe_dma_end(struct fe *fe, u32 enable)
{
	unsigned long flags;

	spin_lock_irqsave(&fe->lock, flags);
	fe->dma_busy &= ~(enable << 1);
	spin_unlock_irqrestore(&fe->lock, flags);
}

/**
 * fe_dma() - memory at a DMA address, which here is a physical one
 * @fe:		the engine
 * @addr:	the address
 * @len:	bytes of it
 *
 * Return: NULL if there is no memory
 */
void *fe_dma(struct fe *fe, u32 addr, size_t len)
{
	if (addr && pfn_valid(PHYS_PFN(addr)) &&
	    pfn_valid(PHYS_PFN(addr + len - 1)))
		return phys_to_virt(addr);
	fe->dma_fault++;
	return NULL;
}

void fe_set_bits(struct fe *fe, u32 offset, u32 bits)
{
	unsigned long flags;

	spin_lock_irqsave(&fe->lock, flags);
	WRITE_ONCE(fe->regs[offset / 4], fe_read(fe, offset) | bits);
	spin_unlock_irqrestore(&fe->lock, flags);
}

static bool is_gdm_counter(const struct fe *fe, u32 offset)
{
	return offset >= fe->soc->gdm_cnt &&
	       offset < fe->soc->gdm_cnt + FE_MAX_GDM * GDM_CNT_STRIDE;
}

/* Which PPE a register is of; then *@offset is relative to that */
static struct ppe *ppe_of_offset(struct fe *fe, u32 *offset)
{
	u32 i = (*offset - fe->soc->ppe) / PPE_STRIDE;

	if (*offset < fe->soc->ppe || i >= fe->soc->num_ppe)
		return NULL;
	*offset -= fe->ppe[i].base;
	return &fe->ppe[i];
}

static u32 fe_reg_read(struct fe *fe, u32 offset)
{
	u32 val = fe_read(fe, offset);
	u32 off = offset;
	struct ppe *ppe;

	if (is_gdm_counter(fe, offset))
		WRITE_ONCE(fe->regs[offset / 4], 0);
	else if (offset == FE_FOE_TS)
		fe->ts_reads++;
	else if (offset == fe->soc->pdma + PDMA_GLO_CFG)
		val |= fe->dma_busy & DMA_RX_BUSY;
	else if (offset == fe->soc->qdma + QDMA_GLO_CFG)
		val |= fe->dma_busy & DMA_TX_BUSY;
	ppe = ppe_of_offset(fe, &off);
	if (ppe && off == PPE_GLO_CFG && fe->ppe_busy & BIT(ppe - fe->ppe))
		val |= PPE_GLO_BUSY;
	return val;
}

static u32 ppe_reg_write(struct ppe *ppe, u32 offset, u32 val)
{
	switch (offset) {
	case PPE_GLO_CFG:
		return val & ~PPE_GLO_BUSY;
	case PPE_CACHE_CTL:
		if (val & PPE_CACHE_CLEAR)
			WRITE_ONCE(ppe->flush, true);
		break;
	case PPE_MIB_SER_CR:
		if (!(val & PPE_MIB_SER_ST) || !ppe->fe->soc->has_mib)
			break;
		WRITE_ONCE(ppe->fe->regs[(ppe->base + offset) / 4], val);
		ppe_mib_read(ppe);
		return val & ~PPE_MIB_SER_ST;
	}
	return val;
}

/* Status registers lose the bits that are written, others take the value */
static u32 fe_reg_write(struct fe *fe, u32 offset, u32 val)
{
	u32 pdma = fe->soc->pdma, qdma = fe->soc->qdma, off = offset;
	struct ppe *ppe = ppe_of_offset(fe, &off);

	if (ppe)
		return ppe_reg_write(ppe, off, val);
	if (offset == FE_INT_STATUS || offset == pdma + PDMA_INT_STATUS ||
	    offset == qdma + QDMA_INT_STATUS)
		return fe_read(fe, offset) & ~val;
	if (offset == pdma + PDMA_GLO_CFG || offset == qdma + QDMA_GLO_CFG)
		return val & ~(DMA_TX_BUSY | DMA_RX_BUSY);
	if (offset == pdma + PDMA_RST_IDX && val & PDMA_RST_RX0)
		fe->rx_reset = true;
	if (offset == MAC_PHY_IAC)
		return mdio_access(fe, val);
	return val;
}

/* Whether the engine has something to do after a write to this register */
static bool fe_reg_kicks(const struct fe *fe, u32 offset)
{
	u32 pdma = fe->soc->pdma, qdma = fe->soc->qdma;

	return offset == qdma + QDMA_TX_CPU || offset == qdma + QDMA_INT_MASK ||
	       offset == qdma + QDMA_GLO_CFG || offset == pdma + PDMA_GLO_CFG ||
	       offset == pdma + PDMA_INT_MASK || offset == MAC_MCR(0) ||
	       offset == MAC_MCR(1);
}

/* As the driver reads it: that may do something */
u32 fe_mmio_get(struct fe *fe, u32 offset)
{
	unsigned long flags;
	u32 val;

	spin_lock_irqsave(&fe->lock, flags);
	val = fe_reg_read(fe, offset);
	spin_unlock_irqrestore(&fe->lock, flags);
	return val;
}

void fe_mmio_set(struct fe *fe, u32 offset, u32 val)
{
	unsigned long flags;

	spin_lock_irqsave(&fe->lock, flags);
	WRITE_ONCE(fe->regs[offset / 4], fe_reg_write(fe, offset, val));
	spin_unlock_irqrestore(&fe->lock, flags);
	if (fe_reg_kicks(fe, offset))
		fe_kick(fe);
}

static unsigned long fe_mmio_read(void *priv, unsigned int offset, int size)
{
	if (WARN_ON_ONCE(size != 4 || offset & 3 || offset >= FE_WINDOW))
		return ~0;
	return fe_mmio_get(priv, offset);
}

static void fe_mmio_write(void *priv, unsigned int offset, int size,
			  unsigned long val)
{
	if (WARN_ON_ONCE(size != 4 || offset & 3 || offset >= FE_WINDOW))
		return;
	fe_mmio_set(priv, offset, val);
}

static const struct logic_iomem_ops fe_mmio_ops = {
	.read = fe_mmio_read,
	.write = fe_mmio_write,
};

static long fe_mmio_map(unsigned long offset, size_t size,
			const struct logic_iomem_ops **ops, void **priv)
{
	*ops = &fe_mmio_ops;
	*priv = fe_mapped;
	return offset;
}

static const struct logic_iomem_region_ops fe_region_ops = {
	.map = fe_mmio_map,
};

static unsigned long storage_read(void *priv, unsigned int offset, int size)
{
	const struct fe_storage *storage = priv;

	if (WARN_ON_ONCE(size != 4))
		return ~0;
	return READ_ONCE(storage->regs[offset / 4]);
}

static void storage_write(void *priv, unsigned int offset, int size,
			  unsigned long val)
{
	struct fe_storage *storage = priv;

	if (!WARN_ON_ONCE(size != 4))
		WRITE_ONCE(storage->regs[offset / 4], val);
}

static const struct logic_iomem_ops storage_ops = {
	.read = storage_read,
	.write = storage_write,
};

static long storage_map(unsigned long offset, size_t size,
			const struct logic_iomem_ops **ops, void **priv)
{
	*ops = &storage_ops;
	*priv = &fe_ethsys;
	return offset;
}

static const struct logic_iomem_region_ops storage_region_ops = {
	.map = storage_map,
};

static int fe_ethsys_init(struct fe *fe)
{
	struct device_node *np;
	int err;

	np = of_parse_phandle(fe->eth, "mediatek,ethsys", 0);
	if (!np)
		return -ENODEV;
	err = of_address_to_resource(np, 0, &fe_ethsys.res);
	of_node_put(np);
	if (err)
		return err;
	fe_ethsys.regs = kvzalloc(resource_size(&fe_ethsys.res), GFP_KERNEL);
	if (!fe_ethsys.regs)
		return -ENOMEM;
	err = logic_iomem_add_region(&fe_ethsys.res, &storage_region_ops);
	if (err)
		kvfree(fe_ethsys.regs);
	return err;
}

/* There is no way back from here: logic_iomem keeps its regions. */
int fe_mmio_init(struct fe *fe)
{
	int err;

	err = of_address_to_resource(fe->eth, 0, &fe_res);
	if (err)
		return err;
	if (resource_size(&fe_res) > FE_WINDOW)
		return -EINVAL;
	fe_mapped = fe;
	err = logic_iomem_add_region(&fe_res, &fe_region_ops);
	if (err)
		return err;
	WARN_ON(fe_ethsys_init(fe));
	return 0;
}
