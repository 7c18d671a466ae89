/* SPDX-License-Identifier: Apache-2.0 */
/* A store is an engine with its committer; here are opening, closing, and transactions that wait for their
 * end. */
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "store/store_parts.h"

#define PAUSE_US     50u
#define PAUSE_MAX_US 20000u

static bool
is_current(const struct keyring *ring, struct bytes sealed)
{
	const uint32_t id = sealed_key_id(sealed);

	for (unsigned use = 0; use < KEY_USES; use++)
		if (keyring_current(ring, (enum key_use)use) == id)
			return true;
	return false;
}

/*
 * A value is sealed when it is put, and its key may have been replaced by the time it would be written.  Such
 * a commit is refused and sealed anew: so, after one commit more, nothing can come that needs an old key, and
 * a key that nothing needs can be destroyed.
 */
static bool
is_sealed_currently(void *arg, const struct commit *c)
{
	const struct store *s = arg;

	for (unsigned i = 0; i < c->write_count; i++) {
		const struct write_entry *w = &c->writes[i];

		if (w->is_delete || key_is_log_entry(&w->key))
			continue; /* of a log entry only its leaf is ever written, which is not sealed */
		if (!is_current(s->keyring, w->value))
			return false;
	}
	for (unsigned i = 0; i < c->append_count; i++) {
		const struct bytes v = c->appends[i].value;
		if (!is_current(s->keyring, (struct bytes){ v.p + LOG_LEAF, v.len - LOG_LEAF }))
			return false;
	}
	return true;
}

const struct engine_ops *
engine_of(const char *path)
{
	char name[512];

	if (path_join(name, sizeof(name), path, PG_CONNINFO) && file_exists(name))
		return &engine_postgresql;
	return &engine_lmdb;
}

enum rc
store_open(const struct store_options *options, struct store **out, struct fault *f)
{
	struct store *s = calloc(1, sizeof(*s));
	enum rc rc;

	*out = NULL;
	if (s == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, "memory");
	s->ops = options->engine;
	s->keyring = options->keyring;
	if ((rc = s->ops->open(options->path, options->map_mib, &s->engine, f)) != RC_OK)
		goto out;
	/* it was read before the lock was ours */
	if (s->keyring != NULL && (rc = keyring_reopen(s->keyring, f)) != RC_OK)
		goto out;
	if ((rc = shared_ring_open(s->ops, s->engine, options, &s->shared, f)) != RC_OK)
		goto out;
	if ((rc = committer_new(s->ops, s->engine, is_sealed_currently, s, &s->committer)) != RC_OK) {
		rc = fault_set(f, rc, MSG_STORE_OPEN, NULL, 0, "thread");
		goto out;
	}
	*out = s;
	s = NULL;
out:
	store_close(s);
	return rc;
}

