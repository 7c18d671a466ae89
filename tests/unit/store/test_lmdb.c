/* SPDX-License-Identifier: Apache-2.0 */
/* What only the engine with a file can do or suffer: surviving a close, one owner, damage, a full map. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "store/lmdb_mirror.h"

static void
data_path(const struct fixture *x, char out[160])
{
	fixture_path(x, "db/data.mdb", out);
}

/* Open the engine alone, below the sealing. */
static struct engine *
raw_open(struct fixture *x, unsigned map_mib)
{
	struct engine *e;
	struct fault f = { 0 };
	char path[160];

	store_close(x->store);
	x->store = NULL;
	fixture_path(x, "db", path);
	cr_assert_eq(engine_lmdb.open(path, map_mib, &e, &f), RC_OK);
	return e;
}

static void
raw_close(struct fixture *x, struct engine *e)
{
	struct fault f = { 0 };

	engine_lmdb.close(e);
	cr_assert_eq(fixture_open_store(x, &x->store, &f), RC_OK);
}

static struct bytes
raw_get(struct engine *e, struct arena *arena, const struct key *key)
{
	struct snapshot *s;
	struct bytes value;
	uint64_t rev;

	cr_assert_eq(engine_lmdb.snapshot(e, &s), RC_OK);
	cr_assert_eq(engine_lmdb.get(s, key, &value, &rev), RC_OK);
	value.p = (const uint8_t *)arena_strndup(arena, (const char *)value.p, value.len);
	engine_lmdb.release(s);
	return value;
}

static void
raw_put(struct engine *e, const struct key *key, struct bytes value)
{
	struct write_entry w = { .key = *key, .value = value };
	struct commit c = { .writes = &w, .write_count = 1 };

	engine_lmdb.apply(e, &c);
	cr_assert_eq(c.rc, RC_OK);
}

