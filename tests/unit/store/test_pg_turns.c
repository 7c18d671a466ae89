/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that append at the same time meet at the heads of the logs: they take turns there, and no node stays
 * behind. */
#include <stdatomic.h>

#include "base/clock.h"
#include "nodes.h"
#include "store/pg_parts.h"

#define THREADS 24u
#define SPELL   4000  /* ms, */
#define MOST    25000 /* on a machine that stands still for most of it */
#define FEW     10    /* what a node that is stopped does not come to */

struct appender {
	struct store *store;
	atomic_ulong done, failed;
	atomic_bool *is_over;
	pthread_t threads[THREADS];
};

/* A key of its own each time: nothing but the heads is shared. */
static enum rc
append_own(struct txn *t, void *arg)
{
	static const uint8_t leaf[LOG_LEAF] = { 4 };
	const struct key *key = arg;
	enum rc rc = txn_put(t, key, KEY_RECORD, bytes_str("value"));

	if (rc == RC_OK)
		rc = txn_append(t, LOG_AUDIT, leaf, KEY_AUDIT, bytes_str("entry"));
	return rc == RC_OK ? txn_append(t, LOG_EVENT, leaf, KEY_EVENT, bytes_str("event")) : rc;
}

static void *
append_on(void *arg)
{
	struct arena *arena = arena_new(1u << 20);
	struct appender *a = arg;

	while (!atomic_load(a->is_over)) {
		const struct id id = id_new();
		struct key key = key_kind('k');

		key_add_bytes(&key, id.b, sizeof(id.b));
		atomic_fetch_add(
		    store_update(a->store, arena, append_own, &key) == RC_OK ? &a->done : &a->failed, 1);
		arena_rewind(arena, 0);
	}
	arena_free(arena);
	return NULL;
}

static void
begin_appending(struct appender *a, struct store *store, atomic_bool *is_over)
{
	a->store = store;
	a->is_over = is_over;
	for (unsigned i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&a->threads[i], NULL, append_on, a), 0);
}

static void
end_appending(struct appender *a)
{
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(a->threads[i], NULL);
}

static uint64_t
lock_of(struct nodes *n)
{
	return pg_turn_lock(
	    postgres_run(n->a.conninfo, "SELECT value FROM menedek_meta WHERE name = 'registry'"));
}

/* Condition by which pg_locks shows it. */
static void
turns_of(struct nodes *n, char out[160])
{
	const uint64_t h = lock_of(n);

	snprintf(out, 160, "locktype = 'advisory' AND classid::bigint = %llu AND objid::bigint = %llu",
	    (unsigned long long)(h >> 32), (unsigned long long)(h & 0xffffffffu));
}

static int
count_locks(struct nodes *n, const char *turns, const char *more)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_locks WHERE %s %s", turns, more);
	return atoi(postgres_run(n->a.conninfo, sql));
}

/* What a connection held that the engine has dropped, the server gives back a moment later. */
static bool
are_granted(struct nodes *n, const char *turns, int count)
{
	int found = -1;

	for (unsigned i = 0; i < 1000 && found != count; i++) {
		usleep(10000);
		found = count_locks(n, turns, "AND granted");
	}
	return found == count;
}

Test(pg_turns, nodes_that_append_all_the_time_get_on_alike_and_none_is_told_busy, .timeout = 90)
{
	atomic_bool is_over = false;
	struct appender a = { .store = NULL }, b = { .store = NULL };
	const int64_t begun = clock_mono_ms();
	unsigned long most, least;
	struct log_head head;
	char turns[160];
	struct nodes n;
	struct txn *t;

	NEEDS_SERVER();
	open_nodes(&n);
	store_follow(n.a.store);
	store_follow(n.b.store);
	begin_appending(&a, n.a.store, &is_over);
	begin_appending(&b, n.b.store, &is_over);
	do {
		usleep(SPELL * 1000);
		most = a.done > b.done ? a.done : b.done;
		least = a.done > b.done ? b.done : a.done;
	} while (least * 10 <= most && clock_mono_ms() - begun < MOST);
	atomic_store(&is_over, true);
	end_appending(&a);
	end_appending(&b);
	cr_assert_eq(a.failed + b.failed, 0, "%lu and %lu failed", a.failed, b.failed);
	cr_assert_gt(least * 10, most, /* without turns one does a hundredth */ "one node %lu, the other %lu",
	    least, most);
	cr_assert_eq(
	    store_update(n.a.store, n.a.arena, append_own, &(struct key){ .len = 1, .b = "k" }), RC_OK);
	t = begin(&n.a);
	cr_assert_eq(txn_log_head(t, LOG_AUDIT, &head), RC_OK);
	txn_end(t);
	cr_assert_eq(head.count, a.done + b.done + 1, "one chain, nothing lost");
	turns_of(&n, turns);
	cr_assert(are_granted(&n, turns, 0), "a turn was not given back");
	cr_assert_eq(count_locks(&n, turns, ""), 0);
	close_nodes(&n);
}

/* A node that was stopped in its turn, or whose machine is gone and its connection not yet. */
Test(pg_turns, one_that_keeps_its_turn_and_says_nothing_stops_nobody, .timeout = 90)
{
	atomic_bool is_over = false;
	struct appender a = { .store = NULL }, b = { .store = NULL };
	char turns[160], sql[256];
	const int64_t end = clock_mono_ms() + 30000;
	bool has_waited = false;
	struct nodes n;
	PGconn *mute;

	NEEDS_SERVER();
	open_nodes(&n);
	turns_of(&n, turns);
	mute = PQconnectdb(n.a.conninfo);
	snprintf(sql, sizeof(sql), "SELECT pg_advisory_lock(%llu)", (unsigned long long)lock_of(&n));
	PQclear(PQexec(mute, sql));
	cr_assert_eq(count_locks(&n, turns, "AND granted"), 1);
	begin_appending(&a, n.a.store, &is_over);
	begin_appending(&b, n.b.store, &is_over);
	while (clock_mono_ms() < end && !(has_waited && a.done > FEW && b.done > FEW)) {
		has_waited = has_waited || count_locks(&n, turns, "AND NOT granted") > 0;
		usleep(10000);
	}
	atomic_store(&is_over, true);
	end_appending(&a);
	end_appending(&b);
	cr_assert(has_waited, "nobody stood in the queue: no verdict");
	cr_assert_gt(a.done, FEW);
	cr_assert_gt(b.done, FEW);
	cr_assert(are_granted(&n, turns, 1), "only the mute one's");
	PQfinish(mute);
	close_nodes(&n);
}
