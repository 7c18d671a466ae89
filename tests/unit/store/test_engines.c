/* SPDX-License-Identifier: Apache-2.0 */
/* What every engine must do, said once and run on each of them. */
#include "each_engine.h"
#include "increment.h"

static bool
collect(void *arg, const struct key *key, struct bytes value, uint64_t rev UNUSED)
{
	char *out = arg;

	snprintf(out + strlen(out), 256 - strlen(out), "%.*s=%.*s ", (int)key->len, (const char *)key->b,
	    (int)value.len, (const char *)value.p);
	return true;
}

static const char *
scan_text(struct txn *t, const char *prefix, const char *from, char out[256])
{
	struct key p = key_of(prefix), f = key_of(from == NULL ? prefix : from);

	out[0] = '\0';
	cr_assert_eq(txn_scan(t, &p, from == NULL ? NULL : &f, collect, out), RC_OK);
	return out;
}

ON_EACH_ENGINE(a_value_comes_back_as_it_was_put)
{
	char text[64];
	uint64_t rev;

	cr_assert_eq(get_text(x, "ka", text, &rev), RC_NOT_FOUND);
	cr_assert_eq(rev, 0);
	put_text(x, "ka", "first");
	cr_assert_eq(get_text(x, "ka", text, &rev), RC_OK);
	cr_assert_str_eq(text, "first");
	cr_assert_gt(rev, 0);
}

ON_EACH_ENGINE(an_empty_and_a_largest_value_come_back)
{
	static uint8_t large[LIMIT_VALUE];
	struct key a = key_of("ka"), b = key_of("kb");
	struct txn *t = begin(x);
	struct bytes value;

	memset(large, 'x', sizeof(large));
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, (struct bytes){ NULL, 0 }), RC_OK);
	cr_assert_eq(txn_put(t, &b, KEY_RECORD, BYTES_OF(large)), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	t = begin(x);
	cr_assert_eq(txn_get(t, &a, &value), RC_OK);
	cr_assert_eq(value.len, 0);
	cr_assert_eq(txn_get(t, &b, &value), RC_OK);
	cr_assert(bytes_equal(value, BYTES_OF(large)));
	txn_end(t);
}

