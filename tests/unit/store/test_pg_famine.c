/* SPDX-License-Identifier: Apache-2.0 */
/* A node that has no memory once, at each request of its own code: it says so, what was said to be committed
 * is there and what was not is not, and at the next try all is right. */
#include "../famine.h"

#include "rings.h"
#include "store/migrate.h"

/* What a round needs before and after has memory; returns what is to be refused then. */
static unsigned
have_memory(void)
{
	const unsigned left = famine_in;

	famine_in = 0;
	return left;
}

/* ---- opening ---- */

/* RC_INVALID: libpq does not tell a connection string that it has no memory for from one that is wrong. */

static enum rc
open_and_close(void *arg)
{
	struct engine *e;
	enum rc rc = open_engine(arg, &e);

	cr_assert_eq(e != NULL, rc == RC_OK);
	engine_postgresql.close(e);
	return rc;
}

Test(pg_famine, a_node_without_memory_does_not_open, .timeout = 120)
{
	struct pair p;

	NEEDS_FAMINE();
	NEEDS_SERVER();
	open_pair(&p);
	engine_postgresql.close(p.a);
	cr_expect_gt(famine_each(open_and_close, &p.nodes.a, RC_INVALID), 8);
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
	close_pair(&p);
}

/* ---- following and comparing ---- */

static unsigned rounds;

static void
write_new(struct pair *p, char name[16])
{
	(void)snprintf(name, 16, "k%u", rounds++);
	cr_assert_eq(write_one(p->b, name, "value"), RC_OK);
}

static bool
has_it(struct pair *p, const char *name)
{
	struct snapshot *s;

	if (engine_postgresql.snapshot(p->a, &s) != RC_OK)
		return false;
	engine_postgresql.release(s);
	return has_key(p->a, name);
}

/* Once more, with memory: it is there. */
static void
expect_to_come(struct pair *p, const char *name)
{
	follow_now(p->a);
	cr_assert(has_it(p, name), "%s", name);
	cr_assert_not(engine_postgresql.is_broken(p->a));
}

static enum rc
follow_once(void *arg)
{
	unsigned left = have_memory();
	struct pair *p = arg;
	bool is_there;
	char name[16];

	follow_now(p->a);
	write_new(p, name);
	famine_in = left;
	follow_now(p->a);
	left = have_memory();
	is_there = has_it(p, name);
	expect_to_come(p, name);
	famine_in = left;
	return is_there ? RC_OK : RC_UNAVAILABLE;
}

Test(pg_famine, who_follows_without_memory_misses_nothing, .timeout = 120)
{
	struct pair p;

	NEEDS_FAMINE();
	NEEDS_SERVER();
	open_pair(&p);
	cr_expect_gt(famine_each(follow_once, &p, RC_UNAVAILABLE), 0);
	close_pair(&p);
}

/* More go, and more come, than there is room for at once. */
static void
make_differ(struct pair *p, char name[16])
{
	follow_now(p->a);
	postgres_run(p->nodes.a.conninfo,
	    "INSERT INTO menedek_kv SELECT ('m' || i)::bytea, 1, 'v' FROM generate_series(1000, 1599) AS i");
	p->a->snapshot[0] = '\0';
	follow_now(p->a);
	cr_assert(has_it(p, "m1599"));
	postgres_run(p->nodes.a.conninfo,
	    "DELETE FROM menedek_kv WHERE k >= 'm' AND k < 'o';"
	    "INSERT INTO menedek_kv SELECT ('n' || i)::bytea, 1, 'v' FROM generate_series(1000, 1599) AS i");
	write_new(p, name);
	p->a->snapshot[0] = '\0';
}

static enum rc
compare_once(void *arg)
{
	unsigned left = have_memory();
	struct pair *p = arg;
	bool is_there;
	char name[16];

	make_differ(p, name);
	famine_in = left;
	follow_now(p->a);
	left = have_memory();
	is_there = has_it(p, name);
	expect_to_come(p, name);
	cr_assert(!has_it(p, "m1000") && !has_it(p, "m1599") && has_it(p, "n1000") && has_it(p, "n1599"));
	postgres_run(p->nodes.a.conninfo, "DELETE FROM menedek_kv WHERE k >= 'n' AND k < 'o'");
	p->a->snapshot[0] = '\0';
	famine_in = left;
	return is_there ? RC_OK : RC_UNAVAILABLE;
}

