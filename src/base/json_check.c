/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict check: a loop over the tokens with a stack of open brackets; a table says what may come next. It
 * stands before cJSON, which takes much that is no JSON, but knows nothing of it and builds no tree.
 */
#include "base/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_TEXT 40u /* no honest number is longer */

enum expect {
	EXPECT_VALUE,
	EXPECT_ITEM_OR_END,
	EXPECT_NAME,
	EXPECT_NAME_OR_END,
	EXPECT_COLON,
	EXPECT_MORE,
	EXPECT_END
};

struct check {
	const uint8_t *p, *end;
	enum expect expect;
	enum msg wrong;
	unsigned depth;
	char open[LIMIT_JSON_DEPTH];
	unsigned members[LIMIT_JSON_DEPTH];
};

static bool
fail(struct check *c, enum msg msg)
{
	c->wrong = msg;
	return false;
}

static bool
skip(struct check *c, uint8_t byte)
{
	if (c->p == c->end || *c->p != byte)
		return false;
	c->p++;
	return true;
}

static size_t
skip_digits(struct check *c)
{
	const uint8_t *const start = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return (size_t)(c->p - start);
}

/* Four hex digits, or -1. */
static long
take_hex4(struct check *c)
{
	long v = 0;

	for (unsigned i = 0; i < 4; i++, c->p++) {
		static const char hex[] = "0123456789abcdef0123456789ABCDEF";
		const char *at = c->p == c->end ? NULL : memchr(hex, *c->p, sizeof(hex) - 1);

		if (at == NULL)
			return -1;
		v = v * 16 + (at - hex) % 16;
	}
	return v;
}

/* RFC 8259, 8.2: a surrogate without its other half is no character.  U+0000 would end a C string early. */
static bool
take_unicode_escape(struct check *c)
{
	long v = take_hex4(c);

	if (v <= 0 || (v >= 0xdc00 && v <= 0xdfff))
		return false;
	if (v < 0xd800 || v > 0xdbff)
		return true;
	if (!skip(c, '\\') || !skip(c, 'u'))
		return false;
	v = take_hex4(c);
	return v >= 0xdc00 && v <= 0xdfff;
}

static bool
take_escape(struct check *c)
{
	static const char plain[] = "\"\\/bfnrt";

	if (c->p == c->end)
		return false;
	if (skip(c, 'u'))
		return take_unicode_escape(c);
	if (memchr(plain, *c->p, sizeof(plain) - 1) == NULL)
		return false;
	c->p++;
	return true;
}

static bool
take_string(struct check *c)
{
	if (!skip(c, '"'))
		return false;
	while (c->p < c->end && *c->p >= 0x20) {
		if (skip(c, '"'))
			return true;
		if (*c->p++ == '\\' && !take_escape(c))
			return false;
	}
	return false;
}

/* Does a double hold it?  Out of range, vanishing to zero, or an integer past 2^53 - 1: no. */
static bool
is_exact(const uint8_t *text, size_t len, bool is_integer)
{
	char copy[NUMBER_TEXT + 1];
	double v;

	if (len > NUMBER_TEXT)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	errno = 0;
	v = strtod(copy, NULL);
	if (errno == ERANGE)
		return false;
	return !is_integer || (v >= -LIMIT_JSON_INTEGER && v <= LIMIT_JSON_INTEGER);
}

static bool
take_number(struct check *c)
{
	const uint8_t *const start = c->p;
	bool is_integer = true;

	(void)skip(c, '-');
	if (!skip(c, '0') && skip_digits(c) == 0)
		return false;
	if (skip(c, '.')) {
		is_integer = false;
		if (skip_digits(c) == 0)
			return false;
	}
	if (skip(c, 'e') || skip(c, 'E')) {
		is_integer = false;
		if (!skip(c, '+'))
			(void)skip(c, '-');
		if (skip_digits(c) == 0)
			return false;
	}
	if (is_exact(start, (size_t)(c->p - start), is_integer))
		return true;
	return fail(c, MSG_JSON_NUMBER);
}

