/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an event loop needs besides its HTTP daemon: deadlines, and an inbox by which other threads reach it.
 * Knows neither HTTP nor TLS.  Deadlines belong to the loop's thread; only inbox_post and inbox_ring are for
 * all threads.
 */
#ifndef MENEDEK_LOOP_H
#define MENEDEK_LOOP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/rc.h"

/**
 * A deadline that waits in at most one list.  All deadlines of a list are the same span away when they are
 * set, so the list is in order by itself: setting and clearing cost nothing however many there are.
 */
struct due {
	struct due *prev, *next;
	struct due_list *list; /* NULL: not waiting */
	int64_t at_ms;         /* monotonic */
};

struct due_list {
	struct due *first, *last;
	int64_t span_ms;
	unsigned count;
};

/** Wait in ${list} from ${now_ms} on; leaves the list in which it was. */
void due_set(struct due *due, struct due_list *list, int64_t now_ms);

/** Stop waiting.  Does nothing when it does not wait. */
void due_clear(struct due *due);

/** The first that is overdue at ${now_ms}, or NULL.  It stays in the list. */
struct due *due_overdue(const struct due_list *list, int64_t now_ms);

/** Milliseconds from ${now_ms} to the first deadline of ${count} lists, at most ${most}, at least 0. */
int due_wait_ms(const struct due_list *lists, unsigned count, int64_t now_ms, int most);

/** A letter to a loop; embedded in what it is about, which must live until it is delivered.  Posted once at a
 * time. */
struct letter {
	struct letter *next;
	void (*deliver)(
	    struct letter *letter); /* on the loop's thread; the letter may be gone when it returns */
};

struct inbox {
	int fd; /* readable when there may be letters */
	pthread_mutex_t lock;
	struct letter *first, *last; /* guarded by lock */
};

MUST_USE enum rc inbox_init(struct inbox *inbox);
void inbox_fini(struct inbox *inbox); /* letters that are left are not delivered */

/** Post from any thread. */
void inbox_post(struct inbox *inbox, struct letter *letter);

/** Wake the loop without a letter. */
void inbox_ring(struct inbox *inbox);

/** Deliver what is there.  For the loop's thread. */
void inbox_deliver(struct inbox *inbox);

#endif
