/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that come and go: a day's own, retired ones, what a follower sees, and the count of seals. */
#include "../refusal.h"
#include "ring.h"

#include <fcntl.h>

#include "base/file.h"
#include "crypto/keyfile.h"

static int stat_elsewhere(const char *path, struct stat *st);

REFUSABLE(int, stat, (const char *path, struct stat *st), (path, st), stat_elsewhere(path, st))

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

Test(keyring_change, each_day_has_one_key_of_its_own_written_before_its_first_use)
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

Test(keyring_change, a_key_made_by_rotation_is_still_its_days_key)
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

Test(keyring_change, a_retired_key_is_gone_from_memory_and_file_and_its_id_never_comes_back)
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

Test(keyring_change, thousands_of_days_fit_because_ids_go_on_after_retired_ones)
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

Test(keyring_change, a_full_ring_refuses_a_key_and_keeps_working)
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

Test(keyring_change, the_file_that_held_a_retired_key_is_overwritten)
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
open_beside(struct ring *r)
{
	struct keyring *other;
	struct fault f = { 0 };

	cr_assert_eq(keyring_open(scratch_path(&r->s, "ring"), r->root, &other, &f), RC_OK);
	return other;
}

/* What it would otherwise save over, or bring back. */
Test(keyring_change, one_that_is_opened_again_holds_what_another_left)
{
	uint8_t old[5 + SEAL_OVERHEAD], new[5 + SEAL_OVERHEAD];
	struct keyring *late;
	struct fault f = { 0 };
	uint32_t gone;
	struct ring r;

	ring_open(&r);
	seal(r.keyring, KEY_DETAIL, "key", old);
	late = open_beside(&r);
	gone = sealed_key_id(BYTES_OF(old));
	cr_assert_eq(keyring_day(r.keyring, NOON(3), &f), RC_OK);
	cr_assert_eq(keyring_retire(r.keyring, &gone, 1, &f), RC_OK);
	seal(r.keyring, KEY_DETAIL, "key", new);
	cr_assert_eq(keyring_reopen(late, &f), RC_OK);
	cr_assert_eq(keyring_renew(late, KEY_TOKEN, &f), RC_OK);
	reopen(&r);
	cr_expect_eq(open_as(r.keyring, "key", new), RC_OK);
	cr_expect_eq(open_as(r.keyring, "key", old), RC_CORRUPT);
	cr_expect_eq(keyring_count(r.keyring), KEY_USES + 1);
	keyring_free(late);
	ring_close(&r);
}

