/* SPDX-License-Identifier: Apache-2.0 */
/* Live events: who is told what, and how it reads. */
#include "feed_fixture.h"

TestSuite(feed, .init = set_up, .fini = close_all, .timeout = 60);

Test(feed, an_event_reads_as_lines_without_a_house)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s = listen_to(&scope, 0);

	emit(EVENT_RES_HELD, &house_a, &desk_b);
	expect_told(read_all(s), 1,
	    "event: reservation.held\n"
	    "data: {\"subject\":\"05000000000000000000000000\",\"at\":\"2001-09-09T01:46:40Z\"}\n\n");
	feed_unsubscribe(s);
}

Test(feed, nothing_new_reads_as_nothing)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s = listen_to(&scope, 0);

	cr_expect_eq(feed_read(s, text, sizeof(text)), 0);
	emit(EVENT_RES_HELD, &house_a, NULL);
	cr_expect_gt(feed_read(s, text, sizeof(text)), 0);
	cr_expect_eq(feed_read(s, text, sizeof(text)), 0);
	feed_unsubscribe(s);
}

/* ---- who hears what ---- */

struct hearing {
	const char *what;
	enum event_kind kind;
	const struct id *shelter, *desk;
	bool staff_a, desk_a, helpline, nobody;
};

static const struct id zero;

static const struct hearing hearings[] = {
	{ "own house", EVENT_UNIT_CHANGED, &house_a, NULL, true, false, false, false },
	{ "another house", EVENT_UNIT_CHANGED, &house_b, NULL, false, false, false, false },
	{ "own house, own desk", EVENT_RES_HELD, &house_a, &desk_a, true, true, false, false },
	{ "another house, own desk", EVENT_RES_HELD, &house_b, &desk_a, false, true, false, false },
	{ "another house and desk", EVENT_RES_HELD, &house_b, &desk_b, false, false, false, false },
	{ "waiting for a desk", EVENT_EPISODE_OPENED, NULL, NULL, false, false, true, false },
	{ "opened by another desk", EVENT_EPISODE_OPENED, NULL, &desk_b, false, false, false, false },
	{ "taken by another desk", EVENT_EPISODE_TAKEN, NULL, &desk_b, false, false, false, false },
	{ "about nobody", EVENT_EPISODE_CLOSED, NULL, NULL, false, false, false, false },
	{ "about zero", EVENT_EPISODE_CLOSED, &zero, &zero, false, false, false, false },
};

Test(feed, each_scope_hears_what_concerns_it_and_nothing_else)
{
	const struct feed_scope staff = staff_of(&house_a), desk = { .desk_org = desk_a, .reader = reader() },
				helpline = { .opened_for_all = true, .reader = reader() },
				zero_house = { .shelter_count = 1, .reader = reader() };
	struct subscription *s[4] = { listen_to(&staff, 0), listen_to(&desk, 0), listen_to(&helpline, 0),
		listen_to(&zero_house, 0) };

	for (unsigned i = 0; i < COUNT_OF(hearings); i++) {
		const struct hearing *h = &hearings[i];
		const bool wanted[4] = { h->staff_a, h->desk_a, h->helpline, h->nobody };
		unsigned due = 0;
		atomic_store(&wakes, 0);
		emit(h->kind, h->shelter, h->desk);
		for (unsigned k = 0; k < 4; k++) {
			cr_expect_eq(
			    feed_read(s[k], text, sizeof(text)) > 0, wanted[k], "%s, scope %u", h->what, k);
			due += wanted[k];
		}
		cr_expect_eq(atomic_load(&wakes), due, "%s: only they are woken", h->what);
	}
	for (unsigned k = 0; k < 4; k++)
		feed_unsubscribe(s[k]);
}

static void
emit_freed(const struct id *shelter)
{
	struct event e = {
		.kind = EVENT_UNIT_CHANGED, .shelter = *shelter, .subject = thing, .at = 1, .frees = true
	};

	cr_assert_eq(fixture_update(&x, emit_txn, &e), RC_OK);
}

