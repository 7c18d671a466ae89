/* SPDX-License-Identifier: Apache-2.0 */
/* What a server may look like after a bad night, and what a node makes of it: its copy outlives all of it. */
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "increment.h"
#include "nodes.h"

/* Run ${format}, in which %1$s stands for the schema. */
static const char *
run_in(const struct fixture *x, const char *format)
{
	char sql[2048];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(sql, sizeof(sql), format, postgres_schema(x->conninfo));
#pragma GCC diagnostic pop
	return postgres_run(postgres_server(), sql);
}

/* Open it anew, with ${path} after its schema. */
static void
reopen_with(struct fixture *x, const char *path)
{
	struct fault f = { 0 };
	char name[200];
	FILE *file;

	store_close(x->store);
	snprintf(name, sizeof(name), "%s/db/postgresql", x->dir);
	cr_assert((file = fopen(name, "w")) != NULL);
	fprintf(file, "%.*s%s'\n", (int)strlen(x->conninfo) - 1, x->conninfo, path);
	fclose(file);
	cr_assert_eq(fixture_open_store(x, &x->store, &f), RC_OK);
}

/* ---- a database that was lost and not put back yet ---- */

static const char empty_tables[] =
    "CREATE TABLE %1$s.menedek_kv (LIKE away_%1$s.menedek_kv INCLUDING ALL);"
    "CREATE TABLE %1$s.menedek_changes (LIKE away_%1$s.menedek_changes INCLUDING ALL);"
    "CREATE TABLE %1$s.menedek_nodes (LIKE away_%1$s.menedek_nodes INCLUDING ALL);"
    "CREATE TABLE %1$s.menedek_meta (LIKE away_%1$s.menedek_meta INCLUDING ALL)";

static const struct lost_row {
	const char *sql[2], *word;
} lost_rows[] = {
	{ { NULL, NULL }, "empty" },
	{ { empty_tables, "INSERT INTO %1$s.menedek_meta VALUES ('registry', 'made anew'), ('pruned', '0')" },
	    "empty" },
	{ { empty_tables, "INSERT INTO %1$s.menedek_kv SELECT * FROM away_%1$s.menedek_kv" },
	    "not_restored" },
	{ { empty_tables,
	      "INSERT INTO %1$s.menedek_meta SELECT name, value FROM away_%1$s.menedek_meta"
	      " UNION ALL VALUES ('loading', '1')" },
	    "loading" },
};

static void
lose_database(struct fixture *x, const struct lost_row *row)
{
	run_in(x, "ALTER SCHEMA %1$s RENAME TO away_%1$s");
	run_in(x, "CREATE SCHEMA %1$s");
	for (size_t i = 0; i < COUNT_OF(row->sql) && row->sql[i] != NULL; i++)
		run_in(x, row->sql[i]);
}

static void
put_back(struct fixture *x)
{
	run_in(x, "DROP SCHEMA %1$s CASCADE");
	run_in(x, "ALTER SCHEMA away_%1$s RENAME TO %1$s");
}

Test(pg_server, a_database_that_was_lost_does_not_empty_the_copies, .timeout = 60)
{
	struct fault f = { 0 };
	char text[64];

	NEEDS_SERVER();
	for (size_t i = 0; i < COUNT_OF(lost_rows); i++) {
		struct fixture x;

		fixture_open(&x, &engine_postgresql);
		reopen_with(&x, "");
		store_follow(x.store);
		put_text(&x, "ka", "stays");
		lose_database(&x, &lost_rows[i]);
		postgres_cut(x.conninfo);
		usleep(1500000); /* it connects again meanwhile, and again */
		cr_assert_eq(get_text(&x, "ka", text, NULL), RC_OK, "row %zu", i);
		store_close(x.store);
		x.store = NULL;
		fault_clear(&f);
		cr_assert_eq(fixture_open_store(&x, &x.store, &f), RC_UNAVAILABLE, "row %zu", i);
		cr_assert_str_eq(f.item[0].word, lost_rows[i].word);
		put_back(&x);
		fault_clear(&f);
		cr_assert_eq(fixture_open_store(&x, &x.store, &f), RC_OK);
		cr_assert_eq(get_text(&x, "ka", text, NULL), RC_OK);
		cr_assert_eq(increment_once(&x), RC_OK);
		fixture_close(&x);
	}
}

