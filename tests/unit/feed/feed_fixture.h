/* SPDX-License-Identifier: Apache-2.0 */
/* A feed over a store of its own: ways to emit, to listen and to read what is told. */
#ifndef MENEDEK_TEST_FEED_H
#define MENEDEK_TEST_FEED_H

#include <pthread.h>

#include "../store_fixture.h"
#include "feed/feed.h"

#define TEXT (16u * 1024)

static struct fixture x;
static struct feed *feed;
static char text[TEXT];

static const struct id house_a = { { 1 } }, house_b = { { 2 } }, desk_a = { { 3 } }, desk_b = { { 4 } },
		       thing = { { 5 } };

static inline void
open_feed(void)
{
	struct fault f = { 0 };

	cr_assert_eq(feed_new(x.store, &feed, &f), RC_OK);
}

static inline void
set_up(void)
{
	fixture_new(&x, &engine_memory);
	open_feed();
}

static inline void
close_all(void)
{
	fixture_close_store(&x);
	feed_free(feed);
	feed = NULL;
	fixture_free(&x);
}

static inline enum rc
emit_txn(struct txn *t, void *arg)
{
	return feed_emit(t, arg);
}

static inline void
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

static inline enum rc
emit_many_txn(struct txn *t, void *arg)
{
	const struct many *m = arg;
	const struct event e = { .kind = EVENT_UNIT_CHANGED, .shelter = house_a, .subject = thing, .at = 1 };
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < m->count && rc == RC_OK; i++)
		rc = feed_emit(t, &e);
	return rc;
}

static inline void
emit_many(unsigned count)
{
	while (count > 0) {
		struct many m = { .count = count < 50 ? count : 50 };
		cr_assert_eq(fixture_update(&x, emit_many_txn, &m), RC_OK);
		count -= m.count;
	}
}

static atomic_uint wakes;

static inline void
wake(void *arg)
{
	(void)arg;
	atomic_fetch_add(&wakes, 1);
}

static inline struct subscription *
listen_to(const struct feed_scope *scope, uint64_t last)
{
	struct subscription *s;

	cr_assert_eq(feed_subscribe(feed, scope, last, wake, NULL, &s), RC_OK);
	return s;
}

static inline struct mark_reader
reader(void)
{
	return (struct mark_reader){ x.ring, { { 6 } }, { { 7 } } };
}

static inline struct feed_scope
staff_of(const struct id *house)
{
	return (struct feed_scope){ .shelter_count = 1, .shelters = { *house }, .reader = reader() };
}

static inline uint64_t
newest(void)
{
	int64_t at;

	return feed_newest(feed, &at);
}

/* The event's number in the mark that ${text} begins with, and the text after it. */
static inline uint64_t
number_at(const char *told, const char **rest)
{
	const struct mark_reader r = reader();
	char mark[MARK_TEXT] = "";
	uint64_t number = 0;
	int64_t at;

	cr_assert_eq(sscanf(told, "id: %66[A-Za-z0-9_-]\n", mark), 1, "%s", told);
	cr_assert(mark_open(&r, mark, 0, &number, &at));
	*rest = told + strlen("id: ") + strlen(mark) + 1;
	return number;
}

static inline void
expect_told(const char *told, uint64_t number, const char *lines)
{
	const char *rest;

	cr_expect_eq(number_at(told, &rest), number);
	cr_expect_eq(strncmp(rest, lines, strlen(lines)), 0, "%s", rest);
}

/* All that is pending, as text. */
static inline const char *
read_all(struct subscription *s)
{
	size_t len = 0, n;

	while ((n = feed_read(s, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	return text;
}

static inline unsigned
count_of(const char *all, const char *part)
{
	unsigned n = 0;

	for (const char *p = all; (p = strstr(p, part)); p += strlen(part))
		n++;
	return n;
}

#endif
