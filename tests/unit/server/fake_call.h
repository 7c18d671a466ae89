/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for api/ behind call.h, with one path for each way a call can go, and for the two things of
 * lower layers that the server asks: the state of a certificate and the store's counters.  To be included by
 * one file of a program.
 */
#ifndef TEST_FAKE_CALL_H
#define TEST_FAKE_CALL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "call.h"

#define FAKE_BODY    4096u
#define FAKE_DEVICES 8u

/* --- trust --- */

static _Atomic uint64_t fake_generation;

struct trust {
	pthread_mutex_t lock;
	unsigned count;
	struct {
		uint8_t fingerprint[32];
		enum trust_state state;
	} device[FAKE_DEVICES];
};

static inline void
fake_enrol(struct trust *trust, const uint8_t fingerprint[32], enum trust_state state)
{
	unsigned i = 0;

	pthread_mutex_lock(&trust->lock);
	while (i < trust->count && memcmp(trust->device[i].fingerprint, fingerprint, 32) != 0)
		i++;
	memcpy(trust->device[i].fingerprint, fingerprint, 32);
	trust->device[i].state = state;
	fake_generation += state == TRUST_REVOKED;
	if (i == trust->count)
		trust->count++;
	pthread_mutex_unlock(&trust->lock);
}

enum trust_state
trust_lookup(const struct trust *trust, const uint8_t print[32])
{
	struct trust *t = (struct trust *)(uintptr_t)trust;
	enum trust_state state = TRUST_UNKNOWN;

	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->count; i++) {
		if (memcmp(t->device[i].fingerprint, print, 32) == 0)
			state = t->device[i].state;
	}
	pthread_mutex_unlock(&t->lock);
	return state;
}

uint64_t
trust_generation(const struct trust *trust)
{
	(void)trust;
	return fake_generation;
}

/* --- store --- */

static _Atomic uint64_t fake_commits, fake_failed;

void
store_stats(struct store *store, struct store_stats *out)
{
	(void)store;
	*out = (struct store_stats){ .commits = fake_commits, .failed = fake_failed };
}

int64_t
store_sure_now(const struct store *store)
{
	(void)store;
	return clock_now();
}

static _Atomic bool fake_is_behind;

bool
store_answers(struct store *store)
{
	(void)store;
	return !fake_is_behind;
}

/* --- calls --- */

enum fake_kind {
	FAKE_ECHO,
	FAKE_WAIT,
	FAKE_SLOW,
	FAKE_SLOW_WAIT,
	FAKE_HELD, /* slow until api->go lets it */
	FAKE_TELL,
	FAKE_STREAM,
	FAKE_REFUSED,
	FAKE_STUCK,
	FAKE_NONE
};

static const struct {
	const char *path;
	enum fake_kind kind;
} fake_paths[] = { { "/echo", FAKE_ECHO }, { "/wait", FAKE_WAIT }, { "/slow", FAKE_SLOW },
	{ "/slow-wait", FAKE_SLOW_WAIT }, { "/held", FAKE_HELD }, { "/tell", FAKE_TELL },
	{ "/stream", FAKE_STREAM }, { "/refused", FAKE_REFUSED }, { "/stuck", FAKE_STUCK } };

struct call {
	struct api *api;
	struct call_head head;
	void (*wake)(void *arg);
	void *arg;
	enum fake_kind kind;
	unsigned runs;
	atomic_bool is_pending; /* a wake is due */
	atomic_bool is_running; /* two threads in one call would be a bug of the server */
	struct reply reply;
	char body[FAKE_BODY];
	size_t len;
	/* streams; guarded by the api's lock */
	unsigned events, sent;
	struct call *next;
};

/* The committer: wakes what waits, a moment later, and streams a few times. */
struct api {
	const struct trust *trust;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	bool is_stopping;
	struct call *waiting; /* by next */
	struct call *streams; /* by next */
	atomic_uint calls, ticks, freed, wrong;
	atomic_bool is_frozen; /* commits do not come back */
	sem_t go;              /* one FAKE_HELD each */
};