ON_EACH_ENGINE(a_revision_is_never_given_twice_to_a_key)
{
	struct key k = key_of("ka");
	uint64_t rev[3];
	char text[64];
	struct txn *t;

	put_text(x, "ka", "one");
	cr_assert_eq(get_text(x, "ka", text, &rev[0]), RC_OK);
	t = begin(x);
	cr_assert_eq(txn_delete(t, &k), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	cr_assert_eq(get_text(x, "ka", text, &rev[1]), RC_NOT_FOUND);
	put_text(x, "ka", "one");
	cr_assert_eq(get_text(x, "ka", text, &rev[2]), RC_OK);
	cr_assert_eq(rev[1], 0);
	cr_assert_gt(rev[2], rev[0]);
}

ON_EACH_ENGINE(a_snapshot_does_not_see_later_commits)
{
	struct key a = key_of("ka"), b = key_of("kb");
	struct txn *old;
	struct bytes value;
	char list[256];

	put_text(x, "ka", "old");
	old = begin(x);
	put_text(x, "ka", "new");
	put_text(x, "kb", "added");
	cr_assert_eq(txn_get(old, &a, &value), RC_OK);
	cr_assert(bytes_equal(value, bytes_str("old")));
	cr_assert_eq(txn_get(old, &b, &value), RC_NOT_FOUND);
	cr_assert_str_eq(scan_text(old, "k", NULL, list), "ka=old ");
	cr_assert_eq(txn_restart(old), RC_OK);
	cr_assert_str_eq(scan_text(old, "k", NULL, list), "ka=new kb=added ");
	txn_end(old);
}

ON_EACH_ENGINE(a_changed_read_is_a_conflict_and_writes_nothing)
{
	static const uint8_t leaf[LOG_LEAF] = { 7 };
	struct key a = key_of("ka"), b = key_of("kb"), c = key_of("kc");
	struct log_head head;
	struct bytes value;
	struct txn *t;
	char text[64];

	put_text(x, "ka", "one");
	put_text(x, "kc", "stays");
	t = begin(x);
	cr_assert_eq(txn_get(t, &a, &value), RC_OK);
	cr_assert_eq(txn_put(t, &b, KEY_RECORD, bytes_str("never")), RC_OK);
	cr_assert_eq(txn_delete(t, &c), RC_OK);
	cr_assert_eq(txn_append(t, LOG_AUDIT, leaf, KEY_AUDIT, bytes_str("never")), RC_OK);
	put_text(x, "ka", "two");
	cr_assert_eq(commit_now(t), RC_CONFLICT);
	cr_assert_eq(get_text(x, "kb", text, NULL), RC_NOT_FOUND);
	cr_assert_eq(get_text(x, "kc", text, NULL), RC_OK);
	t = begin(x);
	cr_assert_eq(txn_log_head(t, LOG_AUDIT, &head), RC_OK);
	cr_assert_eq(head.count, 0);
	txn_end(t);
}

ON_EACH_ENGINE(a_key_that_appeared_or_was_made_again_is_a_conflict)
{
	struct key a = key_of("ka"), b = key_of("kb");
	struct bytes value;
	struct txn *t = begin(x);

	cr_assert_eq(txn_get(t, &a, &value), RC_NOT_FOUND);
	cr_assert_eq(txn_put(t, &b, KEY_RECORD, bytes_str("1")), RC_OK);
	put_text(x, "ka", "same");
	cr_assert_eq(commit_now(t), RC_CONFLICT);

	t = begin(x);
	cr_assert_eq(txn_get(t, &a, &value), RC_OK);
	cr_assert_eq(txn_put(t, &b, KEY_RECORD, bytes_str("2")), RC_OK);
	struct txn *other = begin(x);
	cr_assert_eq(txn_delete(other, &a), RC_OK);
	cr_assert_eq(commit_now(other), RC_OK);
	put_text(x, "ka", "same");
	cr_assert_eq(commit_now(t), RC_CONFLICT);
}

ON_EACH_ENGINE(a_blind_write_and_an_unread_change_do_not_conflict)
{
	struct key a = key_of("ka"), b = key_of("kb");
	struct bytes value;
	struct txn *t = begin(x);
	char text[64];

	cr_assert_eq(txn_peek(t, &a, &value), RC_NOT_FOUND);
	cr_assert_eq(txn_put(t, &b, KEY_RECORD, bytes_str("mine")), RC_OK);
	put_text(x, "ka", "other");
	put_text(x, "kb", "theirs");
	cr_assert_eq(commit_now(t), RC_OK);
	cr_assert_eq(get_text(x, "kb", text, NULL), RC_OK);
	cr_assert_str_eq(text, "mine");
}

ON_EACH_ENGINE(a_scan_keeps_to_its_prefix_and_start)
{
	static const char *const keys[] = { "ja", "k", "ka", "kaa", "kab", "kb", "l" };
	struct txn *t;
	char list[256];

	for (size_t i = COUNT_OF(keys); i-- > 0;)
		put_text(x, keys[i], "v");
	t = begin(x);
	cr_assert_str_eq(scan_text(t, "k", NULL, list), "k=v ka=v kaa=v kab=v kb=v ");
	cr_assert_str_eq(scan_text(t, "ka", NULL, list), "ka=v kaa=v kab=v ");
	cr_assert_str_eq(scan_text(t, "k", "kaa", list), "kaa=v kab=v kb=v ");
	cr_assert_str_eq(scan_text(t, "k", "kaaa", list), "kab=v kb=v ");
	cr_assert_str_eq(scan_text(t, "kc", NULL, list), "");
	cr_assert_str_eq(scan_text(t, "z", NULL, list), "");
	txn_end(t);
}

ON_EACH_ENGINE(an_empty_prefix_walks_everything_but_the_heads)
{
	static const uint8_t leaf[LOG_LEAF] = { 7 };
	struct key nothing = { .len = 0 };
	struct txn *t = begin(x);
	char list[256] = "";

	cr_assert_eq(txn_append(t, LOG_EVENT, leaf, KEY_EVENT, bytes_str("")), RC_OK);
	cr_assert_eq(commit_now(t), RC_OK);
	put_text(x, "B", "v");
	put_text(x, "z", "v");
	t = begin(x);
	cr_assert_eq(txn_scan(t, &nothing, NULL, collect, list), RC_OK);
	cr_assert_str_eq(list + strlen(list) - 8, "B=v z=v ");
	txn_end(t);
}

static bool
stop_at_second(void *arg, const struct key *key UNUSED, struct bytes value UNUSED, uint64_t rev UNUSED)
{
	return ++*(unsigned *)arg < 2;
}

ON_EACH_ENGINE(a_scan_stops_when_told)
{
	struct key prefix = key_of("k");
	unsigned calls = 0;
	struct txn *t;

	put_text(x, "ka", "v");
	put_text(x, "kb", "v");
	put_text(x, "kc", "v");
	t = begin(x);
	cr_assert_eq(txn_scan(t, &prefix, NULL, stop_at_second, &calls), RC_OK);
	cr_assert_eq(calls, 2);
	txn_end(t);
}

/* Append ${n} entries in one transaction; returns the number of the first. */
static uint64_t
append_some(struct fixture *x, enum store_log log, unsigned n)
{
	struct txn *t = begin(x);
	uint8_t leaf[LOG_LEAF] = { 0 };
	uint64_t first;

	for (unsigned i = 0; i < n; i++) {
		leaf[0] = (uint8_t)i;
		leaf[1] = (uint8_t)log;
		cr_assert_eq(txn_append(t, log, leaf, KEY_AUDIT, bytes_str("entry")), RC_OK);
	}
	cr_assert_eq(commit_now(t), RC_OK);
	first = txn_append_number(t, 0);
	for (unsigned i = 0; i < n; i++)
		cr_assert_eq(txn_append_number(t, i), first + i);
	return first;
}

ON_EACH_ENGINE(appends_are_numbered_without_gaps_and_chained)
{
	struct log_head head, expected = { 0 };
	struct bytes value;
	struct txn *t;

	cr_assert_eq(append_some(x, LOG_AUDIT, 3), 1);
	cr_assert_eq(append_some(x, LOG_EVENT, 2), 1);
	cr_assert_eq(append_some(x, LOG_AUDIT, 2), 4);
	t = begin(x);
	for (uint64_t n = 1; n <= 5; n++) {
		struct key key = log_key(LOG_AUDIT, n);

		cr_assert_eq(txn_get(t, &key, &value), RC_OK);
		cr_assert_eq(value.len, LOG_LEAF + 5);
		cr_assert_eq(memcmp(value.p + LOG_LEAF, "entry", 5), 0);
		log_chain(expected.head, n, value.p);
	}
	cr_assert_eq(txn_log_head(t, LOG_AUDIT, &head), RC_OK);
	cr_assert_eq(head.count, 5);
	cr_assert_arr_eq(head.head, expected.head, 32);
	cr_assert_eq(txn_log_head(t, LOG_EVENT, &head), RC_OK);
	cr_assert_eq(head.count, 2);
	txn_end(t);
}

/* Commits that are submitted together land in one batch: the second one must see the first. */
ON_EACH_ENGINE(of_many_that_read_the_same_key_exactly_one_commits)
{
	enum { MANY = 20 };
	static struct waiter waiters[MANY];
	struct key a = key_of("ka");
	struct txn *t[MANY];
	struct bytes value;
	unsigned won = 0;

	for (int i = 0; i < MANY; i++) {
		t[i] = begin(x);
		cr_assert_eq(txn_get(t[i], &a, &value), RC_NOT_FOUND);
		cr_assert_eq(txn_put(t[i], &a, KEY_RECORD, bytes_str("won")), RC_OK);
	}
	for (int i = 0; i < MANY; i++) {
		waiters[i] =
		    (struct waiter){ .lock = PTHREAD_MUTEX_INITIALIZER, .is_told = PTHREAD_COND_INITIALIZER };
		txn_commit(t[i], waiter_wake, &waiters[i]);
	}
	for (int i = 0; i < MANY; i++) {
		pthread_mutex_lock(&waiters[i].lock);
		while (!waiters[i].is_done)
			pthread_cond_wait(&waiters[i].is_told, &waiters[i].lock);
		pthread_mutex_unlock(&waiters[i].lock);
		cr_assert(waiters[i].rc == RC_OK || waiters[i].rc == RC_CONFLICT);
		won += waiters[i].rc == RC_OK;
	}
	cr_assert_eq(won, 1);
}

#define THREADS    8
#define INCREMENTS 50

ON_EACH_ENGINE(no_increment_of_eight_threads_is_lost)
{
	struct incrementer all[THREADS];
	struct store_stats stats;

	for (int i = 0; i < THREADS; i++)
		all[i] = (struct incrementer){ .store = x->store, .times = INCREMENTS };
	increment_together(all, COUNT_OF(all));
	cr_assert_eq(counter_of(x), THREADS * INCREMENTS);
	store_stats(x->store, &stats);
	cr_assert_eq(stats.commits, THREADS * INCREMENTS);
	cr_assert_eq(stats.failed, 0);
	cr_assert_not(stats.is_broken);
}

/* What a watcher has seen, and how many submitters had their answer by then. */
struct seen {
	pthread_mutex_t lock;
	uint64_t last_rev;
	unsigned changes, answers_before_change;
	bool is_ordered;
	struct store *store;
	char text[64];
};

static void
watch(void *arg, const struct change *changes, size_t count)
{
	struct seen *s = arg;
	struct arena *arena = arena_new(1u << 20);
	struct bytes plain;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < count; i++) {
		s->is_ordered = s->is_ordered && changes[i].rev >= s->last_rev;
		s->last_rev = changes[i].rev;
		s->changes++;
		if (changes[i].is_delete)
			continue;
		cr_assert_eq(
		    store_unseal(s->store, &changes[i].key, changes[i].sealed, arena, &plain), RC_OK);
		snprintf(s->text, sizeof(s->text), "%.*s", (int)plain.len, (const char *)plain.p);
	}
	pthread_mutex_unlock(&s->lock);
	arena_free(arena);
}

