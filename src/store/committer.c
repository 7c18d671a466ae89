/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue, the thread and the order of telling: engine first, then watchers, then submitters.  A submitter
 * that has its answer thus finds its change in everything that is derived from the store.
 */
#include "store/committer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"

/* What watchers get at once: whole commits, so it grows for a wide one. */
#define CHANGES 2048u
/* How often the engine looks for what other nodes did. */
#define FOLLOW_MS 25
/* How long at most under steady load: what a batch brings with it is not all that following is. */
#define FOLLOW_LATE_US 1000000u
/* A writer is alone after so many batches of one commit in a row.  A submitter's thread has other things to
 * do than to wait for a disk: after one batch that took longer it is left to the committer's own again. */
#define LONE_BATCHES 8u
#define LONE_US      2000u
/* Of an engine that is far away: how long at most to wait for company after a batch, and for how many. */
#define GATHER_US   20000u
#define GATHER_MOST 48u
/* Fewer do not go by halves; nor do any if an engine is idle for less than this part of its own time. */
#define HALVED_LEAST  8u
#define IDLE_PART     3u
#define MEASURE_EVERY 32u
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
	uint64_t followed_us; /* when it followed last; the thread's own */
	/* of whoever runs the batch: the thread, or a submitter while is_led */
	struct change *changes;
	size_t change_cap;           /* CHANGES, or as many as the widest commit so far has */
	uint64_t spent_us, ended_us; /* of the last batch: in the engine, and when all were told */
	/* of an engine that is far; the thread's own */
	bool is_whole;    /* the batch waited for most */
	uint64_t idle_us; /* from the end of the last one until most were there; half of its time: longer */
	uint64_t gap_us, whole_us; /* of those that waited for most: idle before, and in the engine */
	unsigned halves;           /* that went since the last of them */

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t has_work;
	struct commit *first, **end;
	uint64_t wanted;  /* how many must be queued to wake the thread */
	uint64_t company; /* who were in the last batch, or queued when it ended */
	bool is_stopping, is_following, has_followed;
	pthread_cond_t followed; /* has_followed has become true */
	bool is_busy;            /* the thread has a batch */
	bool is_led;             /* a submitter has one */
	unsigned lone_batches;
	struct watcher watchers[COMMITTER_WATCHERS];
	unsigned watcher_count;
	struct store_stats stats;
	uint64_t refused_us; /* when the engine refused the last change; 0: it was written */
};

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void
follow(struct committer *c)
{
	c->ops->follow(c->engine);
	c->followed_us = now_us();
	pthread_mutex_lock(&c->lock);
	c->has_followed = true;
	pthread_cond_broadcast(&c->followed);
	pthread_mutex_unlock(&c->lock);
}

/* Between two batches, when there was no pause to do it in. */
static void
follow_late(struct committer *c)
{
	bool is_following;

	if (now_us() - c->followed_us < FOLLOW_LATE_US)
		return;
	pthread_mutex_lock(&c->lock);
	is_following = c->is_following;
	pthread_mutex_unlock(&c->lock);
	if (is_following)
		follow(c);
}

