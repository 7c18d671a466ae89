/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded engine while LMDB, the disk or memory refuses it one thing after the other: it may say "not
 * now", but what it said was done is there afterwards, and nothing else is.
 */
#include <sys/syscall.h>

#include "../famine.h"
#include "fixture.h"
#include "lmdb_refuses.h"
#include "store/lmdb_mirror.h"
#include "store/lmdb_pages.h"

/* Everything that a service does with its engine, in the order in which it does it. */
struct life {
	struct fixture x;
	char path[160];
	uint64_t round;   /* what it writes */
	enum rc done[2];  /* of its two commits */
	enum rc mirrored; /* of what it took over from elsewhere */
	bool is_broken;   /* it said so */
	bool was_opened;
};

static bool
count_pair(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	(void)key;
	(void)value;
	(void)rev;
	++*(unsigned *)arg;
	return true;
}

/* Two commits at once: one overwrites, deletes and appends, the other puts. */
static void
commit_two(struct life *l, struct engine *e, bool has_doomed)
{
	uint8_t text[8];
	struct read_entry read = { .key = key_of("kb"), .rev = 0 };
	struct write_entry first[] = { { .key = key_of("ka"), .value = BYTES_OF(text) },
		{ .key = key_of("kdoomed"), .is_delete = true } };
	struct write_entry second[] = { { .key = key_of("kc"), .value = BYTES_OF(text) } };
	struct append_entry entry = { .log = LOG_AUDIT, .leaf = { 1 }, .value = BYTES_OF(text) };
	struct commit c[] = {
		{ .next = &c[1],
		    .writes = first,
		    .write_count = has_doomed ? 2 : 1,
		    .reads = &read,
		    .read_count = 1 },
		{ .writes = second, .write_count = 1, .appends = &entry, .append_count = 1 },
	};

	put_u64(text, l->round);
	engine_lmdb.apply(e, c);
	l->done[0] = c[0].rc;
	l->done[1] = c[1].rc;
}

static void
mirror_one(struct life *l, struct engine *e)
{
	uint8_t text[8];
	const struct change changes[] = {
		{ .key = key_of("km"), .sealed = BYTES_OF(text), .rev = 7 },
		{ .key = key_of("kdoomed"), .is_delete = true },
	};

	put_u64(text, l->round);
	l->mirrored = lmdb_mirror(e, changes, COUNT_OF(changes), bytes_str("bookmark"));
}

static enum rc
read_all(struct engine *e)
{
	const struct key all = key_of("k"), one = key_of("ka"); /* not the log, which grows */
	unsigned count = 0;
	struct snapshot *s;
	struct bytes value;
	uint64_t rev;
	enum rc rc = engine_lmdb.snapshot(e, &s), got;

	if (rc != RC_OK)
		return rc;
	rc = engine_lmdb.scan(s, &all, all.len, count_pair, &count);
	got = engine_lmdb.get(s, &one, &value, &rev);
	engine_lmdb.release(s);
	return rc != RC_OK ? rc : got == RC_NOT_FOUND ? RC_OK : got;
}

static enum rc
copy(struct engine *e)
{
	const int fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY | O_CLOEXEC);
	const enum rc rc = engine_lmdb.copy(e, fd);

	cr_assert_geq(fd, 0);
	(void)close(fd);
	return rc;
}

static enum rc
first_bad(const enum rc *rc, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rc[i] != RC_OK)
			return rc[i];
	return RC_OK;
}

static enum rc
live(void *arg)
{
	struct life *l = arg;
	struct fault f = { 0 };
	uint64_t most, used;
	struct engine *e;
	enum rc rc[7] = { engine_lmdb.open(l->path, MAP_MIB, &e, &f) };

	l->done[0] = l->done[1] = l->mirrored = RC_UNAVAILABLE;
	l->was_opened = rc[0] == RC_OK;
	cr_assert_eq(f.count > 0, rc[0] != RC_OK, "it says why");
	cr_assert_eq(e != NULL, rc[0] == RC_OK);
	if (e == NULL)
		return rc[0];
	commit_two(l, e, true);
	rc[1] = l->done[0];
	rc[2] = l->done[1];
	rc[3] = read_all(e);
	mirror_one(l, e);
	lmdb_need_not_last(e);
	rc[4] = lmdb_must_last(e);
	if (l->mirrored != RC_OK)
		rc[4] = l->mirrored;
	rc[5] = read_all(e);
	rc[6] = copy(e);
	engine_lmdb.room(e, &most, &used);
	cr_assert_leq(used, most);
	l->is_broken = engine_lmdb.is_broken(e);
	engine_lmdb.close(e);
	return first_bad(rc, COUNT_OF(rc));
}

