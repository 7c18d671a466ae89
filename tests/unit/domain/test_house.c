/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "shelters.h"

/* Two private rooms, 4 and 3 places, and a shared one with 3 adult beds and 2 child beds. */
enum { ROOM_4, ROOM_3, SHARED };

static struct shelter shelter;
static struct house house;

static void
setup(void)
{
	shelter = shelter_of(TYPE_CRISIS_CENTRE);
	house = (struct house){ .shelter = shelter.id };
	add_unit(&house, 2, 2, 0);
	add_unit(&house, 1, 2, 0);
	add_unit(&house, 3, 2, 0);
	house.units[SHARED].shared = true;
}

TestSuite(house, .init = setup);

static enum rc
take(unsigned reservation, unsigned unit, unsigned adults, unsigned children, int64_t expires_at)
{
	struct allocation a = share_of(reservation, UNIT_BIT(unit), adults, children, expires_at);
	enum rc rc = house_take(&house, &shelter, &a, NOON);

	cr_assert(house_is_sound(&house, &shelter, NOON));
	return rc;
}

static enum rc
report(unsigned unit, enum unit_state state, unsigned free_places)
{
	struct unit_report r = { (uint8_t)state, (uint8_t)free_places };
	enum rc rc = house_report(&house, unit, &r, NOON, NULL);

	cr_assert(house_is_sound(&house, &shelter, NOON));
	return rc;
}

Test(house, h1_second_household_in_a_private_unit_is_refused)
{
	cr_assert_eq(take(1, ROOM_4, 1, 1, NOON + 1800), RC_OK);
	cr_assert_eq(take(2, ROOM_4, 1, 0, NOON + 1800), RC_NO_PLACE_LEFT);
	cr_assert_eq(house.allocation_count, 1);
}

Test(house, h1_household_in_a_unit_with_other_people_is_refused)
{
	cr_assert_eq(report(ROOM_4, UNIT_OCCUPIED, 0), RC_OK);
	cr_assert_eq(take(1, ROOM_4, 1, 0, 0), RC_NO_PLACE_LEFT);
}

Test(house, h1_unsound_house_is_noticed)
{
	cr_assert_eq(take(1, ROOM_4, 1, 1, 0), RC_OK);
	house.units[ROOM_4].other_adults = 1;
	cr_assert_not(house_is_sound(&house, &shelter, NOON));
	house.units[ROOM_4].other_adults = 0;
	house.allocations[house.allocation_count++] = share_of(2, UNIT_BIT(ROOM_4), 1, 0, 0);
	cr_assert_not(house_is_sound(&house, &shelter, NOON));
}

Test(house, h2_a_shared_unit_fills_up_by_kind_of_bed)
{
	cr_assert_eq(take(1, SHARED, 1, 2, 0), RC_OK);
	cr_assert_eq(take(2, SHARED, 1, 1, 0), RC_OK); /* the child in an adult bed */
	cr_assert_eq(take(3, SHARED, 1, 0, 0), RC_NO_PLACE_LEFT);
	cr_assert_eq(house_unit_free_places(&house, SHARED, NOON), 0);
}

Test(house, h2_adults_are_not_put_into_child_beds)
{
	cr_assert_eq(take(1, SHARED, 3, 0, 0), RC_OK);
	cr_assert_eq(house_unit_free_places(&house, SHARED, NOON), 2);
	cr_assert_eq(take(2, SHARED, 1, 0, 0), RC_NO_PLACE_LEFT);
}

Test(house, h2_unsound_house_is_noticed)
{
	cr_assert_eq(take(1, SHARED, 3, 0, 0), RC_OK);
	house.units[SHARED].other_adults = 1;
	cr_assert_not(house_is_sound(&house, &shelter, NOON));
}

Test(house, h3_licensed_capacity_counts_everybody_in_the_house)
{
	shelter.licensed_capacity = 5;
	cr_assert_eq(report(ROOM_3, UNIT_OCCUPIED, 0), RC_OK);
	cr_assert_eq(take(1, ROOM_4, 1, 2, 0), RC_NO_PLACE_LEFT);
	cr_assert_eq(take(2, ROOM_4, 1, 1, 0), RC_OK);
	cr_assert_eq(house_persons(&house, NOON), 5);
}