/* Both lost their power, and the database is not put back yet. */
Test(pg_server, a_hurt_copy_does_not_forget_that_there_was_a_registry, .timeout = 60)
{
	struct fault f = { 0 };
	char path[160], text[64];
	struct fixture x;

	NEEDS_SERVER();
	fixture_open(&x, &engine_postgresql);
	put_text(&x, "ka", "stays");
	store_close(x.store);
	x.store = NULL;
	fixture_path(&x, "db/data.mdb", path);
	cr_assert_eq(truncate(path, 8192), 0);
	lose_database(&x, &lost_rows[0]);
	for (unsigned i = 0; i < 2; i++) {
		fault_clear(&f);
		cr_assert_eq(fixture_open_store(&x, &x.store, &f), RC_UNAVAILABLE, "time %u", i);
		cr_assert_str_eq(f.item[0].word, "empty");
	}
	put_back(&x);
	fault_clear(&f);
	cr_assert_eq(fixture_open_store(&x, &x.store, &f), RC_OK);
	cr_assert_eq(get_text(&x, "ka", text, NULL), RC_OK);
	fixture_close(&x);
}

/* ---- a transaction that somebody left open ---- */

static void
log_into(const char *path)
{
	const int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	cr_assert(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	close(fd);
}

static unsigned
count_in(const char *path, const char *word)
{
	uint8_t *text;
	size_t len;
	unsigned n = 0;

	read_file(path, &text, &len);
	text[len] = '\0';
	for (const char *at = (char *)text; (at = strstr(at, word)) != NULL; at++)
		n++;
	free(text);
	return n;
}

Test(pg_server, a_transaction_left_open_does_not_make_every_look_a_comparison, .timeout = 60)
{
	static const char kept[] =
	    "SELECT count(*) FROM %1$s.menedek_changes WHERE at < now() - interval '1 hour'"
	    " AND xid >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
	static const char old_changes[] =
	    "SELECT count(*) FROM %1$s.menedek_changes WHERE at < now() - interval '1 hour'";
	struct nodes n;
	char log[160];
	PGconn *old;

	NEEDS_SERVER();
	open_nodes(&n);
	fixture_path(&n.a, "log", log);
	old = PQconnectdb(n.a.conninfo);
	PQclear(PQexec(old, "BEGIN; SELECT pg_current_xact_id()"));
	for (unsigned i = 0; i < 3; i++)
		put_text(&n.a, "ka", "long ago");
	run_in(&n.a, "UPDATE %1$s.menedek_changes SET at = now() - interval '2 hours'");
	store_follow(n.a.store); /* it throws away what is old at once */
	put_text(&n.b, "ka", "one");
	cr_assert(sees(&n.a, "ka", "one"));
	log_into(log);
	put_text(&n.b, "ka", "two");
	cr_assert(sees(&n.a, "ka", "two"));
	put_text(&n.a, "kb", "three");
	cr_assert_eq(count_in(log, "pg_compared"), 0);
	cr_assert_str_eq(run_in(&n.a, "SELECT count(*) > 2 FROM %1$s.menedek_changes"), "t");
	PQclear(PQexec(old, "ROLLBACK")); /* known to be over when the next look throws away what is old */
	PQfinish(old);
	store_close(n.b.store);
	n.b.store = NULL;
	/* it is thrown away once a minute, and not while another test's transaction is older */
	for (unsigned i = 0; i < 1000 && strcmp(run_in(&n.a, kept), "0") != 0; i++)
		usleep(10000);
	fixture_reopen(&n.a);
	store_follow(n.a.store);
	for (unsigned i = 0; i < 300 && strcmp(run_in(&n.a, old_changes), "0") != 0; i++)
		usleep(100000);
	cr_assert_str_eq(run_in(&n.a, old_changes), "0");
	cr_assert_str_neq(run_in(&n.a, "SELECT value FROM %1$s.menedek_meta WHERE name = 'pruned'"), "0");
	unlink(log);
	close_nodes(&n);
}

/* ---- a dump that was restored into fresh servers ---- */

/* Their numbers begin anew, far below those in the dump. */
Test(pg_server, a_database_from_a_dump_is_followed_and_no_revision_comes_back, .timeout = 60)
{
	uint64_t before, after;
	char log[160], copy[160], text[64];
	unsigned compared = UINT_MAX;
	struct fault f = { 0 };
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	put_text(&n.a, "ka", "in the dump");
	cr_assert_eq(get_text(&n.a, "ka", text, &before), RC_OK);
	store_close(n.a.store);
	store_close(n.b.store);
	n.a.store = n.b.store = NULL;
	run_in(&n.a, "UPDATE %1$s.menedek_meta SET value = '900000000000' WHERE name = 'pruned'");
	run_in(&n.a, "UPDATE %1$s.menedek_changes SET xid = xid + 900000000000");
	fixture_path(&n.a, "db/data.mdb", copy); /* as two people have accepted it */
	cr_assert_eq(unlink(copy), 0);
	cr_assert_eq(fixture_open_store(&n.a, &n.a.store, &f), RC_OK);
	cr_assert_eq(fixture_open_store(&n.b, &n.b.store, &f), RC_OK);
	store_follow(n.a.store);
	fixture_path(&n.a, "log", log);
	log_into(log);
	put_text(&n.b, "ka", "after it");
	cr_assert(sees(&n.a, "ka", "after it"));
	/* not while another test's transaction is older than what was thrown away */
	for (unsigned i = 0; i < 40 && compared != count_in(log, "pg_compared"); i++) {
		compared = count_in(log, "pg_compared");
		usleep(500000);
	}
	cr_assert_eq(count_in(log, "pg_compared"), compared, "every look is a comparison");
	cr_assert_eq(get_text(&n.a, "ka", text, &after), RC_OK);
	cr_assert_gt(after, before + (UINT64_C(1) << 50));
	unlink(log);
	close_nodes(&n);
}

/* ---- a server that answers strangely or not at all ---- */

/* A function of the server is answered by one of ours, which does as the table "mood" says. */
static void
shadow(struct fixture *x, const char *function)
{
	run_in(x, "CREATE TABLE %1$s.mood AS SELECT false AS is_bad");
	run_in(x, function);
	reopen_with(x, ",pg_catalog");
}

static void *
get_better(void *arg)
{
	sleep(1);
	run_in(arg, "UPDATE %1$s.mood SET is_bad = false");
	return NULL;
}

static void
take_no_look(const char *function)
{
	pthread_t other;
	struct nodes n;
	char text[64];

	open_nodes(&n);
	shadow(&n.a, function);
	put_text(&n.b, "ka", "before");
	run_in(&n.a, "UPDATE %1$s.mood SET is_bad = true");
	cr_assert_eq(pthread_create(&other, NULL, get_better, &n.a), 0);
	put_text(&n.a, "kb", "own");
	cr_assert_eq(get_text(&n.a, "kb", text, NULL), RC_OK);
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_OK);
	pthread_join(other, NULL);
	close_nodes(&n);
}

