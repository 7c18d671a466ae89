/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic of waiting.  Knows no person, no device and no clock. */
#include "domain/lockout.h"

#define HOUR         3600
#define DAY          (24 * HOUR)
#define FORGET       (12 * HOUR) /* a shift: its typing mistakes are not the next one's */
#define HOME         (30 * DAY)
#define MOST_COUNTED 1000u

static const struct {
	unsigned free; /* failures that cost no wait: people mistype */
	unsigned most; /* seconds */
} rules[LOCKOUT_SCOPES] = {
	[LOCKOUT_DEVICE] = { 3, 15 * 60 },
	/* many devices, few tries on each: enough for who spreads guesses over stolen laptops, and not enough
	 * to keep anybody out */
	[LOCKOUT_PERSON] = { 5, 30 },
};

static bool
is_forgotten(const struct attempts *a, int64_t now)
{
	return a->failures == 0 || now - a->last_at >= FORGET;
}

unsigned
lockout_wait(enum lockout_scope scope, const struct attempts *a, int64_t now)
{
	const unsigned most = rules[scope].most;
	unsigned delay = 1;

	if (is_forgotten(a, now) || a->failures <= rules[scope].free)
		return 0;
	for (unsigned n = rules[scope].free; n < a->failures && delay < most; n++)
		delay *= 2;
	if (delay > most)
		delay = most;
	/* The clock was set back.  By more than the longest wait, who waited would wait until it is there
	 * again, since only a try that is let in moves ${last_at}: one is, and if it fails it counts as of
	 * now. */
	if (now < a->last_at)
		return a->last_at - now > (int64_t)most ? 0 : delay;
	return now - a->last_at < delay ? delay - (unsigned)(now - a->last_at) : 0;
}

bool
lockout_is_home(const struct attempts *a, int64_t now)
{
	return a->welcome_at != 0 && now - a->welcome_at < HOME;
}

void
lockout_fail(struct attempts *a, int64_t now)
{
	if (is_forgotten(a, now))
		a->failures = 0;
	if (a->failures < MOST_COUNTED)
		a->failures++;
	a->last_at = now;
}

bool
lockout_succeed(struct attempts *a, int64_t now)
{
	/* to the day, or every sign-in would write the row */
	if (a->failures == 0 && a->welcome_at != 0 && now >= a->welcome_at && now - a->welcome_at < DAY)
		return false;
	*a = (struct attempts){ .welcome_at = now };
	return true;
}

bool
lockout_is_spent(const struct attempts *a, int64_t now)
{
	return is_forgotten(a, now) && !lockout_is_home(a, now);
}
