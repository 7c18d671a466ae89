/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction at its edges: in every amount of memory that is too little, and asked for what only a bug of
 * ours would ask for. */
#include "fixture.h"

static struct fixture x;

static void
set_up(void)
{
	fixture_open(&x, &engine_memory);
}

static void
tear_down(void)
{
	fixture_close(&x);
}

TestSuite(txn_edges, .init = set_up, .fini = tear_down, .timeout = 120);

static enum rc
append_one(struct txn *t)
{
	const uint8_t leaf[LOG_LEAF] = { 1 };

	return txn_append(t, LOG_AUDIT, leaf, KEY_AUDIT, bytes_str("an entry"));
}

static enum rc
fill(struct txn *t, void *arg)
{
	enum rc rc = append_one(t);

	(void)arg;
	for (unsigned i = 0; i < 12 && rc == RC_OK; i++) {
		const char name[] = { 'r', (char)('a' + i), '\0' };
		const struct key key = key_of(name);

		rc = txn_put(t, &key, KEY_RECORD, bytes_str("a value of some length"));
	}
	return rc;
}

/* Everything that a transaction may do, more of each than its first piece of memory holds. */
static enum rc
do_all(struct txn *t, void *arg)
{
	const struct key prefix = key_of("r");
	struct bytes value;
	unsigned seen = 0;
	enum rc rc = RC_OK;

	(void)arg;
	for (unsigned i = 0; i < 10 && rc == RC_OK; i++) {
		const char name[] = { 'r', (char)('a' + i), '\0' };
		const struct key key = key_of(name);

		if ((rc = txn_get(t, &key, &value)) == RC_OK)
			rc = txn_get(t, &key, &value); /* once more costs no entry */
		if (rc == RC_OK)
			rc = i % 2 ? txn_delete(t, &key) : txn_put(t, &key, KEY_RECORD, value);
	}
	if (rc == RC_OK)
		rc = txn_scan(t, &prefix, NULL, count_row, &seen);
	if (rc == RC_OK && seen != 12)
		rc = RC_INTERNAL;
	if (rc == RC_OK)
		rc = txn_log_erase(t, LOG_AUDIT, 1);
	for (unsigned i = 0; i < 10 && rc == RC_OK; i++)
		rc = append_one(t);
	return rc;
}

struct room {
	size_t arena, scratch;
};

static enum rc
run_in(const struct room *r, bool is_wide)
{
	struct arena *arena = arena_new(r->arena), *scratch = arena_new(r->scratch);
	enum rc rc;

	cr_assert(arena != NULL && scratch != NULL);
	rc = is_wide ? store_view_wide(x.store, arena, scratch, do_all, NULL)
		     : store_view(x.store, arena, do_all, NULL);
	arena_free(scratch);
	arena_free(arena);
	return rc;
}

#define PLENTY (1u << 20)

Test(txn_edges, too_little_memory_is_said_wherever_it_ends)
{
	cr_assert_eq(store_update(x.store, x.arena, fill, NULL), RC_OK);
	for (unsigned way = 0; way < 3; way++) {
		struct room r = { PLENTY, PLENTY };
		size_t *small = way == 2 ? &r.scratch : &r.arena;
		enum rc rc = RC_TOO_BIG;

		for (*small = 0; rc != RC_OK; *small += 16) {
			rc = run_in(&r, way > 0);
			cr_assert(
			    rc == RC_OK || rc == RC_TOO_BIG || rc == RC_UNAVAILABLE, "%zu: %d", *small, rc);
			cr_assert_lt(*small, PLENTY);
		}
		cr_expect_gt(*small, 16);
	}
}

/* ---- bugs of ours: a debug build ends at each ---- */

