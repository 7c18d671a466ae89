/* SPDX-License-Identifier: Apache-2.0 */
/* Moving a store into PostgreSQL and out again: whole, once, and not while a node serves it. */
#include <pthread.h>

#include "increment.h"
#include "nodes.h"
#include "store/lmdb_mirror.h"
#include "store/migrate.h"

static void
fill_store(struct fixture *x, unsigned count)
{
	char key[16];

	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "k%04u", i);
		put_text(x, key, key);
		arena_rewind(x->arena, 0);
	}
	cr_assert_eq(increment_once(x), RC_OK);
}

static void
check_store(struct fixture *x, unsigned count)
{
	char key[16], text[64];

	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "k%04u", i);
		cr_assert_eq(get_text(x, key, text, NULL), RC_OK);
		cr_assert_str_eq(text, key);
		arena_rewind(x->arena, 0);
	}
}

static uint64_t
rev_of(struct fixture *x, const char *key)
{
	char text[64];
	uint64_t rev;

	cr_assert_eq(get_text(x, key, text, &rev), RC_OK);
	return rev;
}

/* Close, move, open as what it is now. */
static void
move_store(struct fixture *x, const char *conninfo, enum rc expected)
{
	struct fault f = { 0 };
	char path[160];
	uint64_t pairs = 0;

	store_close(x->store);
	fixture_path(x, "db", path);
	if (conninfo != NULL)
		cr_assert_eq(migrate_to_postgresql(path, conninfo, &pairs, &f), expected);
	else
		cr_assert_eq(migrate_to_lmdb(path, &pairs, &f), expected);
	cr_assert(expected != RC_OK || pairs > 600);
	x->ops = engine_of(path);
	fault_clear(&f);
	cr_assert_eq(fixture_open_store(x, &x->store, &f), RC_OK);
}

Test(pg_move, a_store_moves_in_and_out_whole_and_its_revisions_go_on, .timeout = 120)
{
	enum { MANY = 700 }; /* more than one chunk */
	struct fixture x;
	char dir[160], conninfo[512];
	uint64_t before, between;

	NEEDS_SERVER();
	fixture_open(&x, &engine_lmdb);
	snprintf(dir, sizeof(dir), "%s/made", x.dir);
	postgres_make(dir, conninfo);
	fill_store(&x, MANY);
	before = rev_of(&x, "counter");
	move_store(&x, conninfo, RC_OK);
	cr_assert_eq(x.ops, &engine_postgresql);
	check_store(&x, MANY);
	cr_assert_eq(rev_of(&x, "counter"), before);
	cr_assert_eq(increment_once(&x), RC_OK);
	between = rev_of(&x, "counter");
	cr_assert_gt(between, before);
	move_store(&x, NULL, RC_OK);
	cr_assert_eq(x.ops, &engine_lmdb);
	check_store(&x, MANY);
	cr_assert_eq(counter_of(&x), 2);
	cr_assert_eq(increment_once(&x), RC_OK);
	cr_assert_gt(rev_of(&x, "counter"), between);
	move_store(&x, conninfo, RC_TAKEN); /* what was left behind is not overwritten */
	cr_assert_eq(counter_of(&x), 3);
	postgres_run(
	    conninfo, "INSERT INTO menedek_meta VALUES ('loading', '1')"); /* as one broken off leaves it */
	between = rev_of(&x, "counter");
	move_store(&x, conninfo, RC_OK);
	cr_assert_eq(counter_of(&x), 3);
	cr_assert_eq(increment_once(&x), RC_OK);
	cr_assert_gt(rev_of(&x, "counter"), between);
	postgres_remove(conninfo);
	snprintf(dir, sizeof(dir), "%s/made/postgresql", x.dir);
	unlink(dir);
	snprintf(dir, sizeof(dir), "%s/made", x.dir);
	rmdir(dir);
	x.ops = &engine_lmdb;
	fixture_close(&x);
}

static const char *
nodes_seen(const struct nodes *n)
{
	return postgres_run(n->a.conninfo, "SELECT count(*) FROM menedek_nodes");
}

Test(pg_move, a_database_that_some_node_serves_is_not_left, .timeout = 60)
{
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	fill_store(&n.a, 3);
	store_follow(n.b.store);
	cr_assert(sees(&n.b, "k0002", "k0002"));
	for (unsigned i = 0; i < 1000 && strcmp(nodes_seen(&n), "0") == 0; i++)
		usleep(10000);
	cr_assert_str_neq(nodes_seen(&n), "0", "no heartbeat");
	move_store(&n.a, NULL, RC_BUSY);
	cr_assert_eq(n.a.ops, &engine_postgresql);
	close_nodes(&n);
}