static uint64_t
number_at(struct engine *e, const char *name)
{
	const struct key key = key_of(name);
	struct snapshot *s;
	struct bytes value;
	uint64_t rev, n = 0;

	cr_assert_eq(engine_lmdb.snapshot(e, &s), RC_OK);
	if (engine_lmdb.get(s, &key, &value, &rev) == RC_OK && value.len == 8)
		n = get_u64(value.p);
	engine_lmdb.release(s);
	return n;
}

/* Is it whole, and does it hold what was said to be done in this round and not what was said not to be? */
static void
assert_kept(struct life *l)
{
	static const char *const names[] = { "ka", "kc", "km" };
	const enum rc said[] = { l->done[0], l->done[1], l->mirrored };
	struct lmdb_pages found;
	struct fault f = { 0 };
	char file[200];
	struct engine *e;

	(void)snprintf(file, sizeof(file), "%s/data.mdb", l->path);
	cr_assert_eq(lmdb_pages_check(file, &found), RC_OK);
	cr_assert_not(found.is_altered);
	cr_assert_eq(engine_lmdb.open(l->path, MAP_MIB, &e, &f), RC_OK);
	cr_assert_not(engine_lmdb.is_altered(e));
	for (size_t i = 0; i < COUNT_OF(names); i++)
		cr_expect(said[i] == RC_UNKNOWN || (number_at(e, names[i]) == l->round) == (said[i] == RC_OK),
		    "%s of round %lu: %d", names[i], (unsigned long)l->round, said[i]);
	engine_lmdb.close(e);
}

/* A store with values on pages of their own and something to delete. */
static void
begin_life(struct life *l)
{
	static uint8_t large[9000];
	struct write_entry w[] = { { .key = key_of("kdoomed"), .value = bytes_str("x") },
		{ .key = key_of("klarge"), .value = BYTES_OF(large) } };
	struct commit c = { .writes = w, .write_count = COUNT_OF(w) };
	struct fault f = { 0 };
	struct engine *e;

	*l = (struct life){ .round = 0 };
	fixture_open(&l->x, &engine_lmdb);
	store_close(l->x.store);
	l->x.store = NULL;
	fixture_path(&l->x, "db", l->path);
	cr_assert_eq(engine_lmdb.open(l->path, MAP_MIB, &e, &f), RC_OK);
	engine_lmdb.apply(e, &c);
	cr_assert_eq(c.rc, RC_OK);
	engine_lmdb.close(e);
}

static void
end_life(struct life *l)
{
	fixture_close(&l->x);
}

static bool
is_not_now(enum rc rc)
{
	return rc == RC_UNAVAILABLE || rc == RC_CORRUPT || rc == RC_BUSY || rc == RC_UNKNOWN;
}

/* Each call in turn; returns how many there were. */
static unsigned
refuse_each(struct life *l, int error, bool for_good)
{
	for (unsigned n = 1;; n++) {
		enum rc rc;

		l->round++;
		refusal.in = n;
		refusal.error = error;
		refusal.for_good = for_good;
		refusal.struck = 0;
		rc = live(l);
		refusal.in = 0;
		if (refusal.struck == 0) {
			cr_assert_eq(rc, RC_OK, "left alone: %d", rc);
			return n - 1;
		}
		cr_assert(rc == RC_OK || is_not_now(rc), "call %u refused: %d", n, rc);
		assert_kept(l);
	}
}

Test(lmdb_refused, whatever_it_is_refused_once_it_says_not_now_and_loses_nothing, .timeout = 300)
{
	static const int errors[] = { EIO, MDB_CORRUPTED, MDB_PANIC };
	struct life l;

	begin_life(&l);
	for (size_t i = 0; i < COUNT_OF(errors); i++)
		cr_expect_geq(refuse_each(&l, errors[i], false), 40);
	end_life(&l);
}

Test(lmdb_refused, whatever_it_is_refused_for_good_it_says_not_now_and_loses_nothing, .timeout = 300)
{
	static const int errors[] = { EIO, MDB_CORRUPTED, MDB_PANIC };
	struct life l;

	begin_life(&l);
	for (size_t i = 0; i < COUNT_OF(errors); i++)
		cr_expect_geq(refuse_each(&l, errors[i], true), 40);
	end_life(&l);
}

Test(lmdb_refused, without_memory_it_says_not_now_and_loses_nothing, .timeout = 120)
{
	struct life l;

	NEEDS_FAMINE();
	begin_life(&l);
	cr_expect_geq(famine_each(live, &l, RC_UNAVAILABLE), 4);
	assert_kept(&l);
	end_life(&l);
}
