/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that an operator may change while the service runs: windows of a booking, ages of a statement, rate
 * limits.  Readers on any thread take one look and no lock.  Knows no file and no name of a setting.
 */
#ifndef MENEDEK_TUNING_H
#define MENEDEK_TUNING_H

#include <stdatomic.h>

#include "domain/rank.h"
#include "domain/reservation.h"

/** What one device may ask: a bucket of units that fills again.  A slow route (a passphrase) costs more. */
struct rate_rule {
	uint32_t burst, per_second, slow_cost;
};
#define RATE_ROW              \
	{                     \
		2000, 200, 20 \
	} /* 98 ms of a core each: 10 passphrases a second */

struct tuning {
	struct booking_rules booking;
	struct freshness_rule freshness;
	struct rate_rule rate;
};

struct tuning_kept;

/** All zero: the built-in numbers are in force. */
struct tunings {
	_Atomic(const struct tuning *) now;
	struct tuning_kept *all; /* for who changes them only */
};

/** The numbers in force.  Valid until tunings_fini, also when others are in force by then. */
const struct tuning *tunings_now(const struct tunings *t);

/** From now on ${next}, copied; a request that is under way may end by the old ones.  One thread at a time.
 */
MUST_USE enum rc tunings_change(struct tunings *t, const struct tuning *next);

/** When nobody reads any more. */
void tunings_fini(struct tunings *t);

#endif
