/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mapping a secret: guard page, data, guard page.  The data ends at the guard behind it, so that the
 * first byte read too far stops the program.
 */
#include "base/secret.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"

#define ALIGN 16u /* of the data, for whoever casts it */

struct secret {
	uint8_t *data;
	size_t len;
	uint8_t *map; /* the guards included */
	size_t map_len;
	size_t page;
};

static uint8_t *
pages(const struct secret *s)
{
	return s->map + s->page;
}

static size_t
pages_len(const struct secret *s)
{
	return s->map_len - 2 * s->page;
}

/* Map ${inner} bytes between two guards.  Everything starts out of reach, then the middle is opened. */
static bool
map_guarded(struct secret *s, size_t inner)
{
	if (!size_add(inner, 2 * s->page, &s->map_len))
		return false;
	s->map = mmap(NULL, s->map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->map == MAP_FAILED)
		return false;
	if (mprotect(pages(s), inner, PROT_READ | PROT_WRITE) == 0 &&
	    madvise(pages(s), inner, MADV_DONTDUMP) == 0 && mlock(pages(s), inner) == 0)
		return true;
	(void)munmap(s->map, s->map_len);
	return false;
}

struct secret *
secret_new(size_t len)
{
	struct secret *s = calloc(1, sizeof(*s));
	size_t inner, padded;

	if (s == NULL)
		return NULL;
	s->page = (size_t)sysconf(_SC_PAGESIZE);
	s->len = len;
	if (!size_add(len == 0 ? 1 : len, s->page - 1, &inner))
		goto fail;
	inner -= inner % s->page;
	if (!map_guarded(s, inner))
		goto fail;
	padded = (len + ALIGN - 1) / ALIGN * ALIGN;
	s->data = pages(s) + inner - padded;
	return s;
fail:
	free(s);
	return NULL;
}

bool
secret_relock(struct secret *s)
{
	return mlock(pages(s), pages_len(s)) == 0;
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	wipe(pages(s), pages_len(s));
	(void)munmap(s->map, s->map_len);
	free(s);
}

uint8_t *
secret_bytes(struct secret *s)
{
	return s->data;
}

const uint8_t *
secret_view(const struct secret *s)
{
	return s->data;
}

size_t
secret_len(const struct secret *s)
{
	return s->len;
}
