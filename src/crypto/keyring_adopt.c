/* SPDX-License-Identifier: Apache-2.0 */
/* A keyring file becomes what the ring holds: when it is opened, after each change, and when another process
 * has written it. */
#include <string.h>
#include <time.h>

#include "crypto/keyring_parts.h"

#define RELOAD_TRIES   5u
#define RELOAD_WAIT_NS 2000000L

size_t
keyring_newest(const struct keyfile *kf, uint8_t use)
{
	size_t newest = 0;

	for (size_t i = 1; i < kf->count; i++)
		if (kf->entries[i].use == use)
			newest = i;
	return newest;
}

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
	for (unsigned use = 0; use < KEY_USES; use++)
		if (keyring_newest(kf, (uint8_t)use) == 0)
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

static bool
is_same_key(const struct key_words *words, const uint64_t key[KEY_WORDS])
{
	uint64_t differ = 0;

	for (unsigned n = 0; n < KEY_WORDS; n++)
		differ |= atomic_load_explicit(&words->w[n], memory_order_relaxed) ^ key[n];
	return differ == 0;
}

/* ${used}: how many seals the key's counter starts with. */
static void
fill_slot(struct keyring *ring, const struct keyfile_entry *e, const uint64_t key[KEY_WORDS], uint64_t used)
{
	const uint32_t at = e->id % KEYRING_KEYS;
	struct key_slot *slot = &ring->slots[at];
	struct key_words *words = keyring_words(ring, at);

	for (unsigned n = 0; n < KEY_WORDS; n++)
		atomic_store_explicit(&words->w[n], key[n], memory_order_relaxed);
	atomic_store_explicit(&slot->use, e->use, memory_order_relaxed);
	atomic_store_explicit(&slot->seals, used, memory_order_relaxed);
	atomic_store_explicit(&slot->reserved, e->seals, memory_order_relaxed);
	atomic_store_explicit(&slot->id, e->id, memory_order_release);
}

static bool
holds(const struct keyring *ring, const struct keyfile_entry *e)
{
	return atomic_load(&ring->slots[e->id % KEYRING_KEYS].id) == e->id;
}

/* Where ${keys} has the key of entry ${i}. */
static const uint64_t *
key_at(const struct secret *keys, size_t i)
{
	return (const uint64_t *)(const void *)(secret_view(keys) + i * AEAD_KEY);
}

/*
 * An id that was read may stand for another key than ours: of two that made one each, ours was never
 * published before another node took the keeping over, and nothing was committed under it.  Only where such
 * a node starts, before anybody seals or opens.  True if ours went.
 */
static bool
take_read(struct keyring *ring, const struct keyfile_entry *e, const uint64_t key[KEY_WORDS])
{
	const uint32_t at = e->id % KEYRING_KEYS;
	const bool is_held = holds(ring, e);

	if (is_held && is_same_key(keyring_words(ring, at), key))
		return false;
	if (is_held)
		empty_slot(ring, at);
	fill_slot(ring, e, key, e->seals); /* all that its writer reserved may have been used by it */
	return is_held;
}

/* A key that we made ourselves starts with all its reserved seals. */
static void
take_own(struct keyring *ring, const struct keyfile_entry *e, const uint64_t key[KEY_WORDS])
{
	struct key_slot *slot = &ring->slots[e->id % KEYRING_KEYS];

	if (holds(ring, e))
		atomic_store_explicit(&slot->reserved, e->seals, memory_order_release);
	else
		fill_slot(ring, e, key, 0);
}

static void
choose_current(struct keyring *ring, const struct keyfile *kf)
{
	for (unsigned use = 0; use < KEY_USES; use++) {
		const struct keyfile_entry *e = &kf->entries[keyring_newest(kf, (uint8_t)use)];

		atomic_store_explicit(&ring->current[use], e->id, memory_order_release);
		if (use == KEY_DETAIL)
			atomic_store(&ring->detail_day, e->day);
	}
	atomic_store(&ring->count, (unsigned)kf->count - 1);
}

enum rc
keyring_unwrap(const struct keyring *ring, const struct keyfile *kf, struct rootkey *root, bool is_ours,
    struct secret **out)
{
	struct secret *keys = secret_new(kf->count * AEAD_KEY);
	enum rc rc = keys != NULL ? RC_OK : RC_UNAVAILABLE;

	for (size_t i = 1; i < kf->count && rc == RC_OK; i++)
		if (!is_ours || !holds(ring, &kf->entries[i]))
			rc = keyfile_unwrap(kf, i, root, secret_bytes(keys) + i * AEAD_KEY);
	if (rc == RC_OK) {
		*out = keys;
		keys = NULL;
	}
	secret_free(keys);
	return rc;
}

