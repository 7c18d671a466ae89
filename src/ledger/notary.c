/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that signs and sends.  The committer's thread counts entries for it and never waits. */
#include "ledger/notary.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "ledger/tree.h"

#define ENTRIES    256u
#define SECONDS    300u
#define ARENA      (256u * 1024)
#define AGAIN_S    5 /* after a failure */
#define GRACE_S    1 /* for the node that wrote, before another signs */
#define OUTLETS    2u
#define ROOT_SHOWN 6u /* bytes; with its number enough for one registry */

struct notary {
	struct store *store;
	struct signer signer;
	struct arena *arena;
	struct outlet *outlet[OUTLETS];
	uint64_t sent[OUTLETS]; /* number of the last checkpoint that went out; the thread's own */
	unsigned entries, seconds;
	pthread_t thread;
	bool is_running;
	bool is_rolled_back; /* set before the thread starts, never after */
	bool is_accepted;    /* and two people said so in the trail that is left */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t moved; /* enough came, or another's checkpoint, or the end */
	uint64_t newest;      /* entry that was told of */
	uint64_t covered;     /* entries, by the newest checkpoint that this thread knows of */
	bool is_ours;         /* the last of those that make a checkpoint due is this node's */
	bool has_come;        /* a checkpoint that another node has signed */
	bool is_ending;
};

/* ---- what went out before ---- */

static bool
is_same(const struct checkpoint *a, const struct checkpoint *b)
{
	return a->number == b->number && a->size == b->size && memcmp(a->root, b->root, sizeof(a->root)) == 0;
}

enum rc
notary_knows(struct txn *t, const struct checkpoint *sent, bool *is_known)
{
	struct checkpoint ours;
	enum rc rc = tree_checkpoint(t, sent->number, &ours);

	*is_known = rc == RC_OK && is_same(&ours, sent);
	return rc == RC_NOT_FOUND || rc == RC_CORRUPT ? RC_OK : rc;
}

void
notary_acceptance(const struct checkpoint *lost, char out[AUDIT_REASON])
{
	char root[2 * ROOT_SHOWN + 1];

	hex_format(lost->root, ROOT_SHOWN, root);
	(void)snprintf(out, AUDIT_REASON, "checkpoint %llu %s", (unsigned long long)lost->number, root);
}

struct acceptance {
	char reason[AUDIT_REASON];
	bool is_there;
};

static bool
look_for_acceptance(void *arg, const struct audit_entry *e)
{
	struct acceptance *a = arg;

	a->is_there = strcmp(e->action, NOTARY_ACCEPTED) == 0 && strcmp(e->reason, a->reason) == 0;
	return !a->is_there;
}

/* Only an entry of the trail says so: who put the old store back can write files, and seal nothing. */
static enum rc
find_acceptance(struct txn *t, const struct checkpoint *lost, bool *is_accepted)
{
	struct acceptance a = { .is_there = false };
	enum rc rc;

	notary_acceptance(lost, a.reason);
	rc = ledger_read(t, 1, look_for_acceptance, &a);
	*is_accepted = rc == RC_OK && a.is_there;
	return rc == RC_CORRUPT ? RC_OK : rc;
}

/* The store must know all that was ever signed and sent; if not, it is older than its own past. */
static enum rc
compare_past(struct notary *n, unsigned i, uint64_t newest, struct txn *t)
{
	struct checkpoint sent;
	bool is_known = true;
	enum rc rc;

	outlet_last(n->outlet[i], &sent);
	n->sent[i] = sent.number;
	if (sent.number == 0 || (rc = notary_knows(t, &sent, &is_known)) != RC_OK || is_known)
		return sent.number == 0 ? RC_OK : rc;
	n->is_rolled_back = true;
	if ((rc = find_acceptance(t, &sent, &n->is_accepted)) != RC_OK)
		return rc;
	log_world("audit_rolled_back", "signed=%llu entries=%llu ours=%llu accepted=%d",
	    (unsigned long long)sent.number, (unsigned long long)sent.size, (unsigned long long)newest,
	    n->is_accepted);
	n->sent[i] = newest; /* go on: the file then shows both pasts */
	return RC_OK;
}