Test(keyring_change, one_that_is_opened_again_counts_what_another_may_have_sealed)
{
	uint8_t sealed[5 + SEAL_OVERHEAD];
	struct keyring *late;
	struct fault f = { 0 };
	uint64_t counted;
	struct ring r;

	ring_open(&r);
	late = open_beside(&r);
	seal(r.keyring, KEY_RECORD, "key", sealed);
	counted = info_of(r.keyring, keyring_current(r.keyring, KEY_RECORD)).seals;
	cr_assert_gt(counted, 1);
	cr_assert_eq(keyring_reopen(late, &f), RC_OK);
	/* one more than a first reservation */
	for (uint64_t i = 0; i <= counted; i++)
		seal(late, KEY_RECORD, "key", sealed);
	cr_expect_gt(info_of(late, keyring_current(late, KEY_RECORD)).seals, 2 * counted);
	keyring_free(late);
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

Test(keyring_change, a_follower_takes_new_keys_and_loses_retired_ones)
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

Test(keyring_change, a_follower_neither_seals_nor_changes)
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

Test(keyring_change, yesterdays_file_put_back_is_not_followed)
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

Test(keyring_change, seals_are_counted_across_a_restart)
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

Test(keyring_change, a_use_renews_itself_when_its_key_is_worn)
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

Test(keyring_change, nothing_is_sealed_past_the_limit_of_gcm)
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

Test(keyring_change, what_cannot_be_counted_is_not_sealed)
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

Test(keyring_change, a_root_of_another_length_makes_and_changes_nothing)
{
	struct secret *shorter = secret_new(31);
	struct fault f = { 0 };
	struct ring r;

	ring_open(&r);
	cr_expect_eq(keyring_create(scratch_path(&r.s, "another"), shorter, &f), RC_INVALID);
	cr_expect_neq(access(r.s.path, F_OK), 0);
	cr_expect_eq(keyring_rotate(r.keyring, shorter, &f), RC_INVALID);
	cr_expect_eq(keyring_count(r.keyring), KEY_USES);
	secret_free(shorter);
	reopen(&r);
	ring_close(&r);
}

Test(keyring_change, the_last_id_of_all_is_not_given_out_in_a_slot_that_is_taken)
{
	struct fault f = { 0 };
	struct ring r;

	ring_open(&r);
	edit_file(&r, set_next_id, KEYRING_KEYS - 1);
	cr_assert_eq(keyring_renew(r.keyring, KEY_EVENT, &f), RC_OK);
	edit_file(&r, set_next_id, UINT32_MAX);
	cr_expect_eq(keyring_renew(r.keyring, KEY_EVENT, &f), RC_TOO_BIG);
	cr_expect_eq(keyring_current(r.keyring, KEY_EVENT), KEYRING_KEYS - 1);
	ring_close(&r);
}

Test(keyring_change, a_list_is_cut_where_its_reader_has_no_more_room)
{
	struct key_info rows[3] = { { .id = 77 }, { .id = 77 }, { .id = 77 } };
	struct ring r;

	ring_open(&r);
	cr_expect_eq(keyring_list(r.keyring, rows, 2), KEY_USES);
	cr_expect(rows[0].id != 77 && rows[1].id != 77 && rows[2].id == 77);
	ring_close(&r);
}

Test(keyring_change, a_bound_text_over_the_limit_opens_nothing)
{
	static const uint8_t bound[KEYRING_BOUND + 1];
	uint8_t sealed[5 + SEAL_OVERHEAD], plain[5];
	struct ring r;
	size_t len;

	ring_open(&r);
	seal(r.keyring, KEY_RECORD, "key", sealed);
	cr_expect_eq(
	    keyring_open_sealed(r.keyring, BYTES_OF(bound), BYTES_OF(sealed), plain, &len), RC_CORRUPT);
	ring_close(&r);
}

Test(keyring_change, a_file_of_keys_has_a_bound_and_may_be_empty)
{
	static const uint8_t key[AEAD_KEY];
	const struct id nobody = { { 0 } };
	struct rootkey *root;
	struct keyfile kf, copy;
	struct fault f = { 0 };
	struct ring r;

	ring_open(&r);
	cr_assert_eq(rootkey_new(r.root, &root, &f), RC_OK);
	keyfile_init(&kf, KEYFILE_RECORDS, 1);
	cr_expect_eq(keyfile_copy(&kf, &copy), RC_OK);
	cr_expect(copy.count == 0 && copy.entries == NULL);
	kf.count = KEYFILE_ENTRIES; /* refused before it is looked at */
	cr_expect_eq(keyfile_insert(&kf, kf.count, &nobody, KEY_EVENT, root, key), RC_TOO_BIG);
	cr_expect(kf.count == KEYFILE_ENTRIES && kf.next_id == 1 && kf.entries == NULL);
	rootkey_free(root);
	ring_close(&r);
}

/* ---- by what a follower sees that the file is another ---- */

struct looks {
	struct ring r;
	struct keyring *follower;
	struct stat as_read;
};

/* A byte of the file is another; all that stat tells of it is as it was. */
static void
looks_open(struct looks *l)
{
	ring_open(&l->r);
	l->follower = follow(&l->r);
	cr_assert_eq(stat(scratch_path(&l->r.s, "ring"), &l->as_read), 0);
	flip_byte(l->r.s.path, 40);
}

static void
looks_close(struct looks *l)
{
	keyring_free(l->follower);
	ring_close(&l->r);
}

static void
set_time(const char *path, struct timespec time)
{
	const struct timespec both[2] = { time, time };

	cr_assert_eq(utimensat(AT_FDCWD, path, both, 0), 0);
}

/* It has read the file again, and found it damaged. */
static bool
has_looked(const struct looks *l)
{
	struct fault f = { 0 };

	return keyring_reload(l->follower, &f) != RC_OK;
}

Test(keyring_change, a_follower_reads_again_whatever_changed_about_the_file)
{
	struct looks l;
	struct timespec time;
	char path[300], other[300];

	looks_open(&l);
	snprintf(path, sizeof(path), "%s/ring", l.r.s.dir);
	snprintf(other, sizeof(other), "%s/other", l.r.s.dir);
	time = l.as_read.st_mtim;
	set_time(path, time);
	cr_expect_not(has_looked(&l), "one stat, if it is the same");
	time.tv_nsec = (time.tv_nsec + 1) % 1000000000;
	set_time(path, time);
	cr_expect(has_looked(&l), "a nanosecond");
	time = l.as_read.st_mtim;
	time.tv_sec++;
	set_time(path, time);
	cr_expect(has_looked(&l), "a second");
	cr_assert_eq(truncate(path, l.as_read.st_size - 1), 0);
	set_time(path, l.as_read.st_mtim);
	cr_expect(has_looked(&l), "its size");
	cr_assert_eq(truncate(path, l.as_read.st_size), 0);
	set_time(path, l.as_read.st_mtim);
	cr_expect_not(has_looked(&l));
	copy_file(path, other);
	set_time(other, l.as_read.st_mtim);
	cr_assert_eq(rename(other, path), 0);
	cr_expect(has_looked(&l), "another of the same size and time");
	looks_close(&l);
}

static int
stat_elsewhere(const char *path, struct stat *st)
{
	const int error = stat(path, st);

	st->st_dev ^= 1;
	return error;
}

Test(keyring_change, a_follower_reads_again_when_the_file_is_on_another_disk)
{
	struct looks l;

	looks_open(&l);
	set_time(scratch_path(&l.r.s, "ring"), l.as_read.st_mtim);
	refuse_stat = 1;
	cr_expect(has_looked(&l));
	cr_expect_eq(refuse_stat, 0);
	cr_expect_not(has_looked(&l));
	looks_close(&l);
}
