/* SPDX-License-Identifier: Apache-2.0 */
/* What the purge removes and what it must never touch; that counts survive it; that it may be broken off
 * anywhere. */
#include "details.h"
#include "feed/feed.h"
#include "service/cases.h"
#include "service/inventory.h"
#include "service/statistics.h"

static struct details x;

static void
set_up(void)
{
	details_open(&x);
}

static void
tear_down(void)
{
	details_close(&x);
}

TestSuite(retention, .init = set_up, .fini = tear_down, .timeout = 120);

Test(retention, what_is_due_goes_and_what_lives_stays)
{
	const int64_t now = START + 10 * DAY;
	const struct {
		enum reservation_state state;
		int64_t ended_ago;
		bool stays;
	} rows[] = {
		{ RES_HELD, 0, true },
		{ RES_REQUESTED, 0, true },
		{ RES_CONFIRMED, 0, true },
		{ RES_IN_STAY, 0, true },
		{ RES_LEFT, 23 * HOUR, true },
		{ RES_LEFT, 24 * HOUR, false },
		{ RES_DECLINED_BY_HOUSE, 23 * HOUR, true },
		{ RES_DECLINED_BY_HOUSE, 2 * DAY, false },
		{ RES_DECLINED_BY_CLIENT, 2 * DAY, false },
		{ RES_CANCELLED, 2 * DAY, false },
		{ RES_EXPIRED, 2 * DAY, false },
		{ RES_NO_SHOW, 2 * DAY, false },
	};
	struct id id[COUNT_OF(rows)];
	struct purge_report r;

	for (unsigned i = 0; i < COUNT_OF(rows); i++)
		id[i] = details_reservation(
		    &x, rows[i].state, rows[i].ended_ago == 0 ? 0 : now - rows[i].ended_ago);
	r = details_purge(&x, now);
	for (unsigned i = 0; i < COUNT_OF(rows); i++)
		cr_expect_eq(details_reading(&x, KIND_RESERVATION, &id[i]),
		    rows[i].stays ? RC_OK : RC_NOT_FOUND, "row %u", i);
	cr_expect_eq(r.removed[RETAIN_RESERVATIONS], 6);
	cr_expect_eq(r.carried, 6, "what stays is under the new key");
	cr_expect_eq(r.kept, 0);
	assert_no_leak();
}

Test(retention, a_request_goes_after_72_hours_but_never_while_it_is_open)
{
	const struct id closed = details_episode(&x, EPISODE_CLOSED, START);
	const struct id expired = details_episode(&x, EPISODE_EXPIRED, START);
	const struct id open = details_episode(&x, EPISODE_OPEN, START);

	cr_expect_eq(details_purge(&x, START + 71 * HOUR).removed[RETAIN_REQUESTS], 0);
	cr_expect_eq(details_purge(&x, START + 72 * HOUR).removed[RETAIN_REQUESTS], 2);
	cr_expect_eq(details_reading(&x, KIND_EPISODE, &closed), RC_NOT_FOUND);
	cr_expect_eq(details_reading(&x, KIND_EPISODE, &expired), RC_NOT_FOUND);
	cr_expect_eq(details_reading(&x, KIND_EPISODE, &open), RC_OK);
}

Test(retention, a_reservation_that_the_house_still_counts_on_stays_whatever_it_says)
{
	const struct id id = details_reservation(&x, RES_CANCELLED, START);
	struct house *h = calloc(1, sizeof(*h));
	const struct key key = record_key(KIND_HOUSE, &x.shelter.id);

	h->shelter = x.shelter.id;
	h->allocation_count = 1;
	h->allocations[0].reservation = id;
	details_put(&x, KIND_HOUSE, &key, h);
	cr_expect_eq(details_purge(&x, START + 30 * DAY).removed[RETAIN_RESERVATIONS], 0);
	cr_expect_eq(details_reading(&x, KIND_RESERVATION, &id), RC_OK);
	free(h);
}

