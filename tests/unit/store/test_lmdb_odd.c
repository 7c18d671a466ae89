/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded engine and what it rarely meets: a tree in which somebody else has put things, paths that are
 * too long, a file that does not grow or is nearly full, readers that died, a second process that reads.
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fixture.h"
#include "lmdb_refuses.h"
#include "store/lmdb_parts.h"

struct odd {
	struct fixture x;
	char path[160];
	struct engine *e;
};

static void
open_raw(struct odd *o, unsigned map_mib)
{
	struct fault f = { 0 };

	cr_assert_eq(engine_lmdb.open(o->path, map_mib, &o->e, &f), RC_OK);
}

static void
begin_odd(struct odd *o, unsigned map_mib)
{
	fixture_open(&o->x, &engine_lmdb);
	store_close(o->x.store);
	o->x.store = NULL;
	fixture_path(&o->x, "db", o->path);
	open_raw(o, map_mib);
}

static void
end_odd(struct odd *o)
{
	engine_lmdb.close(o->e);
	fixture_close(&o->x);
}

/* Straight into the tree, past all that the engine does. */
static void
put_raw(struct odd *o, const void *key, size_t key_len, const void *value, size_t len)
{
	MDB_val k = lmdb_val(key, key_len), data = lmdb_val(value, len);
	MDB_txn *txn;

	cr_assert_eq(mdb_txn_begin(o->e->env, NULL, 0, &txn), 0);
	cr_assert_eq(mdb_put(txn, o->e->tree, &k, &data, 0), 0);
	cr_assert_eq(mdb_txn_commit(txn), 0);
}

static enum rc
scan_all(struct odd *o, unsigned *seen)
{
	const struct key all = { .len = 0 };
	struct snapshot *s;
	enum rc rc;

	*seen = 0;
	cr_assert_eq(engine_lmdb.snapshot(o->e, &s), RC_OK);
	rc = engine_lmdb.scan(s, &all, 0, count_row, seen);
	engine_lmdb.release(s);
	return rc;
}

static enum rc
put_one(struct odd *o, const char *name, size_t len)
{
	static uint8_t text[LIMIT_VALUE];
	struct write_entry w = { .key = key_of(name), .value = { text, len } };
	struct commit c = { .writes = &w, .write_count = 1 };

	engine_lmdb.apply(o->e, &c);
	return c.rc;
}

Test(lmdb_odd, a_value_without_its_revision_is_damage_and_not_absence)
{
	const struct key k = key_of("kb");
	struct read_entry read = { .key = k, .rev = 0 };
	struct commit c = { .reads = &read, .read_count = 1 };
	struct snapshot *s;
	struct bytes value;
	struct odd o;
	unsigned seen;
	uint64_t rev;

	begin_odd(&o, MAP_MIB);
	cr_assert_eq(put_one(&o, "ka", 8), RC_OK);
	put_raw(&o, k.b, k.len, "1234567", REV_BYTES - 1);
	cr_assert_eq(engine_lmdb.snapshot(o.e, &s), RC_OK);
	cr_expect_eq(engine_lmdb.get(s, &k, &value, &rev), RC_CORRUPT);
	engine_lmdb.release(s);
	cr_expect_eq(scan_all(&o, &seen), RC_CORRUPT);
	engine_lmdb.apply(o.e, &c);
	cr_expect_eq(c.rc, RC_UNAVAILABLE, "who read it cannot commit");
	cr_expect_eq(put_one(&o, "kc", 8), RC_OK, "all others can");
	end_odd(&o);
}

Test(lmdb_odd, a_key_that_is_too_long_to_be_ours_is_damage)
{
	uint8_t key[LIMIT_KEY + 1];
	struct odd o;
	unsigned seen;

	memset(key, 'k', sizeof(key));
	begin_odd(&o, MAP_MIB);
	put_raw(&o, key, LIMIT_KEY, "12345678", REV_BYTES);
	cr_expect_eq(scan_all(&o, &seen), RC_OK);
	cr_expect_eq(seen, 1);
	put_raw(&o, key, sizeof(key), "12345678", REV_BYTES);
	cr_expect_eq(scan_all(&o, &seen), RC_CORRUPT);
	end_odd(&o);
}

/* Or entries would be numbered from 1 again, over those that stand there. */
Test(lmdb_odd, nothing_is_appended_to_a_log_whose_head_is_hurt)
{
	const struct key head = log_head_key(LOG_AUDIT);
	struct append_entry a = { .log = LOG_AUDIT, .leaf = { 1 }, .value = bytes_str("entry") };
	struct commit c = { .appends = &a, .append_count = 1 };
	struct odd o;

	begin_odd(&o, MAP_MIB);
	engine_lmdb.apply(o.e, &c);
	cr_assert_eq(c.rc, RC_OK);
	put_raw(&o, head.b, head.len, "12345678 and too short", 22);
	engine_lmdb.apply(o.e, &c);
	cr_expect_eq(c.rc, RC_UNAVAILABLE);
	end_odd(&o);
}

