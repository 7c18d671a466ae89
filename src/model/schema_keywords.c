/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node of a schema: a table of keywords, each with the function that takes it.  What is not in the table
 * is refused, so that a rule is never silently ignored.
 */
#include <math.h>
#include <string.h>

#include "model/schema_compiler.h"

/* Compile the value of a member under its name in the pointer. */
static enum rc
compile_at(struct compiler *c, const json *in, const struct schema **out)
{
	const size_t mark = pointer_member(&c->at, json_name(in));
	struct schema *node = NULL;
	const enum rc rc = compiler_compile(c, in, &node);

	pointer_cut(&c->at, mark);
	*out = node;
	return rc;
}

/* ---- keywords ---- */

static enum rc
take_nothing(struct compiler *c, struct schema *node, const json *v)
{
	(void)node;
	return json_type(v) == JSON_STRING ? RC_OK : compiler_refuse(c, json_name(v));
}

static enum rc
take_type(struct compiler *c, struct schema *node, const json *v)
{
	const json *name = json_type(v) == JSON_ARRAY ? json_first(v) : v;

	for (; name != NULL; name = name == v ? NULL : json_next(name)) {
		unsigned type = JSON_NULL;

		while (type <= JSON_OBJECT &&
		    strcmp(json_type_name((enum json_type)type), json_string(name)) != 0)
			type++;
		if (type > JSON_OBJECT)
			return compiler_refuse(c, json_string(name));
		node->types |= 1u << type;
		if (node->type_name == NULL)
			node->type_name = json_string(name);
	}
	if (node->types & 1u << JSON_REAL)
		node->types |= 1u << JSON_INTEGER;
	return node->types != 0 ? RC_OK : compiler_refuse(c, "type");
}

static enum rc
take_properties(struct compiler *c, struct schema *node, const json *v)
{
	struct property *p = schemas_alloc(c->all, json_count(v), sizeof(*p));
	enum rc rc;

	if (p == NULL)
		return RC_TOO_BIG;
	if (json_type(v) != JSON_OBJECT)
		return compiler_refuse(c, "properties");
	node->properties = p;
	for (const json *member = json_first(v); member != NULL; member = json_next(member), p++) {
		p->name = json_name(member);
		if ((rc = compile_at(c, member, &p->schema)) != RC_OK)
			return rc;
		node->property_count++;
	}
	return RC_OK;
}

/* After "properties", so that a misspelt name is found. */
static enum rc
take_required(struct compiler *c, struct schema *node, const json *v)
{
	for (const json *name = json_first(v); name != NULL; name = json_next(name)) {
		struct property *p = NULL;

		for (unsigned i = 0; i < node->property_count; i++)
			if (strcmp(node->properties[i].name, json_string(name)) == 0)
				p = &node->properties[i];
		if (p == NULL)
			return compiler_refuse(c, json_string(name));
		p->is_required = true;
	}
	return RC_OK;
}

static enum rc
take_closed(struct compiler *c, struct schema *node, const json *v)
{
	if (json_type(v) != JSON_BOOL || json_bool(v))
		return compiler_refuse(c, json_name(v));
	node->is_closed = true;
	return RC_OK;
}

static enum rc
take_items(struct compiler *c, struct schema *node, const json *v)
{
	struct schema *items = NULL;
	const enum rc rc = compiler_compile(c, v, &items);

	node->items = items;
	return rc;
}

static bool
is_scalar(const json *v)
{
	return json_type(v) != JSON_ARRAY && json_type(v) != JSON_OBJECT;
}

static enum rc
take_enum(struct compiler *c, struct schema *node, const json *v)
{
	if (json_type(v) != JSON_ARRAY || json_count(v) == 0)
		return compiler_refuse(c, "enum");
	for (const json *choice = json_first(v); choice != NULL; choice = json_next(choice))
		if (!is_scalar(choice))
			return compiler_refuse(c, "enum");
	node->choices = v;
	return RC_OK;
}

static enum rc
take_const(struct compiler *c, struct schema *node, const json *v)
{
	node->constant = v;
	return is_scalar(v) ? RC_OK : compiler_refuse(c, "const");
}

static enum rc
take_minimum(struct compiler *c, struct schema *node, const json *v)
{
	node->minimum = json_number(v);
	return json_type(v) == JSON_INTEGER ? RC_OK : compiler_refuse(c, "minimum");
}

static enum rc
take_maximum(struct compiler *c, struct schema *node, const json *v)
{
	node->maximum = json_number(v);
	return json_type(v) == JSON_INTEGER ? RC_OK : compiler_refuse(c, "maximum");
}

static enum rc
take_size(struct compiler *c, const json *v, size_t *out)
{
	if (json_type(v) != JSON_INTEGER || json_number(v) < 0)
		return compiler_refuse(c, json_name(v));
	*out = (size_t)json_number(v);
	return RC_OK;
}

static enum rc
take_min_length(struct compiler *c, struct schema *node, const json *v)
{
	return take_size(c, v, &node->min_length);
}

static enum rc
take_max_length(struct compiler *c, struct schema *node, const json *v)
{
	return take_size(c, v, &node->max_length);
}

static enum rc
take_min_items(struct compiler *c, struct schema *node, const json *v)
{
	return take_size(c, v, &node->min_items);
}