Test(retention, a_reservation_whose_house_cannot_be_read_stays)
{
	const struct id id = details_reservation(&x, RES_CANCELLED, START);
	const struct key key = record_key(KIND_HOUSE, &x.shelter.id);
	const uint8_t noise[] = "no house";

	details_put_raw(&x, &key, KEY_RECORD, BYTES_OF(noise));
	cr_expect_eq(details_purge(&x, START + 2 * DAY).removed[RETAIN_RESERVATIONS], 0);
	cr_expect_eq(details_reading(&x, KIND_RESERVATION, &id), RC_OK);
}

Test(retention, a_value_that_does_not_open_keeps_nothing_behind_it_from_going)
{
	const struct key first = record_key(KIND_RESERVATION, &(const struct id){ { 0 } });
	struct upkeep u = { .parts = &x.parts, .now = START + 2 * DAY, .fault = &x.fault };
	const uint8_t text[64] = { 0 };
	struct purge_report r;
	struct id id;

	details_put_raw(&x, &first, KEY_DETAIL, BYTES_OF(text));
	details_lose_key(&x);
	cr_assert_eq(details_read(&x, &first), RC_CORRUPT);
	id = details_reservation(&x, RES_CANCELLED, START);
	cr_assert_eq(retention_purge(&u, true, &r), RC_OK);
	cr_expect_eq(r.removed[RETAIN_RESERVATIONS], 1, "a dry run counts it");
	cr_expect_eq(details_purge(&x, START + 2 * DAY).removed[RETAIN_RESERVATIONS], 1);
	cr_expect_eq(details_reading(&x, KIND_RESERVATION, &id), RC_NOT_FOUND);
}

Test(retention, index_rows_and_answers_to_repeats_are_carried_on_and_spent_ones_go)
{
	const struct id org = id_new(), one = id_new();
	const struct reference row = { one };
	const struct key q = record_key2(KIND_RES_DESK, &org, &one),
			 h = record_key2(KIND_RES_HOUSE, &org, &one);
	const struct key p = record_key2(KIND_EPISODE_DESK, &org, &one);
	struct key fresh = key_kind('i'), spent = key_kind('i');
	uint8_t answer[80] = { 0 };

	key_add_id(&fresh, &one);
	key_add_id(&spent, &org);
	details_put(&x, KIND_RES_DESK, &q, &row);
	details_put(&x, KIND_RES_HOUSE, &h, &row);
	details_put(&x, KIND_EPISODE_DESK, &p, &row);
	put_u64(answer, START + HOUR);
	details_put_raw(&x, &fresh, KEY_DETAIL, BYTES_OF(answer));
	put_u64(answer, START);
	details_put_raw(&x, &spent, KEY_DETAIL, BYTES_OF(answer));
	cr_expect_eq(details_purge(&x, START + DAY).removed[RETAIN_REPEATS], 1);
	cr_expect_eq(details_read(&x, &q), RC_OK);
	cr_expect_eq(details_read(&x, &h), RC_OK);
	cr_expect_eq(details_read(&x, &p), RC_OK);
	cr_expect_eq(details_read(&x, &fresh), RC_OK);
	cr_expect_eq(details_read(&x, &spent), RC_NOT_FOUND);
}

