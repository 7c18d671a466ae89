/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of one request: bump allocation with a hard cap, freed whole.  Not thread-safe: a request is on one
 * thread at a time.  The memory is wiped before it is given back, since household profiles pass through it.
 */
#ifndef MENEDEK_ARENA_H
#define MENEDEK_ARENA_H

#include <stddef.h>

#include "attr.h"

struct arena;

/** A new arena that will hold at most ${cap} bytes, or NULL without memory. */
struct arena *arena_new(size_t cap);
void arena_free(struct arena *arena); /* NULL-safe */

/** ${size} zeroed bytes, aligned for any type, or NULL past the cap.  ${size} 0 gives a valid pointer. */
MUST_USE void *arena_alloc(struct arena *arena, size_t size);
MUST_USE void *arena_calloc(struct arena *arena, size_t count, size_t size); /* overflow-checked */
MUST_USE char *arena_strndup(struct arena *arena, const char *s, size_t len);

/** Remember the fill level; arena_rewind frees (and wipes) what was allocated since. */
size_t arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, size_t mark);

/**
 * Take back the last ${unused} bytes of what was allocated last (a few less, for alignment).  They must be
 * zero still: nothing is wiped here.
 */
void arena_trim(struct arena *arena, size_t unused);

/** Bytes handed out so far. */
size_t arena_used(const struct arena *arena);

#endif