static const char *
changes_in(const struct nodes *n)
{
	return postgres_run(n->a.conninfo, "SELECT count(*) FROM menedek_changes WHERE keys <> '{}'");
}

/* Stopped, cut off or asleep while the registry left: it would give out the same rooms. */
Test(pg_move, what_was_left_behind_is_served_by_no_node, .timeout = 60)
{
	struct fault f = { 0 };
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	fill_store(&n.a, 700);
	store_close(n.b.store);
	n.b.store = NULL;
	move_store(&n.a, NULL, RC_OK);
	put_text(&n.a, "ka", "here");
	cr_assert_eq(fixture_open_store(&n.b, &n.b.store, &f), RC_UNAVAILABLE);
	cr_assert_str_eq(f.item[0].word, "left");
	n.a.ops = &engine_postgresql; /* its database goes with it */
	close_nodes(&n);
}

/* One byte of what the copy has under ${name}, as a disk loses it: the revision stays. */
static void
hurt_copy(const struct fixture *x, const char *name)
{
	static uint8_t text[256], bookmark[8000];
	const struct key mark = log_bookmark_key();
	struct change hurt = { .key = key_of(name), .sealed.p = text };
	struct bytes value, marked;
	struct engine *copy;
	struct snapshot *s;
	struct fault f = { 0 };
	char path[160];
	uint64_t rev;

	fixture_path(x, "db", path);
	cr_assert_eq(engine_lmdb.open(path, MAP_MIB, &copy, &f), RC_OK);
	cr_assert_eq(engine_lmdb.snapshot(copy, &s), RC_OK);
	cr_assert_eq(engine_lmdb.get(s, &mark, &marked, &rev), RC_OK);
	cr_assert_eq(engine_lmdb.get(s, &hurt.key, &value, &hurt.rev), RC_OK);
	cr_assert(value.len <= sizeof(text) && marked.len <= sizeof(bookmark));
	memcpy(bookmark, marked.p, marked.len);
	memcpy(text, value.p, hurt.sealed.len = value.len);
	text[value.len - 1] ^= 1;
	engine_lmdb.release(s);
	cr_assert_eq(lmdb_mirror(copy, &hurt, 1, (struct bytes){ bookmark, marked.len }), RC_OK);
	engine_lmdb.close(copy);
}

/* The last that is asked of the database: revisions alone would not tell. */
Test(pg_move, what_a_copy_has_wrong_comes_right_before_it_becomes_the_store, .timeout = 60)
{
	struct fault f = { 0 };
	uint64_t pairs = 0;
	struct nodes n;
	char path[160];

	NEEDS_SERVER();
	open_nodes(&n);
	fill_store(&n.a, 3);
	store_close(n.b.store);
	store_close(n.a.store);
	n.a.store = n.b.store = NULL;
	hurt_copy(&n.a, "k0001");
	fixture_path(&n.a, "db", path);
	cr_assert_eq(migrate_to_lmdb(path, &pairs, &f), RC_OK);
	n.a.ops = &engine_lmdb;
	cr_assert_eq(fixture_open_store(&n.a, &n.a.store, &f), RC_OK);
	check_store(&n.a, 3);
	n.a.ops = &engine_postgresql; /* its database goes with it */
	close_nodes(&n);
}

/* Whoever gave the command must not go home with an exit status of 0. */
Test(pg_move, a_database_that_cannot_be_told_is_said_to_whoever_moved, .timeout = 60)
{
	struct fault f = { 0 };
	uint64_t pairs = 0;
	struct nodes n;
	char path[160];

	NEEDS_SERVER();
	open_nodes(&n);
	fill_store(&n.a, 3);
	store_close(n.b.store);
	store_close(n.a.store);
	n.a.store = n.b.store = NULL;
	postgres_run(n.a.conninfo, "ALTER TABLE menedek_meta ADD CHECK (name <> 'left')");
	fixture_path(&n.a, "db", path);
	cr_expect_eq(migrate_to_lmdb(path, &pairs, &f), RC_UNAVAILABLE);
	cr_expect_eq(f.item[0].msg, MSG_PG_UNTOLD);
	cr_expect_eq(engine_of(path), &engine_lmdb);
	close_nodes(&n);
}

/* While the database is told that it is left, its leader ends; ${sql} is what the next one has otherwise. */
struct end {
	const char *conninfo, *sql;
};

