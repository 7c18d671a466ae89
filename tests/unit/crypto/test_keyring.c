/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "scratch.h"

#include "base/file.h"
#include "crypto/keyfile.h"
#include "crypto/keyring.h"

struct ring {
	struct scratch s;
	struct secret *root;
	struct keyring *keyring;
};

static void
ring_open(struct ring *r)
{
	struct fault f = { 0 };

	r->s = scratch_new();
	r->root = root_of(1);
	cr_assert_eq(keyring_create(scratch_path(&r->s, "ring"), r->root, &f), RC_OK);
	cr_assert_eq(keyring_open(scratch_path(&r->s, "ring"), r->root, &r->keyring, &f), RC_OK);
}

static void
ring_close(struct ring *r)
{
	keyring_free(r->keyring);
	secret_free(r->root);
	scratch_remove(&r->s);
	assert_no_leak();
}

static void
seal(struct keyring *k, enum key_use use, const char *bound, uint8_t out[5 + SEAL_OVERHEAD])
{
	cr_assert_eq(keyring_seal(k, use, bytes_str(bound), bytes_str("plain"), out), RC_OK);
}

#define DAY     86400
#define NOON(n) ((n) * (int64_t)DAY + DAY / 2)

/* What the next file is written to first is a directory with something in it: no write can succeed. */
static void
block_writes(struct scratch *s)
{
	cr_assert_eq(mkdir(scratch_path(s, "ring.tmp"), 0700), 0);
	cr_assert_eq(mkdir(scratch_path(s, "ring.tmp/x"), 0700), 0);
}

static void
allow_writes(struct scratch *s)
{
	cr_assert_eq(rmdir(scratch_path(s, "ring.tmp/x")), 0);
	cr_assert_eq(rmdir(scratch_path(s, "ring.tmp")), 0);
}

static enum rc
open_as(struct keyring *k, const char *bound, const uint8_t sealed[5 + SEAL_OVERHEAD])
{
	uint8_t plain[5];
	size_t len;
	enum rc rc = keyring_open_sealed(
	    k, bytes_str(bound), (struct bytes){ sealed, 5 + SEAL_OVERHEAD }, plain, &len);

	cr_assert_eq(len, rc == RC_OK ? 5 : 0);
	cr_assert(rc != RC_OK || memcmp(plain, "plain", 5) == 0);
	return rc;
}

Test(keyring, every_use_seals_under_a_key_of_its_own)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct ring r;

	ring_open(&r);
	cr_assert_eq(keyring_count(r.keyring), KEY_USES);
	for (enum key_use use = 0; use < KEY_USES; use++) {
		seal(r.keyring, use, "key", sealed);
		cr_assert_eq(sealed_key_id(BYTES_OF(sealed)), keyring_current(r.keyring, use));
		cr_assert_eq(open_as(r.keyring, "key", sealed), RC_OK);
		cr_assert_eq(open_as(r.keyring, "kez", sealed), RC_CORRUPT);
		for (enum key_use other = 0; other < use; other++)
			cr_assert_neq(keyring_current(r.keyring, use), keyring_current(r.keyring, other));
	}
	ring_close(&r);
}

Test(keyring, every_byte_of_a_sealed_value_counts)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct ring r;

	ring_open(&r);
	seal(r.keyring, KEY_RECORD, "key", sealed);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		cr_assert_eq(open_as(r.keyring, "key", sealed), RC_CORRUPT, "byte %zu", i);
		sealed[i] ^= 1;
	}
	ring_close(&r);
}

Test(keyring, a_value_cut_anywhere_is_refused)
{
	uint8_t sealed[5 + SEAL_OVERHEAD], plain[5];
	struct ring r;
	size_t len;

	ring_open(&r);
	seal(r.keyring, KEY_RECORD, "key", sealed);
	for (size_t n = 0; n < sizeof(sealed); n++)
		cr_assert_eq(keyring_open_sealed(
				 r.keyring, bytes_str("key"), (struct bytes){ sealed, n }, plain, &len),
		    RC_CORRUPT);
	ring_close(&r);
}

Test(keyring, a_bound_text_over_the_limit_is_refused)
{
	static const uint8_t bound[KEYRING_BOUND + 1];
	uint8_t sealed[SEAL_OVERHEAD];
	struct ring r;

	ring_open(&r);
	cr_assert_eq(keyring_seal(r.keyring, KEY_TOKEN, BYTES_OF(bound), (struct bytes){ NULL, 0 }, sealed),
	    RC_TOO_BIG);
	ring_close(&r);
}