Test(retention, what_has_a_time_of_its_own_goes_when_that_is_over)
{
	const struct id id = id_new(), owner = id_new();
	const struct revoked_token token = { .until = START };
	const struct opened opened = { .reservation = id, .shelter = owner, .at = START };
	const struct disclosure look = { .id = id, .shelter = owner, .at = START, .until = START + HOUR };
	const struct break_glass glass = { .id = id, .org = owner, .asked_at = START };
	const struct {
		enum retention_class class;
		enum kind kind;
		struct key key;
		const void *record;
	} rows[] = {
		{ RETAIN_TOKENS, KIND_REVOKED_TOKEN, record_key(KIND_REVOKED_TOKEN, &id), &token },
		{ RETAIN_OPENED, KIND_OPENED, record_key2(KIND_OPENED, &owner, &id), &opened },
		{ RETAIN_LOOKS, KIND_DISCLOSURE, record_key2(KIND_DISCLOSURE, &owner, &id), &look },
		{ RETAIN_GLASS, KIND_BREAK_GLASS, record_key2(KIND_BREAK_GLASS, &owner, &id), &glass },
	};

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		const int64_t end = START + x.parts.schedule.keep[rows[i].class];

		details_put(&x, rows[i].kind, &rows[i].key, rows[i].record);
		cr_expect_eq(details_purge(&x, end - 1).removed[rows[i].class], 0, "row %u too early", i);
		cr_expect_eq(details_purge(&x, end).removed[rows[i].class], 1, "row %u", i);
		cr_expect_eq(details_read(&x, &rows[i].key), RC_NOT_FOUND, "row %u", i);
	}
}

static enum rc
emit_txn(struct txn *t, void *arg)
{
	return feed_emit(t, arg);
}

static void
emit_at(int64_t at)
{
	struct event e = {
		.kind = EVENT_UNIT_CHANGED, .shelter = x.shelter.id, .subject = x.shelter.id, .at = at
	};

	cr_assert_eq(store_update(x.parts.store, x.arena, emit_txn, &e), RC_OK);
	arena_rewind(x.arena, 0);
}

Test(retention, an_event_of_a_clock_that_ran_ahead_keeps_none_behind_it)
{
	const struct key first = log_key(LOG_EVENT, 1), last = log_key(LOG_EVENT, 4);

	emit_at(START + 3 * DAY); /* put back after it */
	emit_at(START);
	emit_at(START + DAY);
	emit_at(START + 2 * DAY);
	cr_expect_eq(details_purge(&x, START + 7 * DAY - 1).removed[RETAIN_EVENTS], 0);
	cr_expect_eq(details_purge(&x, START + 8 * DAY).removed[RETAIN_EVENTS], 2);
	cr_expect_eq(details_read(&x, &first), RC_OK);
	cr_expect_eq(details_read(&x, &last), RC_OK);
	cr_expect_eq(details_purge(&x, START + 9 * DAY).removed[RETAIN_EVENTS], 1);
	cr_expect_eq(details_read(&x, &last), RC_NOT_FOUND);
}

Test(retention, an_event_of_a_clock_that_ran_ahead_by_years_does_not_stay_for_years)
{
	const struct key ahead = log_key(LOG_EVENT, 2);

	emit_at(START);
	emit_at(START + 3650 * DAY);
	cr_expect_eq(details_purge(&x, START + DAY).removed[RETAIN_EVENTS], 1);
	cr_expect_eq(details_read(&x, &ahead), RC_NOT_FOUND);
}

/* ---- statistics ---- */

static const char *const table_names[] = { "placements", "outcomes", "declines" };

struct counts {
	uint32_t value[COUNT_OF(table_names)], houses;
};

static enum rc
count_tables(struct txn *t, void *arg)
{
	struct counts *out = arg;
	struct statistics_reply reply;
	struct ctx c = { .parts = &x.parts, .txn = t, .arena = x.arena, .fault = &x.fault };

	c.now = START + 60 * DAY; /* the quarter is over */
	for (unsigned i = 0; i < COUNT_OF(table_names); i++) {
		out->value[i] = 0;
		cr_assert_eq(statistics_table(&c, table_names[i], "2026-Q4", &reply), RC_OK);
		for (unsigned j = 0; j < reply.count; j++)
			out->value[i] += reply.rows[j].value;
	}
	return RC_OK;
}

static struct counts
statistics_now(void)
{
	struct counts c = { .houses = 0 };

	cr_assert_eq(store_view(x.parts.store, x.arena, count_tables, &c), RC_OK);
	arena_rewind(x.arena, 0);
	return c;
}

