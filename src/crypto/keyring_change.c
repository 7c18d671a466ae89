/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing a ring: the next file is made beside the present one, written, and only then taken over, so that a
 * failure leaves ring and file as they were.
 */
#include "base/log.h"
#include "crypto/keyring_parts.h"

#define DAY_SECONDS 86400

static const struct id nobody;

/* ---- the next file ---- */

static bool
slot_is_free(const struct keyfile *kf, uint32_t id)
{
	for (size_t i = 1; i < kf->count; i++)
		if (kf->entries[i].id % KEYRING_KEYS == id % KEYRING_KEYS)
			return false;
	return true;
}

/* Add a fresh key to ${kf}; the first seals under it are reserved with it. */
static enum rc
add_key(struct keyfile *kf, struct rootkey *root, uint8_t use, uint32_t day)
{
	uint8_t key[AEAD_KEY];
	enum rc rc;

	if (kf->count > KEYRING_KEYS) /* the seed is one more */
		return RC_TOO_BIG;
	while (!slot_is_free(kf, kf->next_id) && kf->next_id < UINT32_MAX)
		kf->next_id++;
	random_fill(key, sizeof(key));
	rc = keyfile_insert(kf, kf->count, &nobody, use, root, key);
	wipe(key, sizeof(key));
	if (rc != RC_OK)
		return rc;
	kf->entries[kf->count - 1].day = day;
	kf->entries[kf->count - 1].seals = STEP_FIRST;
	return RC_OK;
}

/* One key more for ${use}; a day's second key is still that day's. */
static enum rc
add_successor(struct keyfile *kf, struct rootkey *root, uint8_t use)
{
	return add_key(kf, root, use, kf->entries[keyring_newest(kf, use)].day);
}

static enum rc
add_generation(struct keyfile *kf, struct rootkey *root)
{
	enum rc rc = RC_OK;

	for (unsigned use = 0; use < KEY_USES && rc == RC_OK; use++)
		rc = add_successor(kf, root, (uint8_t)use);
	return rc;
}

static enum rc
fill_new(struct keyfile *kf, struct rootkey *root)
{
	uint8_t seed[AEAD_KEY];
	enum rc rc;

	random_fill(seed, sizeof(seed));
	rc = keyfile_insert(kf, 0, &nobody, SEED_USE, root, seed);
	wipe(seed, sizeof(seed));
	if (rc == RC_OK)
		rc = add_generation(kf, root);
	for (size_t i = 0; i < kf->count; i++)
		kf->entries[i].seals = 0; /* whoever opens it reserves its own */
	return rc;
}

enum rc
keyring_create(const char *path, const struct secret *root, struct fault *f)
{
	struct rootkey *key;
	struct keyfile kf;
	enum rc rc;

	if ((rc = rootkey_new(root, &key, f)) != RC_OK)
		return rc;
	keyfile_init(&kf, KEYFILE_RECORDS, 0);
	if ((rc = fill_new(&kf, key)) == RC_OK)
		rc = keyfile_save(path, &kf, key, f);
	keyfile_fini(&kf);
	rootkey_free(key);
	return rc;
}

/* ---- changes ---- */

struct change {
	enum rc (*fn)(struct keyring *, struct keyfile *next, struct rootkey *root, const struct change *);
	enum key_use use;
	uint32_t day;
	const uint32_t *ids;
	size_t count;
};

static enum rc next_reserved(
    struct keyring *ring, struct keyfile *next, struct rootkey *root, const struct change *c);

/* All that may fail but the writing. */
static enum rc
make_next(struct keyring *ring, struct rootkey *root, const struct change *c, struct keyfile *next,
    struct secret **keys)
{
	enum rc rc;

	if ((rc = keyfile_copy(&ring->file, next)) != RC_OK)
		return rc;
	if ((rc = c->fn(ring, next, root, c)) != RC_OK)
		return rc;
	return keyring_unwrap(ring, next, root, true, keys);
}