/* Staff said "taken" of four beds, and then the manager wrote that there are two. */
Test(house, h3_a_bed_that_was_carried_out_of_an_occupied_room_is_nobodys)
{
	struct unit *room = &house.units[ROOM_4];

	shelter.licensed_capacity = 5;
	cr_assert_eq(report(ROOM_4, UNIT_OCCUPIED, 0), RC_OK);
	room->adult_beds = room->child_beds = 1;
	cr_expect_eq(house_persons(&house, NOON), 2);
	cr_expect_eq(house_unit_state(&house, ROOM_4, NOON), UNIT_OCCUPIED);
	cr_expect_eq(take(1, ROOM_3, 1, 2, 0), RC_OK);
	room->adult_beds = room->child_beds = 0;
	cr_expect_eq(house_persons(&house, NOON), 3);
	cr_expect_eq(house_unit_state(&house, ROOM_4, NOON), UNIT_OCCUPIED, "no change of beds frees it");
	room->adult_beds = room->child_beds = 2;
	cr_expect_eq(house_persons(&house, NOON), 7, "it was a slip: they are there as before");
	cr_expect_eq(house_unit_state(&house, ROOM_4, NOON), UNIT_OCCUPIED);
}

Test(house, h3_unsound_house_is_noticed)
{
	cr_assert_eq(take(1, ROOM_4, 2, 2, 0), RC_OK);
	shelter.licensed_capacity = 3;
	cr_assert_not(house_is_sound(&house, &shelter, NOON));
}

Test(house, counts_beyond_the_record_are_noticed)
{
	struct house damaged = house;

	damaged.unit_count = LIMIT_UNITS + 1;
	cr_assert_not(house_is_sound(&damaged, &shelter, NOON));
	damaged = house;
	damaged.allocation_count = LIMIT_ALLOCATIONS + 1;
	cr_assert_not(house_is_sound(&damaged, &shelter, NOON));
}

Test(house, h4_a_share_without_expiry_keeps_its_unit_for_ever)
{
	struct allocation other = share_of(2, UNIT_BIT(ROOM_4), 1, 0, 0);
	struct id first = id_of(1);
	int64_t in_ten_years = NOON + INT64_C(3652) * 86400;

	cr_assert_eq(take(1, ROOM_4, 1, 1, 0), RC_OK);
	cr_assert_eq(house_unit_state(&house, ROOM_4, in_ten_years), UNIT_OCCUPIED);
	cr_assert_eq(house_take(&house, &shelter, &other, in_ten_years), RC_NO_PLACE_LEFT);
	cr_assert_eq(house_find_allocation(&house, &first), 0);
}

Test(house, h5_an_expired_share_is_free_in_that_very_second)
{
	struct allocation other = share_of(2, UNIT_BIT(ROOM_4), 1, 0, NOON + 9999);

	cr_assert_eq(take(1, ROOM_4, 1, 1, NOON + 1800), RC_OK);
	cr_assert_eq(house_unit_state(&house, ROOM_4, NOON + 1799), UNIT_HELD);
	cr_assert_eq(house_take(&house, &shelter, &other, NOON + 1799), RC_NO_PLACE_LEFT);
	cr_assert_eq(house_unit_state(&house, ROOM_4, NOON + 1800), UNIT_FREE);
	cr_assert_eq(house_persons(&house, NOON + 1800), 0);
	cr_assert_eq(house_take(&house, &shelter, &other, NOON + 1800), RC_OK);
	cr_assert_eq(house.allocation_count, 1);
}

Test(house, h5_a_share_that_ran_out_cannot_be_kept)
{
	struct id first = id_of(1);

	cr_assert_eq(take(1, ROOM_4, 1, 1, NOON + 1800), RC_OK);
	cr_assert_not(house_set_expiry(&house, &first, 0, NOON + 1800));
	cr_assert(house_set_expiry(&house, &first, 0, NOON + 1799));
	cr_assert_eq(house_unit_state(&house, ROOM_4, NOON + 1800), UNIT_OCCUPIED);
}

