/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data keys, by use and id.  The keyring file holds them wrapped (AES-256-GCM) under a root key that
 * lives outside the data directory.  Locations have a ring of their own under a second root key: one key per
 * house. Rotation makes a new current key for a use; old keys stay for reading until what they seal was
 * written again.
 */
#ifndef MENEDEK_KEYRING_H
#define MENEDEK_KEYRING_H

#include "base/bytes.h"
#include "base/fault.h"
#include "base/secret.h"
#include "crypto/aead.h"

/** What a key may seal.  A value sealed for one use does not open for another. */
enum key_use {
	KEY_RECORD, /* organisations, people, houses, units: what lives long */
	KEY_DETAIL, /* episodes and reservations: what retention destroys */
	KEY_AUDIT,  /* audit entries */
	KEY_EVENT,  /* event log */
	KEY_TOKEN,  /* candidates, cursors, ETags: handed out, short-lived */
	KEY_USES
};

struct keyring;

/** Make a new ring with one key for each use and write it to ${path} (0600) wrapped under ${root} (32 bytes).
 */
MUST_USE enum rc keyring_create(const char *path, const struct secret *root, struct fault *f);
MUST_USE enum rc keyring_open(
    const char *path, const struct secret *root, struct keyring **out, struct fault *f);
void keyring_free(struct keyring *ring); /* NULL-safe; wipes */

/**
 * Add a new current key for every use and wrap all under ${root} (the same or a new one), written atomically.
 * On failure ring and file are as before.  Threads may seal and open meanwhile.
 */
MUST_USE enum rc keyring_rotate(
    struct keyring *ring, const char *path, const struct secret *root, struct fault *f);

/** Id of the current key of ${use}; ids are never used twice. */
uint32_t keyring_current(const struct keyring *ring, enum key_use use);

/** Number of keys held. */
unsigned keyring_count(const struct keyring *ring);

/**
 * Seal ${plain} under the current key of ${use}; ${bound} is the associated data (the store key), at most
 * KEYRING_BOUND bytes (else RC_TOO_BIG); version, key id and use are bound too.  Writes SEAL_OVERHEAD +
 * plain.len bytes to ${out}: version, key id, nonce, ciphertext, tag.  Thread-safe.
 */
#define SEAL_OVERHEAD 33u
#define KEYRING_BOUND 256u
MUST_USE enum rc keyring_seal(
    struct keyring *ring, enum key_use use, struct bytes bound, struct bytes plain, uint8_t *out);

/** Open; ${out} holds sealed.len - SEAL_OVERHEAD.  RC_CORRUPT for anything that does not verify, one answer
 * for all. */
MUST_USE enum rc keyring_open_sealed(
    struct keyring *ring, struct bytes bound, struct bytes sealed, uint8_t *out, size_t *out_len);

/** The key id in a sealed value's header, 0 if it is too short.  For `check` and rotation. */
uint32_t sealed_key_id(struct bytes sealed);

/** A 32-byte value derived from the ring for ${label} (HKDF-SHA-256), the same as long as the ring lives. */
MUST_USE enum rc keyring_derive(const struct keyring *ring, const char *label, uint8_t out[32]);

#endif
