/* SPDX-License-Identifier: Apache-2.0 */
/* Moving in and out while everything goes wrong once: until it is over the old engine has all, and the same
 * command ends it. */
#include "mishap.h"

#include "base/file.h"
#include "pair.h"
#include "store/lmdb_mirror.h"
#include "store/migrate.h"
#include "store/pg_parts.h"

struct move_row {
	enum mishap kind;
	unsigned connecting, least; /* calls of making a connection, of which some are enough here */
};

/* A closed store on LMDB with ${count} pairs besides its own, and a place at the server. */
struct place {
	struct fixture x;
	char conninfo[512], made[160], path[160];
};

static void
open_place(struct place *p, unsigned count)
{
	char key[16];

	fixture_open(&p->x, &engine_lmdb);
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "k%04u", i);
		put_text(&p->x, key, key);
		arena_rewind(p->x.arena, 0);
	}
	store_close(p->x.store);
	p->x.store = NULL;
	fixture_path(&p->x, "made", p->made);
	fixture_path(&p->x, "db", p->path);
	postgres_make(p->made, p->conninfo);
}

static void
remove_store(const char *path)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "serving.lock" };
	char name[700];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(name, sizeof(name), "%s/%s", path, names[i]);
		unlink(name);
	}
	rmdir(path);
}

static void
close_place(struct place *p)
{
	char name[200];

	postgres_remove(p->conninfo);
	snprintf(name, sizeof(name), "%s/postgresql", p->made);
	unlink(name);
	rmdir(p->made);
	snprintf(name, sizeof(name), "%s/postgresql", p->path);
	unlink(name);
	fixture_close(&p->x);
}

static enum rc
move_in(struct place *p, uint64_t *pairs)
{
	struct fault f = { 0 };

	return migrate_to_postgresql(p->path, p->conninfo, pairs, &f);
}

static enum rc
move_out(struct place *p, uint64_t *pairs)
{
	struct fault f = { 0 };

	return migrate_to_lmdb(p->path, pairs, &f);
}

/* The store reads as it did, on whichever engine it is. */
static void
check_place(struct place *p, const char *key)
{
	struct fault f = { 0 };
	char text[64];

	p->x.ops = engine_of(p->path);
	cr_assert_eq(fixture_open_store(&p->x, &p->x.store, &f), RC_OK);
	cr_assert_eq(get_text(&p->x, key, text, NULL), RC_OK);
	cr_assert_str_eq(text, key);
	store_close(p->x.store);
	p->x.store = NULL;
	p->x.ops = &engine_lmdb;
}

/* Whose last answer was lost has moved, and is told so. */
static void
try_again(struct place *p, bool is_out)
{
	uint64_t pairs = 0;
	enum rc rc = is_out ? move_out(p, &pairs) : move_in(p, &pairs);

	cr_assert(rc == RC_OK || (rc == RC_TAKEN && (engine_of(p->path) == &engine_postgresql) != is_out),
	    "again: %d", (int)rc);
}

static const char *
is_closed(struct place *p)
{
	return postgres_run(p->conninfo,
	    "SELECT count(*) FROM pg_constraint WHERE conrelid = 'menedek_changes'::regclass AND conname = "
	    "'menedek_left'");
}

