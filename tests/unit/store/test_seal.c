/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed values at their place and elsewhere, cut at every length, and at the edge of what is taken. */
#include "store/seal.h"

#include "fixture.h"

static struct fixture x;
static uint8_t big[LIMIT_VALUE + 1];
static uint8_t opened[LIMIT_VALUE + LOG_LEAF];
static const uint8_t leaf[LOG_LEAF] = "the leaf of one entry of a log";

static void
open_ring(void)
{
	fixture_open(&x, &engine_memory);
}

static void
close_ring(void)
{
	fixture_close(&x);
}

TestSuite(seal, .init = open_ring, .fini = close_ring);

static struct key
some_key(uint64_t n)
{
	struct key key = key_kind(7);

	key_add_u64(&key, n);
	return key;
}

Test(seal, a_record_of_the_largest_size_is_taken_and_one_byte_more_is_not)
{
	struct key key = some_key(1);
	struct bytes out;
	size_t len;

	cr_assert_eq(
	    seal_record(x.keyring, x.arena, &key, KEY_RECORD, (struct bytes){ big, LIMIT_VALUE }, &out),
	    RC_OK);
	cr_assert_eq(seal_open(x.keyring, &key, out, opened, &len), RC_OK);
	cr_assert_eq(len, LIMIT_VALUE);
	cr_assert_eq(
	    seal_record(x.keyring, x.arena, &key, KEY_RECORD, (struct bytes){ big, LIMIT_VALUE + 1 }, &out),
	    RC_TOO_BIG);
}

Test(seal, an_entry_of_the_largest_size_is_taken_and_one_byte_more_is_not)
{
	struct key key = log_key(LOG_AUDIT, 9);
	struct bytes out;
	size_t len;

	cr_assert_eq(seal_entry(x.keyring, x.arena, LOG_AUDIT, leaf, KEY_AUDIT,
			 (struct bytes){ big, LIMIT_VALUE }, &out),
	    RC_OK);
	cr_assert_eq(seal_open(x.keyring, &key, out, opened, &len), RC_OK);
	cr_assert_eq(len, LIMIT_VALUE + LOG_LEAF);
	cr_assert_eq(memcmp(opened, leaf, LOG_LEAF), 0);
	cr_assert_eq(seal_entry(x.keyring, x.arena, LOG_AUDIT, leaf, KEY_AUDIT,
			 (struct bytes){ big, LIMIT_VALUE + 1 }, &out),
	    RC_TOO_BIG);
}

Test(seal, the_room_to_open_a_value_is_what_opening_it_gives)
{
	struct key record = some_key(1), entry = log_key(LOG_EVENT, 1);
	struct bytes out;

	for (size_t n = 0; n < 70; n++) {
		size_t len;

		cr_assert_eq(
		    seal_record(x.keyring, x.arena, &record, KEY_RECORD, (struct bytes){ big, n }, &out),
		    RC_OK);
		cr_assert_eq(seal_open(x.keyring, &record, out, opened, &len), RC_OK);
		cr_assert_eq(len, n);
		cr_assert(out.len == LOG_LEAF || seal_opened_size(out) == n);
		cr_assert_eq(seal_entry(x.keyring, x.arena, LOG_EVENT, leaf, KEY_EVENT,
				 (struct bytes){ big, n }, &out),
		    RC_OK);
		cr_assert_eq(seal_open(x.keyring, &entry, out, opened, &len), RC_OK);
		cr_assert_eq(len, n + LOG_LEAF);
		cr_assert_eq(seal_opened_size(out), n + LOG_LEAF);
	}
}

Test(seal, a_record_moved_to_another_key_does_not_open)
{
	struct key key = some_key(1), other = some_key(2);
	struct bytes out;
	size_t len = 1;

	cr_assert_eq(seal_record(x.keyring, x.arena, &key, KEY_RECORD, BYTES_OF(leaf), &out), RC_OK);
	cr_assert_eq(seal_open(x.keyring, &other, out, opened, &len), RC_CORRUPT);
	cr_assert_eq(len, 0);
}

Test(seal, an_entry_moved_to_the_other_log_or_under_another_leaf_does_not_open)
{
	struct key here = log_key(LOG_AUDIT, 1), there = log_key(LOG_EVENT, 1);
	struct bytes out;
	uint8_t *changed;
	size_t len;

	cr_assert_eq(seal_entry(x.keyring, x.arena, LOG_AUDIT, leaf, KEY_AUDIT, BYTES_OF(leaf), &out), RC_OK);
	cr_assert_eq(seal_open(x.keyring, &there, out, opened, &len), RC_CORRUPT);
	cr_assert((changed = arena_alloc(x.arena, out.len)) != NULL);
	memcpy(changed, out.p, out.len);
	changed[0] ^= 1;
	cr_assert_eq(
	    seal_open(x.keyring, &here, (struct bytes){ changed, out.len }, opened, &len), RC_CORRUPT);
}

/* An erased entry is its leaf alone; nothing else that is cut short may pass for one, or be read past its
 * end. */
Test(seal, an_entry_cut_anywhere_is_corrupt_and_its_leaf_alone_is_an_erased_one)
{
	struct key key = log_key(LOG_AUDIT, 1);
	struct bytes out;

	cr_assert_eq(seal_entry(x.keyring, x.arena, LOG_AUDIT, leaf, KEY_AUDIT, BYTES_OF(leaf), &out), RC_OK);
	for (size_t n = 0; n < out.len; n++) {
		/* a copy of just that length, so that a sanitizer sees who reads behind it */
		uint8_t *cut = malloc(n == 0 ? 1 : n);
		size_t len = 1;

		cr_assert(cut != NULL);
		memcpy(cut, out.p, n);
		cr_assert_eq(seal_open(x.keyring, &key, (struct bytes){ cut, n }, opened, &len),
		    n == LOG_LEAF ? RC_OK : RC_CORRUPT, "cut to %zu", n);
		cr_assert_eq(len, n == LOG_LEAF ? LOG_LEAF : 0u, "cut to %zu", n);
		free(cut);
	}
}
