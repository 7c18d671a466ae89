/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "server/pool.h"

struct work {
	struct pool_job job; /* first */
	atomic_bool *gate;   /* wait until it is open */
	atomic_uint *done;
	pthread_t thread;
};

static void
run(struct pool_job *job)
{
	struct work *work = (struct work *)job;

	while (work->gate != NULL && !atomic_load(work->gate))
		usleep(100);
	work->thread = pthread_self();
	atomic_fetch_add(work->done, 1);
}

Test(pool, every_job_runs_before_it_is_freed, .timeout = 10)
{
	struct pool *pool;
	struct work work[64];
	atomic_uint done = 0;

	cr_assert_eq(pool_new(2, 64, &pool), RC_OK);
	for (int i = 0; i < 64; i++) {
		work[i] = (struct work){ .job.run = run, .done = &done };
		cr_assert(pool_submit(pool, &work[i].job));
	}
	pool_free(pool);
	cr_assert_eq(done, 64);
	cr_assert_not(pthread_equal(work[0].thread, pthread_self()));
}

Test(pool, what_does_not_fit_is_refused_and_fits_later, .timeout = 10)
{
	struct pool *pool;
	struct work work[4];
	atomic_bool gate = false;
	atomic_uint done = 0;

	cr_assert_eq(pool_new(1, 2, &pool), RC_OK);
	for (int i = 0; i < 4; i++)
		work[i] = (struct work){ .job.run = run, .gate = &gate, .done = &done };
	cr_assert(pool_submit(pool, &work[0].job));
	while (pool_waiting(pool) > 0)
		usleep(100);
	cr_assert(pool_submit(pool, &work[1].job));
	cr_assert(pool_submit(pool, &work[2].job));
	cr_assert_not(pool_submit(pool, &work[3].job));
	cr_assert_eq(pool_waiting(pool), 2);
	gate = true;
	while (done < 3)
		usleep(100);
	cr_assert(pool_submit(pool, &work[3].job));
	pool_free(pool);
	cr_assert_eq(done, 4);
}

Test(pool, what_is_due_goes_before_what_is_slow_and_is_never_refused, .timeout = 10)
{
	struct pool *pool;
	struct work busy, slow, more, due[2];
	atomic_bool gate = false, shut = false;
	atomic_uint done = 0, done_due = 0;

	cr_assert_eq(pool_new(1, 1, &pool), RC_OK);
	busy = (struct work){ .job.run = run, .gate = &gate, .done = &done };
	slow = more = (struct work){ .job.run = run, .gate = &shut, .done = &done };
	cr_assert(pool_submit(pool, &busy.job));
	while (pool_waiting(pool) > 0)
		usleep(100);
	cr_assert(pool_submit(pool, &slow.job));
	cr_assert_not(pool_submit(pool, &more.job));
	for (unsigned i = 0; i < 2; i++) {
		due[i] = (struct work){ .job.run = run, .done = &done_due };
		cr_assert(pool_submit_due(pool, &due[i].job));
		cr_assert_eq(pool_waiting(pool), 2 + i);
	}
	cr_assert_not(pool_submit(pool, &more.job));
	gate = true;
	while (done_due < 2) /* while the slow one, before its shut gate, would let nothing pass */
		usleep(100);
	shut = true;
	pool_free(pool);
	cr_assert_eq(done, 2);
}

Test(pool, none_is_freed_without_complaint)
{
	pool_free(NULL);
}