static void
walk_move(struct place *p, const struct move_row *row, bool is_out)
{
	bool came = true;
	unsigned n;

	for (n = 1; came; n += n < row->connecting ? 8 : 1) {
		uint64_t pairs = 0, again = 0;
		enum rc rc;

		mishap_in(row->kind, n);
		rc = is_out ? move_out(p, &pairs) : move_in(p, &pairs);
		came = mishap_over();
		cr_assert(came || rc == RC_OK, "left alone: %d", (int)rc);
		cr_assert(rc == RC_OK || rc == RC_UNAVAILABLE || rc == RC_UNKNOWN || rc == RC_CORRUPT,
		    "mishap %d at %u: %d", (int)row->kind, n, (int)rc);
		if (rc != RC_OK && is_out)
			cr_assert_str_eq(is_closed(p), engine_of(p->path) == &engine_lmdb ? "1" : "0",
			    "mishap %d at %u: %s", (int)row->kind, n, is_closed(p));
		if (row->kind != BAD_DISK && is_out && engine_of(p->path) == &engine_lmdb)
			cr_assert_eq(
			    rc, RC_OK, "mishap %d at %u, and the database was not told", (int)row->kind, n);
		if (rc != RC_OK)
			try_again(p, is_out);
		cr_assert_eq(engine_of(p->path) == &engine_postgresql, !is_out);
		if (n % 8 == 1)
			check_place(p, "k0001");
		/* and back, as it was */
		if (is_out)
			postgres_run(p->conninfo, "INSERT INTO menedek_meta VALUES ('loading', '1')");
		cr_assert_eq(is_out ? move_in(p, &again) : move_out(p, &again), RC_OK);
		if (!is_out)
			postgres_run(p->conninfo, "INSERT INTO menedek_meta VALUES ('loading', '1')");
	}
	cr_assert_gt(n, row->least, "mishap %d: only %u", (int)row->kind, n);
}

Test(pg_mishap_move, moving_in_is_whole_or_begun_again, .timeout = 300)
{
	static const struct move_row rows[] = { { REFUSED_CALL, 48, 60 }, { CUT, 1000, 30 },
		{ GARBLED, 20, 20 }, { BAD_COPY, 0, 3 }, { BAD_DISK, 0, 2 } };
	struct place p;

	NEEDS_SERVER();
	open_place(&p, 5);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		walk_move(&p, &rows[i], false);
	close_place(&p);
}

