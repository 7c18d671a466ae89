/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store and its transactions over an engine that refuses, or that hands out what nobody sealed; and the
 * engine in memory without memory.
 */
#include "../famine.h"
#include "fixture.h"
#include "lmdb_refuses.h"
#include "store/seal.h"

/* ---- who waits for the store ---- */

static struct keyring *
ring_of(const struct fixture *x)
{
	struct secret *root = secret_new(32);
	struct keyring *ring = NULL;
	struct fault f = { 0 };
	char path[160];

	fixture_path(x, "ring", path);
	cr_assert(root != NULL);
	cr_assert_eq(keyring_open(path, root, &ring, &f), RC_OK);
	secret_free(root);
	return ring;
}

/* A program reads its ring, and only then gets the lock that another had. */
Test(store_edges, keys_that_were_made_before_one_had_the_lock_are_not_written_over)
{
	struct keyring *late, *after;
	struct fault f = { 0 };
	struct fixture x;

	fixture_open(&x, &engine_lmdb);
	late = ring_of(&x);
	cr_assert_eq(keyring_renew(x.keyring, KEY_RECORD, &f), RC_OK);
	store_close(x.store);
	keyring_free(x.keyring);
	x.keyring = late;
	cr_assert_eq(fixture_open_store(&x, &x.store, &f), RC_OK);
	cr_assert_eq(keyring_renew(x.keyring, KEY_TOKEN, &f), RC_OK);
	after = ring_of(&x);
	cr_expect_eq(keyring_count(after), KEY_USES + 2, "a key is gone from the file");
	keyring_free(after);
	fixture_close(&x);
}

/* ---- the engine in memory ---- */

/* More rows than its first piece of memory holds, and entries of both logs. */
static enum rc
live_in_memory(void *arg)
{
	static struct write_entry w[100];
	struct append_entry a[] = { { .log = LOG_AUDIT, .value = bytes_str("a") },
		{ .log = LOG_EVENT, .value = bytes_str("e") } };
	struct commit c = { .writes = w, .write_count = COUNT_OF(w), .appends = a, .append_count = 2 };
	const struct key all = { .len = 0 };
	struct fault f = { 0 };
	struct engine *e;
	struct snapshot *s;
	unsigned seen = 0;
	enum rc rc = engine_memory.open(NULL, 0, &e, &f);

	(void)arg;
	if (rc != RC_OK)
		return rc;
	for (unsigned i = 0; i < COUNT_OF(w); i++) {
		w[i] = (struct write_entry){ .key = key_of("k"), .value = bytes_str("v") };
		key_add_u64(&w[i].key, i);
	}
	engine_memory.apply(e, &c);
	if ((rc = engine_memory.snapshot(e, &s)) == RC_OK) {
		cr_assert_eq(engine_memory.scan(s, &all, 0, count_row, &seen), RC_OK);
		cr_assert_eq(seen, c.rc == RC_OK ? 104 : 0, "all of it or nothing");
		engine_memory.release(s);
	}
	engine_memory.close(e);
	return c.rc != RC_OK ? c.rc : rc;
}

Test(store_edges, in_memory_a_commit_is_whole_or_not_at_all_without_memory)
{
	NEEDS_FAMINE();
	cr_expect_geq(famine_each(live_in_memory, NULL, RC_UNAVAILABLE), 107);
}

Test(store_edges, in_memory_nothing_is_appended_to_a_log_whose_head_is_hurt)
{
	struct append_entry a = { .log = LOG_AUDIT, .value = bytes_str("entry") };
	struct write_entry w = { .key = log_head_key(LOG_AUDIT), .value = bytes_str("short") };
	struct commit hurt = { .writes = &w, .write_count = 1 }, c = { .appends = &a, .append_count = 1 };
	struct fault f = { 0 };
	struct engine *e;

	cr_assert_eq(engine_memory.open(NULL, 0, &e, &f), RC_OK);
	engine_memory.apply(e, &hurt);
	engine_memory.apply(e, &c);
	cr_expect_eq(c.rc, RC_UNAVAILABLE);
	engine_memory.close(e);
}

/* ---- opening and closing ---- */

