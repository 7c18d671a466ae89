/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate limits per device: token buckets, in a fixed table (a device that falls on another's slot shares its
 * bucket, which can only make both stricter).  Slow routes cost more, so that a stolen laptop cannot guess
 * passphrases or burn the CPU.
 */
#include "gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define SLOTS 4096u

struct slot {
	int64_t at_ms;
	int64_t milli; /* thousandths of a unit left */
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
refill(struct slot *s, int64_t now_ms, const struct rate_rule *rate)
{
	const int64_t full = (int64_t)rate->burst * 1000;
	const int64_t gone = s->at_ms == 0 ? full : now_ms - s->at_ms;
	const int64_t milli = s->milli + gone * rate->per_second;

	s->milli = milli > full ? full : milli;
	s->at_ms = now_ms;
}

static size_t
put_parameter(char *out, char name, uint32_t value)
{
	out[0] = ';';
	out[1] = name;
	out[2] = '=';
	return 3 + decimal_format(value, out + 3);
}

/* "device";a=1;b=2 - on every answer, so without a format to be read each time. */
static void
put_field(char out[RATE_FIELD], char first, uint32_t a, char second, uint32_t b)
{
	static const char whose[] = "\"device\"";
	size_t len = sizeof(whose) - 1;

	_Static_assert(sizeof(whose) - 1 + 2 * (3 + DECIMAL_MAX) + 1 <= RATE_FIELD, "both must fit");
	memcpy(out, whose, len);
	len += put_parameter(out + len, first, a);
	(void)put_parameter(out + len, second, b);
}

/* A passphrase takes a tenth of a second of a core, the longest walk along the trail 5 ms, or 20 on a slow
 * one. */
static uint32_t
cost_of(const struct route *route, const struct rate_rule *rate)
{
	/* what one device may ask at once must leave others half of the places before the slow threads */
	const uint32_t least = rate->burst / (LIMIT_OFFLOAD / 2) + 1;
	const uint32_t cost = route->flags & R_SLOW ? rate->slow_cost : rate->slow_cost / 4;

	if ((route->flags & (R_SLOW | R_WALK)) == 0)
		return 1;
	return cost > least ? cost : least;
}

enum rc
limiter_take(struct call *c)
{
	struct limiter *l = c->api->limiter;
	struct slot *s = &l->slots[get_u32(c->head.fingerprint) % SLOTS];
	const struct rate_rule *rate = &parts_tuning(c->api->parts)->rate;
	const int64_t cost = (int64_t)cost_of(c->route, rate) * 1000;
	bool ok;

	pthread_mutex_lock(&l->lock);
	refill(s, clock_mono_ms(), rate);
	ok = s->milli >= cost;
	if (ok)
		s->milli -= cost;
	uint32_t units = (uint32_t)(s->milli / 1000);
	pthread_mutex_unlock(&l->lock);
	put_field(c->rate, 'r', units, 't', (rate->burst - units) / rate->per_second);
	put_field(
	    c->rate_policy, 'q', rate->burst, 'w', (rate->burst + rate->per_second - 1) / rate->per_second);
	call_header(c, "RateLimit-Policy", c->rate_policy);
	call_header(c, "RateLimit", c->rate);
	return ok ? RC_OK : RC_SLOW_DOWN;
}