/* Three houses, so that nothing is withheld. */
static void
fill_three_houses(void)
{
	for (unsigned h = 0; h < 3; h++) {
		if (h > 0)
			details_make_house(&x);
		for (unsigned i = 0; i < 15; i++) {
			(void)details_reservation(&x, RES_LEFT, START + (i + 1) * HOUR);
			(void)details_reservation(&x, RES_DECLINED_BY_HOUSE, START + (i + 1) * HOUR);
			(void)details_episode(&x, EPISODE_CLOSED, START + i * HOUR);
		}
	}
}

Test(retention, statistics_say_the_same_before_between_and_after_purges)
{
	struct counts before, later;

	fill_three_houses();
	before = statistics_now();
	for (unsigned i = 0; i < COUNT_OF(table_names); i++)
		cr_assert_eq(before.value[i], 45, "%s", table_names[i]);
	for (int hours = 12; hours <= 120; hours += 12) {
		(void)details_purge(&x, START + hours * HOUR);
		later = statistics_now();
		for (unsigned i = 0; i < COUNT_OF(table_names); i++)
			cr_expect_eq(later.value[i], 45, "%s after %d hours", table_names[i], hours);
	}
	assert_no_leak();
}

struct move {
	unsigned calls;
};

static enum rc
pin_txn(struct txn *t, void *arg)
{
	struct ctx c = { .parts = &x.parts, .txn = t, .arena = x.arena, .fault = &x.fault };
	struct move *m = arg;
	struct key from = { .len = 0 };
	bool has_more;
	enum rc rc;

	m->calls = 0;
	do {
		m->calls++;
		rc = case_pin_zone(&c, &x.shelter.id, ZONE_WEST, &from, &has_more);
	} while (rc == RC_OK && has_more);
	return rc;
}

static void
put_shelter(void)
{
	const struct key key = record_key(KIND_SHELTER, &x.shelter.id);

	details_put(&x, KIND_SHELTER, &key, &x.shelter);
}

Test(retention, a_house_that_moves_to_another_zone_changes_no_quarter_that_was_told)
{
	struct move m;

	fill_three_houses();
	cr_assert_eq(statistics_now().value[0], 45);
	cr_assert_eq(county_zone((enum county)x.shelter.county), ZONE_WEST);
	cr_assert_eq(store_update(x.parts.store, x.arena, pin_txn, &m), RC_OK);
	cr_expect_eq(m.calls, 1);
	arena_rewind(x.arena, 0);
	x.shelter.county = COUNTY_BORSOD;
	put_shelter();
	cr_expect_eq(statistics_now().value[0], 45, "two houses would be left, and both cells withheld");
	(void)details_purge(&x, START + 5 * DAY);
	cr_expect_eq(statistics_now().value[0], 45, "their tally too");
}

Test(retention, of_many_stays_each_is_kept_where_it_came_to)
{
	struct move m;

	fill_three_houses();
	for (unsigned i = 0; i < 30; i++)
		(void)details_reservation(&x, RES_IN_STAY, 0);
	cr_assert_eq(store_update(x.parts.store, x.arena, pin_txn, &m), RC_OK);
	cr_expect_eq(m.calls, 2, "a few dozen each time");
	arena_rewind(x.arena, 0);
	x.shelter.county = COUNTY_BORSOD;
	put_shelter();
	cr_expect_eq(statistics_now().value[0], 75);
	cr_assert_eq(store_update(x.parts.store, x.arena, pin_txn, &m), RC_OK);
	cr_expect_eq(m.calls, 1, "once");
}

