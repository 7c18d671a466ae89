/* SPDX-License-Identifier: Apache-2.0 */
/* Random houses, households and events, a hundred thousand steps: H1 to H5 hold after each, told a second way
 * here. */
#include <criterion/criterion.h>

#include "shelters.h"

#define STEPS  100000u
#define HOUSES 200u

static struct shelter shelter;
static struct house house;
static int64_t now;
static uint64_t seed;
static unsigned next_reservation, taken, refused;

static void
new_house(void)
{
	shelter = shelter_of(TYPE_CRISIS_CENTRE);
	shelter.licensed_capacity = (uint16_t)(1 + random_up_to(&seed, 40));
	shelter.admission.own_room_boy_age = (uint8_t)(random_up_to(&seed, 2) * 14);
	house = (struct house){ .shelter = shelter.id };
	for (unsigned n = 1 + random_up_to(&seed, 12); n > 0; n--) {
		unsigned i =
		    add_unit(&house, random_up_to(&seed, 4), random_up_to(&seed, 4), random_up_to(&seed, 3));

		house.units[i].shared = random_up_to(&seed, 3) == 0;
		house.units[i].join_group = (uint8_t)random_up_to(&seed, 3);
		house.units[i].step_free = random_up_to(&seed, 2) == 0;
		house.units[i].own_rooms = random_up_to(&seed, 4) == 0;
	}
	now = NOON;
}

static struct household
new_household(void)
{
	struct household h = mother_with(random_up_to(&seed, 6));

	h.women = (uint8_t)(1 + random_up_to(&seed, 3));
	h.step_free = random_up_to(&seed, 5) == 0;
	for (unsigned i = 0; i < h.child_count; i++) {
		h.children[i].band = (uint8_t)random_up_to(&seed, BAND_COUNT);
		h.children[i].sex = (uint8_t)random_up_to(&seed, SEX_COUNT);
	}
	return h;
}

static int64_t
new_expiry(void)
{
	return random_up_to(&seed, 3) == 0 ? 0 : now + 1 + random_up_to(&seed, 3600);
}

/* What the fit promises must be what the house gives. */
static void
step_book(void)
{
	struct household who = new_household();
	struct id id = id_of(++next_reservation);
	struct allocation share;
	struct fit fit;

	fit_house(&shelter, &house, &who, PATH_HELPLINE, now, &fit);
	if (fit.answer != ANSWER_CAPACITY) {
		refused++;
		return;
	}
	taken++;
	fit_allocation(&who, fit.units, &id, new_expiry(), &share);
	if (house.allocation_count < LIMIT_ALLOCATIONS)
		cr_assert_eq(
		    house_take(&house, &shelter, &share, now), RC_OK, "seed %lu", (unsigned long)seed);
}

/* A share made up by nobody's choice: most are refused, none may break anything. */
static void
step_grab(void)
{
	struct allocation a = share_of(++next_reservation,
	    UNIT_BIT(random_up_to(&seed, LIMIT_UNITS)) | UNIT_BIT(random_up_to(&seed, 4)),
	    random_up_to(&seed, 4), random_up_to(&seed, 4), new_expiry());

	if (random_up_to(&seed, 2) == 0)
		a.units = UNIT_BIT(random_up_to(&seed, house.unit_count));
	a.babies = (uint8_t)random_up_to(&seed, 2);
	if (house_take(&house, &shelter, &a, now) == RC_OK)
		taken++;
	else
		refused++;
}

static void
step_release(void)
{
	struct id id;

	if (house.allocation_count == 0)
		return;
	id = house.allocations[random_up_to(&seed, house.allocation_count)].reservation;
	cr_assert(house_release(&house, &id));
}

static void
step_expiry(void)
{
	struct id id;

	if (house.allocation_count == 0)
		return;
	id = house.allocations[random_up_to(&seed, house.allocation_count)].reservation;
	(void)house_set_expiry(&house, &id, new_expiry(), now);
}

static void
step_report(void)
{
	struct unit_report r = { (uint8_t)random_up_to(&seed, UNIT_STATE_COUNT + 1),
		(uint8_t)random_up_to(&seed, 9) };

	(void)!house_report(&house, random_up_to(&seed, house.unit_count + 1), &r, now, NULL);
}

static void
step_confirm(void)
{
	house_confirm_all(&house, now);
}

static void
step_time(void)
{
	now += (int64_t)random_up_to(&seed, 1200) - (random_up_to(&seed, 10) == 0 ? 900 : 0);
}

static bool
is_live_now(const struct allocation *a)
{
	return a->expires_at == 0 || now < a->expires_at;
}

static void
assert_unit(unsigned i)
{
	const struct unit *u = &house.units[i];
	unsigned others = 0u + u->other_adults + u->other_children + u->other_babies;
	unsigned households = 0, adults = u->other_adults, children = u->other_children,
		 babies = u->other_babies;

	for (unsigned k = 0; k < house.allocation_count; k++) {
		const struct allocation *a = &house.allocations[k];

		if (!is_live_now(a) || (a->units & UNIT_BIT(i)) == 0)
			continue;
		households++;
		adults += a->adults;
		children += a->children;
		babies += a->babies;
	}
	if (!u->shared) {
		cr_assert(households + (others > 0) <= 1, "H1 seed %lu", (unsigned long)seed);
		return;
	}
	cr_assert(adults <= u->adult_beds && babies <= u->cots, "H2 seed %lu", (unsigned long)seed);
	cr_assert(
	    adults + children <= 0u + u->adult_beds + u->child_beds, "H2 seed %lu", (unsigned long)seed);
	cr_assert_eq(house_unit_free_places(&house, i, now),
	    u->out_of_use ? 0 : unit_places(u) - adults - children - babies, "seed %lu", (unsigned long)seed);
}

static void
assert_house(void)
{
	unsigned booked = 0;

	for (unsigned k = 0; k < house.allocation_count; k++) {
		const struct allocation *a = &house.allocations[k];

		booked += is_live_now(a) ? 0u + a->adults + a->children + a->babies : 0;
	}
	cr_assert(booked <= shelter.licensed_capacity, "H3 seed %lu", (unsigned long)seed);
	for (unsigned i = 0; i < house.unit_count; i++)
		assert_unit(i);
	cr_assert(house_is_sound(&house, &shelter, now), "seed %lu", (unsigned long)seed);
}

static unsigned
count_permanent(void)
{
	unsigned count = 0;

	for (unsigned k = 0; k < house.allocation_count; k++)
		count += house.allocations[k].expires_at == 0;
	return count;
}

Test(house_random, h1_to_h5_hold_after_every_step)
{
	static void (*const steps[])(void) = { step_book, step_book, step_grab, step_release, step_expiry,
		step_report, step_confirm, step_time };

	seed = UINT64_C(0x6d656e6564656b);
	for (unsigned n = 0; n < STEPS; n++) {
		unsigned which = random_up_to(&seed, COUNT_OF(steps)), permanent;

		if (n % (STEPS / HOUSES) == 0)
			new_house();
		permanent = count_permanent();
		steps[which]();
		if (steps[which] != step_release && steps[which] != step_expiry) /* H4 */
			cr_assert_geq(count_permanent(), permanent, "H4 seed %lu", (unsigned long)seed);
		assert_house();
	}
	cr_assert(taken > STEPS / 20 && refused > STEPS / 20, "%u taken, %u refused: proves nothing", taken,
	    refused);
}
