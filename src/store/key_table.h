/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in an array of many thousand items the one with a key stands: a hash table of numbers beside the
 * array.  The array's items begin with their key.  When a key was added twice its later item is found.
 */
#ifndef MENEDEK_KEY_TABLE_H
#define MENEDEK_KEY_TABLE_H

#include "base/arena.h"
#include "store/key.h"

/** Empty when zero; its memory is the arena's. */
struct key_table {
	uint32_t *slots; /* number of an item, from 1; 0 = free */
	size_t slot_count;
};

/** The item with ${key} among those of ${size} at ${items} that were added, or NULL. */
void *key_table_find(const struct key_table *t, void *items, size_t size, const struct key *key);

/** Add item number ${count}, the last of ${count}; those before it were added.  False past the arena's cap.
 */
MUST_USE bool key_table_add(
    struct key_table *t, struct arena *arena, const void *items, size_t size, unsigned count);

#endif
