/* SPDX-License-Identifier: Apache-2.0 */
/* One-dimensional arrays in PostgreSQL's binary format: a header, then each element's length and bytes. */
#include <stdlib.h>
#include <string.h>

#include "store/pg_parts.h"

#define HEADER 20u /* dimensions, flags, type, length, lower bound */

static bool
reserve(struct pg_array *a, size_t more)
{
	size_t cap = a->cap == 0 ? 1024 : a->cap;
	uint8_t *grown;

	if (a->is_short)
		return false;
	if (a->len + more <= a->cap)
		return true;
	while (cap < a->len + more)
		cap *= 2;
	if ((grown = realloc(a->p, cap)) == NULL) {
		a->is_short = true;
		return false;
	}
	a->p = grown;
	a->cap = cap;
	return true;
}

/* An empty array has no dimension. */
static void
write_header(struct pg_array *a)
{
	put_u32(a->p, a->count > 0);
	put_u32(a->p + 4, 0);
	put_u32(a->p + 8, a->type);
	put_u32(a->p + 12, a->count);
	put_u32(a->p + 16, 1);
	if (a->count == 0)
		a->len = 12;
}

void
pg_array_start(struct pg_array *a, uint32_t type)
{
	a->len = a->count = 0;
	a->type = type;
	a->is_short = false;
	if (reserve(a, HEADER))
		write_header(a);
}

void
pg_array_add(struct pg_array *a, struct bytes value)
{
	if (a->count == 0)
		a->len = HEADER;
	if (!reserve(a, 4 + value.len))
		return;
	put_u32(a->p + a->len, (uint32_t)value.len);
	if (value.len > 0)
		memcpy(a->p + a->len + 4, value.p, value.len);
	a->len += 4 + value.len;
	a->count++;
	write_header(a);
}

void
pg_array_add_number(struct pg_array *a, uint64_t value)
{
	uint8_t text[8];

	put_u64(text, value);
	pg_array_add(a, BYTES_OF(text));
}

void
pg_array_fini(struct pg_array *a)
{
	free(a->p);
	*a = (struct pg_array){ 0 };
}