Test(pg_famine, who_compares_without_memory_answers_nothing_and_compares_again, .timeout = 120)
{
	struct pair p;

	NEEDS_FAMINE();
	NEEDS_SERVER();
	open_pair(&p);
	cr_expect_gt(famine_each(compare_once, &p, RC_UNAVAILABLE), 4);
	close_pair(&p);
}

/* ---- committing ---- */

static bool
is_at_server(struct pair *p, const char *name)
{
	char sql[128];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM menedek_kv WHERE k = '%s'", name);
	return strcmp(postgres_run(p->nodes.a.conninfo, sql), "0") != 0;
}

/* What was said of a commit is so. */
static void
check_commit(struct pair *p, const char *name, enum rc rc)
{
	cr_assert(rc == RC_UNKNOWN || is_at_server(p, name) == (rc == RC_OK), "%s: %d", name, (int)rc);
	cr_assert(rc != RC_OK || has_it(p, name), "%s", name);
}

/* The batch's own memory is kept from one to the next, so this node is a new one each time. */
static enum rc
commit_once(void *arg)
{
	unsigned left = have_memory();
	struct pair *p = arg;
	char name[16];
	enum rc rc;

	engine_postgresql.close(p->a);
	cr_assert_eq(open_engine(&p->nodes.a, &p->a), RC_OK);
	(void)snprintf(name, sizeof(name), "k%u", rounds++);
	famine_in = left;
	rc = write_one(p->a, name, "value");
	left = have_memory();
	check_commit(p, name, rc);
	cr_assert_eq(write_one(p->a, name, "again"), RC_OK);
	famine_in = left;
	return rc;
}

Test(pg_famine, a_commit_without_memory_counts_once_or_not_at_all, .timeout = 120)
{
	struct pair p;

	NEEDS_FAMINE();
	NEEDS_SERVER();
	open_pair(&p);
	cr_expect_gt(famine_each(commit_once, &p, RC_UNKNOWN), 5);
	close_pair(&p);
}

/* What the others are held against; and the only one that a sanitizer can watch. */
Test(pg_famine, with_memory_all_of_it_is_done, .timeout = 120)
{
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	engine_postgresql.close(p.a);
	cr_expect_eq(open_and_close(&p.nodes.a), RC_OK);
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
	cr_expect_eq(follow_once(&p), RC_OK);
	cr_expect_eq(compare_once(&p), RC_OK);
	cr_expect_eq(commit_once(&p), RC_OK);
	close_pair(&p);
}

/* ---- moving ---- */

struct place {
	struct fixture x;
	char conninfo[512], made[160], path[160];
};

static void
open_place(struct place *p)
{
	fixture_open(&p->x, &engine_lmdb);
	put_text(&p->x, "ka", "stays");
	store_close(p->x.store);
	p->x.store = NULL;
	fixture_path(&p->x, "made", p->made);
	fixture_path(&p->x, "db", p->path);
	postgres_make(p->made, p->conninfo);
}

static void
close_place(struct place *p)
{
	char name[200];

	postgres_remove(p->conninfo);
	(void)snprintf(name, sizeof(name), "%s/postgresql", p->made);
	unlink(name);
	rmdir(p->made);
	(void)snprintf(name, sizeof(name), "%s/postgresql", p->path);
	unlink(name);
	fixture_close(&p->x);
}

static enum rc
move(struct place *p, bool is_out)
{
	struct fault f = { 0 };
	uint64_t pairs;

	return is_out ? migrate_to_lmdb(p->path, &pairs, &f)
		      : migrate_to_postgresql(p->path, p->conninfo, &pairs, &f);
}

static bool
is_out(const struct place *p)
{
	return engine_of(p->path) == &engine_lmdb;
}

static void
move_back(struct place *p, bool to_file)
{
	if (to_file)
		cr_assert_eq(move(p, true), RC_OK);
	postgres_run(p->conninfo, "INSERT INTO menedek_meta VALUES ('loading', '1')");
	if (!to_file)
		cr_assert_eq(move(p, false), RC_OK);
}

