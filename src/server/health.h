/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators may ask: /livez, /readyz, /metrics.  Alive: the process answers.  Ready: it is not stopping,
 * its timer runs, and the store wrote the last change it was given.
 */
#ifndef MENEDEK_HEALTH_H
#define MENEDEK_HEALTH_H

#include "server/httpd.h"
#include "server/deliveries.h"

struct health_setup {
	struct parts *parts;
	struct api *api;
	struct tls *tls;
	struct pool *pool;
	const struct tallies *tallies;
	const struct deliveries *deliveries; /* or NULL */
};

struct health;

/** Serve on the listening socket ${fd}, taken over in any case.  What ${setup} names must outlive the result.
 */
MUST_USE enum rc health_start(const struct health_setup *setup, int fd, struct health **out);

/** NULL-safe. */
void health_stop(struct health *health);

/** The timer ran at monotonic ${now_ms}.  From any thread. */
void health_tick(struct health *health, int64_t now_ms);

/** Not ready any more: the server is stopping.  From any thread. */
void health_retire(struct health *health);

#endif