static enum rc
open_and_close(void *arg)
{
	struct fixture *x = arg;
	struct fault f = { 0 };
	struct store *s;
	enum rc rc = fixture_open_store(x, &s, &f);

	cr_assert_eq(s != NULL, rc == RC_OK);
	cr_assert_eq(f.count > 0, rc != RC_OK, "it says why");
	store_close(s);
	return rc;
}

Test(store_edges, a_store_that_is_refused_anything_does_not_open)
{
	static const char *const names[] = { "pthread_mutex_init", "pthread_condattr_init",
		"pthread_condattr_setclock", "pthread_cond_init", "pthread_create" };
	struct fixture x;

	fixture_open(&x, &engine_memory);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		for (unsigned n = 1;; n++) {
			enum rc rc;

			refusal.name = names[i];
			refusal.in = n;
			refusal.error = EAGAIN;
			refusal.struck = 0;
			rc = open_and_close(&x);
			refusal.in = 0;
			cr_assert_eq(rc, refusal.struck == 0 ? RC_OK : RC_UNAVAILABLE, "%s", names[i]);
			if (refusal.struck == 0) {
				cr_assert_gt(n, 1, "%s is never called", names[i]);
				break;
			}
		}
	fixture_close(&x);
}

Test(store_edges, a_store_without_memory_does_not_open)
{
	struct fixture x;

	NEEDS_FAMINE();
	fixture_open(&x, &engine_memory);
	cr_expect_geq(famine_each(open_and_close, &x, RC_UNAVAILABLE), 4);
	fixture_close(&x);
}

static enum rc
open_reader(void *arg)
{
	struct store_options options = { .path = arg, .engine = &engine_lmdb, .map_mib = MAP_MIB };
	struct fault f = { 0 };
	struct store *s;
	enum rc rc = store_open_reader(&options, &s, &f);

	cr_assert_eq(s != NULL, rc == RC_OK);
	cr_assert_eq(f.count > 0, rc != RC_OK, "it says why");
	store_close(s);
	return rc;
}

Test(store_edges, a_reader_opens_what_can_be_read_or_says_why_not)
{
	struct store_options in_memory = { .engine = &engine_memory };
	struct fault f = { 0 };
	struct store *s;
	struct fixture x;
	char path[160], nowhere[160];

	fixture_open(&x, &engine_lmdb);
	fixture_path(&x, "db", path);
	fixture_path(&x, "nowhere", nowhere);
	store_close(x.store);
	x.store = NULL;
	cr_expect_eq(open_reader(path), RC_OK);
	cr_expect_eq(open_reader(nowhere), RC_UNAVAILABLE);
	cr_expect_eq(store_open_reader(&in_memory, &s, &f), RC_UNAVAILABLE);
	cr_expect_null(s);
#if FAMINE_IS_POSSIBLE
	cr_expect_geq(famine_each(open_reader, path, RC_UNAVAILABLE), 2);
#endif
	fixture_close(&x);
}

Test(store_edges, a_copy_is_made_of_what_has_a_file)
{
	struct fixture x;
	char path[160];
	FILE *file;

	fixture_open(&x, &engine_memory);
	cr_expect_eq(store_copy(x.store, 1), RC_UNAVAILABLE);
	fixture_close(&x);
	fixture_open(&x, &engine_lmdb);
	fixture_path(&x, "copy", path);
	cr_assert_not_null(file = fopen(path, "w"));
	cr_expect_eq(store_copy(x.store, fileno(file)), RC_OK);
	(void)fclose(file);
	(void)unlink(path);
	fixture_close(&x);
}

Test(store_edges, a_path_that_is_too_long_is_no_database)
{
	static char path[600];

	memset(path, 'd', sizeof(path) - 1);
	cr_expect_eq(engine_of(path), &engine_lmdb);
}

Test(store_edges, a_store_without_memory_does_not_answer)
{
	struct fixture x;

	NEEDS_FAMINE();
	fixture_open(&x, &engine_memory);
	cr_expect(store_answers(x.store));
	famine_in = 1;
	cr_expect_not(store_answers(x.store));
	famine_in = 0;
	fixture_close(&x);
}

static enum rc
write_one(struct txn *t, void *arg)
{
	const struct key key = key_of("ka");

	return txn_put(t, &key, KEY_RECORD, bytes_str(arg));
}

