/* SPDX-License-Identifier: Apache-2.0 */
/* What is entered from paper beside nodes that are served. */
#include "desk.h"
#include "service/candidates.h"
#include "service/reservations.h"
#include "service/shelters.h"

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

struct late {
	enum reservation_event ev;
	int64_t at;
	struct reservation r;
};

static enum rc
late_txn(struct txn *t, void *arg)
{
	const struct reservation_detail none = { .reason = CODE_NONE };
	struct late *l = arg;

	return reservation_enter_late(desk_run(t), &the_reservation, l->ev, l->at, &none, &l->r);
}

Test(reservations, what_is_entered_in_a_later_quarter_counts_in_that_one)
{
	struct late l = { .ev = EV_CONFIRM, .at = NOW - 120 };

	ctx.now = ctx.sure = NOW + 2 * HOUR;
	cr_assert_eq(fixture_update(&x, late_txn, &l), RC_OK);
	cr_expect_eq(l.r.answer_heard, 0, "its own day tells it");
	ctx.now = ctx.sure = NOW + INT64_C(45) * 86400;
	l = (struct late){ .ev = EV_ARRIVE, .at = NOW - 30 };
	cr_assert_eq(fixture_update(&x, late_txn, &l), RC_OK);
	cr_expect_eq(l.r.arrived_at, NOW - 30, "the stay is as long as it was");
	cr_expect_eq(l.r.arrival_heard, budapest_day(ctx.now));
	cr_expect_eq(l.r.answer_heard, 0);
	cr_expect_eq(l.r.end_heard, 0);
	l = (struct late){ .ev = EV_LEAVE, .at = NOW };
	cr_assert_eq(fixture_update(&x, late_txn, &l), RC_OK);
	cr_expect_eq(l.r.end_heard, budapest_day(ctx.now));
}

/* Also the second time that the paper is read: each line stands there already. */
Test(reservations, a_yes_and_the_no_after_it_are_entered_once_and_the_answer_stays_in_its_quarter)
{
	struct late yes = { .ev = EV_CONFIRM, .at = NOW - 120 }, no = { .ev = EV_DECLINE, .at = NOW - 90 };

	ctx.now = ctx.sure = NOW + 2 * HOUR;
	cr_assert_eq(fixture_update(&x, late_txn, &yes), RC_OK);
	ctx.now = ctx.sure = NOW + INT64_C(45) * 86400;
	cr_assert_eq(fixture_update(&x, late_txn, &no), RC_OK);
	cr_expect_eq(no.r.answered_at, NOW - 120);
	cr_expect_eq(no.r.answer_heard, 0);
	cr_expect_eq(no.r.end_heard, budapest_day(ctx.now));
	cr_expect_eq(fixture_update(&x, late_txn, &yes), RC_TAKEN);
	cr_expect_eq(fixture_update(&x, late_txn, &no), RC_TAKEN);
}

static enum rc
expire_txn(struct txn *t, void *arg)
{
	const struct key key = record_key(KIND_RESERVATION, &the_reservation);
	const enum rc rc = reservation_expire(desk_run(t), &the_reservation);

	return rc == RC_OK ? record_get(t, KIND_RESERVATION, &key, arg) : rc;
}

Test(reservations, a_hold_that_ran_out_while_nothing_ran_counts_when_that_is_seen)
{
	struct reservation r;

	ctx.now = ctx.sure = NOW + INT64_C(45) * 86400;
	cr_assert_eq(fixture_update(&x, expire_txn, &r), RC_OK);
	cr_assert_eq(r.state, RES_EXPIRED);
	cr_expect_eq(r.end_heard, budapest_day(ctx.now));
}

static enum rc
hold_txn(struct txn *t, void *arg)
{
	struct reservation_new in = { .episode = the_episode, .consent = true };
	struct ctx *c = desk_run(t);
	struct id house_held;
	enum rc rc = candidate_seal(c, &the_episode, &the_house, &in.candidate);

	return rc == RC_OK ? reservation_hold(c, &in, arg, &house_held) : rc;
}

/* It was proposed a moment before. */
Test(reservations, nothing_is_held_in_a_house_of_a_retired_organisation)
{
	struct reservation r;
	struct org org;

	episode.reservation = (struct id){ { 0 } };
	episode.household = (struct household){ .case_type = CASE_PARTNER_VIOLENCE,
		.danger_to_life = true,
		.women = 1,
		.sibling = CODE_NONE,
		.home_county = CODE_NONE };
	put_episode();
	shelter.admission.women_alone = true;
	fixture_put(&x, KIND_SHELTER, &the_house, &shelter);
	house.allocation_count = 0;
	fixture_put(&x, KIND_HOUSE, &the_house, &house);
	model_clear(&model_org, &org);
	org.id = house_org;
	org.kind = ORG_SHELTER_OPERATOR;
	org.retired = true;
	fixture_put(&x, KIND_ORG, &house_org, &org);
	cr_assert_eq(fixture_update(&x, hold_txn, &r), RC_NO_PLACE_LEFT);
	org.retired = false;
	fixture_put(&x, KIND_ORG, &house_org, &org);
	cr_assert_eq(fixture_update(&x, hold_txn, &r), RC_OK);
}

