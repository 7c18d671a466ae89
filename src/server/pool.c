/* SPDX-License-Identifier: Apache-2.0 */
/* Two queues, one lock, a few threads. */
#include "server/pool.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 16u

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	/* guarded by lock */
	struct pool_job *first, *last;
	struct pool_job *first_due, *last_due; /* these go before those */
	unsigned waiting, waiting_due;
	bool is_stopping;
	/* fixed after pool_new */
	unsigned room;
	unsigned threads;
	pthread_t thread[THREADS];
};

/* The next job, or NULL when the pool stops and nothing is left. */
static struct pool_job *
next_job(struct pool *pool)
{
	struct pool_job *job;

	(void)pthread_mutex_lock(&pool->lock);
	while (pool->first_due == NULL && pool->first == NULL && !pool->is_stopping)
		(void)pthread_cond_wait(&pool->work, &pool->lock);
	if ((job = pool->first_due) != NULL) {
		pool->first_due = job->next;
		pool->waiting_due--;
	} else if ((job = pool->first) != NULL) {
		pool->first = job->next;
		pool->waiting--;
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return job;
}

static void *
work(void *arg)
{
	struct pool *pool = arg;
	struct pool_job *job;

	while ((job = next_job(pool)) != NULL)
		job->run(job);
	return NULL;
}

enum rc
pool_new(unsigned threads, unsigned room, struct pool **out)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	*out = NULL;
	if (pool == NULL)
		return RC_UNAVAILABLE;
	pool->room = room;
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->work, NULL);
	while (pool->threads < threads && pool->threads < THREADS) {
		if (pthread_create(&pool->thread[pool->threads], NULL, work, pool) != 0) {
			pool_free(pool);
			return RC_UNAVAILABLE;
		}
		pool->threads++;
	}
	*out = pool;
	return RC_OK;
}

void
pool_free(struct pool *pool)
{
	if (pool == NULL)
		return;
	(void)pthread_mutex_lock(&pool->lock);
	pool->is_stopping = true;
	(void)pthread_cond_broadcast(&pool->work);
	(void)pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->threads; i++)
		(void)pthread_join(pool->thread[i], NULL);
	(void)pthread_cond_destroy(&pool->work);
	(void)pthread_mutex_destroy(&pool->lock);
	free(pool);
}

bool
pool_submit_due(struct pool *pool, struct pool_job *job)
{
	bool is_taken;

	(void)pthread_mutex_lock(&pool->lock);
	is_taken = !pool->is_stopping;
	if (is_taken) {
		job->next = NULL;
		*(pool->first_due == NULL ? &pool->first_due : &pool->last_due->next) = job;
		pool->last_due = job;
		pool->waiting_due++;
		(void)pthread_cond_signal(&pool->work);
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return is_taken;
}

bool
pool_submit(struct pool *pool, struct pool_job *job)
{
	bool has_room;

	(void)pthread_mutex_lock(&pool->lock);
	has_room = pool->waiting < pool->room && !pool->is_stopping;
	if (has_room) {
		job->next = NULL;
		*(pool->first == NULL ? &pool->first : &pool->last->next) = job;
		pool->last = job;
		pool->waiting++;
		(void)pthread_cond_signal(&pool->work);
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return has_room;
}

unsigned
pool_waiting(struct pool *pool)
{
	unsigned waiting;

	(void)pthread_mutex_lock(&pool->lock);
	waiting = pool->waiting + pool->waiting_due;
	(void)pthread_mutex_unlock(&pool->lock);
	return waiting;
}
