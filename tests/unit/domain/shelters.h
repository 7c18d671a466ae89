/* SPDX-License-Identifier: Apache-2.0 */
/* Households and houses for the domain's tests: one ordinary example of each, that a test then changes. */
#ifndef MENEDEK_TEST_SHELTERS_H
#define MENEDEK_TEST_SHELTERS_H

#include <string.h>

#include "domain/fit.h"

#define NOON INT64_C(1795258800) /* 2026-11-21T11:00:00Z */

static inline struct id
id_of(unsigned n)
{
	struct id id = { { 0 } };

	id.b[0] = 1;
	id.b[14] = (uint8_t)(n >> 8);
	id.b[15] = (uint8_t)n;
	return id;
}

/* A woman fleeing her partner, with ${girls} girls of 3 to 9. */
static inline struct household
mother_with(unsigned girls)
{
	struct household h = { .case_type = CASE_PARTNER_VIOLENCE,
		.women = 1,
		.child_count = (uint8_t)girls,
		.sibling = CODE_NONE,
		.home_county = CODE_NONE };

	for (unsigned i = 0; i < girls; i++)
		h.children[i] = (struct child){ SEX_FEMALE, BAND_3_9 };
	return h;
}

/* An open house in Zala that admits women and all their children. */
static inline struct shelter
shelter_of(enum shelter_type type)
{
	return (struct shelter){ .id = id_of(9000),
		.type = (uint8_t)type,
		.county = COUNTY_ZALA,
		.licensed_capacity = 100,
		.is_open = true,
		.admission = { .women_alone = true, .boy_max_age = 17, .own_county = true } };
}

/* Returns the new unit's index: private, confirmed an hour ago. */
static inline unsigned
add_unit(struct house *h, unsigned adult_beds, unsigned child_beds, unsigned cots)
{
	unsigned i = h->unit_count++;

	h->units[i] = (struct unit){ .id = id_of(1000 + i),
		.adult_beds = (uint8_t)adult_beds,
		.child_beds = (uint8_t)child_beds,
		.cots = (uint8_t)cots,
		.confirmed_at = NOON - 3600,
		.version = 1 };
	return i;
}

static inline struct allocation
share_of(unsigned reservation, uint64_t units, unsigned adults, unsigned children, int64_t expires_at)
{
	return (struct allocation){ .reservation = id_of(reservation),
		.units = units,
		.adults = (uint8_t)adults,
		.children = (uint8_t)children,
		.expires_at = expires_at };
}

/* A small generator with a seed that a failing test can print. */
static inline uint32_t
random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 32);
}

static inline unsigned
random_up_to(uint64_t *seed, unsigned bound)
{
	return random_next(seed) % bound;
}

#endif
