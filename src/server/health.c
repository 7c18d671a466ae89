/* SPDX-License-Identifier: Apache-2.0 */
/* The texts behind the operators' paths. */
#include "server/health.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define TIMER_MS 10000 /* a timer that has not run for so long is stuck */

struct health {
	struct health_setup setup;
	struct httpd_health *listener;
	atomic_bool is_retired;
	_Atomic int64_t ticked_ms;
};

/*
 * Has the store refused the last change?  Nobody sends another to a node that is not ready, so none would
 * ever show that the outage is over.  But what a node of several writes of itself each second waits for a
 * standby as a change does: one that was confirmed after the refusal shows it.
 */
static bool
is_refusing(struct store *store)
{
	struct store_stats s;

	store_stats(store, &s);
	return s.refused_ms > 0 && (s.timeline == 0 || s.is_broken || s.silence_ms >= s.refused_ms);
}

void
health_tick(struct health *health, int64_t now_ms)
{
	atomic_store(&health->ticked_ms, now_ms);
}

void
health_retire(struct health *health)
{
	atomic_store(&health->is_retired, true);
}

static unsigned
say(unsigned status, const char *word, char *buf, size_t cap, size_t *len)
{
	*len = (size_t)snprintf(buf, cap, "%s\n", word); /* a word: it fits */
	return status;
}

static unsigned
livez(struct health *health, char *buf, size_t cap, size_t *len)
{
	(void)health;
	return say(200, "alive", buf, cap, len);
}

static unsigned
readyz(struct health *health, char *buf, size_t cap, size_t *len)
{
	if (atomic_load(&health->is_retired))
		return say(503, "stopping", buf, cap, len);
	if (is_refusing(health->setup.parts->store))
		return say(503, "store", buf, cap, len);
	if (!store_answers(health->setup.parts->store))
		return say(503, "behind", buf, cap, len);
	if (clock_mono_ms() - atomic_load(&health->ticked_ms) > TIMER_MS)
		return say(503, "timer", buf, cap, len);
	return say(200, "ready", buf, cap, len);
}

static void
add_store(struct store *store, struct expose *e)
{
	struct store_stats s;

	store_stats(store, &s);
	expose_one(
	    e, "menedek_store_commits_total", "counter", "Transactions made durable", (int64_t)s.commits);
	expose_one(e, "menedek_store_conflicts_total", "counter",
	    "Transactions that ran again since what they read had changed", (int64_t)s.conflicts);
	expose_one(e, "menedek_store_failed_total", "counter", "Transactions that the disk refused",
	    (int64_t)s.failed);
	expose_one(e, "menedek_store_broken", "gauge", "1 after a disk error, until the store is opened anew",
	    s.is_broken);
	expose_one(e, "menedek_store_altered", "gauge",
	    "1 when the store, as it was opened, was not what its last commit left", s.is_altered);
	expose_one(e, "menedek_store_queue", "gauge", "Transactions that wait for the committer",
	    (int64_t)s.waiting);
	expose_one(
	    e, "menedek_store_map_bytes", "gauge", "Most that the store's file may grow to", (int64_t)s.map);
	expose_one(e, "menedek_store_map_used_bytes", "gauge",
	    "Size of the store so far, free pages included", (int64_t)s.map_used);
	expose_head(e, "menedek_store_batch_commits", "histogram", "Transactions that went down together");
	expose_spread(e, "menedek_store_batch_commits", NULL, &s.batch, &spread_counts);
	expose_head(e, "menedek_store_sync_seconds", "histogram", "Writing and syncing of one batch");
	expose_spread(e, "menedek_store_sync_seconds", NULL, &s.sync, &spread_times);
	expose_head(e, "menedek_store_fold_seconds", "histogram",
	    "From a batch on disk to index, event feed and enrolled devices: how far these are behind");
	expose_spread(e, "menedek_store_fold_seconds", NULL, &s.fold, &spread_times);
}

static void
add_database(struct store *store, struct expose *e)
{
	struct store_stats s;

	store_stats(store, &s);
	expose_one(e, "menedek_database_timeline", "gauge",
	    "Timeline of the database that several nodes share, 0 without one", (int64_t)s.timeline);
	expose_one(e, "menedek_database_silence_seconds", "gauge",
	    "Since a primary last confirmed this node's copy of that database, 0 without one",
	    s.silence_ms / 1000);
	expose_one(e, "menedek_clock_ahead_seconds", "gauge",
	    "How far this clock is ahead of the other nodes', < 0 behind; 0 within ten seconds",
	    s.clock_ahead);
	expose_one(e, "menedek_keys_keeper", "gauge",
	    "1 where keys are made and destroyed: on one machine, and on one of several nodes", s.keeps_keys);
}

static void
add_tls(struct tls *tls, struct expose *e)
{
	char label[64];

	expose_head(
	    e, "menedek_handshakes_total", "counter", "Client certificates by the judgement they got");
	for (unsigned i = 0; i < TLS_VERDICT_COUNT; i++) {
		(void)snprintf(label, sizeof(label), "certificate=\"%s\"", tls_verdict_name(i));
		expose_sample(e, "menedek_handshakes_total", label, (int64_t)tls_judged(tls, i));
	}
	expose_one(e, "menedek_server_certificate_end_seconds", "gauge",
	    "When the server's certificate ends, in seconds since 1970", tls_ends_at(tls));
}

static unsigned
metrics(struct health *health, char *buf, size_t cap, size_t *out)
{
	const struct health_setup *s = &health->setup;
	struct expose e = { .buf = buf, .cap = cap };

	tally_print(s->tallies, &e);
	add_tls(s->tls, &e);
	expose_one(
	    &e, "menedek_slow_queue", "gauge", "Requests that wait for a slow thread", pool_waiting(s->pool));
	add_store(s->parts->store, &e);
	add_database(s->parts->store, &e);
	deliveries_expose(s->deliveries, &e);
	if (e.len < cap)
		e.len += api_metrics(s->api, buf + e.len, cap - e.len);
	if (e.len >= cap)
		return say(500, "metrics do not fit", buf, cap, out);
	*out = e.len;
	return 200;
}

static unsigned
answer(void *arg, const char *path, char *buf, size_t cap, size_t *len)
{
	static const struct {
		const char *path;
		unsigned (*fn)(struct health *health, char *buf, size_t cap, size_t *len);
	} paths[] = { { "/livez", livez }, { "/readyz", readyz }, { "/metrics", metrics } };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (strcmp(path, paths[i].path) == 0)
			return paths[i].fn(arg, buf, cap, len);
	}
	return 0;
}

enum rc
health_start(const struct health_setup *setup, int fd, struct health **out)
{
	struct health *health = calloc(1, sizeof(*health));

	*out = NULL;
	if (health == NULL) {
		(void)close(fd);
		return RC_UNAVAILABLE;
	}
	health->setup = *setup;
	atomic_store(&health->ticked_ms, clock_mono_ms());
	if (httpd_health_start(fd, answer, health, &health->listener) != RC_OK) {
		(void)close(fd);
		free(health);
		return RC_UNAVAILABLE;
	}
	*out = health;
	return RC_OK;
}

void
health_stop(struct health *health)
{
	if (health == NULL)
		return;
	httpd_health_stop(health->listener);
	free(health);
}
