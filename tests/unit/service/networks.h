/* SPDX-License-Identifier: Apache-2.0 */
/* Random networks of houses and random households: as crooked as the model allows, the same for one seed. */
#ifndef TEST_NETWORKS_H
#define TEST_NETWORKS_H

#include <stdio.h>
#include <string.h>

#include "model/records.h"

#define NETWORK_NOW INT64_C(1795258800) /* 2026-11-21T11:00:00Z */

/** How the houses of a network are. */
struct network {
	uint64_t seed;
	unsigned kinds; /* profiles that houses share; 0: each its own */
	unsigned taken; /* of ten units so many are taken */
};

static inline uint32_t
network_random(uint64_t *seed, uint32_t end)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((x ^ x >> 31) % end);
}

static inline bool
network_chance(uint64_t *seed, unsigned of)
{
	return network_random(seed, of) == 0;
}

static inline struct id
network_id(unsigned n, unsigned part)
{
	uint64_t seed = n * UINT64_C(1000) + part;
	struct id id;

	for (unsigned i = 0; i < ID_BYTES; i++)
		id.b[i] = (uint8_t)network_random(&seed, 256);
	put_u32(id.b + 12, n);
	return id;
}

static inline struct shelter
network_shelter(const struct network *w, unsigned n)
{
	static const uint8_t types[] = { TYPE_CRISIS_CENTRE, TYPE_FAMILY_HOME, TYPE_SECRET_HOUSE,
		TYPE_HALFWAY_HOUSE, TYPE_PROTECTED_SHELTER };
	uint64_t seed = w->seed + (w->kinds ? n % w->kinds : n) * 77u;
	struct shelter s;

	model_clear(&model_shelter, &s);
	s.type = types[network_random(&seed, COUNT_OF(types))];
	s.county = (uint8_t)network_random(&seed, COUNTY_COUNT);
	s.is_open = !network_chance(&seed, 12);
	s.admission = (struct admission){ .women_alone = !network_chance(&seed, 4),
		.men = network_chance(&seed, 3),
		.fathers = network_chance(&seed, 2),
		.boy_max_age = (uint8_t)(12 + network_random(&seed, 6)),
		.own_room_boy_age = network_chance(&seed, 4) ? 14 : 0,
		.max_children = network_chance(&seed, 5) ? 3 : 0,
		.adult_sibling = network_chance(&seed, 2),
		.partner = network_chance(&seed, 2),
		.pets = network_chance(&seed, 3),
		.own_county = !network_chance(&seed, 3),
		.assessment_first = network_chance(&seed, 4),
		.waitlist = network_chance(&seed, 4),
		.languages = 1u << TONGUE_HU | network_random(&seed, 8) << 1 };
	seed = w->seed + n * 991u;
	s.id = network_id(n, 0);
	s.licensed_capacity = (uint16_t)(2 + network_random(&seed, 24));
	snprintf(s.code_name, sizeof(s.code_name), "House %u", n);
	return s;
}

static inline struct allocation
network_allocation(uint64_t *seed, const struct id *id, uint64_t units)
{
	return (struct allocation){ .reservation = *id,
		.units = units,
		.adults = 1,
		.children = (uint8_t)network_random(seed, 2),
		.expires_at =
		    network_chance(seed, 2) ? 0 : NETWORK_NOW - 600 + (int64_t)network_random(seed, 1200) };
}

static inline struct house
network_house(const struct network *w, unsigned n)
{
	uint64_t seed = w->seed + n * 13u + 5;
	struct house h;

	model_clear(&model_house, &h);
	h.shelter = network_id(n, 0);
	h.unit_count = (uint8_t)(1 + network_random(&seed, 6));
	for (unsigned i = 0; i < h.unit_count; i++) {
		struct unit *u = &h.units[i];
		model_clear(&model_unit, u);
		u->id = network_id(n, 1 + i);
		u->adult_beds = (uint8_t)(1 + network_random(&seed, 3));
		u->child_beds = (uint8_t)network_random(&seed, 4);
		u->cots = (uint8_t)network_random(&seed, 3);
		u->shared = network_chance(&seed, 5);
		u->step_free = network_chance(&seed, 3);
		u->own_rooms = network_chance(&seed, 4);
		u->join_group = u->shared ? 0 : (uint8_t)network_random(&seed, 3);
		u->out_of_use = network_chance(&seed, 15);
		u->retired = network_chance(&seed, 20);
		u->confirmed_at = NETWORK_NOW - (int64_t)network_random(&seed, 40) * 3600;
		if (network_random(&seed, 10) >= w->taken)
			continue;
		if (network_chance(&seed, 2))
			u->other_adults = 1;
		else
			h.allocations[h.allocation_count++] =
			    network_allocation(&seed, &u->id, UINT64_C(1) << i);
	}
	return h;
}

static inline struct household
network_household(uint64_t *seed)
{
	struct household w = { .case_type = (uint8_t)network_random(seed, CASE_COUNT),
		.women = (uint8_t)(1 + network_chance(seed, 8)),
		.men = (uint8_t)network_chance(seed, 12),
		.pregnant = network_chance(seed, 8),
		.danger_to_life = network_chance(seed, 4),
		.step_out = network_chance(seed, 8),
		.siblings = (uint8_t)network_chance(seed, 12),
		.sibling = CODE_NONE,
		.child_count = (uint8_t)network_random(seed, 5),
		.step_free = network_chance(seed, 5),
		.pet = network_chance(seed, 10),
		.languages = network_chance(seed, 4) ? 1u << network_random(seed, 4) : 0,
		.home_county =
		    network_chance(seed, 2) ? (uint8_t)network_random(seed, COUNTY_COUNT) : CODE_NONE };

	for (unsigned i = 0; i < w.child_count; i++)
		w.children[i] = (struct child){ (uint8_t)network_random(seed, SEX_COUNT),
			(uint8_t)network_random(seed, BAND_COUNT) };
	for (unsigned i = network_random(seed, 3); i > 0; i--)
		w.danger_counties |= 1u << network_random(seed, COUNTY_COUNT);
	return w;
}

#endif