Test(pg_mishap_move, moving_out_is_whole_or_begun_again, .timeout = 300)
{
	static const struct move_row rows[] = { { REFUSED_CALL, 48, 60 }, { CUT, 1000, 30 },
		{ GARBLED, 20, 20 }, { BAD_COPY, 0, 3 }, { BAD_DISK, 0, 1 } };
	struct place p;
	uint64_t pairs;

	NEEDS_SERVER();
	open_place(&p, 5);
	cr_assert_eq(move_in(&p, &pairs), RC_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		walk_move(&p, &rows[i], true);
	close_place(&p);
}

static const char *
moves_unfinished(struct place *p)
{
	return postgres_run(p->conninfo, "SELECT count(*) FROM menedek_meta WHERE name = 'loading'");
}

/* Killed right after the string was written: the database was not told yet. */
Test(pg_mishap_move, one_that_is_broken_off_at_its_last_word_is_ended_by_the_next, .timeout = 120)
{
	struct fault f = { 0 };
	struct engine *e;
	struct place p;
	uint64_t pairs = 0, all;

	NEEDS_SERVER();
	open_place(&p, 5);
	cr_assert_eq(move_in(&p, &all), RC_OK);
	postgres_run(p.conninfo, "INSERT INTO menedek_meta VALUES ('loading', '1')");
	cr_expect_eq(
	    engine_postgresql.open(p.path, MAP_MIB, &e, &f), RC_UNAVAILABLE, "nobody knows that it is whole");
	cr_expect_str_eq(f.item[0].word, "loading");
	cr_expect_eq(move_in(&p, &pairs), RC_OK);
	cr_expect_eq(pairs, all);
	cr_expect_str_eq(moves_unfinished(&p), "0");
	check_place(&p, "k0004");
	cr_expect_eq(move_in(&p, &pairs), RC_TAKEN, "it is over");
	/* what another store has begun to fill is not this one's */
	postgres_run(p.conninfo,
	    "INSERT INTO menedek_meta VALUES ('loading', '1'); DELETE FROM menedek_kv WHERE k = 'k0003'");
	cr_expect_eq(move_in(&p, &pairs), RC_TAKEN);
	cr_expect_str_eq(moves_unfinished(&p), "1");
	close_place(&p);
}

/* Who does not learn whether it is over does not say so: nobody would end it. */
Test(pg_mishap_move, one_that_is_broken_off_again_is_not_called_over, .timeout = 300)
{
	bool came = true;
	struct place p;
	uint64_t pairs;
	unsigned n;

	NEEDS_SERVER();
	open_place(&p, 5);
	cr_assert_eq(move_in(&p, &pairs), RC_OK);
	for (n = 1; came; n++) {
		enum rc rc;

		postgres_run(
		    p.conninfo, "INSERT INTO menedek_meta VALUES ('loading', '1') ON CONFLICT DO NOTHING");
		mishap_in(CUT, n);
		rc = move_in(&p, &pairs);
		came = mishap_over();
		cr_assert(rc == RC_OK || (came && rc == RC_UNAVAILABLE), "cut %u: %d", n, (int)rc);
	}
	cr_expect_gt(n, 30, "only %u", n);
	close_place(&p);
}

/* A node that was set up with the line alone: a database that another has just emptied is not its own. */
Test(pg_mishap_move, a_directory_without_a_store_ends_nobodys_move, .timeout = 60)
{
	char name[200];
	struct place p;
	uint64_t pairs;

	NEEDS_SERVER();
	open_place(&p, 2);
	cr_assert_eq(move_in(&p, &pairs), RC_OK);
	postgres_run(p.conninfo, "INSERT INTO menedek_meta VALUES ('loading', '1'); DELETE FROM menedek_kv");
	snprintf(name, sizeof(name), "%s/data.mdb", p.path);
	cr_assert_eq(unlink(name), 0);
	cr_expect_eq(move_in(&p, &pairs), RC_TAKEN);
	cr_expect_str_eq(moves_unfinished(&p), "1");
	close_place(&p);
}

/* Nor are tables made where a registry's were lost. */
Test(pg_mishap_move, a_database_that_was_lost_is_left_as_it_is, .timeout = 60)
{
	struct place p;
	uint64_t pairs = 0;

	NEEDS_SERVER();
	open_place(&p, 2);
	cr_assert_eq(move_in(&p, &pairs), RC_OK);
	postgres_run(p.conninfo, "DROP TABLE menedek_kv, menedek_changes, menedek_nodes, menedek_meta");
	cr_expect_eq(move_in(&p, &pairs), RC_UNAVAILABLE);
	cr_expect_str_eq(
	    postgres_run(p.conninfo, "SELECT coalesce(to_regclass('menedek_kv')::text, '')"), "");
	close_place(&p);
}

/* ---- a database that has not what was sent ---- */

static const struct spoilt_row {
	const char *body;
} spoilt[] = {
	{ "new.k := new.k || 'x'; RETURN new;" },
	{ "new.ver := new.ver + 1; RETURN new;" },
	{ "new.v := new.v || 'x'; RETURN new;" },
	{ "RETURN NULL;" },
	{ "IF new.k = 'k0004' THEN RETURN NULL; END IF; RETURN new;" },
	{ "IF new.k = 'k0004' THEN INSERT INTO menedek_kv VALUES ('zz', 1, 'more'); END IF; RETURN new;" },
};

Test(pg_mishap_move, a_database_that_differs_is_not_moved_into, .timeout = 60)
{
	struct place p;
	uint64_t pairs = 0;
	char sql[512];

	NEEDS_SERVER();
	open_place(&p, 5);
	cr_assert_eq(move_in(&p, &pairs), RC_OK);
	cr_assert_eq(move_in(&p, &pairs), RC_TAKEN, "it is there already");
	cr_assert_eq(move_out(&p, &pairs), RC_OK);
	cr_assert_eq(move_out(&p, &pairs), RC_TAKEN);
	postgres_run(p.conninfo, "INSERT INTO menedek_meta VALUES ('loading', '1')");
	for (size_t i = 0; i < COUNT_OF(spoilt); i++) {
		snprintf(sql, sizeof(sql),
		    "CREATE OR REPLACE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
		    "IF new.k NOT IN ('k0001', 'k0004') THEN RETURN new; END IF; %s END $$;"
		    "CREATE OR REPLACE TRIGGER spoil BEFORE INSERT ON menedek_kv FOR EACH ROW EXECUTE "
		    "FUNCTION "
		    "spoil()",
		    spoilt[i].body);
		postgres_run(p.conninfo, sql);
		cr_assert_eq(move_in(&p, &pairs), RC_CORRUPT, "row %zu", i);
		cr_assert_eq(engine_of(p.path), &engine_lmdb);
	}
	postgres_run(p.conninfo, "DROP TRIGGER spoil ON menedek_kv");
	check_place(&p, "k0004");
	cr_assert_eq(move_in(&p, &pairs), RC_OK);
	check_place(&p, "k0004");
	close_place(&p);
}

/* A primary that gave up waiting for its standby: what it took may be lost with it. */
Test(pg_mishap_move, what_a_server_takes_with_a_warning_is_not_moved, .timeout = 60)
{
	uint64_t pairs = 0;
	struct place p;

	NEEDS_SERVER();
	open_place(&p, 2);
	cr_assert_eq(move_in(&p, &pairs), RC_OK);
	cr_assert_eq(move_out(&p, &pairs), RC_OK);
	postgres_run(p.conninfo,
	    "INSERT INTO menedek_meta VALUES ('loading', '1');"
	    "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS "
	    "$$ BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL; END $$;"
	    "CREATE TRIGGER warn AFTER INSERT ON menedek_kv FOR EACH STATEMENT EXECUTE FUNCTION warn()");
	cr_assert_eq(move_in(&p, &pairs), RC_UNAVAILABLE);
	cr_assert_eq(engine_of(p.path), &engine_lmdb);
	postgres_run(p.conninfo, "DROP TRIGGER warn ON menedek_kv");
	cr_assert_eq(move_in(&p, &pairs), RC_OK);
	check_place(&p, "k0001");
	close_place(&p);
}

/* ---- what cannot be moved ---- */

/* A pair that no commit of ours put there, past all bookkeeping; or without it again. */
static void
alter(struct place *p, bool is_there)
{
	static char name[] = "kx", text[] = "12345678 and what somebody put there";
	MDB_val key = { 2, name }, data = { sizeof(text), text };
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi tree;

	cr_assert_eq(mdb_env_create(&env), 0);
	cr_assert_eq(mdb_env_set_mapsize(env, (size_t)MAP_MIB << 20), 0);
	cr_assert_eq(mdb_env_open(env, p->path, 0, 0600), 0);
	cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &tree), 0);
	cr_assert_eq(is_there ? mdb_put(txn, tree, &key, &data, 0) : mdb_del(txn, tree, &key, NULL), 0);
	cr_assert_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

