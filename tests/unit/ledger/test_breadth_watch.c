/* SPDX-License-Identifier: Apache-2.0 */
/* The watch of the trail: counts what was committed and what is under way, forgets nothing in a restart, and
 * raises each alert once. */
#include <pthread.h>

#include "breadth_scene.h"

TestSuite(breadth_watch, .init = set_up, .fini = tear_down, .timeout = 60);

Test(breadth_watch, the_fourth_waits_and_is_let_through_after_its_time)
{
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(enter(&anna, NOON + i), RC_OK);
		tell(&anna, NOON + i);
		leave(&anna);
	}
	cr_assert_eq(enter(&anna, NOON + 2), RC_TOO_BROAD);
	cr_assert_eq(waited, 20);
	cr_assert_eq(enter(&anna, NOON + 12), RC_TOO_BROAD);
	cr_assert_eq(waited, 10);
	cr_assert_eq(enter(&anna, NOON + 22), RC_OK);
	tell(&anna, NOON + 22);
	leave(&anna);
	cr_assert_eq(enter(&anna, NOON + 23), RC_TOO_BROAD);
	cr_assert_eq(waited, 39);
	cr_assert_eq(enter(&dora, NOON + 23), RC_OK, "one person's haste is not another's");
	leave(&dora);
	cr_assert_eq(enter(&anna, NOON + 3 * 3600), RC_OK, "an hour later all is as before");
	leave(&anna);
}

Test(breadth_watch, what_is_under_way_counts_too)
{
	for (int i = 0; i < 3; i++)
		cr_assert_eq(enter(&anna, NOON), RC_OK);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(enter(&anna, NOON), RC_TOO_BROAD);
	cr_assert_geq(waited, 1);
	for (int i = 0; i < 3; i++)
		leave(&anna);
	cr_assert_eq(enter(&anna, NOON), RC_OK, "they came to nothing");
	leave(&anna);
	leave(&anna); /* once too often */
	cr_assert_eq(enter(&anna, NOON), RC_OK);
}

Test(breadth_watch, nobody_is_counted_for_what_was_refused)
{
	for (int i = 0; i < 20; i++)
		record(&anna, "reservations_disclose", RC_STATE_CONFLICT, NOON);
	cr_assert_eq(enter(&anna, NOON), RC_OK);
	leave(&anna);
}

Test(breadth_watch, a_restart_forgets_nothing)
{
	for (int i = 0; i < 200; i++)
		record(&dora, "searches_create", RC_OK, NOON - 3 * 86400 + i);
	for (int i = 0; i < 3; i++)
		tell(&anna, NOON + i);
	restart(NOON + 10);
	cr_assert_eq(enter(&anna, NOON + 10), RC_TOO_BROAD);
	cr_assert_eq(waited, 12);
	restart(NOON + 5 * 3600);
	cr_assert_eq(enter(&anna, NOON + 5 * 3600), RC_OK);
	leave(&anna);
}

static void
make_unusual(int64_t now)
{
	for (int i = 0; i < 3; i++)
		tell(&anna, now);
	cr_assert_eq(enter(&anna, now), RC_TOO_BROAD);
}

