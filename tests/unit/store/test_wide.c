/* SPDX-License-Identifier: Apache-2.0 */
/* Work of many parts in one transaction: whole or not at all, whatever it is too large for, on each engine.
 */
#include "each_engine.h"
#include "store/key_table.h"

#define PARTS 400u /* of 60 keys: far more than one transaction, one batch and a batch's changes hold */
#define KEYS  60u
#define WIDE  (256u << 20)

static struct key
numbered(unsigned n)
{
	struct key key = key_of("k");

	key_add_u64(&key, n);
	return key;
}

static bool
count_one(void *arg, const struct key *key UNUSED, struct bytes value UNUSED, uint64_t rev UNUSED)
{
	++*(unsigned *)arg;
	return true;
}

/* What a reader finds now. */
static unsigned
count_keys(struct fixture *x)
{
	const struct key prefix = key_of("k");
	unsigned count = 0;
	struct txn *t;

	cr_assert_eq(txn_begin(x->store, x->arena, &t), RC_OK);
	cr_assert_eq(txn_scan(t, &prefix, NULL, count_one, &count), RC_OK);
	txn_end(t);
	arena_rewind(x->arena, 0);
	return count;
}

struct work {
	struct fixture *x;
	struct arena *scratch;
	unsigned parts, runs, most_writes;
	bool fails_at_the_end, is_disturbed;
};