/* It begins and ends in the file, or in the database. */
static enum rc
move_once(struct place *p, bool out)
{
	enum rc rc = move(p, out);
	const unsigned left = have_memory();

	cr_assert(rc != RC_OK || is_out(p) == out);
	if (rc != RC_OK) {
		const enum rc again = move(p, out);

		cr_assert(again == RC_OK || again == RC_TAKEN);
		cr_assert_eq(is_out(p), out, "and at the next try it moves");
	}
	move_back(p, !out);
	famine_in = left;
	return rc;
}

static enum rc
move_in_once(void *arg)
{
	return move_once(arg, false);
}

static enum rc
move_out_once(void *arg)
{
	return move_once(arg, true);
}

Test(pg_famine, a_store_moves_whole_or_stays_without_memory, .timeout = 120)
{
	struct fault f = { 0 };
	char text[64];
	struct place p;

	NEEDS_FAMINE();
	NEEDS_SERVER();
	open_place(&p);
	cr_expect_gt(famine_each(move_in_once, &p, RC_INVALID), 8);
	cr_assert_eq(move(&p, false), RC_OK);
	cr_expect_gt(famine_each(move_out_once, &p, RC_INVALID), 8);
	cr_assert_eq(move(&p, true), RC_OK);
	cr_assert_eq(fixture_open_store(&p.x, &p.x.store, &f), RC_OK);
	cr_assert_eq(get_text(&p.x, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "stays");
	close_place(&p);
}

/* ---- the ring ---- */

/* Node b as a stranger that has never kept the ring. */
static void
start_as_stranger(struct pair *p)
{
	char path[160];

	engine_postgresql.close(p->b);
	fixture_path(&p->nodes.b, "db/keeper", path);
	(void)unlink(path);
	cr_assert_eq(open_engine(&p->nodes.b, &p->b), RC_OK);
}

static enum rc
take_the_keeping_once(void *arg)
{
	unsigned left = have_memory();
	struct shared_ring *ring;
	struct pair *p = arg;
	enum rc rc;

	start_as_stranger(p);
	famine_in = left;
	rc = open_ring(&p->nodes.b, p->b, true, &ring);
	left = have_memory();
	cr_assert_eq(ring != NULL, rc == RC_OK);
	cr_assert(rc != RC_OK || shared_ring_is_kept_here(ring));
	start_as_stranger(p);
	shared_ring_free(ring);
	famine_in = left;
	return rc;
}

Test(pg_famine, who_would_keep_the_ring_without_memory_does_not, .timeout = 120)
{
	struct pair p;

	NEEDS_FAMINE();
	NEEDS_SERVER();
	open_pair(&p);
	cr_expect_gt(famine_each(take_the_keeping_once, &p, RC_UNKNOWN), 5);
	close_pair(&p);
}

/* A new key travels with the next batch: that one waits for it. */
static enum rc
give_once(void *arg)
{
	unsigned left = have_memory();
	struct shared_ring *ring;
	struct pair *p = arg;
	struct fault f = { 0 };
	char name[16];
	enum rc rc;

	engine_postgresql.close(p->a);
	cr_assert_eq(open_engine(&p->nodes.a, &p->a), RC_OK);
	cr_assert_eq(open_ring(&p->nodes.a, p->a, false, &ring), RC_OK);
	cr_assert_eq(keyring_renew(p->nodes.a.keyring, KEY_RECORD, &f), RC_OK);
	(void)snprintf(name, sizeof(name), "k%u", rounds++);
	famine_in = left;
	rc = write_one(p->a, name, "under the new key");
	left = have_memory();
	check_commit(p, name, rc);
	cr_assert_eq(write_one(p->a, name, "again"), RC_OK);
	cr_assert(shared_ring_is_kept_here(ring) && !engine_postgresql.is_broken(p->a));
	engine_postgresql.close(p->a);
	p->a = NULL;
	shared_ring_free(ring);
	famine_in = left;
	return rc;
}

Test(pg_famine, nothing_goes_down_under_a_key_that_there_was_no_memory_to_give, .timeout = 120)
{
	struct pair p;

	NEEDS_FAMINE();
	NEEDS_SERVER();
	open_pair(&p);
	cr_expect_gt(famine_each(give_once, &p, RC_UNKNOWN), 6);
	close_pair(&p);
}