Test(retention, what_is_heard_of_when_its_quarter_is_over_changes_nothing_that_was_told)
{
	const day_number heard = budapest_day(START + 50 * DAY); /* in January */
	struct counts before;
	struct reservation r;
	struct key key;

	fill_three_houses();
	before = statistics_now();
	model_clear(&model_reservation, &r);
	r.id = id_new();
	r.shelter = x.shelter.id;
	r.state = RES_LEFT;
	r.arrived_at = START;
	r.ended_at = START + DAY;
	r.arrival_heard = r.end_heard = heard;
	key = record_key(KIND_RESERVATION, &r.id);
	details_put(&x, KIND_RESERVATION, &key, &r);
	r.id = id_new();
	r.state = RES_DECLINED_BY_HOUSE;
	r.reason = DECLINE_NO_STAFF;
	r.arrived_at = 0;
	key = record_key(KIND_RESERVATION, &r.id);
	details_put(&x, KIND_RESERVATION, &key, &r);
	cr_expect_eq(statistics_now().value[0], before.value[0], "an arrival");
	cr_expect_eq(statistics_now().value[2], before.value[2], "a refusal");
	(void)details_purge(&x, START + 60 * DAY);
	cr_expect_eq(statistics_now().value[0], before.value[0], "removed");
	cr_expect_eq(statistics_now().value[2], before.value[2], "removed");
}

Test(retention, a_case_whose_house_cannot_be_read_stays_until_it_can_be_counted)
{
	const uint8_t noise[] = "no house";
	struct key key;
	struct counts later;

	fill_three_houses();
	key = record_key(KIND_SHELTER, &x.shelter.id);
	details_put_raw(&x, &key, KEY_RECORD, BYTES_OF(noise));
	cr_expect_eq(details_purge(&x, START + 5 * DAY).removed[RETAIN_RESERVATIONS], 60);
	details_put(&x, KIND_SHELTER, &key, &x.shelter);
	later = statistics_now();
	for (unsigned i = 0; i < COUNT_OF(table_names); i++)
		cr_expect_eq(later.value[i], 45, "%s", table_names[i]);
	cr_expect_eq(details_purge(&x, START + 6 * DAY).removed[RETAIN_RESERVATIONS], 30);
	later = statistics_now();
	for (unsigned i = 0; i < COUNT_OF(table_names); i++)
		cr_expect_eq(later.value[i], 45, "%s, all removed", table_names[i]);
	assert_no_leak();
}

/* ---- a large registry ---- */

static enum rc
use_of_memory(struct txn *t, void *arg)
{
	struct inventory *inventory = calloc(1, sizeof(*inventory));
	struct statistics_reply reply;
	struct ctx c = {
		.parts = &x.parts, .txn = t, .arena = x.arena, .now = START + 200 * DAY, .fault = &x.fault
	};
	size_t *used = arg, before = arena_used(x.arena);

	cr_assert_eq(statistics_table(&c, "placements", "2026", &reply), RC_OK);
	used[0] = arena_used(x.arena) - before;
	before = arena_used(x.arena);
	cr_assert_eq(inventory_read(&c, inventory), RC_OK);
	used[1] = arena_used(x.arena) - before;
	free(inventory);
	return RC_OK;
}

/* A request has a mebibyte, a command sixteen: of a union of countries neither held what was read on the way.
 */
Test(retention, figures_take_no_more_memory_for_more_houses_and_stays)
{
	size_t few[2], many[2];

	(void)details_reservation(&x, RES_IN_STAY, 0);
	cr_assert_eq(store_view(x.parts.store, x.arena, use_of_memory, few), RC_OK);
	arena_rewind(x.arena, 0);
	for (unsigned i = 0; i < 100; i++) {
		details_make_house(&x);
		(void)details_reservation(&x, RES_IN_STAY, 0);
	}
	cr_assert_eq(store_view(x.parts.store, x.arena, use_of_memory, many), RC_OK);
	arena_rewind(x.arena, 0);
	cr_expect_leq(many[0], few[0] + 1024, "statistics: %zu and %zu", few[0], many[0]);
	cr_expect_leq(many[1], few[1] + 1024, "inventory: %zu and %zu", few[1], many[1]);
}