Test(lmdb, what_was_acknowledged_is_there_after_reopening)
{
	static const uint8_t leaf[LOG_LEAF] = { 9 };
	struct log_head before, after;
	struct fixture x;
	struct txn *t;
	uint64_t rev[2];
	char text[64];

	fixture_open(&x, &engine_lmdb);
	put_text(&x, "ka", "kept");
	t = begin(&x);
	cr_assert_eq(txn_append(t, LOG_AUDIT, leaf, KEY_AUDIT, bytes_str("entry")), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	t = begin(&x);
	cr_assert_eq(txn_log_head(t, LOG_AUDIT, &before), RC_OK);
	txn_end(t);
	cr_assert_eq(get_text(&x, "ka", text, &rev[0]), RC_OK);
	fixture_reopen(&x);
	cr_assert_eq(get_text(&x, "ka", text, &rev[1]), RC_OK);
	cr_assert_str_eq(text, "kept");
	cr_assert_eq(rev[0], rev[1]);
	t = begin(&x);
	cr_assert_eq(txn_log_head(t, LOG_AUDIT, &after), RC_OK);
	txn_end(t);
	cr_assert_eq(after.count, 1);
	cr_assert_arr_eq(before.head, after.head, 32);
	fixture_close(&x);
}

Test(lmdb, revisions_go_on_after_reopening_even_when_the_last_change_was_a_delete)
{
	struct key k = key_of("ka");
	struct fixture x;
	struct txn *t;
	uint64_t rev[2];
	char text[64];

	fixture_open(&x, &engine_lmdb);
	put_text(&x, "ka", "one");
	cr_assert_eq(get_text(&x, "ka", text, &rev[0]), RC_OK);
	t = begin(&x);
	cr_assert_eq(txn_delete(t, &k), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	fixture_reopen(&x);
	put_text(&x, "ka", "one");
	cr_assert_eq(get_text(&x, "ka", text, &rev[1]), RC_OK);
	cr_assert_eq(rev[1], rev[0] + 2);
	fixture_close(&x);
}

Test(lmdb, a_directory_has_one_owner)
{
	struct store *second;
	struct fault f = { 0 };
	struct fixture x;

	fixture_open(&x, &engine_lmdb);
	cr_assert_eq(fixture_open_store(&x, &second, &f), RC_BUSY);
	cr_assert_eq(f.item[0].msg, MSG_STORE_SERVED);
	cr_assert_null(second);
	fixture_reopen(&x); /* the refusal has not taken the lock away */
	fixture_close(&x);
}

Test(lmdb, a_sealed_value_does_not_open_under_another_key)
{
	struct key a = key_of("ka"), b = key_of("kb");
	struct bytes of_a, of_b;
	struct engine *e;
	struct fixture x;
	char text[64];

	fixture_open(&x, &engine_lmdb);
	put_text(&x, "ka", "house A");
	put_text(&x, "kb", "house B");
	e = raw_open(&x, MAP_MIB);
	of_a = raw_get(e, x.arena, &a);
	of_b = raw_get(e, x.arena, &b);
	raw_put(e, &a, of_b);
	raw_put(e, &b, of_a);
	raw_close(&x, e);
	cr_assert_eq(get_text(&x, "ka", text, NULL), RC_CORRUPT);
	cr_assert_eq(get_text(&x, "kb", text, NULL), RC_CORRUPT);
	fixture_close(&x);
}

static bool
ignore(void *arg UNUSED, const struct key *key UNUSED, struct bytes value UNUSED, uint64_t rev UNUSED)
{
	return true;
}

/* Turn a bit of the value of ${k} over in the file, which nobody has open afterwards. */
static void
flip_bit(struct fixture *x, const struct key *k)
{
	struct engine *e = raw_open(x, MAP_MIB);
	const struct bytes sealed = raw_get(e, x->arena, k);
	uint8_t *file, *at;
	char path[160];
	size_t len;
	FILE *f;

	engine_lmdb.close(e);
	data_path(x, path);
	read_file(path, &file, &len);
	cr_assert((at = memmem(file, len, sealed.p, sealed.len)) != NULL);
	at[20] ^= 1;
	cr_assert((f = fopen(path, "r+b")) != NULL);
	cr_assert_eq(fwrite(file, 1, len, f), len);
	fclose(f);
	free(file);
}

Test(lmdb, a_flipped_bit_in_the_file_is_found_by_get_and_scan)
{
	struct key k = key_of("ka");
	struct fixture x;
	struct txn *t;
	char text[64];

	fixture_open(&x, &engine_lmdb);
	put_text(&x, "ka", "a longer text");
	flip_bit(&x, &k);
	cr_assert_eq(fixture_open_store(&x, &x.store, NULL), RC_OK);
	cr_assert_eq(get_text(&x, "ka", text, NULL), RC_CORRUPT);
	t = begin(&x);
	cr_assert_eq(txn_scan(t, &k, NULL, ignore, NULL), RC_CORRUPT);
	txn_end(t);
	fixture_close(&x);
}

Test(lmdb, nothing_of_a_value_can_be_read_in_the_file)
{
	struct fixture x;
	uint8_t *file;
	char path[160];
	size_t len;

	fixture_open(&x, &engine_lmdb);
	put_text(&x, "ka", "a household nobody may find");
	store_close(x.store);
	x.store = NULL;
	data_path(&x, path);
	read_file(path, &file, &len);
	cr_assert_null(memmem(file, len, "household", 9));
	free(file);
	fixture_close(&x);
}

Test(lmdb, a_log_entry_with_another_leaf_does_not_open)
{
	static const uint8_t leaf[LOG_LEAF] = { 9 };
	struct key k = log_key(LOG_AUDIT, 1);
	uint8_t changed[256];
	struct bytes value;
	struct engine *e;
	struct fixture x;
	struct txn *t;

	fixture_open(&x, &engine_lmdb);
	t = begin(&x);
	cr_assert_eq(txn_append(t, LOG_AUDIT, leaf, KEY_AUDIT, bytes_str("entry")), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	e = raw_open(&x, MAP_MIB);
	value = raw_get(e, x.arena, &k);
	memcpy(changed, value.p, value.len);
	changed[0] ^= 1;
	raw_put(e, &k, (struct bytes){ changed, value.len });
	raw_close(&x, e);
	t = begin(&x);
	cr_assert_eq(txn_get(t, &k, &value), RC_CORRUPT);
	txn_end(t);
	fixture_close(&x);
}

/* Cut the store's file to ${size} and try to open it. */
static enum rc
open_after_cut(struct fixture *x, off_t size, struct fault *f)
{
	char path[160];

	store_close(x->store);
	x->store = NULL;
	data_path(x, path);
	cr_assert_eq(truncate(path, size), 0);
	return fixture_open_store(x, &x->store, f);
}

Test(lmdb, a_file_that_was_cut_is_refused_again_and_again)
{
	static const off_t sizes[] = { 3 * 4096, 2 * 4096, 4096, 100, 0 };
	struct fault f = { 0 };
	struct fixture x;
	char name[16];

	fixture_open(&x, &engine_lmdb);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "k%d", i);
		put_text(&x, name, "some text to fill pages, some text to fill pages");
	}
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		fault_clear(&f);
		cr_assert_eq(open_after_cut(&x, sizes[i], &f), RC_CORRUPT, "size %ld", (long)sizes[i]);
		cr_assert_eq(f.item[0].msg, MSG_STORE_DAMAGED);
	}
	fixture_close(&x);
}

