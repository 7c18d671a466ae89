/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the text of schemas to nodes: a table of keywords, each with the function that takes it; what is not
 * in the table is refused.  References are resolved when all files are read.  Knows nothing of bodies.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/pointer.h"
#include "model/schema_node.h"

#define SCHEMA_FILES  128u
#define SCHEMA_MEMORY (4u * 1024 * 1024) /* all of ours take about a tenth */
#define SCHEMA_DEFS   256u

/* What a $ref can lead to. */
struct target {
	char name[80]; /* "common.json" or "common.json#/$defs/id" */
	const struct schema *schema;
};

struct schemas {
	struct arena *arena;
	json *trees[SCHEMA_FILES]; /* nodes borrow texts and constants from them */
	struct target targets[SCHEMA_DEFS];
	unsigned tree_count, target_count;
	struct schema *nodes; /* all, for the resolution of references */
};

struct compiler {
	struct schemas *all;
	const char *file;
	struct pointer at;
	struct fault *fault;
	unsigned depth;
};

void *
schemas_alloc(struct schemas *all, size_t count, size_t size)
{
	return arena_calloc(all->arena, count, size);
}

static enum rc
refuse(struct compiler *c, const char *word)
{
	return fault_set(c->fault, RC_INVALID, MSG_SCHEMA_BAD, c->at.text, 0, word);
}

static enum rc compile(struct compiler *c, const json *in, struct schema **out);

/* Compile the value of a member under its name in the pointer. */
static enum rc
compile_at(struct compiler *c, const json *in, const struct schema **out)
{
	const size_t mark = pointer_member(&c->at, json_name(in));
	struct schema *node = NULL;
	const enum rc rc = compile(c, in, &node);

	pointer_cut(&c->at, mark);
	*out = node;
	return rc;
}

/* ---- keywords ---- */

static enum rc
take_nothing(struct compiler *c, struct schema *node, const json *v)
{
	(void)node;
	return json_type(v) == JSON_STRING ? RC_OK : refuse(c, json_name(v));
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
			return refuse(c, json_string(name));
		node->types |= 1u << type;
		if (node->type_name == NULL)
			node->type_name = json_string(name);
	}
	if (node->types & 1u << JSON_REAL)
		node->types |= 1u << JSON_INTEGER;
	return node->types != 0 ? RC_OK : refuse(c, "type");
}

static enum rc
take_properties(struct compiler *c, struct schema *node, const json *v)
{
	struct property *p = schemas_alloc(c->all, json_count(v), sizeof(*p));
	enum rc rc;

	if (p == NULL)
		return RC_TOO_BIG;
	if (json_type(v) != JSON_OBJECT)
		return refuse(c, "properties");
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
			return refuse(c, json_string(name));
		p->is_required = true;
	}
	return RC_OK;
}

static enum rc
take_closed(struct compiler *c, struct schema *node, const json *v)
{
	if (json_type(v) != JSON_BOOL || json_bool(v))
		return refuse(c, json_name(v));
	node->is_closed = true;
	return RC_OK;
}

static enum rc
take_items(struct compiler *c, struct schema *node, const json *v)
{
	struct schema *items = NULL;
	const enum rc rc = compile(c, v, &items);

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
		return refuse(c, "enum");
	for (const json *choice = json_first(v); choice != NULL; choice = json_next(choice))
		if (!is_scalar(choice))
			return refuse(c, "enum");
	node->choices = v;
	return RC_OK;
}

static enum rc
take_const(struct compiler *c, struct schema *node, const json *v)
{
	node->constant = v;
	return is_scalar(v) ? RC_OK : refuse(c, "const");
}

static enum rc
take_minimum(struct compiler *c, struct schema *node, const json *v)
{
	node->minimum = json_number(v);
	return json_type(v) == JSON_INTEGER ? RC_OK : refuse(c, "minimum");
}

static enum rc
take_maximum(struct compiler *c, struct schema *node, const json *v)
{
	node->maximum = json_number(v);
	return json_type(v) == JSON_INTEGER ? RC_OK : refuse(c, "maximum");
}

static enum rc
take_size(struct compiler *c, const json *v, size_t *out)
{
	if (json_type(v) != JSON_INTEGER || json_number(v) < 0)
		return refuse(c, json_name(v));
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
	return json_type(v) == JSON_BOOL ? RC_OK : refuse(c, "uniqueItems");
}

static enum rc
take_pattern(struct compiler *c, struct schema *node, const json *v)
{
	node->pattern = format_find("pattern", json_string(v));
	return node->pattern != NULL ? RC_OK : refuse(c, json_string(v));
}

static enum rc
take_format(struct compiler *c, struct schema *node, const json *v)
{
	node->format = format_find("format", json_string(v));
	return node->format != NULL ? RC_OK : refuse(c, json_string(v));
}

static enum rc
take_ref(struct compiler *c, struct schema *node, const json *v)
{
	node->ref_text = json_string(v);
	return json_type(v) == JSON_STRING ? RC_OK : refuse(c, "$ref");
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
		return refuse(c, "x-visible");
	for (const json *role = json_first(v); role != NULL; role = json_next(role)) {
		const int code = code_find(&codes_role, json_string(role), strlen(json_string(role)));

		if (code < 0)
			return refuse(c, json_string(role));
		node->visible |= 1u << code;
	}
	return RC_OK;
}

static enum rc add_target(struct compiler *c, const char *name, const struct schema *schema);

