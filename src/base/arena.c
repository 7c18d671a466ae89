/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack of chunks, so that a small request costs a small malloc and only a large one grows towards the cap.
 * A chunk knows the fill level at which it began; that turns a mark into one number.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define CHUNK_MIN 4096u
#define CHUNK_MAX (64u * 1024)

struct chunk {
	struct chunk *below;
	size_t start; /* the arena's fill level where this chunk begins */
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct chunk *top;
	size_t used, cap;
};

struct arena *
arena_new(size_t cap)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		return NULL;
	arena->cap = cap;
	return arena;
}

/* Free the topmost chunk, its contents wiped. */
static void
pop(struct arena *arena)
{
	struct chunk *chunk = arena->top;

	arena->top = chunk->below;
	wipe(chunk->data, arena->used - chunk->start);
	arena->used = chunk->start;
	free(chunk);
}

void
arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	while (arena->top != NULL)
		pop(arena);
	free(arena);
}

/* A new topmost chunk with room for ${need}: each twice as large as the last, up to CHUNK_MAX. */
static bool
push(struct arena *arena, size_t need)
{
	size_t size = arena->top == NULL ? CHUNK_MIN : arena->top->size * 2;
	size_t whole;
	struct chunk *chunk;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < need)
		size = need;
	if (!size_add(size, sizeof(*chunk), &whole))
		return false;
	chunk = malloc(whole);
	if (chunk == NULL)
		return false;
	chunk->below = arena->top;
	chunk->start = arena->used;
	chunk->size = size;
	arena->top = chunk;
	return true;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	const size_t unit = alignof(max_align_t);
	size_t need, level;
	void *p;

	if (!size_add(size == 0 ? 1 : size, unit - 1, &need))
		return NULL;
	need -= need % unit;
	if (!size_add(arena->used, need, &level) || level > arena->cap)
		return NULL;
	if ((arena->top == NULL || level - arena->top->start > arena->top->size) && !push(arena, need))
		return NULL;
	p = arena->top->data + (arena->used - arena->top->start);
	arena->used = level;
	return memset(p, 0, need);
}

void *
arena_calloc(struct arena *arena, size_t count, size_t size)
{
	size_t whole;

	if (!size_mul(count, size, &whole))
		return NULL;
	return arena_alloc(arena, whole);
}

char *
arena_strndup(struct arena *arena, const char *s, size_t len)
{
	size_t whole;
	char *copy;

	if (!size_add(len, 1, &whole))
		return NULL;
	copy = arena_alloc(arena, whole);
	if (copy != NULL && len > 0)
		memcpy(copy, s, len);
	return copy;
}

size_t
arena_mark(const struct arena *arena)
{
	return arena->used;
}

void
arena_rewind(struct arena *arena, size_t mark)
{
	while (arena->top != NULL && arena->top->start > mark)
		pop(arena);
	if (arena->top == NULL || mark >= arena->used)
		return;
	wipe(arena->top->data + (mark - arena->top->start), arena->used - mark);
	arena->used = mark;
}

size_t
arena_used(const struct arena *arena)
{
	return arena->used;
}