/* For a copy of something else: what is sound stays, what is hurt begins anew, what another serves is let be.
 */
Test(lmdb, opened_anew_a_hurt_file_is_empty_and_a_sound_one_is_as_it_was)
{
	static const struct {
		off_t size; /* it is cut to; -1: it is not */
		bool is_altered, is_kept;
	} rows[] = { { -1, false, true }, { -1, true, false }, { 2 * 4096, false, false },
		{ 100, false, false }, { 0, false, false } };
	const struct key k = key_of("ka");

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct engine *e = NULL, *second;
		struct fault f = { 0 };
		struct snapshot *s;
		struct bytes value;
		struct fixture x;
		char dir[160], text[64];
		uint64_t rev;

		fixture_open(&x, &engine_lmdb);
		put_text(&x, "ka", "a longer text");
		if (rows[i].is_altered)
			flip_bit(&x, &k);
		if (rows[i].size >= 0)
			cr_assert_eq(open_after_cut(&x, rows[i].size, &f), RC_CORRUPT);
		store_close(x.store);
		x.store = NULL;
		fault_clear(&f);
		fixture_path(&x, "db", dir);
		cr_assert_eq(lmdb_open_anew(dir, MAP_MIB, &e, &f), RC_OK, "row %zu", i);
		cr_expect_not(engine_lmdb.is_altered(e), "row %zu", i);
		cr_assert_eq(engine_lmdb.snapshot(e, &s), RC_OK);
		cr_expect_eq(engine_lmdb.get(s, &k, &value, &rev), rows[i].is_kept ? RC_OK : RC_NOT_FOUND,
		    "row %zu", i);
		engine_lmdb.release(s);
		cr_expect_eq(lmdb_open_anew(dir, MAP_MIB, &second, &f), RC_BUSY);
		engine_lmdb.close(e);
		cr_assert_eq(fixture_open_store(&x, &x.store, NULL), RC_OK, "row %zu", i);
		put_text(&x, "ka", "from then on");
		fixture_reopen(&x);
		cr_expect_eq(get_text(&x, "ka", text, NULL), RC_OK);
		fixture_close(&x);
	}
}

/* ---- a mirror that is begun before it is known what happened ---- */

static bool
has(struct engine *e, const char *name)
{
	const struct key key = key_of(name);
	struct snapshot *s;
	struct bytes value;
	uint64_t rev;
	enum rc rc;

	cr_assert_eq(engine_lmdb.snapshot(e, &s), RC_OK);
	rc = engine_lmdb.get(s, &key, &value, &rev);
	engine_lmdb.release(s);
	return rc == RC_OK;
}