Test(store_edges, an_update_without_room_to_begin_is_refused)
{
	struct arena *small = arena_new(16);
	char text[] = "x";
	struct fixture x;

	fixture_open(&x, &engine_memory);
	cr_expect_eq(store_update(x.store, small, write_one, text), RC_TOO_BIG);
	arena_free(small);
	fixture_close(&x);
}

/* ---- what an engine may hand out ---- */

static enum rc forged_rc;     /* what its get and scan answer */
static struct bytes forged;   /* and find */
static struct key forged_key; /* there */

static enum rc
get_forged(struct snapshot *s, const struct key *key, struct bytes *value, uint64_t *rev)
{
	(void)s;
	(void)key;
	*value = forged;
	*rev = 1;
	return forged_rc;
}

static enum rc
scan_forged(struct snapshot *s, const struct key *from, unsigned prefix_len, engine_scan_fn *fn, void *arg)
{
	(void)s;
	(void)from;
	(void)prefix_len;
	if (forged_rc == RC_OK)
		(void)fn(arg, &forged_key, forged, 1);
	return forged_rc;
}

static void
note_broken(void *arg, const struct key *key)
{
	cr_expect_eq(key_compare(key, &forged_key), 0);
	++*(unsigned *)arg;
}

static bool
note_key_id(void *arg, const struct key *key, uint32_t id)
{
	(void)key;
	*(uint32_t *)arg += id + 1;
	return true;
}

static void
expect_refusals(struct txn *t, enum rc rc)
{
	const struct key k = key_of("ka"), prefix = key_of("k");
	uint8_t leaf[LOG_LEAF];
	struct log_head head;
	struct bytes value;
	unsigned seen = 0;

	cr_expect_eq(txn_get(t, &k, &value), rc);
	cr_expect_eq(txn_peek(t, &k, &value), rc);
	cr_expect_eq(txn_scan(t, &prefix, NULL, count_row, &seen), rc);
	cr_expect_eq(txn_log_leaf(t, LOG_AUDIT, 1, leaf), rc);
	cr_expect_eq(txn_log_head(t, LOG_AUDIT, &head), rc);
	cr_expect_eq(head.count, 0);
	cr_expect_eq(seen, 0);
}

Test(store_edges, what_the_engine_cannot_read_or_nobody_sealed_is_never_an_answer)
{
	const struct key prefix = key_of("k"), entry = log_key(LOG_AUDIT, 1), head = log_head_key(LOG_AUDIT);
	struct engine_ops ops = engine_memory;
	unsigned broken = 0, seen = 0;
	uint32_t ids = 0;
	struct fixture x;
	struct txn *t;

	ops.get = get_forged;
	ops.scan = scan_forged;
	forged_rc = RC_NOT_FOUND; /* nothing is there when it is opened */
	fixture_open(&x, &ops);
	t = begin(&x);
	forged_key = key_of("ka");
	forged = bytes_str("short");
	forged_rc = RC_UNAVAILABLE;
	expect_refusals(t, RC_UNAVAILABLE);
	forged_rc = RC_OK;
	expect_refusals(t, RC_CORRUPT);
	cr_expect_eq(txn_scan_past(t, &prefix, NULL, count_row, note_broken, &broken), RC_OK);
	cr_expect_eq(broken, 1, "it is told of, and passed by");
	/* an entry without its leaf has no key, and a head is no entry */
	forged_key = entry;
	cr_expect_eq(txn_census(t, &entry, &entry, note_key_id, &ids), RC_OK);
	cr_expect_eq(ids, 1);
	forged_key = head;
	cr_expect_eq(txn_census(t, &head, NULL, note_key_id, &ids), RC_OK);
	cr_expect_eq(ids, 1);
	cr_expect_eq(txn_scan_sealed(t, &head, count_row, &seen), RC_OK);
	cr_expect_eq(seen, 0);
	forged_key = key_of("ka");
	cr_expect_eq(txn_scan_sealed(t, &prefix, count_row, &seen), RC_OK);
	cr_expect_eq(seen, 1);
	txn_end(t);
	fixture_close(&x);
}

