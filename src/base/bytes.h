/* SPDX-License-Identifier: Apache-2.0 */
/* A length with every pointer; text encodings (hex, base64url), UTF-8, constant-time compare, checked sizes.
 */
#ifndef MENEDEK_BYTES_H
#define MENEDEK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attr.h"

/** A view: valid as long as its owner. */
struct bytes {
	const uint8_t *p;
	size_t len;
};

#define BYTES_OF(array) ((struct bytes){ (const uint8_t *)(array), sizeof(array) })

/** View of a C string without its NUL. */
struct bytes bytes_str(const char *s);
bool bytes_equal(struct bytes a, struct bytes b); /* constant time for equal lengths */

/** Is ${s} well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, at most U+10FFFF) without NUL? */
bool utf8_is_valid(const char *s, size_t len);

/** Bytes of the longest start of ${s} that is such UTF-8: where it is wrong, or where it may be cut. */
size_t utf8_prefix(const char *s, size_t len);

/** Hex, lower case.  ${out} holds 2 * len + 1. */
void hex_format(const uint8_t *p, size_t len, char *out);
MUST_USE bool hex_parse(const char *text, size_t text_len, uint8_t *out, size_t len);

/** base64url without padding (RFC 4648, 5).  ${out} holds BASE64URL_LEN(len) + 1; returns the text's length.
 */
#define BASE64URL_LEN(n) (((n)*4 + 2) / 3)
size_t base64url_format(const uint8_t *p, size_t len, char *out);

/** Strict: no padding, no other alphabet, unused bits zero.  False if it does not decode to at most ${cap}.
 */
MUST_USE bool base64url_parse(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *len);

/** A text of decimal digits and nothing else, at most ${most}. */
MUST_USE bool text_number(const char *text, uint64_t most, uint64_t *out);

/** Cut ${text} at its spaces into exactly ${count} fields, at least one; they may be empty. */
MUST_USE bool text_split(char *text, char **field, unsigned count);

/** What a terminal would obey in ${text} (control characters, U+0080 to U+009F, broken UTF-8) becomes '?'. */
void text_tame(char *text);

MUST_USE bool size_add(size_t a, size_t b, size_t *out);
MUST_USE bool size_mul(size_t a, size_t b, size_t *out);

/** ${v} in decimal digits; returns their number. */
#define DECIMAL_MAX 20u
size_t decimal_format(uint64_t v, char out[DECIMAL_MAX + 1]);

/** Overwrite ${p} so that the compiler cannot drop it. */
void wipe(void *p, size_t len);

/** Copy at most cap-1 bytes of ${src} and end with NUL.  False if it was cut. */
bool str_copy(char *dst, size_t cap, const char *src);

/** Big-endian integers, as keys and sealed headers store them. */
void put_u32(uint8_t *p, uint32_t v);
void put_u64(uint8_t *p, uint64_t v);
uint32_t get_u32(const uint8_t *p);
uint64_t get_u64(const uint8_t *p);

#endif
