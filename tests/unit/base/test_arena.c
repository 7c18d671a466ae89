/* SPDX-License-Identifier: Apache-2.0 */
/* The cap, the marks, and that nothing of a request can be found afterwards. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"

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

/* What a request left must not be found by the next one on this thread, which gets the same memory. */
Test(arena, a_chunk_is_used_again_and_is_zero)
{
	enum { SIZE = 3000 };

	for (unsigned round = 0; round < 40; round++) {
		struct arena *arena = arena_new(1 << 20);
		unsigned char *small = arena_alloc(arena, SIZE), *middle = arena_alloc(arena, 2 * SIZE),
			      *large = arena_alloc(arena, 4 * SIZE);

		cr_assert(is_zero(small, SIZE) && is_zero(middle, 2 * SIZE) && is_zero(large, 4 * SIZE));
		memset(small, 0xaa, SIZE);
		memset(middle, 0xbb, 2 * SIZE);
		memset(large, 0xcc, 4 * SIZE);
		arena_free(arena);
	}
}

/* More arenas at once than chunks are kept, each with what it wrote. */
Test(arena, many_arenas_at_once_share_nothing)
{
	struct arena *arena[40];
	unsigned char *p[COUNT_OF(arena)];

	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT_OF(arena); i++) {
			arena[i] = arena_new(1 << 20);
			p[i] = arena_alloc(arena[i], 2000);
			cr_assert(is_zero(p[i], 2000));
			memset(p[i], (int)i + 1, 2000);
		}
		for (size_t i = 0; i < COUNT_OF(arena); i++) {
			cr_assert(p[i][0] == i + 1 && p[i][1999] == i + 1);
			arena_free(arena[i]);
		}
	}
}

static void *
fill_and_free(void *arg)
{
	memset(arena_alloc(arg, 1000), 0xee, 1000);
	arena_free(arg);
	return NULL;
}

/* A request may end on another thread than it began on. */
Test(arena, is_freed_by_any_thread)
{
	for (unsigned i = 0; i < 20; i++) {
		struct arena *arena = arena_new(1 << 20);
		pthread_t thread;

		memset(arena_alloc(arena, 1000), 0xdd, 1000);
		cr_assert_eq(pthread_create(&thread, NULL, fill_and_free, arena), 0);
		cr_assert_eq(pthread_join(thread, NULL), 0);
	}
}

Test(arena, trimming_gives_the_tail_back)
{
	struct arena *arena = arena_new(1 << 20);
	char *text = arena_alloc(arena, 1024);
	size_t before = arena_used(arena);
	unsigned char *next;

	memset(text, 'x', 100);
	arena_trim(arena, 1024 - 100);
	cr_assert_leq(arena_used(arena), before - 900);
	next = arena_alloc(arena, 512);
	cr_assert((char *)next >= text + 100);
	cr_assert(is_zero(next, 512));
	cr_assert_eq(text[99], 'x');
	arena_trim(arena, SIZE_MAX); /* more than there is: nothing */
	cr_assert_geq(arena_used(arena), 600u);
	arena_free(arena);
}