/* Under the lock. */
static enum rc
change_locked(struct keyring *ring, struct rootkey *root, const struct change *c, struct fault *f)
{
	struct secret *keys = NULL;
	struct keyfile next;
	enum rc rc;

	if (ring->is_follower)
		return fault_set(f, RC_INTERNAL, MSG_INTERNAL, NULL, 0, NULL);
	if (atomic_load(&ring->is_node))
		return fault_set(f, RC_UNAVAILABLE, MSG_KEYS_ELSEWHERE, NULL, 0, NULL);
	rc = make_next(ring, root, c, &next, &keys);
	if (rc == RC_TOO_BIG)
		rc = fault_set(f, rc, MSG_KEYFILE_FULL, NULL, KEYRING_KEYS, "keyring");
	else if (rc != RC_OK)
		rc = fault_set(
		    f, rc, rc == RC_STATE_CONFLICT ? MSG_STATE_CONFLICT : MSG_UNAVAILABLE, NULL, 0, NULL);
	else
		rc = keyfile_save(ring->path, &next, root, f);
	if (rc != RC_OK) {
		secret_free(keys);
		keyfile_fini(&next);
		return rc;
	}
	if (root != ring->root) {
		rootkey_free(ring->root);
		ring->root = rootkey_share(root);
	}
	keyring_stamp(ring);
	if (c->fn != next_reserved || next.next_id != ring->file.next_id) /* a count alone is no news */
		atomic_fetch_add(&ring->generation, 1);
	keyring_adopt(ring, &next, keys, true);
	return RC_OK;
}

static enum rc
change(struct keyring *ring, struct rootkey *root, const struct change *c, struct fault *f)
{
	enum rc rc;

	pthread_mutex_lock(&ring->lock);
	rc = change_locked(ring, root == NULL ? ring->root : root, c, f);
	pthread_mutex_unlock(&ring->lock);
	return rc;
}

static enum rc
next_rotated(struct keyring *ring, struct keyfile *next, struct rootkey *root, const struct change *c)
{
	enum rc rc = keyfile_rewrap(next, ring->root, root);

	(void)c;
	return rc == RC_OK ? add_generation(next, root) : rc;
}

enum rc
keyring_rotate(struct keyring *ring, const struct secret *root, struct fault *f)
{
	const struct change c = { .fn = next_rotated };
	struct rootkey *key;
	enum rc rc = rootkey_new(root, &key, f);

	if (rc == RC_OK)
		rc = change(ring, key, &c, f);
	rootkey_free(key);
	return rc;
}

static enum rc
next_renewed(struct keyring *ring, struct keyfile *next, struct rootkey *root, const struct change *c)
{
	(void)ring;
	return add_successor(next, root, (uint8_t)c->use);
}

enum rc
keyring_renew(struct keyring *ring, enum key_use use, struct fault *f)
{
	const struct change c = { .fn = next_renewed, .use = use };

	return change(ring, NULL, &c, f);
}

static enum rc
next_day(struct keyring *ring, struct keyfile *next, struct rootkey *root, const struct change *c)
{
	return atomic_load(&ring->detail_day) == c->day ? RC_OK : add_key(next, root, KEY_DETAIL, c->day);
}

enum rc
keyring_day(struct keyring *ring, int64_t now, struct fault *f)
{
	const struct change c = { .fn = next_day, .day = now < 0 ? 0 : (uint32_t)(now / DAY_SECONDS) };

	return atomic_load(&ring->detail_day) == c.day || atomic_load(&ring->is_node)
	    ? RC_OK
	    : change(ring, NULL, &c, f);
}

static enum rc
next_retired(struct keyring *ring, struct keyfile *next, struct rootkey *root, const struct change *c)
{
	(void)root;
	for (size_t n = 0; n < c->count; n++) {
		size_t i = 1;

		for (unsigned use = 0; use < KEY_USES; use++)
			if (keyring_current(ring, (enum key_use)use) == c->ids[n])
				return RC_STATE_CONFLICT;
		while (i < next->count && next->entries[i].id != c->ids[n])
			i++;
		if (i < next->count)
			keyfile_remove(next, i);
	}
	return RC_OK;
}

enum rc
keyring_retire(struct keyring *ring, const uint32_t *ids, size_t count, struct fault *f)
{
	const struct change c = { .fn = next_retired, .ids = ids, .count = count };

	return change(ring, NULL, &c, f);
}

