/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data keys and sealing under them.  Ids count from 1 and are never freed, so an id is a place in the
 * table: keys never move, are published by the count, and readers take no lock.
 */
#include "crypto/keyring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/keyfile.h"

#define KEYS 1024u /* 204 rotations; 32 KiB of locked memory */
#define ROTATE_AFTER \
	(UINT64_C(1) << 24) /* seals: 2^-48 for two equal nonces, far below the 2^32 of SP 800-38D */

#define SEAL_VERSION 1u
#define SEAL_HEAD    (1u + 4u) /* version, key id */

/* Entry 0 of the file: what keyring_derive starts from.  It seals nothing. */
#define SEED_USE KEY_USES

struct keyring {
	struct secret *keys; /* KEYS x AEAD_KEY; key n at place n, the seed at 0 */
	atomic_uint count;   /* places in use */
	uint8_t use[KEYS];
	atomic_uint current[KEY_USES];
	_Atomic uint64_t seals[KEYS];
	pthread_mutex_t lock; /* one rotation at a time; guards file and root */
	struct keyfile file;
	struct secret *root; /* a copy of what the file is wrapped under */
};

static uint8_t *
key_at(struct keyring *ring, uint32_t id)
{
	return secret_bytes(ring->keys) + (size_t)id * AEAD_KEY;
}

