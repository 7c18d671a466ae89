/* SPDX-License-Identifier: Apache-2.0 */
/* What is sealed opens, altered nothing does, and keys are replaced under both. */
#include "ring.h"

#include <pthread.h>

#include "base/file.h"

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

#define FORMAT_BYTE 5 /* flipped it names a format newer than ours */

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
		cr_assert_eq(keyring_open(r.s.path, r.root, &none, &f),
		    i == FORMAT_BYTE ? RC_MALFORMED : RC_CORRUPT, "byte %ld", i);
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
