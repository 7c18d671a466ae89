/* SPDX-License-Identifier: Apache-2.0 */
/* JSON out, by field tables and a view.  What the view does not show is never touched.  Knows no schema. */
#include <string.h>

#include "domain/civil.h"
#include "model/field.h"
#include "model/view.h"

struct writer {
	struct jw *out;
	uint32_t roles;
};

static void write_object(
    const struct writer *w, const struct model *m, const void *obj, const struct view *view);

static void
write_code(const struct writer *w, const struct code_list *codes, uint64_t code)
{
	const char *text = code < codes->count ? codes->rows[code].code : NULL;

	if (text != NULL)
		jw_plain(w->out, text, strlen(text)); /* a code is made of letters, digits and '_' */
}

static void
write_number(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const uint64_t v = field_load(f, obj);
	char day[11];

	(void)view;
	if (f->type == F_BOOL)
		jw_bool(w->out, v != 0);
	else if (f->type == F_TIME)
		jw_time(w->out, (int64_t)v);
	else if (f->type == F_CODE)
		write_code(w, f->codes, v);
	else if (f->type != F_DAY)
		jw_int(w->out, (int64_t)v);
	else {
		day_format((day_number)(uint32_t)v, day);
		jw_plain(w->out, day, sizeof(day) - 1);
	}
}

static void
write_codes(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const uint64_t set = field_load(f, obj);

	(void)view;
	jw_open(w->out, '[');
	for (unsigned i = 0; i < f->codes->count; i++)
		if (set >> i & 1)
			write_code(w, f->codes, i);
	jw_close(w->out, ']');
}

static void
write_id(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	(void)view;
	jw_id(w->out, field_peek(f, obj));
}

static void
write_text(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const char *text = field_peek(f, obj);

	(void)view;
	jw_string_n(w->out, text, strnlen(text, f->size - 1u));
}

static const char *
string_of(const struct field *f, const void *obj)
{
	const char *text;

	memcpy(&text, field_peek(f, obj), sizeof(text));
	return text;
}

static void
write_string(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	(void)view;
	jw_string(w->out, string_of(f, obj));
}

static struct bytes
raw_of(const struct field *f, const void *obj)
{
	struct bytes raw;

	memcpy(&raw, field_peek(f, obj), sizeof(raw));
	return raw;
}

static void
write_raw(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const struct bytes raw = raw_of(f, obj);

	(void)view;
	jw_raw(w->out, (const char *)raw.p, raw.len);
}

static void
write_nested(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	write_object(w, f->sub, field_peek(f, obj), view);
}

/* Structs in place, or where a pointer leads. */
static void
write_structs(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const size_t count = field_count(f, obj);
	const uint8_t *p = field_peek(f, obj);

	if (f->type == F_ARRAY)
		memcpy(&p, field_peek(f, obj), sizeof(p));
	jw_open(w->out, '[');
	for (size_t i = 0; i < count; i++, p += f->sub->size)
		write_object(w, f->sub, p, view);
	jw_close(w->out, ']');
}

static void
write_simple_list(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const size_t count = field_count(f, obj);
	const uint8_t *codes = field_peek(f, obj);
	const struct id *ids = field_peek(f, obj);

	(void)view;
	jw_open(w->out, '[');
	for (size_t i = 0; i < count; i++) {
		if (f->type == F_ID_LIST)
			jw_id(w->out, &ids[i]);
		else
			write_code(w, f->codes, codes[i]);
	}
	jw_close(w->out, ']');
}

typedef void write_fn(
    const struct writer *w, const struct field *f, const void *obj, const struct view *view);

/* A type without a writer cannot go out. */
static write_fn *const writers[] = {
	[F_BOOL] = write_number,
	[F_U8] = write_number,
	[F_U16] = write_number,
	[F_U32] = write_number,
	[F_U64] = write_number,
	[F_TIME] = write_number,
	[F_DAY] = write_number,
	[F_ID] = write_id,
	[F_CODE] = write_number,
	[F_CODES] = write_codes,
	[F_TEXT] = write_text,
	[F_BYTES] = NULL,
	[F_BLOB] = NULL,
	[F_OBJECT] = write_nested,
	[F_LIST] = write_structs,
	[F_CODE_LIST] = write_simple_list,
	[F_ID_LIST] = write_simple_list,
	[F_ARRAY] = write_structs,
	[F_STRING] = write_string,
	[F_RAW] = write_raw,
};

static bool
is_none(const struct field *f, const void *obj)
{
	switch ((enum field_type)f->type) {
	case F_TIME:
	case F_DAY:
		return field_load(f, obj) == 0;
	case F_CODE:
		return field_load(f, obj) >= f->codes->count;
	case F_ID:
		return id_is_zero(field_peek(f, obj));
	case F_TEXT:
		return *(const char *)field_peek(f, obj) == '\0';
	case F_STRING:
		return string_of(f, obj) == NULL;
	case F_RAW:
		return raw_of(f, obj).len == 0;
	case F_BOOL:
	case F_U8:
	case F_U16:
	case F_U32:
	case F_U64:
	case F_CODES:
	case F_BYTES:
	case F_BLOB:
	case F_OBJECT:
	case F_LIST:
	case F_CODE_LIST:
	case F_ID_LIST:
	case F_ARRAY:
		return false;
	}
	return false;
}

/* Nests as deep as the models do. */
static void
write_object(const struct writer *w, const struct model *m, const void *obj, const struct view *view)
{
	jw_open(w->out, '{');
	for (unsigned i = 0; view != NULL && i < m->count; i++) {
		const struct field *f = &m->fields[i];
		write_fn *const write = writers[f->type];

		if ((f->flags & FIELD_SECRET) || write == NULL || !(view->roles[i] & w->roles))
			continue;
		if (is_none(f, obj))
			continue;
		jw_opening(w->out, f->opening, f->opening_len);
		write(w, f, obj, view->nested[i]);
	}
	jw_close(w->out, '}');
}

void
model_write(struct jw *w, const struct model *m, const void *obj, const struct view *view, uint32_t roles)
{
	const struct writer writer = { .out = w, .roles = roles };

	write_object(&writer, m, obj, view);
}