Test(breadth_watch, an_alert_is_due_until_it_is_written_and_then_not_again_for_an_hour)
{
	struct breadth_alert alert = { 0 }, seen[4];

	cr_assert_not(breadth_watch_due(watch, &alert));
	make_unusual(NOON);
	cr_assert_eq(enter(&anna, NOON), RC_TOO_BROAD);
	cr_assert(breadth_watch_due(watch, &alert));
	cr_assert(id_equal(&alert.user, &anna) && id_equal(&alert.org, &desk));
	cr_assert_eq(alert.class, BREADTH_DISCLOSURE);
	cr_assert_eq(alert.window, BREADTH_HOUR);
	cr_assert(breadth_watch_due(watch, &alert), "not written, so still due");
	cr_assert_eq(breadth_watch_alerts(watch, NULL, NOON, seen, 4), 0);
	cr_assert_eq(fixture_update(&x, write_alert_txn, &alert), RC_OK);
	cr_assert_not(breadth_watch_due(watch, &alert));
	cr_assert_eq(enter(&anna, NOON + 5), RC_TOO_BROAD);
	cr_assert_not(breadth_watch_due(watch, &alert));
	cr_assert_eq(breadth_watch_alerts(watch, &desk, NOON, seen, 4), 1);
	cr_assert(id_equal(&seen[0].user, &anna));
	cr_assert_eq(seen[0].counts.hour, 3);
	cr_assert_eq(breadth_watch_alerts(watch, &other_desk, NOON, seen, 4), 0);
	cr_assert_eq(breadth_watch_alerts(watch, NULL, NOON + 2 * 86400, seen, 4), 0);
	make_unusual(NOON + BREADTH_ALERT_AGAIN + 1);
	cr_assert(breadth_watch_due(watch, &alert));
}

Test(breadth_watch, an_alert_survives_a_restart)
{
	struct breadth_alert alert, seen[4];

	make_unusual(NOON);
	cr_assert(breadth_watch_due(watch, &alert));
	cr_assert_eq(fixture_update(&x, write_alert_txn, &alert), RC_OK);
	restart(NOON + 60);
	cr_assert_eq(breadth_watch_alerts(watch, &desk, NOON + 60, seen, 4), 1);
	cr_assert_eq(seen[0].class, BREADTH_DISCLOSURE);
	cr_assert_eq(enter(&anna, NOON + 10), RC_TOO_BROAD);
	cr_assert_not(breadth_watch_due(watch, &alert), "it was raised before the restart");
}

Test(breadth_watch, trying_doors_raises_an_alert_though_nobody_is_held_up)
{
	struct breadth_alert alert;

	rules.rule[BREADTH_REFUSED] = (struct breadth_rule){ 10, 10, 100, 22, 6, 0, 0 };
	restart(NOON);
	for (int i = 0; i < 10; i++)
		record(&anna, "shelters_read", RC_NOT_FOUND, NOON);
	cr_assert_not(breadth_watch_due(watch, &alert));
	record(&anna, "shelters_read", RC_NOT_FOUND, NOON);
	cr_assert(breadth_watch_due(watch, &alert));
	cr_assert_eq(alert.class, BREADTH_REFUSED);
}

Test(breadth_watch, the_reason_of_an_alert_tells_class_and_window)
{
	struct breadth_alert alert = { .class = BREADTH_CANDIDATE, .window = BREADTH_NIGHT, .user = anna };
	struct audit_entry e;

	breadth_alert_entry(&alert, &e);
	cr_assert_str_eq(e.action, "alert_breadth");
	cr_assert_str_eq(e.reason, "candidate.night");
	cr_assert(id_is_zero(&e.user), "the watch is nobody: the person is the subject");
	cr_assert(id_equal(&e.subject, &anna));
	for (unsigned c = 0; c < BREADTH_CLASSES; c++)
		for (unsigned w = 0; w < BREADTH_WINDOWS; w++)
			cr_assert_lt(strlen(codes_breadth_class.rows[c].code) +
				strlen(codes_breadth_window.rows[w].code) + 1,
			    sizeof(e.reason));
}

/* ---- a clock that ran ahead, and was put back ---- */

#define AHEAD (NOON + 300 * DAY)

Test(breadth_watch, who_acted_while_the_clock_ran_ahead_is_counted_after_it_was_put_back)
{
	tell(&anna, AHEAD);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(enter(&anna, NOON + i), RC_OK);
		tell(&anna, NOON + i);
		leave(&anna);
	}
	cr_expect_eq(enter(&anna, NOON + 2), RC_TOO_BROAD);
}

