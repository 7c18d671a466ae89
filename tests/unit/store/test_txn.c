/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: what they see of themselves, their limits, and the loop that runs them again. */
#include "fixture.h"

Test(txn, it_sees_its_own_writes_and_deletes)
{
	struct key a = key_of("ka"), b = key_of("kb");
	struct bytes value;
	struct fixture x;
	struct txn *t;

	fixture_open(&x, &engine_memory);
	put_text(&x, "kb", "old");
	t = begin(&x);
	cr_assert_not(txn_is_writing(t));
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, bytes_str("one")), RC_OK);
	cr_assert(txn_is_writing(t));
	cr_assert_eq(txn_get(t, &a, &value), RC_OK);
	cr_assert(bytes_equal(value, bytes_str("one")));
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, bytes_str("two")), RC_OK);
	cr_assert_eq(txn_peek(t, &a, &value), RC_OK);
	cr_assert(bytes_equal(value, bytes_str("two")));
	cr_assert_eq(txn_delete(t, &b), RC_OK);
	cr_assert_eq(txn_get(t, &b, &value), RC_NOT_FOUND);
	cr_assert_eq(txn_put(t, &b, KEY_RECORD, bytes_str("new")), RC_OK);
	cr_assert_eq(txn_get(t, &b, &value), RC_OK);
	txn_end(t);
	fixture_close(&x);
}

static void
count_changes(void *arg, const struct change *changes UNUSED, size_t count)
{
	*(size_t *)arg += count;
}

Test(txn, a_key_put_twice_is_one_change)
{
	struct key a = key_of("ka");
	struct fixture x;
	struct txn *t;
	size_t count = 0;
	char text[64];

	fixture_open(&x, &engine_memory);
	store_watch(x.store, count_changes, &count);
	t = begin(&x);
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, bytes_str("one")), RC_OK);
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, bytes_str("two")), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	cr_assert_eq(count, 1);
	cr_assert_eq(get_text(&x, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "two");
	fixture_close(&x);
}

Test(txn, the_caller_may_reuse_the_value_it_put)
{
	struct key a = key_of("ka");
	char mine[] = "mine", text[64];
	struct fixture x;
	struct txn *t;

	fixture_open(&x, &engine_memory);
	t = begin(&x);
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, bytes_str(mine)), RC_OK);
	memset(mine, 'x', 4);
	cr_assert_eq(commit_now(t), RC_OK);
	cr_assert_eq(get_text(&x, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "mine");
	fixture_close(&x);
}

Test(txn, restart_forgets_reads_and_writes)
{
	struct key a = key_of("ka"), b = key_of("kb");
	struct bytes value;
	struct fixture x;
	struct txn *t;
	char text[64];

	fixture_open(&x, &engine_memory);
	t = begin(&x);
	cr_assert_eq(txn_get(t, &a, &value), RC_NOT_FOUND);
	cr_assert_eq(txn_put(t, &b, KEY_RECORD, bytes_str("forgotten")), RC_OK);
	put_text(&x, "ka", "changed");
	cr_assert_eq(txn_restart(t), RC_OK);
	cr_assert_not(txn_is_writing(t));
	cr_assert_eq(txn_rev(t, &a), 0);
	cr_assert_eq(txn_get(t, &a, &value), RC_OK);
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, bytes_str("again")), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	cr_assert_eq(get_text(&x, "kb", text, NULL), RC_NOT_FOUND);
	fixture_close(&x);
}

Test(txn, keys_over_the_limit_are_refused)
{
	static const uint8_t leaf[LOG_LEAF] = { 0 };
	struct bytes value;
	struct fixture x;
	struct txn *t;

	fixture_open(&x, &engine_memory);
	t = begin(&x);
	for (unsigned i = 0; i <= LIMIT_TXN_KEYS; i++) {
		enum rc expected = i < LIMIT_TXN_KEYS ? RC_OK : RC_TOO_BIG;
		struct key key = key_of("k");

		key_add_u64(&key, i);
		cr_assert_eq(txn_get(t, &key, &value), expected == RC_OK ? RC_NOT_FOUND : expected);
		cr_assert_eq(txn_put(t, &key, KEY_RECORD, bytes_str("v")), expected);
		cr_assert_eq(txn_append(t, LOG_EVENT, leaf, KEY_EVENT, bytes_str("v")), expected);
	}
	cr_assert_eq(commit_now(t), RC_OK);
	fixture_close(&x);
}

Test(txn, a_value_over_the_limit_is_refused)
{
	static uint8_t large[LIMIT_VALUE + 1];
	struct key a = key_of("ka");
	struct fixture x;
	struct txn *t;

	fixture_open(&x, &engine_memory);
	t = begin(&x);
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, BYTES_OF(large)), RC_TOO_BIG);
	cr_assert_not(txn_is_writing(t));
	txn_end(t);
	fixture_close(&x);
}

