/* SPDX-License-Identifier: Apache-2.0 */
/* The watch of the trail: counts what was committed and what is under way, forgets nothing in a restart, and
 * raises each alert once. */
#include <pthread.h>

#include "../famine.h"
#include "../store_fixture.h"
#include "ledger/breadth_watch.h"

#define NOON 1795258800 /* 2026-11-21T11:00:00Z */
#define DAY  86400

static struct fixture x;
static struct breadth_watch *watch, *before[6]; /* the restarted ones follow the store until it is closed */
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

static bool
is_due(struct breadth_alert *out)
{
	*out = (struct breadth_alert){ .class = BREADTH_CLASSES };
	return breadth_watch_due(watch, out);
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

/* ---- entries that do not count, and some that cannot be read ---- */

Test(breadth_watch, what_nobody_did_and_what_is_no_operation_counts_for_nobody)
{
	static const struct id nobody;
	struct breadth_alert alert;

	for (unsigned i = 0; i < 5; i++) {
		tell(&nobody, NOON);
		record(&anna, "orgs_read", RC_OK, NOON);
	}
	cr_expect_not(is_due(&alert));
	cr_expect_eq(enter(&nobody, NOON), RC_OK);
	cr_expect_eq(enter(&anna, NOON), RC_OK);
}

Test(breadth_watch, an_alert_in_other_words_is_none)
{
	static const char *const reasons[] = { "", "disclosure", "disclosure.", ".hour", "disclosure.never",
		"nothing.hour", "disclosure hour" };
	struct breadth_alert seen[4];

	for (unsigned i = 0; i < COUNT_OF(reasons); i++) {
		struct audit_entry e = { .at = NOON, .action = BREADTH_ALERT_ACTION, .subject = anna };

		str_copy(e.reason, sizeof(e.reason), reasons[i]);
		cr_assert_eq(fixture_update(&x, write_entry_txn, &e), RC_OK);
	}
	cr_expect_eq(breadth_watch_alerts(watch, NULL, NOON, seen, 4), 0);
}

struct slipped {
	enum store_log log;
	struct bytes text;
};

static enum rc
slip_in(struct txn *t, void *arg)
{
	const struct slipped *s = arg;
	const uint8_t leaf[LOG_LEAF] = { 1 };

	return txn_append(t, s->log, leaf, KEY_AUDIT, s->text);
}

Test(breadth_watch, an_entry_that_is_none_is_passed_over)
{
	struct slipped none = { LOG_AUDIT, bytes_str("x") }, event = { LOG_EVENT, bytes_str("x") };
	struct org org = { .id = desk, .version = 1 };

	tell(&anna, NOON);
	fixture_put(&x, KIND_ORG, &desk, &org);
	cr_assert_eq(fixture_update(&x, slip_in, &none), RC_OK);
	cr_assert_eq(fixture_update(&x, slip_in, &event), RC_OK);
	tell(&anna, NOON);
	tell(&anna, NOON);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
}

static bool must_lose_key;

/* Between the commit and the watch that follows. */
static void
lose_key(void *arg, const struct change *changes, size_t count)
{
	const uint32_t old = keyring_current(x.ring, KEY_AUDIT);
	struct fault f = { 0 };

	(void)arg;
	(void)changes;
	(void)count;
	if (!must_lose_key)
		return;
	must_lose_key = false;
	cr_expect_eq(keyring_renew(x.ring, KEY_AUDIT, &f), RC_OK);
	cr_expect_eq(keyring_retire(x.ring, &old, 1, &f), RC_OK);
}

Test(breadth_watch, an_entry_whose_key_is_gone_is_not_counted_and_the_next_one_is)
{
	store_watch(x.store, lose_key, NULL);
	restart(NOON);
	must_lose_key = true;
	tell(&anna, NOON);
	cr_assert_not(must_lose_key);
	tell(&anna, NOON);
	tell(&anna, NOON);
	cr_assert_eq(enter(&anna, NOON), RC_OK, "two that could be read");
	leave(&anna);
	tell(&anna, NOON);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
}

/* ---- the start ---- */

static enum rc
start(int64_t now)
{
	struct fault f = { 0 };
	struct breadth_watch *w;
	const enum rc rc = breadth_watch_new(x.store, &rules, now, &w, &f);

	cr_expect_eq(w != NULL, rc == RC_OK);
	cr_expect_eq(f.count, rc != RC_OK);
	if (rc == RC_OK) {
		before[restarts++] = watch;
		watch = w;
	}
	return rc;
}

Test(breadth_watch, a_disk_that_fails_at_the_start_is_not_taken_for_an_empty_trail)
{
	unsigned n = 1;
	enum rc rc;

	for (int i = 0; i < 20; i++)
		tell(&dora, NOON - 2 * DAY + i);
	for (int i = 0; i < 3; i++)
		tell(&anna, NOON);
	for (;; n++) {
		atomic_store(&fixture_read_fails, n);
		rc = start(NOON);
		if (atomic_exchange(&fixture_read_fails, 0) > 0)
			break;
		cr_assert_eq(rc, RC_UNAVAILABLE, "read %u fails: %d", n, rc);
	}
	cr_expect(rc == RC_OK && n > 5);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
	breadth_watch_free(NULL);
}

/* Entry ${n} does not open any more. */
static void
break_entry(uint64_t n)
{
	const struct key at = log_key(LOG_AUDIT, n);
	struct bytes raw = fixture_raw_get(&at);

	((uint8_t *)(uintptr_t)raw.p)[raw.len - 1] ^= 1;
	fixture_raw_put(&at, raw);
	free((void *)(uintptr_t)raw.p);
}

Test(breadth_watch, a_damaged_trail_stops_no_start_and_what_comes_is_counted)
{
	for (int i = 0; i < 3; i++)
		tell(&anna, NOON);
	break_entry(3);
	cr_assert_eq(start(NOON), RC_OK);
	cr_expect_eq(enter(&anna, NOON), RC_OK, "two before the damage");
	leave(&anna);
	tell(&anna, NOON);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
	cr_expect_eq(start(NOON), RC_OK, "where the search for the first of the day looks");
	cr_expect_eq(enter(&anna, NOON), RC_OK);
}

Test(breadth_watch, an_entry_that_came_late_counts_by_its_own_time)
{
	const int64_t now = NOON + 300, from = now - DAY; /* amid a slot of ten minutes */
	struct breadth_alert alert;

	rules.rule[BREADTH_DISCLOSURE].day = 3;
	tell(&anna, from + 1);
	tell(&anna, from + 2);
	tell(&anna, from - 1);
	cr_assert_eq(start(now), RC_OK);
	cr_assert_eq(enter(&anna, now), RC_OK);
	cr_expect_not(is_due(&alert), "two within a day");
	cr_assert_eq(enter(&anna, now), RC_TOO_BROAD, "with the one that is under way three");
	cr_expect(is_due(&alert) && alert.window == BREADTH_DAY);
	leave(&anna);
	cr_assert_eq(start(now + DAY), RC_OK, "all are older");
	cr_expect_eq(enter(&anna, now + DAY), RC_OK);
	cr_expect_not(is_due(&alert));
}

/* Entries with many tags are large, and a trail may hold nothing else. */
Test(breadth_watch, the_search_for_the_first_of_the_day_needs_the_memory_of_one_entry_not_of_all)
{
	static uint8_t text[2 + 512 + 1200 * TAG_BYTES];
	const struct audit_entry e = { .at = NOON - 2 * DAY, .action = "orgs_read" };
	struct slipped large = { .log = LOG_AUDIT };
	size_t len = 0;

	cr_assert_eq(model_encode(&model_audit_entry, &e, text + 2, 512, &len), RC_OK);
	text[0] = (uint8_t)(len >> 8);
	text[1] = (uint8_t)len;
	large.text = (struct bytes){ text, 2 + len + 1200 * TAG_BYTES };
	for (unsigned i = 0; i < 32; i++)
		cr_assert_eq(fixture_update(&x, slip_in, &large), RC_OK);
	for (int i = 0; i < 3; i++)
		tell(&anna, NOON);
	cr_assert_eq(start(NOON), RC_OK);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
}

/* ---- without memory ---- */

static enum rc
start_at_noon(void *arg)
{
	(void)arg;
	return start(NOON);
}

Test(breadth_watch, without_memory_it_does_not_start)
{
	NEEDS_FAMINE();
	cr_expect_geq(famine_each(start_at_noon, NULL, RC_UNAVAILABLE), 2);
}

Test(breadth_watch, without_memory_nobody_is_let_through_uncounted)
{
	NEEDS_FAMINE();
	famine_in = 1;
	cr_expect_eq(enter(&anna, NOON), RC_UNAVAILABLE);
	cr_expect_eq(famine_in, 0);
	breadth_watch_leave(watch, &anna, BREADTH_DISCLOSURE); /* which never entered */
	for (unsigned i = 0; i < 3; i++)
		cr_expect_eq(enter(&anna, NOON), RC_OK);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
}

static atomic_uint refuse_next, refused;

/* Told before the watch, on the thread that will tell it. */
static void
starve_watch(void *arg, const struct change *changes, size_t count)
{
	(void)arg;
	(void)changes;
	(void)count;
	famine_in = atomic_exchange(&refuse_next, 0);
}

/* And after it. */
static void
feed_watch(void *arg, const struct change *changes, size_t count)
{
	(void)arg;
	(void)changes;
	(void)count;
	atomic_store(&refused, famine_in == 0);
	famine_in = 0;
}

Test(breadth_watch, the_registry_goes_on_when_there_is_no_memory_to_count)
{
	struct breadth_alert alert = { .user = dora, .org = desk, .class = BREADTH_DISCLOSURE, .at = NOON },
			     seen[4];

	NEEDS_FAMINE();
	store_watch(x.store, starve_watch, NULL);
	cr_assert_eq(start(NOON), RC_OK);
	store_watch(x.store, feed_watch, NULL);
	record(&dora, "orgs_read", RC_OK, NOON); /* its arena has its memory from here on */
	atomic_store(&refuse_next, 1);
	tell(&anna, NOON);
	cr_assert_eq(atomic_load(&refused), 1);
	for (unsigned i = 0; i < 2; i++)
		tell(&anna, NOON);
	cr_assert_eq(enter(&anna, NOON), RC_OK, "the first was not counted");
	leave(&anna);
	atomic_store(&refuse_next, 1);
	cr_assert_eq(fixture_update(&x, write_alert_txn, &alert), RC_OK);
	cr_assert_eq(atomic_load(&refused), 1);
	cr_assert_eq(breadth_watch_alerts(watch, NULL, NOON, seen, 4), 1);
	cr_expect(id_equal(&seen[0].user, &dora) && seen[0].counts.day == 0);
	tell(&anna, NOON);
	cr_expect_eq(enter(&anna, NOON), RC_TOO_BROAD);
}