static enum rc
ring_new(struct keyring **out)
{
	struct keyring *ring = calloc(1, sizeof(*ring));

	if (ring == NULL)
		return RC_UNAVAILABLE;
	if ((ring->keys = secret_new((size_t)KEYS * AEAD_KEY)) == NULL ||
	    pthread_mutex_init(&ring->lock, NULL) != 0) {
		secret_free(ring->keys);
		free(ring);
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
	keyfile_fini(&ring->file);
	secret_free(ring->root);
	secret_free(ring->keys);
	pthread_mutex_destroy(&ring->lock);
	free(ring);
}

/* Add one fresh key for each use to ${kf}. */
static enum rc
add_generation(struct keyfile *kf, const struct secret *root)
{
	const struct id nobody = { { 0 } };
	uint8_t key[AEAD_KEY];
	enum rc rc = RC_OK;

	if (kf->count + KEY_USES > KEYS)
		return RC_TOO_BIG;
	for (uint8_t use = 0; use < KEY_USES && rc == RC_OK; use++) {
		random_fill(key, sizeof(key));
		rc = keyfile_insert(kf, kf->count, &nobody, use, root, key);
	}
	wipe(key, sizeof(key));
	return rc;
}

static enum rc
fill_new(struct keyfile *kf, const struct secret *root)
{
	const struct id nobody = { { 0 } };
	uint8_t seed[AEAD_KEY];
	enum rc rc;

	random_fill(seed, sizeof(seed));
	rc = keyfile_insert(kf, 0, &nobody, SEED_USE, root, seed);
	wipe(seed, sizeof(seed));
	return rc == RC_OK ? add_generation(kf, root) : rc;
}

enum rc
keyring_create(const char *path, const struct secret *root, struct fault *f)
{
	struct keyfile kf;
	enum rc rc;

	if (secret_len(root) != AEAD_KEY)
		return fault_set(f, RC_INVALID, MSG_ROOT_KEY, NULL, 0, "root");
	keyfile_init(&kf, KEYFILE_RECORDS, 0);
	if ((rc = fill_new(&kf, root)) == RC_OK)
		rc = keyfile_save(path, &kf, root, f);
	keyfile_fini(&kf);
	return rc;
}

/* Take keys from ${from} on out of ring->file; readers see them when the count, then the current ids, are
 * stored. */
static enum rc
publish(struct keyring *ring, unsigned from)
{
	const struct keyfile *kf = &ring->file;
	enum rc rc;

	if (kf->count < 1 + KEY_USES || kf->count > KEYS)
		return RC_CORRUPT;
	for (unsigned i = from; i < kf->count; i++) {
		const struct keyfile_entry *e = &kf->entries[i];

		if (e->id != i || (i == 0 ? e->use != SEED_USE : e->use >= KEY_USES))
			return RC_CORRUPT;
		if ((rc = keyfile_unwrap(kf, i, ring->root, key_at(ring, i))) != RC_OK)
			return rc;
		ring->use[i] = e->use;
	}
	atomic_store(&ring->count, (unsigned)kf->count);
	for (unsigned i = from > 0 ? from : 1; i < kf->count; i++)
		atomic_store(&ring->current[ring->use[i]], i);
	return RC_OK;
}

static bool
has_every_use(struct keyring *ring)
{
	for (unsigned use = 0; use < KEY_USES; use++)
		if (atomic_load(&ring->current[use]) == 0)
			return false;
	return true;
}

enum rc
keyring_open(const char *path, const struct secret *root, struct keyring **out, struct fault *f)
{
	struct keyring *ring = NULL;
	enum rc rc;

	*out = NULL;
	if (ring_new(&ring) != RC_OK || (ring->root = keyfile_root_copy(root)) == NULL) {
		rc = fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
		goto out;
	}
	if ((rc = keyfile_load(path, KEYFILE_RECORDS, root, &ring->file, f)) != RC_OK)
		goto out;
	if (publish(ring, 0) != RC_OK || !has_every_use(ring)) {
		rc = fault_set(f, RC_CORRUPT, MSG_KEYFILE_FORMAT, NULL, 0, "keyring");
		goto out;
	}
	*out = ring;
	ring = NULL;
out:
	keyring_free(ring);
	return rc;
}

/* Make the next file beside the present one, so that a failure leaves ring and file as they were. */
static enum rc
rotate_locked(struct keyring *ring, const char *path, struct secret *root, struct fault *f)
{
	unsigned before = (unsigned)ring->file.count;
	struct keyfile next;
	enum rc rc = keyfile_copy(&ring->file, &next);

	if (rc == RC_OK)
		rc = keyfile_rewrap(&next, ring->root, root);
	if (rc == RC_OK)
		rc = add_generation(&next, root);
	if (rc != RC_OK)
		rc = fault_set(
		    f, rc, rc == RC_TOO_BIG ? MSG_KEYFILE_FULL : MSG_UNAVAILABLE, NULL, KEYS, "keyring");
	else
		rc = keyfile_save(path, &next, root, f);
	if (rc != RC_OK) {
		keyfile_fini(&next);
		return rc;
	}
	keyfile_fini(&ring->file);
	ring->file = next;
	secret_free(ring->root);
	ring->root = root;
	return publish(ring, before);
}

enum rc
keyring_rotate(struct keyring *ring, const char *path, const struct secret *root, struct fault *f)
{
	struct secret *copy;
	enum rc rc;

	if (secret_len(root) != AEAD_KEY)
		return fault_set(f, RC_INVALID, MSG_ROOT_KEY, NULL, 0, "root");
	if ((copy = keyfile_root_copy(root)) == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	pthread_mutex_lock(&ring->lock);
	rc = rotate_locked(ring, path, copy, f);
	if (ring->root == copy)
		copy = NULL; /* the ring owns it from here */
	pthread_mutex_unlock(&ring->lock);
	secret_free(copy);
	return rc;
}

uint32_t
keyring_current(const struct keyring *ring, enum key_use use)
{
	return atomic_load(&ring->current[use]);
}

unsigned
keyring_count(const struct keyring *ring)
{
	return atomic_load(&ring->count) - 1; /* without the seed */
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

enum rc
keyring_seal(struct keyring *ring, enum key_use use, struct bytes bound, struct bytes plain, uint8_t *out)
{
	uint32_t id = keyring_current(ring, use);
	uint8_t aad[SEAL_HEAD + 1 + KEYRING_BOUND];

	if (!put_bound(id, (uint8_t)use, bound, aad))
		return RC_TOO_BIG;
	if (atomic_fetch_add_explicit(&ring->seals[id], 1, memory_order_relaxed) + 1 == ROTATE_AFTER)
		log_note("key_worn", "key=%u use=%u advice=rotate-keys", id, (unsigned)use);
	memcpy(out, aad, SEAL_HEAD);
	return aead_seal(key_at(ring, id), (struct bytes){ aad, SEAL_HEAD + 1 + bound.len }, plain,
	    out + SEAL_HEAD, out + SEAL_HEAD + AEAD_NONCE);
}

enum rc
keyring_open_sealed(
    struct keyring *ring, struct bytes bound, struct bytes sealed, uint8_t *out, size_t *out_len)
{
	uint8_t aad[SEAL_HEAD + 1 + KEYRING_BOUND];
	uint32_t id = sealed_key_id(sealed);
	struct bytes text;

	*out_len = 0;
	if (id == 0 || id >= atomic_load(&ring->count) || !put_bound(id, ring->use[id], bound, aad))
		return RC_CORRUPT;
	text = (struct bytes){ sealed.p + SEAL_HEAD + AEAD_NONCE, sealed.len - SEAL_HEAD - AEAD_NONCE };
	if (aead_open(key_at(ring, id), sealed.p + SEAL_HEAD,
		(struct bytes){ aad, SEAL_HEAD + 1 + bound.len }, text, out) != RC_OK)
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
	digest_hkdf((struct bytes){ secret_view(ring->keys), AEAD_KEY }, label, out);
	return RC_OK;
}