Test(breadth_watch, who_had_to_wait_while_the_clock_ran_ahead_does_not_wait_until_then)
{
	for (int i = 0; i < 3; i++)
		tell(&anna, AHEAD);
	cr_assert_eq(enter(&anna, NOON), RC_TOO_BROAD);
	cr_expect_eq(waited, 20);
	cr_assert_eq(enter(&anna, NOON + 20), RC_OK);
	tell(&anna, NOON + 20);
	leave(&anna);
	cr_expect_eq(enter(&anna, NOON + 21), RC_TOO_BROAD);
	cr_expect_eq(enter(&anna, NOON + 3 * 3600), RC_OK);
}

Test(breadth_watch, a_restart_counts_what_came_after_a_clock_was_put_back)
{
	tell(&anna, AHEAD);
	for (int i = 0; i < 2; i++)
		tell(&anna, NOON + i);
	restart(NOON + 10);
	cr_expect_eq(enter(&anna, NOON + 10), RC_TOO_BROAD);
	cr_expect_eq(enter(&anna, NOON + 3 * 3600), RC_OK);
}

/* The one behind is the first that a search by halves looks at. */
Test(breadth_watch, a_restart_counts_what_came_before_an_entry_of_a_clock_that_was_behind)
{
	for (int i = 0; i < 3; i++)
		tell(&anna, NOON + i);
	record(&dora, "searches_create", RC_OK, NOON - 300 * DAY);
	for (int i = 0; i < 3; i++)
		record(&dora, "searches_create", RC_OK, NOON + i);
	restart(NOON + 10);
	cr_expect_eq(enter(&anna, NOON + 10), RC_TOO_BROAD);
}

Test(breadth_watch, trying_doors_is_counted_after_a_clock_was_put_back)
{
	struct breadth_alert alert;

	rules.rule[BREADTH_REFUSED] = (struct breadth_rule){ 10, 10, 100, 22, 6, 0, 0 };
	restart(NOON);
	record(&anna, "shelters_read", RC_NOT_FOUND, AHEAD);
	cr_assert_eq(enter(&dora, NOON), RC_OK); /* anybody */
	leave(&dora);
	for (int i = 0; i < 10; i++)
		record(&anna, "shelters_read", RC_NOT_FOUND, NOON);
	cr_expect(is_due(&alert) && alert.class == BREADTH_REFUSED);
}

Test(breadth_watch, an_alert_by_a_clock_that_ran_ahead_is_not_the_last_for_so_long)
{
	struct breadth_alert alert;

	make_unusual(AHEAD);
	cr_assert(is_due(&alert));
	cr_assert_eq(fixture_update(&x, write_alert_txn, &alert), RC_OK);
	cr_assert_not(is_due(&alert));
	make_unusual(NOON);
	cr_expect(is_due(&alert) && alert.at == NOON);
}

/* ---- 8 threads, one person, three tellings ---- */

static void *
grab(void *arg)
{
	unsigned *won = arg, wait;

	for (int i = 0; i < 2000; i++)
		*won += breadth_watch_enter(watch, &anna, &desk, BREADTH_DISCLOSURE, NOON, &wait) == RC_OK;
	return NULL;
}

Test(breadth_watch, a_burst_from_many_threads_gets_no_more)
{
	pthread_t thread[8];
	unsigned won[8] = { 0 }, all = 0;

	for (unsigned i = 0; i < COUNT_OF(thread); i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, grab, &won[i]), 0);
	for (unsigned i = 0; i < COUNT_OF(thread); i++) {
		pthread_join(thread[i], NULL);
		all += won[i];
	}
	cr_assert_eq(all, 3);
}

Test(breadth_watch, many_people_are_kept_apart_and_forgotten_after_a_day)
{
	struct id who = { { 0 } };

	for (unsigned i = 0; i < 20000; i++) {
		put_u32(who.b, i);
		cr_assert_eq(enter(&who, NOON), RC_OK);
		leave(&who);
	}
	for (unsigned i = 0; i < 20000; i++) {
		put_u32(who.b, i);
		cr_assert_eq(enter(&who, NOON + 3 * 86400), RC_OK);
		leave(&who);
	}
}

/* ---- rows that share a bucket of the table ---- */