static enum rc
find_past(struct txn *t, void *arg)
{
	struct notary *n = arg;
	struct checkpoint latest;
	enum rc rc = tree_checkpoint(t, 0, &latest);

	/* one that does not open must not keep families out: it is said by who signs and by who inspects */
	if (rc == RC_NOT_FOUND || rc == RC_CORRUPT)
		latest.number = 0;
	else if (rc != RC_OK)
		return rc;
	for (unsigned i = 0; i < OUTLETS; i++)
		if (n->outlet[i] != NULL && (rc = compare_past(n, i, latest.number, t)) != RC_OK)
			return rc;
	/* what went to a daemon cannot be asked back: it gets the newest once more */
	if (n->outlet[1] != NULL)
		n->sent[1] = latest.number > 0 ? latest.number - 1 : 0;
	return RC_OK;
}

/* ---- sending ---- */

struct fetch {
	uint64_t number;
	struct checkpoint checkpoint;
};

static enum rc
fetch(struct txn *t, void *arg)
{
	struct fetch *f = arg;

	return tree_checkpoint(t, f->number, &f->checkpoint);
}

static bool
send_up_to(struct notary *n, unsigned i, uint64_t newest)
{
	struct fetch f;
	enum rc rc;

	while (n->outlet[i] != NULL && n->sent[i] < newest) {
		f.number = n->sent[i] + 1;
		rc = store_view(n->store, n->arena, fetch, &f);
		arena_rewind(n->arena, 0);
		if (rc == RC_OK)
			rc = outlet_send(n->outlet[i], &f.checkpoint);
		if (rc != RC_OK) {
			log_world("checkpoint_not_sent", "number=%llu code=%s", (unsigned long long)f.number,
			    rc_code(rc));
			return false;
		}
		n->sent[i]++;
	}
	return true;
}

static enum rc
sign(struct notary *n, struct checkpoint *latest)
{
	const enum rc rc = tree_sign(n->store, n->arena, &n->signer, store_now(n->store), latest);

	if (rc == RC_CORRUPT)
		log_world("audit_broken", "after entry %llu: run menedek audit verify",
		    (unsigned long long)latest->size);
	else if (rc != RC_OK)
		log_world("checkpoint_not_written", "code=%s", rc_code(rc));
	return rc;
}

/* What another node signed. */
static enum rc
find_latest(struct notary *n, struct checkpoint *latest)
{
	struct fetch f = { .number = 0 };
	const enum rc rc = store_view(n->store, n->arena, fetch, &f);

	arena_rewind(n->arena, 0);
	*latest = f.checkpoint;
	return rc;
}

/* Sign, unless another has, and send; false when it must be tried again. */
static bool
work(struct notary *n, bool signs)
{
	struct checkpoint latest;
	const enum rc rc = signs ? sign(n, &latest) : find_latest(n, &latest);
	bool is_done = rc == RC_OK;

	if (is_done) {
		pthread_mutex_lock(&n->lock);
		n->covered = latest.size;
		pthread_mutex_unlock(&n->lock);
	}
	for (unsigned i = 0; i < OUTLETS && rc == RC_OK; i++)
		is_done = send_up_to(n, i, latest.number) && is_done;
	return is_done;
}

/* ---- the thread ---- */

static void
set_end(struct timespec *end, unsigned seconds)
{
	clock_gettime(CLOCK_MONOTONIC, end);
	end->tv_sec += seconds;
}

/* Entries that no checkpoint covers.  By number: what is told before a checkpoint may be younger. */
static uint64_t
pending(const struct notary *n)
{
	return n->newest > n->covered ? n->newest - n->covered : 0;
}

/* Enough of them, and this node's turn: of several, who wrote the last that was needed. */
static bool
is_due(const struct notary *n)
{
	return pending(n) >= n->entries && n->is_ours;
}

/*
 * Until enough came, time is up with something to sign, another's checkpoint, or the end; after ${seconds}
 * whatever came if it ${must_sign}.  What another node wrote is left to it for a moment.  Is there something
 * to sign?  Called and left with the lock held.
 */
static bool
wait_for_work(struct notary *n, unsigned seconds, bool must_sign)
{
	bool is_left = must_sign, is_late = false, is_time = false;
	struct timespec end;

	set_end(&end, seconds);
	while (!n->is_ending && !is_time && (must_sign || (!n->has_come && !is_due(n)))) {
		if (!is_left && (pending(n) >= n->entries || (is_late && !n->is_ours))) {
			is_left = true;
			set_end(&end, GRACE_S);
		}
		if (pthread_cond_timedwait(&n->moved, &n->lock, &end) == 0)
			continue;
		is_late = pending(n) > 0;
		is_time = must_sign || (is_late && (is_left || n->is_ours));
		set_end(&end, seconds);
	}
	return must_sign || n->is_ending || is_time || is_due(n);
}

