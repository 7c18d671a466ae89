/* SPDX-License-Identifier: Apache-2.0 */
/* Coming back: what was missed is told, and what is no longer kept gives a reset. */
#include "feed_fixture.h"

TestSuite(feed_replay, .init = set_up, .fini = close_all, .timeout = 60);

Test(feed_replay, a_reader_that_comes_back_hears_what_it_missed)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s;

	emit_many(5);
	s = listen_to(&scope, 3);
	expect_told(read_all(s), 4, "");
	cr_expect_eq(count_of(text, "\n\n"), 2);
	feed_unsubscribe(s);
}

Test(feed_replay, a_new_reader_hears_only_what_is_new)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s;

	emit_many(5);
	s = listen_to(&scope, 0);
	cr_expect_eq(feed_read(s, text, sizeof(text)), 0);
	emit_many(1);
	expect_told(read_all(s), 6, "");
	feed_unsubscribe(s);
}

Test(feed_replay, a_gap_that_is_no_longer_kept_gives_a_reset_and_then_goes_on)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s;

	emit_many(4098);
	s = listen_to(&scope, 1);
	expect_told(read_all(s), 4098, "event: reset\ndata: {}\n\n");
	emit_many(1);
	expect_told(read_all(s), 4099, "event: availability.changed\n");
	feed_unsubscribe(s);
}

Test(feed_replay, exactly_4096_behind_is_still_kept)
{
	const struct feed_scope scope = staff_of(&house_b);
	struct subscription *s;

	emit_many(4097);
	s = listen_to(&scope, 1);
	cr_expect_eq(feed_read(s, text, sizeof(text)), 0, "no reset, and nothing for this house");
	feed_unsubscribe(s);
}

Test(feed_replay, a_slow_reader_is_reset)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s = listen_to(&scope, 0);

	emit_many(4097);
	expect_told(read_all(s), 4097, "event: reset\ndata: {}\n\n");
	feed_unsubscribe(s);
}

Test(feed_replay, a_number_from_the_future_gives_a_reset)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s = listen_to(&scope, 77);

	expect_told(read_all(s), 0, "event: reset\ndata: {}\n\n");
	feed_unsubscribe(s);
}

Test(feed_replay, the_number_of_another_event_is_known_by_its_time)
{
	emit_many(3); /* at 1 */
	cr_expect(feed_may_be(feed, 2, 1));
	cr_expect_not(feed_may_be(feed, 2, 7), "restored: the second was another one");
	cr_expect(feed_may_be(feed, 4, 7), "not given yet: listening gives a reset");
	cr_expect(feed_may_be(feed, 0, 7), "there was none");
}

Test(feed_replay, a_small_buffer_gets_whole_events_one_after_the_other)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s = listen_to(&scope, 0);
	char small[256];
	unsigned events = 0;
	size_t len;

	emit_many(10);
	while ((len = feed_read(s, small, sizeof(small))) > 0) {
		cr_assert_lt(len, sizeof(small));
		cr_assert_eq(strncmp(small, "id: ", 4), 0);
		cr_assert_eq(memcmp(small + len - 3, "}\n\n", 3), 0);
		small[len] = '\0';
		events += count_of(small, "\n\n");
	}
	cr_expect_eq(events, 10);
	feed_unsubscribe(s);
}

Test(feed_replay, events_are_replayed_after_a_restart)
{
	struct feed_scope scope; /* knows the registry's keys: of the one opened below */
	struct subscription *s;

	close_all();
	fixture_new(&x, &engine_lmdb);
	scope = staff_of(&house_a);
	open_feed();
	emit_many(4100);
	fixture_close_store(&x);
	feed_free(feed);
	fixture_open_store(&x, &engine_lmdb);
	open_feed();
	cr_expect_eq(newest(), 4100);
	s = listen_to(&scope, 4097);
	cr_expect_eq(count_of(read_all(s), "\n\n"), 3);
	feed_unsubscribe(s);
	s = listen_to(&scope, 3);
	expect_told(read_all(s), 4100, "event: reset\ndata: {}\n\n");
	feed_unsubscribe(s);
}