/* ---- counting ---- */

static bool
is_spent(const struct keyring *ring, const struct keyfile_entry *e)
{
	const struct key_slot *slot = &ring->slots[e->id % KEYRING_KEYS];

	return atomic_load(&slot->seals) >= atomic_load(&slot->reserved);
}

/* Every use that has run out, so that a program's first seals of several uses cost one write. */
static enum rc
next_reserved(struct keyring *ring, struct keyfile *next, struct rootkey *root, const struct change *c)
{
	(void)c;
	for (unsigned use = 0; use < KEY_USES; use++) {
		const size_t at = keyring_newest(next, (uint8_t)use);
		const bool is_worn = next->entries[at].seals >= SEALS_RENEW;
		struct keyfile_entry *e;

		if (!is_spent(ring, &next->entries[at]))
			continue;
		if (is_worn && add_successor(next, root, (uint8_t)use) == RC_OK)
			continue;
		e = &next->entries[at];
		if (is_worn)
			log_world("key_worn", "key=%u use=%u: no new key", e->id, use);
		e->seals = e->seals + ring->step < SEALS_MAX ? e->seals + ring->step : SEALS_MAX;
	}
	return RC_OK;
}

/* Nobody here may make the next key, and the keeper, who counts its own seals alone, does not know that one
 * is due: people must.  Under the lock. */
static enum rc
reserve_at_node(struct key_slot *slot, enum key_use use, uint32_t id)
{
	const uint64_t seals = atomic_load(&slot->seals);
	const enum rc rc = seals < SEALS_NODE ? RC_OK : RC_UNAVAILABLE;

	if (seals >= SEALS_RENEW)
		log_world("key_worn", "key=%u use=%u rc=%s: rotate the keys where they are kept", id,
		    (unsigned)use, rc_code(rc));
	if (rc == RC_OK)
		atomic_store(&slot->reserved, seals + STEP_MOST);
	return rc;
}

enum rc
keyring_reserve(struct keyring *ring, enum key_use use, uint32_t id)
{
	const struct change c = { .fn = next_reserved };
	struct key_slot *slot = &ring->slots[id % KEYRING_KEYS];
	enum rc rc = RC_OK;

	pthread_mutex_lock(&ring->lock);
	/* another thread may have been here first */
	if (keyring_current(ring, use) == id && atomic_load(&slot->seals) >= atomic_load(&slot->reserved)) {
		if (atomic_load(&ring->is_node)) {
			rc = reserve_at_node(slot, use, id);
			pthread_mutex_unlock(&ring->lock);
			return rc;
		}
		rc = change_locked(ring, ring->root, &c, NULL);
		if (rc == RC_OK && keyring_current(ring, use) == id &&
		    atomic_load(&slot->reserved) >= SEALS_MAX)
			rc = atomic_load(&slot->seals) < SEALS_MAX ? RC_OK : RC_UNAVAILABLE;
		if (rc == RC_OK && ring->step < STEP_MOST)
			ring->step *= 2;
		if (rc != RC_OK)
			log_world("key_uncounted", "key=%u use=%u rc=%s", id, (unsigned)use, rc_code(rc));
	}
	pthread_mutex_unlock(&ring->lock);
	return rc;
}

size_t
keyring_list(struct keyring *ring, struct key_info *out, size_t cap)
{
	size_t count;

	pthread_mutex_lock(&ring->lock);
	count = ring->file.count - 1;
	for (size_t i = 0; i < count && i < cap; i++) {
		const struct keyfile_entry *e = &ring->file.entries[i + 1];
		const struct key_slot *slot = &ring->slots[e->id % KEYRING_KEYS];
		const uint64_t seals = atomic_load(&slot->seals);

		out[i] = (struct key_info){
			.id = e->id,
			.use = (enum key_use)e->use,
			.day = e->day,
			.seals = seals < e->seals ? seals : e->seals,
			.is_current = keyring_current(ring, (enum key_use)e->use) == e->id,
		};
	}
	pthread_mutex_unlock(&ring->lock);
	return count;
}