Test(house, h5_a_clock_set_back_does_not_revive_a_share)
{
	struct unit_report occupied = { UNIT_OCCUPIED, 0 };

	cr_assert_eq(take(1, ROOM_4, 1, 1, NOON + 1800), RC_OK);
	cr_assert_eq(house_report(&house, ROOM_4, &occupied, NOON + 1800, NULL), RC_OK);
	cr_assert(house_is_sound(&house, &shelter, NOON));
	cr_assert_eq(house.allocation_count, 0);
}

Test(house, a_share_is_taken_and_released_once)
{
	struct id first = id_of(1);

	cr_assert_eq(take(1, ROOM_4, 1, 1, 0), RC_OK);
	cr_assert_eq(take(1, ROOM_3, 1, 1, 0), RC_NO_PLACE_LEFT);
	cr_assert(house_release(&house, &first));
	cr_assert_not(house_release(&house, &first));
	cr_assert_eq(house_unit_state(&house, ROOM_4, NOON), UNIT_FREE);
}

Test(house, an_empty_or_dead_share_is_refused)
{
	cr_assert_eq(take(1, ROOM_4, 0, 0, 0), RC_NO_PLACE_LEFT);
	cr_assert_eq(take(1, ROOM_4, 1, 0, NOON), RC_NO_PLACE_LEFT);
	cr_assert_eq(take(1, 3, 1, 0, 0), RC_NO_PLACE_LEFT); /* there is no such unit */
}

Test(house, a_retired_or_unusable_unit_cannot_be_taken)
{
	house.units[ROOM_4].retired = true;
	house.units[ROOM_3].out_of_use = true;
	cr_assert_eq(take(1, ROOM_4, 1, 0, 0), RC_NO_PLACE_LEFT);
	cr_assert_eq(take(2, ROOM_3, 1, 0, 0), RC_NO_PLACE_LEFT);
	cr_assert_eq(house_unit_state(&house, ROOM_3, NOON), UNIT_OUT_OF_USE);
	cr_assert_eq(house_unit_free_places(&house, ROOM_3, NOON), 0);
}

Test(house, units_serve_one_household_only_if_they_can_be_joined)
{
	uint64_t both = UNIT_BIT(ROOM_4) | UNIT_BIT(ROOM_3);
	struct allocation a = share_of(1, both, 3, 4, 0);

	cr_assert_eq(house_take(&house, &shelter, &a, NOON), RC_NO_PLACE_LEFT);
	house.units[ROOM_4].join_group = house.units[ROOM_3].join_group = 1;
	cr_assert_eq(house_take(&house, &shelter, &a, NOON), RC_OK);
	cr_assert_eq(house_unit_state(&house, ROOM_3, NOON), UNIT_OCCUPIED);
	cr_assert_eq(take(2, ROOM_3, 1, 0, 0), RC_NO_PLACE_LEFT);
}

Test(house, shared_units_are_never_joined)
{
	house.units[ROOM_4].join_group = house.units[SHARED].join_group = 1;
	cr_assert_not(house_can_join(&house, UNIT_BIT(ROOM_4) | UNIT_BIT(SHARED)));
	cr_assert_not(house_can_join(&house, 0));
	cr_assert_not(house_can_join(&house, UNIT_BIT(40)));
}

Test(house, every_change_gives_the_unit_another_version)
{
	struct id first = id_of(1);
	uint32_t v = house.units[ROOM_4].version;

	cr_assert_eq(take(1, ROOM_4, 1, 1, NOON + 60), RC_OK);
	cr_assert_gt(house.units[ROOM_4].version, v);
	v = house.units[ROOM_4].version;
	cr_assert(house_set_expiry(&house, &first, 0, NOON));
	cr_assert_gt(house.units[ROOM_4].version, v);
	v = house.units[ROOM_4].version;
	cr_assert(house_release(&house, &first));
	cr_assert_gt(house.units[ROOM_4].version, v);
	v = house.units[ROOM_4].version;
	cr_assert_eq(report(ROOM_4, UNIT_FREE, 0), RC_OK);
	cr_assert_gt(house.units[ROOM_4].version, v);
	cr_assert_eq(house.units[ROOM_3].version, 1);
}

