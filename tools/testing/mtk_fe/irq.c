// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt lines of the frame engine: level, as its status and mask registers
 * say.  It stands in for the interrupt controller of the devicetree.
 */
#include <linux/bottom_half.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/of_irq.h>

#include "mtk_fe.h"

#define FE_IRQ_CELLS	3
#define FE_IRQ_LINES	4

static void fe_irq_enable(struct irq_data *data, bool enable)
{
	struct fe *fe = irq_data_get_irq_chip_data(data);
	unsigned long flags;

	spin_lock_irqsave(&fe->lock, flags);
	__assign_bit(data->hwirq, &fe->lines, enable);
	spin_unlock_irqrestore(&fe->lock, flags);
}

static void fe_irq_mask(struct irq_data *data)
{
	fe_irq_enable(data, false);
}

static void fe_irq_unmask(struct irq_data *data)
{
	fe_irq_enable(data, true);
	fe_kick(irq_data_get_irq_chip_data(data));
}

/* A line that somebody else has, for a driver that cannot go on */
static int fe_irq_request(struct irq_data *data)
{
	struct fe *fe = irq_data_get_irq_chip_data(data);

	return READ_ONCE(fe->irq_busy) ? -EBUSY : 0;
}

static struct irq_chip fe_irq_chip = {
	.name		= "mtk_fe",
	.irq_mask	= fe_irq_mask,
	.irq_unmask	= fe_irq_unmask,
	.irq_request_resources = fe_irq_request,
};

static int fe_irq_map(struct irq_domain *domain, unsigned int irq,
		      irq_hw_number_t hwirq)
{
	irq_set_chip_and_handler(irq, &fe_irq_chip, handle_level_irq);
	irq_set_chip_data(irq, domain->host_data);
	irq_set_status_flags(irq, IRQ_LEVEL);
	return 0;
}

/* The cells of a GIC; what number a line has is as good as any other */
static int fe_irq_xlate(struct irq_domain *domain, struct device_node *node,
			const u32 *spec, unsigned int cells,
			irq_hw_number_t *hwirq, unsigned int *type)
{
	struct fe *fe = domain->host_data;
	struct of_phandle_args args;
	int i;

	if (cells != FE_IRQ_CELLS)
		return -EINVAL;
	for (i = 0; !of_irq_parse_one(fe->eth, i, &args); i++) {
		of_node_put(args.np);
		if (args.args[1] != spec[1])
			continue;
		*hwirq = i;
		*type = spec[2];
		return 0;
	}
	return -EINVAL;
}

static const struct irq_domain_ops fe_irq_ops = {
	.map = fe_irq_map,
	.xlate = fe_irq_xlate,
};

static bool fe_line_is_up(struct fe *fe, int line)
{
	u32 tx, rx;

	tx = fe_read(fe, fe->soc->qdma + QDMA_INT_STATUS) &
	     fe_read(fe, fe->soc->qdma + QDMA_INT_MASK);
	rx = fe_read(fe, fe->soc->pdma + PDMA_INT_STATUS) &
	     fe_read(fe, fe->soc->pdma + PDMA_INT_MASK);
	return (line == fe->soc->tx_line && tx) ||
	       (line == fe->soc->rx_line && rx);
}

static void fe_line_raise(struct fe *fe, int line)
{
	unsigned long flags;
	bool up;

	spin_lock_irqsave(&fe->lock, flags);
	up = test_bit(line, &fe->lines) && fe_line_is_up(fe, line);
	spin_unlock_irqrestore(&fe->lock, flags);
	if (!up)
		return;

	/* Outside of an interrupt softirqs run as soon as they may. */
	local_bh_disable();
	generic_handle_irq_safe(irq_find_mapping(fe->domain, line));
	local_bh_enable();
}

void fe_irq_raise(struct fe *fe)
{
	fe_line_raise(fe, fe->soc->tx_line);
	if (fe->soc->rx_line != fe->soc->tx_line)
		fe_line_raise(fe, fe->soc->rx_line);
}

int fe_irq_init(struct fe *fe)
{
	struct device_node *parent;

	parent = of_irq_find_parent(fe->eth);
	if (!parent)
		return -ENODEV;
	fe->domain = irq_domain_create_linear(of_fwnode_handle(parent),
					      FE_IRQ_LINES, &fe_irq_ops,
					      fe);
	of_node_put(parent);
	return fe->domain ? 0 : -ENOMEM;
}
