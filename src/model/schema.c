/* SPDX-License-Identifier: Apache-2.0 */
/* Files of schemas: each compiled node by node (schema_keywords.c), references resolved when all are there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/schema_compiler.h"

#define SCHEMA_FILES  128u
#define SCHEMA_MEMORY ((size_t)4 * 1024 * 1024) /* all of ours take about a tenth */
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
};

void *
schemas_alloc(struct schemas *all, size_t count, size_t size)
{
	return arena_calloc(all->arena, count, size);
}

enum rc
compiler_refuse(struct compiler *c, const char *word)
{
	return fault_set(c->fault, RC_INVALID, MSG_SCHEMA_BAD, c->at.text, 0, word);
}

enum rc
compiler_define(struct compiler *c, const char *name, const struct schema *schema)
{
	struct target *t = &c->all->targets[c->all->target_count];
	int len;

	if (c->all->target_count == SCHEMA_DEFS)
		return RC_TOO_BIG;
	len = snprintf(t->name, sizeof(t->name), "%s%s%s", c->file, name ? "#/$defs/" : "", name ? name : "");
	if (len < 0 || (size_t)len >= sizeof(t->name))
		return compiler_refuse(c, name);
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
		return rc == RC_MALFORMED ? compiler_refuse(c, "JSON") : rc;
	c->all->trees[c->all->tree_count++] = tree;
	if ((rc = compiler_compile(c, tree, &root)) != RC_OK)
		return rc;
	return compiler_define(c, NULL, root);
}

static enum rc
resolve(const struct compiler *c)
{
	for (struct schema *node = c->nodes; node != NULL; node = node->next) {
		if (node->ref_text == NULL)
			continue;
		if ((node->ref = find_target(c->all, node->file, node->ref_text)) == NULL)
			return fault_set(c->fault, RC_INVALID, MSG_SCHEMA_BAD, node->file, 0, node->ref_text);
	}
	for (const struct schema *node = c->nodes; node != NULL; node = node->next) {
		const struct schema *end = node;
		unsigned hops = 0;

		for (; end->ref != NULL && hops < SCHEMA_REFS; hops++)
			end = end->ref;
		if (end->ref != NULL)
			return fault_set(c->fault, RC_INVALID, MSG_SCHEMA_BAD, node->file, 0, node->ref_text);
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
		rc = resolve(&c);
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
