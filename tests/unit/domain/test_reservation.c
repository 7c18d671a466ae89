/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "domain/reservation.h"
#include "shelters.h"

static const struct booking_rules rules = { 1800, 3600, 7200, 3, { 900, 1800, 3600 } };

static struct shelter shelter;
static struct house house;
static struct reservation res;
static struct fault fault;

static void
setup(void)
{
	struct allocation share;

	shelter = shelter_of(TYPE_CRISIS_CENTRE);
	house = (struct house){ .shelter = shelter.id };
	add_unit(&house, 1, 2, 0);
	res = (struct reservation){ .id = id_of(1),
		.state = RES_HELD,
		.units = UNIT_BIT(0),
		.held_at = NOON,
		.expires_at = NOON + rules.hold };
	share = share_of(1, res.units, 1, 2, res.expires_at);
	cr_assert_eq(house_take(&house, &shelter, &share, NOON), RC_OK);
	fault = (struct fault){ 0 };
}

TestSuite(reservation, .init = setup);

static enum rc
apply(enum reservation_event ev, enum reservation_actor actor, int64_t now)
{
	const struct reservation before = res;
	enum rc rc = reservation_apply(&res, &house, ev, actor, now, &rules, &fault);

	if (rc != RC_OK)
		cr_assert_eq(memcmp(&before, &res, sizeof(res)), 0);
	else
		cr_assert_eq(res.version, before.version + 1);
	cr_assert(house_is_sound(&house, &shelter, now));
	return rc;
}

static void
confirm(int64_t now)
{
	cr_assert_eq(apply(EV_REQUEST, ACTOR_DESK, now), RC_OK);
	cr_assert_eq(apply(EV_CONFIRM, ACTOR_HOUSE, now), RC_OK);
}

static enum unit_state
unit_state(int64_t now)
{
	return house_unit_state(&house, 0, now);
}

/* The whole table, told a second way: from, event, actor -> to.  What is not here is refused. */
static const struct {
	enum reservation_state from;
	enum reservation_event ev;
	enum reservation_actor actor;
	enum reservation_state to;
} allowed[] = {
	{ RES_HELD, EV_RENEW, ACTOR_DESK, RES_HELD },
	{ RES_HELD, EV_TAKE_OVER, ACTOR_DESK, RES_HELD },
	{ RES_REQUESTED, EV_TAKE_OVER, ACTOR_DESK, RES_REQUESTED },
	{ RES_CONFIRMED, EV_TAKE_OVER, ACTOR_DESK, RES_CONFIRMED },
	{ RES_HELD, EV_REQUEST, ACTOR_DESK, RES_REQUESTED },
	{ RES_HELD, EV_CANCEL, ACTOR_DESK, RES_CANCELLED },
	{ RES_HELD, EV_CLIENT_DECLINE, ACTOR_DESK, RES_DECLINED_BY_CLIENT },
	{ RES_HELD, EV_EXPIRE, ACTOR_CLOCK, RES_EXPIRED },
	{ RES_REQUESTED, EV_CONFIRM, ACTOR_HOUSE, RES_CONFIRMED },
	{ RES_REQUESTED, EV_DECLINE, ACTOR_HOUSE, RES_DECLINED_BY_HOUSE },
	{ RES_REQUESTED, EV_CANCEL, ACTOR_DESK, RES_CANCELLED },
	{ RES_REQUESTED, EV_CLIENT_DECLINE, ACTOR_DESK, RES_DECLINED_BY_CLIENT },
	{ RES_REQUESTED, EV_EXPIRE, ACTOR_CLOCK, RES_EXPIRED },
	{ RES_CONFIRMED, EV_ARRIVE, ACTOR_HOUSE, RES_IN_STAY },
	{ RES_CONFIRMED, EV_DECLINE, ACTOR_HOUSE, RES_DECLINED_BY_HOUSE },
	{ RES_CONFIRMED, EV_NO_SHOW, ACTOR_HOUSE, RES_NO_SHOW },
	{ RES_CONFIRMED, EV_CANCEL, ACTOR_DESK, RES_CANCELLED },
	{ RES_CONFIRMED, EV_CLIENT_DECLINE, ACTOR_DESK, RES_DECLINED_BY_CLIENT },
	{ RES_CONFIRMED, EV_DISCLOSE, ACTOR_DESK, RES_CONFIRMED },
	{ RES_IN_STAY, EV_EXTEND, ACTOR_HOUSE, RES_IN_STAY },
	{ RES_IN_STAY, EV_LEAVE, ACTOR_HOUSE, RES_LEFT },
};

