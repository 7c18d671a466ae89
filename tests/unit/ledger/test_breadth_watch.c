/* SPDX-License-Identifier: Apache-2.0 */
/* The watch of the trail: counts what was committed and what is under way, forgets nothing in a restart, and
 * raises each alert once. */
#include <pthread.h>

#include "../store_fixture.h"
#include "ledger/breadth_watch.h"

#define NOON 1795258800 /* 2026-11-21T11:00:00Z */

static struct fixture x;
static struct breadth_watch *watch, *before[4]; /* the restarted ones follow the store until it is closed */
static unsigned restarts;
static struct breadth_rules rules;
static const struct id anna = { { 1 } }, dora = { { 2 } }, desk = { { 9 } }, other_desk = { { 8 } };
static unsigned waited;

static void
open_watch(int64_t now)
{
	struct fault f = { 0 };

	cr_assert_eq(breadth_watch_new(x.store, &rules, now, &watch, &f), RC_OK);
}

static void
set_up(void)
{
	fixture_new(&x, &engine_memory);
	breadth_default(&rules);
	rules.rule[BREADTH_DISCLOSURE] = (struct breadth_rule){ 3, 2, 10, 22, 6, 20, 300 };
	open_watch(NOON);
}

static void
tear_down(void)
{
	fixture_close_store(&x);
	breadth_watch_free(watch);
	while (restarts > 0)
		breadth_watch_free(before[--restarts]);
	watch = NULL;
	fixture_free(&x);
}

TestSuite(breadth_watch, .init = set_up, .fini = tear_down, .timeout = 60);

static enum rc
write_entry_txn(struct txn *t, void *arg)
{
	return ledger_record(t, arg);
}

static void
record(const struct id *user, const char *action, enum rc outcome, int64_t at)
{
	struct audit_entry e = { .at = at, .outcome = (uint16_t)outcome, .user = *user, .org = desk };

	str_copy(e.action, sizeof(e.action), action);
	cr_assert_eq(fixture_update(&x, write_entry_txn, &e), RC_OK);
}

static void
tell(const struct id *user, int64_t at)
{
	record(user, "reservations_disclose", RC_OK, at);
}

static enum rc
enter(const struct id *user, int64_t now)
{
	return breadth_watch_enter(watch, user, &desk, BREADTH_DISCLOSURE, now, &waited);
}

static void
leave(const struct id *user)
{
	breadth_watch_leave(watch, user, BREADTH_DISCLOSURE);
}

/* Closing the memory engine forgets, so a restart is a second watch over the same store. */
static void
restart(int64_t now)
{
	struct fault f = { 0 };

	before[restarts++] = watch;
	cr_assert_eq(breadth_watch_new(x.store, &rules, now, &watch, &f), RC_OK);
}

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

static enum rc
write_alert_txn(struct txn *t, void *arg)
{
	struct audit_entry e;
	const struct breadth_alert *alert = arg;

	breadth_alert_entry(alert, &e);
	e.at = alert->at;
	return ledger_record(t, &e);
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
