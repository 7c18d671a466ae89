/* SPDX-License-Identifier: Apache-2.0 */
/* How commits are put together for an engine that is far away, and that nobody waits who is alone. */
#include <stdatomic.h>

#include "fixture.h"

#define THREADS 16
#define TIMES   12
#define MOST    15 /* batches: without waiting 16 or more were seen, up to twice TIMES are possible */

#define AWAY_US      18000
#define HALVES_LEAST (TIMES + TIMES / 2) /* TIMES for each half; together they were 13 and 14 */
#define HALVES_MOST  (2 * TIMES + 2)

static atomic_uint batches, commits;

static void
apply_far(struct engine *e, struct commit *list)
{
	usleep(40000);
	atomic_fetch_add(&batches, 1);
	for (const struct commit *c = list; c != NULL; c = c->next)
		atomic_fetch_add(&commits, 1);
	engine_memory.apply(e, list);
}

static struct engine_ops
far_engine(void)
{
	struct engine_ops ops = engine_memory;

	ops.is_far = true;
	ops.apply = apply_far;
	return ops;
}

struct writer {
	pthread_t thread;
	struct fixture *x;
	unsigned number;
	unsigned away_us; /* between an answer and coming again */
};

static enum rc
put_number(struct txn *t, void *arg)
{
	const struct writer *w = arg;
	struct key key = key_kind('k');

	key_add_u64(&key, w->number);
	return txn_put(t, &key, KEY_RECORD, bytes_str("value"));
}

static void *
write_on(void *arg)
{
	struct writer *w = arg;
	struct arena *arena = arena_new(1u << 20);

	for (unsigned i = 0; i < TIMES; i++) {
		cr_assert_eq(store_update(w->x->store, arena, put_number, w), RC_OK);
		arena_rewind(arena, 0);
		usleep(w->away_us);
	}
	arena_free(arena);
	return NULL;
}

/* Each comes again as soon as it has its answer, or ${away_us} later. */
static unsigned
batches_of_all(struct fixture *x, unsigned away_us)
{
	struct writer all[THREADS];

	atomic_store(&batches, 0);
	atomic_store(&commits, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		all[i] = (struct writer){ .x = x, .number = i, .away_us = away_us };
		cr_assert_eq(pthread_create(&all[i].thread, NULL, write_on, &all[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(all[i].thread, NULL);
	cr_assert_eq(atomic_load(&commits), THREADS * TIMES);
	return atomic_load(&batches);
}

/* The first that came used to travel alone, and all others waited for it: every second batch was of one. */
Test(committer, those_whom_a_batch_has_answered_travel_together_again, .timeout = 60)
{
	const struct engine_ops ops = far_engine();
	unsigned least = UINT32_MAX;
	struct fixture x;

	fixture_open(&x, &ops);
	/* on a machine that is busy some may miss it */
	for (unsigned i = 0; i < 8 && least > MOST; i++) {
		const unsigned count = batches_of_all(&x, 0);

		least = count < least ? count : least;
	}
	cr_assert_leq(least, MOST);
	fixture_close(&x);
}

static bool
is_alone(const struct engine *e UNUSED)
{
	return true;
}

/* While the engine has one half the other is answered and comes again: so each batch is of about half of
 * them, and none of one. */
Test(committer, two_halves_take_turns_where_nobody_else_writes, .timeout = 60)
{
	struct engine_ops ops = far_engine();
	unsigned least = UINT32_MAX;
	struct fixture x;

	ops.is_alone = is_alone;
	fixture_open(&x, &ops);
	for (unsigned i = 0; i < 8 && (least < HALVES_LEAST || least > HALVES_MOST); i++)
		least = batches_of_all(&x, AWAY_US);
	cr_assert(least >= HALVES_LEAST && least <= HALVES_MOST, "%u batches", least);
	fixture_close(&x);
}

/* They come again at once: by halves each batch would only be half as large. */
Test(committer, nor_do_they_where_all_are_back_at_once, .timeout = 60)
{
	struct engine_ops ops = far_engine();
	unsigned least = UINT32_MAX;
	struct fixture x;

	ops.is_alone = is_alone;
	fixture_open(&x, &ops);
	for (unsigned i = 0; i < 8 && least > MOST; i++)
		least = batches_of_all(&x, 0);
	cr_assert_leq(least, MOST);
	fixture_close(&x);
}

/* Company that does not come is not waited for, nor is any where there was none. */
Test(committer, who_is_alone_goes_alone, .timeout = 60)
{
	const struct engine_ops ops = far_engine();
	struct fixture x;

	fixture_open(&x, &ops);
	(void)batches_of_all(&x, 0);
	atomic_store(&batches, 0);
	for (unsigned i = 0; i < 10; i++)
		put_text(&x, "ka", "alone");
	cr_assert_eq(atomic_load(&batches), 10);
	fixture_close(&x);
}