Test(txn, a_full_arena_is_refused_and_not_written_half)
{
	static uint8_t large[LIMIT_VALUE];
	struct arena *small = arena_new(100 * 1024);
	struct key a = key_of("ka"), b = key_of("kb");
	struct fixture x;
	struct txn *t;

	fixture_open(&x, &engine_memory);
	cr_assert_eq(txn_begin(x.store, small, &t), RC_OK);
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, BYTES_OF(large)), RC_OK);
	cr_assert_eq(txn_put(t, &b, KEY_RECORD, BYTES_OF(large)), RC_TOO_BIG);
	txn_end(t);
	arena_free(small);
	fixture_close(&x);
}

struct copies {
	struct arena *arena;
	const char *text[3];
	unsigned count;
};

static bool
copy_value(void *arg, const struct key *key UNUSED, struct bytes value, uint64_t rev UNUSED)
{
	struct copies *c = arg;

	c->text[c->count++] = arena_strndup(c->arena, (const char *)value.p, value.len);
	return c->count < COUNT_OF(c->text);
}

Test(txn, walks_one_after_another_need_the_room_of_one_and_take_nothing_from_the_walker)
{
	const struct key prefix = key_of("k");
	struct copies copies = { .count = 0 };
	char large[3000];
	unsigned seen = 0;
	struct fixture x;
	struct txn *t;
	size_t before;

	memset(large, 'l', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	fixture_open(&x, &engine_memory);
	put_text(&x, "ka", "first");
	put_text(&x, "kb", large); /* the walk needs a larger room in its middle */
	put_text(&x, "kc", "last");
	t = begin(&x);
	before = arena_used(x.arena);
	for (unsigned i = 0; i < 5; i++)
		cr_assert_eq(txn_scan(t, &prefix, NULL, count_row, &seen), RC_OK);
	cr_expect_eq(seen, 15);
	cr_expect_eq(arena_used(x.arena), before);
	copies.arena = x.arena;
	cr_assert_eq(txn_scan(t, &prefix, NULL, copy_value, &copies), RC_OK);
	cr_assert_eq(txn_scan(t, &prefix, NULL, count_row, &seen), RC_OK);
	cr_expect_str_eq(copies.text[0], "first");
	cr_expect_str_eq(copies.text[1], large);
	cr_expect_str_eq(copies.text[2], "last");
	txn_end(t);
	fixture_close(&x);
}

static void
note_rc(void *arg, enum rc rc)
{
	*(enum rc *)arg = rc;
}

Test(txn, one_that_wrote_nothing_is_done_at_once)
{
	struct key a = key_of("ka");
	struct bytes value;
	struct fixture x;
	struct txn *t;
	enum rc rc = RC_INTERNAL;

	fixture_open(&x, &engine_memory);
	t = begin(&x);
	cr_assert_eq(txn_get(t, &a, &value), RC_NOT_FOUND);
	txn_commit(t, note_rc, &rc);
	cr_assert_eq(rc, RC_OK);
	txn_end(t);
	fixture_close(&x);
}

static void
count_ok(void *arg, enum rc rc)
{
	unsigned *count = arg; /* the committer's thread alone writes it; store_close joins that */

	*count += rc == RC_OK;
}

static void
submit_many_then_close(const struct engine_ops *ops)
{
	enum { MANY = 3 * LIMIT_BATCH };
	struct fixture x;
	unsigned count = 0;

	fixture_open(&x, ops);
	for (unsigned i = 0; i < MANY; i++) {
		struct key key = key_of("k");
		struct txn *t = begin(&x);

		key_add_u64(&key, i);
		cr_assert_eq(txn_put(t, &key, KEY_RECORD, bytes_str("v")), RC_OK);
		txn_commit(t, count_ok, &count);
	}
	store_close(x.store);
	x.store = NULL;
	cr_assert_eq(count, MANY);
	fixture_close(&x);
}

Test(store, closing_finishes_what_was_submitted)
{
	submit_many_then_close(&engine_memory);
	submit_many_then_close(&engine_lmdb);
}

struct race {
	struct fixture *x;
	unsigned runs, lost;
};

/* Another thread of the world changes what we read, in the first ${lost} runs. */
static enum rc
lose_some(struct txn *t, void *arg)
{
	struct race *r = arg;
	struct key a = key_of("ka");
	struct bytes value;
	enum rc rc = txn_get(t, &a, &value);

	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	if (r->runs++ < r->lost)
		put_text(r->x, "ka", "theirs");
	return txn_put(t, &a, KEY_RECORD, bytes_str("ours"));
}

static enum rc
run_race(struct fixture *x, struct race *r)
{
	struct arena *arena = arena_new(1u << 20);
	enum rc rc = store_update(x->store, arena, lose_some, r);

	arena_free(arena);
	return rc;
}

Test(store, an_update_runs_again_after_a_lost_race)
{
	struct fixture x;
	struct race r = { .x = &x, .lost = 3 };
	struct store_stats stats;
	char text[64];

	fixture_open(&x, &engine_memory);
	cr_assert_eq(run_race(&x, &r), RC_OK);
	cr_assert_eq(r.runs, 4);
	cr_assert_eq(get_text(&x, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "ours");
	store_stats(x.store, &stats);
	cr_assert_eq(stats.conflicts, 3);
	fixture_close(&x);
}

Test(store, an_update_that_always_loses_gives_up_as_busy)
{
	struct fixture x;
	struct race r = { .x = &x, .lost = UINT32_MAX };
	char text[64];

	fixture_open(&x, &engine_memory);
	cr_assert_eq(run_race(&x, &r), RC_BUSY);
	cr_assert_eq(r.runs, LIMIT_RETRIES);
	cr_assert_eq(get_text(&x, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "theirs");
	fixture_close(&x);
}

static enum rc
put_and_refuse(struct txn *t, void *arg)
{
	struct key a = key_of("ka");
	enum rc rc = txn_put(t, &a, KEY_RECORD, bytes_str("dropped"));

	return rc == RC_OK ? *(enum rc *)arg : rc;
}

Test(store, a_refusal_and_a_view_leave_nothing_behind)
{
	enum rc refusal = RC_TAKEN, fine = RC_OK;
	struct fixture x;
	char text[64];

	fixture_open(&x, &engine_memory);
	cr_assert_eq(store_update(x.store, x.arena, put_and_refuse, &refusal), RC_TAKEN);
	cr_assert_eq(store_view(x.store, x.arena, put_and_refuse, &fine), RC_OK);
	cr_assert_eq(get_text(&x, "ka", text, NULL), RC_NOT_FOUND);
	cr_assert_eq(store_update(x.store, x.arena, put_and_refuse, &fine), RC_OK);
	cr_assert_eq(get_text(&x, "ka", text, NULL), RC_OK);
	fixture_close(&x);
}

/* ---- keys that are replaced while a transaction is under way ---- */

static void
rotate(struct fixture *x)
{
	struct secret *root = secret_new(32); /* zero, as fixture_open made it */
	struct fault f = { 0 };

	cr_assert_eq(keyring_rotate(x->keyring, root, &f), RC_OK);
	secret_free(root);
}

Test(store, what_was_sealed_before_a_rotation_is_not_committed_after_it)
{
	const uint8_t leaf[LOG_LEAF] = { 7 };
	struct key a = key_of("ka");
	struct fixture x;
	struct txn *t, *appends;
	char text[64];

	fixture_open(&x, &engine_memory);
	t = begin(&x);
	cr_assert_eq(txn_put(t, &a, KEY_DETAIL, bytes_str("under the old key")), RC_OK);
	appends = begin(&x);
	cr_assert_eq(txn_append(appends, LOG_EVENT, leaf, KEY_EVENT, bytes_str("likewise")), RC_OK);
	rotate(&x);
	cr_expect_eq(commit_now(t), RC_CONFLICT);
	cr_expect_eq(commit_now(appends), RC_CONFLICT);
	cr_expect_eq(get_text(&x, "ka", text, NULL), RC_NOT_FOUND);
	fixture_close(&x);
}

struct mid_rotation {
	struct fixture *x;
	unsigned runs;
};

static enum rc
put_while_rotating(struct txn *t, void *arg)
{
	struct mid_rotation *m = arg;
	struct key a = key_of("ka");
	enum rc rc = txn_put(t, &a, KEY_DETAIL, bytes_str("detail"));

	if (m->runs++ == 0)
		rotate(m->x);
	return rc;
}

struct census {
	uint32_t ids[8];
	unsigned count;
};

static bool
note_id(void *arg, const struct key *key UNUSED, uint32_t id)
{
	struct census *c = arg;

	c->ids[c->count++] = id;
	return c->count < COUNT_OF(c->ids);
}

Test(store, an_update_is_run_again_under_the_new_key_and_a_census_says_so)
{
	const uint8_t leaf[LOG_LEAF] = { 7 };
	struct key all = { .len = 0 };
	struct census census = { .count = 0 };
	struct mid_rotation m = { .runs = 0 };
	struct fixture x;
	struct txn *t;

	fixture_open(&x, &engine_memory);
	m.x = &x;
	cr_assert_eq(store_update(x.store, x.arena, put_while_rotating, &m), RC_OK);
	cr_expect_eq(m.runs, 2);
	t = begin(&x);
	cr_assert_eq(txn_append(t, LOG_EVENT, leaf, KEY_EVENT, bytes_str("event")), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	t = begin(&x);
	cr_assert_eq(txn_census(t, &all, NULL, note_id, &census), RC_OK);
	txn_end(t);
	cr_assert_eq(census.count, 2, "an event and a record; heads are not sealed");
	cr_expect_eq(census.ids[0], keyring_current(x.keyring, KEY_EVENT));
	cr_expect_eq(census.ids[1], keyring_current(x.keyring, KEY_DETAIL));
	fixture_close(&x);
}
