/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who writes alone commits on its own thread: when, what it finds done afterwards, and who goes on with what
 * came meanwhile.  The machine may be busy, so nothing here needs a batch to be quick at the first try.
 */
#include <stdatomic.h>

#include "fixture.h"

#define TRIES 5000u

/* An engine in memory that can be told to hold up a batch. */
static struct engine_ops ops;
static _Atomic unsigned slow_us;
static atomic_bool is_held, is_inside;

static void
apply(struct engine *e, struct commit *list)
{
	atomic_store(&is_inside, true);
	while (atomic_load(&is_held))
		usleep(100);
	if (atomic_load(&slow_us) > 0)
		usleep(atomic_load(&slow_us));
	atomic_store(&is_inside, false);
	engine_memory.apply(e, list);
}

static void
follow(struct engine *e)
{
	(void)e;
}

struct outcome {
	_Atomic int rc; /* -1: not done */
	pthread_t thread;
};

static void
note(void *arg, enum rc rc)
{
	struct outcome *o = arg;

	o->thread = pthread_self();
	atomic_store(&o->rc, (int)rc);
}

static struct txn *
writing(struct fixture *x, const char *name)
{
	struct txn *t = begin(x);
	const struct key key = key_of(name);

	cr_assert_eq(txn_put(t, &key, KEY_RECORD, bytes_str("v")), RC_OK);
	return t;
}

static void
wait_for(struct outcome *o)
{
	for (unsigned i = 0; i < 300000 && atomic_load(&o->rc) < 0; i++)
		usleep(100);
	cr_assert_eq(atomic_load(&o->rc), RC_OK);
}

/* One commit, waited for; was it done here? */
static bool
is_done_here(struct fixture *x)
{
	struct outcome o = { .rc = -1 };
	struct txn *t = writing(x, "kone");
	bool is_here;

	txn_commit_here(t, note, &o);
	is_here = atomic_load(&o.rc) >= 0 && pthread_equal(o.thread, pthread_self());
	wait_for(&o);
	txn_end(t);
	arena_rewind(x->arena, 0);
	return is_here;
}

static bool
comes_to_be_alone(struct fixture *x, unsigned tries)
{
	for (unsigned i = 0; i < tries; i++)
		if (is_done_here(x))
			return true;
	return false;
}

/* In memory where there is such a directory: who waits for a busy disk is not left to commit alone. */
static void
open_with(struct fixture *x, const struct engine_ops *engine)
{
	atomic_store(&slow_us, 0);
	atomic_store(&is_held, false);
	fixture_open_in(x, engine, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir);
}

struct seen {
	_Atomic unsigned changes;
	pthread_t thread;
};

static void
watch(void *arg, const struct change *changes, size_t count)
{
	struct seen *s = arg;

	(void)changes;
	s->thread = pthread_self();
	atomic_fetch_add(&s->changes, (unsigned)count);
}

static void
lone_writer(const struct engine_ops *engine)
{
	struct seen seen = { .changes = 0 };
	struct store_stats stats;
	struct fixture x;
	char text[64];
	uint64_t rev;

	open_with(&x, engine);
	store_watch(x.store, watch, &seen);
	cr_assert_not(is_done_here(&x), "the first is not known to be alone");
	cr_assert(comes_to_be_alone(&x, TRIES));
	cr_assert(pthread_equal(seen.thread, pthread_self()));
	store_stats(x.store, &stats);
	cr_assert_eq(stats.commits, atomic_load(&seen.changes), "told once each, before it is done");
	cr_assert_eq(stats.commits, stats.batches);
	cr_assert_eq(stats.waiting, 0);
	cr_assert_eq(get_text(&x, "kone", text, &rev), RC_OK);
	cr_assert_eq(rev, stats.commits);
	fixture_close(&x);
}

Test(lone, commits_on_its_own_thread_once_it_is_known_to_be_alone)
{
	lone_writer(&engine_memory);
	lone_writer(&engine_lmdb);
}

Test(lone, loses_to_a_change_that_came_between)
{
	const struct key key = key_of("kone");
	struct outcome o = { .rc = -1 };
	struct bytes value;
	struct fixture x;
	struct txn *t;

	open_with(&x, &engine_lmdb);
	cr_assert(comes_to_be_alone(&x, TRIES));
	t = begin(&x);
	cr_assert_eq(txn_get(t, &key, &value), RC_OK);
	cr_assert_eq(txn_put(t, &key, KEY_RECORD, bytes_str("late")), RC_OK);
	put_text(&x, "kone", "first");
	txn_commit_here(t, note, &o);
	for (unsigned i = 0; i < 300000 && atomic_load(&o.rc) < 0; i++)
		usleep(100);
	cr_assert_eq(atomic_load(&o.rc), RC_CONFLICT);
	txn_end(t);
	fixture_close(&x);
}

Test(lone, is_not_held_up_by_a_slow_disk)
{
	struct fixture x;

	ops = engine_memory;
	ops.apply = apply;
	open_with(&x, &ops);
	cr_assert(comes_to_be_alone(&x, TRIES));
	atomic_store(&slow_us, 3000);
	(void)is_done_here(&x); /* perhaps: it was quick so far */
	for (unsigned i = 0; i < 20; i++)
		cr_assert_not(is_done_here(&x));
	fixture_close(&x);
}

