/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM with random 96-bit nonces (NIST SP 800-38D; at most 2^32 seals a key, we rotate long before).
 */
#ifndef MENEDEK_AEAD_H
#define MENEDEK_AEAD_H

#include "base/bytes.h"
#include "base/rc.h"

#define AEAD_KEY   32u
#define AEAD_NONCE 12u
#define AEAD_TAG   16u

/** ${out} holds plain.len + AEAD_TAG.  Draws a fresh nonce into ${nonce}.  Thread-safe, no allocation after
 * warm-up. */
MUST_USE enum rc aead_seal(const uint8_t key[AEAD_KEY], struct bytes bound, struct bytes plain,
    uint8_t nonce[AEAD_NONCE], uint8_t *out);

/** ${out} holds sealed.len - AEAD_TAG.  RC_CORRUPT if it does not verify; ${out} then is wiped. */
MUST_USE enum rc aead_open(const uint8_t key[AEAD_KEY], const uint8_t nonce[AEAD_NONCE], struct bytes bound,
    struct bytes sealed, uint8_t *out);

/**
 * The last key that a thread used stays in its context, because setting one up costs as much as using it.
 * aead_forget wipes this thread's (after a root key or a house's key), aead_forget_all every thread's (when
 * keys are destroyed).
 */
void aead_forget(void);
void aead_forget_all(void);

#endif