Test(lmdb, what_is_begun_is_seen_at_its_end_and_what_is_dropped_never)
{
	const struct change one = { .key = key_of("ka"), .sealed = bytes_str("one"), .rev = 7 };
	const struct change two = { .key = key_of("kb"), .sealed = bytes_str("two"), .rev = 8 };
	const struct change other = { .key = key_of("kc"), .sealed = bytes_str("other"), .rev = 9 };
	struct engine *e;
	struct fixture x;

	fixture_open(&x, &engine_lmdb);
	e = raw_open(&x, 0);
	cr_assert(lmdb_mirror_begin(e, &one, 1));
	cr_expect_not(has(e, "ka"));
	lmdb_mirror_drop(e);
	lmdb_mirror_drop(e);
	cr_expect_not(has(e, "ka"));
	cr_assert(lmdb_mirror_begin(e, &one, 1));
	cr_assert_eq(lmdb_mirror_end(e, &two, 1, bytes_str("bookmark")), RC_OK);
	cr_expect(has(e, "ka") && has(e, "kb"));
	/* whatever else is called first drops it */
	cr_assert(lmdb_mirror_begin(e, &other, 1));
	cr_assert_eq(lmdb_mirror(e, &two, 1, bytes_str("bookmark")), RC_OK);
	cr_expect_not(has(e, "kc"));
	cr_assert(lmdb_mirror_begin(e, &other, 1));
	engine_lmdb.close(e);
	e = raw_open(&x, 0);
	cr_expect_not(has(e, "kc"), "nor by the end of all");
	cr_expect_not(engine_lmdb.is_altered(e), "its sum is right");
	raw_close(&x, e);
	fixture_close(&x);
}

Test(lmdb, a_commit_too_big_for_the_map_does_not_take_its_neighbours_with_it)
{
	static uint8_t large[LIMIT_VALUE];
	static struct write_entry many[60];
	struct write_entry small[2] = { { .key = key_of("ka"), .value = bytes_str("a") },
		{ .key = key_of("kb"), .value = bytes_str("b") } };
	struct commit c[3] = {
		{ .next = &c[1], .writes = &small[0], .write_count = 1 },
		{ .next = &c[2], .writes = many, .write_count = COUNT_OF(many) },
		{ .next = NULL, .writes = &small[1], .write_count = 1 },
	};
	struct snapshot *s;
	struct bytes value;
	struct engine *e;
	struct fixture x;
	uint64_t rev;

	for (unsigned i = 0; i < COUNT_OF(many); i++) {
		many[i] = (struct write_entry){ .key = key_of("m"), .value = BYTES_OF(large) };
		key_add_u64(&many[i].key, i);
	}
	fixture_open(&x, &engine_lmdb);
	e = raw_open(&x, 2);
	engine_lmdb.apply(e, &c[0]);
	cr_assert_eq(c[0].rc, RC_OK);
	cr_assert_eq(c[1].rc, RC_UNAVAILABLE);
	cr_assert_eq(c[2].rc, RC_OK);
	cr_assert_eq(c[2].rev, c[0].rev + 1);
	cr_assert_not(engine_lmdb.is_broken(e));
	cr_assert_eq(engine_lmdb.snapshot(e, &s), RC_OK);
	cr_assert_eq(engine_lmdb.get(s, &many[0].key, &value, &rev), RC_NOT_FOUND);
	cr_assert_eq(engine_lmdb.get(s, &small[1].key, &value, &rev), RC_OK);
	engine_lmdb.release(s);
	raw_close(&x, e);
	fixture_close(&x);
}

