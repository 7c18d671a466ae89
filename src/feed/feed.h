/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live events: appended to the event log in the transaction that causes them (feed_emit), told to subscribers
 * after they are on disk.  Inside, events have their log's numbers; a reader sees them as marks (marks.h), so
 * that it can say where it stopped and learns nothing of the others.  A subscriber gets only what concerns
 * its houses or its desk; one that reads too slowly is dropped.
 */
#ifndef MENEDEK_FEED_H
#define MENEDEK_FEED_H

#include "feed/marks.h"
#include "model/records.h"

/* clang-format off */
#define EVENT_KINDS(X) \
	X(EVENT_UNIT_CHANGED, "availability.changed") \
	X(EVENT_RES_HELD, "reservation.held") \
	X(EVENT_RES_RENEWED, "reservation.renewed") \
	X(EVENT_RES_REQUESTED, "reservation.requested") \
	X(EVENT_RES_CONFIRMED, "reservation.confirmed") \
	X(EVENT_RES_DECLINED, "reservation.declined_by_house") \
	X(EVENT_RES_CLIENT, "reservation.declined_by_client") \
	X(EVENT_RES_CANCELLED, "reservation.cancelled") \
	X(EVENT_RES_EXPIRED, "reservation.expired") \
	X(EVENT_RES_DISCLOSED, "reservation.disclosed") \
	X(EVENT_RES_ARRIVED, "reservation.arrived") \
	X(EVENT_RES_EXTENDED, "reservation.extended") \
	X(EVENT_RES_LEFT, "reservation.left") \
	X(EVENT_RES_NO_SHOW, "reservation.no_show") \
	X(EVENT_EPISODE_OPENED, "episode.opened") \
	X(EVENT_EPISODE_TAKEN, "episode.taken_over") \
	X(EVENT_EPISODE_CLOSED, "episode.closed") \
	X(EVENT_LOCATION_READ, "location.read") \
	X(EVENT_ALERT, "alert.raised") \
	X(EVENT_RES_TAKEN, "reservation.taken_over") \
	X(EVENT_GLASS_ASKED, "break_glass.requested") \
	X(EVENT_GLASS_APPROVED, "break_glass.approved") \
	X(EVENT_GLASS_TOLD, "break_glass.told")
/* clang-format on */

enum event_kind {
#define EVENT_ENUM(constant, name) constant,
	EVENT_KINDS(EVENT_ENUM)
#undef EVENT_ENUM
	    EVENT_KIND_COUNT
};
const char *event_name(enum event_kind kind);

/** Append ${e} in ${t}. */
MUST_USE enum rc feed_emit(struct txn *t, const struct event *e);

struct feed;
struct subscription;

/** Who listens: sees events of these houses (staff) and of this desk (counsellors). */
struct feed_scope {
	uint8_t shelter_count;
	struct id shelters[USER_SHELTERS];
	struct id desk_org;  /* zero: none */
	bool opened_for_all; /* the helpline hears of episodes that wait for a desk, and that places were
				freed */
	struct id lead_org;  /* whose alerts are heard: its shift leads and managers; zero: none */
	struct mark_reader reader;
};

/** Follow ${store}; keeps the last 4,096 events for replay.  Before the store's first commit. */
MUST_USE enum rc feed_new(struct store *store, struct feed **out, struct fault *f);
void feed_free(struct feed *feed); /* after store_close and the last feed_unsubscribe */

#define FEED_LOST  UINT64_MAX       /* a reader who cannot say where it stopped */
#define FEED_BEGIN (UINT64_MAX - 1) /* one who stopped before the first event there ever was */

/**
 * Listen from the event after ${last} (0 = only new ones).  ${wake} is called on the committer's thread when
 * there is something new to read, once until the next feed_read; it must be short.  What was there before is
 * not announced: read first.  RC_BUSY over 4,096 subscribers.
 */
MUST_USE enum rc feed_subscribe(struct feed *feed, const struct feed_scope *scope, uint64_t last,
    void (*wake)(void *), void *arg, struct subscription **out);

/**
 * No wake after it returned: it waits for one that is under way.  So never from within a wake, nor with a
 * lock held that a wake takes.  NULL-safe.
 */
void feed_unsubscribe(struct subscription *s);

/**
 * Write what is pending as server-sent events ("id: MARK\nevent: reservation.held\ndata: {...}\n\n") to
 * ${buf}; returns the bytes, 0 = nothing now; so read until 0.  data holds {"subject":id,"at":time}, never a
 * house.  A gap that is no longer kept, or a ${last} that never was (FEED_LOST), gives "event: reset". ${cap}
 * of 256 holds any event.
 */
size_t feed_read(struct subscription *s, char *buf, size_t cap);

enum feed_next { FEED_NOTHING, FEED_EVENT, FEED_RESET };

/**
 * Instead of feed_read, for who tells events in a form of its own: one pending event and its number, which is
 * for us and not for readers.  FEED_RESET: some were lost before *number, whose time is out->at (0: not
 * kept).
 */
enum feed_next feed_next(struct subscription *s, uint64_t *number, struct event *out);

/**
 * Once a second: tell every desk that a place was freed somewhere since the last time, without an id, a house
 * or a time ("event: capacity.changed\ndata: {}").  For one thread.
 */
void feed_tick(struct feed *feed);

/**
 * May ${number} be the event of time ${at} that a reader heard last?  False when another stands under it: the
 * registry was restored meanwhile, and gives its numbers again.
 */
bool feed_may_be(struct feed *feed, uint64_t number, int64_t at);

/** Number of the newest event; *at: its time, or 0 when it is not kept. */
uint64_t feed_newest(struct feed *feed, int64_t *at);

#endif
