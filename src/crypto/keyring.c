/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a ring, and sealing under it.  Readers take no lock: they copy the key they need out of its slot
 * for the length of one call.
 */
#include "crypto/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/keyring_parts.h"

#define SEAL_VERSION 1u
#define SEAL_HEAD    (1u + 4u) /* version, key id */
#define TRIES        8u        /* of a seal whose key is replaced under it */

struct key_words *
keyring_words(struct keyring *ring, uint32_t at)
{
	return (struct key_words *)(void *)secret_bytes(ring->keys) + at;
}

static enum rc
ring_new(const char *path, struct keyring **out)
{
	struct keyring *ring = calloc(1, sizeof(*ring));

	*out = NULL;
	if (ring == NULL || pthread_mutex_init(&ring->lock, NULL) != 0) {
		free(ring);
		return RC_UNAVAILABLE;
	}
	ring->step = STEP_FIRST;
	ring->path = strdup(path);
	ring->keys = secret_new(KEYRING_KEYS * sizeof(struct key_words));
	ring->seed = secret_new(AEAD_KEY);
	if (ring->path == NULL || ring->keys == NULL || ring->seed == NULL) {
		keyring_free(ring);
		return RC_UNAVAILABLE;
	}
	*out = ring;
	return RC_OK;
}

void
keyring_free(struct keyring *ring)
{
	if (ring == NULL)
		return;
	aead_forget_all();
	keyfile_fini(&ring->file);
	rootkey_free(ring->root);
	secret_free(ring->keys);
	secret_free(ring->seed);
	pthread_mutex_destroy(&ring->lock);
	free(ring->path);
	free(ring);
}

static enum rc
open_as(const char *path, const struct secret *root, bool is_follower, struct keyring **out, struct fault *f)
{
	struct keyring *ring = NULL;
	enum rc rc;

	*out = NULL;
	if (ring_new(path, &ring) != RC_OK)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_LOCKED_MEMORY, NULL, 0, "keyring");
	ring->is_follower = is_follower;
	atomic_store(&ring->generation, 1);
	if ((rc = rootkey_new(root, &ring->root, f)) != RC_OK)
		goto out;
	if ((rc = keyring_read(ring, f)) != RC_OK)
		goto out;
	*out = ring;
	ring = NULL;
out:
	keyring_free(ring);
	return rc;
}

enum rc
keyring_open(const char *path, const struct secret *root, struct keyring **out, struct fault *f)
{
	return open_as(path, root, false, out, f);
}

enum rc
keyring_open_follower(const char *path, const struct secret *root, struct keyring **out, struct fault *f)
{
	return open_as(path, root, true, out, f);
}

uint32_t
keyring_current(const struct keyring *ring, enum key_use use)
{
	return atomic_load_explicit(&ring->current[use], memory_order_acquire);
}

unsigned
keyring_count(const struct keyring *ring)
{
	return atomic_load(&ring->count);
}

/*
 * Copy key ${id} to ${key}, which the caller wipes.  The loads are acquires and whoever empties a slot clears
 * the id first: having seen a word of the clearing we also see the id gone.
 */
static bool
take_key(struct keyring *ring, uint32_t id, uint8_t key[AEAD_KEY], uint8_t *use)
{
	const uint32_t at = id % KEYRING_KEYS;
	struct key_slot *slot = &ring->slots[at];
	struct key_words *words = keyring_words(ring, at);
	uint64_t copy[KEY_WORDS];
	bool is_held;

	if (id == 0 || atomic_load_explicit(&slot->id, memory_order_acquire) != id)
		return false;
	for (unsigned i = 0; i < KEY_WORDS; i++)
		copy[i] = atomic_load_explicit(&words->w[i], memory_order_acquire);
	*use = atomic_load_explicit(&slot->use, memory_order_acquire);
	is_held = atomic_load_explicit(&slot->id, memory_order_relaxed) == id;
	if (is_held)
		memcpy(key, copy, AEAD_KEY);
	wipe(copy, sizeof(copy));
	return is_held;
}

