/* SPDX-License-Identifier: Apache-2.0 */
/* A compiled schema, shared by the compiler (schema.c), the checker (schema_check.c) and views (view.c) only.
 */
#ifndef MENEDEK_SCHEMA_NODE_H
#define MENEDEK_SCHEMA_NODE_H

#include "model/schema.h"

/** A named shape of text: what stands under "pattern" or "format" must be one of formats.c's rows. */
struct format {
	const char *keyword, *text; /* as the schema writes it */
	const char *name;           /* as a person is told */
	bool (*matches)(const char *s, size_t len);
};

/** The row of ${keyword} and ${text}, or NULL. */
const struct format *format_find(const char *keyword, const char *text);

struct property {
	const char *name;
	const struct schema *schema;
	bool is_required;
};

struct schema {
	const struct schema *ref; /* checked besides the own keywords */
	unsigned types;           /* bit per enum json_type; 0 = any */
	const char *type_name;    /* for the message */
	struct property *properties;
	unsigned property_count;
	bool is_closed; /* no other member */
	const struct schema *items;
	const json *choices; /* "enum": an array of scalars */
	const json *constant;
	double minimum, maximum;
	size_t min_length, max_length; /* characters */
	size_t min_items, max_items;
	bool is_unique;
	const struct format *pattern, *format;
	uint32_t visible; /* roles; valid with has_visible */
	bool has_visible;

	/* of the compiler */
	const char *ref_text, *file;
	struct schema *next;
};

/** More references than this in a row are a circle. */
#define SCHEMA_REFS 8u

/** Memory that lives as long as ${all}; NULL at its bound. */
MUST_USE void *schemas_alloc(struct schemas *all, size_t count, size_t size);

#endif
