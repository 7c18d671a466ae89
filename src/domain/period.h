/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Periods of statistics: whole calendar quarters and years, and only when they are over.  With free first and
 * last days a reader would take two periods that differ by one day and subtract them: what is left is that
 * day, whatever its cells withhold.
 */
#ifndef MENEDEK_PERIOD_H
#define MENEDEK_PERIOD_H

#include "domain/civil.h"

#define PERIOD_QUARTERS 4u
#define PERIOD_TEXT     8u /* "2026-Q3" */

struct period {
	int year;
	unsigned quarter; /* 1 to 4; 0: the whole year */
};

/** "2026" or "2026-Q3", of the years 2000 to 2999; nothing else. */
MUST_USE bool period_parse(const char *text, size_t len, struct period *out);
void period_format(struct period p, char out[PERIOD_TEXT]);

day_number period_first_day(struct period p);
day_number period_last_day(struct period p);

/** Nothing that happens from ${today} on belongs to it. */
bool period_is_over(struct period p, day_number today);

/** The latest quarter that is over. */
struct period period_last_quarter(day_number today);

/** The quarter of ${day}, 1 to 4. */
unsigned period_quarter_of(day_number day);

#endif