Test(house, what_is_reported_is_what_is_seen)
{
	static const struct {
		unsigned unit;
		enum unit_state said;
		unsigned free_said;
		enum unit_state seen;
		unsigned free_seen;
	} rows[] = {
		{ ROOM_4, UNIT_FREE, 0, UNIT_FREE, 4 },
		{ ROOM_4, UNIT_OCCUPIED, 0, UNIT_OCCUPIED, 0 },
		{ ROOM_4, UNIT_OUT_OF_USE, 0, UNIT_OUT_OF_USE, 0 },
		{ SHARED, UNIT_FREE, 0, UNIT_FREE, 5 },
		{ SHARED, UNIT_PARTLY, 0, UNIT_OCCUPIED, 0 },
		{ SHARED, UNIT_PARTLY, 1, UNIT_PARTLY, 1 },
		{ SHARED, UNIT_PARTLY, 4, UNIT_PARTLY, 4 },
		{ SHARED, UNIT_PARTLY, 5, UNIT_FREE, 5 },
		{ SHARED, UNIT_OCCUPIED, 0, UNIT_OCCUPIED, 0 },
		{ SHARED, UNIT_OUT_OF_USE, 0, UNIT_OUT_OF_USE, 0 },
	};

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		cr_assert_eq(report(rows[i].unit, rows[i].said, rows[i].free_said), RC_OK, "row %u", i);
		cr_assert_eq(house_unit_state(&house, rows[i].unit, NOON), rows[i].seen, "row %u", i);
		cr_assert_eq(
		    house_unit_free_places(&house, rows[i].unit, NOON), rows[i].free_seen, "row %u", i);
		cr_assert_eq(house.units[rows[i].unit].confirmed_at, NOON, "row %u", i);
	}
}

Test(house, reports_that_make_no_sense_are_refused)
{
	static const struct {
		unsigned unit;
		enum unit_state said;
		unsigned free_said;
		enum rc rc;
	} rows[] = {
		{ ROOM_4, UNIT_HELD, 0, RC_INVALID },
		{ ROOM_4, UNIT_STATE_COUNT, 0, RC_INVALID },
		{ ROOM_4, UNIT_PARTLY, 2, RC_INVALID },
		{ SHARED, UNIT_PARTLY, 6, RC_INVALID },
		{ 3, UNIT_FREE, 0, RC_NOT_FOUND },
	};
	const struct house before = house;

	for (unsigned i = 0; i < COUNT_OF(rows); i++)
		cr_assert_eq(report(rows[i].unit, rows[i].said, rows[i].free_said), rows[i].rc, "row %u", i);
	cr_assert_eq(memcmp(&before, &house, sizeof(house)), 0);
}

Test(house, staff_cannot_report_a_booked_room_away)
{
	static const enum unit_state states[] = { UNIT_FREE, UNIT_OCCUPIED, UNIT_OUT_OF_USE };
	struct fault f = { 0 };

	cr_assert_eq(take(1, ROOM_4, 1, 1, NOON + 1800), RC_OK);
	for (unsigned i = 0; i < COUNT_OF(states); i++) {
		struct unit_report r = { (uint8_t)states[i], 0 };

		cr_assert_eq(house_report(&house, ROOM_4, &r, NOON, &f), RC_STATE_CONFLICT);
		cr_assert_eq(f.item[0].msg, MSG_UNIT_BOOKED);
	}
	cr_assert_eq(house_unit_state(&house, ROOM_4, NOON), UNIT_HELD);
}

