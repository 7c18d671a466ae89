/* SPDX-License-Identifier: Apache-2.0 */
/* What is entered from paper beside nodes that are served. */
#include "desk.h"
#include "service/reservations.h"

#define HOUR 3600

static const struct id another = { { 14 } };

/* The house is licensed for fewer since the reservation ran out, and has given a place to another household.
 */
static void
set_up(void)
{
	desk_open();
	shelter.licensed_capacity = 1;
	house.units[0].shared = true;
	house.allocations[0].expires_at = reservation.expires_at = NOW - 60;
	house.allocations[1] =
	    (struct allocation){ .reservation = another, .units = 1, .adults = 1, .expires_at = NOW + 1800 };
	house.allocation_count = 2;
	reservation.state = RES_REQUESTED;
	reservation.requested_at = NOW - HOUR - 60;
	reservation.held_at = NOW - HOUR - 120;
	reservation.answered_at = 0;
	fixture_put(&x, KIND_SHELTER, &the_house, &shelter);
	fixture_put(&x, KIND_HOUSE, &the_house, &house);
	put_reservation();
}

TestSuite(reservations, .init = set_up, .fini = desk_close, .timeout = 120);

static enum rc
enter_txn(struct txn *t, void *arg)
{
	const struct reservation_detail none = { .reason = CODE_NONE };

	return reservation_enter_late(desk_run(t), &the_reservation, EV_CONFIRM, NOW - 120, &none, arg);
}

Test(reservations, from_paper_nothing_is_entered_beside_a_hold_that_is_over_by_this_machines_clock_alone)
{
	struct reservation r;

	ctx.now = NOW + 2 * HOUR;
	ctx.sure = NOW;
	cr_assert_eq(fixture_update(&x, enter_txn, &r), RC_STATE_CONFLICT);
	cr_expect_eq(fault.item[0].msg, MSG_NO_PLACE_LEFT);
}

Test(reservations, from_paper_it_is_entered_once_that_hold_is_over)
{
	struct reservation r;

	ctx.now = ctx.sure = NOW + 2 * HOUR;
	cr_assert_eq(fixture_update(&x, enter_txn, &r), RC_OK);
	cr_expect_eq(r.state, RES_CONFIRMED);
}