Test(keyring, after_rotation_old_values_open_and_new_ones_have_new_keys)
{
	uint8_t old[5 + SEAL_OVERHEAD], new[5 + SEAL_OVERHEAD];
	uint8_t derived[2][32];
	struct fault f = { 0 };
	uint32_t before;
	struct ring r;

	ring_open(&r);
	seal(r.keyring, KEY_RECORD, "key", old);
	before = keyring_current(r.keyring, KEY_RECORD);
	cr_assert_eq(keyring_derive(r.keyring, "label", derived[0]), RC_OK);
	cr_assert_eq(keyring_rotate(r.keyring, r.root, &f), RC_OK);
	cr_assert_gt(keyring_current(r.keyring, KEY_RECORD), before);
	seal(r.keyring, KEY_RECORD, "key", new);
	keyring_free(r.keyring);
	cr_assert_eq(keyring_open(scratch_path(&r.s, "ring"), r.root, &r.keyring, &f), RC_OK);
	cr_assert_eq(keyring_count(r.keyring), 2 * KEY_USES);
	cr_assert_eq(open_as(r.keyring, "key", old), RC_OK);
	cr_assert_eq(open_as(r.keyring, "key", new), RC_OK);
	cr_assert_eq(sealed_key_id(BYTES_OF(old)), before);
	cr_assert_eq(sealed_key_id(BYTES_OF(new)), keyring_current(r.keyring, KEY_RECORD));
	cr_assert_eq(keyring_derive(r.keyring, "label", derived[1]), RC_OK);
	cr_assert_arr_eq(derived[0], derived[1], 32);
	ring_close(&r);
}

Test(keyring, after_a_change_of_root_only_the_new_root_opens_it)
{
	struct secret *next = root_of(2);
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct keyring *none;
	struct fault f = { 0 };
	struct ring r;

	ring_open(&r);
	seal(r.keyring, KEY_DETAIL, "key", sealed);
	cr_assert_eq(keyring_rotate(r.keyring, next, &f), RC_OK);
	cr_assert_eq(keyring_open(scratch_path(&r.s, "ring"), r.root, &none, &f), RC_CORRUPT);
	cr_assert_null(none);
	cr_assert_eq(f.item[0].msg, MSG_ROOT_KEY);
	keyring_free(r.keyring);
	cr_assert_eq(keyring_open(scratch_path(&r.s, "ring"), next, &r.keyring, &f), RC_OK);
	cr_assert_eq(open_as(r.keyring, "key", sealed), RC_OK);
	secret_free(next);
	ring_close(&r);
}

Test(keyring, every_byte_of_the_file_counts)
{
	struct keyring *none;
	struct fault f = { 0 };
	struct stat st;
	struct ring r;

	ring_open(&r);
	cr_assert_eq(stat(scratch_path(&r.s, "ring"), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	for (long i = 0; i < st.st_size; i++) {
		flip_byte(r.s.path, i);
		cr_assert_eq(keyring_open(r.s.path, r.root, &none, &f), RC_CORRUPT, "byte %ld", i);
		flip_byte(r.s.path, i);
	}
	for (off_t n = st.st_size - 1; n >= 0; n -= 7) {
		cr_assert_eq(truncate(r.s.path, n), 0);
		cr_assert_eq(keyring_open(r.s.path, r.root, &none, &f), RC_CORRUPT);
	}
	ring_close(&r);
}

Test(keyring, a_rotation_that_cannot_be_written_changes_nothing)
{
	const uint32_t first[] = { 1 };
	struct fault f = { 0 };
	struct ring r;

	ring_open(&r);
	block_writes(&r.s);
	cr_assert_neq(keyring_rotate(r.keyring, r.root, &f), RC_OK);
	cr_assert_neq(keyring_day(r.keyring, NOON(1), &f), RC_OK);
	cr_assert_neq(keyring_retire(r.keyring, first, 1, &f), RC_OK);
	cr_assert_eq(keyring_count(r.keyring), KEY_USES);
	allow_writes(&r.s);
	cr_assert_eq(keyring_rotate(r.keyring, r.root, &f), RC_OK);
	ring_close(&r);
}

static void *
seal_and_open(void *arg)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];

	for (int i = 0; i < 500; i++) {
		seal(arg, KEY_RECORD, "key", sealed);
		if (open_as(arg, "key", sealed) != RC_OK)
			return arg;
	}
	return NULL;
}