Test(store_edges, what_is_too_short_to_be_sealed_opens_to_nothing)
{
	const struct key kind_only = { .len = 1, .b = { 'A' } }, none = { .len = 0 };
	uint8_t stored[200] = { 1 }, out[200];
	struct fixture x;
	size_t len = 9;

	fixture_open(&x, &engine_memory);
	cr_expect_eq(seal_opened_size((struct bytes){ stored, 3 }), 0);
	cr_expect_eq(seal_opened_size((struct bytes){ stored, LOG_LEAF }), LOG_LEAF);
	cr_expect_eq(seal_open(x.keyring, &kind_only, BYTES_OF(stored), out, &len), RC_CORRUPT);
	cr_expect_eq(len, 0);
	cr_expect_not(key_is_log_entry(&none));
	cr_expect_not(key_is_bookkeeping(&none));
	fixture_close(&x);
}

/* ---- limits ---- */

static enum rc
fill_up(struct txn *t)
{
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < LIMIT_TXN_KEYS && rc == RC_OK; i++) {
		struct key key = key_of("k");

		key_add_u64(&key, i);
		rc = txn_put(t, &key, KEY_RECORD, bytes_str("v"));
	}
	return rc;
}

Test(store_edges, one_that_is_full_neither_deletes_nor_erases)
{
	const uint8_t leaf[LOG_LEAF] = { 1 };
	const struct key other = key_of("other"), prefix = key_of("k");
	static uint8_t large[5000];
	struct bytes value;
	unsigned count, seen = 0;
	struct fixture x;
	struct txn *t;

	fixture_open(&x, &engine_memory);
	t = begin(&x);
	cr_expect_null(txn_writes(t, &count));
	cr_expect_eq(count, 0);
	cr_assert_eq(txn_append(t, LOG_AUDIT, leaf, KEY_AUDIT, bytes_str("entry")), RC_OK);
	cr_assert_eq(txn_put(t, &prefix, KEY_RECORD, bytes_str("small")), RC_OK);
	cr_assert_eq(txn_put(t, &other, KEY_RECORD, BYTES_OF(large)), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	t = begin(&x);
	cr_assert_eq(fill_up(t), RC_OK);
	cr_expect_eq(txn_delete(t, &other), RC_TOO_BIG);
	cr_expect_eq(txn_log_erase(t, LOG_AUDIT, 1), RC_TOO_BIG);
	txn_end(t);
	/* and one with room erases: only the leaf is left, and a walk meets small and large */
	t = begin(&x);
	cr_assert_eq(txn_peek(t, &other, &value), RC_OK);
	cr_expect_eq(value.len, sizeof(large));
	cr_assert_eq(txn_log_erase(t, LOG_AUDIT, 1), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	t = begin(&x);
	cr_assert_eq(txn_scan(t, &(struct key){ .len = 0 }, NULL, count_row, &seen), RC_OK);
	cr_expect_eq(seen, 3);
	txn_end(t);
	fixture_close(&x);
}

#ifndef MENEDEK_DEBUG
/* ---- bugs of ours: a debug build ends at each ---- */

static void
note_rc(void *arg, enum rc rc)
{
	*(enum rc *)arg = rc;
}

Test(store_edges, a_reader_does_not_commit_and_a_small_one_has_no_parts)
{
	const struct key key = key_of("ka");
	struct store_options options = { .engine = &engine_lmdb, .map_mib = MAP_MIB };
	struct fault f = { 0 };
	enum rc rc = RC_OK;
	struct fixture x;
	struct txn *t;
	char path[160];

	fixture_open(&x, &engine_lmdb);
	fixture_path(&x, "db", path);
	options.path = path;
	options.keyring = x.keyring;
	store_close(x.store);
	cr_assert_eq(store_open_reader(&options, &x.store, &f), RC_OK);
	t = begin(&x);
	cr_assert_eq(txn_put(t, &key, KEY_RECORD, bytes_str("v")), RC_OK);
	txn_next_part(t);
	cr_expect(txn_is_writing(t), "it is still the one part");
	txn_commit(t, note_rc, &rc);
	cr_expect_eq(rc, RC_INTERNAL);
	txn_end(t);
	fixture_close(&x);
}
#endif
