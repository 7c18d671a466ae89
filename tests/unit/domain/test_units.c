/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "domain/units.h"
#include "shelters.h"

static struct shelter shelter;
static struct household who;
static struct house house;

static void
setup(void)
{
	shelter = shelter_of(TYPE_CRISIS_CENTRE);
	who = mother_with(2);
	house = (struct house){ .shelter = shelter.id };
}

TestSuite(units, .init = setup);

static uint64_t
choose(void)
{
	enum fit_reason why;

	return fit_choose_units(&house, &shelter, &who, NOON, &why);
}

static enum fit_reason
why_not(void)
{
	enum fit_reason why = FIT_COUNT;

	cr_assert_eq(fit_choose_units(&house, &shelter, &who, NOON, &why), 0);
	return why;
}

Test(units, the_room_that_wastes_the_fewest_places_is_chosen)
{
	add_unit(&house, 4, 4, 0);
	add_unit(&house, 1, 3, 0);
	add_unit(&house, 2, 3, 0);
	cr_assert_eq(choose(), UNIT_BIT(1));
}

Test(units, of_equal_rooms_a_private_one_is_chosen)
{
	add_unit(&house, 1, 2, 0);
	add_unit(&house, 1, 2, 0);
	house.units[0].shared = true;
	cr_assert_eq(choose(), UNIT_BIT(1));
}

Test(units, one_room_is_better_than_two_that_waste_as_much)
{
	add_unit(&house, 1, 0, 0);
	add_unit(&house, 1, 1, 0);
	add_unit(&house, 1, 2, 0);
	for (unsigned i = 0; i < 3; i++)
		house.units[i].join_group = 1;
	cr_assert_eq(choose(), UNIT_BIT(2));
}

Test(units, a_large_household_gets_joined_rooms_of_one_group)
{
	who = mother_with(5);
	for (unsigned i = 0; i < 6; i++) {
		add_unit(&house, 1, 2, 0);
		house.units[i].join_group = (uint8_t)(1 + i % 2);
	}
	cr_assert_eq(choose(), UNIT_BIT(0) | UNIT_BIT(2));
	house.units[0].other_adults = 1;
	house.units[2].out_of_use = true;
	cr_assert_eq(choose(), UNIT_BIT(1) | UNIT_BIT(3));
}

Test(units, no_more_than_four_rooms_are_joined)
{
	who = mother_with(8);
	for (unsigned i = 0; i < 5; i++) {
		add_unit(&house, 1, 1, 0);
		house.units[i].join_group = 3;
	}
	cr_assert_eq(why_not(), FIT_NO_LARGE_UNIT);
	who = mother_with(7);
	cr_assert_neq(choose(), 0);
}

Test(units, of_a_group_that_is_too_large_the_first_rooms_are_joined)
{
	who = mother_with(5);
	for (unsigned i = 0; i < JOIN_GROUP_UNITS + 2; i++) {
		add_unit(&house, 1, i < JOIN_GROUP_UNITS ? 1 : 2, 0);
		house.units[i].join_group = 1;
	}
	cr_assert_eq(choose(), UNIT_BIT(0) | UNIT_BIT(1) | UNIT_BIT(2));
}

Test(units, rooms_without_a_group_are_not_joined)
{
	who = mother_with(5);
	add_unit(&house, 1, 2, 0);
	add_unit(&house, 1, 2, 0);
	cr_assert_eq(why_not(), FIT_NO_LARGE_UNIT);
}

Test(units, a_shared_room_gives_what_is_left_in_it)
{
	struct allocation other = share_of(1, UNIT_BIT(0), 2, 0, 0);

	add_unit(&house, 3, 2, 0);
	house.units[0].shared = true;
	cr_assert_eq(house_take(&house, &shelter, &other, NOON), RC_OK);
	cr_assert_eq(choose(), UNIT_BIT(0));
	house.units[0].other_children = 1;
	cr_assert_eq(why_not(), FIT_ALL_TAKEN);
}