Test(keyring, sealing_goes_on_while_keys_rotate)
{
	struct fault f = { 0 };
	pthread_t threads[2];
	struct ring r;
	void *result;

	ring_open(&r);
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, seal_and_open, r.keyring), 0);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(keyring_rotate(r.keyring, r.root, &f), RC_OK);
	for (size_t i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		cr_assert_null(result);
	}
	ring_close(&r);
}

static void
reopen(struct ring *r)
{
	struct fault f = { 0 };

	keyring_free(r->keyring);
	cr_assert_eq(keyring_open(scratch_path(&r->s, "ring"), r->root, &r->keyring, &f), RC_OK);
}

/* Change the file behind the ring's back, by ${fn}, and open it again. */
static void
edit_file(struct ring *r, void (*fn)(struct keyfile *, struct rootkey *, uint64_t), uint64_t arg)
{
	struct rootkey *root;
	struct keyfile kf;
	struct fault f = { 0 };

	cr_assert_eq(rootkey_new(r->root, &root, &f), RC_OK);
	cr_assert_eq(keyfile_load(scratch_path(&r->s, "ring"), KEYFILE_RECORDS, root, &kf, &f), RC_OK);
	fn(&kf, root, arg);
	cr_assert_eq(keyfile_save(r->s.path, &kf, root, &f), RC_OK);
	keyfile_fini(&kf);
	rootkey_free(root);
	reopen(r);
}

static void
set_seals(struct keyfile *kf, struct rootkey *root, uint64_t seals)
{
	(void)root;
	for (size_t i = 0; i < kf->count; i++)
		kf->entries[i].seals = seals;
}

static void
set_next_id(struct keyfile *kf, struct rootkey *root, uint64_t id)
{
	(void)root;
	kf->next_id = (uint32_t)id;
}

static void
add_keys(struct keyfile *kf, struct rootkey *root, uint64_t count)
{
	static const uint8_t key[AEAD_KEY];
	const struct id nobody = { { 0 } };

	while (count-- > 0)
		cr_assert_eq(keyfile_insert(kf, kf->count, &nobody, KEY_EVENT, root, key), RC_OK);
}

static struct key_info
info_of(struct keyring *k, uint32_t id)
{
	struct key_info rows[KEYRING_KEYS];
	size_t n = keyring_list(k, rows, KEYRING_KEYS);

	for (size_t i = 0; i < n; i++)
		if (rows[i].id == id)
			return rows[i];
	return (struct key_info){ 0 };
}

Test(keyring, each_day_has_one_key_of_its_own_written_before_its_first_use)
{
	uint8_t monday[5 + SEAL_OVERHEAD], tuesday[5 + SEAL_OVERHEAD];
	struct fault f = { 0 };
	struct ring r;

	ring_open(&r);
	cr_assert_eq(keyring_day(r.keyring, NOON(100), &f), RC_OK);
	cr_assert_eq(keyring_count(r.keyring), KEY_USES + 1);
	cr_assert_eq(keyring_day(r.keyring, NOON(100) + DAY / 2 - 1, &f), RC_OK);
	cr_assert_eq(keyring_count(r.keyring), KEY_USES + 1, "the same day needs no new key");
	seal(r.keyring, KEY_DETAIL, "key", monday);
	cr_assert_eq(keyring_day(r.keyring, NOON(100) + DAY / 2, &f), RC_OK);
	seal(r.keyring, KEY_DETAIL, "key", tuesday);
	reopen(&r);
	cr_assert_eq(info_of(r.keyring, sealed_key_id(BYTES_OF(monday))).day, 100);
	cr_assert_eq(info_of(r.keyring, sealed_key_id(BYTES_OF(tuesday))).day, 101);
	cr_assert_not(info_of(r.keyring, sealed_key_id(BYTES_OF(monday))).is_current);
	cr_assert(info_of(r.keyring, sealed_key_id(BYTES_OF(tuesday))).is_current);
	cr_assert_eq(keyring_day(r.keyring, NOON(101), &f), RC_OK);
	cr_assert_eq(keyring_current(r.keyring, KEY_DETAIL), sealed_key_id(BYTES_OF(tuesday)));
	ring_close(&r);
}