/* Of these each has its row in one bucket, whatever the class. */
static struct id
neighbour(unsigned n, enum breadth_class class)
{
	struct id id = { { 0 } };

	put_u64(id.b, 4096 * ((uint64_t)n + 2) - (uint64_t) class);
	return id;
}

/* Looks at that bucket, so that rows which count no more go. */
static void
look_in(int64_t now)
{
	const struct id passer_by = neighbour(1000, BREADTH_DISCLOSURE);

	cr_assert_eq(enter(&passer_by, now), RC_OK);
	leave(&passer_by);
}

/* Three under way and a fourth, which has to wait. */
static void
crowd(const struct id *user, int64_t now)
{
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(enter(user, now), RC_OK);
	cr_assert_eq(enter(user, now), RC_TOO_BROAD);
	for (unsigned i = 0; i < 3; i++)
		leave(user);
}

Test(breadth_watch, neighbours_are_other_people_and_other_classes)
{
	const struct id a = neighbour(0, BREADTH_DISCLOSURE), b = neighbour(1, BREADTH_DISCLOSURE),
			c = neighbour(2, BREADTH_SEARCH);

	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(enter(&a, NOON), RC_OK);
	cr_expect_eq(enter(&b, NOON), RC_OK);
	cr_expect_eq(breadth_watch_enter(watch, &c, &desk, BREADTH_SEARCH, NOON, &waited), RC_OK);
	breadth_watch_leave(watch, &c, BREADTH_SEARCH);
	breadth_watch_leave(watch, &c, BREADTH_DISCLOSURE); /* of which nothing is under way */
	leave(&b);
	cr_expect_eq(enter(&a, NOON), RC_TOO_BROAD, "its own are still under way");
	leave(&a);
	cr_expect_eq(enter(&a, NOON), RC_OK);
}

Test(breadth_watch, what_still_counts_is_not_forgotten_when_others_come)
{
	const struct id busy = neighbour(0, BREADTH_DISCLOSURE), told = neighbour(1, BREADTH_DISCLOSURE),
			raised = neighbour(2, BREADTH_DISCLOSURE), idle = neighbour(3, BREADTH_DISCLOSURE);
	struct breadth_alert alert;

	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(enter(&busy, NOON), RC_OK);
		tell(&told, NOON);
	}
	crowd(&raised, NOON);
	cr_assert_eq(enter(&idle, NOON), RC_OK);
	leave(&idle);
	look_in(NOON + 10);
	cr_expect_eq(enter(&told, NOON + 10), RC_TOO_BROAD);
	look_in(NOON + 5 * DAY);
	cr_expect_eq(enter(&busy, NOON + 5 * DAY), RC_TOO_BROAD, "for days, but it is under way");
	crowd(&raised, NOON + 5 * DAY);
	cr_assert(is_due(&alert));
	cr_expect(id_equal(&alert.user, &raised) && alert.at == NOON);
	breadth_watch_done(watch, &alert);
	cr_assert(is_due(&alert));
	cr_expect(id_equal(&alert.user, &told));
	breadth_watch_done(watch, &alert);
	cr_assert(is_due(&alert));
	cr_expect(id_equal(&alert.user, &busy));
	breadth_watch_done(watch, &alert);
	cr_expect_not(is_due(&alert), "and none twice");
}

Test(breadth_watch, an_alert_is_not_raised_again_because_its_row_went)
{
	const struct id person = neighbour(0, BREADTH_DISCLOSURE);
	struct breadth_alert alert, seen[4];

	crowd(&person, NOON); /* told nothing: the alert alone keeps the row */
	cr_assert(is_due(&alert));
	cr_assert_eq(fixture_update(&x, write_alert_txn, &alert), RC_OK);
	look_in(NOON + BREADTH_ALERT_AGAIN - 1);
	crowd(&person, NOON + BREADTH_ALERT_AGAIN - 1);
	cr_expect_not(is_due(&alert));
	look_in(NOON + 3 * BREADTH_ALERT_AGAIN);
	cr_assert_eq(breadth_watch_alerts(watch, NULL, NOON + 3 * BREADTH_ALERT_AGAIN, seen, 4), 1);
	cr_expect(id_equal(&seen[0].user, &person) && seen[0].counts.day == 0);
	crowd(&person, NOON + 3 * BREADTH_ALERT_AGAIN);
	cr_expect(is_due(&alert));
}

