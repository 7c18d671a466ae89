/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AES-256 key in a PKCS#11 token (OASIS PKCS #11 v2.40): the token seals and opens with it, the key never
 * leaves.  Only for rootkey.c; the one place that knows p11-kit.
 */
#ifndef MENEDEK_PKCS11_H
#define MENEDEK_PKCS11_H

#include "base/bytes.h"
#include "base/fault.h"
#include "crypto/aead.h"

struct pkcs11;

#define PKCS11_PATHS 4u

/**
 * Open the key that the file ${path} describes.  Its first line is a PKCS#11 URI (RFC 7512) that names token,
 * object and module-path; each further line, at most PKCS11_PATHS, is an absolute path that the module goes
 * on reading and writing, for whoever confines the process.  The PIN stands in pin-source of the URI (an
 * absolute path), else in the file of the same name ending in .pin.  One attempt to log in, since tokens lock
 * themselves after a few.
 *
 * RC_INVALID: the file, or a key that is no AES-256 key, can be taken out of the token, or may not seal.
 * RC_UNAVAILABLE: no such module, token or key, or the PIN is refused.
 */
MUST_USE enum rc pkcs11_open(const char *path, struct pkcs11 **out, struct fault *f);
void pkcs11_close(struct pkcs11 *key); /* NULL-safe; logs out */

/** Path ${i} of the file's further lines, or NULL. */
const char *pkcs11_path(const struct pkcs11 *key, unsigned i);

/** Like aead_seal and aead_open, by CKM_AES_GCM in the token.  RC_UNAVAILABLE when it does not answer.
 * Thread-safe. */
MUST_USE enum rc pkcs11_seal(
    struct pkcs11 *key, struct bytes bound, struct bytes plain, uint8_t nonce[AEAD_NONCE], uint8_t *out);
MUST_USE enum rc pkcs11_unseal(struct pkcs11 *key, const uint8_t nonce[AEAD_NONCE], struct bytes bound,
    struct bytes sealed, uint8_t *out);

#endif