static bool
take_literal(struct check *c)
{
	static const char *const literals[] = { "true", "false", "null" };

	for (size_t i = 0; i < COUNT_OF(literals); i++) {
		const size_t len = strlen(literals[i]);

		if ((size_t)(c->end - c->p) < len || memcmp(c->p, literals[i], len) != 0)
			continue;
		c->p += len;
		return true;
	}
	return false;
}

static bool
take_open(struct check *c)
{
	if (c->depth == LIMIT_JSON_DEPTH)
		return fail(c, MSG_JSON_DEPTH);
	c->open[c->depth] = (char)*c->p++;
	c->members[c->depth] = 0;
	c->expect = c->open[c->depth++] == '{' ? EXPECT_NAME_OR_END : EXPECT_ITEM_OR_END;
	return true;
}

static void
value_ended(struct check *c)
{
	c->expect = c->depth == 0 ? EXPECT_END : EXPECT_MORE;
}

static bool
take_value(struct check *c)
{
	bool ok;

	if (*c->p == '{' || *c->p == '[')
		return take_open(c);
	if (*c->p == '"')
		ok = take_string(c);
	else if (*c->p == '-' || (*c->p >= '0' && *c->p <= '9'))
		ok = take_number(c);
	else
		ok = take_literal(c);
	value_ended(c);
	return ok;
}

static bool
take_close(struct check *c)
{
	if (!skip(c, c->open[c->depth - 1] == '{' ? '}' : ']'))
		return false;
	c->depth--;
	value_ended(c);
	return true;
}

static bool
take_item_or_end(struct check *c)
{
	return take_close(c) || take_value(c);
}

static bool
take_name(struct check *c)
{
	if (++c->members[c->depth - 1] > LIMIT_JSON_MEMBERS)
		return fail(c, MSG_JSON_MEMBERS);
	c->expect = EXPECT_COLON;
	return take_string(c);
}

static bool
take_name_or_end(struct check *c)
{
	return take_close(c) || take_name(c);
}

static bool
take_colon(struct check *c)
{
	c->expect = EXPECT_VALUE;
	return skip(c, ':');
}

static bool
take_more(struct check *c)
{
	if (!skip(c, ','))
		return take_close(c);
	c->expect = c->open[c->depth - 1] == '{' ? EXPECT_NAME : EXPECT_VALUE;
	return true;
}

static bool
take_nothing(struct check *c)
{
	(void)c;
	return false;
}

/* Run to the end of the text.  False: c->p is where it goes wrong, c->wrong says how. */
static bool
run(struct check *c)
{
	static bool (*const take[])(struct check *) = {
		[EXPECT_VALUE] = take_value,
		[EXPECT_ITEM_OR_END] = take_item_or_end,
		[EXPECT_NAME] = take_name,
		[EXPECT_NAME_OR_END] = take_name_or_end,
		[EXPECT_COLON] = take_colon,
		[EXPECT_MORE] = take_more,
		[EXPECT_END] = take_nothing,
	};

	for (;;) {
		while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
			c->p++;
		if (c->p == c->end)
			return c->expect == EXPECT_END;
		if (!take[c->expect](c))
			return false;
	}
}

enum rc
json_check(struct bytes text, struct fault *f)
{
	const size_t valid = utf8_prefix((const char *)text.p, text.len);
	struct check c = { .p = text.p, .end = text.p + valid, .wrong = MSG_JSON_SYNTAX };
	const bool ok = text.len > 0 && run(&c);
	long number = (long)(c.p - text.p) + 1;

	if (ok && valid == text.len)
		return RC_OK;
	if (c.p == c.end && valid < text.len && text.p[valid] != '\0')
		c.wrong = MSG_JSON_UTF8;
	if (c.wrong == MSG_JSON_DEPTH)
		number = LIMIT_JSON_DEPTH;
	else if (c.wrong == MSG_JSON_MEMBERS)
		number = LIMIT_JSON_MEMBERS;
	return fault_set(f, RC_MALFORMED, c.wrong, "", number, NULL);
}
