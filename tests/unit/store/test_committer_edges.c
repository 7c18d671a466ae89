/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The committer at its edges, over the engine in memory: refused memory in the middle, batches wider than
 * what it tells of at once, deletes, followers that never have a pause, and who comes while a submitter
 * leads.
 */
#include <signal.h>
#include <stdatomic.h>

#include "../famine.h"
#include "fixture.h"
#include "store/committer.h"

struct edge {
	struct engine_ops ops;
	struct engine *engine;
	struct committer *c;
};

static atomic_bool is_held, is_in;
static _Atomic unsigned slow_us, follows, follows_at_last_batch, batches;
static _Atomic unsigned refuse_guard_memory;

static void
apply(struct engine *e, struct commit *list)
{
	atomic_store(&is_in, true);
	while (atomic_load(&is_held))
		usleep(100);
	atomic_store(&follows_at_last_batch, atomic_load(&follows));
	atomic_fetch_add(&batches, 1);
	engine_memory.apply(e, list);
	usleep(atomic_load(&slow_us));
}

static void
count_follow(struct engine *e)
{
	(void)e;
	atomic_fetch_add(&follows, 1);
}

/* Runs on the thread that asks for memory next. */
static bool
guard(void *arg, const struct commit *commit)
{
	(void)arg;
	(void)commit;
	famine_in = atomic_load(&refuse_guard_memory);
	return true;
}

static void
begin_edge(struct edge *x, bool is_followed)
{
	struct fault f = { 0 };

	*x = (struct edge){ .ops = engine_memory };
	x->ops.apply = apply;
	x->ops.follow = is_followed ? count_follow : NULL;
	cr_assert_eq(x->ops.open(NULL, 0, &x->engine, &f), RC_OK);
	cr_assert_eq(committer_new(&x->ops, x->engine, guard, NULL, &x->c), RC_OK);
}

static void
end_edge(struct edge *x)
{
	committer_free(x->c);
	x->ops.close(x->engine);
	assert_no_leak();
}

/* A commit of ${count} writes that says when it is done. */
struct work {
	struct commit commit;
	struct write_entry *w;
	atomic_bool is_done;
};

static void
done(struct commit *c)
{
	atomic_store(&((struct work *)c->arg)->is_done, true);
}

static void
work_init(struct work *k, unsigned number, unsigned count, bool is_delete)
{
	*k = (struct work){ .w = calloc(count, sizeof(*k->w)) };
	cr_assert_not_null(k->w);
	for (unsigned i = 0; i < count; i++) {
		k->w[i] = (struct write_entry){
			.key = key_of("k"), .value = bytes_str("v"), .is_delete = is_delete
		};
		key_add_u64(&k->w[i].key, (uint64_t)number << 32 | i);
	}
	k->commit = (struct commit){ .writes = k->w, .write_count = count, .done = done, .arg = k };
}

static enum rc
work_wait(struct work *k)
{
	for (unsigned i = 0; i < 300000 && !atomic_load(&k->is_done); i++)
		usleep(100);
	cr_assert(atomic_load(&k->is_done));
	free(k->w);
	return k->commit.rc;
}

static enum rc
submit_one(struct edge *x, unsigned number, unsigned count, bool is_delete)
{
	struct work k;

	work_init(&k, number, count, is_delete);
	committer_submit(x->c, &k.commit);
	return work_wait(&k);
}

#define TOLD_AT_ONCE 2048u

Test(committer_edges, what_nobody_could_be_told_of_is_not_written, .timeout = 60)
{
	struct edge x;

	NEEDS_FAMINE();
	begin_edge(&x, false);
	atomic_store(&refuse_guard_memory, 1);
	cr_expect_eq(submit_one(&x, 1, TOLD_AT_ONCE + 1, false), RC_UNAVAILABLE);
	atomic_store(&refuse_guard_memory, 0);
	cr_expect_eq(atomic_load(&batches), 0);
	cr_expect_eq(submit_one(&x, 1, TOLD_AT_ONCE + 1, false), RC_OK);
	end_edge(&x);
}

struct told {
	_Atomic unsigned calls, changes, deletes, wrong;
	uint64_t last;
};

static void
watch(void *arg, const struct change *changes, size_t count)
{
	struct told *t = arg;

	atomic_fetch_add(&t->calls, 1);
	for (size_t i = 0; i < count; i++) {
		atomic_fetch_add(&t->changes, 1);
		atomic_fetch_add(&t->deletes, changes[i].is_delete);
		atomic_fetch_add(&t->wrong,
		    changes[i].rev < t->last || (changes[i].sealed.len == 0) != changes[i].is_delete);
		t->last = changes[i].rev;
	}
}

Test(committer_edges, a_batch_of_more_than_it_tells_at_once_is_told_whole_and_in_order, .timeout = 60)
{
	enum { COMMITS = 50, EACH = 60 };
	static struct work all[COMMITS];
	struct told told = { .last = 0 };
	struct work first;
	struct edge x;

	begin_edge(&x, false);
	committer_watch(x.c, watch, &told);
	atomic_store(&is_held, true);
	work_init(&first, COMMITS, 1, false);
	committer_submit(x.c, &first.commit);
	for (unsigned i = 0; i < COMMITS; i++) {
		work_init(&all[i], i, EACH, false);
		committer_submit(x.c, &all[i].commit);
	}
	atomic_store(&is_held, false);
	cr_expect_eq(work_wait(&first), RC_OK);
	for (unsigned i = 0; i < COMMITS; i++)
		cr_expect_eq(work_wait(&all[i]), RC_OK);
	cr_expect_eq(atomic_load(&told.changes), COMMITS * EACH + 1);
	cr_expect_eq(submit_one(&x, 1, 1, true), RC_OK);
	cr_expect_eq(atomic_load(&told.deletes), 1);
	cr_expect_eq(atomic_load(&told.wrong), 0);
	cr_expect_geq(atomic_load(&told.calls), 3);
	end_edge(&x);
}

