/* SPDX-License-Identifier: Apache-2.0 */
/* What the compiler of schemas knows while it works; shared by schema.c (files) and schema_keywords.c (nodes)
 * only. */
#ifndef MENEDEK_SCHEMA_COMPILER_H
#define MENEDEK_SCHEMA_COMPILER_H

#include "model/pointer.h"
#include "model/schema_node.h"

struct compiler {
	struct schemas *all;
	const char *file;
	struct schema *nodes; /* all so far, for the resolution of references */
	struct pointer at;
	struct fault *fault;
	unsigned depth;
};

/** RC_INVALID with the place where the compiler stands. */
enum rc compiler_refuse(struct compiler *c, const char *word);

/** Make ${schema} known as definition ${name} of the present file; NULL: as the file itself. */
MUST_USE enum rc compiler_define(struct compiler *c, const char *name, const struct schema *schema);

/** Compile one schema and all in it.  Bounded by the depth that the JSON reader allows. */
MUST_USE enum rc compiler_compile(struct compiler *c, const json *in, struct schema **out);

#endif