/* Make directories of names as long as they may be, until the path has ${len} bytes. */
static void
make_deep(char *path, size_t at, size_t len)
{
	while (at < len) {
		const size_t part = len - at > 201 ? 200 : len - at - 1;

		path[at] = '/';
		memset(path + at + 1, 'd', part);
		at += 1 + part;
		path[at] = '\0';
		cr_assert_eq(mkdir(path, 0700), 0);
	}
}

static void
remove_deep(char *path, size_t keep)
{
	for (size_t len = strlen(path); len > keep; len = strlen(path)) {
		cr_assert_eq(rmdir(path), 0);
		*strrchr(path, '/') = '\0';
	}
}

Test(lmdb_odd, a_path_that_is_too_long_is_said_and_not_cut)
{
	/* the name of the tree does not fit, only the name of its lock does not, not even the path */
	static const size_t lengths[] = { 1016, 1012, 5000 };
	struct fault f = { 0 };
	static char path[6000];
	struct odd o;
	size_t keep;

	begin_odd(&o, MAP_MIB);
	engine_lmdb.close(o.e);
	keep = strlen(o.path);
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		memcpy(path, o.path, keep + 1);
		if (lengths[i] < 4000) {
			make_deep(path, keep, lengths[i]);
		} else {
			memset(path + keep, 'd', lengths[i] - keep);
			path[lengths[i]] = '\0';
		}
		fault_clear(&f);
		cr_expect_neq(engine_lmdb.open(path, MAP_MIB, &o.e, &f), RC_OK);
		cr_expect_null(o.e);
		cr_expect_gt(f.count, 0);
		if (lengths[i] < 4000)
			remove_deep(path, keep);
	}
	open_raw(&o, MAP_MIB);
	end_odd(&o);
}

Test(lmdb_odd, a_directory_that_cannot_be_made_is_said_to_be_so)
{
	struct fault f = { 0 };
	char path[200];
	struct odd o;

	begin_odd(&o, MAP_MIB);
	engine_lmdb.close(o.e);
	(void)snprintf(path, sizeof(path), "%s/data.mdb/db", o.path); /* in a file */
	cr_expect_eq(engine_lmdb.open(path, MAP_MIB, &o.e, &f), RC_INVALID);
	cr_expect_null(o.e);
	cr_expect_gt(f.count, 0);
	open_raw(&o, MAP_MIB);
	end_odd(&o);
}

static off_t
size_of(const struct odd *o)
{
	struct stat st;
	char name[200];

	(void)snprintf(name, sizeof(name), "%s/data.mdb", o->path);
	cr_assert_eq(stat(name, &st), 0);
	return st.st_size;
}

/* Growing ahead is for whoever opens it next: a disk that does not allow it holds up nobody. */
Test(lmdb_odd, a_file_that_cannot_be_made_longer_serves_all_the_same)
{
	static const char *const names[] = { "fstat", "ftruncate" };
	struct odd o;

	begin_odd(&o, MAP_MIB);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		refusal.name = names[i];
		refusal.in = 1;
		refusal.error = EIO;
		refusal.struck = 0;
		for (unsigned k = 0; k < 200 && refusal.struck == 0; k++) {
			const char name[] = { 'k', (char)('0' + k % 10), (char)('0' + k / 10), '\0' };

			cr_assert_eq(put_one(&o, name, 60000), RC_OK);
		}
		cr_expect_eq(refusal.struck, 1, "%s", names[i]);
		refusal.in = 0;
	}
	engine_lmdb.close(o.e);
	open_raw(&o, MAP_MIB);
	cr_expect_not(engine_lmdb.is_altered(o.e));
	end_odd(&o);
}

Test(lmdb_odd, a_file_that_somebody_made_longer_is_not_made_shorter)
{
	const off_t longer = (off_t)40 << 20;
	struct odd o;
	char name[200];

	begin_odd(&o, MAP_MIB);
	cr_assert_eq(put_one(&o, "ka", 8), RC_OK);
	(void)snprintf(name, sizeof(name), "%s/data.mdb", o.path);
	cr_assert_eq(truncate(name, longer), 0);
	for (unsigned k = 0; k < 100; k++) {
		const char key[] = { 'k', (char)('0' + k % 10), (char)('0' + k / 10), '\0' };

		cr_assert_eq(put_one(&o, key, 60000), RC_OK);
	}
	cr_expect_eq(size_of(&o), longer);
	end_odd(&o);
}