Test(keyring, a_key_made_by_rotation_is_still_its_days_key)
{
	struct fault f = { 0 };
	struct ring r;

	ring_open(&r);
	cr_assert_eq(keyring_day(r.keyring, NOON(7), &f), RC_OK);
	cr_assert_eq(keyring_rotate(r.keyring, r.root, &f), RC_OK);
	cr_assert_eq(info_of(r.keyring, keyring_current(r.keyring, KEY_DETAIL)).day, 7);
	cr_assert_eq(info_of(r.keyring, keyring_current(r.keyring, KEY_RECORD)).day, 0);
	ring_close(&r);
}

Test(keyring, a_retired_key_is_gone_from_memory_and_file_and_its_id_never_comes_back)
{
	uint8_t old[5 + SEAL_OVERHEAD], kept[5 + SEAL_OVERHEAD];
	struct fault f = { 0 };
	uint32_t gone;
	struct ring r;

	ring_open(&r);
	seal(r.keyring, KEY_DETAIL, "key", old);
	gone = sealed_key_id(BYTES_OF(old));
	cr_assert_eq(keyring_retire(r.keyring, &gone, 1, &f), RC_STATE_CONFLICT, "it is current");
	cr_assert_eq(open_as(r.keyring, "key", old), RC_OK);
	cr_assert_eq(keyring_renew(r.keyring, KEY_DETAIL, &f), RC_OK);
	seal(r.keyring, KEY_DETAIL, "key", kept);
	cr_assert_eq(keyring_retire(r.keyring, &gone, 1, &f), RC_OK);
	cr_assert_eq(open_as(r.keyring, "key", old), RC_CORRUPT);
	cr_assert_eq(open_as(r.keyring, "key", kept), RC_OK);
	cr_assert_eq(keyring_count(r.keyring), KEY_USES);
	cr_assert_eq(keyring_retire(r.keyring, &gone, 1, &f), RC_OK, "once more does no harm");
	reopen(&r);
	cr_assert_eq(open_as(r.keyring, "key", old), RC_CORRUPT);
	cr_assert_eq(open_as(r.keyring, "key", kept), RC_OK);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(keyring_rotate(r.keyring, r.root, &f), RC_OK);
	cr_assert_eq(info_of(r.keyring, gone).id, 0);
	cr_assert_eq(open_as(r.keyring, "key", old), RC_CORRUPT);
	ring_close(&r);
}

Test(keyring, thousands_of_days_fit_because_ids_go_on_after_retired_ones)
{
	uint8_t first[5 + SEAL_OVERHEAD], last[5 + SEAL_OVERHEAD];
	struct fault f = { 0 };
	uint32_t before;
	struct ring r;

	ring_open(&r);
	seal(r.keyring, KEY_RECORD, "key", first);
	edit_file(&r, set_next_id, KEYRING_KEYS - 20);
	for (int day = 1; day < 60; day++) {
		before = keyring_current(r.keyring, KEY_DETAIL);
		cr_assert_eq(keyring_day(r.keyring, NOON(day), &f), RC_OK);
		cr_assert_eq(keyring_retire(r.keyring, &before, 1, &f), RC_OK);
	}
	seal(r.keyring, KEY_DETAIL, "key", last);
	cr_assert_gt(sealed_key_id(BYTES_OF(last)), KEYRING_KEYS);
	cr_assert_eq(keyring_count(r.keyring), KEY_USES);
	reopen(&r);
	cr_assert_eq(open_as(r.keyring, "key", first), RC_OK);
	cr_assert_eq(open_as(r.keyring, "key", last), RC_OK);
	ring_close(&r);
}

Test(keyring, a_full_ring_refuses_a_key_and_keeps_working)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct fault f = { 0 };
	struct ring r;
	int day = 0;

	ring_open(&r);
	edit_file(&r, add_keys, KEYRING_KEYS - KEY_USES - 2);
	while (keyring_count(r.keyring) < KEYRING_KEYS)
		cr_assert_eq(keyring_day(r.keyring, NOON(++day), &f), RC_OK);
	cr_assert_eq(keyring_day(r.keyring, NOON(++day), &f), RC_TOO_BIG);
	cr_assert_eq(f.item[0].msg, MSG_KEYFILE_FULL);
	seal(r.keyring, KEY_DETAIL, "key", sealed);
	reopen(&r);
	cr_assert_eq(open_as(r.keyring, "key", sealed), RC_OK);
	ring_close(&r);
}

