/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One key per house for its location.  Keys stay wrapped in memory too and are opened for the length of one
 * call: locked memory does not grow with the houses.
 */
#include "crypto/vaultring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/shred.h"
#include "crypto/keyfile.h"

#define VAULT_VERSION 1u
#define VAULT_HEAD    (1u + 4u) /* version, key id */
#define VAULT_BOUND   (1u + VAULT_HEAD + ID_BYTES)
#define FIRST_KEY     1u

struct vaultring {
	char *path;
	pthread_mutex_t lock; /* guards all below and the file */
	struct keyfile file;  /* sorted by owner, then id: a house's last key is its current one */
	struct rootkey *root;
};

enum rc
vaultring_create(const char *path, struct rootkey *root, struct fault *f)
{
	struct keyfile kf;
	enum rc rc;

	keyfile_init(&kf, KEYFILE_LOCATIONS, FIRST_KEY);
	rc = keyfile_save(path, &kf, root, f);
	keyfile_fini(&kf);
	return rc;
}

enum rc
vaultring_open(const char *path, struct rootkey *root, struct vaultring **out, struct fault *f)
{
	struct vaultring *ring = calloc(1, sizeof(*ring));
	enum rc rc;

	*out = NULL;
	if (ring == NULL || pthread_mutex_init(&ring->lock, NULL) != 0) {
		free(ring);
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	}
	ring->root = rootkey_share(root);
	if ((ring->path = strdup(path)) == NULL) {
		rc = fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
		goto out;
	}
	if ((rc = keyfile_load(path, KEYFILE_LOCATIONS, root, &ring->file, f)) != RC_OK)
		goto out;
	*out = ring;
	ring = NULL;
out:
	vaultring_free(ring);
	return rc;
}

enum rc
vaultring_reload(struct vaultring *ring, struct fault *f)
{
	struct keyfile now;
	enum rc rc;

	pthread_mutex_lock(&ring->lock);
	if ((rc = keyfile_load(ring->path, KEYFILE_LOCATIONS, ring->root, &now, f)) == RC_OK) {
		keyfile_fini(&ring->file);
		ring->file = now;
	}
	pthread_mutex_unlock(&ring->lock);
	return rc;
}

void
vaultring_free(struct vaultring *ring)
{
	if (ring == NULL)
		return;
	keyfile_fini(&ring->file);
	rootkey_free(ring->root);
	pthread_mutex_destroy(&ring->lock);
	free(ring->path);
	free(ring);
}

