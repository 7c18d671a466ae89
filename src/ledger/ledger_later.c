/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries that nobody waits for: a bounded queue and one thread that writes it.  What a transaction can take
 * is little, so several are under way at once and share one commit of the disk; meanwhile the queue fills.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "ledger/ledger.h"

#define QUEUE       8192u
#define BATCHES     8u
#define BATCH       64u /* below LIMIT_TXN_KEYS */
#define BATCH_BYTES (256u * 1024)
#define GATHER      (BATCHES * BATCH) /* so many are written at once, */
#define GATHER_MS   20  /* fewer after this time: a commit costs the same for one and for all, */
#define FAR_MS      100 /* and most where it goes over a network and waits for a second disk */
#define RETRY_MS    1000

struct ledger;

/* Entries on their way to the disk.  Belongs to the writer, but for ${rc} while it is committing. */
struct batch {
	struct ledger *home;
	struct arena *arena;
	struct txn *txn;
	enum rc rc;
	unsigned count; /* until they are on disk */
	struct audit_entry entry[BATCH];
};

struct ledger {
	struct store *store;
	long gather_ms;
	struct batch *batches;
	pthread_t writer;
	pthread_cond_t moved; /* an entry came, a batch is done, or the end */

	pthread_mutex_t lock; /* guards what follows */
	struct audit_entry *queue;
	unsigned first, count;
	unsigned committing; /* batches whose commit has not been told */
	bool is_failing;     /* the last write failed; until one succeeds nothing more is taken */
	bool is_ending;
};

/* ${ms} milliseconds from now, or ${enough} entries, or the end, whichever is first.  Called and left with
 * the lock held. */
static void
rest(struct ledger *l, long ms, unsigned enough)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (!l->is_ending && l->count < enough)
		if (pthread_cond_timedwait(&l->moved, &l->lock, &until) != 0)
			return;
}

/* Fill what is empty.  Called with the lock held. */
static void
load_batches(struct ledger *l)
{
	for (unsigned b = 0; b < BATCHES && l->count > 0; b++) {
		struct batch *batch = &l->batches[b];

		while (batch->count < BATCH && l->count > 0) {
			batch->entry[batch->count++] = l->queue[l->first];
			l->first = (l->first + 1) % QUEUE;
			l->count--;
		}
	}
}

static void
committed(void *arg, enum rc rc)
{
	struct batch *batch = arg;
	struct ledger *l = batch->home;

	pthread_mutex_lock(&l->lock);
	batch->rc = rc;
	l->committing--;
	pthread_cond_signal(&l->moved); /* under the lock: the ledger is freed once the writer is told */
	pthread_mutex_unlock(&l->lock);
}

static enum rc
append(struct batch *batch)
{
	enum rc rc = txn_begin(batch->home->store, batch->arena, &batch->txn);

	for (unsigned i = 0; i < batch->count && rc == RC_OK; i++)
		rc = ledger_record(batch->txn, &batch->entry[i]);
	return rc;
}

static void
send_batches(struct ledger *l)
{
	for (unsigned b = 0; b < BATCHES; b++) {
		struct batch *batch = &l->batches[b];

		batch->rc = RC_OK;
		if (batch->count == 0 || (batch->rc = append(batch)) != RC_OK)
			continue;
		pthread_mutex_lock(&l->lock);
		l->committing++;
		pthread_mutex_unlock(&l->lock);
		txn_commit(batch->txn, committed, batch);
	}
}

/* What is on disk is done with; what is not stays in its batch.  False when anything but a race was lost. */
static bool
settle(struct ledger *l)
{
	bool is_fine = true;

	for (unsigned b = 0; b < BATCHES; b++) {
		struct batch *batch = &l->batches[b];

		txn_end(batch->txn);
		batch->txn = NULL;
		arena_rewind(batch->arena, 0);
		if (batch->rc == RC_OK) {
			batch->count = 0;
		} else if (batch->rc != RC_CONFLICT) { /* a key was replaced meanwhile: seal anew, at once */
			log_world(
			    "audit_not_written", "code=%s entries=%u", rc_code(batch->rc), batch->count);
			is_fine = false;
		}
	}
	return is_fine;
}