Test(units, a_hold_that_ran_out_no_longer_stands_in_the_way)
{
	struct allocation other = share_of(1, UNIT_BIT(0), 1, 0, NOON);

	add_unit(&house, 1, 2, 0);
	house.allocations[house.allocation_count++] = other;
	cr_assert_eq(choose(), UNIT_BIT(0));
	house.allocations[0].expires_at = NOON + 1;
	cr_assert_eq(why_not(), FIT_ALL_TAKEN);
}

Test(units, a_baby_needs_a_cot)
{
	who.children[0].band = BAND_0_2;
	add_unit(&house, 2, 2, 0);
	cr_assert_eq(why_not(), FIT_NO_COT);
	add_unit(&house, 2, 2, 1);
	cr_assert_eq(choose(), UNIT_BIT(1));
}

Test(units, step_free_means_at_least_one_room_without_steps)
{
	who = mother_with(5);
	who.step_free = true;
	add_unit(&house, 1, 2, 0);
	add_unit(&house, 1, 2, 0);
	house.units[0].join_group = house.units[1].join_group = 1;
	cr_assert_eq(why_not(), FIT_NOT_STEP_FREE);
	house.units[1].step_free = true;
	cr_assert_eq(choose(), UNIT_BIT(0) | UNIT_BIT(1));
}

Test(units, a_big_boy_needs_a_flat_or_a_second_room)
{
	shelter.admission.own_room_boy_age = 14;
	who.children[1] = (struct child){ SEX_MALE, BAND_14_15 };
	add_unit(&house, 2, 2, 0);
	cr_assert_eq(why_not(), FIT_NO_SECOND_ROOM);
	add_unit(&house, 1, 0, 0);
	house.units[0].join_group = house.units[1].join_group = 1;
	cr_assert_eq(choose(), UNIT_BIT(0) | UNIT_BIT(1));
	add_unit(&house, 1, 2, 0);
	house.units[2].own_rooms = true;
	cr_assert_eq(choose(), UNIT_BIT(2));
	who.children[1].sex = SEX_FEMALE;
	house.units[2].own_rooms = false;
	cr_assert_eq(choose(), UNIT_BIT(2));
}

Test(units, a_boy_who_may_be_that_old_needs_his_room)
{
	shelter.admission.own_room_boy_age = 12;
	who.children[1] = (struct child){ SEX_MALE, BAND_10_13 };
	add_unit(&house, 2, 2, 0);
	cr_assert_eq(why_not(), FIT_NO_SECOND_ROOM);
	shelter.admission.own_room_boy_age = 13;
	cr_assert_eq(why_not(), FIT_NO_SECOND_ROOM);
	shelter.admission.own_room_boy_age = 14;
	cr_assert_eq(choose(), UNIT_BIT(0));
}

Test(units, a_house_without_a_large_room_says_so_even_when_full)
{
	add_unit(&house, 1, 1, 0);
	house.units[0].other_adults = 1;
	cr_assert_eq(why_not(), FIT_NO_LARGE_UNIT);
}

Test(units, a_unit_out_of_use_is_taken_not_missing)
{
	add_unit(&house, 1, 2, 0);
	house.units[0].out_of_use = true;
	cr_assert_eq(why_not(), FIT_ALL_TAKEN);
	house.units[0].out_of_use = false;
	house.units[0].retired = true;
	cr_assert_eq(why_not(), FIT_NO_LARGE_UNIT);
}

Test(units, h3_a_free_room_does_not_help_when_the_licence_is_used_up)
{
	add_unit(&house, 1, 2, 0);
	add_unit(&house, 1, 1, 0);
	house.units[1].other_adults = 1;
	shelter.licensed_capacity = 3;
	cr_assert_eq(why_not(), FIT_LICENSED_FULL);
	shelter.licensed_capacity = 4;
	cr_assert_eq(choose(), UNIT_BIT(0));
}

