/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text, written once, front to back.  Does not check that names and values alternate: the caller's tests
 * do. */
#include "base/jw.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void
jw_init(struct jw *w, char *buf, size_t cap)
{
	*w = (struct jw){ .buf = buf, .cap = cap };
}

static void
put(struct jw *w, const char *s, size_t len)
{
	if (w->overflow || len > w->cap - w->len) {
		w->overflow = true;
		return;
	}
	if (len > 0)
		memcpy(w->buf + w->len, s, len);
	w->len += len;
}

/* Before each name and value; afterwards the next one needs a comma, unless a name has just been written. */
static void
begin(struct jw *w)
{
	if (w->needs_comma)
		put(w, ",", 1);
	w->needs_comma = true;
}

/* RFC 8259, 7: what must be escaped, and the short forms. */
static void
put_escaped(struct jw *w, unsigned char c)
{
	static const char *const shorts[128] = {
		['"'] = "\\\"",
		['\\'] = "\\\\",
		['\b'] = "\\b",
		['\f'] = "\\f",
		['\n'] = "\\n",
		['\r'] = "\\r",
		['\t'] = "\\t",
	};
	char text[8];

	if (shorts[c] != NULL) {
		put(w, shorts[c], 2);
		return;
	}
	(void)snprintf(text, sizeof(text), "\\u%04x", c);
	put(w, text, 6);
}

static void
put_quoted(struct jw *w, const char *s, size_t len)
{
	size_t from = 0;

	put(w, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)s[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		put(w, s + from, i - from);
		put_escaped(w, c);
		from = i + 1;
	}
	put(w, s + from, len - from);
	put(w, "\"", 1);
}

void
jw_open(struct jw *w, char bracket)
{
	begin(w);
	put(w, &bracket, 1);
	w->needs_comma = false;
}

void
jw_close(struct jw *w, char bracket)
{
	put(w, &bracket, 1);
	w->needs_comma = true;
}

void
jw_name(struct jw *w, const char *name)
{
	begin(w);
	put_quoted(w, name, strlen(name));
	put(w, ":", 1);
	w->needs_comma = false;
}

void
jw_string(struct jw *w, const char *s)
{
	jw_string_n(w, s, strlen(s));
}

void
jw_string_n(struct jw *w, const char *s, size_t len)
{
	begin(w);
	put_quoted(w, s, len);
}

void
jw_int(struct jw *w, int64_t v)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRId64, v);

	jw_raw(w, text, (size_t)len);
}

void
jw_bool(struct jw *w, bool v)
{
	jw_raw(w, v ? "true" : "false", v ? 4 : 5);
}

void
jw_null(struct jw *w)
{
	jw_raw(w, "null", 4);
}

void
jw_id(struct jw *w, const struct id *id)
{
	char text[ID_TEXT + 1];

	id_format(id, text);
	jw_string_n(w, text, ID_TEXT);
}

void
jw_time(struct jw *w, int64_t unix_seconds)
{
	char text[21];

	time_format(unix_seconds, text);
	jw_string_n(w, text, sizeof(text) - 1);
}

void
jw_raw(struct jw *w, const char *json, size_t len)
{
	begin(w);
	put(w, json, len);
}

void
jw_field_string(struct jw *w, const char *name, const char *s)
{
	jw_name(w, name);
	jw_string(w, s);
}

void
jw_field_int(struct jw *w, const char *name, int64_t v)
{
	jw_name(w, name);
	jw_int(w, v);
}

void
jw_field_bool(struct jw *w, const char *name, bool v)
{
	jw_name(w, name);
	jw_bool(w, v);
}

void
jw_field_id(struct jw *w, const char *name, const struct id *id)
{
	jw_name(w, name);
	jw_id(w, id);
}

void
jw_field_time(struct jw *w, const char *name, int64_t unix_seconds)
{
	jw_name(w, name);
	jw_time(w, unix_seconds);
}