/* ---- how many alerts there may be ---- */

#define DUE 64u

Test(breadth_watch, more_alerts_than_wait_at_once_come_with_their_persons_next_attempt)
{
	const struct id last = neighbour(DUE, BREADTH_DISCLOSURE);
	struct breadth_alert alert, none = { .class = BREADTH_SEARCH },
				    amid = { .class = BREADTH_DISCLOSURE, .at = NOON + 10 };

	for (unsigned i = 0; i <= DUE; i++) {
		const struct id person = neighbour(i, BREADTH_DISCLOSURE);

		crowd(&person, NOON + i);
	}
	breadth_watch_done(watch, &none); /* nobody's */
	amid.user = neighbour(10, BREADTH_DISCLOSURE);
	breadth_watch_done(watch, &amid); /* not the oldest */
	for (unsigned i = 0; i < DUE; i++) {
		if (i == 10)
			continue;
		cr_assert(is_due(&alert));
		cr_assert(alert.at == NOON + i, "the oldest first: %u", i);
		breadth_watch_done(watch, &alert);
	}
	cr_expect_not(is_due(&alert));
	crowd(&last, NOON + 100);
	cr_expect(is_due(&alert) && id_equal(&alert.user, &last));
}

Test(breadth_watch, the_newest_alerts_are_kept_and_no_more_are_shown_than_asked_for)
{
	static struct breadth_alert seen[BREADTH_ALERTS + 1];

	for (unsigned i = 0; i < BREADTH_ALERTS + 40; i++) {
		struct breadth_alert alert = { .user = neighbour(i, BREADTH_DISCLOSURE),
			.org = desk,
			.class = BREADTH_DISCLOSURE,
			.window = BREADTH_DAY,
			.at = NOON + i };

		cr_assert_eq(fixture_update(&x, write_alert_txn, &alert), RC_OK);
	}
	cr_expect_eq(breadth_watch_alerts(watch, NULL, NOON, seen, BREADTH_ALERTS + 1), BREADTH_ALERTS);
	for (unsigned i = 0; i < BREADTH_ALERTS; i++)
		cr_assert_eq(seen[i].at, NOON + BREADTH_ALERTS + 39 - i);
	cr_expect_eq(breadth_watch_alerts(watch, &desk, NOON, seen, 3), 3);
	cr_expect_eq(seen[2].at, NOON + BREADTH_ALERTS + 37);
}

/* ---- holding up ---- */

Test(breadth_watch, a_class_without_a_delay_is_never_held_up)
{
	struct breadth_alert alert;

	rules.rule[BREADTH_REQUEST] = (struct breadth_rule){ 2, 2, 10, 22, 6, 0, 0 };
	restart(NOON);
	for (unsigned i = 0; i < 5; i++)
		cr_assert_eq(breadth_watch_enter(watch, &anna, &desk, BREADTH_REQUEST, NOON, &waited), RC_OK);
	cr_expect(is_due(&alert) && alert.class == BREADTH_REQUEST);
	cr_expect_eq(waited, 0);
}

Test(breadth_watch, who_was_told_and_asks_again_at_once_waits_the_whole_time_but_no_more)
{
	tell(&anna, NOON);
	tell(&anna, NOON);
	cr_assert_eq(enter(&anna, NOON), RC_OK);
	cr_expect_eq(enter(&anna, NOON + 5), RC_TOO_BROAD);
	cr_expect_eq(waited, 15);
	cr_expect_eq(enter(&anna, NOON - 500), RC_TOO_BROAD, "a clock that was set back");
	cr_expect_eq(waited, 20);
}
