/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record form: [tag u8][length varint][payload], in the table's order, what is at "none" left out.
 * Integers are big-endian without leading zeros; a nested struct is a record itself; each item of a list is
 * one such row. Decoding believes nothing: the store's seal keeps strangers out, not our own older or newer
 * selves.
 */
#include <string.h>

#include "model/field.h"

/* ---- encode ---- */

struct out {
	uint8_t *p;
	size_t len, cap;
	bool is_full;
};

#define VARINT_MAX 5u

static unsigned
varint_write(uint8_t out[VARINT_MAX], size_t v)
{
	unsigned n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

static void
put(struct out *o, const void *p, size_t len)
{
	if (o->is_full || len > o->cap - o->len) {
		o->is_full = true;
		return;
	}
	if (len > 0)
		memcpy(o->p + o->len, p, len);
	o->len += len;
}

static void
put_row(struct out *o, uint8_t tag, const void *payload, size_t len)
{
	uint8_t varint[VARINT_MAX];

	put(o, &tag, 1);
	put(o, varint, varint_write(varint, len));
	put(o, payload, len);
}

static void put_model(struct out *o, const struct model *m, const void *obj);

/* The length stands before what it counts: leave one byte, and move the payload when it needs more. */
static void
put_nested(struct out *o, uint8_t tag, const struct model *m, const void *obj)
{
	const uint8_t head[2] = { tag, 0 };
	uint8_t varint[VARINT_MAX];
	size_t start, len;
	unsigned n;

	put(o, head, sizeof(head));
	start = o->len;
	put_model(o, m, obj);
	len = o->len - start;
	n = varint_write(varint, len);
	put(o, varint, n - 1); /* room; the bytes are overwritten below */
	if (o->is_full)
		return;
	memmove(o->p + start - 1 + n, o->p + start, len);
	memcpy(o->p + start - 1, varint, n);
}

static void
put_number(struct out *o, const struct field *f, const void *obj)
{
	const uint64_t v = field_load(f, obj);
	uint8_t be[8];
	unsigned skip = 0;

	if (v == field_none(f))
		return;
	put_u64(be, v);
	while (skip < 7 && be[skip] == 0)
		skip++;
	put_row(o, f->tag, be + skip, sizeof(be) - skip);
}

static void
put_text(struct out *o, const struct field *f, const void *obj)
{
	const char *text = field_peek(f, obj);
	const size_t len = strnlen(text, f->size - 1u);

	if (len > 0)
		put_row(o, f->tag, text, len);
}

/* Ids and other bytes of a fixed length; all zero is "none". */
static void
put_bytes(struct out *o, const struct field *f, const void *obj)
{
	const uint8_t *p = field_peek(f, obj);
	uint8_t any = 0;

	for (size_t i = 0; i < f->size; i++)
		any |= p[i];
	if (any != 0)
		put_row(o, f->tag, p, f->size);
}

static void
put_object(struct out *o, const struct field *f, const void *obj)
{
	put_nested(o, f->tag, f->sub, field_peek(f, obj));
}

static void
put_list(struct out *o, const struct field *f, const void *obj)
{
	const size_t count = field_count(f, obj);

	for (size_t i = 0; i < count; i++)
		put_nested(o, f->tag, f->sub, field_peek_item(f, obj, i));
}

static size_t
item_bytes(const struct field *f)
{
	return f->type == F_ID_LIST ? sizeof(struct id) : 1;
}

static void
put_block(struct out *o, const struct field *f, const void *obj)
{
	const size_t count = field_count(f, obj);

	if (count > 0)
		put_row(o, f->tag, field_peek(f, obj), count * item_bytes(f));
}

typedef void put_fn(struct out *o, const struct field *f, const void *obj);

static put_fn *const putters[] = {
	[F_BOOL] = put_number,
	[F_U8] = put_number,
	[F_U16] = put_number,
	[F_U32] = put_number,
	[F_U64] = put_number,
	[F_TIME] = put_number,
	[F_DAY] = put_number,
	[F_ID] = put_bytes,
	[F_CODE] = put_number,
	[F_CODES] = put_number,
	[F_TEXT] = put_text,
	[F_BYTES] = put_bytes,
	[F_BLOB] = put_block,
	[F_OBJECT] = put_object,
	[F_LIST] = put_list,
	[F_CODE_LIST] = put_block,
	[F_ID_LIST] = put_block,
	[F_ARRAY] = NULL,
	[F_STRING] = NULL,
	[F_RAW] = NULL,
};

static void
put_model(struct out *o, const struct model *m, const void *obj)
{
	for (unsigned i = 0; i < m->count; i++) {
		const struct field *f = &m->fields[i];

		if (!(f->flags & FIELD_VIEW))
			putters[f->type](o, f, obj);
	}
}

enum rc
model_encode(const struct model *m, const void *obj, uint8_t *out, size_t cap, size_t *len)
{
	struct out o = { .p = out, .cap = cap };

	put_model(&o, m, obj);
	*len = o.len;
	return o.is_full ? RC_TOO_BIG : RC_OK;
}

/* ---- decode ---- */

static bool
take_varint(struct bytes *in, size_t *v)
{
	*v = 0;
	for (unsigned n = 0; n < VARINT_MAX && in->len > 0; n++) {
		const uint8_t byte = *in->p++;

		in->len--;
		*v |= (size_t)(byte & 0x7f) << (7 * n);
		if (byte < 0x80)
			return true;
	}
	return false;
}

static bool
take_row(struct bytes *in, uint8_t *tag, struct bytes *payload)
{
	size_t len;

	*tag = *in->p++;
	in->len--;
	if (!take_varint(in, &len) || len > in->len)
		return false;
	*payload = (struct bytes){ in->p, len };
	in->p += len;
	in->len -= len;
	return true;
}

static bool get_model(const struct model *m, struct bytes in, void *obj);

/* A code or time that the field cannot hold is refused here, so that nobody above checks again. */
static bool
get_number(const struct field *f, struct bytes in, void *obj)
{
	uint64_t v = 0;

	if (in.len == 0 || in.len > sizeof(v) || (in.p[0] == 0 && in.len > 1))
		return false;
	for (size_t i = 0; i < in.len; i++)
		v = v << 8 | in.p[i];
	if (v > field_max(f))
		return false;
	field_store(f, obj, v);
	return true;
}

static bool
get_text(const struct field *f, struct bytes in, void *obj)
{
	char *text = field_at(f, obj);

	if (in.len == 0 || in.len >= f->size || !utf8_is_valid((const char *)in.p, in.len))
		return false;
	memcpy(text, in.p, in.len);
	text[in.len] = '\0';
	return true;
}

static bool
get_bytes(const struct field *f, struct bytes in, void *obj)
{
	if (in.len != f->size)
		return false;
	memcpy(field_at(f, obj), in.p, in.len);
	return true;
}

static bool
get_object(const struct field *f, struct bytes in, void *obj)
{
	return get_model(f->sub, in, field_at(f, obj));
}

static bool
get_item(const struct field *f, struct bytes in, void *obj)
{
	const size_t count = field_count(f, obj);

	if (count == f->size || !get_model(f->sub, in, field_item(f, obj, count)))
		return false;
	field_set_count(f, obj, count + 1);
	return true;
}

static bool
get_block(const struct field *f, struct bytes in, void *obj)
{
	const size_t each = item_bytes(f);

	if (in.len == 0 || in.len % each != 0 || in.len / each > f->size)
		return false;
	for (size_t i = 0; f->type == F_CODE_LIST && i < in.len; i++)
		if (in.p[i] >= f->codes->count)
			return false;
	memcpy(field_at(f, obj), in.p, in.len);
	field_set_count(f, obj, in.len / each);
	return true;
}

typedef bool get_fn(const struct field *f, struct bytes in, void *obj);

static get_fn *const getters[] = {
	[F_BOOL] = get_number,
	[F_U8] = get_number,
	[F_U16] = get_number,
	[F_U32] = get_number,
	[F_U64] = get_number,
	[F_TIME] = get_number,
	[F_DAY] = get_number,
	[F_ID] = get_bytes,
	[F_CODE] = get_number,
	[F_CODES] = get_number,
	[F_TEXT] = get_text,
	[F_BYTES] = get_bytes,
	[F_BLOB] = get_block,
	[F_OBJECT] = get_object,
	[F_LIST] = get_item,
	[F_CODE_LIST] = get_block,
	[F_ID_LIST] = get_block,
	[F_ARRAY] = NULL,
	[F_STRING] = NULL,
	[F_RAW] = NULL,
};

/* Rows come in the table's order, so the search begins at the last hit.  NULL: a tag of another version. */
static const struct field *
find_tag(const struct model *m, uint8_t tag, unsigned *hint)
{
	for (unsigned i = 0; i < m->count; i++) {
		const unsigned at = (*hint + i) % m->count;

		if (m->fields[at].tag != tag || (m->fields[at].flags & FIELD_VIEW))
			continue;
		*hint = at;
		return &m->fields[at];
	}
	return NULL;
}

/* Nests as deep as the models do, whatever the input says. */
static bool
get_model(const struct model *m, struct bytes in, void *obj)
{
	unsigned hint = 0;

	model_clear(m, obj);
	while (in.len > 0) {
		const struct field *f;
		struct bytes payload;
		uint8_t tag;

		if (!take_row(&in, &tag, &payload))
			return false;
		if ((f = find_tag(m, tag, &hint)) != NULL && !getters[f->type](f, payload, obj))
			return false;
	}
	return true;
}

enum rc
model_decode(const struct model *m, struct bytes record, void *obj)
{
	return get_model(m, record, obj) ? RC_OK : RC_CORRUPT;
}
