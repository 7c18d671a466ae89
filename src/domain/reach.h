/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a house could give at most, in a few bytes, so that a search passes by a full house without looking
 * into it.  An upper bound for any moment: reservations that may still run out count as gone, and each
 * number is the best of the house by itself.  It may call a house that does not fit; it never hides one that
 * does (tests/unit/domain/test_reach.c).
 */
#ifndef MENEDEK_REACH_H
#define MENEDEK_REACH_H

#include "domain/house.h"

/** Of one unit or one join group: 255 stands for more.  Of a household the same struct says what it needs. */
struct reach {
	uint8_t adults; /* adult beds */
	uint8_t beds;   /* adult and child beds */
	uint8_t cots;
	uint8_t places;    /* all three */
	uint8_t step_free; /* places where one unit is step-free */
	uint8_t room;      /* persons up to the licensed capacity (H3) */
};

/** How far apart houses are kept: by the persons that one of them could take, from REACH_STEPS - 1 on alike.
 */
#define REACH_STEPS 9u

void reach_of_house(const struct shelter *s, const struct house *h, struct reach *out);
void reach_of_household(const struct household *who, struct reach *out);

/** False: ${need} cannot be met now nor when holds run out. */
bool reach_holds(const struct reach *have, const struct reach *need);

/** Let ${all} hold whatever ${one} holds. */
void reach_join(struct reach *all, const struct reach *one);

/** 0 to REACH_STEPS - 1. */
unsigned reach_step(const struct reach *have);

#endif