Test(keyring, the_file_that_held_a_retired_key_is_overwritten)
{
	struct fault f = { 0 };
	uint8_t byte;
	uint32_t id;
	struct ring r;
	FILE *before;

	ring_open(&r);
	id = keyring_current(r.keyring, KEY_DETAIL);
	cr_assert_eq(keyring_day(r.keyring, NOON(1), &f), RC_OK);
	cr_assert((before = fopen(scratch_path(&r.s, "ring"), "rb")) != NULL); /* keeps the old file alive */
	cr_assert_eq(keyring_retire(r.keyring, &id, 1, &f), RC_OK);
	while (fread(&byte, 1, 1, before) == 1)
		cr_assert_eq(byte, 0);
	fclose(before);
	cr_assert_neq(access(scratch_path(&r.s, "ring.old"), F_OK), 0);
	ring_close(&r);
}

static struct keyring *
follow(struct ring *r)
{
	struct keyring *follower;
	struct fault f = { 0 };

	cr_assert_eq(keyring_open_follower(scratch_path(&r->s, "ring"), r->root, &follower, &f), RC_OK);
	return follower;
}

Test(keyring, a_follower_takes_new_keys_and_loses_retired_ones)
{
	uint8_t old[5 + SEAL_OVERHEAD], new[5 + SEAL_OVERHEAD];
	struct keyring *follower;
	struct fault f = { 0 };
	uint32_t gone;
	struct ring r;

	ring_open(&r);
	follower = follow(&r);
	seal(r.keyring, KEY_DETAIL, "key", old);
	gone = sealed_key_id(BYTES_OF(old));
	cr_assert_eq(keyring_day(r.keyring, NOON(3), &f), RC_OK);
	seal(r.keyring, KEY_DETAIL, "key", new);
	cr_assert_eq(open_as(follower, "key", new), RC_CORRUPT);
	cr_assert_eq(keyring_reload(follower, &f), RC_OK);
	cr_assert_eq(open_as(follower, "key", new), RC_OK);
	cr_assert_eq(open_as(follower, "key", old), RC_OK);
	cr_assert_eq(keyring_retire(r.keyring, &gone, 1, &f), RC_OK);
	cr_assert_eq(keyring_reload(follower, &f), RC_OK);
	cr_assert_eq(open_as(follower, "key", old), RC_CORRUPT);
	cr_assert_eq(open_as(follower, "key", new), RC_OK);
	cr_assert_eq(keyring_count(follower), keyring_count(r.keyring));
	keyring_free(follower);
	ring_close(&r);
}

Test(keyring, a_follower_neither_seals_nor_changes)
{
	struct keyring *follower;
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct fault f = { 0 };
	uint32_t id;
	struct ring r;

	ring_open(&r);
	follower = follow(&r);
	id = keyring_current(follower, KEY_DETAIL);
	cr_assert_neq(
	    keyring_seal(follower, KEY_RECORD, bytes_str("key"), bytes_str("plain"), sealed), RC_OK);
	cr_assert_neq(keyring_rotate(follower, r.root, &f), RC_OK);
	cr_assert_neq(keyring_day(follower, NOON(3), &f), RC_OK);
	cr_assert_neq(keyring_retire(follower, &id, 1, &f), RC_OK);
	keyring_free(follower);
	ring_close(&r);
}

static void
copy_file(const char *from, const char *to)
{
	char *text;
	size_t len;
	struct fault f = { 0 };

	cr_assert_eq(file_read(from, 1 << 20, &text, &len, &f), RC_OK);
	cr_assert_eq(file_write(to, (struct bytes){ (uint8_t *)text, len }, 0600, &f), RC_OK);
	free(text);
}

