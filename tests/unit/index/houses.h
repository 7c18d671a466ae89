/* SPDX-License-Identifier: Apache-2.0 */
/* Small houses for the tests of the index. */
#ifndef TEST_HOUSES_H
#define TEST_HOUSES_H

#include <stdio.h>
#include <string.h>

#include "model/records.h"

static inline struct id
house_id(unsigned n)
{
	struct id id = { { 0 } };

	put_u64(id.b, (uint64_t)(n + 1) * UINT64_C(0x9e3779b97f4a7c15));
	put_u32(id.b + 12, n);
	return id;
}

static inline struct shelter
shelter_of(unsigned n)
{
	struct shelter s;

	model_clear(&model_shelter, &s);
	s.id = house_id(n);
	s.type = TYPE_CRISIS_CENTRE;
	s.county = COUNTY_ZALA;
	s.is_open = true;
	snprintf(s.code_name, sizeof(s.code_name), "House %u", n);
	return s;
}

/* Both numbers are ${mark}: a reader that sees them differ sees a house that never was. */
static inline struct house
house_of(unsigned n, unsigned mark)
{
	struct house h;

	model_clear(&model_house, &h);
	h.shelter = house_id(n);
	h.unit_count = 2;
	for (unsigned i = 0; i < 2; i++) {
		model_clear(&model_unit, &h.units[i]);
		h.units[i].id = house_id(n + i);
		h.units[i].adult_beds = 1;
		h.units[i].version = mark;
	}
	return h;
}

#endif
