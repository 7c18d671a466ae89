/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-GCM of Nettle, the library under our TLS, where the processor has instructions for it: a small
 * text costs a third of what OpenSSL's layers ask.  Elsewhere Nettle works with tables whose access times
 * tell of the key, and OpenSSL does not: so there it is not used.  Only for this directory.
 */
#ifndef MENEDEK_GCM_H
#define MENEDEK_GCM_H

#include <nettle/gcm.h>
#include <nettle/version.h>

#include "crypto/aead.h"

/* Nettle multiplies for GCM by instruction since 3.8.  The builds for sanitizers take the other way, so that
 * the same tests walk both. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    (NETTLE_VERSION_MAJOR > 3 || (NETTLE_VERSION_MAJOR == 3 && NETTLE_VERSION_MINOR >= 8))
#define GCM_MAY_BE_USED 1
#else
#define GCM_MAY_BE_USED 0
#endif

/* One direction of one thread; keeps the key that it was last given.  All zero: none. */
struct gcm {
	struct gcm_aes256_ctx ctx;
	uint8_t key[AEAD_KEY];
	bool has_key;
};

/** Has this processor the instructions?  Asks it each time: keep the answer. */
bool gcm_is_safe(void);

/** ${in} to ${out}, as long, and its tag; nobody has compared that with another. */
void gcm_seal(struct gcm *g, const uint8_t key[AEAD_KEY], const uint8_t nonce[AEAD_NONCE], struct bytes bound,
    struct bytes in, uint8_t *out, uint8_t tag[AEAD_TAG]);
void gcm_open(struct gcm *g, const uint8_t key[AEAD_KEY], const uint8_t nonce[AEAD_NONCE], struct bytes bound,
    struct bytes in, uint8_t *out, uint8_t tag[AEAD_TAG]);

/** Wipe the key and all that was made of it. */
void gcm_forget(struct gcm *g);

#endif
