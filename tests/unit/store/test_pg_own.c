/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node knows of its own batch and does not ask for: which keys are there already, and the values that
 * it has just written.  Wherever it is wrong about them the server must say so, and nothing may be lost.
 */
#include "base/clock.h"
#include "nodes.h"

/* Its copy has no such key: it inserts, and the other's stands there. */
Test(pg_own, what_another_has_put_meanwhile_is_overwritten_and_not_doubled, .timeout = 60)
{
	char text[64];
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n); /* nobody follows */
	put_text(&n.a, "ka", "one");
	put_text(&n.b, "ka", "two");
	cr_assert_eq(get_text(&n.b, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "two");
	put_text(&n.a, "kb", "look");
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "two");
	close_nodes(&n);
}

static void
delete_now(struct fixture *x, const char *key)
{
	const struct key k = key_of(key);
	struct txn *t = begin(x);

	cr_assert_eq(txn_delete(t, &k), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
}

/* Its copy has the key: it updates, and there is nothing. */
Test(pg_own, what_another_has_deleted_meanwhile_is_put_all_the_same, .timeout = 60)
{
	char text[64];
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	put_text(&n.a, "ka", "one");
	put_text(&n.b, "kb", "look");
	cr_assert_eq(get_text(&n.b, "ka", text, NULL), RC_OK);
	delete_now(&n.a, "ka");
	put_text(&n.b, "ka", "two");
	cr_assert_eq(get_text(&n.b, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "two");
	put_text(&n.a, "kc", "look");
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "two");
	close_nodes(&n);
}

/* Both found it absent, and put it there because of that: one of them must run anew. */
Test(pg_own, of_two_that_found_a_key_absent_one_is_told_to_look_again, .timeout = 60)
{
	const struct key a = key_of("ka");
	struct bytes value;
	struct nodes n;
	struct txn *t;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n);
	t = begin(&n.b);
	cr_assert_eq(txn_get(t, &a, &value), RC_NOT_FOUND);
	put_text(&n.a, "ka", "one");
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, bytes_str("two")), RC_OK);
	cr_assert_eq(commit_now(t), RC_CONFLICT);
	cr_assert_eq(get_text(&n.b, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "one");
	close_nodes(&n);
}

/* What comes back would be what the server has made of it, under a revision of its own. */
Test(pg_own, a_node_is_not_sent_its_own_values, .timeout = 60)
{
	struct nodes n;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n);
	postgres_run(n.a.conninfo,
	    "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
	    "'BEGIN new.v := ''spoilt''; new.ver := new.ver + 1; RETURN new; END';"
	    "CREATE TRIGGER spoil BEFORE INSERT ON menedek_kv FOR EACH ROW EXECUTE FUNCTION spoil()");
	put_text(&n.a, "ka", "one");
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "one");
	put_text(&n.b, "kb", "look");
	cr_assert_eq(get_text(&n.b, "ka", text, NULL), RC_CORRUPT);
	close_nodes(&n);
}

static void *
put_late(void *arg)
{
	put_text(arg, "ka", "mine");
	return NULL;
}

/* Does somebody wait for a lock that pg_stat_activity calls ${event}? */
static bool
waits_for(PGconn *conn, const char *event)
{
	PGresult *res = PQexecParams(conn,
	    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = $1"
	    " AND application_name = current_setting('application_name')",
	    1, NULL, &event, NULL, NULL, 0);
	const bool does = PQntuples(res) > 0;

	PQclear(res);
	return does;
}

/*
 * Between a commit and its look another deletes what was committed: the look's word is the last.  The other
 * stands in the queue for a table that both read while the commit is held up, so it has it before the look.
 */