/* Two batches of one list: there is no pause between them. */
Test(committer_edges, who_never_has_a_pause_follows_all_the_same, .timeout = 60)
{
	enum { COMMITS = LIMIT_BATCH + 1 };
	static struct work all[COMMITS];
	unsigned before;
	struct work first;
	struct edge x;

	begin_edge(&x, true);
	committer_follow(x.c);
	cr_assert_gt(atomic_load(&follows), 0, "it has not heard of the others");
	atomic_store(&is_held, true);
	work_init(&first, COMMITS, 1, false);
	committer_submit(x.c, &first.commit);
	usleep(100000); /* it has the batch now, and is held up in it */
	for (unsigned i = 0; i < COMMITS; i++) {
		work_init(&all[i], i, 1, false);
		committer_submit(x.c, &all[i].commit);
	}
	before = atomic_load(&follows);
	atomic_store(&slow_us, 1100000);
	atomic_store(&is_held, false);
	cr_expect_eq(work_wait(&first), RC_OK);
	for (unsigned i = 0; i < COMMITS; i++)
		cr_expect_eq(work_wait(&all[i]), RC_OK);
	atomic_store(&slow_us, 0);
	cr_expect_gt(atomic_load(&follows_at_last_batch), before);
	end_edge(&x);
}

/* ---- a submitter that leads ---- */

static struct committer *to_wake; /* while it leads */

static void
apply_and_wake(struct engine *e, struct commit *list)
{
	engine_memory.apply(e, list);
	if (to_wake != NULL) {
		committer_follow(to_wake); /* wakes the thread, which must not take the lead */
		usleep(20000);
	}
}

static void
become_lone(struct edge *x)
{
	for (unsigned i = 0; i < 8; i++)
		cr_assert_eq(submit_one(x, 1, 1, false), RC_OK);
}

Test(committer_edges, a_thread_that_is_woken_while_a_submitter_leads_waits_for_it, .timeout = 60)
{
	struct work k;
	struct edge x;

	begin_edge(&x, false);
	committer_free(x.c);
	x.ops.apply = apply_and_wake;
	cr_assert_eq(committer_new(&x.ops, x.engine, guard, NULL, &x.c), RC_OK);
	become_lone(&x);
	to_wake = x.c;
	work_init(&k, 2, 1, false);
	committer_submit_here(x.c, &k.commit);
	cr_expect_eq(work_wait(&k), RC_OK);
	to_wake = NULL;
	cr_expect_eq(submit_one(&x, 3, 1, false), RC_OK);
	end_edge(&x);
}

Test(committer_edges, who_comes_second_is_written_second, .timeout = 60)
{
	struct work a, b;
	struct edge x;

	begin_edge(&x, false);
	for (unsigned i = 0; i < 50; i++) {
		become_lone(&x);
		work_init(&a, 1, 1, false);
		work_init(&b, 1, 1, false);
		committer_submit(x.c, &a.commit);
		committer_submit_here(x.c, &b.commit);
		cr_expect_eq(work_wait(&a), RC_OK);
		cr_expect_eq(work_wait(&b), RC_OK);
		cr_expect_lt(a.commit.rev, b.commit.rev);
	}
	end_edge(&x);
}

/* It would write beside the thread, and be held up with it. */
Test(committer_edges, who_comes_while_the_thread_has_a_batch_leaves_its_own_to_it, .timeout = 60)
{
	struct work a, b;
	struct edge x;

	begin_edge(&x, false);
	become_lone(&x);
	atomic_store(&is_in, false);
	atomic_store(&is_held, true);
	work_init(&a, 1, 1, false);
	work_init(&b, 1, 1, false);
	committer_submit(x.c, &a.commit);
	while (!atomic_load(&is_in))
		usleep(100);
	committer_submit_here(x.c, &b.commit);
	cr_expect_not(atomic_load(&a.is_done));
	cr_expect_not(atomic_load(&b.is_done));
	atomic_store(&is_held, false);
	cr_expect_eq(work_wait(&a), RC_OK);
	cr_expect_eq(work_wait(&b), RC_OK);
	cr_expect_lt(a.commit.rev, b.commit.rev);
	end_edge(&x);
}

/* ---- bugs of ours that end the process ---- */

/* The coverage build writes its counts when told, since who aborts does not come to its end. */
__attribute__((weak)) int __llvm_profile_write_file(void);

static void
write_counts(int signal_number)
{
	(void)signal_number;
	if (__llvm_profile_write_file != NULL)
		(void)__llvm_profile_write_file();
}

Test(committer_edges, more_watchers_than_there_is_room_for_are_a_bug, .signal = SIGABRT)
{
	struct told told = { .last = 0 };
	struct edge x;

	begin_edge(&x, false);
	(void)signal(SIGABRT, write_counts);
	for (unsigned i = 0; i <= COMMITTER_WATCHERS; i++)
		committer_watch(x.c, watch, &told);
}

Test(committer_edges, a_key_that_is_too_long_is_a_bug, .signal = SIGABRT)
{
	static const uint8_t text[LIMIT_KEY] = { 1 };
	struct key key = key_kind('k');

	key_add_bytes(&key, text, sizeof(text) - 1);
	(void)signal(SIGABRT, write_counts);
	key_add_bytes(&key, text, 1);
}
