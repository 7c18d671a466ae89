/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that come and go while events are told: nobody is woken after leaving. */
#include "feed_fixture.h"

TestSuite(feed_readers, .init = set_up, .fini = close_all, .timeout = 60);

Test(feed_readers, the_4097th_subscriber_is_refused)
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

Test(feed_readers, unsubscribing_waits_for_a_wake_under_way)
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

Test(feed_readers, a_wake_may_read)
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

Test(feed_readers, readers_may_come_and_go_while_events_are_told)
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