/* Associated data: version, key id, use, then what the caller binds.  False if that is too long. */
static bool
put_bound(uint32_t id, uint8_t use, struct bytes bound, uint8_t out[SEAL_HEAD + 1 + KEYRING_BOUND])
{
	if (bound.len > KEYRING_BOUND)
		return false;
	out[0] = SEAL_VERSION;
	put_u32(out + 1, id);
	out[SEAL_HEAD] = use;
	if (bound.len > 0)
		memcpy(out + SEAL_HEAD + 1, bound.p, bound.len);
	return true;
}

/* A key that may be sealed under once more, counted. */
static enum rc
take_current(struct keyring *ring, enum key_use use, uint32_t *id, uint8_t key[AEAD_KEY])
{
	for (unsigned i = 0; i < TRIES; i++) {
		struct key_slot *slot;
		uint64_t ticket;
		uint8_t its_use;

		*id = keyring_current(ring, use);
		slot = &ring->slots[*id % KEYRING_KEYS];
		ticket = atomic_fetch_add_explicit(&slot->seals, 1, memory_order_relaxed);
		if (ticket >= atomic_load_explicit(&slot->reserved, memory_order_acquire)) {
			enum rc rc = keyring_reserve(ring, use, *id);
			if (rc != RC_OK)
				return rc;
		} else if (take_key(ring, *id, key, &its_use) && its_use == (uint8_t)use) {
			return RC_OK;
		}
	}
	return RC_BUSY;
}

enum rc
keyring_seal(struct keyring *ring, enum key_use use, struct bytes bound, struct bytes plain, uint8_t *out)
{
	uint8_t aad[SEAL_HEAD + 1 + KEYRING_BOUND], key[AEAD_KEY];
	uint32_t id;
	enum rc rc;

	if (bound.len > KEYRING_BOUND)
		return RC_TOO_BIG;
	if ((rc = take_current(ring, use, &id, key)) != RC_OK)
		return rc;
	(void)put_bound(id, (uint8_t)use, bound, aad);
	memcpy(out, aad, SEAL_HEAD);
	rc = aead_seal(key, (struct bytes){ aad, SEAL_HEAD + 1 + bound.len }, plain, out + SEAL_HEAD,
	    out + SEAL_HEAD + AEAD_NONCE);
	wipe(key, sizeof(key));
	return rc;
}

enum rc
keyring_open_sealed(
    struct keyring *ring, struct bytes bound, struct bytes sealed, uint8_t *out, size_t *out_len)
{
	uint8_t aad[SEAL_HEAD + 1 + KEYRING_BOUND], key[AEAD_KEY], use;
	uint32_t id = sealed_key_id(sealed);
	struct bytes text;
	enum rc rc;

	*out_len = 0;
	if (!take_key(ring, id, key, &use) || !put_bound(id, use, bound, aad))
		return RC_CORRUPT;
	text = (struct bytes){ sealed.p + SEAL_HEAD + AEAD_NONCE, sealed.len - SEAL_HEAD - AEAD_NONCE };
	rc =
	    aead_open(key, sealed.p + SEAL_HEAD, (struct bytes){ aad, SEAL_HEAD + 1 + bound.len }, text, out);
	wipe(key, sizeof(key));
	if (rc != RC_OK)
		return RC_CORRUPT;
	*out_len = sealed.len - SEAL_OVERHEAD;
	return RC_OK;
}

uint32_t
sealed_key_id(struct bytes sealed)
{
	if (sealed.len < SEAL_OVERHEAD || sealed.p[0] != SEAL_VERSION)
		return 0;
	return get_u32(sealed.p + 1);
}

enum rc
keyring_derive(const struct keyring *ring, const char *label, uint8_t out[32])
{
	digest_hkdf((struct bytes){ secret_view(ring->seed), AEAD_KEY }, label, out);
	return RC_OK;
}