Test(house, staff_cannot_free_booked_places_of_a_shared_unit)
{
	cr_assert_eq(take(1, SHARED, 1, 1, 0), RC_OK);
	cr_assert_eq(report(SHARED, UNIT_PARTLY, 4), RC_STATE_CONFLICT);
	cr_assert_eq(report(SHARED, UNIT_OUT_OF_USE, 0), RC_STATE_CONFLICT);
	cr_assert_eq(report(SHARED, UNIT_PARTLY, 3), RC_OK);
	cr_assert_eq(report(SHARED, UNIT_PARTLY, 1), RC_OK);
	cr_assert_eq(house_unit_free_places(&house, SHARED, NOON), 1);
	cr_assert_eq(report(SHARED, UNIT_FREE, 0), RC_OK);
	cr_assert_eq(house_unit_free_places(&house, SHARED, NOON), 3);
}

Test(house, a_booked_cot_is_not_free)
{
	struct allocation a = share_of(1, UNIT_BIT(SHARED), 1, 0, 0);

	house.units[SHARED].cots = 2;
	a.babies = 2;
	cr_assert_eq(house_take(&house, &shelter, &a, NOON), RC_OK);
	cr_assert_eq(report(SHARED, UNIT_PARTLY, 5), RC_STATE_CONFLICT);
	cr_assert_eq(report(SHARED, UNIT_PARTLY, 4), RC_OK);
}

Test(house, unknown_people_are_taken_for_adults_first)
{
	cr_assert_eq(report(SHARED, UNIT_PARTLY, 2), RC_OK);
	cr_assert_eq(house.units[SHARED].other_adults, 3);
	cr_assert_eq(take(1, SHARED, 1, 0, 0), RC_NO_PLACE_LEFT);
}

Test(house, still_true_stamps_every_unit_that_is_not_retired)
{
	house.units[ROOM_3].retired = true;
	house_confirm_all(&house, NOON);
	cr_assert_eq(house.units[ROOM_4].confirmed_at, NOON);
	cr_assert_eq(house.units[SHARED].confirmed_at, NOON);
	cr_assert_eq(house.units[ROOM_3].confirmed_at, NOON - 3600);
}

Test(house, units_and_shares_are_found_by_id)
{
	struct id unit = house.units[SHARED].id, stranger = id_of(77), first = id_of(1);

	cr_assert_eq(take(1, ROOM_4, 1, 1, 0), RC_OK);
	cr_assert_eq(house_find_unit(&house, &unit), SHARED);
	cr_assert_eq(house_find_unit(&house, &stranger), -1);
	cr_assert_eq(house_find_allocation(&house, &first), 0);
	cr_assert_eq(house_find_allocation(&house, &stranger), -1);
}

Test(house, no_more_shares_than_the_record_holds)
{
	house.units[SHARED].adult_beds = LIMIT_ALLOCATIONS + 1;
	shelter.licensed_capacity = 1000;
	for (unsigned i = 0; i < LIMIT_ALLOCATIONS; i++) {
		struct allocation a = share_of(i, UNIT_BIT(SHARED), 1, 0, 0);

		cr_assert_eq(house_take(&house, &shelter, &a, NOON), RC_OK);
	}
	cr_assert_eq(take(500, SHARED, 1, 0, 0), RC_NO_PLACE_LEFT);
}

Test(house, a_retired_unit_is_out_of_use_and_nobody_reports_it)
{
	house.units[ROOM_4].retired = true;
	cr_assert_eq(house_unit_state(&house, ROOM_4, NOON), UNIT_OUT_OF_USE);
	cr_assert_eq(report(ROOM_4, UNIT_FREE, 0), RC_NOT_FOUND);
}

Test(house, the_last_unit_of_the_largest_house_is_taken_like_any_other)
{
	while (house.unit_count < LIMIT_UNITS)
		add_unit(&house, 1, 0, 0);
	cr_assert_eq(take(1, LIMIT_UNITS - 1, 1, 0, 0), RC_OK);
	cr_assert_eq(house_unit_state(&house, LIMIT_UNITS - 1, NOON), UNIT_OCCUPIED);
	cr_assert_eq(house_unit_state(&house, LIMIT_UNITS - 2, NOON), UNIT_FREE);
}
