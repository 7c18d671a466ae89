/* SPDX-License-Identifier: Apache-2.0 */
/* Views, text encodings, UTF-8, checked sizes.  Knows no format above single values. */
#include "base/bytes.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct bytes
bytes_str(const char *s)
{
	return (struct bytes){ (const uint8_t *)s, strlen(s) };
}

bool
bytes_equal(struct bytes a, struct bytes b)
{
	unsigned differs = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		differs |= (unsigned)(a.p[i] ^ b.p[i]);
	return differs == 0;
}

/* RFC 3629, 4: the second byte's range depends on the first; the rest are 80 to BF. */
struct lead {
	uint8_t first, last, tail, low, high;
};

static const struct lead leads[] = {
	{ 0x01, 0x7f, 0, 0, 0 },
	{ 0xc2, 0xdf, 1, 0x80, 0xbf },
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf },
	{ 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f },
	{ 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf },
	{ 0xf4, 0xf4, 3, 0x80, 0x8f },
};

/* Length of the character at p, 0 if it is broken or does not end before len. */
static size_t
utf8_character(const uint8_t *p, size_t len)
{
	const struct lead *lead = leads;
	const struct lead *const end = leads + COUNT_OF(leads);

	while (lead < end && (p[0] < lead->first || p[0] > lead->last))
		lead++;
	if (lead == end || lead->tail >= len)
		return 0;
	if (lead->tail > 0 && (p[1] < lead->low || p[1] > lead->high))
		return 0;
	for (size_t i = 2; i <= lead->tail; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return lead->tail + 1u;
}

size_t
utf8_prefix(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t at = 0;

	while (at < len) {
		size_t step = utf8_character(p + at, len - at);

		if (step == 0)
			break;
		at += step;
	}
	return at;
}

bool
utf8_is_valid(const char *s, size_t len)
{
	return utf8_prefix(s, len) == len;
}

void
hex_format(const uint8_t *p, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		*out++ = hex_digits[p[i] >> 4];
		*out++ = hex_digits[p[i] & 15];
	}
	*out = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
hex_parse(const char *text, size_t text_len, uint8_t *out, size_t len)
{
	if (text_len % 2 != 0 || text_len / 2 != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = hex_value(text[2 * i]);
		int low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

size_t
base64url_format(const uint8_t *p, size_t len, char *out)
{
	char *const start = out;
	uint32_t bits;

	for (; len >= 3; len -= 3, p += 3) {
		bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		*out++ = base64url_digits[bits >> 18];
		*out++ = base64url_digits[bits >> 12 & 63];
		*out++ = base64url_digits[bits >> 6 & 63];
		*out++ = base64url_digits[bits & 63];
	}
	if (len > 0) {
		bits = (uint32_t)p[0] << 16 | (len == 2 ? (uint32_t)p[1] << 8 : 0);
		*out++ = base64url_digits[bits >> 18];
		*out++ = base64url_digits[bits >> 12 & 63];
		if (len == 2)
			*out++ = base64url_digits[bits >> 6 & 63];
	}
	*out = '\0';
	return (size_t)(out - start);
}

static int
base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool
base64url_parse(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *len)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t used = 0;

	*len = 0;
	if (text_len % 4 == 1)
		return false;
	for (size_t i = 0; i < text_len; i++) {
		int value = base64url_value(text[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held < 8)
			continue;
		if (used == cap)
			return false;
		held -= 8;
		out[used++] = (uint8_t)(bits >> held);
	}
	/* leftover bits that are not zero would give one value several texts */
	if ((bits & ((1u << held) - 1)) != 0)
		return false;
	*len = used;
	return true;
}

bool
text_number(const char *text, uint64_t most, uint64_t *out)
{
	uint64_t value = 0;

	*out = 0;
	if (*text == '\0')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		const uint64_t digit = (uint64_t)(*text - '0');

		if (digit > most || value > (most - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return *text == '\0';
}

bool
text_split(char *text, char **field, unsigned count)
{
	for (unsigned n = 0; n + 1 < count; n++) {
		char *end = strchr(text, ' ');

		field[n] = text;
		if (end == NULL)
			return false;
		*end = '\0';
		text = end + 1;
	}
	field[count - 1] = text;
	return strchr(text, ' ') == NULL;
}

void
text_tame(char *text)
{
	uint8_t *p = (uint8_t *)text;
	size_t left = strlen(text);

	while (left > 0) {
		const size_t step = utf8_character(p, left);
		const bool is_c1 = step == 2 && p[0] == 0xc2 && p[1] < 0xa0;

		if (step == 0 || *p < 0x20 || *p == 0x7f || is_c1)
			memset(p, '?', step == 0 ? 1 : step);
		p += step == 0 ? 1 : step;
		left -= step == 0 ? 1 : step;
	}
}

bool
size_add(size_t a, size_t b, size_t *out)
{
	return !__builtin_add_overflow(a, b, out);
}

bool
size_mul(size_t a, size_t b, size_t *out)
{
	return !__builtin_mul_overflow(a, b, out);
}

void
wipe(void *p, size_t len)
{
	if (len > 0)
		explicit_bzero(p, len);
}

size_t
decimal_format(uint64_t v, char out[DECIMAL_MAX + 1])
{
	size_t at = DECIMAL_MAX, len;
	char digits[DECIMAL_MAX];

	do
		digits[--at] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	len = DECIMAL_MAX - at;
	memcpy(out, digits + at, len);
	out[len] = '\0';
	return len;
}

bool
str_copy(char *dst, size_t cap, const char *src)
{
	size_t len = strlen(src);
	bool fits = len < cap;

	if (cap == 0)
		return false;
	if (!fits)
		len = cap - 1;
	memcpy(dst, src, len);
	dst[len] = '\0';
	return fits;
}

void
put_u32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

void
put_u64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

uint32_t
get_u32(const uint8_t *p)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++)
		v = v << 8 | p[i];
	return v;
}

uint64_t
get_u64(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}