/* Wait for work, at most until it is time to follow. */
static void
wait_for_work(struct committer *c)
{
	struct timespec until;

	if (!c->is_following) {
		pthread_cond_wait(&c->has_work, &c->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += FOLLOW_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	if (pthread_cond_timedwait(&c->has_work, &c->lock, &until) == 0)
		return;
	pthread_mutex_unlock(&c->lock);
	follow(c);
	pthread_mutex_lock(&c->lock);
}

/* Wait at most until ${us}. */
static void
wait_until(struct committer *c, uint64_t us)
{
	const struct timespec until = { .tv_sec = (time_t)(us / 1000000u),
		.tv_nsec = (long)(us % 1000000u) * 1000 };

	(void)pthread_cond_timedwait(&c->has_work, &c->lock, &until);
}

/*
 * How many of ${company} the next batch waits for.  Most of them: fewer and larger batches cost the least.
 * But a node to which nobody else writes may let two halves take turns: while the engine has one, the other
 * is answered and comes again.  That pays where the engine has nothing to do for long while most come again,
 * which is measured now and then; it would cost where a batch is dear however small, or few come.
 */
static uint64_t
share(struct committer *c, uint64_t company)
{
	const bool is_idle_long = IDLE_PART * c->gap_us > c->whole_us;

	c->is_whole = true;
	if (company >= HALVED_LEAST && is_idle_long && c->ops->is_alone != NULL &&
	    c->ops->is_alone(c->engine) && ++c->halves < MEASURE_EVERY)
		c->is_whole = false;
	else
		c->halves = 0;
	return c->is_whole ? company - company / 8 /* not for the slowest */ : company / 2;
}

/* Of a batch that waited for most: how long the engine had nothing to do before it, and how long it took.
 * Smoothed, since both leap. */
static void
measure(struct committer *c)
{
	if (!c->is_whole)
		return;
	c->gap_us = (7 * c->gap_us + c->idle_us) / 8;
	c->whole_us = (7 * c->whole_us + c->spent_us) / 8;
}

/*
 * Those that a batch has answered come again within a part of the time that the next one takes.  Without
 * waiting the first of them travels alone, and all others wait for its way there and back: every second batch
 * was one of a single change.  Whoever is alone waits for nobody.
 */
static void
gather(struct committer *c)
{
	const uint64_t half = c->spent_us / 2, most = c->ended_us + (half < GATHER_US ? half : GATHER_US);
	bool is_idle;

	if (!c->ops->is_far)
		return;
	c->wanted = share(c, c->company < GATHER_MOST ? c->company : GATHER_MOST);
	is_idle = c->stats.waiting < c->wanted;
	while (c->stats.waiting < c->wanted && !c->is_stopping && now_us() < most)
		wait_until(c, most);
	c->is_whole = c->is_whole && is_idle; /* else it says nothing of how long they are away */
	c->idle_us = c->stats.waiting < c->wanted ? half : now_us() - c->ended_us;
	if (c->idle_us > half)
		c->idle_us = half;
	c->wanted = 1;
}

/* Wait for work and take all of it; NULL when there will be no more. */
static struct commit *
take_all(struct committer *c)
{
	struct commit *list;

	pthread_mutex_lock(&c->lock);
	c->is_busy = false;
	while (c->is_led || (c->first == NULL && !c->is_stopping))
		wait_for_work(c);
	gather(c);
	list = c->first;
	c->is_busy = true;
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

static unsigned
copy_watchers(struct committer *c, struct watcher watchers[COMMITTER_WATCHERS])
{
	unsigned count;

	pthread_mutex_lock(&c->lock);
	count = c->watcher_count;
	for (unsigned i = 0; i < count; i++)
		watchers[i] = c->watchers[i];
	pthread_mutex_unlock(&c->lock);
	return count;
}

/* From an engine that tells what happened itself. */
static void
told(void *arg, const struct change *changes, size_t n)
{
	struct committer *c = arg;
	struct watcher watchers[COMMITTER_WATCHERS];
	const unsigned count = copy_watchers(c, watchers);

	tell(watchers, count, changes, n);
}

static void
tell_watchers(struct committer *c, const struct commit *list)
{
	struct watcher watchers[COMMITTER_WATCHERS];
	const unsigned count = copy_watchers(c, watchers);
	size_t n = 0;

	if (count == 0 || c->ops->listen != NULL)
		return;
	for (; list != NULL; list = list->next) {
		if (list->rc != RC_OK)
			continue;
		if (n + list->write_count + list->append_count > c->change_cap) {
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
	uint64_t size = 0;

	pthread_mutex_lock(&c->lock);
	c->stats.batches++;
	spread_add(&c->stats.sync, &spread_times, spent_us);
	for (; list != NULL; list = list->next) {
		size++;
		if (list->rc == RC_CONFLICT) {
			c->stats.conflicts++;
			continue;
		}
		*(list->rc == RC_OK ? &c->stats.commits : &c->stats.failed) += 1;
		c->refused_us = list->rc == RC_OK ? 0 : now_us();
	}
	c->lone_batches = size == 1 && spent_us < LONE_US && c->first == NULL ? c->lone_batches + 1 : 0;
	c->stats.waiting -= size;
	c->company = size + c->stats.waiting;
	spread_add(&c->stats.batch, &spread_counts, size);
	pthread_mutex_unlock(&c->lock);
}

static void
count_fold(struct committer *c, uint64_t spent_us)
{
	pthread_mutex_lock(&c->lock);
	spread_add(&c->stats.fold, &spread_times, spent_us);
	pthread_mutex_unlock(&c->lock);
}

/* Room to tell of ${commit}, before it is written: afterwards there is no way back. */
static bool
has_room(struct committer *c, const struct commit *commit)
{
	const size_t need = (size_t)commit->write_count + commit->append_count;
	struct change *grown;

	if (need <= c->change_cap)
		return true;
	if ((grown = reallocarray(c->changes, need, sizeof(*grown))) == NULL)
		return false;
	c->changes = grown;
	c->change_cap = need;
	return true;
}

/* Take those that may no longer be written, or not be told of, out of ${list}; returns them, in order. */
static struct commit *
take_refused(struct committer *c, struct commit **list)
{
	struct commit *refused = NULL, **refused_end = &refused;

	while (*list != NULL) {
		struct commit *commit = *list;

		commit->rc = !c->guard(c->guard_arg, commit) ? RC_CONFLICT
		    : !has_room(c, commit)                   ? RC_UNAVAILABLE
							     : RC_OK;
		if (commit->rc == RC_OK) {
			list = &commit->next;
			continue;
		}
		*list = commit->next;
		commit->next = NULL;
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
	c->spent_us = now_us() - start;
	while (*end != NULL)
		end = &(*end)->next;
	*end = refused;
	count_batch(c, list, c->spent_us);
	start = now_us();
	tell_watchers(c, list);
	count_fold(c, now_us() - start);
	for (; list != NULL; list = next) {
		next = list->next; /* after done, the commit may be gone */
		list->done(list);
	}
	c->ended_us = now_us();
	measure(c);
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
			follow_late(c);
		}
	}
	return NULL;
}

static bool
cond_init_monotonic(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	bool is_made;

	if (pthread_condattr_init(&attr) != 0)
		return false;
	is_made =
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 && pthread_cond_init(cond, &attr) == 0;
	(void)pthread_condattr_destroy(&attr);
	return is_made;
}

/* What asks a program to end is for the thread that waits for a person or for that (ctl/quiet.c). */
static bool
start(struct committer *c)
{
	static const int ending[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	sigset_t set, before;
	int error;

	(void)sigemptyset(&set);
	for (unsigned i = 0; i < COUNT_OF(ending); i++)
		(void)sigaddset(&set, ending[i]);
	(void)pthread_sigmask(SIG_BLOCK, &set, &before);
	error = pthread_create(&c->thread, NULL, run, c);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error == 0;
}

enum rc
committer_new(const struct engine_ops *ops, struct engine *engine, committer_guard_fn *guard, void *guard_arg,
    struct committer **out)
{
	struct committer *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (c == NULL || (c->changes = calloc(CHANGES, sizeof(*c->changes))) == NULL)
		goto fail_memory;
	c->change_cap = CHANGES;
	c->ops = ops;
	c->engine = engine;
	c->guard = guard;
	c->guard_arg = guard_arg;
	c->end = &c->first;
	c->wanted = 1;
	if (ops->listen != NULL)
		ops->listen(engine, told, c);
	if (pthread_mutex_init(&c->lock, NULL) != 0)
		goto fail_memory;
	if (!cond_init_monotonic(&c->has_work))
		goto fail_cond;
	if (pthread_cond_init(&c->followed, NULL) != 0)
		goto fail_followed;
	if (!start(c))
		goto fail_thread;
	*out = c;
	return RC_OK;

fail_thread:
	pthread_cond_destroy(&c->followed);
fail_followed:
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
	pthread_cond_destroy(&c->followed);
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
committer_follow(struct committer *c)
{
	pthread_mutex_lock(&c->lock);
	c->is_following = c->ops->follow != NULL;
	pthread_cond_signal(&c->has_work);
	while (c->is_following && !c->has_followed)
		pthread_cond_wait(&c->followed, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

void
committer_submit(struct committer *c, struct commit *commit)
{
	bool is_wanted;

	commit->next = NULL;
	pthread_mutex_lock(&c->lock);
	*c->end = commit;
	c->end = &commit->next;
	c->stats.waiting++;
	is_wanted = !c->is_led && c->stats.waiting >= c->wanted;
	pthread_mutex_unlock(&c->lock);
	if (is_wanted) /* after the unlock, or the thread would wake up only to wait for it */
		pthread_cond_signal(&c->has_work);
}

/* May a submitter have the next batch?  Then it is the submitter's until give_back. */
static bool
take_lead(struct committer *c)
{
	bool may;

	pthread_mutex_lock(&c->lock);
	may = c->lone_batches >= LONE_BATCHES && !c->is_busy && !c->is_led && c->first == NULL;
	if (may) {
		c->is_led = true;
		c->stats.waiting++;
	}
	pthread_mutex_unlock(&c->lock);
	return may;
}

/* Who came meanwhile is the thread's work: the submitter has its own. */
static void
give_back(struct committer *c)
{
	bool has_more; /* for the thread: work, or its end */

	pthread_mutex_lock(&c->lock);
	c->is_led = false;
	has_more = c->first != NULL || c->is_stopping;
	pthread_mutex_unlock(&c->lock);
	if (has_more)
		pthread_cond_signal(&c->has_work);
}

void
committer_submit_here(struct committer *c, struct commit *commit)
{
	if (c->ops->follow != NULL || !take_lead(c)) {
		committer_submit(c, commit);
		return;
	}
	commit->next = NULL;
	run_batch(c, commit);
	give_back(c);
}

void
committer_stats(struct committer *c, struct store_stats *out)
{
	pthread_mutex_lock(&c->lock);
	*out = c->stats;
	out->refused_ms = c->refused_us == 0 ? 0 : 1 + (int64_t)(now_us() - c->refused_us) / 1000;
	pthread_mutex_unlock(&c->lock);
	out->is_broken = c->ops->is_broken(c->engine);
	out->is_altered = c->ops->is_altered(c->engine);
	c->ops->room(c->engine, &out->map, &out->map_used);
}
