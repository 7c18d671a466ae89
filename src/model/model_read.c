/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in, by field tables.  Trusts that the schema was checked, but never with memory.  Knows no schema. */
#include <string.h>

#include "base/clock.h"
#include "domain/civil.h"
#include "model/field.h"
#include "model/pointer.h"

struct reader {
	struct pointer at;
	struct fault *fault;
};

static enum rc
refuse(struct reader *r, enum msg msg, long number, const char *word)
{
	return fault_set(r->fault, RC_INVALID, msg, r->at.text, number, word);
}

static enum rc read_model(struct reader *r, const struct model *m, const json *in, void *obj);

static enum rc
read_bool(struct reader *r, const struct field *f, const json *v, void *obj)
{
	if (json_type(v) != JSON_BOOL)
		return refuse(r, MSG_FIELD_TYPE, 0, json_type_name(JSON_BOOL));
	field_store(f, obj, json_bool(v));
	return RC_OK;
}

static enum rc
read_number(struct reader *r, const struct field *f, const json *v, void *obj)
{
	const uint64_t max = field_max(f);
	const double number = json_number(v);

	if (json_type(v) != JSON_INTEGER)
		return refuse(r, MSG_FIELD_TYPE, 0, json_type_name(JSON_INTEGER));
	if (number < 0)
		return refuse(r, MSG_FIELD_MIN, 0, NULL);
	if (number > LIMIT_JSON_INTEGER || (uint64_t)number > max)
		return refuse(r, MSG_FIELD_MAX, max < INT32_MAX ? (long)max : INT32_MAX, NULL);
	field_store(f, obj, (uint64_t)number);
	return RC_OK;
}

static enum rc
read_time(struct reader *r, const struct field *f, const json *v, void *obj)
{
	const char *text = json_string(v);
	int64_t t;

	if (!time_parse(text, strlen(text), &t))
		return refuse(r, MSG_FIELD_FORMAT, 0, "date-time");
	field_store(f, obj, (uint64_t)t);
	return RC_OK;
}

static enum rc
read_day(struct reader *r, const struct field *f, const json *v, void *obj)
{
	const char *text = json_string(v);
	day_number day;

	if (!day_parse(text, strlen(text), &day))
		return refuse(r, MSG_FIELD_FORMAT, 0, "date");
	field_store(f, obj, (uint32_t)day);
	return RC_OK;
}

static bool
parse_id(const json *v, void *out)
{
	const char *text = json_string(v);

	return id_parse(text, strlen(text), out);
}

static enum rc
read_id(struct reader *r, const struct field *f, const json *v, void *obj)
{
	return parse_id(v, field_at(f, obj)) ? RC_OK : refuse(r, MSG_FIELD_FORMAT, 0, "id");
}

static int
find_code(const struct field *f, const json *v)
{
	const char *text = json_string(v);

	return code_find(f->codes, text, strlen(text));
}

static enum rc
read_code(struct reader *r, const struct field *f, const json *v, void *obj)
{
	const int code = find_code(f, v);

	if (code < 0)
		return refuse(r, MSG_FIELD_ENUM, 0, NULL);
	field_store(f, obj, (uint64_t)code);
	return RC_OK;
}

static enum rc
read_codes(struct reader *r, const struct field *f, const json *v, void *obj)
{
	uint64_t set = 0;

	if (json_type(v) != JSON_ARRAY)
		return refuse(r, MSG_FIELD_TYPE, 0, json_type_name(JSON_ARRAY));
	for (const json *item = json_first(v); item != NULL; item = json_next(item)) {
		const int code = find_code(f, item);

		if (code < 0)
			return refuse(r, MSG_FIELD_ENUM, 0, NULL);
		set |= UINT64_C(1) << code;
	}
	field_store(f, obj, set);
	return RC_OK;
}

static enum rc
read_text(struct reader *r, const struct field *f, const json *v, void *obj)
{
	if (json_type(v) != JSON_STRING)
		return refuse(r, MSG_FIELD_TYPE, 0, json_type_name(JSON_STRING));
	if (strlen(json_string(v)) >= f->size)
		return refuse(r, MSG_FIELD_BYTES, f->size - 1, NULL);
	field_clear(f, obj); /* a shorter text leaves nothing of the old one behind */
	(void)str_copy(field_at(f, obj), f->size, json_string(v));
	return RC_OK;
}