/* As hundreds of transactions under way make it. */
Test(pg_server, a_look_that_took_nothing_is_none, .timeout = 60)
{
	NEEDS_SERVER();
	take_no_look(
	    "CREATE FUNCTION %1$s.pg_current_snapshot() RETURNS pg_snapshot LANGUAGE sql AS $$"
	    " SELECT CASE WHEN (SELECT is_bad FROM %1$s.mood) THEN (SELECT '1:2000000000:' ||"
	    " string_agg(i::text, ',') FROM generate_series(1000000000, 1000000700) AS i)::pg_snapshot"
	    " ELSE pg_catalog.pg_current_snapshot() END $$");
}

Test(pg_server, a_look_that_does_not_say_from_when_it_is_is_none, .timeout = 60)
{
	NEEDS_SERVER();
	take_no_look("CREATE FUNCTION %1$s.pg_current_snapshot() RETURNS pg_snapshot LANGUAGE sql AS $$"
		     " SELECT CASE WHEN (SELECT is_bad FROM %1$s.mood) THEN NULL"
		     " ELSE pg_catalog.pg_current_snapshot() END $$");
}

Test(pg_server, a_look_that_fails_half_way_loses_no_change, .timeout = 60)
{
	struct nodes n;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n);
	put_text(&n.b, "ka", "came");
	run_in(&n.a,
	    "INSERT INTO %1$s.menedek_changes (xid, id, keys) VALUES (pg_current_xact_id()::text::bigint,"
	    " 'x', ARRAY[repeat('k', 600)::bytea])");
	put_text(&n.a, "kb", "own");
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_OK);
	cr_assert_eq(get_text(&n.a, "kb", text, NULL), RC_OK);
	close_nodes(&n);
}