static inline void
fake_wake(struct call *call)
{
	void (*wake)(void *) = call->wake;
	void *arg = call->arg;

	call->is_pending = false;
	fake_commits++;
	wake(arg);
}

static inline void *
fake_commit(void *arg)
{
	struct api *api = arg;

	pthread_mutex_lock(&api->lock);
	while (!api->is_stopping) {
		struct timespec until;

		while (api->waiting != NULL && !api->is_frozen) {
			struct call *call = api->waiting;

			api->waiting = call->next;
			fake_wake(call); /* under the lock, as a store never would: nothing in a wake may call
					    back */
		}
		for (struct call *call = api->streams; call != NULL; call = call->next) {
			if (call->events == 0)
				continue;
			call->wake(call->arg);
		}
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&api->work, &api->lock, &until);
	}
	pthread_mutex_unlock(&api->lock);
	return NULL;
}

enum rc
api_new(struct parts *parts, struct api **out, struct fault *f)
{
	struct api *api = calloc(1, sizeof(*api));

	(void)f;
	api->trust = parts->trust;
	pthread_mutex_init(&api->lock, NULL);
	pthread_cond_init(&api->work, NULL);
	sem_init(&api->go, 0, 0);
	pthread_create(&api->thread, NULL, fake_commit, api);
	*out = api;
	return RC_OK;
}

void
api_free(struct api *api)
{
	pthread_mutex_lock(&api->lock);
	api->is_stopping = true;
	pthread_cond_signal(&api->work);
	pthread_mutex_unlock(&api->lock);
	pthread_join(api->thread, NULL);
	sem_destroy(&api->go);
	pthread_cond_destroy(&api->work);
	pthread_mutex_destroy(&api->lock);
	free(api);
}

static inline void
fake_reply(struct call *call, unsigned status, const char *type)
{
	call->reply.status = status;
	call->reply.content_type = type;
	call->reply.body = (struct bytes){ (const uint8_t *)call->body, call->len };
}

struct call *
call_new(struct api *api, const struct call_head *head, void (*wake)(void *arg), void *arg)
{
	struct call *call = calloc(1, sizeof(*call));

	api->calls++;
	call->api = api;
	call->head = *head;
	call->wake = wake;
	call->arg = arg;
	call->kind = FAKE_NONE;
	for (size_t i = 0; i < COUNT_OF(fake_paths); i++) {
		if (strcmp(head->path, fake_paths[i].path) == 0)
			call->kind = fake_paths[i].kind;
	}
	if (call->kind == FAKE_REFUSED)
		fake_reply(call, 403, NULL);
	if (call->kind == FAKE_NONE) {
		call->len = (size_t)snprintf(call->body, sizeof(call->body), "none");
		fake_reply(call, 404, "text/plain");
	}
	if (head->query != NULL)
		call->events = (unsigned)strtoul(head->query, NULL, 10);
	return call;
}

static inline void
fake_unlink(struct call **list, struct call *call)
{
	while (*list != NULL && *list != call)
		list = &(*list)->next;
	if (*list != NULL)
		*list = call->next;
}

void
call_free(struct call *call)
{
	struct api *api = call->api;

	if (call->is_pending || call->is_running)
		api->wrong++;
	pthread_mutex_lock(&api->lock);
	fake_unlink(&api->streams, call);
	pthread_mutex_unlock(&api->lock);
	api->freed++;
	free(call);
}

bool
call_is_refused(const struct call *call)
{
	return call->kind == FAKE_REFUSED || call->kind == FAKE_NONE;
}

bool
call_body(struct call *call, struct bytes piece)
{
	if (piece.len > sizeof(call->body) - call->len) {
		call->len = 0;
		fake_reply(call, 413, NULL);
		return false;
	}
	memcpy(call->body + call->len, piece.p, piece.len);
	call->len += piece.len;
	return true;
}

