/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be told to the world of how many places there are, and how many can be had: by county for types
 * whose address is public, for the whole country for all types.  Counties and country pass the gate of the
 * statistics (domain/suppress.h) as one table, so that no withheld county follows from the country; family
 * places and places (persons) are two measures and never added to each other.
 */
#ifndef MENEDEK_INVENTORY_H
#define MENEDEK_INVENTORY_H

#include "domain/civil.h"
#include "domain/codes.h"
#include "domain/shares.h"
#include "service/parts.h"

/** What can be had is told in steps: one family that moves in seldom shows, and then not how large it is. */
#define INVENTORY_STEP 5u

#define INVENTORY_TYPES (TYPE_ADDICTION_HOME + 1u)

struct inventory_cell {
	uint32_t houses;
	uint32_t families; /* households that could live there: private units, adult beds of shared ones */
	uint32_t places;   /* persons, as licensed (férőhely) */
	uint32_t free_families, free_places; /* at least so many: rounded down to INVENTORY_STEP */
	uint8_t answer;                      /* enum banded */
	bool withheld;                       /* then all else is zero */
};

struct inventory {
	day_number day;
	bool has_samples;                                            /* invented data are among them */
	struct inventory_cell county[COUNTY_COUNT][INVENTORY_TYPES]; /* of public types only */
	struct inventory_cell country[INVENTORY_TYPES];              /* of these no free places, no answer */
	struct share
	    freshness[FRESHNESS_COUNT]; /* of open houses, each by its unit that was confirmed longest ago */
};

/** May places of ${type} be told by county?  (DOMAIN 2: the address is public.) */
bool inventory_is_public(enum shelter_type type);

/**
 * Count all houses that are not retired, with the ages and holds of the beginning of today in Budapest; what
 * a house reports counts at once.  ${out} holds only what may leave.
 */
MUST_USE enum rc inventory_read(struct ctx *c, struct inventory *out);

#endif
