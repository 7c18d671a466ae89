/* SPDX-License-Identifier: Apache-2.0 */
/* The cap, the marks, and that nothing of a request can be found afterwards. */
#include <criterion/criterion.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

static bool
is_zero(const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != 0)
			return false;
	return true;
}

Test(arena, memory_is_zeroed_and_aligned)
{
	struct arena *arena = arena_new(1 << 20);

	for (size_t size = 0; size < 300; size++) {
		unsigned char *p = arena_alloc(arena, size);

		cr_assert_not_null(p);
		cr_assert_eq((uintptr_t)p % alignof(max_align_t), 0u);
		cr_assert(is_zero(p, size));
		memset(p, 0xff, size);
	}
	arena_free(arena);
}

Test(arena, the_cap_holds_to_the_byte)
{
	struct arena *arena = arena_new(1024);

	cr_assert_not_null(arena_alloc(arena, 1000));
	cr_assert_null(arena_alloc(arena, 64));
	cr_assert_not_null(arena_alloc(arena, 16));
	cr_assert_null(arena_alloc(arena, 1));
	cr_assert_null(arena_alloc(arena, 0));
	cr_assert_leq(arena_used(arena), 1024u);
	arena_free(arena);
}

Test(arena, sizes_that_wrap_are_refused)
{
	struct arena *arena = arena_new(SIZE_MAX);

	cr_assert_null(arena_alloc(arena, SIZE_MAX));
	cr_assert_null(arena_alloc(arena, SIZE_MAX - 20));
	cr_assert_null(arena_calloc(arena, SIZE_MAX / 2 + 1, 2));
	cr_assert_null(arena_strndup(arena, "", SIZE_MAX));
	cr_assert_eq(arena_used(arena), 0u);
	cr_assert_not_null(arena_calloc(arena, 3, 5));
	arena_free(arena);
}

Test(arena, large_pieces_find_room_beside_small_ones)
{
	struct arena *arena = arena_new(1 << 20);
	unsigned char *small = arena_alloc(arena, 10);
	unsigned char *large = arena_alloc(arena, 300000);

	cr_assert_not_null(large);
	memset(large, 0xaa, 300000);
	cr_assert(is_zero(small, 10));
	cr_assert_not_null(arena_alloc(arena, 10));
	arena_free(arena);
}

Test(arena, rewinding_gives_the_same_memory_back_wiped)
{
	struct arena *arena = arena_new(1 << 20);
	char *kept = arena_strndup(arena, "kept", 4);
	size_t mark = arena_mark(arena);
	unsigned char *gone = arena_alloc(arena, 100);

	memset(gone, 0xee, 100);
	arena_rewind(arena, mark);
	cr_assert(is_zero(gone, 100)); /* the chunk is still the arena's */
	cr_assert_eq(arena_used(arena), mark);
	cr_assert_eq(arena_alloc(arena, 100), gone);
	cr_assert_str_eq(kept, "kept");
	arena_free(arena);
}

Test(arena, rewinding_crosses_chunks)
{
	struct arena *arena = arena_new(1 << 20);
	size_t marks[60];
	char *kept[60];

	for (size_t i = 0; i < 60; i++) {
		marks[i] = arena_mark(arena);
		kept[i] = arena_strndup(arena, "0123456789", 1 + i % 10);
		memset(arena_alloc(arena, 1000 + 97 * i), 0xdd, 1000);
	}
	for (size_t i = 60; i-- > 0;) {
		arena_rewind(arena, marks[i]);
		cr_assert_eq(arena_used(arena), marks[i]);
		for (size_t j = 0; j < i; j++)
			cr_assert_eq(strlen(kept[j]), 1 + j % 10);
	}
	cr_assert_eq(arena_used(arena), 0u);
	cr_assert_not_null(arena_alloc(arena, 5000));
	arena_free(arena);
}

Test(arena, a_mark_ahead_of_the_fill_changes_nothing)
{
	struct arena *arena = arena_new(4096);

	arena_rewind(arena, 100);
	cr_assert_not_null(arena_alloc(arena, 16));
	arena_rewind(arena, 1000);
	cr_assert_eq(arena_used(arena), 16u);
	arena_free(arena);
	arena_free(NULL);
}

Test(arena, a_copied_string_is_ended)
{
	struct arena *arena = arena_new(4096);

	cr_assert_str_eq(arena_strndup(arena, "shelter", 4), "shel");
	cr_assert_str_eq(arena_strndup(arena, NULL, 0), "");
	arena_free(arena);
}
