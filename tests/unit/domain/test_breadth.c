/* SPDX-License-Identifier: Apache-2.0 */
/* What is unusual, and how long the next one waits; the built-in rows against an honest night of the
 * helpline. */
#include <criterion/criterion.h>
#include <string.h>

#include "../starving.h"
#include "base/clock.h"
#include "domain/breadth.h"

static struct breadth_rules rules;
static struct breadth_history history;
static struct fault fault;

static void
setup(void)
{
	breadth_default(&rules);
	memset(&history, 0, sizeof(history));
	fault = (struct fault){ 0 };
}

TestSuite(breadth, .init = setup);

static int64_t
when(const char *text)
{
	int64_t t;

	cr_assert(time_parse(text, strlen(text), &t), "%s", text);
	return t;
}

/* One that obeys: waits as it is told, then does it. */
static int64_t
do_one(enum breadth_class class, int64_t now)
{
	const struct breadth_verdict v = breadth_judge(&rules.rule[class], breadth_count(&history, now), now);
	const int64_t next = v.is_unusual && history.last_at + v.wait > now ? history.last_at + v.wait : now;

	breadth_add(&history, next);
	return next - now;
}

/* Twelve hours, six requests an hour, for each what the row says: nobody waits, nothing is unusual. */
Test(breadth, an_honest_terrible_night_is_ordinary)
{
	static const struct {
		enum breadth_class class;
		unsigned each_hour;
	} rows[] = {
		{ BREADTH_SEARCH, 30 },
		{ BREADTH_CANDIDATE, 18 },
		{ BREADTH_DISCLOSURE, 5 },
		{ BREADTH_TAKE_OVER, 5 },
		{ BREADTH_OWN_LOCATION, 2 },
		{ BREADTH_REFUSED, 10 },
		{ BREADTH_REQUEST, 6 },
	};

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		const int64_t start = when("2026-12-24T17:00:00Z"); /* a shift through the whole night */
		memset(&history, 0, sizeof(history));
		for (unsigned n = 0; n < 12 * rows[i].each_hour; n++) {
			const int64_t now = start + (int64_t)n * 3600 / rows[i].each_hour;
			struct breadth_counts c = breadth_count(&history, now);
			cr_assert_not(breadth_judge(&rules.rule[rows[i].class], c, now).is_unusual,
			    "%s %u at %u", codes_breadth_class.rows[rows[i].class].code, c.hour, n);
			breadth_add(&history, now);
		}
	}
}

/* The strictest row of each class: whoever goes on is slowed to minutes, never to a night. */
Test(breadth, whoever_goes_on_waits_minutes_and_never_a_night)
{
	for (unsigned class = 0; class < BREADTH_CLASSES; class ++) {
		const unsigned most = rules.rule[class].delay_max;
		int64_t now = when("2026-11-21T01:00:00Z"), waited = 0, longest = 0;
		memset(&history, 0, sizeof(history));
		for (unsigned n = 0; n < 400; n++) {
			const int64_t wait = do_one((enum breadth_class) class, now);
			longest = wait > longest ? wait : longest;
			now += wait;
			waited += wait;
		}
		cr_assert_leq(longest, 300, "%u", class);
		cr_assert_eq(longest, most, "%u", class);
		cr_assert_eq(waited > 0, most > 0, "%u", class);
	}
}

/* The day's measure first, then one in five minutes; and the shift lead has heard of it since the first hour.
 */
Test(breadth, a_thief_of_locations_gets_the_measure_of_a_day_and_then_a_dozen_an_hour)
{
	const int64_t start = when("2026-11-21T08:00:00Z");
	int64_t now = start;
	unsigned told = 0;

	while (now < start + 12 * 3600) {
		now += do_one(BREADTH_DISCLOSURE, now);
		told++;
	}
	cr_assert_leq(told, 60u + 12 * 12, "%u", told);
}