/* Row of ${allowed} for a state and an event, or -1. */
static int
row_of(unsigned from, unsigned ev)
{
	for (unsigned i = 0; i < COUNT_OF(allowed); i++) {
		if (allowed[i].from == from && allowed[i].ev == ev)
			return (int)i;
	}
	return -1;
}

Test(reservation, every_state_event_and_actor_does_what_the_table_says)
{
	unsigned ok = 0;

	for (unsigned n = 0; n < RES_STATES * RES_EVENTS * 3u; n++) {
		unsigned from = n / 3 / RES_EVENTS, ev = n / 3 % RES_EVENTS, actor = n % 3;
		int row = row_of(from, ev);
		enum reservation_state to = RES_STATES;
		enum rc rc = reservation_next((enum reservation_state)from, (enum reservation_event)ev,
		    (enum reservation_actor)actor, &to);

		if (row < 0)
			cr_assert_eq(rc, RC_STATE_CONFLICT, "%u %u %u", from, ev, actor);
		else if (allowed[row].actor != actor)
			cr_assert_eq(rc, RC_FORBIDDEN, "%u %u %u", from, ev, actor);
		else
			cr_assert(rc == RC_OK && to == allowed[row].to, "%u %u %u", from, ev, actor);
		ok += rc == RC_OK;
	}
	cr_assert_eq(ok, COUNT_OF(allowed));
}

Test(reservation, values_outside_the_table_are_refused)
{
	enum reservation_state to;

	cr_assert_eq(reservation_next(RES_STATES, EV_CANCEL, ACTOR_DESK, &to), RC_STATE_CONFLICT);
	cr_assert_eq(reservation_next(RES_HELD, RES_EVENTS, ACTOR_DESK, &to), RC_STATE_CONFLICT);
}

Test(reservation, every_event_has_its_public_name)
{
	static const char *const names[] = { "renew", "request", "confirm", "decline", "client_decline",
		"cancel", "expire", "disclose", "arrive", "extend", "leave", "no_show", "take_over" };

	cr_assert_eq(COUNT_OF(names), RES_EVENTS);
	for (unsigned ev = 0; ev < RES_EVENTS; ev++)
		cr_assert_str_eq(reservation_event_name((enum reservation_event)ev), names[ev]);
}

Test(reservation, only_the_four_living_states_keep_their_units)
{
	for (unsigned s = 0; s < RES_STATES; s++) {
		bool lives = s == RES_HELD || s == RES_REQUESTED || s == RES_CONFIRMED || s == RES_IN_STAY;

		cr_assert_eq(reservation_keeps_units((enum reservation_state)s), lives);
		cr_assert_eq(reservation_is_over((enum reservation_state)s), !lives);
	}
}

Test(reservation, a_life_from_hold_to_leaving)
{
	confirm(NOON + 600);
	cr_assert_eq(res.requested_at, NOON + 600);
	cr_assert_eq(res.answered_at, NOON + 600);
	cr_assert_eq(res.expires_at, 0);
	cr_assert_eq(apply(EV_ARRIVE, ACTOR_HOUSE, NOON + 7200), RC_OK);
	cr_assert_eq(res.arrived_at, NOON + 7200);
	cr_assert_eq(apply(EV_EXTEND, ACTOR_HOUSE, NOON + 86400), RC_OK);
	cr_assert_eq(unit_state(NOON + 86400), UNIT_OCCUPIED);
	cr_assert_eq(apply(EV_LEAVE, ACTOR_HOUSE, NOON + 864000), RC_OK);
	cr_assert_eq(res.state, RES_LEFT);
	cr_assert_eq(res.ended_at, NOON + 864000);
	cr_assert_eq(unit_state(NOON + 864000), UNIT_FREE);
}

/* The quarter in which it said yes was told meanwhile. */
Test(reservation, a_house_that_takes_its_yes_back_had_answered_when_it_said_yes)
{
	confirm(NOON + 600);
	cr_assert_eq(apply(EV_DECLINE, ACTOR_HOUSE, NOON + 86400), RC_OK);
	cr_expect_eq(res.answered_at, NOON + 600);
	cr_expect_eq(res.ended_at, NOON + 86400);
}

Test(reservation, a_hold_that_is_renewed_by_shorter_rules_keeps_its_time)
{
	struct booking_rules shorter = rules;

	shorter.hold = 300;
	cr_assert_eq(
	    reservation_apply(&res, &house, EV_RENEW, ACTOR_DESK, NOON + 60, &shorter, &fault), RC_OK);
	cr_expect(res.renewed);
	cr_expect_eq(res.expires_at, NOON + rules.hold);
	cr_expect_eq(house.allocations[0].expires_at, NOON + rules.hold);
}

