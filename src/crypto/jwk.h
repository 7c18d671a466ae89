/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys of P-256 from their coordinates (RFC 7518, 6.2.1), and ES256 checked under them (RFC 7518,
 * 3.4), for tokens that somebody else signs: libjwt knows no "typ" but its own.
 */
#ifndef MENEDEK_JWK_H
#define MENEDEK_JWK_H

#include "crypto/ca.h"

#define JWK_COORDINATE 32u

struct jwk; /* may be used by any number of threads */

/** RC_INVALID when the point is not on the curve. */
MUST_USE enum rc jwk_new(const uint8_t x[JWK_COORDINATE], const uint8_t y[JWK_COORDINATE], struct jwk **out);
void jwk_free(struct jwk *jwk); /* NULL-safe */

/** Is ${signature}, r and s of 32 bytes each, made for ${text} by the owner of ${jwk}?  RC_BAD_TOKEN if not.
 */
#define JWK_SIGNATURE 64u
MUST_USE enum rc jwk_es256_check(
    const struct jwk *jwk, struct bytes text, const uint8_t signature[JWK_SIGNATURE]);

#endif