/* What a node does while the server is as ${bad} makes it: it must answer, whatever. */
static void
write_meanwhile(struct fixture *x)
{
	postgres_cut(x->conninfo);
	cr_assert_neq(increment_once(x), RC_OK);
}

Test(pg_server, a_table_that_somebody_holds_holds_nobody_who_connects, .timeout = 60)
{
	static const char waiting[] =
	    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND application_name = '%1$s'";
	char other[600];
	struct fixture x;
	PGconn *holder;

	NEEDS_SERVER();
	fixture_open(&x, &engine_postgresql);
	reopen_with(&x, "");
	snprintf(other, sizeof(other), "%s application_name=holder", x.conninfo);
	holder = PQconnectdb(other);
	PQclear(PQexec(holder, "BEGIN; LOCK TABLE menedek_kv IN EXCLUSIVE MODE"));
	write_meanwhile(&x);
	for (unsigned i = 0; i < 1500 && strcmp(run_in(&x, waiting), "0") != 0; i++)
		usleep(10000);
	cr_assert_str_eq(run_in(&x, waiting), "0");
	PQfinish(holder);
	cr_assert_eq(increment_once(&x), RC_OK);
	fixture_close(&x);
}

Test(pg_server, a_server_that_does_not_answer_is_left, .timeout = 60)
{
	struct fixture x;

	NEEDS_SERVER();
	fixture_open(&x, &engine_postgresql);
	shadow(&x,
	    "CREATE FUNCTION %1$s.current_setting(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN"
	    " IF (SELECT is_bad FROM %1$s.mood) THEN PERFORM pg_sleep(300); END IF;"
	    " RETURN pg_catalog.current_setting($1); END $$");
	run_in(&x, "UPDATE %1$s.mood SET is_bad = true");
	write_meanwhile(&x);
	run_in(&x, "UPDATE %1$s.mood SET is_bad = false");
	cr_assert_eq(increment_once(&x), RC_OK);
	postgres_cut(x.conninfo); /* the one that sleeps, too */
	fixture_close(&x);
}

/* A server that takes connections and never says a word; ${port} gets where. */
static int
mute_server(int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 16) == 0 &&
	    getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* Two mute servers stand before the sound one in the connection string of ${x}. */
static void
put_mutes_before(struct fixture *x, const int port[2])
{
	const char *rest = x->conninfo + strlen("host=");
	const int len = (int)strcspn(rest, " ");
	char name[200];
	FILE *file;

	snprintf(name, sizeof(name), "%s/db/postgresql", x->dir);
	cr_assert((file = fopen(name, "w")) != NULL);
	fprintf(file, "host=127.0.0.1,127.0.0.1,%.*s port=%d,%d,5432%s sslmode=disable\n", len, rest, port[0],
	    port[1], rest + len);
	fclose(file);
}

/* One after the other they would cost two seconds each. */
Test(pg_server, servers_that_say_nothing_cost_no_time_while_one_answers, .timeout = 120)
{
	int64_t best = INT64_MAX;
	int fd[2], port[2];
	struct fixture x;

	NEEDS_SERVER();
	if (strncmp(postgres_server(), "host=/", 6) != 0 || strstr(postgres_server(), "port=") != NULL)
		cr_skip_test("the server is not on a socket of its own");
	for (unsigned i = 0; i < COUNT_OF(fd); i++)
		fd[i] = mute_server(&port[i]);
	fixture_open(&x, &engine_postgresql);
	put_text(&x, "ka", "stays");
	put_mutes_before(&x, port);
	for (unsigned i = 0; i < 3; i++) {
		struct fault f = { 0 };
		const int64_t start = clock_mono_ms();

		store_close(x.store);
		cr_assert_eq(fixture_open_store(&x, &x.store, &f), RC_OK);
		best = clock_mono_ms() - start < best ? clock_mono_ms() - start : best;
	}
	cr_assert_lt(best, 2000, "%lld ms", (long long)best);
	cr_assert_eq(increment_once(&x), RC_OK);
	for (unsigned i = 0; i < COUNT_OF(fd); i++)
		close(fd[i]);
	fixture_close(&x);
}

