/* SPDX-License-Identifier: Apache-2.0 */
/* Lost answers, commits that hang, servers that must not be believed, copies that must be made anew. */
#include <stdatomic.h>

#include "increment.h"
#include "pair.h"
#include "store/pg_parts.h"

/* The server ends every connection right after a commit was sent, again and again: each increment counts
 * once. */
static void *
cut_connections(void *arg)
{
	struct nodes *n = arg;

	for (unsigned i = 0; i < 40; i++) {
		usleep(20000);
		postgres_cut(n->a.conninfo);
	}
	return NULL;
}

Test(pg_faults, a_lost_answer_is_asked_for_and_never_guessed, .timeout = 120)
{
	pthread_t cutter;
	unsigned happened = 0, unknown = 0;
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	cr_assert_eq(pthread_create(&cutter, NULL, cut_connections, &n), 0);
	for (unsigned i = 0; i < 150; i++) {
		enum rc rc = increment_once(&n.a);

		happened += rc == RC_OK;
		unknown += rc == RC_UNKNOWN;
		cr_assert(rc == RC_OK || rc == RC_UNKNOWN || rc == RC_UNAVAILABLE, "rc %d", rc);
	}
	pthread_join(cutter, NULL);
	cr_assert_eq(increment_once(&n.a), RC_OK);
	cr_assert_geq(counter_of(&n.a), happened + 1);
	cr_assert_leq(counter_of(&n.a), happened + 1 + unknown);
	cr_assert_gt(happened, 100);
	close_nodes(&n);
}

static void *
hold_table(void *arg)
{
	struct nodes *n = arg;
	PGconn *conn = PQconnectdb(n->a.conninfo);

	PQclear(PQexec(conn, "BEGIN; LOCK TABLE menedek_kv IN EXCLUSIVE MODE"));
	sleep(6); /* longer than a commit's patience */
	PQclear(PQexec(conn, "COMMIT"));
	PQfinish(conn);
	return NULL;
}

Test(pg_faults, a_commit_that_hangs_is_resolved_and_counts_once, .timeout = 60)
{
	pthread_t holder;
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	cr_assert_eq(increment_once(&n.a), RC_OK);
	cr_assert_eq(pthread_create(&holder, NULL, hold_table, &n), 0);
	usleep(300000);
	cr_assert_eq(increment_once(&n.a), RC_OK);
	pthread_join(holder, NULL);
	sleep(1); /* for a straggler that should not be */
	cr_assert_eq(increment_once(&n.a), RC_OK);
	cr_assert_eq(counter_of(&n.a), 3);
	close_nodes(&n);
}

/* A server whose clock is an hour ahead throws away what the last one took just before it died. */
Test(pg_faults, no_row_of_a_batch_says_nothing_where_it_may_have_been_thrown_away, .timeout = 60)
{
	pthread_t holder;
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	cr_assert_eq(increment_once(&n.a), RC_OK);
	cr_assert_eq(pthread_create(&holder, NULL, hold_table, &n), 0);
	usleep(300000);
	postgres_run(n.a.conninfo, "UPDATE menedek_meta SET value = '999999999999' WHERE name = 'pruned'");
	cr_assert_eq(increment_once(&n.a), RC_UNKNOWN, "it guessed");
	pthread_join(holder, NULL);
	postgres_run(n.a.conninfo, "UPDATE menedek_meta SET value = '0' WHERE name = 'pruned'");
	cr_assert_eq(increment_once(&n.a), RC_OK);
	close_nodes(&n);
}

static void
name_sessions(const struct fixture *x, const char *name)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/db/postgresql", x->dir);
	cr_assert((file = fopen(path, "w")) != NULL);
	fprintf(file, "%s application_name=%s\n", x->conninfo, name);
	fclose(file);
}

static bool
becomes_zero(const struct fixture *x, const char *count)
{
	for (unsigned i = 0; i < 300; i++) {
		if (atoi(postgres_run(x->conninfo, count)) == 0)
			return true;
		usleep(100000);
	}
	return false;
}

