/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate limits per device: token buckets, in a fixed table (a device that falls on another's slot shares its
 * bucket, which can only make both stricter).  Slow routes cost more, so that a stolen laptop cannot guess
 * passphrases or burn the CPU.
 */
#include "gate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define SLOTS        4096u
#define BUCKET       2000u /* units a device may spend at once */
#define REFILL       200u  /* units a second */
#define COST_REQUEST 1u
#define COST_SLOW    20u /* a passphrase costs 98 ms of a core: at most 10 a second, 100 at once */

struct slot {
	int64_t at_ms;
	uint32_t milli; /* thousandths of a unit left */
};

struct limiter {
	pthread_mutex_t lock; /* guards slots */
	struct slot slots[SLOTS];
};

enum rc
limiter_new(struct limiter **out)
{
	struct limiter *l = calloc(1, sizeof(*l));

	*out = l;
	if (!l)
		return RC_UNAVAILABLE;
	pthread_mutex_init(&l->lock, NULL);
	return RC_OK;
}

void
limiter_free(struct limiter *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void
refill(struct slot *s, int64_t now_ms)
{
	int64_t gone = s->at_ms == 0 ? BUCKET * 1000 : now_ms - s->at_ms;
	int64_t milli = (int64_t)s->milli + gone * REFILL;

	s->milli = milli > BUCKET * 1000 ? BUCKET * 1000 : (uint32_t)milli;
	s->at_ms = now_ms;
}

enum rc
limiter_take(struct call *c)
{
	struct limiter *l = c->api->limiter;
	struct slot *s = &l->slots[get_u32(c->head.fingerprint) % SLOTS];
	uint32_t cost = 1000 * (c->route->flags & R_SLOW ? COST_SLOW : COST_REQUEST);
	bool ok;

	pthread_mutex_lock(&l->lock);
	refill(s, clock_mono_ms());
	ok = s->milli >= cost;
	if (ok)
		s->milli -= cost;
	uint32_t units = s->milli / 1000;
	pthread_mutex_unlock(&l->lock);
	snprintf(c->rate, sizeof(c->rate), "\"device\";r=%u;t=%u", units, (BUCKET - units) / REFILL);
	call_header(c, "RateLimit-Policy", "\"device\";q=2000;w=10");
	call_header(c, "RateLimit", c->rate);
	return ok ? RC_OK : RC_SLOW_DOWN;
}
