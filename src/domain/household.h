/* SPDX-License-Identifier: Apache-2.0 */
/* Who needs a place, asked without names: everything that the fit depends on and nothing else. */
#ifndef MENEDEK_HOUSEHOLD_H
#define MENEDEK_HOUSEHOLD_H

#include "domain/codes.h"

struct child {
	uint8_t sex;  /* enum sex */
	uint8_t band; /* enum age_band */
};

struct household {
	uint8_t case_type;   /* enum case_type */
	bool danger_to_life; /* stated by the counsellor; opens secret houses */
	bool step_out;       /* after crisis care: the only way into a halfway house */
	uint8_t women, men;  /* adults, the partner and siblings not counted */
	bool pregnant;
	bool partner;     /* husband or partner comes along at the pregnant woman's (or parent's) request */
	uint8_t siblings; /* adult siblings coming along */
	uint8_t sibling;  /* enum sibling: the band of the eldest of them, CODE_NONE without */
	bool would_be_separated; /* the family home's condition for partner and sibling (DOMAIN 2) */
	uint8_t child_count;
	struct child children[LIMIT_CHILDREN];
	bool step_free, pet, assistance_animal;
	bool acute_addiction, acute_psychiatric;
	uint32_t languages;       /* bit per enum language; any one in common is enough; 0 = Hungarian */
	uint32_t danger_counties; /* bit per enum county: hard exclusion */
	uint8_t home_county; /* enum county or CODE_NONE; houses that refuse their own neighbourhood use it */
	int64_t earliest_arrival; /* seconds UTC; 0 = now */
};

/*@ // for `make prove`
  logic integer adults_of{L}(struct household *h) = h->women + h->men + h->siblings + (h->partner ? 1 : 0);
  logic integer children_of{L}(struct household *h) =
    h->child_count < LIMIT_CHILDREN ? h->child_count : LIMIT_CHILDREN;
  logic integer babies_of{L}(struct household *h, integer n) = n <= 0 ? 0 :
    babies_of(h, n - 1) + (h->children[n - 1].band == BAND_0_2 ? 1 : 0);
*/

/** Persons in it: adults, partner, siblings and children. */
/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result == adults_of(h) + children_of(h);
*/
unsigned household_persons(const struct household *h);

/** Adults for beds: women, men, partner, siblings. */
/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result == adults_of(h);
*/
unsigned household_adults(const struct household *h);

/** Children in it, at most LIMIT_CHILDREN whatever a damaged record says. */
/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result == children_of(h);
*/
unsigned household_children(const struct household *h);

/** Children who need a cot (0 to 2 years, DOMAIN 3). */
/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result == babies_of(h, children_of(h)) && \result <= children_of(h);
*/
unsigned household_babies(const struct household *h);

/** Rules that cross fields and that a schema cannot say (pregnant without a woman, sibling band without a
 * sibling, ...). */
MUST_USE enum rc household_check(const struct household *h, struct fault *f);

#endif