/* ---- breaking off ---- */

/* A store whose transactions end the job after so many: what a kill in the middle leaves behind. */
static atomic_bool stopped;
static unsigned steps_left;

static void
count_down(void *arg, const char *text, size_t len)
{
	(void)arg;
	(void)text;
	(void)len;
	if (steps_left > 0 && --steps_left == 0)
		atomic_store(&stopped, true);
}

Test(retention, broken_off_after_any_step_it_goes_on_and_counts_each_case_once)
{
	struct purge_report r;
	unsigned interruptions = 0, steps;
	enum rc rc = RC_UNAVAILABLE;

	fill_three_houses();
	for (steps = 1; steps < 100 && rc != RC_OK; steps++) {
		struct upkeep u = { .parts = &x.parts,
			.now = START + 5 * DAY,
			.stop = &stopped,
			.say = count_down,
			.fault = &x.fault };

		atomic_store(&stopped, false);
		steps_left = 1; /* one batch a run: as many interruptions as there can be */
		rc = retention_purge(&u, false, &r);
		interruptions += rc != RC_OK;
		parts_close(&x.parts);
		details_open_parts(&x);
	}
	cr_assert_eq(rc, RC_OK);
	cr_expect_gt(interruptions, 5);
	cr_expect_eq(r.interruptions, interruptions);
	for (unsigned i = 0; i < COUNT_OF(table_names); i++)
		cr_expect_eq(statistics_now().value[i], 45, "%s", table_names[i]);
	cr_expect_eq(details_purge(&x, START + 5 * DAY).removed[RETAIN_RESERVATIONS], 0);
	assert_no_leak();
}

Test(retention, it_is_due_once_a_day_and_when_it_was_broken_off)
{
	struct purge_report r;
	bool due;

	cr_assert_eq(retention_is_due(&x.parts, START + HOUR, &due), RC_OK);
	cr_expect_not(due, "all details are of today");
	cr_assert_eq(retention_is_due(&x.parts, START + DAY, &due), RC_OK);
	cr_expect(due);
	(void)details_purge(&x, START + DAY);
	cr_assert_eq(keyring_day(x.parts.keyring, START + DAY, &x.fault), RC_OK);
	cr_assert_eq(retention_is_due(&x.parts, START + DAY + HOUR, &due), RC_OK);
	cr_expect_not(due);
	(void)details_reservation(&x, RES_CANCELLED, START);
	atomic_store(&stopped, true);
	cr_assert_neq(details_try_purge(&x, START + DAY, &stopped, &r), RC_OK);
	cr_assert_eq(retention_is_due(&x.parts, START + DAY + HOUR, &due), RC_OK);
	cr_expect_not(due, "it never began");
	{
		struct upkeep u = { .parts = &x.parts,
			.now = START + 2 * DAY - 1,
			.stop = &stopped,
			.say = count_down,
			.fault = &x.fault };
		atomic_store(&stopped, false);
		steps_left = 1;
		cr_assert_neq(retention_purge(&u, false, &r), RC_OK);
	}
	cr_assert_eq(retention_is_due(&x.parts, START + DAY + HOUR, &due), RC_OK);
	cr_expect(due, "it was broken off");
}

/* It takes a second at least, so this one ends on the next day. */
Test(retention, one_that_ran_into_the_next_day_is_not_the_next_days)
{
	const int64_t midnight = START + DAY / 2;
	bool due;

	(void)details_purge(&x, midnight - 1);
	cr_assert_eq(retention_is_due(&x.parts, midnight + HOUR, &due), RC_OK);
	cr_expect(due);
	(void)details_purge(&x, midnight + HOUR);
	cr_assert_eq(retention_is_due(&x.parts, midnight + 2 * HOUR, &due), RC_OK);
	cr_expect_not(due);
}