void
keyring_adopt(struct keyring *ring, struct keyfile *kf, struct secret *keys, bool is_ours)
{
	bool any_gone = drop_missing(ring, kf);

	for (size_t i = 1; i < kf->count; i++) {
		if (is_ours)
			take_own(ring, &kf->entries[i], key_at(keys, i));
		else if (take_read(ring, &kf->entries[i], key_at(keys, i)))
			any_gone = true;
	}
	secret_free(keys);
	choose_current(ring, kf);
	keyfile_fini(&ring->file);
	ring->file = *kf;
	if (any_gone)
		aead_forget_all();
}

void
keyring_stamp(struct keyring *ring)
{
	if (stat(ring->path, &ring->stamp) != 0)
		ring->stamp = (struct stat){ 0 };
}

enum rc
keyring_read(struct keyring *ring, struct fault *f)
{
	struct secret *keys;
	struct keyfile kf;
	enum rc rc;

	keyring_stamp(ring);
	if ((rc = keyfile_load(ring->path, KEYFILE_RECORDS, ring->root, &kf, f)) != RC_OK)
		return rc;
	if (!is_sound(&kf) || keyfile_unwrap(&kf, 0, ring->root, secret_bytes(ring->seed)) != RC_OK ||
	    keyring_unwrap(ring, &kf, ring->root, false, &keys) != RC_OK) {
		keyfile_fini(&kf);
		return fault_set(f, RC_CORRUPT, MSG_KEYFILE_FORMAT, NULL, 0, "keyring");
	}
	keyring_adopt(ring, &kf, keys, false);
	return RC_OK;
}

/* ---- following ---- */

static bool
is_unchanged(const struct keyring *ring)
{
	struct stat st;

	return stat(ring->path, &st) == 0 && st.st_dev == ring->stamp.st_dev &&
	    st.st_ino == ring->stamp.st_ino && st.st_size == ring->stamp.st_size &&
	    st.st_mtim.tv_sec == ring->stamp.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == ring->stamp.st_mtim.tv_nsec;
}

bool
keyring_may_follow(const struct keyring *ring, const struct keyfile *kf, uint32_t known)
{
	return is_sound(kf) && memcmp(kf->file_id.b, ring->file.file_id.b, ID_BYTES) == 0 &&
	    kf->next_id >= known;
}

static enum rc
reload_locked(struct keyring *ring, uint32_t known, struct fault *f)
{
	struct stat before = ring->stamp;
	struct secret *keys;
	struct keyfile kf;
	enum rc rc;

	keyring_stamp(ring);
	if ((rc = keyfile_load(ring->path, KEYFILE_RECORDS, ring->root, &kf, f)) != RC_OK) {
		ring->stamp = before;
		return rc;
	}
	rc = keyring_may_follow(ring, &kf, known) ? keyring_unwrap(ring, &kf, ring->root, false, &keys)
						  : RC_CORRUPT;
	if (rc == RC_OK) {
		keyring_adopt(ring, &kf, keys, false);
		return RC_OK;
	}
	keyfile_fini(&kf);
	ring->stamp = before;
	if (rc == RC_UNAVAILABLE)
		return fault_set(f, rc, MSG_NO_LOCKED_MEMORY, NULL, 0, "keyring");
	return fault_set(f, RC_CORRUPT, MSG_KEYFILE_FORMAT, NULL, 0, "keyring");
}

/* A file that we opened a moment before it was replaced is being overwritten under us: look again. */
static enum rc
reload(struct keyring *ring, bool may_be_older, struct fault *f)
{
	const struct timespec wait = { .tv_nsec = RELOAD_WAIT_NS };
	enum rc rc = RC_OK;

	pthread_mutex_lock(&ring->lock);
	for (unsigned i = 0; i < RELOAD_TRIES && !is_unchanged(ring); i++) {
		if (i > 0)
			(void)nanosleep(&wait, NULL);
		if ((rc = reload_locked(ring, may_be_older ? 0 : ring->file.next_id, f)) == RC_OK)
			break;
	}
	pthread_mutex_unlock(&ring->lock);
	return rc;
}

/* All that the file reserves may have been used by who wrote it. */
static void
count_as_used(struct keyring *ring)
{
	for (size_t i = 1; i < ring->file.count; i++) {
		const struct keyfile_entry *e = &ring->file.entries[i];
		struct key_slot *slot = &ring->slots[e->id % KEYRING_KEYS];

		if (atomic_load(&slot->reserved) >= e->seals)
			continue; /* it is our own, or this node counts for itself */
		atomic_store(&slot->seals, e->seals);
		atomic_store(&slot->reserved, e->seals);
	}
}

enum rc
keyring_reopen(struct keyring *ring, struct fault *f)
{
	enum rc rc;

	pthread_mutex_lock(&ring->lock);
	if ((rc = reload_locked(ring, 0, f)) == RC_OK)
		count_as_used(ring);
	pthread_mutex_unlock(&ring->lock);
	return rc;
}

enum rc
keyring_reload(struct keyring *ring, struct fault *f)
{
	return reload(ring, false, f);
}

enum rc
keyring_reload_first(struct keyring *ring, struct fault *f)
{
	return reload(ring, true, f);
}
