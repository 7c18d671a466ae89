/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 signatures (RFC 8032): checkpoints of the audit trail.  Chosen over ES256 because a signature needs
 * no random number that could fail, and since the notes of transparency logs use it.  Keys are PEM (RFC
 * 8410).
 */
#ifndef MENEDEK_SIGNING_H
#define MENEDEK_SIGNING_H

#include "crypto/ca.h"

#define SIGNATURE_BYTES      64u
#define SIGNING_PUBLIC_BYTES 32u

struct signing_key;

/** A new private key (PKCS#8) and its public half; wipe ${key}. */
MUST_USE enum rc signing_new(struct pem *key, struct pem *public);

/** Load either half.  RC_INVALID if it is not an Ed25519 key of that kind. */
MUST_USE enum rc signing_load(const struct pem *pem, bool is_private, struct signing_key **out);
void signing_free(struct signing_key *key); /* NULL-safe */

/** Threads may share a key.  RC_INTERNAL with a key that is only public. */
MUST_USE enum rc signing_sign(
    const struct signing_key *key, struct bytes text, uint8_t signature[SIGNATURE_BYTES]);
MUST_USE bool signing_verify(
    const struct signing_key *key, struct bytes text, const uint8_t signature[SIGNATURE_BYTES]);

/** The public half as its 32 bytes. */
void signing_public(const struct signing_key *key, uint8_t out[SIGNING_PUBLIC_BYTES]);

#endif
