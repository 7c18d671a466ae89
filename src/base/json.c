/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of a checked text, and the only way to read it.  cJSON's traps stay in here: its parser's leniency
 * (json_check.c stands before it), duplicate members, a getter that ignores case, NaN for what is no number.
 */
#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* All nodes from the root down, parents before children: cJSON has no way up, so the path is kept. */
struct walk {
	cJSON *path[LIMIT_JSON_DEPTH + 1]; /* the innermost container may hold a scalar */
	unsigned depth;
};

static cJSON *
walk_next(struct walk *w)
{
	cJSON *at = w->path[w->depth - 1];

	if (at->child != NULL && w->depth < COUNT_OF(w->path))
		return w->path[w->depth++] = at->child;
	while (w->depth > 1 && w->path[w->depth - 1]->next == NULL)
		w->depth--;
	if (w->depth == 1)
		return NULL;
	return w->path[w->depth - 1] = w->path[w->depth - 1]->next;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A name that stands twice in ${object}, or NULL.  The check has bounded the members. */
static const char *
find_duplicate(const cJSON *object)
{
	const char *names[LIMIT_JSON_MEMBERS];
	size_t count = 0;

	for (const cJSON *m = object->child; m != NULL && count < COUNT_OF(names); m = m->next)
		names[count++] = m->string;
	if (count < 2)
		return NULL;
	qsort(names, count, sizeof(names[0]), compare_names);
	for (size_t i = 1; i < count; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return names[i];
	return NULL;
}

enum rc
json_parse(struct bytes text, json **out, struct fault *f)
{
	enum rc rc = json_check(text, f);
	struct walk w = { .depth = 1 };
	cJSON *tree;

	*out = NULL;
	if (rc != RC_OK)
		return rc;
	tree = cJSON_ParseWithLengthOpts((const char *)text.p, text.len, NULL, 0);
	if (tree == NULL) /* the syntax is right, so memory was short */
		return fault_set(f, RC_BUSY, MSG_NO_MEMORY, "", 0, NULL);
	w.path[0] = tree;
	for (const cJSON *at = tree; at != NULL; at = walk_next(&w)) {
		const char *twice = cJSON_IsObject(at) ? find_duplicate(at) : NULL;

		if (twice == NULL)
			continue;
		rc = fault_set(f, RC_MALFORMED, MSG_JSON_DUPLICATE, "", 0, twice);
		json_free(tree);
		return rc;
	}
	*out = tree;
	return RC_OK;
}

void
json_free(json *tree)
{
	struct walk w = { .path = { tree }, .depth = 1 };

	if (tree == NULL)
		return;
	for (cJSON *at = tree; at != NULL; at = walk_next(&w)) {
		if (at->valuestring != NULL)
			wipe(at->valuestring, strlen(at->valuestring));
		at->valueint = 0;
		at->valuedouble = 0;
	}
	cJSON_Delete(tree);
}

static bool
is_integer(double v)
{
	if (!(v >= -LIMIT_JSON_INTEGER && v <= LIMIT_JSON_INTEGER))
		return false;
	return (double)(int64_t)v == v;
}

enum json_type
json_type(const json *v)
{
	if (cJSON_IsNumber(v))
		return is_integer(v->valuedouble) ? JSON_INTEGER : JSON_REAL;
	if (cJSON_IsString(v))
		return JSON_STRING;
	if (cJSON_IsBool(v))
		return JSON_BOOL;
	if (cJSON_IsArray(v))
		return JSON_ARRAY;
	return cJSON_IsObject(v) ? JSON_OBJECT : JSON_NULL;
}

const char *
json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",
		[JSON_BOOL] = "boolean",
		[JSON_INTEGER] = "integer",
		[JSON_REAL] = "number",
		[JSON_STRING] = "string",
		[JSON_ARRAY] = "array",
		[JSON_OBJECT] = "object",
	};

	return names[type];
}

const json *
json_get(const json *object, const char *name)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const json *
json_first(const json *container)
{
	return container == NULL ? NULL : container->child;
}

const json *
json_next(const json *child)
{
	return child == NULL ? NULL : child->next;
}

const char *
json_name(const json *member)
{
	return member == NULL || member->string == NULL ? "" : member->string;
}

const char *
json_string(const json *v)
{
	return cJSON_IsString(v) ? v->valuestring : "";
}

double
json_number(const json *v)
{
	return cJSON_IsNumber(v) ? v->valuedouble : 0;
}

bool
json_bool(const json *v)
{
	return cJSON_IsTrue(v) != 0;
}

size_t
json_count(const json *container)
{
	size_t count = 0;

	for (const json *child = json_first(container); child != NULL; child = json_next(child))
		count++;
	return count;
}
