/* SPDX-License-Identifier: Apache-2.0 */
/* The bound of reach.h.  What holds one household is one unit or several of one join group (units.c); of a
 * group all are counted, although at most LIMIT_JOINED serve. */
#include "domain/reach.h"

#define NEVER_AGAIN INT64_MAX /* a time at which only what has no expiry is left (H4, H5) */

static uint8_t
clip(unsigned n)
{
	return n < UINT8_MAX ? (uint8_t)n : UINT8_MAX;
}

static uint8_t
larger(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

void
reach_join(struct reach *all, const struct reach *one)
{
	all->adults = larger(all->adults, one->adults);
	all->beds = larger(all->beds, one->beds);
	all->cots = larger(all->cots, one->cots);
	all->places = larger(all->places, one->places);
	all->step_free = larger(all->step_free, one->step_free);
	all->room = larger(all->room, one->room);
}

/* Units that may serve one household together give ${left}. */
static void
add_set(struct reach *out, struct beds left, bool step_free)
{
	const struct reach set = {
		.adults = clip(left.adult),
		.beds = clip(left.adult + left.child),
		.cots = clip(left.cots),
		.places = clip(beds_count(left)),
		.step_free = step_free ? clip(beds_count(left)) : 0,
	};

	reach_join(out, &set);
}

/* The join group of unit ${first}, once: by its first member. */
static void
add_group(struct reach *out, const struct house *h, const struct beds *left, unsigned first)
{
	struct beds sum = { 0, 0, 0 };
	bool step_free = false;

	for (unsigned i = 0; i < h->unit_count; i++) {
		const struct unit *u = &h->units[i];

		if (u->join_group != h->units[first].join_group || u->shared)
			continue;
		if (i < first)
			return;
		sum = beds_add(sum, left[i]);
		step_free = step_free || (u->step_free && beds_count(left[i]) > 0);
	}
	add_set(out, sum, step_free);
}

void
reach_of_house(const struct shelter *s, const struct house *h, struct reach *out)
{
	const unsigned persons = house_persons(h, NEVER_AGAIN);
	struct unit_use use[LIMIT_UNITS];
	struct beds left[LIMIT_UNITS];

	*out = (struct reach){ 0 };
	house_use(h, NEVER_AGAIN, use);
	for (unsigned i = 0; i < h->unit_count; i++) {
		left[i] = unit_beds_left(&h->units[i], &use[i]);
		add_set(out, left[i], h->units[i].step_free);
	}
	for (unsigned i = 0; i < h->unit_count; i++)
		if (h->units[i].join_group != 0 && !h->units[i].shared)
			add_group(out, h, left, i);
	out->room = clip(s->licensed_capacity > persons ? s->licensed_capacity - persons : 0);
}

void
reach_of_household(const struct household *who, struct reach *out)
{
	const unsigned persons = household_persons(who), babies = household_babies(who);

	*out = (struct reach){
		.adults = clip(household_adults(who)),
		.beds = clip(persons - babies),
		.cots = clip(babies),
		.places = clip(persons),
		.step_free = who->step_free ? clip(persons) : 0,
		.room = clip(persons),
	};
}

bool
reach_holds(const struct reach *have, const struct reach *need)
{
	return have->places >= need->places && have->room >= need->room && have->beds >= need->beds &&
	    have->adults >= need->adults && have->cots >= need->cots && have->step_free >= need->step_free;
}

unsigned
reach_step(const struct reach *have)
{
	const unsigned persons = have->places < have->room ? have->places : have->room;

	return persons < REACH_STEPS ? persons : REACH_STEPS - 1;
}