Test(feed, desks_hear_once_a_second_that_something_was_freed_and_not_where)
{
	static const char freed[] = "event: capacity.changed\ndata: {}\n\n";
	const struct feed_scope at_desk = { .desk_org = desk_a, .opened_for_all = true, .reader = reader() };
	struct feed_scope at_house = staff_of(&house_b);
	struct subscription *desk = listen_to(&at_desk, 0), *house = listen_to(&at_house, 0), *back;

	emit(EVENT_UNIT_CHANGED, &house_a, NULL); /* frees nothing */
	feed_tick(feed);
	cr_expect_str_eq(read_all(desk), "");
	for (unsigned i = 0; i < 3; i++)
		emit_freed(&house_a);
	cr_expect_str_eq(read_all(desk), "", "not before the tick");
	cr_expect_eq(atomic_load(&wakes), 0);
	feed_tick(feed);
	cr_expect_eq(atomic_load(&wakes), 1, "the desk alone");
	cr_expect_str_eq(read_all(desk), freed);
	cr_expect_str_eq(read_all(house), "");
	feed_tick(feed);
	cr_expect_eq(atomic_load(&wakes), 1);
	cr_expect_str_eq(read_all(desk), "", "once");
	back = listen_to(&at_desk, newest());
	cr_expect_str_eq(read_all(back), freed, "who comes back may have missed it");
	feed_unsubscribe(back);
	feed_unsubscribe(house);
	feed_unsubscribe(desk);
}

Test(feed, who_comes_back_after_a_restart_may_have_missed_that_something_was_freed)
{
	static const char freed[] = "event: capacity.changed\ndata: {}\n\n";
	struct feed_scope at_desk;
	struct subscription *s;
	uint64_t last;

	close_all();
	fixture_new(&x, &engine_lmdb);
	open_feed();
	emit(EVENT_UNIT_CHANGED, &house_a, NULL);
	last = newest();
	emit_freed(&house_a); /* the desk's connection is gone, and the second is not over */
	fixture_close_store(&x);
	feed_free(feed);
	fixture_open_store(&x, &engine_lmdb);
	open_feed();
	at_desk = (struct feed_scope){ .desk_org = desk_a, .opened_for_all = true, .reader = reader() };
	s = listen_to(&at_desk, last);
	cr_expect_str_eq(read_all(s), freed);
	feed_unsubscribe(s);
	s = listen_to(&at_desk, 0);
	cr_expect_str_eq(read_all(s), "", "who is new reads how it is");
	feed_unsubscribe(s);
}

Test(feed, a_reader_is_woken_once_until_it_reads)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s = listen_to(&scope, 0);

	emit(EVENT_RES_HELD, &house_a, NULL);
	emit(EVENT_RES_RENEWED, &house_a, NULL);
	cr_expect_eq(atomic_load(&wakes), 1);
	cr_expect_eq(count_of(read_all(s), "\n\n"), 2);
	emit(EVENT_RES_CANCELLED, &house_a, NULL);
	cr_expect_eq(atomic_load(&wakes), 2);
	feed_unsubscribe(s);
}

Test(feed, an_event_of_a_failed_transaction_is_not_told)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s = listen_to(&scope, 0);
	struct event e = { .kind = EVENT_RES_HELD, .shelter = house_a, .subject = thing, .at = 1 };

	atomic_store(&fixture_disk_fails, true);
	cr_expect_eq(fixture_update(&x, emit_txn, &e), RC_UNAVAILABLE);
	atomic_store(&fixture_disk_fails, false);
	cr_expect_eq(feed_read(s, text, sizeof(text)), 0);
	cr_expect_eq(newest(), 0);
	feed_unsubscribe(s);
}

Test(feed, an_event_of_no_kind_is_refused)
{
	struct event e = { .kind = EVENT_KIND_COUNT, .shelter = house_a, .at = 1 };

	cr_expect_eq(fixture_update(&x, emit_txn, &e), RC_INTERNAL);
}

Test(feed, every_kind_has_a_name_of_its_own)
{
	for (unsigned i = 0; i < EVENT_KIND_COUNT; i++)
		for (unsigned k = 0; k < i; k++)
			cr_expect_str_neq(event_name((enum event_kind)i), event_name((enum event_kind)k));
}
