/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root key: what the data keys of a file are wrapped under.  Either 32 bytes in locked memory, or an AES
 * key in a PKCS#11 token that never leaves it (crypto/pkcs11.h).  Thread-safe once made.
 */
#ifndef MENEDEK_ROOTKEY_H
#define MENEDEK_ROOTKEY_H

#include "base/fault.h"
#include "base/secret.h"
#include "crypto/aead.h"

struct rootkey;

/** A root key of the 32 bytes of ${bytes}, which are copied.  RC_INVALID for another length. */
MUST_USE enum rc rootkey_new(const struct secret *bytes, struct rootkey **out, struct fault *f);

/** Read ${path}: 32 bytes that only the owner may reach. */
MUST_USE enum rc rootkey_load(const char *path, struct rootkey **out, struct fault *f);

/** One more owner of the same key; each frees its own. */
MUST_USE struct rootkey *rootkey_share(struct rootkey *key);
void rootkey_free(struct rootkey *key); /* NULL-safe; the last one wipes, or leaves the token */

/** Seal under it like aead_seal; ${plain} is at most ROOTKEY_TEXT bytes (a wrapped key), ${bound}
 * ROOTKEY_BOUND. */
#define ROOTKEY_TEXT  64u
#define ROOTKEY_BOUND 64u
MUST_USE enum rc rootkey_seal(
    struct rootkey *key, struct bytes bound, struct bytes plain, uint8_t nonce[AEAD_NONCE], uint8_t *out);

/** Open like aead_open.  RC_CORRUPT if it does not verify, RC_UNAVAILABLE when the token does not answer. */
MUST_USE enum rc rootkey_open(struct rootkey *key, const uint8_t nonce[AEAD_NONCE], struct bytes bound,
    struct bytes sealed, uint8_t *out);

#endif