Test(keyring, yesterdays_file_put_back_is_not_followed)
{
	uint8_t old[5 + SEAL_OVERHEAD];
	struct keyring *follower;
	char backup[300], path[300];
	struct fault f = { 0 };
	uint32_t gone;
	struct ring r;

	ring_open(&r);
	snprintf(path, sizeof(path), "%s/ring", r.s.dir);
	snprintf(backup, sizeof(backup), "%s/backup", r.s.dir);
	seal(r.keyring, KEY_DETAIL, "key", old);
	gone = sealed_key_id(BYTES_OF(old));
	copy_file(path, backup);
	cr_assert_eq(keyring_day(r.keyring, NOON(3), &f), RC_OK);
	cr_assert_eq(keyring_retire(r.keyring, &gone, 1, &f), RC_OK);
	follower = follow(&r);
	copy_file(backup, path);
	cr_assert_eq(keyring_reload(follower, &f), RC_CORRUPT);
	cr_assert_eq(open_as(follower, "key", old), RC_CORRUPT);
	keyring_free(follower);
	ring_close(&r);
}

Test(keyring, seals_are_counted_across_a_restart)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	uint64_t seals;
	struct ring r;

	ring_open(&r);
	for (int i = 0; i < 3000; i++)
		seal(r.keyring, KEY_RECORD, "key", sealed);
	seals = info_of(r.keyring, sealed_key_id(BYTES_OF(sealed))).seals;
	cr_assert(seals >= 3000 && seals < 3010);
	reopen(&r);
	seals = info_of(r.keyring, sealed_key_id(BYTES_OF(sealed))).seals;
	cr_assert(seals >= 3000 && seals < 3 * 3000);
	ring_close(&r);
}

Test(keyring, a_use_renews_itself_when_its_key_is_worn)
{
	uint8_t old[5 + SEAL_OVERHEAD], new[5 + SEAL_OVERHEAD];
	struct ring r;

	ring_open(&r);
	seal(r.keyring, KEY_AUDIT, "key", old);
	edit_file(&r, set_seals, UINT64_C(1) << 24);
	seal(r.keyring, KEY_AUDIT, "key", new);
	cr_assert_neq(sealed_key_id(BYTES_OF(old)), sealed_key_id(BYTES_OF(new)));
	cr_assert_eq(open_as(r.keyring, "key", old), RC_OK);
	ring_close(&r);
}

Test(keyring, nothing_is_sealed_past_the_limit_of_gcm)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct ring r;

	ring_open(&r);
	edit_file(&r, add_keys, KEYRING_KEYS - KEY_USES); /* no room to renew itself */
	edit_file(&r, set_seals, (UINT64_C(1) << 32) - 2);
	seal(r.keyring, KEY_EVENT, "key", sealed);
	for (int i = 0; i < 4; i++) {
		enum rc rc = keyring_seal(r.keyring, KEY_EVENT, bytes_str("key"), bytes_str("plain"), sealed);
		cr_assert(rc == RC_UNAVAILABLE || i == 0);
	}
	ring_close(&r);
}

Test(keyring, what_cannot_be_counted_is_not_sealed)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct ring r;

	ring_open(&r);
	block_writes(&r.s);
	cr_assert_eq(keyring_seal(r.keyring, KEY_RECORD, bytes_str("key"), bytes_str("plain"), sealed),
	    RC_UNAVAILABLE);
	allow_writes(&r.s);
	seal(r.keyring, KEY_RECORD, "key", sealed);
	ring_close(&r);
}

static atomic_bool is_over;

/* Whatever happens to the keys: what is sealed opens, or its key is gone; never a wrong text. */
static void *
seal_and_look(void *arg)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];

	while (!atomic_load(&is_over)) {
		seal(arg, KEY_DETAIL, "key", sealed);
		(void)open_as(arg, "key", sealed);
	}
	return NULL;
}

Test(keyring, sealing_and_opening_go_on_while_days_pass_and_keys_are_retired)
{
	struct fault f = { 0 };
	pthread_t threads[3];
	struct ring r;
	uint32_t gone;

	ring_open(&r);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, seal_and_look, r.keyring), 0);
	for (int day = 1; day < 200; day++) {
		gone = keyring_current(r.keyring, KEY_DETAIL);
		cr_assert_eq(keyring_day(r.keyring, NOON(day), &f), RC_OK);
		cr_assert_eq(keyring_retire(r.keyring, &gone, 1, &f), RC_OK);
	}
	atomic_store(&is_over, true);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ring_close(&r);
}

/* ---- what is left in this process's memory ---- */

#define MASK 0x5a