Test(lmdb, too_many_snapshots_are_refused_and_come_back)
{
	static struct snapshot *held[600];
	unsigned count = 0;
	struct engine *e;
	struct fixture x;
	enum rc rc = RC_OK;

	fixture_open(&x, &engine_lmdb);
	e = raw_open(&x, MAP_MIB);
	while (count < COUNT_OF(held) && (rc = engine_lmdb.snapshot(e, &held[count])) == RC_OK)
		count++;
	cr_assert_eq(rc, RC_BUSY);
	cr_assert_geq(count, 500);
	engine_lmdb.release(held[--count]);
	cr_assert_eq(engine_lmdb.snapshot(e, &held[count++]), RC_OK);
	while (count > 0)
		engine_lmdb.release(held[--count]);
	raw_close(&x, e);
	fixture_close(&x);
}

/* Kilobytes of ${name} that are mapped into this process and present. */
static unsigned
resident_kib(const char *name)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	bool is_it = false;
	unsigned sum = 0, kib;
	char line[512];

	cr_assert_not_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (strchr(line, '-') != NULL && strchr(line, '/') != NULL)
			is_it = strstr(line, name) != NULL;
		else if (is_it && sscanf(line, "Rss: %u", &kib) == 1)
			sum += kib;
	}
	(void)fclose(maps);
	return sum;
}

static bool
count_pair(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	unsigned *count = arg;

	(void)key;
	(void)rev;
	*count += value.len == 600 && value.p[599] == 'x';
	return true;
}

/* The trail is read whole every hour, and is larger than all else: the service must not stay that large. */
Test(lmdb, a_walk_over_everything_leaves_little_of_it_in_memory)
{
	enum { EACH = 500, BATCHES = 60 };
	static struct write_entry w[EACH];
	const struct key all = { .len = 0 };
	unsigned count = 0, kib;
	char value[600];
	struct snapshot *s;
	struct fixture x;
	struct engine *e;

	fixture_open(&x, &engine_lmdb);
	memset(value, 'x', sizeof(value));
	e = raw_open(&x, 0);
	for (unsigned i = 0; i < BATCHES; i++) {
		struct commit c = { .writes = w, .write_count = EACH };

		for (unsigned k = 0; k < EACH; k++) {
			char name[24];

			(void)snprintf(name, sizeof(name), "key %06u", i * EACH + k);
			w[k] = (struct write_entry){ .key = key_of(name), .value = BYTES_OF(value) };
		}
		engine_lmdb.apply(e, &c);
		cr_assert_eq(c.rc, RC_OK);
	}
	raw_close(&x, e);
	e = raw_open(&x, 0); /* mapped anew */
	cr_assert_eq(engine_lmdb.snapshot(e, &s), RC_OK);
	cr_assert_eq(engine_lmdb.scan(s, &all, 0, count_pair, &count), RC_OK);
	engine_lmdb.release(s);
	kib = resident_kib("data.mdb");
	cr_assert_geq(count, EACH * BATCHES);
	cr_assert_lt(kib, 6000u, "%u KiB of more than 17,000", kib);
	raw_close(&x, e);
	fixture_close(&x);
}

/* While root's program has the store: it may be ended before it could give anything back. */
Test(lmdb, what_root_makes_in_the_services_directory_is_the_services)
{
	static const char *const names[] = { "db/data.mdb", "db/lock.mdb", "db/serving.lock" };
	struct fixture x;
	struct fault f = { 0 };
	struct stat st;
	char path[160];

	if (geteuid() != 0)
		cr_skip_test("not root");
	fixture_open(&x, &engine_lmdb);
	store_close(x.store);
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		fixture_path(&x, names[i], path);
		cr_assert_eq(unlink(path), 0);
	}
	fixture_path(&x, "db", path);
	cr_assert_eq(chown(path, 12345, 12346), 0);
	cr_assert_eq(fixture_open_store(&x, &x.store, &f), RC_OK);
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		fixture_path(&x, names[i], path);
		cr_assert_eq(stat(path, &st), 0);
		cr_expect_eq(st.st_uid, 12345, "%s", names[i]);
		cr_expect_eq(st.st_gid, 12346, "%s", names[i]);
	}
	fixture_close(&x);
}
