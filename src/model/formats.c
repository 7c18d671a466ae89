/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The closed list of text shapes.  A pattern is not interpreted: its text leads to a function that does the
 * same, and tests/api/contract-static.test.mjs tries both on the same words.
 */
#include <string.h>

#include "base/clock.h"
#include "domain/civil.h"
#include "model/schema_node.h"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool
is_date_time(const char *s, size_t len)
{
	int64_t t;

	return time_parse(s, len, &t);
}

static bool
is_date(const char *s, size_t len)
{
	day_number day;

	return day_parse(s, len, &day);
}

static bool
is_id(const char *s, size_t len)
{
	struct id id;

	return id_parse(s, len, &id);
}

static bool
is_all(const char *s, size_t len, const char *alphabet)
{
	return strspn(s, alphabet) == len;
}

static bool
is_user_name(const char *s, size_t len)
{
	return len > 0 && is_all(s, len, LOWER DIGITS ".-") && *s != '.' && *s != '-';
}

static bool
is_base64url(const char *s, size_t len)
{
	return len > 0 && is_all(s, len, UPPER LOWER DIGITS "_-");
}

static bool
is_phone(const char *s, size_t len)
{
	const size_t plus = *s == '+' ? 1 : 0;

	return len > plus && is_all(s + plus, len - plus, DIGITS " /()-");
}

/* No control character but those in ${allowed}. */
static bool
is_printable(const char *s, size_t len, const char *allowed)
{
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)s[i];

		if ((c < 0x20 || c == 0x7f) && strchr(allowed, c) == NULL)
			return false;
	}
	return true;
}

static bool
is_line(const char *s, size_t len)
{
	return is_printable(s, len, "") && strspn(s, " ") < len;
}

static bool
is_text(const char *s, size_t len)
{
	return is_printable(s, len, "\n");
}

static bool
is_csr(const char *s, size_t len)
{
	static const char head[] = "-----BEGIN CERTIFICATE REQUEST-----\n";
	static const char tail[] = "-----END CERTIFICATE REQUEST-----\n";
	const size_t head_len = sizeof(head) - 1, tail_len = sizeof(tail) - 1;

	return len > head_len + tail_len && memcmp(s, head, head_len) == 0 &&
	    memcmp(s + len - tail_len, tail, tail_len) == 0 &&
	    strspn(s + head_len, UPPER LOWER DIGITS "+/=\n") == len - head_len - tail_len;
}

static const struct format formats[] = {
	{ "format", "date-time", "2026-11-21T03:04:05Z", is_date_time },
	{ "format", "date", "2026-11-21", is_date },
	{ "pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", "2026-11-21T03:04:05Z",
	    is_date_time },
	{ "pattern", "^[0-7][0-9a-hjkmnp-tv-z]{25}$", "id", is_id },
	{ "pattern", "^[a-z0-9][a-z0-9.-]*$", "a-z 0-9 . -", is_user_name },
	{ "pattern", "^[A-Za-z0-9_-]+$", "base64url", is_base64url },
	{ "pattern", "^\\+?[0-9 /()-]+$", "+36 ...", is_phone },
	{ "pattern", "^(?! *$)[^\\u0000-\\u001f\\u007f]+$", "text", is_line },
	{ "pattern", "^[^\\u0000-\\u0009\\u000b-\\u001f\\u007f]*$", "text", is_text },
	{ "pattern",
	    "^-----BEGIN CERTIFICATE REQUEST-----\\n[A-Za-z0-9+/=\\n]+-----END CERTIFICATE REQUEST-----\\n$",
	    "PEM", is_csr },
};

const struct format *
format_find(const char *keyword, const char *text)
{
	for (size_t i = 0; i < COUNT_OF(formats); i++)
		if (strcmp(formats[i].keyword, keyword) == 0 && strcmp(formats[i].text, text) == 0)
			return &formats[i];
	return NULL;
}