Test(units, the_oldest_confirmation_of_the_chosen_rooms_counts)
{
	struct unit_choice choice;

	who = mother_with(5);
	for (unsigned i = 0; i < 3; i++) {
		add_unit(&house, 1, 2, 0);
		house.units[i].join_group = i < 2 ? 1 : 0;
		house.units[i].confirmed_at = NOON - 1000 * (int64_t)(i + 1);
	}
	units_choose(&house, &shelter, &who, NOON, &choice);
	cr_assert_eq(choice.confirmed_at, NOON - 2000);
	house.units[0].other_adults = 1;
	units_choose(&house, &shelter, &who, NOON, &choice);
	cr_assert_eq(choice.units, 0);
	cr_assert_eq(choice.confirmed_at, NOON - 3000);
}

/* Beside a fresh one it would pass for fresh until that day. */
Test(units, a_room_of_which_a_clock_said_it_that_was_put_back_is_the_oldest)
{
	struct unit_choice choice;

	who = mother_with(5);
	for (unsigned i = 0; i < 2; i++) {
		add_unit(&house, 1, 2, 0);
		house.units[i].join_group = 1;
	}
	house.units[1].confirmed_at = NOON + 72 * 3600;
	units_choose(&house, &shelter, &who, NOON, &choice);
	cr_assert_eq(choice.count, 2);
	cr_expect_eq(choice.confirmed_at, 0);
	house.units[0].other_adults = 1;
	units_choose(&house, &shelter, &who, NOON, &choice);
	cr_assert_eq(choice.count, 0);
	cr_expect_eq(choice.confirmed_at, 0, "nor of a house that is full");
}

/* The slow way: every set of units, taken on trial by the house itself. */
static unsigned
least_spare(unsigned *count)
{
	unsigned best = UINT32_MAX;
	struct id id = id_of(1);

	for (uint64_t units = 1; units < UNIT_BIT(house.unit_count); units++) {
		struct house trial = house;
		struct allocation share;
		unsigned places = 0, n = 0, spare;

		fit_allocation(&who, units, &id, 0, &share);
		if (house_take(&trial, &shelter, &share, NOON) != RC_OK)
			continue;
		for (unsigned i = 0; i < house.unit_count; i++) {
			if ((units & UNIT_BIT(i)) == 0)
				continue;
			n++;
			places += house_unit_free_places(&house, i, NOON);
		}
		spare = places - household_persons(&who);
		if (spare < best || (spare == best && n < *count)) {
			best = spare;
			*count = n;
		}
	}
	return best;
}

Test(units, the_choice_is_as_good_as_trying_every_set)
{
	uint64_t seed = 20261121;
	unsigned found = 0, joined = 0;

	for (unsigned n = 0; n < 3000; n++) {
		struct unit_choice choice;
		unsigned count = 0, spare;

		setup();
		who = mother_with(random_up_to(&seed, 7));
		who.women = (uint8_t)(1 + random_up_to(&seed, 2));
		for (unsigned u = 1 + random_up_to(&seed, 7); u > 0; u--) {
			unsigned i = add_unit(
			    &house, random_up_to(&seed, 3), random_up_to(&seed, 3), random_up_to(&seed, 2));

			house.units[i].join_group = (uint8_t)random_up_to(&seed, 3);
			house.units[i].shared = random_up_to(&seed, 4) == 0;
			house.units[i].other_adults =
			    random_up_to(&seed, 6) == 0 && house.units[i].adult_beds > 0;
		}
		for (unsigned c = 0; c < who.child_count; c++)
			who.children[c].band = random_up_to(&seed, 4) == 0 ? BAND_0_2 : BAND_10_13;
		units_choose(&house, &shelter, &who, NOON, &choice);
		spare = least_spare(&count);
		cr_assert_eq(choice.units == 0, spare == UINT32_MAX, "case %u", n);
		if (choice.units == 0)
			continue;
		cr_assert(choice.spare == spare && choice.count == count, "case %u", n);
		found++;
		joined += count > 1;
	}
	cr_assert(found > 500 && joined > 100, "%u found, %u joined: proves nothing", found, joined);
}
