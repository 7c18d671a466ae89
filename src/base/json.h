/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON without surprises.  A strict check (RFC 8259 grammar, RFC 3629 UTF-8, depth, no duplicate
 * member, no lone surrogate, no U+0000, numbers that a double holds exactly when they are integers) runs
 * before cJSON sees a byte; cJSON builds the tree.  This is the only file that includes cJSON.
 */
#ifndef MENEDEK_JSON_H
#define MENEDEK_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "fault.h"

struct cJSON;
typedef struct cJSON json; /* the one typedef: so that callers need not know whose tree it is */

enum json_type { JSON_NULL, JSON_BOOL, JSON_INTEGER, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/**
 * Only the strict check: RC_OK, or RC_MALFORMED with the byte's place (from 1) in ${f}.  Allocates nothing,
 * and so does not look for duplicate members: names are compared unescaped, which json_parse does on the
 * tree.
 */
MUST_USE enum rc json_check(struct bytes text, struct fault *f);

/**
 * Check, parse, and refuse duplicate members.  On RC_OK the caller owns ${out} and frees it with json_free;
 * else
 * ${out} is NULL: RC_MALFORMED, or RC_BUSY without memory.
 */
MUST_USE enum rc json_parse(struct bytes text, json **out, struct fault *f);
void json_free(json *tree); /* the whole tree, never a child; NULL-safe; wipes strings and numbers */

/* The readers take NULL for an absent value and answer as for null. */

/** A number is JSON_INTEGER when its value is one, as in JSON Schema: 1, 1.0 and 1e0 alike. */
enum json_type json_type(const json *v);
const char *json_type_name(enum json_type type);            /* as JSON Schema names it */
const json *json_get(const json *object, const char *name); /* case-sensitive; NULL if absent */
const json *json_first(const json *container);              /* first child or NULL */
const json *json_next(const json *child);                   /* its sibling or NULL */
const char *json_name(const json *member);                  /* member name of a child of an object */
const char *json_string(const json *v);                     /* "" if it is none */
double json_number(const json *v);                          /* 0 if it is none */
bool json_bool(const json *v);                              /* false if it is none */
size_t json_count(const json *container);

#endif
