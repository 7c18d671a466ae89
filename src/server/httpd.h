/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event loop: an HTTP daemon with a thread of its own, to which an acceptor gives connections. Everything
 * that touches the daemon happens on that thread; others reach it by its inbox.
 */
#ifndef MENEDEK_HTTPD_H
#define MENEDEK_HTTPD_H

#include <sys/socket.h>

#include "call.h"
#include "server/crowd.h"
#include "server/pool.h"
#include "server/tally.h"
#include "server/tls.h"

struct httpd;

/** What the loops of one server share; all of it outlives them. */
struct httpd_setup {
	struct api *api;
	struct tls *tls;
	struct pool *pool;
	const struct trust *trust;
	struct crowd *crowd;
	struct tallies *tallies;
	unsigned connections; /* at most, in one loop */
	unsigned strangers;   /* at most of them before their certificate is verified */
	unsigned request_ms, idle_ms, ping_ms;
};

/** Start a loop. */
MUST_USE enum rc httpd_start(const struct httpd_setup *setup, struct httpd **out, struct fault *f);

/** Hand over a connected socket, which is closed in any case.  From any thread. */
void httpd_give(struct httpd *httpd, int fd, const struct sockaddr *address, socklen_t len);

/** Connections that it has or was given.  From any thread. */
unsigned httpd_load(const struct httpd *httpd);

/**
 * Take no more requests, finish those under way within LIMIT_STOP_MS, end the streams.  Returns at once;
 * httpd_stop waits.  Nothing may be given any more.
 */
void httpd_drain(struct httpd *httpd);

/**
 * Wait for the end of the loop and free it.  False if calls still wait for the store: they cannot be freed,
 * and the process can only exit.  NULL-safe.
 */
bool httpd_stop(struct httpd *httpd);

/* --- the listener for operators, a daemon of its own without TLS (httpd_health.c) --- */

struct httpd_health;

/** Text for ${path}: its HTTP status, 0 if there is no such path.  From the listener's thread. */
typedef unsigned httpd_health_fn(void *arg, const char *path, char *buf, size_t cap, size_t *len);

/** Serve GET on the listening socket ${fd}, which it takes over when it succeeds. */
MUST_USE enum rc httpd_health_start(int fd, httpd_health_fn *fn, void *arg, struct httpd_health **out);
void httpd_health_stop(struct httpd_health *health); /* NULL-safe */

#endif
