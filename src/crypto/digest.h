/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, HMAC-SHA-256 and HKDF-SHA-256 (FIPS 180-4, RFC 2104, RFC 5869) on OpenSSL.  They cannot fail for
 * callers: a failure inside OpenSSL aborts, since going on with a wrong digest would be worse. */
#ifndef MENEDEK_DIGEST_H
#define MENEDEK_DIGEST_H

#include "base/bytes.h"

#define DIGEST_BYTES 32u

void digest(struct bytes data, uint8_t out[DIGEST_BYTES]);

/** Digest of several parts as if they were one; callers frame them. */
void digest_parts(const struct bytes *parts, size_t count, uint8_t out[DIGEST_BYTES]);
void digest_hmac(struct bytes key, struct bytes data, uint8_t out[DIGEST_BYTES]);
void digest_hkdf(struct bytes key, const char *label, uint8_t out[DIGEST_BYTES]);

#endif
