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
	for (unsigned use = 0; use < KEY_USES; use++) {
		const struct keyfile_entry *e = &kf->entries[keyring_newest(kf, (uint8_t)use)];

		atomic_store_explicit(&ring->current[use], e->id, memory_order_release);
		if (use == KEY_DETAIL)
			atomic_store(&ring->detail_day, e->day);
	}
	atomic_store(&ring->count, (unsigned)kf->count - 1);
}

/* A key that we made ourselves starts with all its reserved seals; of one that was read all may have been
 * used by who wrote it. */
enum rc
keyring_adopt(struct keyring *ring, struct keyfile *kf, bool is_ours)
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

void
keyring_stamp(struct keyring *ring)
{
	if (stat(ring->path, &ring->stamp) != 0)
		ring->stamp = (struct stat){ 0 };
}

enum rc
keyring_read(struct keyring *ring, struct fault *f)
{
	struct keyfile kf;
	enum rc rc;

	keyring_stamp(ring);
	if ((rc = keyfile_load(ring->path, KEYFILE_RECORDS, ring->root, &kf, f)) != RC_OK)
		return rc;
	if (!is_sound(&kf) || keyfile_unwrap(&kf, 0, ring->root, secret_bytes(ring->seed)) != RC_OK ||
	    keyring_adopt(ring, &kf, false) != RC_OK) {
		keyfile_fini(&kf);
		return fault_set(f, RC_CORRUPT, MSG_KEYFILE_FORMAT, NULL, 0, "keyring");
	}
	return RC_OK;
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

	keyring_stamp(ring);
	if ((rc = keyfile_load(ring->path, KEYFILE_RECORDS, ring->root, &kf, f)) != RC_OK) {
		ring->stamp = before;
		return rc;
	}
	if (!is_sound(&kf) || memcmp(kf.file_id.b, ring->file.file_id.b, ID_BYTES) != 0 ||
	    kf.next_id < ring->file.next_id || keyring_adopt(ring, &kf, false) != RC_OK) {
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