/* Key ${id} out of the file, masked, so that the test's own copy is not what it finds. */
static void
masked_key(struct ring *r, uint32_t id, uint8_t out[AEAD_KEY])
{
	struct rootkey *root;
	struct keyfile kf;
	struct fault f = { 0 };
	size_t i = 0;

	cr_assert_eq(rootkey_new(r->root, &root, &f), RC_OK);
	cr_assert_eq(keyfile_load(scratch_path(&r->s, "ring"), KEYFILE_RECORDS, root, &kf, &f), RC_OK);
	while (i < kf.count && kf.entries[i].id != id)
		i++;
	cr_assert_lt(i, kf.count);
	cr_assert_eq(keyfile_unwrap(&kf, i, root, out), RC_OK);
	for (i = 0; i < AEAD_KEY; i++)
		out[i] ^= MASK;
	keyfile_fini(&kf);
	rootkey_free(root);
}

static bool
is_at(const uint8_t *p, const uint8_t masked[AEAD_KEY])
{
	for (size_t i = 0; i < AEAD_KEY; i++)
		if ((p[i] ^ MASK) != masked[i])
			return false;
	return true;
}

/* How often the key stands between ${from} and ${to}.  The window is wiped before it is filled, or it would
 * find itself. */
static unsigned
count_between(int mem, unsigned long from, unsigned long to, const uint8_t masked[AEAD_KEY])
{
	static uint8_t window[1 << 16];
	unsigned found = 0;

	while (from + AEAD_KEY <= to) {
		const size_t room = to - from < sizeof(window) ? to - from : sizeof(window);
		ssize_t n;

		wipe(window, sizeof(window));
		if ((n = pread(mem, window, room, (off_t)from)) < (ssize_t)AEAD_KEY)
			break;
		for (size_t i = 0; i + AEAD_KEY <= (size_t)n; i++)
			if (is_at(window + i, masked))
				found++;
		from += (size_t)n - AEAD_KEY + 1;
	}
	wipe(window, sizeof(window));
	return found;
}

static unsigned
count_in_memory(const uint8_t masked[AEAD_KEY])
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	unsigned long from, to;
	unsigned found = 0;
	char line[512], rights[8];

	cr_assert(maps != NULL && mem >= 0);
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[0] == 'r' &&
		    rights[1] == 'w')
			found += count_between(mem, from, to, masked);
	fclose(maps);
	close(mem);
	return found;
}

static sem_t has_sealed, may_end;

/* A thread whose last seal was under the key, and which then does nothing. */
static void *
seal_once(void *arg)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];

	seal(arg, KEY_DETAIL, "key", sealed);
	sem_post(&has_sealed);
	sem_wait(&may_end);
	return NULL;
}

#ifdef __SANITIZE_ADDRESS__
#define IS_SANITIZED true /* its shadow memory is too much to read, and freed memory is kept */
#else
#define IS_SANITIZED false
#endif

Test(keyring, a_retired_key_is_nowhere_in_memory_not_even_with_threads_that_sleep, .disabled = IS_SANITIZED)
{
	uint8_t masked[AEAD_KEY], root[AEAD_KEY];
	struct fault f = { 0 };
	pthread_t thread;
	uint32_t gone;
	struct ring r;

	ring_open(&r);
	cr_assert(sem_init(&has_sealed, 0, 0) == 0 && sem_init(&may_end, 0, 0) == 0);
	cr_assert_eq(pthread_create(&thread, NULL, seal_once, r.keyring), 0);
	sem_wait(&has_sealed);
	gone = keyring_current(r.keyring, KEY_DETAIL);
	masked_key(&r, gone, masked);
	cr_assert_geq(count_in_memory(masked), 2, "the search must find the ring's and the thread's copy");
	cr_assert_eq(keyring_day(r.keyring, NOON(1), &f), RC_OK);
	cr_assert_eq(keyring_retire(r.keyring, &gone, 1, &f), RC_OK);
	cr_assert_eq(count_in_memory(masked), 0);
	/* the root key: in its locked page and in the test's, and nowhere after */
	for (size_t i = 0; i < AEAD_KEY; i++)
		root[i] = secret_view(r.root)[i] ^ MASK;
	cr_assert_eq(count_in_memory(root), 2);
	sem_post(&may_end);
	pthread_join(thread, NULL);
	ring_close(&r);
}
