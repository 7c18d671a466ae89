/* SPDX-License-Identifier: Apache-2.0 */
/* Live events: who is told what, replay, resets, and that nobody is woken after leaving. */
#include "feed/feed.h"

#include <pthread.h>

#include "../store_fixture.h"

#define TEXT (16u * 1024)

static struct fixture x;
static struct feed *feed;
static char text[TEXT];

static const struct id house_a = { { 1 } }, house_b = { { 2 } }, desk_a = { { 3 } }, desk_b = { { 4 } },
		       thing = { { 5 } };

static void
open_feed(void)
{
	struct fault f = { 0 };

	cr_assert_eq(feed_new(x.store, &feed, &f), RC_OK);
}

static void
set_up(void)
{
	fixture_new(&x, &engine_memory);
	open_feed();
}

static void
close_all(void)
{
	fixture_close_store(&x);
	feed_free(feed);
	feed = NULL;
	fixture_free(&x);
}

TestSuite(feed, .init = set_up, .fini = close_all, .timeout = 60);

static enum rc
emit_txn(struct txn *t, void *arg)
{
	return feed_emit(t, arg);
}

static void
emit(enum event_kind kind, const struct id *shelter, const struct id *desk)
{
	struct event e = { .kind = (uint8_t)kind, .subject = thing, .at = 1000000000 };

	if (shelter)
		e.shelter = *shelter;
	if (desk)
		e.desk_org = *desk;
	cr_assert_eq(fixture_update(&x, emit_txn, &e), RC_OK);
}

struct many {
	unsigned count;
};

static enum rc
emit_many_txn(struct txn *t, void *arg)
{
	const struct many *m = arg;
	const struct event e = { .kind = EVENT_UNIT_CHANGED, .shelter = house_a, .subject = thing, .at = 1 };
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < m->count && rc == RC_OK; i++)
		rc = feed_emit(t, &e);
	return rc;
}

static void
emit_many(unsigned count)
{
	while (count > 0) {
		struct many m = { .count = count < 50 ? count : 50 };
		cr_assert_eq(fixture_update(&x, emit_many_txn, &m), RC_OK);
		count -= m.count;
	}
}

static atomic_uint wakes;

static void
wake(void *arg)
{
	(void)arg;
	atomic_fetch_add(&wakes, 1);
}

static struct subscription *
listen_to(const struct feed_scope *scope, uint64_t last)
{
	struct subscription *s;

	cr_assert_eq(feed_subscribe(feed, scope, last, wake, NULL, &s), RC_OK);
	return s;
}

static struct mark_reader
reader(void)
{
	return (struct mark_reader){ x.ring, { { 6 } }, { { 7 } } };
}

static struct feed_scope
staff_of(const struct id *house)
{
	return (struct feed_scope){ .shelter_count = 1, .shelters = { *house }, .reader = reader() };
}

/* The event's number in the mark that ${text} begins with, and the text after it. */
static uint64_t
number_at(const char *told, const char **rest)
{
	const struct mark_reader r = reader();
	char mark[MARK_TEXT] = "";
	uint64_t number = 0;

	cr_assert_eq(sscanf(told, "id: %66[A-Za-z0-9_-]\n", mark), 1, "%s", told);
	cr_assert(mark_open(&r, mark, 0, &number));
	*rest = told + strlen("id: ") + strlen(mark) + 1;
	return number;
}

static void
expect_told(const char *told, uint64_t number, const char *lines)
{
	const char *rest;

	cr_expect_eq(number_at(told, &rest), number);
	cr_expect_eq(strncmp(rest, lines, strlen(lines)), 0, "%s", rest);
}

/* All that is pending, as text. */
static const char *
read_all(struct subscription *s)
{
	size_t len = 0, n;

	while ((n = feed_read(s, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	return text;
}

static unsigned
count_of(const char *all, const char *part)
{
	unsigned n = 0;

	for (const char *p = all; (p = strstr(p, part)); p += strlen(part))
		n++;
	return n;
}

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
	cr_expect_eq(feed_newest(feed), 0);
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

/* ---- coming back ---- */

Test(feed, a_reader_that_comes_back_hears_what_it_missed)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s;

	emit_many(5);
	s = listen_to(&scope, 3);
	expect_told(read_all(s), 4, "");
	cr_expect_eq(count_of(text, "\n\n"), 2);
	feed_unsubscribe(s);
}

Test(feed, a_new_reader_hears_only_what_is_new)
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

Test(feed, a_gap_that_is_no_longer_kept_gives_a_reset_and_then_goes_on)
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

Test(feed, exactly_4096_behind_is_still_kept)
{
	const struct feed_scope scope = staff_of(&house_b);
	struct subscription *s;

	emit_many(4097);
	s = listen_to(&scope, 1);
	cr_expect_eq(feed_read(s, text, sizeof(text)), 0, "no reset, and nothing for this house");
	feed_unsubscribe(s);
}

Test(feed, a_slow_reader_is_reset)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s = listen_to(&scope, 0);

	emit_many(4097);
	expect_told(read_all(s), 4097, "event: reset\ndata: {}\n\n");
	feed_unsubscribe(s);
}

Test(feed, a_number_from_the_future_gives_a_reset)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s = listen_to(&scope, 77);

	expect_told(read_all(s), 0, "event: reset\ndata: {}\n\n");
	feed_unsubscribe(s);
}

