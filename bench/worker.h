/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread of the load generator: its connections, their requests, what it measured.  In a closed loop
 * every connection sends its next request when it has its answer.  In an open loop requests fall due at a
 * fixed rate whatever the server does, a free connection takes the oldest, and the latency counts from the
 * moment when it was due.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include <openssl/ssl.h>

#include "histogram.h"
#include "script.h"

#define WORKER_STATUSES 600u

enum worker_mode {
	WORKER_KEEP,   /* one connection, many requests */
	WORKER_FULL,   /* a connection and a whole handshake for each request */
	WORKER_RESUME, /* the same, but with the session of the one before */
};

/* What all threads share and nobody changes once has_begun is set. */
struct worker_plan {
	const struct script *script;
	const struct clients *clients;
	const char *authority; /* PEM file that the server's certificate must come from */
	enum worker_mode mode;
	int port;
	unsigned connections; /* of each thread */
	unsigned flight;      /* requests under way in each thread at most; the connections take turns */
	double rate;          /* requests a second of each thread; 0 is the closed loop */
	/* set when all threads are connected, before has_begun is; handshakes are not waited for when they
	 * are the work */
	uint64_t start_ns, count_ns, end_ns;
	atomic_uint connected;
	atomic_bool has_begun;
};

struct worker_result {
	struct histogram latency;
	struct histogram step[SCRIPT_STEPS];
	uint64_t status[WORKER_STATUSES];
	uint64_t answers;    /* whole answers, expected or not */
	uint64_t good;       /* of them with an expected status */
	uint64_t bytes;      /* of answers, head and body */
	uint64_t handshakes; /* all of them, resumed or not */
	uint64_t resumed;
	uint64_t broken;      /* connections that ended before their answer */
	uint64_t late;        /* due, but not answered at the end: counted with the time until then */
	uint64_t retry_after; /* 503 that said when to come again */
};

struct conn;

struct worker {
	struct worker_plan *plan;
	unsigned number;
	pthread_t thread;
	struct worker_result result;
	bool has_failed;
	bool is_over; /* no script is begun: not yet, or not any more */
	/* the rest is the thread's own */
	SSL_CTX **tls; /* by client */
	struct conn *conns;
	struct conn *idle, *idle_last; /* waiting for their turn */
	unsigned in_flight;
	unsigned shown;
	uint64_t due_count;
	uint64_t counter, random, run;
	int epoll;
};

/** The monotonic clock. */
uint64_t worker_now_ns(void);

/** Run on this thread from now to the plan's end; an argument for pthread_create.  Sets has_failed when it
 * could not work. */
void *worker_run(void *arg);

#endif
