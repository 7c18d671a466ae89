/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sealed location that carries its own data key, wrapped under the location root key: for registries of
 * several nodes, whose vaults share that root and no file.  What vaultring.h seals has its key in the ring
 * instead.  Beside the ring's version 1 this is version 2:
 *   2 | nonce 12 | wrapped key 48 | nonce 12 | text | tag 16
 */
#ifndef MENEDEK_VAULTCARD_H
#define MENEDEK_VAULTCARD_H

#include "base/id.h"
#include "crypto/rootkey.h"

#define VAULTCARD_OVERHEAD (1u + AEAD_NONCE + AEAD_KEY + AEAD_TAG + AEAD_NONCE + AEAD_TAG)

/** Was ${sealed} made here?  Its key is nowhere else, so whoever changes the root must seal it anew. */
bool vaultcard_is(struct bytes sealed);

/**
 * Seal a location of ${house} under a key of its own; ${out} holds plain.len + VAULTCARD_OVERHEAD.  That key
 * ends with the sealed text: where a copy of the text is kept, the root key opens it.  Errors of
 * rootkey_seal.
 */
MUST_USE enum rc vaultcard_seal(
    struct rootkey *root, const struct id *house, struct bytes plain, uint8_t *out);

/** RC_CORRUPT: it does not verify, is another house's, or under another root. */
MUST_USE enum rc vaultcard_open(
    struct rootkey *root, const struct id *house, struct bytes sealed, uint8_t *out, size_t *out_len);

#endif