static enum rc
take_max_items(struct compiler *c, struct schema *node, const json *v)
{
	return take_size(c, v, &node->max_items);
}

static enum rc
take_unique(struct compiler *c, struct schema *node, const json *v)
{
	node->is_unique = json_bool(v);
	return json_type(v) == JSON_BOOL ? RC_OK : compiler_refuse(c, "uniqueItems");
}

static enum rc
take_pattern(struct compiler *c, struct schema *node, const json *v)
{
	node->pattern = format_find("pattern", json_string(v));
	return node->pattern != NULL ? RC_OK : compiler_refuse(c, json_string(v));
}

static enum rc
take_format(struct compiler *c, struct schema *node, const json *v)
{
	node->format = format_find("format", json_string(v));
	return node->format != NULL ? RC_OK : compiler_refuse(c, json_string(v));
}

static enum rc
take_ref(struct compiler *c, struct schema *node, const json *v)
{
	node->ref_text = json_string(v);
	return json_type(v) == JSON_STRING ? RC_OK : compiler_refuse(c, "$ref");
}

static enum rc
take_visible(struct compiler *c, struct schema *node, const json *v)
{
	node->has_visible = true;
	if (json_type(v) == JSON_STRING && strcmp(json_string(v), "any") == 0) {
		node->visible = UINT32_MAX;
		return RC_OK;
	}
	if (json_type(v) != JSON_ARRAY)
		return compiler_refuse(c, "x-visible");
	for (const json *role = json_first(v); role != NULL; role = json_next(role)) {
		const int code = code_find(&codes_role, json_string(role), strlen(json_string(role)));

		if (code < 0)
			return compiler_refuse(c, json_string(role));
		node->visible |= 1u << code;
	}
	return RC_OK;
}

static enum rc
take_defs(struct compiler *c, struct schema *node, const json *v)
{
	enum rc rc;

	(void)node;
	if (c->depth != 1)
		return compiler_refuse(c, "$defs");
	for (const json *member = json_first(v); member != NULL; member = json_next(member)) {
		const struct schema *def;

		if ((rc = compile_at(c, member, &def)) != RC_OK)
			return rc;
		if ((rc = compiler_define(c, json_name(member), def)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* "required" stands after "properties": they are taken in this order. */
static const struct keyword {
	const char *name;
	enum rc (*take)(struct compiler *c, struct schema *node, const json *v);
} keywords[] = {
	{ "$schema", take_nothing },
	{ "title", take_nothing },
	{ "description", take_nothing },
	{ "$defs", take_defs },
	{ "$ref", take_ref },
	{ "type", take_type },
	{ "properties", take_properties },
	{ "required", take_required },
	{ "additionalProperties", take_closed },
	{ "unevaluatedProperties", take_closed },
	{ "items", take_items },
	{ "enum", take_enum },
	{ "const", take_const },
	{ "minimum", take_minimum },
	{ "maximum", take_maximum },
	{ "minLength", take_min_length },
	{ "maxLength", take_max_length },
	{ "minItems", take_min_items },
	{ "maxItems", take_max_items },
	{ "uniqueItems", take_unique },
	{ "pattern", take_pattern },
	{ "format", take_format },
	{ "x-visible", take_visible },
};

/* ---- one node ---- */

static enum rc
refuse_unknown(struct compiler *c, const json *in)
{
	for (const json *member = json_first(in); member != NULL; member = json_next(member)) {
		size_t i = 0;

		while (i < COUNT_OF(keywords) && strcmp(keywords[i].name, json_name(member)) != 0)
			i++;
		if (i == COUNT_OF(keywords))
			return compiler_refuse(c, json_name(member));
	}
	return RC_OK;
}

/* Rules about keywords together, where JSON Schema would mean something that we do not do. */
static enum rc
check_node(struct compiler *c, const struct schema *node)
{
	if (node->ref_text != NULL && (node->properties != NULL || node->items != NULL || node->is_closed))
		return compiler_refuse(c, "$ref");
	if (node->is_unique && node->max_items > LIMIT_JSON_MEMBERS)
		return compiler_refuse(c, "uniqueItems");
	return RC_OK;
}

static enum rc
take_keywords(struct compiler *c, struct schema *node, const json *in)
{
	enum rc rc = refuse_unknown(c, in);

	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(keywords); i++) {
		const json *v = json_get(in, keywords[i].name);
		size_t mark;

		if (v == NULL)
			continue;
		mark = pointer_member(&c->at, keywords[i].name);
		rc = keywords[i].take(c, node, v);
		pointer_cut(&c->at, mark);
	}
	return rc == RC_OK ? check_node(c, node) : rc;
}

enum rc
compiler_compile(struct compiler *c, const json *in, struct schema **out)
{
	struct schema *node = schemas_alloc(c->all, 1, sizeof(*node));
	enum rc rc;

	if (node == NULL)
		return RC_TOO_BIG;
	if (json_type(in) != JSON_OBJECT)
		return compiler_refuse(c, "");
	node->minimum = -INFINITY;
	node->maximum = INFINITY;
	node->max_length = node->max_items = SIZE_MAX;
	node->file = c->file;
	node->next = c->nodes;
	c->nodes = node;
	c->depth++;
	rc = take_keywords(c, node, in);
	c->depth--;
	*out = node;
	return rc;
}