Test(breadth, the_wait_begins_short_and_doubles)
{
	const struct breadth_rule rule = { 3, 3, 100, 22, 6, 20, 300 };
	static const unsigned wait[] = { 20, 40, 80, 160, 300, 300 };
	const int64_t noon = when("2026-11-21T11:00:00Z");

	for (unsigned n = 0; n < 3; n++)
		cr_assert_not(breadth_judge(&rule, (struct breadth_counts){ n, n }, noon).is_unusual);
	for (unsigned n = 0; n < COUNT_OF(wait); n++) {
		struct breadth_verdict v =
		    breadth_judge(&rule, (struct breadth_counts){ 3 + n, 3 + n }, noon);
		cr_assert(v.is_unusual);
		cr_assert_eq(v.wait, wait[n], "%u", v.wait);
		cr_assert_eq(v.window, BREADTH_HOUR);
	}
	cr_assert_eq(breadth_judge(&rule, (struct breadth_counts){ 60000, 60000 }, noon).wait, 300);
}

/* 22:00 to 06:00 in Budapest, summer and winter. */
Test(breadth, at_night_less_is_unusual)
{
	static const struct {
		const char *at;
		bool is_night;
	} rows[] = {
		{ "2026-11-21T20:59:59Z", false },
		{ "2026-11-21T21:00:00Z", true },
		{ "2026-11-21T23:30:00Z", true },
		{ "2026-11-22T04:59:59Z", true },
		{ "2026-11-22T05:00:00Z", false },
		{ "2026-07-01T19:59:59Z", false },
		{ "2026-07-01T20:00:00Z", true },
		{ "2026-07-02T03:59:59Z", true },
		{ "2026-07-02T04:00:00Z", false },
	};
	const struct breadth_rule rule = { 10, 2, 100, 22, 6, 1, 1 };

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		struct breadth_verdict v =
		    breadth_judge(&rule, (struct breadth_counts){ 5, 5 }, when(rows[i].at));
		cr_assert_eq(v.is_unusual, rows[i].is_night, "%s", rows[i].at);
		cr_assert(!v.is_unusual || v.window == BREADTH_NIGHT);
	}
}

Test(breadth, many_over_a_day_are_unusual_even_when_no_hour_is)
{
	const struct breadth_rule rule = { 10, 10, 24, 22, 6, 20, 300 };
	const int64_t start = when("2026-11-21T00:00:00Z");
	struct breadth_verdict v = { 0 };
	unsigned n = 0;

	for (; n < 40 && !v.is_unusual; n++) {
		const int64_t now = start + (int64_t)n * 1800;
		v = breadth_judge(&rule, breadth_count(&history, now), now);
		breadth_add(&history, now);
	}
	cr_assert_eq(n, 25);
	cr_assert_eq(v.window, BREADTH_DAY);
}

Test(breadth, what_is_an_hour_or_a_day_old_counts_no_more)
{
	const int64_t at = when("2026-11-21T08:00:00Z");

	for (unsigned i = 0; i < 7; i++)
		breadth_add(&history, at);
	cr_assert_eq(breadth_count(&history, at).hour, 7);
	cr_assert_eq(breadth_count(&history, at + 3599).hour, 7, "never less than an hour");
	cr_assert_eq(breadth_count(&history, at + 3600 + BREADTH_SLOT).hour, 0);
	cr_assert_eq(breadth_count(&history, at + 86399).day, 7);
	cr_assert_eq(breadth_count(&history, at + 86400 + BREADTH_SLOT).day, 0);
	cr_assert_not(breadth_is_over(&history, at + 86399));
	cr_assert(breadth_is_over(&history, at + 86400 + BREADTH_SLOT));
}

Test(breadth, an_entry_that_comes_late_is_counted_in_its_own_time)
{
	const int64_t at = when("2026-11-21T08:00:00Z");

	breadth_add(&history, at + 7200);
	breadth_add(&history, at);
	cr_assert_eq(breadth_count(&history, at + 7200).hour, 1);
	cr_assert_eq(breadth_count(&history, at + 7200).day, 2);
	cr_assert_eq(history.last_at, at + 7200);
	breadth_add(&history, at - 2 * 86400); /* too old to matter */
	cr_assert_eq(breadth_count(&history, at + 7200).day, 2);
}

Test(breadth, a_clock_that_was_set_back_forgives_nothing)
{
	const int64_t at = when("2026-11-21T08:00:00Z");

	for (unsigned i = 0; i < 5; i++)
		breadth_add(&history, at);
	cr_assert_eq(breadth_count(&history, at - 7200).hour, 5);
	cr_assert_not(breadth_is_over(&history, at - 7200));
}

