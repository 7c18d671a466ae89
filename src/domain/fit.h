/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does this household fit this house, now?  Rules are rows of a table in fit.c, each with its source; every
 * non-fit is a reason code.  Unit choice is exact: the fitting set of units that wastes the fewest places.
 */
#ifndef MENEDEK_FIT_H
#define MENEDEK_FIT_H

#include "domain/house.h"

/** Who asks: a path in is a rule of each type (DOMAIN 2). */
enum path_in { PATH_HELPLINE, PATH_FAMILY_SUPPORT };

struct fit {
	uint8_t answer; /* enum answer; ANSWER_CAPACITY and ANSWER_ASSESSMENT can be held */
	uint8_t reason_count;
	uint8_t reasons[LIMIT_REASONS]; /* enum fit_reason, most basic first; empty when it can be held */
	uint64_t units;                 /* chosen units when it can be held */
	uint8_t unit_count;
	uint8_t places;           /* places that can be given in the chosen units */
	uint8_t spare;            /* of those, not used by this household */
	bool address_unprotected; /* family home for a violence case: say so */
	int64_t confirmed_at; /* the oldest confirmation among the chosen units; of all units when none is */
};

void fit_house(const struct shelter *s, const struct house *h, const struct household *who, enum path_in path,
    int64_t now, struct fit *out);

/** Who asks, and which rules concern them: most say no to nobody without a pet, a man or a child with them.
 */
#define FIT_RULES 18u
struct fit_asker {
	const struct household *who; /* of the caller, as long as it asks */
	enum path_in path;
	uint8_t rule_count;
	uint8_t rules[FIT_RULES]; /* rows of the table in fit.c, in its order */
};

/** Once for all the houses that are asked. */
void fit_ask(const struct household *who, enum path_in path, struct fit_asker *out);

/**
 * Only the rules of the house (type, admission), whatever is free: could this household ever be taken?  A
 * house that is closed or retired takes nobody.  A waitlist is answered by fit_house only, and only when the
 * empty house would do.
 */
void fit_rules(const struct shelter *s, const struct fit_asker *asker, struct fit *out);

/** What fit_house adds to ${fit}, which fit_rules made for this house and household: the units, or why not.
 */
void fit_units(const struct shelter *s, const struct house *h, const struct household *who, int64_t now,
    struct fit *fit);

/** All of a house that fit_rules looks at, as bytes: equal bytes, equal answer for every household. */
#define FIT_CLASS_BYTES 14u
void fit_class(const struct shelter *s, uint8_t out[FIT_CLASS_BYTES]);

/**
 * Choose units for ${who}: the set (one unit, or up to LIMIT_JOINED of one join group, or part of a shared
 * unit) that holds all with the fewest spare places.  Returns the bit set, 0 if none; ${why} then gets the
 * reason.
 */
uint64_t fit_choose_units(const struct house *h, const struct shelter *s, const struct household *who,
    int64_t now, enum fit_reason *why);

/** The share that ${who} takes in ${units}. */
void fit_allocation(const struct household *who, uint64_t units, const struct id *reservation,
    int64_t expires_at, struct allocation *out);

#endif