static void *
end_leader(void *arg)
{
	const struct end *end = arg;
	char sql[256];

	snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name = '%s'",
	    postgres_schema(end->conninfo));
	for (unsigned i = 0; i < 500 && strcmp(postgres_run(end->conninfo, sql), "0") == 0; i++)
		usleep(10000);
	postgres_run(end->conninfo, end->sql);
	postgres_cut(end->conninfo);
	return NULL;
}

static enum rc
leave_while_the_leader_ends(struct nodes *n, const char *sql, struct fault *f)
{
	struct end end = { n->a.conninfo, sql };
	uint64_t pairs = 0;
	pthread_t thread;
	char path[160];
	enum rc rc;

	fill_store(&n->a, 3);
	store_close(n->b.store);
	store_close(n->a.store);
	n->a.store = n->b.store = NULL;
	postgres_run(n->a.conninfo,
	    "CREATE TABLE mood AS SELECT 1;"
	    "CREATE FUNCTION hesitate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(10) "
	    "FROM mood;"
	    " RETURN NEW; END $$;"
	    "CREATE TRIGGER hesitate BEFORE INSERT ON menedek_meta FOR EACH ROW WHEN (NEW.name = 'left')"
	    " EXECUTE FUNCTION hesitate()");
	cr_assert_eq(pthread_create(&thread, NULL, end_leader, &end), 0);
	fixture_path(&n->a, "db", path);
	rc = migrate_to_lmdb(path, &pairs, f);
	pthread_join(thread, NULL);
	cr_expect_eq(engine_of(path), &engine_lmdb);
	return rc;
}

static const char *
is_left(const struct nodes *n)
{
	return postgres_run(n->a.conninfo, "SELECT count(*) FROM menedek_meta WHERE name = 'left'");
}

Test(pg_move, whoever_leads_by_then_is_told_that_the_registry_left, .timeout = 60)
{
	struct fault f = { 0 };
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	cr_expect_eq(leave_while_the_leader_ends(&n, "DELETE FROM mood", &f), RC_OK);
	cr_expect_str_eq(is_left(&n), "1");
	close_nodes(&n);
}

Test(pg_move, another_registry_is_not_told_that_it_was_left, .timeout = 60)
{
	struct fault f = { 0 };
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	cr_expect_eq(leave_while_the_leader_ends(&n,
			 "DELETE FROM mood;"
			 "UPDATE menedek_meta SET value = 'another' WHERE name = 'registry'",
			 &f),
	    RC_UNAVAILABLE);
	cr_expect_eq(f.item[0].msg, MSG_PG_UNTOLD);
	cr_expect_str_eq(is_left(&n), "0");
	close_nodes(&n);
}

static bool
answers(struct fixture *x)
{
	struct txn *t;
	const bool is_read = txn_begin(x->store, x->arena, &t) == RC_OK;

	txn_end(t);
	arena_rewind(x->arena, 0);
	return is_read;
}

Test(pg_move, a_node_whose_session_outlived_the_move_is_let_go, .timeout = 60)
{
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	fill_store(&n.a, 700);
	move_store(&n.a, NULL, RC_OK); /* no beat of the other's was heard */
	store_follow(n.b.store);
	for (unsigned i = 0; i < 1500 && answers(&n.b); i++) {
		cr_assert_neq(increment_once(&n.b), RC_OK, "it gave out what was left, try %u", i);
		usleep(10000);
	}
	cr_assert_not(answers(&n.b), "from what was left");
	cr_assert_eq(increment_once(&n.b), RC_UNAVAILABLE);
	n.a.ops = &engine_postgresql;
	close_nodes(&n);
}

/* A command that writes and never beats, begun before the move. */
Test(pg_move, what_nobody_hears_of_writes_nothing_once_the_registry_has_left, .timeout = 60)
{
	char changes[32];
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	fill_store(&n.a, 700);
	cr_assert_eq(increment_once(&n.b), RC_OK);
	move_store(&n.a, NULL, RC_OK);
	snprintf(changes, sizeof(changes), "%s", changes_in(&n));
	cr_assert_neq(increment_once(&n.b), RC_OK);
	cr_assert_str_eq(changes_in(&n), changes);
	n.a.ops = &engine_postgresql;
	close_nodes(&n);
}