Test(breadth, a_clock_that_ran_ahead_by_days_does_not_end_the_counting)
{
	const int64_t at = when("2026-11-21T08:00:00Z");

	for (unsigned i = 0; i < 5; i++)
		breadth_add(&history, at + 300 * 86400);
	breadth_set_back(&history, -1);
	cr_assert_eq(history.last_at, at + 300 * 86400);
	breadth_set_back(&history, at);
	for (unsigned i = 0; i < 3; i++)
		breadth_add(&history, at + 60);
	cr_assert_eq(breadth_count(&history, at + 60).hour, 8, "it forgives nothing");
	cr_assert_eq(history.last_at, at + 60, "nor holds up anybody until then");
	breadth_set_back(&history, at - 86399);
	cr_assert_eq(history.last_at, at + 60, "that were hours");
	cr_assert(breadth_is_over(&history, at + 2 * 86400));
}

Test(breadth, what_was_counted_by_a_clock_that_ran_ahead_does_not_overflow)
{
	const int64_t at = when("2026-11-21T08:00:00Z");

	for (unsigned i = 0; i < UINT16_MAX; i++) {
		breadth_add(&history, at);
		breadth_add(&history, at + BREADTH_SLOT);
	}
	breadth_set_back(&history, at - 30 * 86400);
	cr_assert_eq(breadth_count(&history, at - 30 * 86400).day, UINT16_MAX);
}

Test(breadth, slots_that_were_passed_over_are_empty)
{
	const int64_t at = when("2026-11-21T08:00:00Z");

	for (unsigned day = 0; day < 30; day++) {
		breadth_add(&history, at + (int64_t)day * 86400 * 2);
		cr_assert_eq(breadth_count(&history, at + (int64_t)day * 86400 * 2).day, 1, "%u", day);
	}
}

Test(breadth, each_operation_counts_as_what_it_shows)
{
	static const struct {
		const char *action;
		enum rc outcome;
		enum breadth_class class;
	} rows[] = {
		{ "searches_create", RC_OK, BREADTH_SEARCH },
		{ "reservations_create", RC_OK, BREADTH_CANDIDATE },
		{ "reservations_create", RC_NO_PLACE_LEFT, BREADTH_CLASSES },
		{ "reservations_disclose", RC_OK, BREADTH_DISCLOSURE },
		{ "reservations_disclose", RC_FORBIDDEN, BREADTH_REFUSED },
		{ "break_glass_disclose", RC_OK, BREADTH_DISCLOSURE },
		{ "locations_read", RC_OK, BREADTH_OWN_LOCATION },
		{ "locations_read", RC_NOT_FOUND, BREADTH_REFUSED },
		{ "shelters_read", RC_NOT_FOUND, BREADTH_REFUSED },
		{ "episodes_create", RC_OK, BREADTH_REQUEST },
		{ "episodes_close", RC_OK, BREADTH_CLASSES },
	};

	for (unsigned i = 0; i < COUNT_OF(rows); i++)
		cr_assert_eq(breadth_of_entry(rows[i].action, rows[i].outcome), rows[i].class, "%u", i);
}

Test(breadth, break_glass_is_counted_and_never_held_up)
{
	cr_assert_eq(breadth_of_operation("reservations_disclose"), BREADTH_DISCLOSURE);
	cr_assert_eq(breadth_of_operation("break_glass_disclose"), BREADTH_CLASSES);
	cr_assert_eq(breadth_of_operation("break_glass_create"), BREADTH_CLASSES);
	cr_assert_eq(
	    breadth_of_operation("episodes_create"), BREADTH_CLASSES, "a call for help is never slowed");
}

#define HEADER "class,hour,night,day,night_from,night_to,delay,delay_max\n"

static enum rc
read_rows(const char *text)
{
	return breadth_read(bytes_str(text), &rules, &fault);
}

