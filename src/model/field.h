/* SPDX-License-Identifier: Apache-2.0 */
/* Reaching a field of a struct through its row, for the three writers of this layer; nobody else includes it.
 */
#ifndef MENEDEK_FIELD_H
#define MENEDEK_FIELD_H

#include <string.h>

#include "model/model.h"

void *field_at(const struct field *f, void *obj);

/* Inline what is asked once or more for each field of an answer. */
static inline const void *
field_peek(const struct field *f, const void *obj)
{
	return (const uint8_t *)obj + f->offset;
}

/** An unsigned integer of ${width} bytes; memcpy, since the row knows the width only at run time. */
static inline uint64_t
field_uint(const void *at, size_t width)
{
	uint8_t v1;
	uint16_t v2;
	uint32_t v4;
	uint64_t v8 = 0;

	switch (width) {
	case 1:
		memcpy(&v1, at, 1);
		return v1;
	case 2:
		memcpy(&v2, at, 2);
		return v2;
	case 4:
		memcpy(&v4, at, 4);
		return v4;
	default:
		memcpy(&v8, at, 8);
		return v8;
	}
}

/** The number of a field that is one (booleans, integers, times, days, codes and sets of codes). */
static inline uint64_t
field_load(const struct field *f, const void *obj)
{
	return field_uint(field_peek(f, obj), f->size);
}

void field_store(const struct field *f, void *obj, uint64_t v);

/** Number at rest in the field: CODE_NONE for a code, else 0. */
uint64_t field_none(const struct field *f);

/** The largest number that the field holds: by its width, or by its code list. */
uint64_t field_max(const struct field *f);

/** Elements in use of a list, array or blob; never more than the struct has, whatever the counter says. */
size_t field_count(const struct field *f, const void *obj);
void field_set_count(const struct field *f, void *obj, size_t count);

/** Element ${i} of an F_LIST. */
void *field_item(const struct field *f, void *obj, size_t i);
const void *field_peek_item(const struct field *f, const void *obj, size_t i);

/** Bring one field to "none". */
void field_clear(const struct field *f, void *obj);

#endif
