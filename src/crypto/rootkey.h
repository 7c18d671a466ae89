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

/**
 * Read ${path} (NAME.root): 32 bytes that only the owner may reach.  When there is none but NAME.pkcs11
 * stands beside it, open the key in a token that this describes (crypto/pkcs11.h, docs/hsm.md).
 * RC_STATE_CONFLICT if both are there: nobody could tell which one the data need.
 */
MUST_USE enum rc rootkey_load(const char *path, struct rootkey **out, struct fault *f);

/** Does NAME.pkcs11 stand beside ${path} (NAME.root)? */
bool rootkey_has_token(const char *path);

/** One more owner of the same key; each frees its own. */
MUST_USE struct rootkey *rootkey_share(struct rootkey *key);
void rootkey_free(struct rootkey *key); /* NULL-safe; the last one wipes, or leaves the token */

/** Path ${i} that a token's module goes on reading and writing, for whoever confines the process; NULL after
 * the last one, and for a key in memory. */
const char *rootkey_path(const struct rootkey *key, unsigned i);

/** Does a token hold it? */
bool rootkey_is_in_token(const struct rootkey *key);

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