Test(breadth, a_row_of_the_file_replaces_the_one_of_its_class)
{
	const struct breadth_rule search = rules.rule[BREADTH_SEARCH];

	cr_assert_eq(read_rows(HEADER "# ours\ndisclosure,3,2,9,20,7,5,60\n"), RC_OK);
	cr_assert_eq(rules.rule[BREADTH_DISCLOSURE].hour, 3);
	cr_assert_eq(rules.rule[BREADTH_DISCLOSURE].night, 2);
	cr_assert_eq(rules.rule[BREADTH_DISCLOSURE].day, 9);
	cr_assert_eq(rules.rule[BREADTH_DISCLOSURE].night_from, 20);
	cr_assert_eq(rules.rule[BREADTH_DISCLOSURE].night_to, 7);
	cr_assert_eq(rules.rule[BREADTH_DISCLOSURE].delay, 5);
	cr_assert_eq(rules.rule[BREADTH_DISCLOSURE].delay_max, 60);
	cr_assert_eq(memcmp(&rules.rule[BREADTH_SEARCH], &search, sizeof(search)), 0);
}

Test(breadth, a_wrong_file_is_refused_with_its_place_and_changes_nothing)
{
	static const struct {
		const char *text, *pointer;
	} rows[] = {
		{ HEADER "nonsense,1,1,1,22,6,1,1\n", "/2/class" },
		{ HEADER "search,1,1,1,22,6,1,1\nsearch,1,1,1,22,6,1,1\n", "/3/class" },
		{ HEADER "search,-1,1,1,22,6,1,1\n", "/2/hour" },
		{ HEADER "search,65536,1,1,22,6,1,1\n", "/2/hour" },
		{ HEADER "search,1,1,1,25,6,1,1\n", "/2/night_from" },
		{ HEADER "search,1,1,1,22,6,1,601\n", "/2/delay_max" }, /* minutes, never a night */
		{ HEADER "search,1,,1,22,6,1,1\n", "/2/night" },
		{ "class,hour,night,day,night_from,night_to,delay\nsearch,1,1,1,22,6,1\n", "/2/delay_max" },
		{ "hour,night\n1,1\n", "/2/class" },
	};
	struct breadth_rules before = rules;

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		fault_clear(&fault);
		cr_assert_eq(read_rows(rows[i].text), RC_INVALID, "%u", i);
		cr_assert_str_eq(fault.item[0].pointer, rows[i].pointer);
		cr_assert_eq(memcmp(&rules, &before, sizeof(rules)), 0);
	}
	cr_assert_eq(read_rows(HEADER "search,1\n"), RC_MALFORMED);
}

Test(breadth, what_is_older_than_a_day_or_before_time_is_not_counted)
{
	breadth_add(&history, when("2026-11-21T12:00:00Z"));
	breadth_add(&history, when("2026-11-20T11:00:00Z"));
	breadth_add(&history, -1);
	cr_assert_eq(breadth_count(&history, when("2026-11-21T12:00:00Z")).day, 1);
}

Test(breadth, a_count_that_is_full_stays_full)
{
	const int64_t now = when("2026-11-21T12:00:00Z");

	for (unsigned i = 0; i < UINT16_MAX + 10u; i++)
		breadth_add(&history, now);
	cr_assert_eq(breadth_count(&history, now).hour, UINT16_MAX);
}

/* A night that begins after midnight does not pass it: from one o'clock to five, in Budapest. */
Test(breadth, a_night_within_one_day_begins_and_ends_in_it)
{
	static const struct {
		const char *at;
		bool is_night;
	} rows[] = { { "2026-11-20T23:59:59Z", false }, { "2026-11-21T00:00:00Z", true },
		{ "2026-11-21T03:59:59Z", true }, { "2026-11-21T04:00:00Z", false } };
	const struct breadth_rule rule = {
		.hour = 9, .night = 1, .day = 99, .night_from = 1, .night_to = 5, .delay = 1, .delay_max = 1
	};

	for (unsigned i = 0; i < COUNT_OF(rows); i++)
		cr_assert_eq(
		    breadth_judge(&rule, (struct breadth_counts){ 1, 1 }, when(rows[i].at)).is_unusual,
		    rows[i].is_night, "%s", rows[i].at);
}

Test(breadth, without_memory_nothing_is_read)
{
	enum rc rc;
	struct morsel *taken;

	NEEDS_HUNGER();
	taken = starve();
	rc = read_rows(HEADER);
	feed(taken);
	cr_assert_eq(rc, RC_UNAVAILABLE);
}
