/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One key per house for its location.  Keys stay wrapped in memory too and are opened for the length of one
 * call: locked memory does not grow with the houses.
 */
#include "crypto/vaultring.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/keyfile.h"

#define VAULT_VERSION 1u
#define VAULT_HEAD    (1u + 4u) /* version, key id */
#define VAULT_BOUND   (1u + VAULT_HEAD + ID_BYTES)
#define FIRST_KEY     1u

struct vaultring {
	char *path;
	pthread_mutex_t lock; /* guards all below and the file */
	struct keyfile file;  /* sorted by owner */
	struct secret *root;
};

enum rc
vaultring_create(const char *path, const struct secret *root, struct fault *f)
{
	struct keyfile kf;
	enum rc rc;

	if (secret_len(root) != AEAD_KEY)
		return fault_set(f, RC_INVALID, MSG_ROOT_KEY, NULL, 0, "root");
	keyfile_init(&kf, KEYFILE_LOCATIONS, FIRST_KEY);
	rc = keyfile_save(path, &kf, root, f);
	keyfile_fini(&kf);
	return rc;
}

enum rc
vaultring_open(const char *path, const struct secret *root, struct vaultring **out, struct fault *f)
{
	struct vaultring *ring = calloc(1, sizeof(*ring));
	enum rc rc;

	*out = NULL;
	if (ring == NULL || pthread_mutex_init(&ring->lock, NULL) != 0) {
		free(ring);
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	}
	if ((ring->path = strdup(path)) == NULL || (ring->root = keyfile_root_copy(root)) == NULL) {
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

void
vaultring_free(struct vaultring *ring)
{
	if (ring == NULL)
		return;
	keyfile_fini(&ring->file);
	secret_free(ring->root);
	pthread_mutex_destroy(&ring->lock);
	free(ring->path);
	free(ring);
}

/* Where the key of ${house} is, or would be inserted. */
static size_t
place_of(const struct keyfile *kf, const struct id *house)
{
	size_t low = 0, high = kf->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(kf->entries[mid].owner.b, house->b, ID_BYTES) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
has_key(const struct keyfile *kf, size_t at, const struct id *house)
{
	return at < kf->count && memcmp(kf->entries[at].owner.b, house->b, ID_BYTES) == 0;
}

/* Write ${next} and make it the ring's; on failure the ring is as it was.  Takes ${next} either way. */
static enum rc
replace(struct vaultring *ring, struct keyfile *next, const struct secret *root, struct fault *f)
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
make_key(struct vaultring *ring, size_t at, const struct id *house)
{
	struct keyfile next;
	uint8_t key[AEAD_KEY];
	enum rc rc;

	if ((rc = keyfile_copy(&ring->file, &next)) != RC_OK)
		return rc;
	random_fill(key, sizeof(key));
	rc = keyfile_insert(&next, at, house, 0, ring->root, key);
	wipe(key, sizeof(key));
	if (rc != RC_OK) {
		keyfile_fini(&next);
		return rc;
	}
	return replace(ring, &next, ring->root, NULL);
}

/* Copy out the key of ${house}; RC_NOT_FOUND when it has none and none shall be made. */
static enum rc
take_key(struct vaultring *ring, const struct id *house, bool may_make, uint32_t *id, uint8_t key[AEAD_KEY])
{
	enum rc rc = RC_OK;
	size_t at;

	pthread_mutex_lock(&ring->lock);
	at = place_of(&ring->file, house);
	if (!has_key(&ring->file, at, house))
		rc = may_make ? make_key(ring, at, house) : RC_NOT_FOUND;
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

enum rc
vaultring_seal(struct vaultring *ring, const struct id *house, struct bytes plain, uint8_t *out)
{
	uint8_t key[AEAD_KEY], bound[VAULT_BOUND];
	uint32_t id;
	enum rc rc = take_key(ring, house, true, &id, key);

	if (rc == RC_OK) {
		out[0] = VAULT_VERSION;
		put_u32(out + 1, id);
		put_bound(out, house, bound);
		rc = aead_seal(key, BYTES_OF(bound), plain, out + VAULT_HEAD, out + VAULT_HEAD + AEAD_NONCE);
	}
	wipe(key, sizeof(key));
	return rc;
}

enum rc
vaultring_unseal(
    struct vaultring *ring, const struct id *house, struct bytes sealed, uint8_t *out, size_t *out_len)
{
	uint8_t key[AEAD_KEY], bound[VAULT_BOUND];
	struct bytes text;
	uint32_t id;
	enum rc rc;

	*out_len = 0;
	if (sealed.len < VAULT_OVERHEAD || sealed.p[0] != VAULT_VERSION)
		return RC_CORRUPT;
	if ((rc = take_key(ring, house, false, &id, key)) != RC_OK)
		goto out;
	if (get_u32(sealed.p + 1) != id) { /* an older key of this house: it was destroyed */
		rc = RC_NOT_FOUND;
		goto out;
	}
	put_bound(sealed.p, house, bound);
	text = (struct bytes){ sealed.p + VAULT_HEAD + AEAD_NONCE, sealed.len - VAULT_HEAD - AEAD_NONCE };
	if ((rc = aead_open(key, sealed.p + VAULT_HEAD, BYTES_OF(bound), text, out)) == RC_OK)
		*out_len = sealed.len - VAULT_OVERHEAD;
out:
	wipe(key, sizeof(key));
	return rc;
}

/* Overwrite what the replaced file held, as far as the file system writes in place, and close it. */
static void
shred(int fd)
{
	static const uint8_t zeros[4096];
	struct stat st;
	off_t left;

	if (fd < 0)
		return;
	left = fstat(fd, &st) == 0 ? st.st_size : 0;
	while (left > 0) {
		ssize_t n = write(fd, zeros, left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros));

		if (n <= 0)
			break;
		left -= n;
	}
	if (left > 0 || fdatasync(fd) != 0)
		log_world("shred", "left=%lld", (long long)left);
	close(fd);
}

/* Write what the ring is to hold next; the file that it replaces is overwritten. */
static enum rc
replace_and_shred(struct vaultring *ring, struct keyfile *next, const struct secret *root, struct fault *f)
{
	int old = open(ring->path, O_WRONLY | O_CLOEXEC);
	enum rc rc = replace(ring, next, root, f);

	if (rc == RC_OK)
		shred(old);
	else if (old >= 0)
		close(old);
	return rc;
}

enum rc
vaultring_destroy(struct vaultring *ring, const struct id *house, struct fault *f)
{
	struct keyfile next;
	size_t at;
	enum rc rc;

	pthread_mutex_lock(&ring->lock);
	at = place_of(&ring->file, house);
	if (!has_key(&ring->file, at, house)) {
		rc = fault_set(f, RC_NOT_FOUND, MSG_NOT_FOUND, NULL, 0, NULL);
	} else if ((rc = keyfile_copy(&ring->file, &next)) == RC_OK) {
		keyfile_remove(&next, at);
		rc = replace_and_shred(ring, &next, ring->root, f);
	}
	pthread_mutex_unlock(&ring->lock);
	return rc;
}

static enum rc
rewrap_locked(struct vaultring *ring, struct secret *root, struct fault *f)
{
	struct keyfile next;
	enum rc rc;

	if ((rc = keyfile_copy(&ring->file, &next)) != RC_OK)
		return fault_set(f, rc, MSG_UNAVAILABLE, NULL, 0, NULL);
	if ((rc = keyfile_rewrap(&next, ring->root, root)) != RC_OK) {
		keyfile_fini(&next);
		return fault_set(f, rc, MSG_KEYFILE_FORMAT, NULL, 0, "vaultring");
	}
	if ((rc = replace_and_shred(ring, &next, root, f)) != RC_OK)
		return rc;
	secret_free(ring->root);
	ring->root = root;
	return RC_OK;
}

enum rc
vaultring_rewrap(struct vaultring *ring, const struct secret *root, struct fault *f)
{
	struct secret *copy;
	enum rc rc;

	if (secret_len(root) != AEAD_KEY)
		return fault_set(f, RC_INVALID, MSG_ROOT_KEY, NULL, 0, "root");
	if ((copy = keyfile_root_copy(root)) == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	pthread_mutex_lock(&ring->lock);
	if ((rc = rewrap_locked(ring, copy, f)) == RC_OK)
		copy = NULL; /* the ring owns it from here */
	pthread_mutex_unlock(&ring->lock);
	secret_free(copy);
	return rc;
}
