// SPDX-License-Identifier: GPL-2.0
/* Mistakes on purpose, for scripts/test/guest.sh: insmod planted.ko what=leak */

#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>

static char *what = "";
module_param(what, charp, 0);

static DEFINE_SPINLOCK(planted_a);
static DEFINE_SPINLOCK(planted_b);

/* Several, for a register or a stack may still know the last one. */
static noinline void planted_leak(void)
{
	int i;

	for (i = 0; i < 8; i++) {
		char *p = kzalloc(200, GFP_KERNEL);

		if (p)
			WRITE_ONCE(*p, i);
	}
}

static noinline void planted_use_after_free(void)
{
	char *p = kzalloc(64, GFP_KERNEL);

	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	READ_ONCE(*p);
}

static noinline void planted_inversion(void)
{
	spin_lock(&planted_a);
	spin_lock(&planted_b);
	spin_unlock(&planted_b);
	spin_unlock(&planted_a);

	spin_lock(&planted_b);
	spin_lock(&planted_a);
	spin_unlock(&planted_a);
	spin_unlock(&planted_b);
}

static void planted_expired(struct timer_list *timer)
{
}

static noinline void planted_timer(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, planted_expired, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
}

static int __init planted_init(void)
{
	if (!strcmp(what, "leak"))
		planted_leak();
	else if (!strcmp(what, "use-after-free"))
		planted_use_after_free();
	else if (!strcmp(what, "inversion"))
		planted_inversion();
	else if (!strcmp(what, "timer"))
		planted_timer();
	else
		return -EINVAL;
	return 0;
}
module_init(planted_init);

MODULE_DESCRIPTION("Mistakes on purpose");
MODULE_LICENSE("GPL");
