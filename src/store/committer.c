/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue, the thread and the order of telling: engine first, then watchers, then submitters.  A submitter
 * that has its answer thus finds its change in everything that is derived from the store.
 */
#include "store/committer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"

/* What watchers get at once: whole commits, so at least as many as one commit can hold. */
#define CHANGES 2048u
_Static_assert(CHANGES >= 2 * LIMIT_TXN_KEYS, "a commit's changes must fit");

struct watcher {
	store_watch_fn *fn;
	void *arg;
};

struct committer {
	const struct engine_ops *ops;
	struct engine *engine;
	committer_guard_fn *guard;
	void *guard_arg;
	pthread_t thread;
	struct change *changes; /* CHANGES of them; the thread's own */

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t has_work;
	struct commit *first, **end;
	bool is_stopping;
	struct watcher watchers[COMMITTER_WATCHERS];
	unsigned watcher_count;
	struct store_stats stats;
};

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* Wait for work and take all of it; NULL when there will be no more. */
static struct commit *
take_all(struct committer *c)
{
	struct commit *list;

	pthread_mutex_lock(&c->lock);
	while (c->first == NULL && !c->is_stopping)
		pthread_cond_wait(&c->has_work, &c->lock);
	list = c->first;
	c->first = NULL;
	c->end = &c->first;
	pthread_mutex_unlock(&c->lock);
	return list;
}

/* Cut the first LIMIT_BATCH off ${list}; returns the rest. */
static struct commit *
cut(struct commit *list)
{
	struct commit *rest;

	for (unsigned i = 1; i < LIMIT_BATCH && list->next != NULL; i++)
		list = list->next;
	rest = list->next;
	list->next = NULL;
	return rest;
}

static size_t
add_changes(struct change *out, const struct commit *c)
{
	size_t n = 0;

	for (unsigned i = 0; i < c->write_count; i++) {
		const struct write_entry *w = &c->writes[i];

		out[n++] = (struct change){
			.key = w->key,
			.sealed = w->is_delete ? (struct bytes){ NULL, 0 } : w->value,
			.rev = c->rev,
			.is_delete = w->is_delete,
		};
	}
	for (unsigned i = 0; i < c->append_count; i++) {
		const struct append_entry *a = &c->appends[i];

		out[n++] = (struct change){
			.key = log_key(a->log, a->number),
			.sealed = a->value,
			.rev = c->rev,
			.is_append = true,
		};
	}
	return n;
}

static void
tell(const struct watcher *watchers, unsigned count, const struct change *changes, size_t n)
{
	for (unsigned i = 0; i < count && n > 0; i++)
		watchers[i].fn(watchers[i].arg, changes, n);
}

static void
tell_watchers(struct committer *c, const struct commit *list)
{
	struct watcher watchers[COMMITTER_WATCHERS];
	unsigned count;
	size_t n = 0;

	pthread_mutex_lock(&c->lock);
	count = c->watcher_count;
	for (unsigned i = 0; i < count; i++)
		watchers[i] = c->watchers[i];
	pthread_mutex_unlock(&c->lock);
	if (count == 0)
		return;
	for (; list != NULL; list = list->next) {
		if (list->rc != RC_OK)
			continue;
		if (n + list->write_count + list->append_count > CHANGES) {
			tell(watchers, count, c->changes, n);
			n = 0;
		}
		n += add_changes(c->changes + n, list);
	}
	tell(watchers, count, c->changes, n);
}

static void
count_batch(struct committer *c, const struct commit *list, uint64_t spent_us)
{
	pthread_mutex_lock(&c->lock);
	c->stats.batches++;
	c->stats.sync_us_total += spent_us;
	for (; list != NULL; list = list->next) {
		if (list->rc == RC_OK)
			c->stats.commits++;
		else if (list->rc == RC_CONFLICT)
			c->stats.conflicts++;
		else
			c->stats.failed++;
	}
	pthread_mutex_unlock(&c->lock);
}

/* Take those that may no longer be written out of ${list}; returns them, in order. */
static struct commit *
take_refused(struct committer *c, struct commit **list)
{
	struct commit *refused = NULL, **refused_end = &refused;

	while (*list != NULL) {
		struct commit *commit = *list;

		if (c->guard(c->guard_arg, commit)) {
			list = &commit->next;
			continue;
		}
		*list = commit->next;
		commit->next = NULL;
		commit->rc = RC_CONFLICT;
		*refused_end = commit;
		refused_end = &commit->next;
	}
	return refused;
}

static void
run_batch(struct committer *c, struct commit *list)
{
	struct commit *refused = take_refused(c, &list), **end = &list;
	uint64_t start = now_us();
	struct commit *next;

	if (list != NULL)
		c->ops->apply(c->engine, list);
	while (*end != NULL)
		end = &(*end)->next;
	*end = refused;
	count_batch(c, list, now_us() - start);
	tell_watchers(c, list);
	for (; list != NULL; list = next) {
		next = list->next; /* after done, the commit may be gone */
		list->done(list);
	}
}

static void *
run(void *arg)
{
	struct committer *c = arg;
	struct commit *list, *rest;

	while ((list = take_all(c)) != NULL) {
		for (; list != NULL; list = rest) {
			rest = cut(list);
			run_batch(c, list);
		}
	}
	return NULL;
}

enum rc
committer_new(const struct engine_ops *ops, struct engine *engine, committer_guard_fn *guard, void *guard_arg,
    struct committer **out)
{
	struct committer *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (c == NULL || (c->changes = calloc(CHANGES, sizeof(*c->changes))) == NULL)
		goto fail_memory;
	c->ops = ops;
	c->engine = engine;
	c->guard = guard;
	c->guard_arg = guard_arg;
	c->end = &c->first;
	if (pthread_mutex_init(&c->lock, NULL) != 0)
		goto fail_memory;
	if (pthread_cond_init(&c->has_work, NULL) != 0)
		goto fail_cond;
	if (pthread_create(&c->thread, NULL, run, c) != 0)
		goto fail_thread;
	*out = c;
	return RC_OK;

fail_thread:
	pthread_cond_destroy(&c->has_work);
fail_cond:
	pthread_mutex_destroy(&c->lock);
fail_memory:
	if (c != NULL)
		free(c->changes);
	free(c);
	return RC_UNAVAILABLE;
}

void
committer_free(struct committer *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->is_stopping = true;
	pthread_cond_signal(&c->has_work);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->has_work);
	pthread_mutex_destroy(&c->lock);
	free(c->changes);
	free(c);
}

void
committer_watch(struct committer *c, store_watch_fn *fn, void *arg)
{
	pthread_mutex_lock(&c->lock);
	if (c->watcher_count == COMMITTER_WATCHERS) {
		log_bug("too_many_watchers", "most=%u", COMMITTER_WATCHERS);
		abort();
	}
	c->watchers[c->watcher_count++] = (struct watcher){ fn, arg };
	pthread_mutex_unlock(&c->lock);
}

void
committer_submit(struct committer *c, struct commit *commit)
{
	commit->next = NULL;
	pthread_mutex_lock(&c->lock);
	*c->end = commit;
	c->end = &commit->next;
	pthread_cond_signal(&c->has_work);
	pthread_mutex_unlock(&c->lock);
}

void
committer_stats(struct committer *c, struct store_stats *out)
{
	pthread_mutex_lock(&c->lock);
	*out = c->stats;
	pthread_mutex_unlock(&c->lock);
	out->is_broken = c->ops->is_broken(c->engine);
}