Test(pg_mishap_move, a_store_that_somebody_altered_is_not_moved, .timeout = 60)
{
	uint64_t pairs = 7;
	struct place p;

	NEEDS_SERVER();
	open_place(&p, 2);
	alter(&p, true);
	cr_expect_eq(move_in(&p, &pairs), RC_CORRUPT);
	cr_expect_eq(pairs, 0);
	cr_expect_eq(engine_of(p.path), &engine_lmdb);
	cr_expect_str_eq(
	    postgres_run(p.conninfo, "SELECT coalesce(to_regclass('menedek_kv')::text, '')"), "");
	alter(&p, false);
	cr_expect_eq(move_in(&p, &pairs), RC_OK);
	check_place(&p, "k0001");
	close_place(&p);
}

/* The store's own file has room in its path for what the string's has not. */
Test(pg_mishap_move, a_store_whose_path_has_no_room_for_the_string_stays, .timeout = 60)
{
	static char path[600];
	struct fault f = { 0 };
	uint64_t pairs = 0;
	struct engine *e;
	struct place p;
	size_t keep;

	NEEDS_SERVER();
	open_place(&p, 2);
	keep = strlen(p.x.dir);
	(void)snprintf(
	    path, sizeof(path), "%s/%0200d/%0200d/%0*d", p.x.dir, 0, 0, (int)(505 - keep - 403), 0);
	cr_assert_eq(engine_lmdb.open(path, MAP_MIB, &e, &f), RC_OK);
	engine_lmdb.close(e);
	cr_expect_eq(migrate_to_postgresql(path, p.conninfo, &pairs, &f), RC_INVALID);
	cr_expect_eq(engine_of(path), &engine_lmdb);
	cr_expect_str_eq(
	    postgres_run(p.conninfo, "SELECT count(*) FROM menedek_meta WHERE name = 'loading'"), "1");
	cr_expect_eq(move_in(&p, &pairs), RC_OK, "the next one may overwrite it");
	check_place(&p, "k0001");
	remove_store(path);
	for (unsigned i = 0; i < 2; i++) {
		*strrchr(path, '/') = '\0';
		cr_expect_eq(rmdir(path), 0);
	}
	close_place(&p);
}