/* Wait for the committer; every other time it is quicker than we return. */
static inline enum call_step
fake_wait(struct call *call)
{
	struct api *api = call->api;

	call->is_pending = true;
	if (rand() % 2 == 0 && !api->is_frozen) {
		fake_wake(call);
		return CALL_WAIT;
	}
	pthread_mutex_lock(&api->lock);
	call->next = api->waiting;
	api->waiting = call;
	pthread_cond_signal(&api->work);
	pthread_mutex_unlock(&api->lock);
	return CALL_WAIT;
}

static inline enum call_step
fake_subscribe(struct call *call)
{
	struct api *api = call->api;

	fake_reply(call, 200, "text/event-stream");
	pthread_mutex_lock(&api->lock);
	call->next = api->streams;
	api->streams = call;
	pthread_mutex_unlock(&api->lock);
	return CALL_STREAM;
}

static inline enum call_step
fake_run(struct call *call, bool may_be_slow)
{
	const bool is_slow = call->kind == FAKE_SLOW || call->kind == FAKE_SLOW_WAIT ||
	    call->kind == FAKE_HELD || call->kind == FAKE_TELL;

	call->runs++;
	if (is_slow && call->runs == 1)
		return call->kind == FAKE_TELL ? CALL_TELL : CALL_OFFLOAD;
	if (is_slow && call->runs == 2) {
		if (!may_be_slow)
			call->api->wrong++;
		usleep(1000);
		while (call->kind == FAKE_HELD && sem_wait(&call->api->go) != 0)
			continue; /* a signal */
	}
	if (call->kind == FAKE_SLOW_WAIT && call->runs == 2)
		return fake_wait(call);
	if (call->kind == FAKE_STUCK && call->runs == 1) {
		call->is_pending = true;
		return CALL_WAIT;
	}
	if (call->kind == FAKE_WAIT && call->runs < 4)
		return fake_wait(call);
	if (call->kind == FAKE_STREAM)
		return fake_subscribe(call);
	fake_reply(call, 200, "text/plain");
	return CALL_DONE;
}

enum call_step
call_run(struct call *call, enum call_pace pace)
{
	enum call_step step;

	if (call->is_pending || atomic_exchange(&call->is_running, true))
		call->api->wrong++;
	/* the wake may come before this returns, but nobody may run or free the call before it has */
	step = fake_run(call, pace == CALL_SLOW);
	atomic_store(&call->is_running, false);
	return step;
}

const struct reply *
call_reply(const struct call *call)
{
	return &call->reply;
}

int
call_stream_read(struct call *call, char *buf, size_t cap)
{
	struct api *api = call->api;
	int n = 0;

	if (trust_lookup(api->trust, call->head.fingerprint) != TRUST_ACTIVE)
		return -1;
	pthread_mutex_lock(&api->lock);
	if (call->sent < call->events)
		n = snprintf(buf, cap, "id: %u\ndata: {}\n\n", ++call->sent);
	else if (call->events > 0)
		n = -1;
	pthread_mutex_unlock(&api->lock);
	return n;
}

const char *
call_operation(const struct call *call)
{
	(void)call;
	return "fake";
}

const char *
call_request_id(const struct call *call)
{
	(void)call;
	return "01234567890123456789abcdef";
}

void
call_problem_static(enum rc rc, struct reply *out)
{
	static const char text[] = "{\"problem\":true}";

	*out = (struct reply){ .status = rc_http(rc),
		.body = { (const uint8_t *)text, sizeof(text) - 1 },
		.content_type = "application/problem+json" };
}

void
api_tick(struct api *api, int64_t now)
{
	(void)now;
	api->ticks++;
}

size_t
api_metrics(struct api *api, char *buf, size_t cap)
{
	return (size_t)snprintf(buf, cap, "fake_calls_total %u\n", api->calls);
}

#endif