Test(lone, is_never_taken_for_one_where_other_nodes_write)
{
	struct fixture x;

	ops = engine_memory;
	ops.follow = follow;
	open_with(&x, &ops);
	cr_assert_not(comes_to_be_alone(&x, 200));
	fixture_close(&x);
}

struct second {
	struct outcome outcome;
	struct txn *txn;
};

/* While the first is inside the engine: one or two more come, and then it may go on. */
static void *
come_meanwhile(void *arg)
{
	struct second *s = arg;

	for (unsigned i = 0; i < 300000 && !atomic_load(&is_inside); i++)
		usleep(100);
	txn_commit_here(s[0].txn, note, &s[0].outcome);
	if (s[1].txn != NULL)
		txn_commit(s[1].txn, note, &s[1].outcome);
	atomic_store(&is_held, false);
	return NULL;
}

/* One writes, ${count} come meanwhile; was the first done here? */
static bool
meet(struct fixture *x, unsigned count)
{
	struct second more[2] = { 0 };
	struct outcome first = { .rc = -1 };
	struct txn *t;
	pthread_t other;
	bool is_here;

	for (unsigned i = 0; i < count; i++)
		more[i] =
		    (struct second){ .outcome = { .rc = -1 }, .txn = writing(x, i == 0 ? "ktwo" : "kthree") };
	t = writing(x, "kone");
	atomic_store(&is_held, true);
	cr_assert_eq(pthread_create(&other, NULL, come_meanwhile, more), 0);
	txn_commit_here(t, note, &first);
	wait_for(&first);
	is_here = pthread_equal(first.thread, pthread_self());
	for (unsigned i = 0; i < count; i++) {
		wait_for(&more[i].outcome);
		cr_assert_not(pthread_equal(more[i].outcome.thread, pthread_self()));
		cr_assert_not(pthread_equal(more[i].outcome.thread, other));
		txn_end(more[i].txn);
	}
	cr_assert_eq(pthread_join(other, NULL), 0);
	txn_end(t);
	return is_here;
}

static void
meets(unsigned count)
{
	struct fixture x;
	bool was_here = false;

	ops = engine_memory;
	ops.apply = apply;
	open_with(&x, &ops);
	for (unsigned i = 0; i < 50 && !was_here; i++) {
		cr_assert(comes_to_be_alone(&x, TRIES));
		was_here = meet(&x, count);
		arena_rewind(x.arena, 0);
	}
	cr_assert(was_here);
	cr_assert_not(is_done_here(&x), "it was not alone just now");
	fixture_close(&x);
}

Test(lone, leaves_what_came_meanwhile_to_the_committer)
{
	meets(1);
	meets(2);
}

enum { WRITERS = 4, EACH = 300 };

static enum rc
add_one(struct txn *t, void *arg)
{
	const struct key key = key_of("ksum");
	struct bytes value;
	uint64_t sum = 0;
	uint8_t text[8];
	enum rc rc = txn_get(t, &key, &value);

	(void)arg;
	if (rc == RC_OK)
		sum = get_u64(value.p);
	else if (rc != RC_NOT_FOUND)
		return rc;
	put_u64(text, sum + 1);
	return txn_put(t, &key, KEY_RECORD, BYTES_OF(text));
}

/* Runs until it holds, as the service does. */
static void *
add_many(void *arg)
{
	struct fixture *x = arg;
	struct arena *arena = arena_new(1u << 20);

	for (unsigned done = 0; done < EACH;) {
		struct outcome o = { .rc = -1 };
		struct txn *t;

		if (txn_begin(x->store, arena, &t) != RC_OK || add_one(t, NULL) != RC_OK)
			abort();
		txn_commit_here(t, note, &o);
		while (atomic_load(&o.rc) < 0)
			usleep(20);
		done += atomic_load(&o.rc) == RC_OK;
		txn_end(t);
		arena_rewind(arena, 0);
	}
	arena_free(arena);
	return NULL;
}

struct overlap {
	_Atomic unsigned now, most, changes;
};

static void
watch_overlap(void *arg, const struct change *changes, size_t count)
{
	struct overlap *o = arg;
	const unsigned now = atomic_fetch_add(&o->now, 1) + 1;

	(void)changes;
	if (now > atomic_load(&o->most))
		atomic_store(&o->most, now);
	atomic_fetch_add(&o->changes, (unsigned)count);
	atomic_fetch_sub(&o->now, 1);
}

Test(lone, many_who_each_think_so_lose_nothing)
{
	struct overlap seen = { .now = 0 };
	pthread_t writers[WRITERS];
	const struct key key = key_of("ksum");
	struct bytes value;
	struct fixture x;
	struct txn *t;

	open_with(&x, &engine_lmdb);
	store_watch(x.store, watch_overlap, &seen);
	for (unsigned i = 0; i < WRITERS; i++)
		cr_assert_eq(pthread_create(&writers[i], NULL, add_many, &x), 0);
	for (unsigned i = 0; i < WRITERS; i++)
		cr_assert_eq(pthread_join(writers[i], NULL), 0);
	cr_assert_eq(atomic_load(&seen.most), 1, "watchers are called by one thread at a time");
	cr_assert_eq(atomic_load(&seen.changes), WRITERS * EACH);
	t = begin(&x);
	cr_assert_eq(txn_get(t, &key, &value), RC_OK);
	cr_assert_eq(get_u64(value.p), WRITERS * EACH);
	txn_end(t);
	fixture_close(&x);
}