static void *
run(void *arg)
{
	struct notary *n = arg;
	bool signs = true, is_done, is_ending;

	pthread_mutex_lock(&n->lock);
	do {
		is_ending = n->is_ending;
		n->has_come = false;
		pthread_mutex_unlock(&n->lock);
		is_done = work(n, signs);
		pthread_mutex_lock(&n->lock);
		if (!is_ending)
			signs = wait_for_work(n, is_done ? n->seconds : AGAIN_S, !is_done);
	} while (!is_ending);
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

static void
note_entry(struct notary *n, const struct change *c)
{
	const uint64_t number = log_key_number(&c->key);

	if (number <= n->newest)
		return;
	if (pending(n) < n->entries)
		n->is_ours = !c->is_others;
	n->newest = number;
}

static void
note_changes(void *arg, const struct change *changes, size_t count)
{
	struct notary *n = arg;
	const struct key prefix = log_key(LOG_AUDIT, 0);

	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < count; i++) {
		const struct change *c = &changes[i];

		if (c->is_append && c->key.b[1] == prefix.b[1])
			note_entry(n, c);
		else if (c->is_others && tree_is_newest(&c->key))
			n->has_come = true;
	}
	if (pending(n) >= n->entries || n->has_come)
		pthread_cond_signal(&n->moved);
	pthread_mutex_unlock(&n->lock);
}

/* ---- life ---- */

static bool
init_lock(struct notary *n)
{
	pthread_condattr_t attr;
	bool is_ready;

	if (pthread_condattr_init(&attr) != 0)
		return false;
	is_ready = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(&n->moved, &attr) == 0;
	pthread_condattr_destroy(&attr);
	if (is_ready)
		pthread_mutex_init(&n->lock, NULL);
	return is_ready;
}

static enum rc
open_outlets(struct notary *n, const struct notary_options *o, struct fault *f)
{
	enum rc rc = RC_OK;

	if (o->file != NULL)
		rc = outlet_file(o->file, &n->signer, &n->outlet[0], f);
	if (rc == RC_OK && o->socket != NULL)
		rc = outlet_syslog(o->socket, &n->signer, &n->outlet[1], f);
	return rc;
}

enum rc
notary_open(
    const struct signer *signer, const struct notary_options *options, struct notary **out, struct fault *f)
{
	struct notary *n = calloc(1, sizeof(*n));
	enum rc rc;

	*out = NULL;
	if (n == NULL || !init_lock(n)) {
		free(n);
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	}
	n->signer = *signer;
	n->entries = options->entries > 0 ? options->entries : ENTRIES;
	n->seconds = options->seconds > 0 ? options->seconds : SECONDS;
	if ((n->arena = arena_new(ARENA)) == NULL)
		rc = fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	else
		rc = open_outlets(n, options, f);
	if (rc == RC_OK)
		*out = n;
	else
		notary_free(n);
	return rc;
}

enum rc
notary_start(struct notary *n, struct store *store, struct fault *f)
{
	enum rc rc;

	n->store = store;
	if ((rc = store_view(store, n->arena, find_past, n)) != RC_OK)
		return fault_set(f, rc, MSG_SERVER_UNSTARTED, NULL, 0, "checkpoints");
	arena_rewind(n->arena, 0);
	if (n->is_rolled_back && !n->is_accepted)
		return fault_set(f, RC_STATE_CONFLICT, MSG_ROLLED_BACK, NULL, 0, NULL);
	store_watch(store, note_changes, n);
	n->is_running = pthread_create(&n->thread, NULL, run, n) == 0;
	return n->is_running ? RC_OK
			     : fault_set(f, RC_UNAVAILABLE, MSG_SERVER_UNSTARTED, NULL, 0, "checkpoints");
}

bool
notary_is_rolled_back(const struct notary *n)
{
	return n->is_rolled_back;
}

void
notary_stop(struct notary *n)
{
	if (n == NULL || !n->is_running)
		return;
	pthread_mutex_lock(&n->lock);
	n->is_ending = true;
	pthread_cond_signal(&n->moved);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
	n->is_running = false;
}

void
notary_free(struct notary *n)
{
	if (n == NULL)
		return;
	for (unsigned i = 0; i < OUTLETS; i++)
		outlet_free(n->outlet[i]);
	arena_free(n->arena);
	pthread_mutex_destroy(&n->lock);
	pthread_cond_destroy(&n->moved);
	free(n);
}