/* Called and left with the lock held.  False when something failed. */
static bool
write_batches(struct ledger *l)
{
	bool is_fine;

	load_batches(l);
	pthread_mutex_unlock(&l->lock);
	send_batches(l);
	pthread_mutex_lock(&l->lock);
	while (l->committing > 0)
		pthread_cond_wait(&l->moved, &l->lock);
	is_fine = settle(l);
	l->is_failing = !is_fine;
	return is_fine;
}

/* Entries that are not on disk. */
static unsigned
left(const struct ledger *l)
{
	unsigned n = l->count;

	for (unsigned b = 0; b < BATCHES; b++)
		n += l->batches[b].count;
	return n;
}

static void *
write_entries(void *arg)
{
	struct ledger *l = arg;

	pthread_mutex_lock(&l->lock);
	for (;;) {
		while (left(l) == 0 && !l->is_ending)
			pthread_cond_wait(&l->moved, &l->lock);
		if (left(l) == 0)
			break;
		rest(l, l->gather_ms, GATHER);
		if (write_batches(l))
			continue;
		if (l->is_ending)
			break;
		rest(l, RETRY_MS, QUEUE + 1);
	}
	if (left(l) > 0)
		log_world("audit_lost", "entries=%u", left(l));
	pthread_mutex_unlock(&l->lock);
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
	for (unsigned b = 0; l->batches && b < BATCHES; b++)
		arena_free(l->batches[b].arena);
	free(l->batches);
	free(l->queue);
	free(l);
}

static bool
make_batches(struct ledger *l)
{
	if (!(l->batches = calloc(BATCHES, sizeof(*l->batches))))
		return false;
	for (unsigned b = 0; b < BATCHES; b++) {
		l->batches[b].home = l;
		if (!(l->batches[b].arena = arena_new(BATCH_BYTES)))
			return false;
	}
	return true;
}

enum rc
ledger_new(struct store *store, struct ledger **out)
{
	struct ledger *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l)
		return RC_UNAVAILABLE;
	l->store = store;
	l->gather_ms = store_is_far(store) ? FAR_MS : GATHER_MS;
	l->queue = calloc(QUEUE, sizeof(*l->queue));
	if (!l->queue || !make_batches(l) || !init_cond(&l->moved)) {
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

static bool
takes_more(const struct ledger *l)
{
	return !l->is_failing && l->count < QUEUE;
}

bool
ledger_is_recording(struct ledger *l)
{
	bool is_so;

	pthread_mutex_lock(&l->lock);
	is_so = takes_more(l);
	pthread_mutex_unlock(&l->lock);
	return is_so;
}

static enum rc
enqueue(struct ledger *l, const struct audit_entry *e, bool is_promised)
{
	uint8_t text[LEDGER_PUBLIC_MAX];
	size_t len;
	enum rc rc;

	if ((rc = ledger_public(e, text, &len)) != RC_OK)
		return rc; /* one entry that can never be written would hold up all that follow */
	pthread_mutex_lock(&l->lock);
	if (!takes_more(l) && !(is_promised && l->count < QUEUE)) {
		rc = RC_UNAVAILABLE;
	} else {
		l->queue[(l->first + l->count) % QUEUE] = *e;
		l->count++;
		if (l->count == 1 || l->count == GATHER)
			pthread_cond_signal(&l->moved);
	}
	pthread_mutex_unlock(&l->lock);
	return rc;
}

enum rc
ledger_record_later(struct ledger *l, const struct audit_entry *e)
{
	return enqueue(l, e, false);
}

enum rc
ledger_record_promised(struct ledger *l, const struct audit_entry *e)
{
	return enqueue(l, e, true);
}
