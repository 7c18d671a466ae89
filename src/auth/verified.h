/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens whose signature was found good, by the SHA-256 of their text: a check by libjwt costs half a
 * millisecond, a look here less than one microsecond.  It remembers what a token says, not whether it still
 * counts: times, binding and revocation are for the caller, each time.  Refused tokens are not remembered.
 * Only for this directory.
 */
#ifndef MENEDEK_VERIFIED_H
#define MENEDEK_VERIFIED_H

#include "auth/auth.h"

struct verified;

/** What a token of ours says. */
struct token {
	struct claims claims;
	int64_t not_before;
};

/** NULL without memory. */
struct verified *verified_new(void);
void verified_free(struct verified *v); /* NULL-safe; wipes */

bool verified_find(struct verified *v, const uint8_t digest[32], struct token *out);

/** Remember; of the few others that share its places the one that ends first may be forgotten for it. */
void verified_add(struct verified *v, const uint8_t digest[32], const struct token *token);

#endif
