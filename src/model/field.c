/* SPDX-License-Identifier: Apache-2.0 */
/* With field.h the only pointer arithmetic on structs.  Knows no format. */
#include "model/field.h"

#include <string.h>

void *
field_at(const struct field *f, void *obj)
{
	return (uint8_t *)obj + f->offset;
}

static void
store(void *at, size_t width, uint64_t v)
{
	const uint8_t v1 = (uint8_t)v;
	const uint16_t v2 = (uint16_t)v;
	const uint32_t v4 = (uint32_t)v;
	const void *const from[] = { [1] = &v1, [2] = &v2, [4] = &v4, [8] = &v };

	memcpy(at, from[width], width);
}

void
field_store(const struct field *f, void *obj, uint64_t v)
{
	store(field_at(f, obj), f->size, v);
}

uint64_t
field_none(const struct field *f)
{
	return f->type == F_CODE ? CODE_NONE : 0;
}

uint64_t
field_max(const struct field *f)
{
	if (f->type == F_BOOL)
		return 1;
	if (f->type == F_CODE)
		return f->codes == NULL ? CODE_NONE - 1 : f->codes->count - 1;
	if (f->type == F_CODES)
		return (UINT64_C(1) << f->codes->count) - 1;
	return UINT64_MAX >> (64 - 8 * f->size);
}

/* Arrays count in 32 bits, blobs in 16, lists in 8 (model.h). */
static size_t
counter_width(const struct field *f)
{
	if (f->type == F_ARRAY)
		return 4;
	return f->type == F_BLOB ? 2 : 1;
}

size_t
field_count(const struct field *f, const void *obj)
{
	const uint64_t count = field_uint((const uint8_t *)obj + f->count_at, counter_width(f));

	return f->type != F_ARRAY && count > f->size ? f->size : (size_t)count;
}

void
field_set_count(const struct field *f, void *obj, size_t count)
{
	store((uint8_t *)obj + f->count_at, counter_width(f), count);
}

void *
field_item(const struct field *f, void *obj, size_t i)
{
	return (uint8_t *)obj + f->offset + i * f->sub->size;
}

const void *
field_peek_item(const struct field *f, const void *obj, size_t i)
{
	return (const uint8_t *)obj + f->offset + i * f->sub->size;
}

static size_t
field_bytes(const struct field *f)
{
	if (f->type == F_LIST)
		return f->size * f->sub->size;
	return f->type == F_ID_LIST ? f->size * sizeof(struct id) : f->size;
}

static bool
is_counted(const struct field *f)
{
	return f->type == F_LIST || f->type == F_CODE_LIST || f->type == F_ID_LIST || f->type == F_BLOB ||
	    f->type == F_ARRAY;
}

void
field_clear(const struct field *f, void *obj)
{
	memset(field_at(f, obj), 0, field_bytes(f));
	if (is_counted(f))
		field_set_count(f, obj, 0);
	if (f->type == F_CODE)
		field_store(f, obj, CODE_NONE);
	if (f->type == F_OBJECT)
		model_clear(f->sub, field_at(f, obj));
}

/* Bounded: models nest as deep as structs do. */
void
model_clear(const struct model *m, void *obj)
{
	memset(obj, 0, m->size);
	for (unsigned i = 0; i < m->count; i++) {
		const struct field *f = &m->fields[i];

		if (f->type == F_CODE || f->type == F_OBJECT)
			field_clear(f, obj);
	}
}
