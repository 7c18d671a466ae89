/* SPDX-License-Identifier: Apache-2.0 */
/* Files that travel inside the program: schemas, sample data, the contract, the console.  Made by
 * tools/embed.sh. */
#include <string.h>

#include "model/schema_node.h"

#include "embedded.inc"

static const struct embedded_row {
	const char *name;
	struct bytes file;
} rows[] = { EMBEDDED_ROWS };

const struct bytes *
embedded_file(const char *path)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strcmp(rows[i].name, path) == 0)
			return &rows[i].file;
	return NULL;
}

void
embedded_each(void (*fn)(void *, const char *), void *arg)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		fn(arg, rows[i].name);
}

enum rc
schemas_load(struct schemas **out, struct fault *f)
{
	struct schema_source sources[COUNT_OF(rows)];
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strncmp(rows[i].name, "schema/", 7) == 0)
			sources[count++] = (struct schema_source){ rows[i].name + 7, rows[i].file };
	return schemas_compile(sources, count, out, f);
}
