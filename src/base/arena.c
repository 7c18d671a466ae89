/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack of chunks, so that a small request costs a small chunk and only a large one grows towards the cap.
 * A chunk knows the fill level at which it began; that turns a mark into one number.  Beyond the fill level a
 * chunk is zero, always: what was handed out is wiped once, when it is taken back, and a thread keeps a few
 * such chunks for its next requests.
 */
#include "base/arena.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define CHUNK_MIN 4096u
#define CHUNK_MAX (64u * 1024)

/* What a thread keeps: chunks of the four smallest sizes, which is what requests take. */
#define KEPT_SIZES 4u
#define KEPT_EACH  8u
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__ /* so that it sees whoever looks at an arena that is gone */
#undef KEPT_EACH
#define KEPT_EACH 0u
#endif

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

/* ---- chunks that wait for their next use ---- */

static _Thread_local struct kept {
	struct chunk *first[KEPT_SIZES];
	unsigned count[KEPT_SIZES];
} kept;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_exit_of_thread;

static void
free_kept(void *p)
{
	struct kept *k = p;

	for (unsigned i = 0; i < KEPT_SIZES; i++) {
		while (k->first[i] != NULL) {
			struct chunk *chunk = k->first[i];

			k->first[i] = chunk->below;
			free(chunk);
		}
		k->count[i] = 0;
	}
}

static void
make_key(void)
{
	if (pthread_key_create(&at_exit_of_thread, free_kept) != 0)
		abort();
}

/* KEPT_SIZES: of no size that is kept. */
static unsigned
kept_size(size_t size)
{
	unsigned i = 0;

	while (i < KEPT_SIZES && size != (size_t)CHUNK_MIN << i)
		i++;
	return i;
}

/* Keep ${chunk}, which is zero, if there is room for it and the thread will free it when it ends. */
static bool
keep(struct chunk *chunk)
{
	const unsigned i = kept_size(chunk->size);

	if (i == KEPT_SIZES || kept.count[i] + 1 > KEPT_EACH || pthread_once(&once, make_key) != 0 ||
	    pthread_setspecific(at_exit_of_thread, &kept) != 0)
		return false;
	chunk->below = kept.first[i];
	kept.first[i] = chunk;
	kept.count[i]++;
	return true;
}

/* A chunk of zeroes with room for ${size}, or NULL. */
static struct chunk *
take_chunk(size_t size)
{
	const unsigned i = kept_size(size);
	struct chunk *chunk;
	size_t whole;

	if (i < KEPT_SIZES && (chunk = kept.first[i]) != NULL) {
		kept.first[i] = chunk->below;
		kept.count[i]--;
		return chunk;
	}
	if (!size_add(size, sizeof(*chunk), &whole) || (chunk = calloc(1, whole)) == NULL)
		return NULL;
	chunk->size = size;
	return chunk;
}

/* ---- the stack ---- */

/* Give the topmost chunk back, its contents wiped. */
static void
pop(struct arena *arena)
{
	struct chunk *chunk = arena->top;

	arena->top = chunk->below;
	wipe(chunk->data, arena->used - chunk->start);
	arena->used = chunk->start;
	if (!keep(chunk))
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

/* A new topmost chunk with room for ${need}: each twice as large as the last, up to CHUNK_MAX.  What needs
 * more than its turn gets one of the sizes as well, or it would not be kept. */
static bool
push(struct arena *arena, size_t need)
{
	size_t size = arena->top == NULL ? CHUNK_MIN : arena->top->size * 2;
	struct chunk *chunk;

	while (size < need && size < CHUNK_MAX)
		size *= 2;
	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < need)
		size = need;
	if ((chunk = take_chunk(size)) == NULL)
		return false;
	chunk->below = arena->top;
	chunk->start = arena->used;
	arena->top = chunk;
	return true;
}

/* Who wrote into what it had given back is found where debugging is on. */
static void
expect_zero(const unsigned char *p, size_t len)
{
#ifdef MENEDEK_DEBUG
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			abort();
	}
#else
	(void)p;
	(void)len;
#endif
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	const size_t unit = alignof(max_align_t);
	size_t need, level;
	unsigned char *p;

	if (!size_add(size == 0 ? 1 : size, unit - 1, &need))
		return NULL;
	need -= need % unit;
	if (!size_add(arena->used, need, &level) || level > arena->cap)
		return NULL;
	if ((arena->top == NULL || level - arena->top->start > arena->top->size) && !push(arena, need))
		return NULL;
	p = arena->top->data + (arena->used - arena->top->start);
	arena->used = level;
	expect_zero(p, need);
	return p;
}

void
arena_trim(struct arena *arena, size_t unused)
{
	unused -= unused % alignof(max_align_t);
	if (arena->top != NULL && unused <= arena->used - arena->top->start)
		arena->used -= unused;
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
