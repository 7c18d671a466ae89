/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, at most half full. */
#include "store/key_table.h"

#define SLOTS_FIRST 64u

static const struct key *
key_at(const void *items, size_t size, uint32_t number)
{
	return (const struct key *)((const char *)items + size * (number - 1));
}

/* The slot of ${key}, or the free one where it belongs. */
static uint32_t *
slot_of(const struct key_table *t, const void *items, size_t size, const struct key *key)
{
	size_t i = key_hash(key) & (t->slot_count - 1);

	while (t->slots[i] != 0 && key_compare(key_at(items, size, t->slots[i]), key) != 0)
		i = (i + 1) & (t->slot_count - 1);
	return &t->slots[i];
}

void *
key_table_find(const struct key_table *t, void *items, size_t size, const struct key *key)
{
	uint32_t number;

	if (t->slot_count == 0)
		return NULL;
	number = *slot_of(t, items, size, key);
	return number == 0 ? NULL : (char *)items + size * (number - 1);
}

bool
key_table_add(struct key_table *t, struct arena *arena, const void *items, size_t size, unsigned count)
{
	unsigned first = count;

	if (2 * (size_t)count > t->slot_count) {
		const size_t wanted = t->slot_count == 0 ? SLOTS_FIRST : 4 * t->slot_count;
		uint32_t *slots = arena_calloc(arena, wanted, sizeof(*slots));

		if (slots == NULL)
			return false;
		*t = (struct key_table){ slots, wanted };
		first = 1;
	}
	for (uint32_t number = first; number <= count; number++)
		*slot_of(t, items, size, key_at(items, size, number)) = number;
	return true;
}