static enum rc
read_string(struct reader *r, const struct field *f, const json *v, void *obj)
{
	const char *text = json_string(v);

	if (json_type(v) != JSON_STRING)
		return refuse(r, MSG_FIELD_TYPE, 0, json_type_name(JSON_STRING));
	memcpy(field_at(f, obj), &text, sizeof(text));
	return RC_OK;
}

static enum rc
read_object(struct reader *r, const struct field *f, const json *v, void *obj)
{
	return read_model(r, f->sub, v, field_at(f, obj));
}

static enum rc
read_one(struct reader *r, const struct field *f, const json *v, void *obj, size_t i)
{
	int code;

	if (f->type == F_LIST) {
		model_clear(f->sub, field_item(f, obj, i));
		return read_model(r, f->sub, v, field_item(f, obj, i));
	}
	if (f->type == F_ID_LIST)
		return parse_id(v, (struct id *)field_at(f, obj) + i) ? RC_OK
								      : refuse(r, MSG_FIELD_FORMAT, 0, "id");
	if ((code = find_code(f, v)) < 0)
		return refuse(r, MSG_FIELD_ENUM, 0, NULL);
	((uint8_t *)field_at(f, obj))[i] = (uint8_t)code;
	return RC_OK;
}

static enum rc
read_list(struct reader *r, const struct field *f, const json *v, void *obj)
{
	size_t i = 0;

	if (json_type(v) != JSON_ARRAY)
		return refuse(r, MSG_FIELD_TYPE, 0, json_type_name(JSON_ARRAY));
	if (json_count(v) > f->size)
		return refuse(r, MSG_FIELD_MANY, f->size, NULL);
	field_clear(f, obj);
	for (const json *item = json_first(v); item != NULL; item = json_next(item), i++) {
		const size_t mark = pointer_index(&r->at, i);
		const enum rc rc = read_one(r, f, item, obj, i);

		pointer_cut(&r->at, mark);
		if (rc != RC_OK)
			return rc;
	}
	field_set_count(f, obj, i);
	return RC_OK;
}

typedef enum rc read_fn(struct reader *r, const struct field *f, const json *v, void *obj);

/* A type without a reader cannot come in. */
static read_fn *const readers[] = {
	[F_BOOL] = read_bool,
	[F_U8] = read_number,
	[F_U16] = read_number,
	[F_U32] = read_number,
	[F_U64] = read_number,
	[F_TIME] = read_time,
	[F_DAY] = read_day,
	[F_ID] = read_id,
	[F_CODE] = read_code,
	[F_CODES] = read_codes,
	[F_TEXT] = read_text,
	[F_BYTES] = NULL,
	[F_BLOB] = NULL,
	[F_OBJECT] = read_object,
	[F_LIST] = read_list,
	[F_CODE_LIST] = read_list,
	[F_ID_LIST] = read_list,
	[F_ARRAY] = NULL,
	[F_STRING] = read_string,
	[F_RAW] = NULL,
};

static enum rc
read_field(struct reader *r, const struct field *f, const json *v, void *obj)
{
	const size_t mark = pointer_member(&r->at, f->name);
	enum rc rc = RC_OK;

	if (json_type(v) == JSON_NULL)
		field_clear(f, obj);
	else
		rc = readers[f->type](r, f, v, obj);
	pointer_cut(&r->at, mark);
	return rc;
}

/* Nests as deep as the models do. */
static enum rc
read_model(struct reader *r, const struct model *m, const json *in, void *obj)
{
	if (json_type(in) != JSON_OBJECT)
		return refuse(r, MSG_FIELD_TYPE, 0, json_type_name(JSON_OBJECT));
	for (unsigned i = 0; i < m->count; i++) {
		const struct field *f = &m->fields[i];
		const json *v = json_get(in, f->name);
		enum rc rc;

		if (v == NULL || (f->flags & (FIELD_SECRET | FIELD_READ_ONLY)) || readers[f->type] == NULL)
			continue;
		if ((rc = read_field(r, f, v, obj)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

enum rc
model_read(const struct model *m, const json *in, void *obj, struct fault *f)
{
	struct reader r = { .fault = f };

	return read_model(&r, m, in, obj);
}