/* Where no standby is left a beat waits, with its row, for as long as that takes, and the next ones for the
 * row; a server full of them lets no standby come back. */
Test(pg_faults, beats_that_were_given_up_leave_no_sessions_behind, .timeout = 180)
{
	PGconn *holder;
	struct pair p;

	NEEDS_SERVER();
	open_pair(&p);
	engine_postgresql.close(p.a);
	name_sessions(&p.nodes.a, "given_up");
	cr_assert_eq(open_engine(&p.nodes.a, &p.a), RC_OK);
	engine_postgresql.follow(p.a);
	holder = PQconnectdb(p.nodes.a.conninfo);
	PQclear(PQexec(holder, "BEGIN; UPDATE menedek_nodes SET at = at"));
	for (unsigned i = 0; i < 2; i++) {
		p.a->beat_at = p.a->retry_at = 0;
		engine_postgresql.follow(p.a);
		cr_assert_null(p.a->link.conn, "the beat was answered");
	}
	cr_expect(becomes_zero(
	    &p.nodes.a, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'given_up'"));
	PQclear(PQexec(holder, "COMMIT"));
	PQfinish(holder);
	close_pair(&p);
}

static enum rc
open_with(struct fixture *x, const char *options, struct fault *f)
{
	struct store *store = NULL;
	char path[200];
	FILE *file;
	enum rc rc;

	snprintf(path, sizeof(path), "%s/db/postgresql", x->dir);
	cr_assert((file = fopen(path, "w")) != NULL);
	fprintf(file, "%s%s\n", x->conninfo, options);
	fclose(file);
	rc = fixture_open_store(x, &store, f);
	store_close(store);
	return rc;
}

Test(pg_faults, a_server_that_does_not_wait_for_its_disk_is_refused, .timeout = 60)
{
	struct fault f = { 0 };
	struct fixture x;

	NEEDS_SERVER();
	fixture_open(&x, &engine_postgresql);
	store_close(x.store);
	x.store = NULL;
	/* a role that nobody else connects as meanwhile */
	postgres_run(x.conninfo, "CREATE ROLE hasty SUPERUSER LOGIN");
	postgres_run(x.conninfo, "ALTER ROLE hasty SET synchronous_commit = off");
	cr_assert_eq(open_with(&x, " user=hasty", &f), RC_UNAVAILABLE);
	cr_assert_str_eq(f.item[0].word, "synchronous_commit_off");
	postgres_run(x.conninfo, "ALTER ROLE hasty RESET synchronous_commit");
	fault_clear(&f);
	cr_assert_eq(open_with(&x, " user=hasty", &f), RC_OK);
	cr_assert_eq(open_with(&x, " nonsense", &f), RC_INVALID);
	/* which one is the primary is for the engine to say, not for libpq */
	fault_clear(&f);
	cr_assert_eq(open_with(&x, " target_session_attrs=standby", &f), RC_OK);
	postgres_run(x.conninfo, "DROP ROLE hasty");
	fixture_close(&x);
}

Test(pg_faults, a_primary_on_an_older_timeline_is_refused, .timeout = 60)
{
	struct fault f = { 0 };
	struct fixture x;

	NEEDS_SERVER();
	fixture_open(&x, &engine_postgresql);
	store_close(x.store);
	x.store = NULL;
	set_bookmark(&x, "registry 7 5:5:");
	cr_assert_eq(fixture_open_store(&x, &x.store, &f), RC_UNAVAILABLE);
	cr_assert_str_eq(f.item[0].word, "stale_primary");
	fixture_close(&x);
}

/* Each row leaves a copy that must not be gone on from. */
static void
forget_bookmark(struct fixture *x)
{
	set_bookmark(x, "");
}

static void
take_bookmark_of_another(struct fixture *x)
{
	set_bookmark(x, "another 1 999999:999999:");
}

static void
cut_copy(struct fixture *x)
{
	char path[160];

	fixture_path(x, "db/data.mdb", path);
	cr_assert_eq(truncate(path, 8192), 0);
}

static void
prune_everything(struct fixture *x)
{
	postgres_run(x->conninfo, "DELETE FROM menedek_changes");
	postgres_run(x->conninfo, "UPDATE menedek_meta SET value = '999999999' WHERE name = 'pruned'");
}

Test(pg_faults, a_copy_that_cannot_go_on_is_compared_with_the_database, .timeout = 60)
{
	static void (*const rows[])(
	    struct fixture *) = { forget_bookmark, take_bookmark_of_another, cut_copy, prune_everything };
	struct fault f = { 0 };
	struct nodes n;
	char text[64];

	NEEDS_SERVER();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		open_nodes(&n);
		put_text(&n.a, "ka", "stays");
		put_text(&n.a, "kb", "changes");
		put_text(&n.a, "kc", "goes");
		cr_assert_eq(increment_once(&n.a), RC_OK);
		store_close(n.a.store);
		put_text(&n.b, "kb", "changed");
		put_text(&n.b, "kd", "came");
		struct txn *t = begin(&n.b);
		struct key c = key_of("kc");
		cr_assert_eq(txn_delete(t, &c), RC_OK);
		cr_assert_eq(commit_now(t), RC_OK);
		rows[i](&n.a);
		cr_assert_eq(fixture_open_store(&n.a, &n.a.store, &f), RC_OK, "row %zu", i);
		cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_OK);
		cr_assert_eq(get_text(&n.a, "kb", text, NULL), RC_OK);
		cr_assert_str_eq(text, "changed");
		cr_assert_eq(get_text(&n.a, "kc", text, NULL), RC_NOT_FOUND);
		cr_assert_eq(get_text(&n.a, "kd", text, NULL), RC_OK);
		cr_assert_eq(increment_once(&n.a), RC_OK);
		cr_assert_eq(counter_of(&n.a), 2);
		close_nodes(&n);
	}
}

