/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing a ring: the next file is made beside the present one, written, and only then taken over, so that a
 * failure leaves ring and file as they were.
 */
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "crypto/keyring_parts.h"

#define DAY_SECONDS    86400
#define RELOAD_TRIES   5u
#define RELOAD_WAIT_NS 2000000L

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

static const struct keyfile_entry *
newest_of(const struct keyfile *kf, uint8_t use)
{
	const struct keyfile_entry *newest = NULL;

	for (size_t i = 1; i < kf->count; i++)
		if (kf->entries[i].use == use)
			newest = &kf->entries[i];
	return newest;
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
	const struct keyfile_entry *newest = newest_of(kf, use);

	return add_key(kf, root, use, newest == NULL ? 0 : newest->day);
}

static enum rc
add_generation(struct keyfile *kf, struct rootkey *root)
{
	enum rc rc = RC_OK;

	for (uint8_t use = 0; use < KEY_USES && rc == RC_OK; use++)
		rc = add_successor(kf, root, use);
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
	return rc == RC_OK ? add_generation(kf, root) : rc;
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

/* ---- taking a file over ---- */

/* The seed first, then keys whose slots are their own, in order, at least one for each use. */
static bool
is_sound(const struct keyfile *kf)
{
	uint8_t seen[KEYRING_KEYS] = { 0 };

	if (kf->count == 0 || kf->entries[0].id != 0 || kf->entries[0].use != SEED_USE)
		return false;
	for (size_t i = 1; i < kf->count; i++) {
		const struct keyfile_entry *e = &kf->entries[i];

		if (e->use >= KEY_USES || e->id <= kf->entries[i - 1].id || e->id >= kf->next_id ||
		    seen[e->id % KEYRING_KEYS]++ > 0)
			return false;
	}
	for (uint8_t use = 0; use < KEY_USES; use++)
		if (newest_of(kf, use) == NULL)
			return false;
	return true;
}

static bool
is_in(const struct keyfile *kf, uint32_t id)
{
	for (size_t i = 1; i < kf->count; i++)
		if (kf->entries[i].id == id)
			return true;
	return false;
}

/* The id goes first: see take_key. */
static void
empty_slot(struct keyring *ring, uint32_t at)
{
	struct key_words *words = keyring_words(ring, at);

	atomic_store_explicit(&ring->slots[at].id, 0, memory_order_relaxed);
	for (unsigned i = 0; i < KEY_WORDS; i++)
		atomic_store_explicit(&words->w[i], 0, memory_order_release);
}

/* Wipe the keys that ${kf} no longer has; true if there were any. */
static bool
drop_missing(struct keyring *ring, const struct keyfile *kf)
{
	bool any = false;

	for (uint32_t at = 0; at < KEYRING_KEYS; at++) {
		const uint32_t id = atomic_load(&ring->slots[at].id);

		if (id == 0 || is_in(kf, id))
			continue;
		empty_slot(ring, at);
		any = true;
	}
	return any;
}

/* ${used}: how many seals the key's counter starts with. */
static enum rc
fill_slot(struct keyring *ring, const struct keyfile *kf, size_t i, uint64_t used)
{
	const struct keyfile_entry *e = &kf->entries[i];
	const uint32_t at = e->id % KEYRING_KEYS;
	struct key_slot *slot = &ring->slots[at];
	struct key_words *words = keyring_words(ring, at);
	uint64_t key[KEY_WORDS];
	enum rc rc;

	if ((rc = keyfile_unwrap(kf, i, ring->root, (uint8_t *)key)) == RC_OK) {
		for (unsigned n = 0; n < KEY_WORDS; n++)
			atomic_store_explicit(&words->w[n], key[n], memory_order_relaxed);
		atomic_store_explicit(&slot->use, e->use, memory_order_relaxed);
		atomic_store_explicit(&slot->seals, used, memory_order_relaxed);
		atomic_store_explicit(&slot->reserved, e->seals, memory_order_relaxed);
		atomic_store_explicit(&slot->id, e->id, memory_order_release);
	}
	wipe(key, sizeof(key));
	return rc;
}

static void
choose_current(struct keyring *ring, const struct keyfile *kf)
{
	for (uint8_t use = 0; use < KEY_USES; use++) {
		const struct keyfile_entry *e = newest_of(kf, use);

		atomic_store_explicit(&ring->current[use], e->id, memory_order_release);
		if (use == KEY_DETAIL)
			atomic_store(&ring->detail_day, e->day);
	}
	atomic_store(&ring->count, (unsigned)kf->count - 1);
}

/*
 * Make the ring hold exactly what ${kf} holds, and take ${kf}.  A key that we made ourselves starts with all
 * its reserved seals; of one that was read all may have been used by who wrote it.
 */
static enum rc
adopt(struct keyring *ring, struct keyfile *kf, bool is_ours)
{
	const bool any_gone = drop_missing(ring, kf);

	for (size_t i = 1; i < kf->count; i++) {
		const struct keyfile_entry *e = &kf->entries[i];
		struct key_slot *slot = &ring->slots[e->id % KEYRING_KEYS];
		enum rc rc;

		if (atomic_load(&slot->id) == e->id) {
			if (is_ours)
				atomic_store_explicit(&slot->reserved, e->seals, memory_order_release);
			continue;
		}
		if ((rc = fill_slot(ring, kf, i, is_ours ? 0 : e->seals)) != RC_OK)
			return rc;
	}
	choose_current(ring, kf);
	keyfile_fini(&ring->file);
	ring->file = *kf;
	if (any_gone)
		aead_forget_all();
	return RC_OK;
}

/* Before the file is read: what replaces it meanwhile is then seen as a change. */
static void
stamp(struct keyring *ring)
{
	if (stat(ring->path, &ring->stamp) != 0)
		ring->stamp = (struct stat){ 0 };
}

enum rc
keyring_read(struct keyring *ring, struct fault *f)
{
	struct keyfile kf;
	enum rc rc;

	stamp(ring);
	if ((rc = keyfile_load(ring->path, KEYFILE_RECORDS, ring->root, &kf, f)) != RC_OK)
		return rc;
	if (!is_sound(&kf) || keyfile_unwrap(&kf, 0, ring->root, secret_bytes(ring->seed)) != RC_OK ||
	    adopt(ring, &kf, false) != RC_OK) {
		keyfile_fini(&kf);
		return fault_set(f, RC_CORRUPT, MSG_KEYFILE_FORMAT, NULL, 0, "keyring");
	}
	return RC_OK;
}

/* ---- changes ---- */

struct change {
	enum rc (*fn)(struct keyring *, struct keyfile *next, struct rootkey *root, const struct change *);
	enum key_use use;
	uint32_t day;
	const uint32_t *ids;
	size_t count;
};

/* Under the lock. */
static enum rc
change_locked(struct keyring *ring, struct rootkey *root, const struct change *c, struct fault *f)
{
	struct keyfile next;
	enum rc rc;

	if (ring->is_follower)
		return fault_set(f, RC_INTERNAL, MSG_INTERNAL, NULL, 0, NULL);
	if ((rc = keyfile_copy(&ring->file, &next)) == RC_OK)
		rc = c->fn(ring, &next, root, c);
	if (rc == RC_TOO_BIG)
		rc = fault_set(f, rc, MSG_KEYFILE_FULL, NULL, KEYRING_KEYS, "keyring");
	else if (rc != RC_OK)
		rc = fault_set(
		    f, rc, rc == RC_STATE_CONFLICT ? MSG_STATE_CONFLICT : MSG_UNAVAILABLE, NULL, 0, NULL);
	else
		rc = keyfile_save(ring->path, &next, root, f);
	if (rc != RC_OK) {
		keyfile_fini(&next);
		return rc;
	}
	if (root != ring->root) {
		rootkey_free(ring->root);
		ring->root = rootkey_share(root);
	}
	stamp(ring);
	return adopt(ring, &next, true);
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

	return atomic_load(&ring->detail_day) == c.day ? RC_OK : change(ring, NULL, &c, f);
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
	for (uint8_t use = 0; use < KEY_USES; use++) {
		const ptrdiff_t at = newest_of(next, use) - next->entries;
		const bool is_worn = next->entries[at].seals >= SEALS_RENEW;
		struct keyfile_entry *e;

		if (!is_spent(ring, &next->entries[at]))
			continue;
		if (is_worn && add_successor(next, root, use) == RC_OK)
			continue;
		e = &next->entries[at];
		if (is_worn)
			log_world("key_worn", "key=%u use=%u: no new key", e->id, (unsigned)use);
		e->seals = e->seals + ring->step < SEALS_MAX ? e->seals + ring->step : SEALS_MAX;
	}
	return RC_OK;
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

/* ---- following ---- */

static bool
is_unchanged(const struct keyring *ring)
{
	struct stat st;

	return stat(ring->path, &st) == 0 && st.st_ino == ring->stamp.st_ino &&
	    st.st_dev == ring->stamp.st_dev && st.st_size == ring->stamp.st_size &&
	    st.st_mtim.tv_sec == ring->stamp.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == ring->stamp.st_mtim.tv_nsec;
}

static enum rc
reload_locked(struct keyring *ring, struct fault *f)
{
	struct stat before = ring->stamp;
	struct keyfile kf;
	enum rc rc;

	stamp(ring);
	if ((rc = keyfile_load(ring->path, KEYFILE_RECORDS, ring->root, &kf, f)) != RC_OK) {
		ring->stamp = before;
		return rc;
	}
	if (!is_sound(&kf) || memcmp(kf.file_id.b, ring->file.file_id.b, ID_BYTES) != 0 ||
	    kf.next_id < ring->file.next_id || adopt(ring, &kf, false) != RC_OK) {
		keyfile_fini(&kf);
		ring->stamp = before;
		return fault_set(f, RC_CORRUPT, MSG_KEYFILE_FORMAT, NULL, 0, "keyring");
	}
	return RC_OK;
}

/* A file that we opened a moment before it was replaced is being overwritten under us: look again. */
enum rc
keyring_reload(struct keyring *ring, struct fault *f)
{
	const struct timespec wait = { .tv_nsec = RELOAD_WAIT_NS };
	enum rc rc = RC_OK;

	pthread_mutex_lock(&ring->lock);
	for (unsigned i = 0; i < RELOAD_TRIES && !is_unchanged(ring); i++) {
		if (i > 0)
			(void)nanosleep(&wait, NULL);
		if ((rc = reload_locked(ring, f)) == RC_OK)
			break;
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
