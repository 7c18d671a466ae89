/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text, written once, front to back.  Does not check that names and values alternate: the caller's tests
 * do. */
#include "base/jw.h"

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

static void
put_char(struct jw *w, char c)
{
	if (w->overflow || w->len == w->cap) {
		w->overflow = true;
		return;
	}
	w->buf[w->len++] = c;
}

/* Before each name and value; afterwards the next one needs a comma, unless a name has just been written. */
static void
begin(struct jw *w)
{
	if (w->needs_comma)
		put_char(w, ',');
	w->needs_comma = true;
}

/* Room for ${len} bytes and the comma before them, which is written; NULL: it does not fit. */
static char *
begin_with(struct jw *w, size_t len)
{
	const size_t comma = w->needs_comma ? 1 : 0;
	char *p = w->buf + w->len;

	if (w->overflow || len > w->cap || len + comma > w->cap - w->len) {
		w->overflow = true;
		return NULL;
	}
	if (comma > 0)
		*p++ = ',';
	w->len += len + comma;
	w->needs_comma = true;
	return p;
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

/*
 * Does one of eight bytes need an escape?  Byte by byte in one word: the high bit of a byte of each term is
 * set when it is a quote, a backslash (zero after xor) or below 0x20; bytes from 0x80 on never do.
 */
static bool
needs_escape(const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
	uint64_t v, quote, slash;

	memcpy(&v, s, sizeof(v));
	quote = v ^ ones * '"';
	slash = v ^ ones * '\\';
	return (((quote - ones) | (slash - ones) | (v - ones * 0x20)) & ~v & highs) != 0;
}

static size_t
plain_start(const char *s, size_t len)
{
	size_t i = 0;

	while (i + sizeof(uint64_t) <= len && !needs_escape(s + i))
		i += sizeof(uint64_t);
	return i;
}

static void
put_quoted(struct jw *w, const char *s, size_t len)
{
	size_t from = 0;

	put_char(w, '"');
	for (size_t i = plain_start(s, len); i < len; i++) {
		const unsigned char c = (unsigned char)s[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		put(w, s + from, i - from);
		put_escaped(w, c);
		from = i + 1;
	}
	put(w, s + from, len - from);
	put_char(w, '"');
}

void
jw_open(struct jw *w, char bracket)
{
	begin(w);
	put_char(w, bracket);
	w->needs_comma = false;
}

void
jw_close(struct jw *w, char bracket)
{
	put_char(w, bracket);
	w->needs_comma = true;
}

void
jw_name(struct jw *w, const char *name)
{
	begin(w);
	put_char(w, '"'); /* names are ours: nothing in them needs an escape */
	put(w, name, strlen(name));
	put(w, "\":", 2);
	w->needs_comma = false;
}

void
jw_opening(struct jw *w, const char *opening, size_t len)
{
	char *p = begin_with(w, len);

	if (p != NULL)
		memcpy(p, opening, len);
	w->needs_comma = false;
}

void
jw_plain(struct jw *w, const char *s, size_t len)
{
	char *p = begin_with(w, len + 2);

	if (p == NULL)
		return;
	p[0] = '"';
	memcpy(p + 1, s, len);
	p[len + 1] = '"';
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

static size_t
digits_of(uint64_t v)
{
	size_t count = 1;

	while ((v /= 10) != 0)
		count++;
	return count;
}

void
jw_int(struct jw *w, int64_t v)
{
	uint64_t left = v < 0 ? -(uint64_t)v : (uint64_t)v;
	const size_t len = digits_of(left) + (v < 0);
	char *p = begin_with(w, len);

	if (p == NULL)
		return;
	if (v < 0)
		*p = '-';
	p += len;
	do
		*--p = (char)('0' + left % 10);
	while ((left /= 10) != 0);
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
	jw_plain(w, text, ID_TEXT);
}

void
jw_time(struct jw *w, int64_t unix_seconds)
{
	char text[21];

	time_format(unix_seconds, text);
	jw_plain(w, text, sizeof(text) - 1);
}

void
jw_raw(struct jw *w, const char *json, size_t len)
{
	char *p = begin_with(w, len);

	if (p != NULL && len > 0)
		memcpy(p, json, len);
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
