/* SPDX-License-Identifier: Apache-2.0 */
/* The texts behind the operators' paths. */
#include "server/health.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define TIMER_MS 10000 /* a timer that has not run for so long is stuck */

struct health {
	struct health_setup setup;
	struct httpd_health *listener;
	atomic_bool is_retired;
	atomic_bool is_refusing; /* the store failed since the last tick and committed nothing */
	_Atomic int64_t ticked_ms;
	/* of the timer's thread */
	uint64_t commits, failed;
};

void
health_tick(struct health *health, int64_t now_ms)
{
	struct store_stats stats;

	store_stats(health->setup.parts->store, &stats);
	if (stats.commits != health->commits || stats.failed != health->failed)
		atomic_store(&health->is_refusing, stats.commits == health->commits);
	health->commits = stats.commits;
	health->failed = stats.failed;
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
	*len = text_add(buf, cap, 0, "%s\n", word);
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
	if (atomic_load(&health->is_refusing))
		return say(503, "store", buf, cap, len);
	if (clock_mono_ms() - atomic_load(&health->ticked_ms) > TIMER_MS)
		return say(503, "timer", buf, cap, len);
	return say(200, "ready", buf, cap, len);
}

static size_t
add_store(struct store *store, char *buf, size_t cap, size_t len)
{
	struct store_stats s;

	store_stats(store, &s);
	return text_add(buf, cap, len,
	    "# TYPE menedek_store_commits_total counter\nmenedek_store_commits_total %" PRIu64 "\n"
	    "# TYPE menedek_store_conflicts_total counter\nmenedek_store_conflicts_total %" PRIu64 "\n"
	    "# TYPE menedek_store_batches_total counter\nmenedek_store_batches_total %" PRIu64 "\n"
	    "# TYPE menedek_store_failed_total counter\nmenedek_store_failed_total %" PRIu64 "\n"
	    "# TYPE menedek_store_sync_seconds_total counter\nmenedek_store_sync_seconds_total %" PRIu64
	    ".%06" PRIu64 "\n",
	    s.commits, s.conflicts, s.batches, s.failed, s.sync_us_total / 1000000,
	    s.sync_us_total % 1000000);
}

static unsigned
metrics(struct health *health, char *buf, size_t cap, size_t *out)
{
	const struct health_setup *s = &health->setup;
	size_t len = tally_print(s->tallies, buf, cap, 0);

	len = text_add(buf, cap, len, "# TYPE menedek_handshakes_total counter\n");
	for (unsigned i = 0; i < TLS_VERDICT_COUNT; i++)
		len = text_add(buf, cap, len, "menedek_handshakes_total{certificate=\"%s\"} %" PRIu64 "\n",
		    tls_verdict_name(i), tls_judged(s->tls, i));
	len = text_add(
	    buf, cap, len, "# TYPE menedek_slow_queue gauge\nmenedek_slow_queue %u\n", pool_waiting(s->pool));
	len = add_store(s->parts->store, buf, cap, len);
	if (len < cap)
		len += api_metrics(s->api, buf + len, cap - len);
	if (len >= cap)
		return say(500, "metrics do not fit", buf, cap, out);
	*out = len;
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
