/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only an engine shared by several nodes can get wrong: what others commit, late commits, increments of
 * two nodes.  Its failures, moving in and out and the shared ring have files of their own beside it.
 */
#include "increment.h"
#include "nodes.h"

Test(pg, what_one_node_commits_the_other_sees, .timeout = 60)
{
	struct nodes n;

	NEEDS_SERVER();
	open_nodes(&n);
	store_follow(n.b.store);
	put_text(&n.a, "ka", "one");
	cr_assert(sees(&n.b, "ka", "one"));
	put_text(&n.a, "ka", "two");
	cr_assert(sees(&n.b, "ka", "two"));
	close_nodes(&n);
}

static enum rc
append_one(struct txn *t, void *arg UNUSED)
{
	static const uint8_t leaf[LOG_LEAF] = { 3 };

	return txn_append(t, LOG_AUDIT, leaf, KEY_AUDIT, bytes_str("entry"));
}

Test(pg, a_watcher_is_told_once_of_what_both_nodes_commit, .timeout = 60)
{
	struct told told = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct log_head head;
	struct nodes n;
	struct txn *t;
	char key[8];

	NEEDS_SERVER();
	open_nodes(&n);
	store_watch(n.b.store, count_told, &told);
	store_follow(n.b.store);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		put_text(i % 2 ? &n.a : &n.b, key, "v");
		cr_assert_eq(store_update(i % 2 ? n.a.store : n.b.store, n.a.arena, append_one, NULL), RC_OK);
	}
	cr_assert(sees(&n.b, "k19", "v"));
	put_text(&n.b, "ka", "last");
	t = begin(&n.b);
	cr_assert_eq(txn_log_head(t, LOG_AUDIT, &head), RC_OK);
	txn_end(t);
	cr_assert_eq(head.count, 20);
	pthread_mutex_lock(&told.lock);
	cr_assert_eq(told.appends, 20);
	cr_assert_eq(told.changes, 41);
	pthread_mutex_unlock(&told.lock);
	close_nodes(&n);
}

/* It took its number first and commits last: who looks for higher numbers only never finds it. */
Test(pg, a_transaction_that_commits_late_is_not_skipped, .timeout = 60)
{
	struct nodes n;
	PGconn *late;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n);
	store_follow(n.b.store);
	put_text(&n.a, "ka", "one");
	put_text(&n.a, "kz", "to be deleted late");
	cr_assert(sees(&n.b, "kz", "to be deleted late"));
	late = PQconnectdb(n.a.conninfo);
	PQclear(PQexec(late, "BEGIN"));
	PQclear(PQexec(late, "DELETE FROM menedek_kv WHERE k = 'kz'"));
	PQclear(PQexec(late,
	    "INSERT INTO menedek_changes (xid, id, keys) VALUES "
	    "(pg_current_xact_id()::text::bigint, 'late', '{kz}')"));
	for (unsigned i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "after %u", i);
		put_text(&n.a, "ka", text);
		cr_assert(sees(&n.b, "ka", text));
	}
	PQclear(PQexec(late, "COMMIT"));
	PQfinish(late);
	for (unsigned i = 0; i < 3000 && get_text(&n.b, "kz", text, NULL) != RC_NOT_FOUND; i++)
		usleep(10000);
	cr_assert_eq(get_text(&n.b, "kz", text, NULL), RC_NOT_FOUND);
	close_nodes(&n);
}

Test(pg, a_node_that_has_not_looked_yet_conflicts_and_learns, .timeout = 60)
{
	struct key a = key_of("ka"), b = key_of("kb");
	struct bytes value;
	struct nodes n;
	struct txn *t;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n); /* nobody follows */
	put_text(&n.a, "ka", "one");
	t = begin(&n.b);
	cr_assert_eq(txn_get(t, &a, &value), RC_NOT_FOUND);
	cr_assert_eq(txn_put(t, &b, KEY_RECORD, bytes_str("never")), RC_OK);
	cr_assert_eq(commit_now(t), RC_CONFLICT);
	cr_assert_eq(get_text(&n.b, "ka", text, NULL), RC_OK);
	cr_assert_str_eq(text, "one");
	cr_assert_eq(get_text(&n.a, "kb", text, NULL), RC_NOT_FOUND);
	close_nodes(&n);
}