/* The leader's host is dead and silent, and who was asked at once took over a moment later. */
Test(pg_server, who_takes_over_is_found_while_another_is_silent, .timeout = 60)
{
	struct fault f = { 0 };
	int fd[2], port[2];
	pthread_t other;
	struct fixture x, shadowed;

	NEEDS_SERVER();
	if (strncmp(postgres_server(), "host=/", 6) != 0 || strstr(postgres_server(), "port=") != NULL)
		cr_skip_test("the server is not on a socket of its own");
	for (unsigned i = 0; i < COUNT_OF(fd); i++)
		fd[i] = mute_server(&port[i]);
	fixture_open(&x, &engine_postgresql);
	shadow(&x,
	    "CREATE FUNCTION %1$s.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS"
	    " 'SELECT is_bad FROM %1$s.mood'");
	run_in(&x, "UPDATE %1$s.mood SET is_bad = true");
	store_close(x.store);
	x.store = NULL;
	shadowed = x;
	(void)snprintf(strrchr(shadowed.conninfo, '\''), 16, ",pg_catalog'");
	put_mutes_before(&shadowed, port);
	cr_assert_eq(pthread_create(&other, NULL, get_better, &x), 0);
	cr_assert_eq(fixture_open_store(&x, &x.store, &f), RC_OK, "it was asked once");
	pthread_join(other, NULL);
	for (unsigned i = 0; i < COUNT_OF(fd); i++)
		close(fd[i]);
	fixture_close(&x);
}

/* ---- load without a pause ---- */

struct load {
	pthread_t thread;
	struct fixture x; /* the test's, with an arena of its own */
	char key[24];
	atomic_bool *is_over;
};

static void *
put_on_and_on(void *arg)
{
	struct load *load = arg;

	while (!atomic_load(load->is_over)) {
		put_text(&load->x, load->key, "again");
		arena_rewind(load->x.arena, 0);
	}
	return NULL;
}

Test(pg_server, a_node_that_is_always_busy_is_seen, .timeout = 90)
{
	struct load all[12];
	atomic_bool is_over = false;
	struct fixture x;
	bool is_seen = false;

	NEEDS_SERVER();
	fixture_open(&x, &engine_postgresql);
	store_follow(x.store);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		all[i] = (struct load){ .x = x, .is_over = &is_over };
		snprintf(all[i].key, sizeof(all[i].key), "k%zu", i);
		cr_assert((all[i].x.arena = arena_new(1u << 20)) != NULL);
		cr_assert_eq(pthread_create(&all[i].thread, NULL, put_on_and_on, &all[i]), 0);
	}
	sleep(1);
	run_in(&x, "DELETE FROM %1$s.menedek_nodes");
	for (unsigned i = 0; i < 200 && !is_seen; i++) {
		usleep(100000);
		is_seen = strcmp(run_in(&x, "SELECT count(*) FROM %1$s.menedek_nodes"), "0") != 0;
	}
	atomic_store(&is_over, true);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		pthread_join(all[i].thread, NULL);
		arena_free(all[i].x.arena);
	}
	cr_assert(is_seen);
	fixture_close(&x);
}

Test(pg_server, tables_of_a_release_without_clocks_get_them, .timeout = 60)
{
	struct fixture x;
	bool is_seen = false;

	NEEDS_SERVER();
	fixture_open(&x, &engine_postgresql);
	put_text(&x, "ka", "older");
	run_in(&x, "ALTER TABLE %1$s.menedek_nodes DROP COLUMN clock");
	fixture_reopen(&x);
	store_follow(x.store);
	for (unsigned i = 0; i < 300 && !is_seen; i++) {
		usleep(100000);
		is_seen =
		    strcmp(run_in(&x, "SELECT count(*) FROM %1$s.menedek_nodes WHERE clock > 0"), "0") != 0;
	}
	cr_assert(is_seen);
	cr_assert(sees(&x, "ka", "older"));
	fixture_close(&x);
}