Test(pg_mishap_move, what_cannot_be_a_store_or_a_server_is_refused, .timeout = 60)
{
	struct place p;
	struct engine *copy;
	struct fault f = { 0 };
	uint64_t pairs = 0;
	char text[5000], path[160];

	NEEDS_SERVER();
	open_place(&p, 2);
	cr_assert_eq(migrate_to_postgresql(p.path, "host=a\nhost=b", &pairs, &f), RC_INVALID);
	cr_assert_eq(migrate_to_postgresql(p.path, "nonsense", &pairs, &f), RC_INVALID);
	fixture_path(&p.x, "ring/db", path);
	cr_assert_neq(migrate_to_postgresql(path, p.conninfo, &pairs, &f), RC_OK, "a file is no directory");
	/* libpq takes it; the file for it has no room */
	snprintf(text, sizeof(text), "%s fallback_application_name=%04200d", p.conninfo, 0);
	cr_assert_eq(migrate_to_postgresql(p.path, text, &pairs, &f), RC_INVALID);
	cr_assert_eq(engine_of(p.path), &engine_lmdb);
	memset(text, 'x', 600);
	text[600] = '\0';
	cr_assert_eq(migrate_to_lmdb(text, &pairs, &f), RC_TAKEN);
	/* as a store restored from a node's backup has it */
	cr_assert_eq(engine_lmdb.open(p.path, MAP_MIB, &copy, &f), RC_OK);
	cr_assert_eq(lmdb_mirror(copy, NULL, 0, bytes_str("another 7 5:5: 1")), RC_OK);
	engine_lmdb.close(copy);
	cr_assert_eq(move_in(&p, &pairs), RC_OK);
	check_place(&p, "k0001");
	/* without a server it cannot be left */
	fixture_path(&p.x, "db/postgresql", path);
	cr_assert_eq(file_write(path, bytes_str("host=/nowhere dbname=none\n"), 0600, &f), RC_OK);
	cr_assert_eq(move_out(&p, &pairs), RC_UNAVAILABLE);
	close_place(&p);
}

/* More than goes down at once, by number and by size. */
Test(pg_mishap_move, what_is_large_moves_in_several_steps, .timeout = 120)
{
	enum { MANY = 2100, BIG = 1500000 };
	struct write_entry *writes = calloc(MANY + 4, sizeof(*writes));
	uint8_t *big = calloc(1, BIG);
	struct commit all = { .writes = writes, .write_count = MANY + 4 };
	struct fault f = { 0 };
	struct engine *e;
	struct place p;
	uint64_t pairs = 0;

	NEEDS_SERVER();
	open_place(&p, 2);
	cr_assert(writes != NULL && big != NULL);
	for (unsigned i = 0; i < MANY + 4; i++) {
		writes[i].key = key_kind(i < MANY ? 'm' : 'n');
		key_add_u64(&writes[i].key, i);
		writes[i].value = (struct bytes){ big, i < MANY ? 10 : BIG };
	}
	cr_assert_eq(engine_lmdb.open(p.path, MAP_MIB, &e, &f), RC_OK);
	engine_lmdb.apply(e, &all);
	cr_assert_eq(all.rc, RC_OK);
	engine_lmdb.close(e);
	cr_assert_eq(move_in(&p, &pairs), RC_OK);
	cr_assert_geq(pairs, MANY + 4);
	check_place(&p, "k0001");
	cr_assert_eq(move_out(&p, &pairs), RC_OK);
	cr_assert_geq(pairs, MANY + 4);
	check_place(&p, "k0001");
	close_place(&p);
	free(writes);
	free(big);
}