static atomic_bool is_cut_off;

static void *
cut_off(void *arg)
{
	const char *conninfo = arg;

	/* nobody may come in, and who is in is thrown out */
	while (atomic_load(&is_cut_off)) {
		postgres_run(conninfo,
		    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'node'");
		usleep(200000);
	}
	return NULL;
}

Test(pg_faults, a_node_that_was_cut_off_says_so_and_comes_back, .timeout = 120)
{
	struct nodes n;
	pthread_t cutter;
	struct fault f = { 0 };
	char path[200];
	FILE *file;
	bool was_behind = false;

	NEEDS_SERVER();
	open_nodes(&n);
	put_text(&n.a, "ka", "one");
	store_close(n.b.store);
	postgres_run(n.a.conninfo,
	    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'node') THEN "
	    "CREATE ROLE node SUPERUSER LOGIN; END IF; END $$");
	postgres_run(n.a.conninfo, "ALTER ROLE node LOGIN");
	snprintf(path, sizeof(path), "%s/db/postgresql", n.b.dir);
	cr_assert((file = fopen(path, "w")) != NULL);
	fprintf(file, "%s user=node\n", n.a.conninfo);
	fclose(file);
	cr_assert_eq(fixture_open_store(&n.b, &n.b.store, &f), RC_OK);
	store_follow(n.b.store);
	cr_assert(sees(&n.b, "ka", "one"));
	postgres_run(n.a.conninfo, "ALTER ROLE node NOLOGIN");
	atomic_store(&is_cut_off, true);
	cr_assert_eq(pthread_create(&cutter, NULL, cut_off, n.a.conninfo), 0);
	for (unsigned i = 0; i < 300 && !was_behind; i++) {
		usleep(100000);
		was_behind = !store_answers(n.b.store);
	}
	atomic_store(&is_cut_off, false);
	pthread_join(cutter, NULL);
	cr_assert(was_behind);
	cr_assert(store_answers(n.a.store));
	put_text(&n.a, "ka", "two");
	postgres_run(n.a.conninfo, "ALTER ROLE node LOGIN");
	for (unsigned i = 0; i < 300 && !store_answers(n.b.store); i++)
		usleep(100000);
	cr_assert(sees(&n.b, "ka", "two"));
	close_nodes(&n);
}
