/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body against its schema.  Finds what is wrong everywhere, not only first: one answer tells a person all
 * there is to mend.  Knows no model; nests as deep as the JSON reader allows.
 */
#include <string.h>

#include "model/pointer.h"
#include "model/schema_node.h"

struct checker {
	struct pointer at;
	struct fault *fault;
	bool is_bad;
};

static void
blame(struct checker *c, enum msg msg, long number, const char *word)
{
	c->is_bad = true;
	(void)fault_set(c->fault, RC_INVALID, msg, c->at.text, number, word);
}

static void
blame_member(struct checker *c, enum msg msg, const char *name)
{
	const size_t mark = pointer_member(&c->at, name);

	blame(c, msg, 0, name);
	pointer_cut(&c->at, mark);
}

static bool
is_same(const json *a, const json *b)
{
	const enum json_type type = json_type(a);

	if (type != json_type(b))
		return false;
	if (type == JSON_STRING)
		return strcmp(json_string(a), json_string(b)) == 0;
	if (type == JSON_BOOL)
		return json_bool(a) == json_bool(b);
	if (type == JSON_INTEGER || type == JSON_REAL)
		return json_number(a) >= json_number(b) && json_number(a) <= json_number(b);
	return type == JSON_NULL;
}

static void check(struct checker *c, const struct schema *s, const json *v);

/* ---- by type ---- */

/* Characters, not bytes: what JSON Schema counts. */
static size_t
count_characters(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
check_string(struct checker *c, const struct schema *s, const json *v)
{
	const char *text = json_string(v);
	const size_t len = strlen(text), characters = count_characters(text);

	if (characters < s->min_length)
		blame(c, MSG_FIELD_SHORT, (long)s->min_length, NULL);
	else if (characters > s->max_length)
		blame(c, MSG_FIELD_LONG, (long)s->max_length, NULL);
	else if (s->pattern != NULL && !s->pattern->matches(text, len))
		blame(c, MSG_FIELD_FORMAT, 0, s->pattern->name);
	else if (s->format != NULL && !s->format->matches(text, len))
		blame(c, MSG_FIELD_FORMAT, 0, s->format->name);
}

static void
check_number(struct checker *c, const struct schema *s, const json *v)
{
	if (json_number(v) < s->minimum)
		blame(c, MSG_FIELD_MIN, (long)s->minimum, NULL);
	else if (json_number(v) > s->maximum)
		blame(c, MSG_FIELD_MAX, (long)s->maximum, NULL);
}

static bool
is_repeated(const json *array, const json *item)
{
	for (const json *other = json_first(array); other != item; other = json_next(other))
		if (is_same(other, item))
			return true;
	return false;
}

static void
check_array(struct checker *c, const struct schema *s, const json *v)
{
	const size_t count = json_count(v);
	size_t i = 0;

	if (count < s->min_items)
		blame(c, MSG_FIELD_FEW, (long)s->min_items, NULL);
	if (count > s->max_items) {
		blame(c, MSG_FIELD_MANY, (long)s->max_items, NULL);
		return;
	}
	for (const json *item = json_first(v); item != NULL; item = json_next(item), i++) {
		const size_t mark = pointer_index(&c->at, i);

		if (s->is_unique && is_repeated(v, item))
			blame(c, MSG_FIELD_REPEATED, 0, NULL);
		else if (s->items != NULL)
			check(c, s->items, item);
		pointer_cut(&c->at, mark);
	}
}

static bool
has_property(const struct schema *s, const char *name)
{
	for (unsigned i = 0; i < s->property_count; i++)
		if (strcmp(s->properties[i].name, name) == 0)
			return true;
	return false;
}

static void
check_object(struct checker *c, const struct schema *s, const json *v)
{
	for (const json *member = json_first(v); s->is_closed && member != NULL; member = json_next(member))
		if (!has_property(s, json_name(member)))
			blame_member(c, MSG_FIELD_UNKNOWN, json_name(member));
	for (unsigned i = 0; i < s->property_count; i++) {
		const struct property *p = &s->properties[i];
		const json *member = json_get(v, p->name);
		size_t mark;

		if (member == NULL && p->is_required)
			blame_member(c, MSG_FIELD_MISSING, p->name);
		if (member == NULL)
			continue;
		mark = pointer_member(&c->at, p->name);
		check(c, p->schema, member);
		pointer_cut(&c->at, mark);
	}
}

/* ---- any value ---- */

static bool
is_choice(const struct schema *s, const json *v)
{
	for (const json *choice = json_first(s->choices); choice != NULL; choice = json_next(choice))
		if (is_same(choice, v))
			return true;
	return false;
}

/* A constant as a person would write it. */
static const char *
constant_text(const json *v)
{
	if (json_type(v) == JSON_BOOL)
		return json_bool(v) ? "true" : "false";
	return json_string(v);
}

static void
check(struct checker *c, const struct schema *s, const json *v)
{
	static void (*const by_type[])(struct checker *, const struct schema *, const json *) = {
		[JSON_NULL] = NULL,
		[JSON_BOOL] = NULL,
		[JSON_INTEGER] = check_number,
		[JSON_REAL] = check_number,
		[JSON_STRING] = check_string,
		[JSON_ARRAY] = check_array,
		[JSON_OBJECT] = check_object,
	};
	const enum json_type type = json_type(v);

	for (; s != NULL; s = s->ref) {
		if (s->types != 0 && !(s->types & 1u << type))
			blame(c, MSG_FIELD_TYPE, 0, s->type_name);
		else if (s->constant != NULL && !is_same(s->constant, v))
			blame(c, MSG_FIELD_CONST, 0, constant_text(s->constant));
		else if (s->choices != NULL && !is_choice(s, v))
			blame(c, MSG_FIELD_ENUM, 0, NULL);
		else if (by_type[type] != NULL)
			by_type[type](c, s, v);
	}
}

enum rc
schema_check(const struct schema *schema, const json *body, struct fault *f)
{
	struct checker c = { .fault = f };

	if (f != NULL)
		fault_clear(f);
	check(&c, schema, body);
	return c.is_bad ? RC_INVALID : RC_OK;
}
