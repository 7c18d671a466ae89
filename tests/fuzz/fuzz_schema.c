/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: a body under the schema that the first byte chooses among all of ours; from '{' on: a schema of
 * its own, up to a NUL, and a body for it.  What was checked once is judged the same again.
 */
#include <stdlib.h>
#include <string.h>

#include "model/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

#define NAMES 128u

static char names[NAMES][64];
static unsigned name_count;

/* Those that the program has embedded: schema/NAME.json. */
static void
note(void *arg, const char *path)
{
	struct schemas *all = arg;
	const size_t len = strlen(path);
	char name[64];

	if (strncmp(path, "schema/", 7) != 0 || len < 13 || len - 12 >= sizeof(name) || name_count == NAMES)
		return;
	memcpy(name, path + 7, len - 12);
	name[len - 12] = '\0';
	if (schema_find(all, name) != NULL)
		memcpy(names[name_count++], name, sizeof(name));
}

static void
judge(const struct schema *schema, struct bytes text)
{
	struct fault f = { 0 }, again = { 0 };
	json *tree = NULL;

	if (json_check(text, &f) != RC_OK || json_parse(text, &tree, &f) != RC_OK)
		return;
	f.count = 0;
	if (schema_check(schema, tree, &f) != schema_check(schema, tree, &again) || f.count != again.count)
		abort();
	json_free(tree);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct schemas *all;
	struct schemas *own = NULL;
	struct fault f = { 0 };

	if (all == NULL) {
		if (schemas_load(&all, &f) != RC_OK)
			abort();
		embedded_each(note, all);
		if (name_count < 20)
			abort();
	}
	if (len < 2)
		return 0;
	if (p[0] != '{') {
		judge(schema_find(all, names[p[0] % name_count]), (struct bytes){ p + 1, len - 1 });
		return 0;
	}
	const uint8_t *end = memchr(p, '\0', len);
	const size_t at = end == NULL ? len : (size_t)(end - p);
	const struct schema_source source = { "own.json", { p, at } };

	if (schemas_compile(&source, 1, &own, &f) == RC_OK) {
		if (at < len)
			judge(schema_find(own, "own"), (struct bytes){ p + at + 1, len - at - 1 });
		schemas_free(own);
	}
	return 0;
}