static enum rc
enter_room_txn(struct txn *t, void *arg)
{
	const struct unit_report report = { .state = UNIT_PARTLY, .free_places = 1 };
	struct unit_report was;

	return availability_enter_late(desk_run(t), &the_house, "1. szoba", &report, *(int64_t *)arg, &was);
}

/* What a clock said that ran ahead is not later than paper: it would be refused until that day. */
Test(reservations, paper_counts_beside_what_a_clock_said_that_was_put_back)
{
	int64_t at = NOW - 120;

	house.allocation_count = 0;
	(void)str_copy(house.units[0].name, sizeof(house.units[0].name), "1. szoba");
	house.units[0].confirmed_at = NOW + HOUR;
	fixture_put(&x, KIND_HOUSE, &the_house, &house);
	cr_assert_eq(fixture_update(&x, enter_room_txn, &at), RC_STATE_CONFLICT);
	cr_expect_eq(fault.item[0].msg, MSG_LATER_KNOWN);
	house.units[0].confirmed_at = NOW + 72 * HOUR;
	fixture_put(&x, KIND_HOUSE, &the_house, &house);
	cr_assert_eq(fixture_update(&x, enter_room_txn, &at), RC_OK);
	at = NOW - 180;
	cr_assert_eq(
	    fixture_update(&x, enter_room_txn, &at), RC_STATE_CONFLICT, "it is known again since when");
}

static enum rc
read_episode_txn(struct txn *t, void *arg)
{
	const struct key key = record_key(KIND_EPISODE, &the_episode);

	return record_get(t, KIND_EPISODE, &key, arg);
}

/* The request as it stands after the house has declined it. */
static struct episode
declined_request(void)
{
	struct late l = { .ev = EV_DECLINE, .at = NOW - 120 };
	struct episode e;

	ctx.now = ctx.sure = NOW + 2 * HOUR;
	cr_assert_eq(fixture_update(&x, late_txn, &l), RC_OK);
	cr_assert_eq(l.r.state, RES_DECLINED_BY_HOUSE);
	cr_assert_eq(fixture_update(&x, read_episode_txn, &e), RC_OK);
	return e;
}

static enum rc
end_request_txn(struct txn *t, void *arg)
{
	const enum rc rc = episode_expire(desk_run(t), &the_episode);

	return rc == RC_OK ? read_episode_txn(t, arg) : rc;
}

Test(reservations, a_house_that_declined_is_kept_with_its_request_until_that_is_over)
{
	struct episode e = declined_request();

	cr_assert_eq(e.declined_count, 1);
	cr_expect(episode_was_declined_by(&e, &the_house));
	cr_expect_not(episode_was_declined_by(&e, &other_house));
	cr_assert_eq(fixture_update(&x, end_request_txn, &e), RC_OK);
	cr_assert_eq(e.state, EPISODE_EXPIRED);
	cr_expect_eq(e.declined_count, 0);
}

Test(reservations, only_the_last_houses_that_declined_are_kept)
{
	struct episode e;

	for (unsigned i = 0; i < LIMIT_DECLINED; i++)
		episode.declined[i] = (struct id){ { (uint8_t)(100 + i) } };
	episode.declined_count = LIMIT_DECLINED;
	put_episode();
	e = declined_request();
	cr_assert_eq(e.declined_count, LIMIT_DECLINED);
	cr_expect_not(episode_was_declined_by(&e, &episode.declined[0]), "the first made room");
	for (unsigned i = 1; i < LIMIT_DECLINED; i++)
		cr_expect(episode_was_declined_by(&e, &episode.declined[i]), "%u", i);
	cr_expect(episode_was_declined_by(&e, &the_house));
}

Test(reservations, a_house_that_declines_twice_pushes_no_other_out)
{
	struct episode e;

	for (unsigned i = 0; i < LIMIT_DECLINED; i++)
		episode.declined[i] = (struct id){ { (uint8_t)(100 + i) } };
	episode.declined[LIMIT_DECLINED / 2] = the_house;
	episode.declined_count = LIMIT_DECLINED;
	put_episode();
	e = declined_request();
	cr_assert_eq(e.declined_count, LIMIT_DECLINED);
	cr_assert_arr_eq(e.declined, episode.declined, sizeof(e.declined));
}

Test(reservations, a_house_that_the_client_declined_may_be_proposed_again)
{
	struct late l = { .ev = EV_CLIENT_DECLINE, .at = NOW - 120 };
	struct episode e;

	ctx.now = ctx.sure = NOW + 2 * HOUR;
	cr_assert_eq(fixture_update(&x, late_txn, &l), RC_OK);
	cr_assert_eq(fixture_update(&x, read_episode_txn, &e), RC_OK);
	cr_assert(id_is_zero(&e.reservation));
	cr_expect_eq(e.declined_count, 0);
}