#define THREADS    4
#define INCREMENTS 25

Test(pg, no_increment_of_two_nodes_is_lost, .timeout = 120)
{
	struct incrementer all[2 * THREADS];
	struct log_head head;
	struct nodes n;
	struct txn *t;

	NEEDS_SERVER();
	open_nodes(&n);
	store_follow(n.a.store);
	store_follow(n.b.store);
	for (int i = 0; i < 2 * THREADS; i++)
		all[i] = (struct incrementer){
			.store = i % 2 ? n.a.store : n.b.store, .times = INCREMENTS, .is_logged = true
		};
	increment_together(all, COUNT_OF(all));
	usleep(200000);
	put_text(&n.a, "ka", "look");
	cr_assert_eq(counter_of(&n.a), 2 * THREADS * INCREMENTS);
	t = begin(&n.a);
	cr_assert_eq(txn_log_head(t, LOG_EVENT, &head), RC_OK);
	cr_assert_eq(head.count, 2 * THREADS * INCREMENTS); /* one chain, without gaps */
	txn_end(t);
	close_nodes(&n);
}

/* ---- who reads what the other writes ---- */

struct skewed {
	struct txn *t;
	pthread_barrier_t *together;
	enum rc rc;
};

static void *
commit_together(void *arg)
{
	struct skewed *s = arg;

	(void)pthread_barrier_wait(s->together);
	s->rc = commit_now(s->t);
	return NULL;
}

/* Both found two free places, and each takes one because of that; neither writes what the other does. */
static void
take_one(struct fixture *x, const char *own, pthread_barrier_t *together, struct skewed *out)
{
	const struct key a = key_of("ka"), b = key_of("kb"), k = key_of(own);
	struct bytes value;

	*out = (struct skewed){ .t = begin(x), .together = together };
	cr_assert_eq(txn_get(out->t, &a, &value), RC_OK);
	cr_assert_eq(txn_get(out->t, &b, &value), RC_OK);
	cr_assert_eq(txn_put(out->t, &k, KEY_RECORD, bytes_str("taken")), RC_OK);
}

Test(pg, of_two_that_read_what_the_other_writes_one_runs_anew, .timeout = 120)
{
	pthread_barrier_t together;
	struct skewed by[2];
	struct nodes n;
	pthread_t other;
	char text[64];

	NEEDS_SERVER();
	open_nodes(&n);
	put_text(&n.a, "ka", "free");
	/* long enough that both have begun before one is done */
	postgres_run(n.a.conninfo,
	    "CREATE FUNCTION dwell() RETURNS trigger LANGUAGE plpgsql AS "
	    "'BEGIN PERFORM pg_sleep(0.1); RETURN new; END';"
	    "CREATE TRIGGER dwell BEFORE UPDATE ON menedek_kv FOR EACH ROW EXECUTE FUNCTION dwell()");
	cr_assert_eq(pthread_barrier_init(&together, NULL, 2), 0);
	for (unsigned i = 0; i < 5; i++) {
		put_text(&n.a, "kb", "free");
		put_text(&n.b, "kc", "look");
		cr_assert_eq(get_text(&n.b, "kb", text, NULL), RC_OK);
		cr_assert_str_eq(text, "free");
		take_one(&n.a, "ka", &together, &by[0]);
		take_one(&n.b, "kb", &together, &by[1]);
		cr_assert_eq(pthread_create(&other, NULL, commit_together, &by[1]), 0);
		(void)commit_together(&by[0]);
		pthread_join(other, NULL);
		cr_assert(by[0].rc == RC_OK || by[1].rc == RC_OK, "%d and %d", by[0].rc, by[1].rc);
		cr_assert(
		    by[0].rc == RC_CONFLICT || by[1].rc == RC_CONFLICT, "%d and %d", by[0].rc, by[1].rc);
	}
	(void)pthread_barrier_destroy(&together);
	close_nodes(&n);
}
