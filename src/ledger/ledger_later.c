/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries that nobody waits for: a bounded queue and one thread that writes it, many entries in one
 * transaction. While a transaction is under way the next one fills.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "ledger/ledger.h"

#define QUEUE       4096u
#define BATCH       64u /* below LIMIT_TXN_KEYS */
#define BATCH_BYTES (256u * 1024)

struct ledger {
	struct store *store;
	struct arena *arena; /* the writer's own */
	pthread_t writer;
	pthread_cond_t moved; /* an entry came, or the end */

	pthread_mutex_t lock; /* guards what follows */
	struct audit_entry *queue;
	unsigned first, count;
	bool is_failing; /* the last write failed; until one succeeds nothing more is taken */
	bool is_ending;
};

struct batch {
	unsigned count;
	struct audit_entry entry[BATCH];
};

static enum rc
append_batch(struct txn *t, void *arg)
{
	const struct batch *batch = arg;
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < batch->count && rc == RC_OK; i++)
		rc = ledger_record(t, &batch->entry[i]);
	return rc;
}

/* A second from now, or the end, whichever is first.  Called and left with the lock held. */
static void
rest(struct ledger *l)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	while (!l->is_ending)
		if (pthread_cond_timedwait(&l->moved, &l->lock, &until) != 0)
			return;
}

/* Copies, so that an entry leaves the queue only after it is on disk. */
static void
take_batch(struct ledger *l, struct batch *batch)
{
	batch->count = l->count < BATCH ? l->count : BATCH;
	for (unsigned i = 0; i < batch->count; i++)
		batch->entry[i] = l->queue[(l->first + i) % QUEUE];
}

/* Called and left with the lock held.  False when it failed. */
static bool
write_batch(struct ledger *l, struct batch *batch)
{
	enum rc rc;

	take_batch(l, batch);
	pthread_mutex_unlock(&l->lock);
	rc = store_update(l->store, l->arena, append_batch, batch);
	arena_rewind(l->arena, 0);
	if (rc != RC_OK)
		log_world("audit_not_written", "code=%s entries=%u", rc_code(rc), batch->count);
	pthread_mutex_lock(&l->lock);
	l->is_failing = rc != RC_OK;
	if (rc != RC_OK)
		return false;
	l->first = (l->first + batch->count) % QUEUE;
	l->count -= batch->count;
	return true;
}

static void *
write_entries(void *arg)
{
	struct ledger *l = arg;
	struct batch batch;

	pthread_mutex_lock(&l->lock);
	for (;;) {
		while (l->count == 0 && !l->is_ending)
			pthread_cond_wait(&l->moved, &l->lock);
		if (l->count == 0)
			break;
		if (write_batch(l, &batch))
			continue;
		if (l->is_ending)
			break;
		rest(l);
	}
	if (l->count > 0)
		log_world("audit_lost", "entries=%u", l->count);
	pthread_mutex_unlock(&l->lock);
	wipe(&batch, sizeof(batch));
	return NULL;
}

/* The wait of a second counts on the clock that nobody sets. */
static bool
init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	bool is_ready;

	if (pthread_condattr_init(&attr) != 0)
		return false;
	is_ready =
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 && pthread_cond_init(cond, &attr) == 0;
	pthread_condattr_destroy(&attr);
	return is_ready;
}

static void
free_parts(struct ledger *l)
{
	arena_free(l->arena);
	free(l->queue);
	free(l);
}

enum rc
ledger_new(struct store *store, struct ledger **out)
{
	struct ledger *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l)
		return RC_UNAVAILABLE;
	l->store = store;
	l->arena = arena_new(BATCH_BYTES);
	l->queue = calloc(QUEUE, sizeof(*l->queue));
	if (!l->arena || !l->queue || !init_cond(&l->moved)) {
		free_parts(l);
		return RC_UNAVAILABLE;
	}
	pthread_mutex_init(&l->lock, NULL);
	if (pthread_create(&l->writer, NULL, write_entries, l) != 0) {
		pthread_mutex_destroy(&l->lock);
		pthread_cond_destroy(&l->moved);
		free_parts(l);
		return RC_UNAVAILABLE;
	}
	*out = l;
	return RC_OK;
}

void
ledger_free(struct ledger *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->is_ending = true;
	pthread_cond_signal(&l->moved);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->writer, NULL);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->moved);
	free_parts(l);
}

enum rc
ledger_record_later(struct ledger *l, const struct audit_entry *e)
{
	uint8_t leaf[32];
	enum rc rc;

	if ((rc = ledger_leaf(e, leaf)) != RC_OK)
		return rc; /* one entry that can never be written would hold up all that follow */
	pthread_mutex_lock(&l->lock);
	if (l->is_failing || l->count == QUEUE) {
		rc = RC_UNAVAILABLE;
	} else {
		l->queue[(l->first + l->count) % QUEUE] = *e;
		l->count++;
		pthread_cond_signal(&l->moved);
	}
	pthread_mutex_unlock(&l->lock);
	return rc;
}
