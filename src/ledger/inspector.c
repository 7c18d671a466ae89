/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that reads the trail for itself.  It must not lock anybody out: a snapshot, no writes. */
#include "ledger/inspector.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define ARENA   (256u * 1024)
#define AGAIN_S 60 /* after a store that could not be read */

struct inspector {
	struct store *store;
	const struct signer *signer;
	struct arena *arena;
	pthread_t thread;
	atomic_bool is_ending;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t ending;
	struct inspection last;
};

struct walk {
	struct inspector *inspector;
	struct inspection result;
};

static enum rc
walk(struct txn *t, void *arg)
{
	struct walk *w = arg;
	struct inspector *i = w->inspector;

	return inspect_all(t, i->arena, i->signer, &i->is_ending, &w->result);
}

/* True when there is a result. */
static bool
look(struct inspector *i)
{
	const int64_t at = clock_now();
	struct walk w = { .inspector = i };
	const enum rc rc = store_view(i->store, i->arena, walk, &w);

	arena_rewind(i->arena, 0);
	if (rc != RC_OK) {
		if (!atomic_load(&i->is_ending))
			log_world("audit_unchecked", "code=%s", rc_code(rc));
		return false;
	}
	if (w.result.finding != AUDIT_IN_ORDER)
		log_world("audit_broken", "finding=%s entry=%llu: run menedek audit verify",
		    codes_audit_finding.rows[w.result.finding].code, (unsigned long long)w.result.first);
	w.result.at = at;
	(void)pthread_mutex_lock(&i->lock);
	i->last = w.result;
	(void)pthread_mutex_unlock(&i->lock);
	return true;
}

static void
rest(struct inspector *i, int seconds)
{
	struct timespec until;
	int waited = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	(void)pthread_mutex_lock(&i->lock);
	while (!atomic_load(&i->is_ending) && waited == 0)
		waited = pthread_cond_timedwait(&i->ending, &i->lock, &until);
	(void)pthread_mutex_unlock(&i->lock);
}

static void *
run(void *arg)
{
	struct inspector *i = arg;

	while (!atomic_load(&i->is_ending))
		rest(i, look(i) ? INSPECTOR_SECONDS : AGAIN_S);
	return NULL;
}

static bool
init_lock(struct inspector *i)
{
	pthread_condattr_t attr;
	bool is_ready;

	if (pthread_condattr_init(&attr) != 0)
		return false;
	is_ready = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(&i->ending, &attr) == 0;
	(void)pthread_condattr_destroy(&attr);
	if (is_ready)
		(void)pthread_mutex_init(&i->lock, NULL);
	return is_ready;
}

static void
destroy(struct inspector *i)
{
	arena_free(i->arena);
	(void)pthread_cond_destroy(&i->ending);
	(void)pthread_mutex_destroy(&i->lock);
	free(i);
}

enum rc
inspector_start(struct store *store, const struct signer *signer, struct inspector **out, struct fault *f)
{
	struct inspector *i = calloc(1, sizeof(*i));

	*out = NULL;
	if (i == NULL || !init_lock(i)) {
		free(i);
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	}
	i->store = store;
	i->signer = signer;
	atomic_init(&i->is_ending, false);
	if ((i->arena = arena_new(ARENA)) == NULL || pthread_create(&i->thread, NULL, run, i) != 0) {
		destroy(i);
		return fault_set(f, RC_UNAVAILABLE, MSG_SERVER_UNSTARTED, NULL, 0, "self-check");
	}
	*out = i;
	return RC_OK;
}

void
inspector_last(struct inspector *i, struct inspection *out)
{
	(void)pthread_mutex_lock(&i->lock);
	*out = i->last;
	(void)pthread_mutex_unlock(&i->lock);
}

enum audit_finding
inspection_judge(const struct inspection *whole, bool is_rolled_back, bool is_signed, int64_t now)
{
	if (whole->finding != AUDIT_IN_ORDER)
		return (enum audit_finding)whole->finding;
	if (is_rolled_back)
		return AUDIT_ROLLED_BACK;
	if (!is_signed)
		return AUDIT_UNSIGNED;
	if (whole->at == 0)
		return AUDIT_NOT_CHECKED;
	return now - whole->at > INSPECTION_LASTS ? AUDIT_OVERDUE : AUDIT_IN_ORDER;
}

void
inspector_stop(struct inspector *i)
{
	if (i == NULL)
		return;
	(void)pthread_mutex_lock(&i->lock);
	atomic_store(&i->is_ending, true);
	(void)pthread_cond_signal(&i->ending);
	(void)pthread_mutex_unlock(&i->lock);
	(void)pthread_join(i->thread, NULL);
	destroy(i);
}
