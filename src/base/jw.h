/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON straight into a buffer, without a tree.  Commas are the writer's business; a value that does
 * not fit sets ${overflow} and all later writes do nothing, so that a caller checks once, at the end.
 */
#ifndef MENEDEK_JW_H
#define MENEDEK_JW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "id.h"

struct jw {
	char *buf;
	size_t len, cap;
	bool overflow;
	bool needs_comma;
};

/** Write into ${buf} of ${cap} bytes; the caller owns it.  The text is ${len} bytes long, without a NUL. */
void jw_init(struct jw *w, char *buf, size_t cap);

void jw_open(struct jw *w, char bracket);  /* '{' or '[' */
void jw_close(struct jw *w, char bracket); /* '}' or ']' */
void jw_name(struct jw *w, const char *name);
void jw_opening(struct jw *w, const char *opening, size_t len); /* a name with its quotes and colon */
void jw_string(struct jw *w, const char *s);                    /* escapes; ${s} is valid UTF-8 */
void jw_string_n(struct jw *w, const char *s, size_t len);
void jw_plain(struct jw *w, const char *s, size_t len); /* a string without anything to escape */
void jw_int(struct jw *w, int64_t v);
void jw_bool(struct jw *w, bool v);
void jw_null(struct jw *w);
void jw_id(struct jw *w, const struct id *id);
void jw_time(struct jw *w, int64_t unix_seconds); /* "2026-11-21T03:04:05Z" (RFC 3339), years 1970 to 9999 */
void jw_raw(struct jw *w, const char *json, size_t len); /* a value that is JSON already */

/** name and value in one call. */
void jw_field_string(struct jw *w, const char *name, const char *s);
void jw_field_int(struct jw *w, const char *name, int64_t v);
void jw_field_bool(struct jw *w, const char *name, bool v);
void jw_field_id(struct jw *w, const char *name, const struct id *id);
void jw_field_time(struct jw *w, const char *name, int64_t unix_seconds);

#endif