Test(feed_replay, a_hole_in_the_log_gives_a_reset_to_who_is_behind_it)
{
	const struct feed_scope scope = staff_of(&house_a);
	const struct key third = log_key(LOG_EVENT, 3);
	struct subscription *s;

	emit_many(5);
	fixture_raw_put(&third, (struct bytes){ NULL, 0 });
	feed_free(feed);
	open_feed();
	s = listen_to(&scope, 2);
	expect_told(read_all(s), 5, "event: reset\ndata: {}\n\n");
	feed_unsubscribe(s);
	s = listen_to(&scope, 3);
	cr_expect_eq(count_of(read_all(s), "\n\n"), 2);
	feed_unsubscribe(s);
}

struct removal {
	uint64_t from, to;
};

static enum rc
remove_txn(struct txn *t, void *arg)
{
	const struct removal *r = arg;
	enum rc rc = RC_OK;

	for (uint64_t n = r->from; n <= r->to && rc == RC_OK; n++) {
		const struct key key = log_key(LOG_EVENT, n);
		rc = txn_delete(t, &key);
	}
	return rc;
}

Test(feed_replay, who_comes_back_for_what_retention_removed_hears_of_a_reset_and_the_rest_is_told)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct removal r = { 1, 5 };
	struct subscription *behind, *beyond;
	char buf[4096];

	emit_many(10);
	cr_assert_eq(fixture_update(&x, remove_txn, &r), RC_OK);
	behind = listen_to(&scope, 2);
	cr_assert_gt(feed_read(behind, buf, sizeof(buf) - 1), 0);
	cr_expect_not_null(strstr(buf, "event: reset"));
	cr_expect_null(strstr(buf, "event: availability"));
	beyond = listen_to(&scope, 7);
	memset(buf, 0, sizeof(buf));
	cr_assert_gt(feed_read(beyond, buf, sizeof(buf) - 1), 0);
	cr_expect_null(strstr(buf, "event: reset"));
	cr_expect_not_null(strstr(buf, "event: availability"));
	feed_unsubscribe(behind);
	feed_unsubscribe(beyond);
}

Test(feed_replay, one_event_at_a_time_is_told_with_its_number_and_a_gap_as_a_reset)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s = listen_to(&scope, 0), *behind;
	struct removal r = { 1, 2 };
	struct event e;
	uint64_t number = 0;

	cr_expect_eq(feed_next(s, &number, &e), FEED_NOTHING);
	emit(EVENT_RES_HELD, &house_a, NULL);
	emit(EVENT_RES_HELD, &house_b, NULL);
	emit(EVENT_RES_CANCELLED, &house_a, NULL);
	cr_assert_eq(feed_next(s, &number, &e), FEED_EVENT);
	cr_expect(number == 1 && e.kind == EVENT_RES_HELD && id_equal(&e.shelter, &house_a));
	cr_assert_eq(feed_next(s, &number, &e), FEED_EVENT);
	cr_expect(number == 3 && e.kind == EVENT_RES_CANCELLED);
	cr_expect_eq(feed_next(s, &number, &e), FEED_NOTHING);
	cr_assert_eq(fixture_update(&x, remove_txn, &r), RC_OK);
	behind = listen_to(&scope, 1);
	cr_assert_eq(feed_next(behind, &number, &e), FEED_RESET);
	cr_expect(feed_may_be(feed, number, e.at), "what it goes on from");
	cr_expect_not(feed_may_be(feed, number, e.at + 1));
	cr_expect_eq(number, 3);
	cr_expect_eq(feed_next(behind, &number, &e), FEED_NOTHING);
	feed_unsubscribe(s);
	feed_unsubscribe(behind);
}

