/* SPDX-License-Identifier: Apache-2.0 */
/* Folding of letters and signs.  Pure. */
#include "domain/code_name.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

/* Capitals of Hungarian beyond ASCII: two bytes of UTF-8 each, as are their small letters. */
static const char *const letters[][2] = { { "Á", "á" }, { "É", "é" }, { "Í", "í" }, { "Ó", "ó" },
	{ "Ö", "ö" }, { "Ő", "ő" }, { "Ú", "ú" }, { "Ü", "ü" }, { "Ű", "ű" } };

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* False: a blank or a sign. */
static bool
is_heard(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

/* The small letter that stands at ${p}; returns how many bytes it and its capital take. */
static size_t
put_small(const char *p, char *out)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (strncmp(p, letters[i][0], 2) == 0) {
			memcpy(out, letters[i][1], 2);
			return 2;
		}
	}
	*out = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
	return 1;
}

void
code_name_heard(const char *name, char out[LIMIT_NAME])
{
	size_t len = 0;
	bool is_apart = false;

	/* never longer than ${name}, which fits: each sign that counts gives one blank */
	for (const char *p = name; *p != '\0';) {
		if (!is_heard(*p)) {
			is_apart = true;
			p++;
			continue;
		}
		if (is_apart && len > 0 && is_digit(out[len - 1]) && is_digit(*p))
			out[len++] = ' ';
		is_apart = false;
		const size_t n = put_small(p, out + len);
		p += n;
		len += n;
	}
	out[len] = '\0';
	if (len == 0)
		(void)str_copy(out, LIMIT_NAME, name);
}
