/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identifiers: 128 random bits, so that an id says nothing about order, count or place.  As text: 26
 * lower-case characters of Crockford's base32 (no i, l, o, u), the first of them 0 to 7.  Exactly one text
 * per id.
 */
#ifndef MENEDEK_ID_H
#define MENEDEK_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attr.h"

#define ID_BYTES 16u
#define ID_TEXT  26u

struct id {
	uint8_t b[ID_BYTES];
};

/** A new random id.  Aborts the process if the kernel gives no randomness: a guessable id is worse. */
struct id id_new(void);

bool id_is_zero(const struct id *id);
bool id_equal(const struct id *a, const struct id *b); /* constant time */

/** Write 26 characters and a NUL to ${out}. */
void id_format(const struct id *id, char out[ID_TEXT + 1]);

/** Parse exactly ${len} == 26 characters; false for any other text, ${out} then is zero. */
MUST_USE bool id_parse(const char *text, size_t len, struct id *out);

/** Fill ${out} with ${len} random bytes of the kernel's generator.  Aborts if it cannot. */
void random_fill(void *out, size_t len);

/** Uniform in 0 .. bound-1 (no modulo bias).  ${bound} > 0. */
uint32_t random_below(uint32_t bound);

#endif