Test(feed, a_small_buffer_gets_whole_events_one_after_the_other)
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

Test(feed, events_are_replayed_after_a_restart)
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
	cr_expect_eq(feed_newest(feed), 4100);
	s = listen_to(&scope, 4097);
	cr_expect_eq(count_of(read_all(s), "\n\n"), 3);
	feed_unsubscribe(s);
	s = listen_to(&scope, 3);
	expect_told(read_all(s), 4100, "event: reset\ndata: {}\n\n");
	feed_unsubscribe(s);
}

Test(feed, a_hole_in_the_log_gives_a_reset_to_who_is_behind_it)
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

/* ---- subscribers ---- */

Test(feed, the_4097th_subscriber_is_refused)
{
	static struct subscription *all[4096];
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *more;

	for (unsigned i = 0; i < COUNT_OF(all); i++)
		all[i] = listen_to(&scope, 0);
	cr_expect_eq(feed_subscribe(feed, &scope, 0, wake, NULL, &more), RC_BUSY);
	cr_expect_null(more);
	feed_unsubscribe(all[7]);
	cr_expect_eq(feed_subscribe(feed, &scope, 0, wake, NULL, &all[7]), RC_OK);
	emit_many(1);
	cr_expect_eq(atomic_load(&wakes), COUNT_OF(all));
	for (unsigned i = 0; i < COUNT_OF(all); i++)
		feed_unsubscribe(all[i]);
}

/* A wake that takes its time: it must have ended before feed_unsubscribe returns. */
static atomic_int in_wake;

static void
slow_wake(void *arg)
{
	(void)arg;
	atomic_store(&in_wake, 1);
	usleep(100000);
	atomic_store(&in_wake, 2);
}

static void *
emit_one(void *arg)
{
	(void)arg;
	emit_many(1);
	return NULL;
}

Test(feed, unsubscribing_waits_for_a_wake_under_way)
{
	const struct feed_scope scope = staff_of(&house_a);
	struct subscription *s;
	pthread_t thread;

	cr_assert_eq(feed_subscribe(feed, &scope, 0, slow_wake, NULL, &s), RC_OK);
	cr_assert_eq(pthread_create(&thread, NULL, emit_one, NULL), 0);
	while (atomic_load(&in_wake) == 0)
		usleep(1000);
	feed_unsubscribe(s);
	cr_expect_eq(atomic_load(&in_wake), 2);
	pthread_join(thread, NULL);
}

/* A wake may read: it runs under no lock of the feed. */
static struct subscription *self;
static size_t read_in_wake;

static void
reading_wake(void *arg)
{
	(void)arg;
	read_in_wake = feed_read(self, text, sizeof(text));
}

Test(feed, a_wake_may_read)
{
	const struct feed_scope scope = staff_of(&house_a);

	cr_assert_eq(feed_subscribe(feed, &scope, 0, reading_wake, NULL, &self), RC_OK);
	emit_many(1);
	cr_expect_gt(read_in_wake, 0);
	feed_unsubscribe(self);
}

/* Comes and goes while events are told; the sanitizers see what it must not touch. */
static void *
come_and_go(void *arg)
{
	const struct feed_scope scope = staff_of(&house_a);
	unsigned *failed = arg;
	char buf[1024];

	for (unsigned i = 0; i < 300; i++) {
		struct subscription *s;
		*failed += feed_subscribe(feed, &scope, 0, wake, NULL, &s) != RC_OK;
		feed_read(s, buf, sizeof(buf));
		feed_unsubscribe(s);
	}
	return NULL;
}

Test(feed, readers_may_come_and_go_while_events_are_told)
{
	pthread_t threads[3];
	unsigned failed[3] = { 0 };

	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, come_and_go, &failed[i]), 0);
	emit_many(2000);
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(failed[i], 0);
	}
	close_all();
	cr_expect_eq(FIXTURE_LEAKS(), 0);
}

/* ---- what retention removes ---- */

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

Test(feed, who_comes_back_for_what_retention_removed_hears_of_a_reset_and_the_rest_is_told)
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