Test(reservation, a_hold_is_renewed_once)
{
	cr_assert_eq(apply(EV_RENEW, ACTOR_DESK, NOON + 1000), RC_OK);
	cr_assert_eq(res.expires_at, NOON + 1000 + rules.hold);
	cr_assert_eq(unit_state(NOON + 1000 + rules.hold - 1), UNIT_HELD);
	cr_assert_eq(unit_state(NOON + 1000 + rules.hold), UNIT_FREE);
	cr_assert_eq(apply(EV_RENEW, ACTOR_DESK, NOON + 1100), RC_STATE_CONFLICT);
	cr_assert_eq(fault.item[0].msg, MSG_RENEWED_ALREADY);
}

Test(reservation, a_request_runs_out_on_its_own_clock)
{
	cr_assert_eq(apply(EV_REQUEST, ACTOR_DESK, NOON + 100), RC_OK);
	cr_assert_eq(res.expires_at, NOON + 100 + rules.request);
	cr_assert_not(reservation_has_expired(&res, NOON + 100 + rules.request - 1));
	cr_assert(reservation_has_expired(&res, NOON + 100 + rules.request));
}

Test(reservation, h4_a_confirmed_room_never_frees_itself)
{
	int64_t late = NOON + INT64_C(400) * 86400;

	confirm(NOON);
	cr_assert_not(reservation_has_expired(&res, late));
	cr_assert_eq(unit_state(late), UNIT_OCCUPIED);
	cr_assert_eq(apply(EV_EXPIRE, ACTOR_CLOCK, late), RC_STATE_CONFLICT);
	cr_assert_eq(apply(EV_ARRIVE, ACTOR_HOUSE, late), RC_OK);
	cr_assert_eq(apply(EV_EXPIRE, ACTOR_CLOCK, late), RC_STATE_CONFLICT);
}

Test(reservation, h5_a_hold_that_ran_out_is_gone_for_desk_and_house)
{
	for (unsigned ev = 0; ev < RES_EVENTS; ev++) {
		if (ev == EV_EXPIRE)
			continue;
		cr_assert_eq(
		    apply((enum reservation_event)ev, ACTOR_DESK, NOON + rules.hold), RC_HOLD_EXPIRED);
		cr_assert_eq(
		    apply((enum reservation_event)ev, ACTOR_HOUSE, NOON + rules.hold), RC_HOLD_EXPIRED);
	}
}

Test(reservation, h5_the_next_holder_keeps_the_room_of_an_expired_hold)
{
	struct allocation other = share_of(2, UNIT_BIT(0), 1, 1, NOON + 9000);
	struct id second = id_of(2);

	cr_assert_eq(house_take(&house, &shelter, &other, NOON + rules.hold), RC_OK);
	cr_assert_eq(apply(EV_REQUEST, ACTOR_DESK, NOON + rules.hold), RC_HOLD_EXPIRED);
	cr_assert_eq(
	    apply(EV_REQUEST, ACTOR_DESK, NOON), RC_HOLD_EXPIRED); /* a clock set back: the share is gone */
	cr_assert_eq(apply(EV_EXPIRE, ACTOR_CLOCK, NOON + rules.hold), RC_OK);
	cr_assert_eq(house_find_allocation(&house, &second), 0);
}

Test(reservation, the_clock_ends_a_hold_not_before_its_time)
{
	cr_assert_eq(apply(EV_EXPIRE, ACTOR_CLOCK, NOON + rules.hold - 1), RC_STATE_CONFLICT);
	cr_assert_eq(apply(EV_EXPIRE, ACTOR_CLOCK, NOON + rules.hold + 500), RC_OK);
	cr_assert_eq(res.state, RES_EXPIRED);
	cr_assert_eq(res.ended_at, NOON + rules.hold);
	cr_assert_eq(house.allocation_count, 0);
	cr_assert_eq(apply(EV_CANCEL, ACTOR_DESK, NOON + rules.hold + 501), RC_HOLD_EXPIRED);
}

Test(reservation, each_way_to_end_frees_the_room_at_once)
{
	static const struct {
		bool confirmed;
		enum reservation_event ev;
		enum reservation_actor actor;
	} rows[] = {
		{ false, EV_CANCEL, ACTOR_DESK },
		{ false, EV_CLIENT_DECLINE, ACTOR_DESK },
		{ true, EV_CANCEL, ACTOR_DESK },
		{ true, EV_CLIENT_DECLINE, ACTOR_DESK },
		{ true, EV_DECLINE, ACTOR_HOUSE },
		{ true, EV_NO_SHOW, ACTOR_HOUSE },
	};

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		setup();
		if (rows[i].confirmed)
			confirm(NOON + 10);
		cr_assert_eq(apply(rows[i].ev, rows[i].actor, NOON + 20), RC_OK, "row %u", i);
		cr_assert_eq(unit_state(NOON + 20), UNIT_FREE, "row %u", i);
		cr_assert_eq(res.ended_at, NOON + 20, "row %u", i);
	}
}

