/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a search may tell of a house whose address is secret, whoever asks and however often.  A counsellor
 * sets the danger counties; were they matched by county, she would read the county of every house from which
 * candidates go when she names one after the other, in five requests.  So the matcher itself does not know
 * more than may be known: it sees the house's region (the NUTS-2 region, three counties; Budapest with Pest).
 */
#ifndef MENEDEK_VEIL_H
#define MENEDEK_VEIL_H

#include "domain/fit.h"

/** Is the address of such houses a secret?  (DOMAIN 2, secrecy) */
bool veil_hides_address(enum shelter_type type);

/** The counties, as bits, of which any excludes ${s}: its own, and where its address is secret its region's.
 */
/*@ axiomatic Veil { // for `make prove`: what of a house is seen depends on nothing else
  logic integer counties_seen{L}(integer type, integer county);
} */
/*@ requires \valid_read(s);
    assigns \nothing;
    ensures \result == counties_seen(s->type, s->county);
*/
uint32_t veil_counties(const struct shelter *s);

/** Are the houses of this type so few that a name would be an identity?  Their name is one for each request.
 */
bool veil_hides_name(enum shelter_type type);

/** The name of such a house for one request, made from ${random} and the zone: "Nyugat tölgy-41". */
void veil_name(const uint8_t random[8], enum zone zone, char out[LIMIT_NAME]);

/**
 * Take out of ${fit} by what a house without a name could be recognised or measured: spare places from two on
 * count as two, and the hour in which staff last confirmed stands for the minute.  Ranked after it, a list
 * tells no more than its rows.  ${persons} are the household's.
 */
void veil_fit(enum shelter_type type, unsigned persons, struct fit *fit);

#endif