ON_EACH_ENGINE(a_watcher_sees_every_change_in_order_before_its_submitter)
{
	struct seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER, .is_ordered = true, .store = x->store };
	char text[16];

	store_watch(x->store, watch, &seen);
	for (unsigned i = 1; i <= 50; i++) {
		snprintf(text, sizeof(text), "v%u", i);
		put_text(x, "ka", text);
		pthread_mutex_lock(
		    &seen.lock); /* the submitter has its answer: the watcher must have been told */
		cr_assert_eq(seen.changes, i);
		cr_assert_str_eq(seen.text, text);
		pthread_mutex_unlock(&seen.lock);
	}
	cr_assert(seen.is_ordered);
}

static void
watch_append(void *arg, const struct change *changes, size_t count)
{
	struct change *last = arg;

	*last = changes[count - 1];
}

ON_EACH_ENGINE(a_watcher_is_told_the_number_of_an_append)
{
	struct change last = { 0 };
	struct key expected = log_key(LOG_EVENT, 2);

	store_watch(x->store, watch_append, &last);
	append_some(x, LOG_EVENT, 2);
	cr_assert(last.is_append);
	cr_assert_eq(key_compare(&last.key, &expected), 0);
}

static void
count_changes(void *arg, const struct change *changes UNUSED, size_t count)
{
	*(unsigned *)arg += (unsigned)count;
}

ON_EACH_ENGINE(a_watcher_does_not_see_what_lost_a_race)
{
	struct key a = key_of("ka");
	struct bytes value;
	unsigned told = 0;
	struct txn *t;

	store_watch(x->store, count_changes, &told);
	t = begin(x);
	cr_assert_eq(txn_get(t, &a, &value), RC_NOT_FOUND);
	cr_assert_eq(txn_put(t, &a, KEY_RECORD, bytes_str("lost")), RC_OK);
	put_text(x, "ka", "won");
	cr_assert_eq(commit_now(t), RC_CONFLICT);
	cr_assert_eq(told, 1);
}
