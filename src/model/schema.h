/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema (2020-12), the part that we use, compiled at start from schema/ (embedded): type, properties,
 * required, additionalProperties/unevaluatedProperties false, items, enum, const, minimum, maximum,
 * minLength, maxLength, minItems, maxItems, uniqueItems, pattern (a closed list of named formats instead of
 * regular expressions: see formats.c), format, $ref to another file or its $defs, $defs, title,
 * description, x-visible, $schema.  Any other keyword is refused at start, so that a rule is never silently
 * ignored.
 */
#ifndef MENEDEK_SCHEMA_H
#define MENEDEK_SCHEMA_H

#include "base/arena.h"
#include "base/json.h"
#include "model/model.h"

struct schema;
struct schemas;

/** A file of schema/, data/, web/dist/ or openapi.yaml, embedded in the program; NULL: none of that name. */
const struct bytes *embedded_file(const char *path);

/** Call ${fn} with the name of each embedded file. */
void embedded_each(void (*fn)(void *arg, const char *name), void *arg);

/** One file: its name as others refer to it ("reservation-new.json"), and its text. */
struct schema_source {
	const char *name;
	struct bytes text;
};

/**
 * Compile files that refer only to each other; names must outlive ${out}.  RC_INVALID: ${f} has file and
 * place of what is wrong as the pointer, and the keyword.
 */
MUST_USE enum rc schemas_compile(
    const struct schema_source *sources, size_t count, struct schemas **out, struct fault *f);

/** Compile all embedded schemas. */
MUST_USE enum rc schemas_load(struct schemas **out, struct fault *f);
void schemas_free(struct schemas *all);

/** The schema of ${name} ("reservation-new"), or NULL. */
const struct schema *schema_find(const struct schemas *all, const char *name);

/** Check ${body}: RC_OK, or RC_INVALID with up to LIMIT_FAULTS items, each with its JSON pointer. */
MUST_USE enum rc schema_check(const struct schema *schema, const json *body, struct fault *f);

/**
 * The view of ${m} under a response schema: a field is visible to the roles that its property's x-visible
 * names (or that of the nearest object around it); a field without a property, or without x-visible, is
 * visible to none. "any" stands for every role and for a device without a person.  Owned by ${all}.
 */
MUST_USE enum rc schema_view(struct schemas *all, const struct schema *schema, const struct model *m,
    const struct view **out, struct fault *f);
#define VIEW_ANY 0x80000000u

#endif