Test(lmdb_odd, a_map_that_fills_up_is_told_of_once_and_serves_until_it_is_full)
{
	uint64_t most, used;
	enum rc rc = RC_OK;
	struct odd o;

	begin_odd(&o, 1);
	cr_expect_not(o.e->has_alarmed);
	for (unsigned k = 0; k < 300 && rc == RC_OK; k++) {
		const char key[] = { 'k', (char)('0' + k % 10), (char)('0' + k / 10), '\0' };

		engine_lmdb.room(o.e, &most, &used);
		cr_expect_eq(o.e->has_alarmed && used < most * 6 / 10, false, "too early");
		cr_expect_eq(!o.e->has_alarmed && used > most * 9 / 10, false, "too late");
		rc = put_one(&o, key, 8000);
	}
	cr_expect_eq(rc, RC_UNAVAILABLE);
	cr_expect(o.e->has_alarmed);
	cr_expect_not(engine_lmdb.is_broken(o.e));
	end_odd(&o);
}

/* ---- another process ---- */

static int
find_pid(const char *line, void *arg)
{
	const long *wanted = arg;

	return strtol(line, NULL, 10) == *wanted ? -1 : 0;
}

static bool
holds_a_slot(struct odd *o, pid_t pid)
{
	long wanted = pid;

	return mdb_reader_list(o->e->env, find_pid, &wanted) < 0;
}

/* A process that reads, and is killed at it. */
static pid_t
die_reading(struct odd *o)
{
	int told[2], status;
	char byte = 0;
	pid_t pid;

	cr_assert_eq(pipe(told), 0);
	if ((pid = fork()) == 0) {
		struct engine *e;
		struct snapshot *s;

		if (engine_lmdb.open_reader(o->path, MAP_MIB, &e, NULL) == RC_OK &&
		    engine_lmdb.snapshot(e, &s) == RC_OK)
			(void)!write(told[1], "1", 1);
		for (;;)
			pause();
	}
	cr_assert_gt(pid, 0);
	(void)close(told[1]);
	cr_assert_eq(read(told[0], &byte, 1), 1);
	(void)close(told[0]);
	cr_assert(holds_a_slot(o, pid));
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return pid;
}

Test(lmdb_odd, a_reader_that_was_killed_does_not_pin_old_pages_for_ever, .timeout = 60)
{
	struct odd o;
	pid_t pid;

	begin_odd(&o, MAP_MIB);
	cr_assert_eq(put_one(&o, "ka", 8), RC_OK);
	pid = die_reading(&o);
	cr_assert(holds_a_slot(&o, pid));
	for (unsigned i = 0; i < 16; i++)
		cr_assert_eq(put_one(&o, "ka", 8), RC_OK);
	cr_expect_not(holds_a_slot(&o, pid));
	end_odd(&o);
}

static enum rc
read_once(struct odd *o)
{
	struct fault f = { 0 };
	struct snapshot *s;
	struct engine *e;
	enum rc rc = engine_lmdb.open_reader(o->path, MAP_MIB, &e, &f);

	cr_assert_eq(e != NULL, rc == RC_OK);
	cr_assert_eq(f.count > 0, rc != RC_OK, "it says why");
	if (rc != RC_OK)
		return rc;
	if ((rc = engine_lmdb.snapshot(e, &s)) == RC_OK)
		engine_lmdb.release(s);
	engine_lmdb.close(e);
	return rc;
}

Test(lmdb_odd, a_reader_that_is_refused_anything_says_not_now, .timeout = 60)
{
	struct odd o;
	enum rc rc;

	begin_odd(&o, MAP_MIB);
	cr_assert_eq(put_one(&o, "ka", 8), RC_OK);
	engine_lmdb.close(o.e);
	for (unsigned n = 1;; n++) {
		refusal.name = NULL;
		refusal.in = n;
		refusal.error = EIO;
		refusal.struck = 0;
		rc = read_once(&o);
		refusal.in = 0;
		if (refusal.struck == 0)
			break;
		cr_assert(rc == RC_OK || rc == RC_UNAVAILABLE, "call %u refused: %d", n, rc);
	}
	cr_assert_eq(rc, RC_OK);
	open_raw(&o, MAP_MIB);
	end_odd(&o);
}

Test(lmdb_odd, a_reader_does_not_open_a_tree_that_was_cut_or_is_not_there)
{
	struct odd o;
	char name[200];

	begin_odd(&o, MAP_MIB);
	for (unsigned k = 0; k < 10; k++)
		cr_assert_eq(put_one(&o, (const char[]){ 'k', (char)('0' + k), '\0' }, 9000), RC_OK);
	engine_lmdb.close(o.e);
	(void)snprintf(name, sizeof(name), "%s/data.mdb", o.path);
	cr_assert_eq(truncate(name, 8 * 4096), 0);
	cr_expect_eq(read_once(&o), RC_CORRUPT);
	cr_assert_eq(unlink(name), 0);
	cr_expect_eq(read_once(&o), RC_UNAVAILABLE);
	open_raw(&o, MAP_MIB);
	end_odd(&o);
}