/* Where the keys of ${house} begin, or would be inserted; ${past}: where those of the next house do. */
static size_t
place_of(const struct keyfile *kf, const struct id *house, bool past)
{
	size_t low = 0, high = kf->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = memcmp(kf->entries[mid].owner.b, house->b, ID_BYTES);

		if (order < 0 || (past && order == 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Where the key ${id} of ${house} is, 0 for its current one; false if it has none such. */
static bool
find_key(const struct keyfile *kf, const struct id *house, uint32_t id, size_t *at)
{
	const size_t from = place_of(kf, house, false), to = place_of(kf, house, true);

	for (size_t i = to; i > from; i--) {
		*at = i - 1;
		if (id == 0 || kf->entries[i - 1].id == id)
			return true;
	}
	return false;
}

/* Write ${next} and make it the ring's; on failure the ring is as it was.  Takes ${next} either way. */
static enum rc
replace(struct vaultring *ring, struct keyfile *next, struct rootkey *root, struct fault *f)
{
	enum rc rc = keyfile_save(ring->path, next, root, f);

	if (rc != RC_OK) {
		keyfile_fini(next);
		return rc;
	}
	keyfile_fini(&ring->file);
	ring->file = *next;
	return RC_OK;
}

static enum rc
insert_key(struct keyfile *kf, struct rootkey *root, const struct id *house)
{
	uint8_t key[AEAD_KEY];
	enum rc rc;

	random_fill(key, sizeof(key));
	rc = keyfile_insert(kf, place_of(kf, house, true), house, 0, root, key);
	wipe(key, sizeof(key));
	return rc;
}

static enum rc
make_key(struct vaultring *ring, const struct id *house)
{
	struct keyfile next;
	enum rc rc;

	if ((rc = keyfile_copy(&ring->file, &next)) != RC_OK)
		return rc;
	if ((rc = insert_key(&next, ring->root, house)) != RC_OK) {
		keyfile_fini(&next);
		return rc;
	}
	return replace(ring, &next, ring->root, NULL);
}

enum taking {
	TAKE,         /* the key that is asked for, or RC_NOT_FOUND */
	TAKE_OR_MAKE, /* the current key, made if there is none */
	TAKE_A_NEWER  /* the current key, made if it is the one asked for */
};

/* Copy out a key of ${house}: *id, 0 for the current one; *id says which it was. */
static enum rc
take_key(struct vaultring *ring, const struct id *house, enum taking how, uint32_t *id, uint8_t key[AEAD_KEY])
{
	const uint32_t asked = how == TAKE ? *id : 0;
	enum rc rc = RC_OK;
	bool is_there;
	size_t at;

	pthread_mutex_lock(&ring->lock);
	is_there = find_key(&ring->file, house, asked, &at);
	if (how == TAKE_A_NEWER && is_there && ring->file.entries[at].id == *id)
		is_there = false;
	if (!is_there)
		rc = how == TAKE ? RC_NOT_FOUND : make_key(ring, house);
	if (rc == RC_OK && !find_key(&ring->file, house, asked, &at))
		rc = RC_NOT_FOUND;
	if (rc == RC_OK) {
		*id = ring->file.entries[at].id;
		rc = keyfile_unwrap(&ring->file, at, ring->root, key);
	}
	pthread_mutex_unlock(&ring->lock);
	return rc;
}

/* Associated data: what it is, version, key id, and whose location. */
static void
put_bound(const uint8_t head[VAULT_HEAD], const struct id *house, uint8_t out[VAULT_BOUND])
{
	out[0] = (uint8_t)KEYFILE_LOCATIONS;
	memcpy(out + 1, head, VAULT_HEAD);
	memcpy(out + 1 + VAULT_HEAD, house->b, ID_BYTES);
}

static enum rc
seal_under(const uint8_t key[AEAD_KEY], uint32_t id, const struct id *house, struct bytes plain, uint8_t *out)
{
	uint8_t bound[VAULT_BOUND];
	enum rc rc;

	out[0] = VAULT_VERSION;
	put_u32(out + 1, id);
	put_bound(out, house, bound);
	rc = aead_seal(key, BYTES_OF(bound), plain, out + VAULT_HEAD, out + VAULT_HEAD + AEAD_NONCE);
	aead_forget();
	return rc;
}

enum rc
vaultring_seal(struct vaultring *ring, const struct id *house, struct bytes plain, uint8_t *out)
{
	uint8_t key[AEAD_KEY];
	uint32_t id = 0;
	enum rc rc = take_key(ring, house, TAKE_OR_MAKE, &id, key);

	if (rc == RC_OK)
		rc = seal_under(key, id, house, plain, out);
	wipe(key, sizeof(key));
	return rc;
}

uint32_t
vault_sealed_id(struct bytes sealed)
{
	if (sealed.len < VAULT_OVERHEAD || sealed.p[0] != VAULT_VERSION)
		return 0;
	return get_u32(sealed.p + 1);
}

enum rc
vaultring_unseal(
    struct vaultring *ring, const struct id *house, struct bytes sealed, uint8_t *out, size_t *out_len)
{
	uint8_t key[AEAD_KEY], bound[VAULT_BOUND];
	uint32_t id = vault_sealed_id(sealed);
	struct bytes text;
	enum rc rc;

	*out_len = 0;
	if (id == 0)
		return RC_CORRUPT;
	if ((rc = take_key(ring, house, TAKE, &id, key)) == RC_OK) {
		put_bound(sealed.p, house, bound);
		text = (struct bytes){ sealed.p + VAULT_HEAD + AEAD_NONCE,
			sealed.len - VAULT_HEAD - AEAD_NONCE };
		rc = aead_open(key, sealed.p + VAULT_HEAD, BYTES_OF(bound), text, out);
		aead_forget();
	}
	if (rc == RC_OK)
		*out_len = sealed.len - VAULT_OVERHEAD;
	wipe(key, sizeof(key));
	return rc;
}

enum rc
vaultring_reseal(struct vaultring *ring, const struct id *house, struct bytes sealed, uint8_t *out)
{
	struct secret *plain = secret_new(sealed.len);
	uint8_t key[AEAD_KEY] = { 0 };
	uint32_t id = vault_sealed_id(sealed);
	size_t len;
	enum rc rc;

	if (plain == NULL)
		return RC_UNAVAILABLE;
	if ((rc = vaultring_unseal(ring, house, sealed, secret_bytes(plain), &len)) == RC_OK)
		rc = take_key(ring, house, TAKE_A_NEWER, &id, key);
	if (rc == RC_OK)
		rc = seal_under(key, id, house, (struct bytes){ secret_view(plain), len }, out);
	wipe(key, sizeof(key));
	secret_free(plain);
	return rc;
}

/* One more key for each house of ${from}, in ${next}. */
static enum rc
add_keys(const struct keyfile *from, struct rootkey *root, struct keyfile *next)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct id *house = &from->entries[i].owner;
		enum rc rc;

		if (i > 0 && memcmp(house->b, from->entries[i - 1].owner.b, ID_BYTES) == 0)
			continue;
		if ((rc = insert_key(next, root, house)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

enum rc
vaultring_renew(struct vaultring *ring, struct fault *f)
{
	struct keyfile next;
	enum rc rc;

	pthread_mutex_lock(&ring->lock);
	if ((rc = keyfile_copy(&ring->file, &next)) == RC_OK)
		rc = add_keys(&ring->file, ring->root, &next);
	if (rc == RC_OK) {
		rc = replace(ring, &next, ring->root, f);
	} else {
		keyfile_fini(&next);
		rc = fault_set(f, rc, rc == RC_TOO_BIG ? MSG_KEYFILE_FULL : MSG_UNAVAILABLE, NULL,
		    KEYFILE_ENTRIES, "vault");
	}
	pthread_mutex_unlock(&ring->lock);
	return rc;
}

/* Does it go when of its house only the key of ${use} stays?  Not if the house does not have that one. */
static bool
is_dropped(const struct keyfile *kf, const struct keyfile_entry *e, const struct vaultring_use *use)
{
	size_t at;

	return e->id != use->key && find_key(kf, &use->house, use->key, &at);
}

/* Under the lock; ${uses} in the order of houses, as the file is.  Writes only if a key goes. */
static enum rc
keep_only(struct vaultring *ring, const struct vaultring_use *uses, size_t count, struct fault *f)
{
	const struct keyfile *kf = &ring->file;
	struct keyfile next;
	size_t kept = 0;
	enum rc rc;

	if ((rc = keyfile_copy(kf, &next)) != RC_OK)
		return fault_set(f, rc, MSG_UNAVAILABLE, NULL, 0, NULL);
	for (size_t i = 0, u = 0; i < kf->count; i++) {
		const struct keyfile_entry *e = &kf->entries[i];

		while (u < count && memcmp(uses[u].house.b, e->owner.b, ID_BYTES) < 0)
			u++;
		if (u < count && id_equal(&uses[u].house, &e->owner) && is_dropped(kf, e, &uses[u]))
			continue;
		next.entries[kept++] = *e;
	}
	if (kept == kf->count) {
		/* a crash may have come between the new file and the old one's end */
		shred_strays(ring->path);
		keyfile_fini(&next);
		return RC_OK;
	}
	wipe(&next.entries[kept], (next.count - kept) * sizeof(*next.entries));
	next.count = kept;
	return replace(ring, &next, ring->root, f);
}

enum rc
vaultring_destroy(struct vaultring *ring, const struct id *house, struct fault *f)
{
	const struct vaultring_use none = { *house, 0 };
	enum rc rc;
	size_t at;

	pthread_mutex_lock(&ring->lock);
	if (find_key(&ring->file, house, 0, &at)) {
		rc = keep_only(ring, &none, 1, f); /* no key has the id 0 */
	} else {
		shred_strays(ring->path); /* as in keep_only */
		rc = fault_set(f, RC_NOT_FOUND, MSG_NOT_FOUND, NULL, 0, NULL);
	}
	pthread_mutex_unlock(&ring->lock);
	return rc;
}

enum rc
vaultring_prune(struct vaultring *ring, const struct vaultring_use *uses, size_t count, struct fault *f)
{
	enum rc rc;

	pthread_mutex_lock(&ring->lock);
	rc = keep_only(ring, uses, count, f);
	pthread_mutex_unlock(&ring->lock);
	return rc;
}

void
vaultring_count(struct vaultring *ring, size_t *houses, size_t *keys)
{
	const struct keyfile *kf = &ring->file;

	pthread_mutex_lock(&ring->lock);
	*keys = kf->count;
	*houses = 0;
	for (size_t i = 0; i < kf->count; i++)
		if (i == 0 || memcmp(kf->entries[i].owner.b, kf->entries[i - 1].owner.b, ID_BYTES) != 0)
			(*houses)++;
	pthread_mutex_unlock(&ring->lock);
}

static enum rc
rewrap_locked(struct vaultring *ring, struct rootkey *root, struct fault *f)
{
	struct keyfile next;
	enum rc rc;

	if ((rc = keyfile_copy(&ring->file, &next)) != RC_OK)
		return fault_set(f, rc, MSG_UNAVAILABLE, NULL, 0, NULL);
	if ((rc = keyfile_rewrap(&next, ring->root, root)) != RC_OK) {
		keyfile_fini(&next);
		return fault_set(f, rc, MSG_KEYFILE_FORMAT, NULL, 0, "vaultring");
	}
	if ((rc = replace(ring, &next, root, f)) != RC_OK)
		return rc;
	rootkey_free(ring->root);
	ring->root = rootkey_share(root);
	return RC_OK;
}

enum rc
vaultring_rewrap(struct vaultring *ring, struct rootkey *root, struct fault *f)
{
	enum rc rc;

	pthread_mutex_lock(&ring->lock);
	rc = rewrap_locked(ring, root, f);
	pthread_mutex_unlock(&ring->lock);
	return rc;
}
