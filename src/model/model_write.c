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
write_name(const struct writer *w, const struct field *f)
{
	jw_opening(w->out, f->opening, f->opening_len);
}

static void
write_bool(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	(void)view;
	write_name(w, f);
	jw_bool(w->out, field_load(f, obj) != 0);
}

static void
write_number(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	(void)view;
	write_name(w, f);
	jw_int(w->out, (int64_t)field_load(f, obj));
}

static void
write_time(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const int64_t t = (int64_t)field_load(f, obj);

	(void)view;
	if (t == 0)
		return;
	write_name(w, f);
	jw_time(w->out, t);
}

static void
write_day(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const day_number v = (day_number)(uint32_t)field_load(f, obj);
	char day[11];

	(void)view;
	if (v == 0)
		return;
	day_format(v, day);
	write_name(w, f);
	jw_plain(w->out, day, sizeof(day) - 1);
}

static void
write_one_code(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const uint64_t code = field_load(f, obj);

	(void)view;
	if (code >= f->codes->count)
		return;
	write_name(w, f);
	write_code(w, f->codes, code);
}

static void
write_codes(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const uint64_t set = field_load(f, obj);

	(void)view;
	write_name(w, f);
	jw_open(w->out, '[');
	for (unsigned i = 0; i < f->codes->count; i++)
		if (set >> i & 1)
			write_code(w, f->codes, i);
	jw_close(w->out, ']');
}

static void
write_id(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const struct id *id = field_peek(f, obj);

	(void)view;
	if (id_is_zero(id))
		return;
	write_name(w, f);
	jw_id(w->out, id);
}

static void
write_text(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const char *text = field_peek(f, obj);

	(void)view;
	if (*text == '\0')
		return;
	write_name(w, f);
	jw_string_n(w->out, text, strnlen(text, f->size - 1u));
}

static void
write_string(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	const char *text;

	(void)view;
	memcpy(&text, field_peek(f, obj), sizeof(text));
	if (text == NULL)
		return;
	write_name(w, f);
	jw_string(w->out, text);
}

static void
write_raw(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	struct bytes raw;

	(void)view;
	memcpy(&raw, field_peek(f, obj), sizeof(raw));
	if (raw.len == 0)
		return;
	write_name(w, f);
	jw_raw(w->out, (const char *)raw.p, raw.len);
}

static void
write_nested(const struct writer *w, const struct field *f, const void *obj, const struct view *view)
{
	write_name(w, f);
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
	write_name(w, f);
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
	write_name(w, f);
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

/* Name and value of one field, or nothing if it is at "none".  A type without a writer cannot go out. */
static write_fn *const writers[] = {
	[F_BOOL] = write_bool,
	[F_U8] = write_number,
	[F_U16] = write_number,
	[F_U32] = write_number,
	[F_U64] = write_number,
	[F_TIME] = write_time,
	[F_DAY] = write_day,
	[F_ID] = write_id,
	[F_CODE] = write_one_code,
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