Test(feed_replay, who_stopped_before_the_first_event_ever_hears_of_it)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s = listen_to(&scope, FEED_BEGIN), *late;
	struct event e;
	uint64_t number = 0;

	cr_expect_eq(feed_next(s, &number, &e), FEED_NOTHING);
	emit(EVENT_RES_HELD, &house_a, NULL);
	cr_assert_eq(feed_next(s, &number, &e), FEED_EVENT);
	cr_expect_eq(number, 1);
	late = listen_to(&scope, FEED_BEGIN);
	cr_assert_eq(feed_next(late, &number, &e), FEED_EVENT);
	cr_expect_eq(number, 1);
	feed_unsubscribe(s);
	feed_unsubscribe(late);
}

Test(feed_replay, a_quiet_house_hears_its_event_and_no_reset_after_thousands_of_others)
{
	const struct feed_scope scope = staff_of(&house_b);
	struct subscription *s = listen_to(&scope, 0), *stream = listen_to(&scope, 0);
	struct event e;
	uint64_t number = 0;

	cr_expect_eq(feed_next(s, &number, &e), FEED_NOTHING);
	emit_many(4200); /* of house a: neither is woken, and reads nothing */
	emit(EVENT_RES_REQUESTED, &house_b, NULL);
	cr_expect_eq(feed_next(s, &number, &e), FEED_EVENT, "it missed nothing");
	cr_expect(number == 4201 && e.kind == EVENT_RES_REQUESTED);
	cr_expect_eq(feed_next(s, &number, &e), FEED_NOTHING);
	expect_told(read_all(stream), 4201, "event: reservation.requested\n");
	feed_unsubscribe(s);
	feed_unsubscribe(stream);
}

Test(feed_replay, nor_when_it_was_long_about_the_one_before)
{
	const struct feed_scope scope = staff_of(&house_b);
	struct subscription *s = listen_to(&scope, 0);
	struct event e;
	uint64_t number = 0;

	emit(EVENT_RES_HELD, &house_b, NULL);
	emit_many(50); /* before it reads */
	cr_assert_eq(feed_next(s, &number, &e), FEED_EVENT);
	cr_expect_eq(number, 1);
	emit_many(4200); /* while its receiver does not answer */
	cr_expect_eq(feed_next(s, &number, &e), FEED_NOTHING);
	emit(EVENT_RES_CANCELLED, &house_b, NULL);
	cr_expect_eq(feed_next(s, &number, &e), FEED_EVENT);
	cr_expect_eq(number, 4252);
	feed_unsubscribe(s);
}

Test(feed_replay, nor_after_retention_removed_what_others_did)
{
	const struct feed_scope scope = staff_of(&house_b);
	struct subscription *s = listen_to(&scope, 0), *busy = listen_to(&scope, 0);
	struct removal r = { 1, 5 };
	struct event e;
	uint64_t number = 0;

	emit(EVENT_RES_HELD, &house_b, NULL);
	cr_assert_eq(feed_next(s, &number, &e), FEED_EVENT);
	emit_many(10);
	cr_assert_eq(fixture_update(&x, remove_txn, &r), RC_OK);
	emit(EVENT_RES_CANCELLED, &house_b, NULL);
	cr_expect_eq(feed_next(s, &number, &e), FEED_EVENT);
	cr_expect_eq(number, 12);
	cr_expect_eq(feed_next(busy, &number, &e), FEED_RESET, "this one has missed the first");
	feed_unsubscribe(s);
	feed_unsubscribe(busy);
}

Test(feed_replay, a_hole_is_not_passed_over_since_nobody_knows_whom_it_concerned)
{
	struct feed_scope scope; /* knows the registry's keys: of the one opened below */
	const struct key second = log_key(LOG_EVENT, 2);
	struct subscription *s;
	struct event e;
	uint64_t number = 0;

	close_all();
	fixture_new(&x, &engine_lmdb);
	open_feed();
	emit_many(3);
	fixture_raw_put(&second, (struct bytes){ NULL, 0 });
	fixture_close_store(&x);
	feed_free(feed);
	fixture_open_store(&x, &engine_lmdb);
	open_feed();
	scope = staff_of(&house_b);
	s = listen_to(&scope, 1);
	emit_many(1);
	cr_expect_eq(feed_next(s, &number, &e), FEED_RESET);
	cr_expect_eq(number, 4);
	feed_unsubscribe(s);
}