enum rc
store_open_reader(const struct store_options *options, struct store **out, struct fault *f)
{
	struct store *s = calloc(1, sizeof(*s));
	enum rc rc;

	*out = NULL;
	if (s == NULL || options->engine->open_reader == NULL) {
		free(s);
		return fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, "reader");
	}
	s->ops = options->engine;
	s->keyring = options->keyring;
	if ((rc = s->ops->open_reader(options->path, options->map_mib, &s->engine, f)) != RC_OK) {
		free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

enum rc
store_copy(struct store *s, int fd)
{
	return s->ops->copy == NULL ? RC_UNAVAILABLE : s->ops->copy(s->engine, fd);
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	committer_free(s->committer);
	s->ops->close(s->engine);
	shared_ring_free(s->shared);
	free(s);
}

void
store_watch(struct store *s, store_watch_fn *fn, void *arg)
{
	committer_watch(s->committer, fn, arg);
}

void
store_follow(struct store *s)
{
	committer_follow(s->committer);
}

bool
store_answers(struct store *s)
{
	struct snapshot *snapshot;

	if (s->ops->snapshot(s->engine, &snapshot) != RC_OK)
		return false;
	s->ops->release(snapshot);
	return true;
}

/* Of "registry timeline snapshot system last" (pg_copy.c) a comparison has no snapshot; a store that follows
 * no database has none of it. */
static bool
has_place(struct bytes bookmark)
{
	unsigned spaces = 0;
	size_t i = 0;

	while (i < bookmark.len && spaces < 2)
		spaces += bookmark.p[i++] == ' ';
	return bookmark.len == 0 || (i < bookmark.len && bookmark.p[i] != ' ');
}

bool
store_is_whole(struct store *s)
{
	const struct key key = log_bookmark_key();
	struct bytes bookmark = { NULL, 0 };
	struct snapshot *snapshot;
	uint64_t rev;
	bool is_whole;

	if (s->ops->snapshot(s->engine, &snapshot) != RC_OK)
		return false;
	(void)s->ops->get(snapshot, &key, &bookmark, &rev);
	is_whole = has_place(bookmark);
	s->ops->release(snapshot);
	return is_whole;
}

bool
store_is_far(const struct store *s)
{
	return s->ops->is_far;
}

int64_t
store_now(const struct store *s)
{
	struct engine_standing standing;

	if (s->ops->standing == NULL)
		return clock_now();
	s->ops->standing(s->engine, &standing);
	return standing.now;
}

int64_t
store_sure_now(const struct store *s)
{
	struct engine_standing standing;

	if (s->ops->standing == NULL)
		return clock_now();
	s->ops->standing(s->engine, &standing);
	return standing.sure;
}

int64_t
store_common_now(const struct store *s)
{
	struct engine_standing standing;

	if (s->ops->standing == NULL)
		return clock_now();
	s->ops->standing(s->engine, &standing);
	return standing.common;
}

void
store_stats(struct store *s, struct store_stats *out)
{
	struct engine_standing standing = { .timeline = 0 };

	committer_stats(s->committer, out);
	if (s->ops->standing != NULL)
		s->ops->standing(s->engine, &standing);
	out->silence_ms = standing.silent_ms;
	out->timeline = standing.timeline;
	out->clock_ahead = standing.clock_ahead;
	out->keeps_keys = shared_ring_is_kept_here(s->shared);
}

/* Where a thread waits for its commit. */
struct wait {
	pthread_mutex_t lock;
	pthread_cond_t is_told;
	bool is_done;
	enum rc rc;
};

static void
wake(void *arg, enum rc rc)
{
	struct wait *w = arg;

	pthread_mutex_lock(&w->lock);
	w->rc = rc;
	w->is_done = true;
	pthread_cond_signal(&w->is_told); /* under the lock: the waiter frees it once it can take it */
	pthread_mutex_unlock(&w->lock);
}

static enum rc
commit_and_wait(struct txn *t)
{
	struct wait w = { .lock = PTHREAD_MUTEX_INITIALIZER, .is_told = PTHREAD_COND_INITIALIZER };

	txn_commit(t, wake, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.is_done)
		pthread_cond_wait(&w.is_told, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_cond_destroy(&w.is_told);
	pthread_mutex_destroy(&w.lock);
	return w.rc;
}

/* Losers of a race must not meet again in step: a random pause, longer from run to run. */
static void
pause_after(unsigned runs)
{
	unsigned most = PAUSE_US << (runs < 9 ? runs : 9);

	usleep(random_below(most < PAUSE_MAX_US ? most : PAUSE_MAX_US) + 1);
}

static enum rc
run_once(struct txn *t, txn_fn *fn, void *arg)
{
	enum rc rc = fn(t, arg);

	return rc == RC_OK ? commit_and_wait(t) : rc;
}

/* Begin anew after a lost race, with the arena as it was before the first run. */
static enum rc
begin_again(struct store *store, struct arena *arena, struct arena *scratch, size_t mark, struct txn **t)
{
	txn_end(*t);
	*t = NULL;
	arena_rewind(arena, mark);
	return txn_begin_wide(store, arena, scratch, t);
}

/* The transaction is wide when ${scratch} is not ${arena}. */
enum rc
store_update_wide(struct store *store, struct arena *arena, struct arena *scratch, txn_fn *fn, void *arg)
{
	size_t mark = arena_mark(arena);
	struct txn *t = NULL;
	enum rc rc = RC_OK;

	for (unsigned runs = 0; runs < LIMIT_RETRIES; runs++) {
		if (runs > 0)
			pause_after(runs);
		if ((rc = begin_again(store, arena, scratch, mark, &t)) != RC_OK)
			break;
		if ((rc = run_once(t, fn, arg)) != RC_CONFLICT)
			break;
	}
	txn_end(t);
	return rc == RC_CONFLICT ? RC_BUSY : rc;
}

enum rc
store_update(struct store *store, struct arena *arena, txn_fn *fn, void *arg)
{
	return store_update_wide(store, arena, arena, fn, arg);
}

enum rc
store_view_wide(struct store *store, struct arena *arena, struct arena *scratch, txn_fn *fn, void *arg)
{
	struct txn *t = NULL;
	enum rc rc = txn_begin_wide(store, arena, scratch, &t);

	if (rc == RC_OK)
		rc = fn(t, arg);
	txn_end(t);
	return rc;
}

enum rc
store_view(struct store *store, struct arena *arena, txn_fn *fn, void *arg)
{
	return store_view_wide(store, arena, arena, fn, arg);
}