Test(reservation, a_refusal_says_why)
{
	cr_assert_eq(apply(EV_ARRIVE, ACTOR_HOUSE, NOON), RC_STATE_CONFLICT);
	cr_assert_eq(fault.item[0].msg, MSG_STATE_CONFLICT);
	cr_assert_eq(apply(EV_REQUEST, ACTOR_HOUSE, NOON), RC_FORBIDDEN);
	cr_assert_eq(fault.item[0].msg, MSG_FORBIDDEN);
}

Test(reservation, a_location_is_told_three_times_within_two_hours)
{
	confirm(NOON);
	cr_assert_eq(apply(EV_DISCLOSE, ACTOR_DESK, NOON + 5000), RC_OK);
	cr_assert_eq(res.disclose_until, NOON + 5000 + rules.disclose_window);
	cr_assert_eq(apply(EV_DISCLOSE, ACTOR_DESK, NOON + 6000), RC_OK);
	cr_assert_eq(apply(EV_DISCLOSE, ACTOR_DESK, NOON + 5000 + rules.disclose_window - 1), RC_OK);
	cr_assert_eq(res.disclosures, 3);
	cr_assert_eq(res.disclose_until, NOON + 5000 + rules.disclose_window);
	cr_assert_eq(apply(EV_DISCLOSE, ACTOR_DESK, NOON + 6000), RC_STATE_CONFLICT);
	cr_assert_eq(fault.item[0].msg, MSG_DISCLOSED_OFTEN);
}

Test(reservation, a_location_is_not_told_after_its_window)
{
	confirm(NOON);
	cr_assert_eq(apply(EV_DISCLOSE, ACTOR_DESK, NOON), RC_OK);
	cr_assert_eq(apply(EV_DISCLOSE, ACTOR_DESK, NOON + rules.disclose_window), RC_STATE_CONFLICT);
	cr_assert_eq(fault.item[0].msg, MSG_DISCLOSED_LATE);
}

Test(reservation, a_request_is_escalated_at_each_step)
{
	static const struct {
		int64_t after;
		unsigned step;
	} rows[] = { { 0, 0 }, { 899, 0 }, { 900, 1 }, { 1800, 2 }, { 3599, 2 }, { 3600, 3 }, { 90000, 3 } };

	cr_assert_eq(reservation_escalation(&res, NOON + 90000, &rules), 0);
	cr_assert_eq(apply(EV_REQUEST, ACTOR_DESK, NOON), RC_OK);
	for (unsigned i = 0; i < COUNT_OF(rows); i++)
		cr_assert_eq(
		    reservation_escalation(&res, NOON + rows[i].after, &rules), rows[i].step, "row %u", i);
}

/* Random events by random actors: the room is taken exactly as long as the reservation lives. */
Test(reservation, the_room_is_taken_exactly_while_the_reservation_lives)
{
	uint64_t seed = 4127;
	int64_t now = NOON;
	unsigned endings[RES_STATES] = { 0 };

	for (unsigned n = 0; n < 100000; n++) {
		if (reservation_is_over((enum reservation_state)res.state)) {
			endings[res.state]++;
			setup();
			now = NOON;
		}
		now += random_up_to(&seed, 200);
		(void)!apply((enum reservation_event)random_up_to(&seed, RES_EVENTS),
		    (enum reservation_actor)random_up_to(&seed, 3), now);
		cr_assert_eq(unit_state(now) != UNIT_FREE,
		    reservation_keeps_units((enum reservation_state)res.state) &&
			!reservation_has_expired(&res, now),
		    "step %u", n);
	}
	for (unsigned s = RES_LEFT; s < RES_STATES; s++)
		cr_assert_gt(endings[s], 10, "state %u was hardly ever reached", s);
}

Test(reservation, what_has_no_end_never_runs_out)
{
	struct reservation r = { .state = RES_HELD };

	cr_assert_not(reservation_has_expired(&r, INT64_MAX));
	r.expires_at = NOON;
	cr_assert(reservation_has_expired(&r, NOON));
	cr_assert_not(reservation_has_expired(&r, NOON - 1));
}