static enum rc
take_defs(struct compiler *c, struct schema *node, const json *v)
{
	enum rc rc;

	(void)node;
	if (c->depth != 1)
		return refuse(c, "$defs");
	for (const json *member = json_first(v); member != NULL; member = json_next(member)) {
		const struct schema *def;

		if ((rc = compile_at(c, member, &def)) != RC_OK)
			return rc;
		if ((rc = add_target(c, json_name(member), def)) != RC_OK)
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
			return refuse(c, json_name(member));
	}
	return RC_OK;
}

/* Rules about keywords together, where JSON Schema would mean something that we do not do. */
static enum rc
check_node(struct compiler *c, const struct schema *node)
{
	if (node->ref_text != NULL && (node->properties != NULL || node->items != NULL || node->is_closed))
		return refuse(c, "$ref");
	if (node->is_unique && node->max_items > LIMIT_JSON_MEMBERS)
		return refuse(c, "uniqueItems");
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

/* Bounded by the depth that the JSON reader allows. */
static enum rc
compile(struct compiler *c, const json *in, struct schema **out)
{
	struct schema *node = schemas_alloc(c->all, 1, sizeof(*node));
	enum rc rc;

	if (node == NULL)
		return RC_TOO_BIG;
	if (json_type(in) != JSON_OBJECT)
		return refuse(c, "");
	node->minimum = -INFINITY;
	node->maximum = INFINITY;
	node->max_length = node->max_items = SIZE_MAX;
	node->file = c->file;
	node->next = c->all->nodes;
	c->all->nodes = node;
	c->depth++;
	rc = take_keywords(c, node, in);
	c->depth--;
	*out = node;
	return rc;
}

/* ---- files and references ---- */

/* ${name} is a definition of the present file, or NULL for the file itself. */
static enum rc
add_target(struct compiler *c, const char *name, const struct schema *schema)
{
	struct target *t = &c->all->targets[c->all->target_count];
	int len;

	if (c->all->target_count == SCHEMA_DEFS)
		return RC_TOO_BIG;
	len = snprintf(t->name, sizeof(t->name), "%s%s%s", c->file, name ? "#/$defs/" : "", name ? name : "");
	if (len < 0 || (size_t)len >= sizeof(t->name))
		return refuse(c, name);
	t->schema = schema;
	c->all->target_count++;
	return RC_OK;
}

static const struct schema *
find_target(const struct schemas *all, const char *file, const char *ref)
{
	char name[80];
	const int len = snprintf(name, sizeof(name), "%s%s", *ref == '#' ? file : "", ref);

	for (unsigned i = 0; len > 0 && (size_t)len < sizeof(name) && i < all->target_count; i++)
		if (strcmp(all->targets[i].name, name) == 0)
			return all->targets[i].schema;
	return NULL;
}

static enum rc
compile_file(struct compiler *c, const struct schema_source *source)
{
	struct schema *root = NULL;
	json *tree;
	enum rc rc;

	c->file = source->name;
	c->at = (struct pointer){ .len = 0 };
	(void)str_copy(c->at.text, sizeof(c->at.text), source->name);
	c->at.len = strlen(c->at.text);
	if (c->all->tree_count == SCHEMA_FILES)
		return RC_TOO_BIG;
	if ((rc = json_parse(source->text, &tree, c->fault)) != RC_OK)
		return rc == RC_MALFORMED ? refuse(c, "JSON") : rc;
	c->all->trees[c->all->tree_count++] = tree;
	if ((rc = compile(c, tree, &root)) != RC_OK)
		return rc;
	return add_target(c, NULL, root);
}

static enum rc
resolve(struct schemas *all, struct fault *f)
{
	for (struct schema *node = all->nodes; node != NULL; node = node->next) {
		if (node->ref_text == NULL)
			continue;
		if ((node->ref = find_target(all, node->file, node->ref_text)) == NULL)
			return fault_set(f, RC_INVALID, MSG_SCHEMA_BAD, node->file, 0, node->ref_text);
	}
	for (const struct schema *node = all->nodes; node != NULL; node = node->next) {
		const struct schema *end = node;
		unsigned hops = 0;

		for (; end->ref != NULL && hops < SCHEMA_REFS; hops++)
			end = end->ref;
		if (end->ref != NULL)
			return fault_set(f, RC_INVALID, MSG_SCHEMA_BAD, node->file, 0, node->ref_text);
	}
	return RC_OK;
}

enum rc
schemas_compile(const struct schema_source *sources, size_t count, struct schemas **out, struct fault *f)
{
	struct schemas *all = calloc(1, sizeof(*all));
	struct compiler c = { .all = all, .fault = f };
	enum rc rc = RC_OK;

	*out = NULL;
	if (all == NULL || (all->arena = arena_new(SCHEMA_MEMORY)) == NULL)
		rc = RC_UNAVAILABLE;
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = compile_file(&c, &sources[i]);
	if (rc == RC_OK)
		rc = resolve(all, f);
	if (rc == RC_OK)
		*out = all;
	else
		schemas_free(all);
	return rc;
}

void
schemas_free(struct schemas *all)
{
	if (all == NULL)
		return;
	for (unsigned i = 0; i < all->tree_count; i++)
		json_free(all->trees[i]);
	arena_free(all->arena);
	free(all);
}

const struct schema *
schema_find(const struct schemas *all, const char *name)
{
	const size_t len = strlen(name);

	for (unsigned i = 0; i < all->target_count; i++)
		if (strncmp(all->targets[i].name, name, len) == 0 &&
		    strcmp(all->targets[i].name + len, ".json") == 0)
			return all->targets[i].schema;
	return NULL;
}