#ifndef MENEDEK_DEBUG
static enum rc
write_in_logs(struct txn *t, void *arg)
{
	const struct key entry = log_key(LOG_AUDIT, 1), head = log_head_key(LOG_AUDIT);
	const struct key a = key_of("ra"), elsewhere = key_of("s"), prefix = key_of("r"),
			 before = key_of("q");
	unsigned seen = 0;

	(void)arg;
	cr_expect_eq(txn_put(t, &entry, KEY_AUDIT, bytes_str("x")), RC_INTERNAL);
	cr_expect_eq(txn_put(t, &head, KEY_AUDIT, bytes_str("x")), RC_INTERNAL);
	cr_expect_eq(txn_delete(t, &head), RC_INTERNAL);
	cr_expect_eq(txn_scan(t, &prefix, &elsewhere, count_row, &seen), RC_INTERNAL);
	cr_expect_eq(txn_scan(t, &prefix, &before, count_row, &seen), RC_INTERNAL);
	cr_expect_eq(
	    txn_scan(t, &a, &prefix, count_row, &seen), RC_INTERNAL, "shorter than what it begins with");
	cr_expect_not(txn_is_writing(t));
	txn_freeze(t);
	cr_expect_eq(txn_put(t, &a, KEY_RECORD, bytes_str("x")), RC_INTERNAL);
	cr_expect_eq(txn_delete(t, &a), RC_INTERNAL);
	cr_expect_eq(txn_log_erase(t, LOG_AUDIT, 1), RC_INTERNAL);
	cr_expect_eq(seen, 0);
	return RC_OK;
}

Test(txn_edges, logs_and_what_was_recorded_are_not_written_over)
{
	cr_assert_eq(store_update(x.store, x.arena, fill, NULL), RC_OK);
	cr_expect_eq(store_update(x.store, x.arena, write_in_logs, NULL), RC_OK);
}
#endif

/* ---- what was seen enough of ---- */

static bool
count_two(void *arg, const struct key *key UNUSED, struct bytes value UNUSED, uint64_t rev UNUSED)
{
	return ++*(unsigned *)arg < 2;
}

static enum rc
look_at_two(struct txn *t, void *arg)
{
	const struct key prefix = key_of("r"), heads = { .len = 0 };
	unsigned seen = 0, sealed = 0, all = 0;

	(void)arg;
	cr_expect_eq(txn_scan(t, &prefix, NULL, count_two, &seen), RC_OK);
	cr_expect_eq(seen, 2);
	cr_expect_eq(txn_scan_sealed(t, &prefix, count_two, &sealed), RC_OK);
	cr_expect_eq(sealed, 2);
	cr_expect_eq(txn_scan_sealed(t, &heads, count_row, &all), RC_OK);
	cr_expect_eq(all, 13, "twelve records and an entry, and no head");
	return RC_OK;
}

Test(txn_edges, a_walk_goes_no_further_than_it_is_told)
{
	cr_assert_eq(store_update(x.store, x.arena, fill, NULL), RC_OK);
	cr_expect_eq(store_view(x.store, x.arena, look_at_two, NULL), RC_OK);
}

/* ---- what is not there ---- */

static enum rc
look_for_nothing(struct txn *t, void *arg)
{
	const struct key a = key_of("ra"), strange = key_of("zz");
	struct bytes value;
	uint8_t leaf[LOG_LEAF];

	(void)arg;
	cr_expect_eq(txn_rev(t, &a), 0);
	cr_expect_eq(txn_get(t, &a, &value), RC_OK);
	cr_expect_gt(txn_rev(t, &a), 0);
	cr_expect_eq(txn_get(t, &strange, &value), RC_NOT_FOUND);
	cr_expect_eq(txn_rev(t, &strange), 0);
	cr_expect_eq(txn_log_leaf(t, LOG_AUDIT, 2, leaf), RC_NOT_FOUND);
	cr_expect_eq(txn_log_erase(t, LOG_AUDIT, 2), RC_NOT_FOUND);
	cr_expect_eq(txn_append_number(t, 0), 0);
	return RC_OK;
}

Test(txn_edges, what_is_not_there_has_no_revision_and_no_number)
{
	cr_assert_eq(store_update(x.store, x.arena, fill, NULL), RC_OK);
	cr_expect_eq(store_view(x.store, x.arena, look_for_nothing, NULL), RC_OK);
}
