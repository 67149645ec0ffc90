// SPDX-License-Identifier: GPL-2.0
/*
 * The flow table, which is the driver's memory.  The engine may have a cache
 * of it: then it does not see what the driver writes until that clears the
 * cache.  What the engine itself writes goes to both.
 */
#include <linux/bitfield.h>
#include <linux/bitmap.h>

#include "mtk_fe.h"

#define FOE_ENTRIES_MIN	1024

u32 foe_entries(const struct ppe *ppe)
{
	u32 cfg = ppe_read(ppe, PPE_TB_CFG);

	return min_t(u32, FOE_ENTRIES_MIN << FIELD_GET(PPE_TB_ENTRY_NUM, cfg),
		     FOE_ENTRIES_MAX);
}

static void *foe_memory(struct ppe *ppe, u32 index)
{
	u32 size = ppe->layout->size;

	return fe_dma(ppe->fe, ppe_read(ppe, PPE_TB_BASE) + index * size, size);
}

static bool foe_is_cached(struct ppe *ppe)
{
	if (xchg(&ppe->flush, false))
		bitmap_zero(ppe->cached, FOE_ENTRIES_MAX);
	return READ_ONCE(ppe->fe->cache) &&
	       ppe_read(ppe, PPE_CACHE_CTL) & PPE_CACHE_EN;
}

/**
 * foe_entry() - an entry as the engine sees it
 * @ppe:	the engine
 * @index:	of the entry
 *
 * Return: NULL if the table is no memory
 */
void *foe_entry(struct ppe *ppe, u32 index)
{
	u32 size = ppe->layout->size;
	void *mem, *line;

	mem = foe_memory(ppe, index);
	if (!mem || !foe_is_cached(ppe))
		return mem;
	line = ppe->cache + index * size;
	if (!test_and_set_bit(index, ppe->cached)) {
		memcpy(line, mem, size);
		ppe->stats.miss_line++;
	}
	return line;
}

/**
 * foe_peek() - as foe_entry(), but what is not in the cache stays out of it
 * @ppe:	the engine
 * @index:	of the entry
 *
 * Return: NULL if the table is no memory
 */
void *foe_peek(struct ppe *ppe, u32 index)
{
	if (foe_is_cached(ppe) && test_bit(index, ppe->cached))
		return ppe->cache + index * ppe->layout->size;
	return foe_memory(ppe, index);
}

/**
 * foe_set_ib1() - change the first word of an entry
 * @ppe:	the engine
 * @index:	of the entry
 * @old:	as the engine has seen it
 * @new:	as it shall be
 *
 * The driver writes the same word without asking, and what it writes must not
 * get lost.
 *
 * Return: whether memory has the new value
 */
bool foe_set_ib1(struct ppe *ppe, u32 index, u32 old, u32 new)
{
	u32 *line = foe_peek(ppe, index);
	u32 *mem = foe_memory(ppe, index);

	if (!mem)
		return false;
	if (line != mem)
		*line = new;
	return cmpxchg(mem, old, new) == old;
}

static bool foe_match(struct ppe *ppe, const u32 *entry, u32 ib1,
		      const struct foe_key *key)
{
	const struct foe_layout *layout = ppe->layout;
	u32 mask = layout->type | FOE_IB1_UDP;

	if (FIELD_GET(FOE_IB1_STATE, ib1) == FOE_INVALID ||
	    (ib1 ^ foe_key_ib1(layout, key)) & mask)
		return false;
	return !memcmp(entry + FOE_KEY / 4, key->words,
		       key->num * sizeof(u32));
}

static u32 foe_bucket(struct ppe *ppe, const struct foe_key *key)
{
	u32 bucket = READ_ONCE(ppe->fe->force_bucket);
	u32 entries = foe_entries(ppe);

	if (bucket == ~0U)
		return foe_hash(ppe->layout, key, entries);
	return bucket * ppe->layout->ways & (entries - 1);
}

/**
 * foe_lookup() - find the entry of a flow
 * @ppe:	the engine
 * @key:	of the flow
 * @ib1:	first word of the entry
 *
 * Return: its index, or negative if there is none
 */
int foe_lookup(struct ppe *ppe, const struct foe_key *key, u32 *ib1)
{
	u32 index = foe_bucket(ppe, key);
	const u32 *entry;
	int way;

	for (way = 0; way < ppe->layout->ways; way++, index++) {
		entry = foe_entry(ppe, index);
		if (!entry)
			return -EFAULT;
		*ib1 = READ_ONCE(*entry);
		smp_rmb(); /* the driver writes ib1 last */
		if (foe_match(ppe, entry, *ib1, key))
			return index;
	}
	return -ENOENT;
}

static void foe_write_key(struct ppe *ppe, u32 index, const struct foe_key *key)
{
	u32 *line = foe_entry(ppe, index);
	u32 *mem = foe_memory(ppe, index);
	size_t len = key->num * sizeof(u32);

	memcpy(mem + FOE_KEY / 4, key->words, len);
	if (line != mem)
		memcpy(line + FOE_KEY / 4, key->words, len);
	smp_wmb(); /* the driver reads ib1 first */
}

/**
 * foe_build() - make an entry for a flow that has none
 * @ppe:	the engine
 * @key:	of the flow
 *
 * It takes the first way that is free and not static, and leaves all words
 * alone that are not part of the key.
 *
 * Return: its index, or -ENOSPC
 */
int foe_build(struct ppe *ppe, const struct foe_key *key)
{
	const struct foe_layout *layout = ppe->layout;
	u32 index = foe_bucket(ppe, key);
	u32 now = fe_read(ppe->fe, FE_FOE_TS);
	const u32 *entry;
	u32 ib1;
	int way;

	for (way = 0; way < layout->ways; way++, index++) {
		entry = foe_entry(ppe, index);
		if (!entry)
			return -EFAULT;
		ib1 = READ_ONCE(*entry);
		if (ib1 & FOE_IB1_STATIC ||
		    FIELD_GET(FOE_IB1_STATE, ib1) != FOE_INVALID)
			continue;
		foe_write_key(ppe, index, key);
		foe_set_ib1(ppe, index, ib1, foe_key_ib1(layout, key) |
			    FIELD_PREP(FOE_IB1_STATE, FOE_UNBIND) |
			    foe_put(now, layout->ts_unbind) |
			    foe_put(1, layout->count));
		return index;
	}
	return -ENOSPC;
}
