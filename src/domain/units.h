/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which units of one house shall a household get?  An exact search: of all sets that hold it, the one that
 * wastes the fewest places, then the one with the fewest units, then a private one before a shared one.
 */
#ifndef MENEDEK_UNITS_H
#define MENEDEK_UNITS_H

#include "domain/house.h"

struct unit_choice {
	uint64_t units;      /* 0 = none */
	unsigned count;      /* of units */
	unsigned places;     /* that can be given in them */
	unsigned spare;      /* of those, not used by this household */
	enum fit_reason why; /* when there is none */
	bool is_only_taken;  /* when there is none: the same house, empty, could take the household */
	int64_t
	    confirmed_at; /* oldest confirmation of the units chosen, or of all units when there is none */
};

/** Choose in ${h} at ${now}.  Also refuses what the licensed capacity of ${s} does not allow (H3). */
/*@ requires \valid_read(h) && \valid_read(s) && \valid_read(who) && \valid(out);
    assigns *out;
*/
void units_choose(const struct house *h, const struct shelter *s, const struct household *who, int64_t now,
    struct unit_choice *out);

#endif