Test(pg_own, what_another_does_to_it_before_the_look_is_seen, .timeout = 60)
{
	struct told told = { .lock = PTHREAD_MUTEX_INITIALIZER };
	int64_t start;
	struct nodes n;
	pthread_t writer;
	PGconn *gate, *other;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n);
	put_text(&n.b, "kb", "somebody else");
	put_text(&n.a, "kc", "so that a look travels with what follows");
	store_watch(n.a.store, count_told, &told);
	gate = PQconnectdb(n.a.conninfo);
	other = PQconnectdb(n.a.conninfo);
	PQclear(PQexec(gate,
	    "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
	    "'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN new; END';"
	    "CREATE TRIGGER wait BEFORE INSERT ON menedek_kv FOR EACH ROW EXECUTE FUNCTION wait();"
	    "SELECT pg_advisory_lock(4711)"));
	start = clock_mono_ms();
	cr_assert_eq(pthread_create(&writer, NULL, put_late, &n.a), 0);
	while (!waits_for(gate, "advisory"))
		usleep(1000);
	cr_assert_eq(PQsendQuery(other, "BEGIN; LOCK TABLE menedek_meta IN ACCESS EXCLUSIVE MODE"), 1);
	while (!waits_for(gate, "relation"))
		usleep(1000);
	PQclear(PQexec(gate, "SELECT pg_advisory_unlock(4711)"));
	while (PQgetResult(other) != NULL)
		continue;
	PQclear(PQexec(other,
	    "DELETE FROM menedek_kv WHERE k = 'ka';"
	    "INSERT INTO menedek_changes (xid, id, keys) VALUES "
	    "(pg_current_xact_id()::text::bigint, 'other', '{ka}'); COMMIT"));
	PQfinish(other);
	PQfinish(gate);
	pthread_join(writer, NULL);
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_NOT_FOUND);
	/* its own, then that it is gone; on a machine that stood still the look was given up */
	cr_assert(told.changes == 2 || clock_mono_ms() - start > 3000, "told of %u", told.changes);
	close_nodes(&n);
}

/* The server takes the statement and refuses the commit: the error comes after the row. */
Test(pg_own, what_fails_as_it_is_committed_did_not_happen, .timeout = 60)
{
	const struct key a = key_of("ka");
	struct nodes n;
	struct txn *t;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n);
	postgres_run(n.a.conninfo,
	    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
	    "'BEGIN RAISE EXCEPTION ''not now'' USING ERRCODE = ''53100''; END';"
	    "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON menedek_kv DEFERRABLE INITIALLY DEFERRED "
	    "FOR EACH ROW EXECUTE FUNCTION refuse()");
	t = begin(&n.a);
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, bytes_str("one")), RC_OK);
	cr_assert_eq(commit_now(t), RC_UNAVAILABLE);
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_NOT_FOUND);
	postgres_run(n.a.conninfo, "DROP TRIGGER refuse ON menedek_kv");
	put_text(&n.a, "kb", "goes on");
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_NOT_FOUND);
	cr_assert_eq(get_text(&n.a, "kb", text, NULL), RC_OK);
	close_nodes(&n);
}

/* Else two that read what the other writes could both be right about what stood there before. */
Test(pg_own, what_is_written_is_written_serializably, .timeout = 60)
{
	struct nodes n;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n);
	postgres_run(n.a.conninfo,
	    "CREATE FUNCTION check_level() RETURNS trigger LANGUAGE plpgsql AS "
	    "'BEGIN IF current_setting(''transaction_isolation'') <> ''serializable'' THEN "
	    "RAISE EXCEPTION ''no''; END IF; RETURN new; END';"
	    "CREATE TRIGGER check_level BEFORE INSERT OR UPDATE ON menedek_kv FOR EACH ROW EXECUTE FUNCTION "
	    "check_level()");
	put_text(&n.a, "ka", "one");
	put_text(&n.a, "ka", "two");
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "two");
	close_nodes(&n);
}

/* A copy that is wrong about what it updates, and no change tells it: the database says so, and it learns. */
Test(pg_own, what_is_updated_is_what_the_copy_says_or_the_copy_is_compared, .timeout = 60)
{
	char text[64];
	struct nodes n;
	struct txn *t;
	const struct key a = key_of("ka");
	struct bytes value;

	NEEDS_SERVER();
	open_nodes(&n);
	put_text(&n.a, "ka", "one");
	t = begin(&n.a);
	cr_assert_eq(txn_get(t, &a, &value), RC_OK);
	postgres_run(n.a.conninfo, "DELETE FROM menedek_kv WHERE k = 'ka'");
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, bytes_str("two")), RC_OK);
	cr_assert_eq(commit_now(t), RC_CONFLICT);
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_NOT_FOUND);
	put_text(&n.a, "ka", "three");
	cr_assert_eq(get_text(&n.a, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "three");
	close_nodes(&n);
}