/* It stays where it is, and its nodes write on. */
Test(pg_move, a_move_that_failed_has_closed_nothing, .timeout = 60)
{
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	fill_store(&n.a, 700);
	/* one that somebody starts amid it: its beat is there when all has been compared */
	postgres_run(n.a.conninfo,
	    "CREATE FUNCTION wake() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
	    " INSERT INTO menedek_nodes (id, at) VALUES ('\\x01', now()); RETURN NULL; END $$;"
	    "CREATE TRIGGER wake AFTER INSERT ON menedek_meta FOR EACH ROW EXECUTE FUNCTION wake()");
	move_store(&n.a, NULL, RC_BUSY);
	postgres_run(n.a.conninfo, "DROP TRIGGER wake ON menedek_meta");
	cr_assert_eq(n.a.ops, &engine_postgresql);
	cr_assert_eq(increment_once(&n.a), RC_OK);
	cr_assert_eq(increment_once(&n.b), RC_OK);
	close_nodes(&n);
}

/* Typed on two hosts at once, or on the second because the first seems to hang. */
Test(pg_move, of_two_directories_one_leads_the_registry_out, .timeout = 60)
{
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	fill_store(&n.a, 700);
	postgres_run(n.a.conninfo, "INSERT INTO menedek_meta VALUES ('leaving', 'from elsewhere')");
	move_store(&n.b, NULL, RC_TAKEN);
	cr_assert_eq(increment_once(&n.b), RC_OK, "nothing was closed from there");
	postgres_run(n.a.conninfo, "DELETE FROM menedek_meta WHERE name = 'leaving'");
	move_store(&n.a, NULL, RC_OK);
	postgres_run(n.a.conninfo, "DELETE FROM menedek_meta WHERE name = 'left'"); /* it could not be told */
	move_store(&n.b, NULL, RC_TAKEN);
	cr_assert_neq(increment_once(&n.b), RC_OK, "it was opened again");
	n.a.ops = &engine_postgresql;
	close_nodes(&n);
}

static const char *
published(const char *conninfo)
{
	const struct key key = log_shared_key();
	char sql[96];

	snprintf(
	    sql, sizeof(sql), "SELECT count(*) FROM menedek_kv WHERE k = '\\x%02x%02x'", key.b[0], key.b[1]);
	return postgres_run(conninfo, sql);
}

/* A node that did not keep the keys leads back to one machine, or a backup of one is restored there: neither
 * has the keeper's file.  After a day there it has a key that was never published. */
Test(pg_move, a_registry_that_lived_on_one_machine_moves_in_again_with_its_own_ring, .timeout = 120)
{
	enum { MANY = 700 };
	struct store_options look = { .engine = &engine_lmdb, .is_look = true };
	struct store_stats stats;
	struct fault f = { 0 };
	struct fixture x;
	char dir[160], keeper[160], conninfo[512];

	NEEDS_SERVER();
	fixture_open(&x, &engine_lmdb);
	snprintf(dir, sizeof(dir), "%s/made", x.dir);
	postgres_make(dir, conninfo);
	fill_store(&x, MANY);
	fixture_path(&x, "db/keeper", keeper);
	cr_assert_neq(access(keeper, F_OK), 0, "it was never in a database");
	move_store(&x, conninfo, RC_OK);
	cr_assert_eq(increment_once(&x), RC_OK);
	cr_assert_str_eq(published(conninfo), "1");
	move_store(&x, NULL, RC_OK);
	cr_assert_eq(unlink(keeper), 0);
	store_close(x.store);
	fixture_path(&x, "db", dir);
	look.path = dir;
	look.keyring = x.keyring;
	cr_assert_eq(store_open(&look, &x.store, &f), RC_OK);
	cr_expect_neq(access(keeper, F_OK), 0, "who looks keeps nothing");
	fixture_reopen(&x);
	cr_assert_eq(keyring_renew(x.keyring, KEY_RECORD, &f), RC_OK);
	cr_assert_eq(increment_once(&x), RC_OK);
	postgres_run(conninfo, "INSERT INTO menedek_meta VALUES ('loading', '1')");
	move_store(&x, conninfo, RC_OK); /* was: keyring_refused, and keep-keys was refused, too */
	store_stats(x.store, &stats);
	cr_expect(stats.keeps_keys);
	cr_assert_eq(increment_once(&x), RC_OK);
	cr_assert_eq(counter_of(&x), 4);
	check_store(&x, MANY);
	postgres_remove(conninfo);
	snprintf(dir, sizeof(dir), "%s/made/postgresql", x.dir);
	unlink(dir);
	snprintf(dir, sizeof(dir), "%s/made", x.dir);
	rmdir(dir);
	x.ops = &engine_lmdb;
	fixture_close(&x);
}
