/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node to which nobody else writes goes on without looking: its copy then equals a snapshot that the server
 * never took, what it has seen and its own batch upon it.  Whoever commits meanwhile may not be missed.
 */
#include <dlfcn.h>
#include <lmdb.h>

#include "nodes.h"
#include "store/pg_parts.h"

static atomic_uint stall_s; /* the disk of the copy says nothing for so long, once */

int
mdb_env_info(MDB_env *env, MDB_envinfo *info)
{
	const unsigned s = atomic_exchange(&stall_s, 0);

	if (s > 0)
		sleep(s);
	return ((__typeof__(&mdb_env_info))dlsym(RTLD_NEXT, "mdb_env_info"))(env, info);
}

/* ---- the snapshot that was never taken ---- */

static const struct {
	const char *text;
	uint64_t xid;
	const char *with; /* NULL: none */
} cases[] = {
	{ "10:10:", 10, "10:11:" },
	{ "7:10:7,9", 10, "7:11:7,9" },
	/* 10 and 11 began before it did, and are not seen */
	{ "10:10:", 12, "10:13:10,11" },
	{ "7:10:7,9", 12, "7:13:7,9,10,11" },
	{ "18446744073709:18446744073710:", 18446744073710, "18446744073709:18446744073711:" },
	/* a snapshot that was taken later, or none */
	{ "10:20:12", 15, NULL },
	{ "10", 15, NULL },
	{ "10:20", 25, NULL },
	{ "", 15, NULL },
	{ "10:20:", 20 + 1000, NULL },
};

Test(pg_alone, a_snapshot_and_one_transaction_more_make_a_snapshot)
{
	char out[PG_SNAPSHOT];

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const bool is_one = pg_snapshot_with(bytes_str(cases[i].text), cases[i].xid, out);

		cr_expect_eq(is_one, cases[i].with != NULL, "case %zu", i);
		if (is_one && cases[i].with != NULL)
			cr_expect_str_eq(out, cases[i].with);
	}
}

Test(pg_alone, one_that_is_too_long_is_none)
{
	char text[PG_SNAPSHOT + 1], out[PG_SNAPSHOT];

	memset(text, '1', sizeof(text));
	memcpy(text, "1:5:", 4);
	cr_expect_not(pg_snapshot_with((struct bytes){ (uint8_t *)text, PG_SNAPSHOT - 1 }, 6, out));
	cr_expect_not(pg_snapshot_with((struct bytes){ (uint8_t *)text, PG_SNAPSHOT }, 6, out));
}

/* ---- two nodes, of which one writes alone ---- */

static void *
put_held_up(void *arg)
{
	put_text(arg, "klate", "of the other");
	return NULL;
}

static bool
has_writer_that_waits(PGconn *conn)
{
	PGresult *res = PQexec(conn,
	    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory'"
	    " AND application_name = current_setting('application_name')");
	const bool has = PQntuples(res) > 0;

	PQclear(res);
	return has;
}

/* It has its number when the other writes, and commits after several batches of that one's. */
Test(pg_alone, who_commits_late_is_not_missed, .timeout = 60)
{
	struct nodes n;
	pthread_t writer;
	PGconn *gate;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n);
	gate = PQconnectdb(n.a.conninfo);
	PQclear(PQexec(gate,
	    "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
	    "'BEGIN IF new.k = ''klate'' THEN PERFORM pg_advisory_xact_lock(4712); END IF; RETURN new; END';"
	    "CREATE TRIGGER wait BEFORE INSERT ON menedek_kv FOR EACH ROW EXECUTE FUNCTION wait();"
	    "SELECT pg_advisory_lock(4712)"));
	cr_assert_eq(pthread_create(&writer, NULL, put_held_up, &n.b), 0);
	while (!has_writer_that_waits(gate))
		usleep(1000);
	for (unsigned i = 0; i < 5; i++)
		put_text(&n.a, "ka", "alone");
	cr_assert_eq(get_text(&n.a, "klate", text, NULL), RC_NOT_FOUND);
	PQclear(PQexec(gate, "SELECT pg_advisory_unlock(4712)"));
	PQfinish(gate);
	pthread_join(writer, NULL);
	put_text(&n.a, "ka", "not alone any more");
	cr_assert_eq(get_text(&n.a, "klate", text, NULL), RC_OK);
	cr_assert_str_eq(text, "of the other");
	close_nodes(&n);
}

/* What it has read the other has changed since: it never looked, and must not win all the same. */
Test(pg_alone, who_was_faster_is_found_out_at_the_commit, .timeout = 60)
{
	const struct key a = key_of("ka");
	struct bytes value;
	struct nodes n;
	struct txn *t;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n);
	put_text(&n.a, "ka", "one");
	put_text(&n.a, "kb", "alone");
	t = begin(&n.a);
	cr_assert_eq(txn_get(t, &a, &value), RC_OK);
	put_text(&n.b, "ka", "two");
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, bytes_str("three")), RC_OK);
	cr_assert_eq(commit_now(t), RC_CONFLICT);
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "two");
	close_nodes(&n);
}

/* It goes on from its own bookmark, which names that snapshot, and finds what came while it was away. */
Test(pg_alone, who_is_opened_again_goes_on_from_there, .timeout = 60)
{
	struct fault f = { 0 };
	struct nodes n;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n);
	for (unsigned i = 0; i < 3; i++)
		put_text(&n.a, "ka", "alone");
	store_close(n.a.store);
	put_text(&n.b, "kb", "meanwhile");
	cr_assert_eq(fixture_open_store(&n.a, &n.a.store, &f), RC_OK);
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_OK);
	cr_assert_eq(get_text(&n.a, "kb", text, NULL), RC_OK);
	cr_assert_str_eq(text, "meanwhile");
	close_nodes(&n);
}

/* ---- its own disk ---- */

static void
list_sessions(const struct fixture *x, char out[256])
{
	snprintf(out, 256, "%s",
	    postgres_run(x->conninfo,
		"SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity"
		" WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()"));
}

/* What came while this node's own disk stood still counts: else the session is given up, and whoever waits
 * for longer than a commit may take hears that nobody knows. */
Test(pg_alone, an_answer_that_came_while_the_copys_disk_stood_still_counts, .timeout = 60)
{
	char before[256], after[256];
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	put_text(&n.a, "ka", "one");
	list_sessions(&n.a, before);
	atomic_store(&stall_s, 5);
	put_text(&n.a, "ka", "two");
	cr_assert_eq(atomic_load(&stall_s), 0);
	list_sessions(&n.a, after);
	cr_expect_str_eq(before, after);
	close_nodes(&n);
}