static void
disturb(struct fixture *x)
{
	struct arena *arena = arena_new(1u << 20);
	struct key key = numbered(0);
	struct txn *t;

	cr_assert_eq(txn_begin(x->store, arena, &t), RC_OK);
	cr_assert_eq(txn_put(t, &key, KEY_RECORD, bytes_str("theirs")), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	arena_free(arena);
}

static void
do_part(struct txn *t, struct work *w, unsigned part)
{
	static const uint8_t leaf[LOG_LEAF] = { 1 };
	const struct key shared = key_of("kshared");
	struct bytes value;
	unsigned count;

	for (unsigned i = 0; i < KEYS; i++) {
		const struct key key = numbered(part * KEYS + i);

		cr_assert_eq(txn_get(t, &key, &value), w->runs > 1 && part + i == 0 ? RC_OK : RC_NOT_FOUND);
		cr_assert_eq(txn_put(t, &key, KEY_RECORD, bytes_str("mine")), RC_OK);
	}
	/* what the part before wrote is read, and written anew for this part's own record */
	cr_assert_eq(txn_get(t, &shared, &value), part == 0 ? RC_NOT_FOUND : RC_OK);
	cr_assert(part == 0 || (value.len == 4 && value.p[3] == (uint8_t)(part - 1)));
	cr_assert_eq(
	    txn_put(t, &shared, KEY_RECORD, BYTES_OF(((uint8_t[]){ 0, 0, 0, (uint8_t)part }))), RC_OK);
	(void)txn_writes(t, &count);
	w->most_writes = count > w->most_writes ? count : w->most_writes;
	txn_freeze(t);
	cr_assert_eq(txn_append(t, LOG_AUDIT, leaf, KEY_AUDIT, bytes_str("entry")), RC_OK);
}

static enum rc
do_parts(struct txn *t, void *arg)
{
	struct work *w = arg;

	w->runs++;
	for (unsigned part = 0; part < w->parts; part++) {
		do_part(t, w, part);
		txn_next_part(t);
		cr_assert_not(txn_is_writing(t));
		arena_rewind(w->scratch, 0);
	}
	if (w->is_disturbed && w->runs == 1)
		disturb(w->x);
	return w->fails_at_the_end ? RC_INVALID : RC_OK;
}

static enum rc
run(struct work *w, size_t cap)
{
	struct arena *written = arena_new(cap);
	enum rc rc;

	w->scratch = arena_new(1u << 20);
	rc = store_update_wide(w->x->store, written, w->scratch, do_parts, w);
	arena_free(written);
	arena_free(w->scratch);
	return rc;
}

static void
watch(void *arg, const struct change *changes UNUSED, size_t count)
{
	*(size_t *)arg += count;
}

ON_EACH_ENGINE(many_parts_are_one_commit_and_each_has_its_own_record)
{
	struct work w = { .x = x, .parts = PARTS };
	struct log_head head;
	size_t told = 0;
	struct bytes value;
	struct txn *t;

	store_watch(x->store, watch, &told);
	cr_assert_eq(run(&w, WIDE), RC_OK);
	cr_assert_eq(w.runs, 1);
	cr_assert_eq(w.most_writes, KEYS + 1, "a part's record tells of %u keys", w.most_writes);
	cr_assert_eq(count_keys(x), PARTS * KEYS + 1);
	cr_assert_geq(told, PARTS * (KEYS + 1), "watchers heard of %zu changes", told);
	cr_assert_eq(txn_begin(x->store, x->arena, &t), RC_OK);
	cr_assert_eq(txn_log_head(t, LOG_AUDIT, &head), RC_OK);
	cr_assert_eq(head.count, PARTS);
	cr_assert_eq(txn_get(t, &(struct key){ 8, "kshared" }, &value), RC_NOT_FOUND); /* another key */
	cr_assert_eq(txn_get(t, &(struct key){ 7, "kshared" }, &value), RC_OK);
	cr_assert_eq(value.p[3], (uint8_t)(PARTS - 1), "the last part's value is the one that stays");
	txn_end(t);
}

ON_EACH_ENGINE(a_part_that_fails_leaves_nothing_of_the_others)
{
	struct work w = { .x = x, .parts = 20, .fails_at_the_end = true };

	cr_assert_eq(run(&w, WIDE), RC_INVALID);
	cr_assert_eq(count_keys(x), 0);
}

ON_EACH_ENGINE(whoever_changed_what_it_read_makes_all_of_it_run_again)
{
	struct work w = { .x = x, .parts = 20, .is_disturbed = true };
	struct bytes value;
	struct txn *t;

	cr_assert_eq(run(&w, WIDE), RC_OK);
	cr_assert_eq(w.runs, 2);
	cr_assert_eq(count_keys(x), 20 * KEYS + 1);
	cr_assert_eq(txn_begin(x->store, x->arena, &t), RC_OK);
	cr_assert_eq(txn_get(t, &(struct key){ 9, "k" }, &value), RC_OK);
	cr_assert(value.len == 4 && memcmp(value.p, "mine", 4) == 0);
	txn_end(t);
}

ON_EACH_ENGINE(what_does_not_fit_into_the_memory_that_it_may_take_is_refused_whole)
{
	struct arena *written = arena_new(256u << 10), *scratch = arena_new(1u << 20);
	enum rc rc = RC_OK;
	struct txn *t;

	cr_assert_eq(txn_begin_wide(x->store, written, scratch, &t), RC_OK);
	for (unsigned i = 0; i < 100000 && rc == RC_OK; i++) {
		const struct key key = numbered(i);

		rc = txn_put(t, &key, KEY_RECORD, bytes_str("v"));
		txn_next_part(t);
	}
	cr_assert_eq(rc, RC_TOO_BIG);
	txn_end(t);
	arena_free(written);
	arena_free(scratch);
	cr_assert_eq(count_keys(x), 0);
}

Test(wide, one_part_has_the_limits_of_one_transaction)
{
	struct arena *written = arena_new(WIDE);
	static const uint8_t leaf[LOG_LEAF] = { 0 };
	struct bytes value;
	struct fixture x;
	struct txn *t;

	fixture_open(&x, &engine_memory);
	cr_assert_eq(txn_begin_wide(x.store, written, x.arena, &t), RC_OK);
	for (unsigned part = 0; part < 3; part++, txn_next_part(t)) {
		for (unsigned i = 0; i <= LIMIT_TXN_KEYS; i++) {
			const struct key key = numbered(part * 1000 + i);
			enum rc expected = i < LIMIT_TXN_KEYS ? RC_OK : RC_TOO_BIG;

			cr_assert_eq(txn_get(t, &key, &value), expected == RC_OK ? RC_NOT_FOUND : expected);
			cr_assert_eq(txn_put(t, &key, KEY_RECORD, bytes_str("v")), expected);
			cr_assert_eq(txn_append(t, LOG_EVENT, leaf, KEY_EVENT, bytes_str("v")), expected);
		}
	}
	txn_end(t);
	arena_free(written);
	fixture_close(&x);
}

Test(wide, the_table_finds_the_later_of_two_items_with_one_key)
{
	struct item {
		struct key key;
		unsigned value;
	} *items = calloc(5000, sizeof(*items));
	struct arena *arena = arena_new(8u << 20);
	struct key_table table = { 0 };
	struct key absent = key_of("none");

	cr_assert_not_null(items);

	for (unsigned i = 0; i < 5000; i++) {
		items[i] = (struct item){ numbered(i % 3000), i };
		cr_assert(key_table_add(&table, arena, items, sizeof(*items), i + 1));
	}
	for (unsigned i = 0; i < 3000; i++) {
		const struct key key = numbered(i);
		const struct item *found = key_table_find(&table, items, sizeof(*items), &key);

		cr_assert_not_null(found);
		cr_assert_eq(found->value, i < 2000 ? i + 3000 : i);
	}
	cr_assert_null(key_table_find(&table, items, sizeof(*items), &absent));
	arena_free(arena);
	free(items);
}