Test(retention, one_by_a_clock_that_ran_ahead_keeps_no_later_one_from_being_due)
{
	bool due;

	(void)details_purge(&x, START + 300 * DAY);
	cr_assert_eq(keyring_day(x.parts.keyring, START, &x.fault), RC_OK);
	cr_assert_eq(retention_is_due(&x.parts, START + HOUR, &due), RC_OK);
	cr_expect_not(due, "all details are of today");
	cr_assert_eq(retention_is_due(&x.parts, START + DAY, &due), RC_OK);
	cr_expect(due);
	(void)details_purge(&x, START + DAY);
	cr_assert_eq(retention_is_due(&x.parts, START + DAY + HOUR, &due), RC_OK);
	cr_expect_not(due);
}

Test(retention, a_dry_run_counts_and_changes_nothing)
{
	const struct id id = details_reservation(&x, RES_CANCELLED, START);
	struct upkeep u = { .parts = &x.parts, .now = START + DAY, .fault = &x.fault };
	struct store_stats before, after;
	struct purge_report r;

	store_stats(x.parts.store, &before);
	cr_assert_eq(retention_purge(&u, true, &r), RC_OK);
	store_stats(x.parts.store, &after);
	cr_expect_eq(r.removed[RETAIN_RESERVATIONS], 1);
	cr_expect_eq(before.commits, after.commits);
	cr_expect_eq(details_reading(&x, KIND_RESERVATION, &id), RC_OK);
}

/* ---- the trail ---- */

struct trail {
	char text[4096];
	size_t len;
};

static bool
note_entry(void *arg, const struct audit_entry *e)
{
	struct trail *t = arg;

	t->len +=
	    (size_t)snprintf(t->text + t->len, sizeof(t->text) - t->len, "%s: %s\n", e->action, e->reason);
	return t->len < sizeof(t->text) - 100;
}

static enum rc
read_trail(struct txn *t, void *arg)
{
	return ledger_read(t, 1, note_entry, arg);
}

Test(retention, the_trail_says_what_was_removed_and_how_many_keys_were_destroyed)
{
	struct trail trail = { .len = 0 };

	(void)details_reservation(&x, RES_CANCELLED, START);
	(void)details_reservation(&x, RES_LEFT, START);
	(void)details_episode(&x, EPISODE_CLOSED, START - 3 * DAY);
	(void)details_purge(&x, START + DAY);
	cr_assert_eq(store_view(x.parts.store, x.arena, read_trail, &trail), RC_OK);
	arena_rewind(x.arena, 0);
	cr_expect_not_null(strstr(trail.text, "purge_started: "));
	cr_expect_not_null(strstr(trail.text, "purge_reservations: 2 removed"), "%s", trail.text);
	cr_expect_not_null(strstr(trail.text, "purge_requests: 1 removed"));
	cr_expect_not_null(
	    strstr(trail.text, "purge_finished: 3 removed, 3 keys destroyed"), "%s", trail.text);
}

/* ---- the schedule ---- */

Test(retention, a_registrys_own_hours_hold_within_their_bounds)
{
	const struct {
		const char *csv;
		enum rc rc;
	} rows[] = {
		{ "what,hours\nreservations,48\nevents,24\n", RC_OK },
		{ "what,hours\nreservations,169\n", RC_INVALID },
		{ "what,hours\nrepeats,23\n", RC_INVALID },
		{ "what,hours\nhouseholds,24\n", RC_INVALID },
		{ "what,hours\nreservations,-1\n", RC_INVALID },
		{ "what,hours\nreservations,\n", RC_INVALID },
		{ "what\nreservations\n", RC_INVALID },
	};

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		struct schedule s;

		schedule_default(&s);
		cr_expect_eq(schedule_read(bytes_str(rows[i].csv), &s, &x.fault), rows[i].rc, "row %u", i);
		cr_expect_eq(s.keep[RETAIN_RESERVATIONS], rows[i].rc == RC_OK ? 2 * DAY : DAY, "row %u", i);
	}
}
