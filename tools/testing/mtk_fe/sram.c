// SPDX-License-Identifier: GPL-2.0
/* On-chip memory: where the driver puts the rings of MT7986 */
#include <linux/genalloc.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/platform_device.h>

#include "mtk_fe.h"

#define SRAM_ALIGN_SHIFT	5

static int sram_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct gen_pool *pool;
	struct resource *res;
	unsigned long virt;

	res = platform_get_resource(pdev, IORESOURCE_MEM, 0);
	if (!res)
		return -EINVAL;
	pool = devm_gen_pool_create(dev, SRAM_ALIGN_SHIFT, NUMA_NO_NODE, NULL);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	/*
	 * The driver dereferences it, which a trapped access does not allow:
	 * memory of the guest, at its own address.
	 */
	virt = devm_get_free_pages(dev, GFP_KERNEL | __GFP_ZERO,
				   get_order(resource_size(res)));
	if (!virt)
		return -ENOMEM;
	return gen_pool_add_virt(pool, virt, virt_to_phys((void *)virt),
				 resource_size(res), NUMA_NO_NODE);
}

static const struct of_device_id sram_match[] = {
	{ .compatible = "mmio-sram" },
	{}
};

struct platform_driver fe_sram_driver = {
	.probe = sram_probe,
	.driver = {
		.name = "mtk_fe_sram",
		.of_match_table = sram_match,
		.suppress_bind_attrs = true,
	},
};
