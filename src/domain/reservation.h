/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a reservation: which event is possible in which state, by whom, and what it does to the unit.
 * The table in reservation.c is the whole truth; an empty cell is a refusal (RC_STATE_CONFLICT).
 */
#ifndef MENEDEK_RESERVATION_H
#define MENEDEK_RESERVATION_H

#include "domain/civil.h"
#include "domain/house.h"

enum reservation_event {
	EV_RENEW,
	EV_REQUEST,
	EV_CONFIRM,
	EV_DECLINE,
	EV_CLIENT_DECLINE,
	EV_CANCEL,
	EV_EXPIRE,
	EV_DISCLOSE,
	EV_ARRIVE,
	EV_EXTEND,
	EV_LEAVE,
	EV_NO_SHOW,
	EV_TAKE_OVER, /* another person of the desk handles it from here on */
	RES_EVENTS
};

/** Who causes it: the desk that holds it, the house, or the clock. */
enum reservation_actor { ACTOR_DESK, ACTOR_HOUSE, ACTOR_CLOCK };

struct reservation {
	struct id id;
	struct id episode;
	struct id shelter;
	struct id desk_org;      /* the organisation that holds it */
	struct id desk_user;     /* the person */
	uint8_t state;           /* enum reservation_state */
	uint8_t contact_channel; /* enum contact */
	uint8_t need;            /* enum need */
	uint8_t reason;          /* code of the list that the state's event uses, or CODE_NONE */
	bool renewed;
	char number[8];      /* "4127-86": to say aloud */
	char check_word[16]; /* one-time, lets the house recognise the caller */
	uint64_t units;
	uint8_t adults, children, babies;
	uint8_t bands[LIMIT_CHILDREN]; /* enum age_band of each child, for the house to prepare */
	bool step_free, pet, pregnant;
	uint32_t languages;
	int64_t request_opened_at; /* when its request was, if it is the first place offered to it; else 0 */
	int64_t held_at, expires_at, requested_at, answered_at, arrived_at,
	    ended_at; /* seconds; 0 = not yet */
	int64_t earliest_arrival;
	uint8_t disclosures; /* how often the location was told */
	int64_t disclose_until;
	day_number stay_start, stay_end; /* 0 = none */
	/* for the statistics, or a quarter that was told would be told otherwise: the zone it came to, if its
	 * house was moved to another since (else CODE_NONE); the day on which an answer, an arrival or an end
	 * was heard of, if its own quarter was over by then (else 0) */
	uint8_t came_to_zone;
	day_number answer_heard, arrival_heard, end_heard;
	uint8_t extensions;
	uint8_t extend_reason;
	uint32_t version;
};

/** Windows and counts (ours, DOMAIN 7), dated configuration.  Seconds. */
struct booking_rules {
	int64_t hold, request; /* 30 minutes each; a request that is not answered runs out after ${request} */
	int64_t disclose_window; /* after the first disclosure */
	uint8_t disclosures;     /* how often within it */
	int64_t escalate[3];     /* 15, 30, 60 minutes */
};
#define BOOKING_ROW                      \
	{                                \
		1800, 3600, 2 * 3600, 3, \
		{                        \
			900, 1800, 3600  \
		}                        \
	}
#define BOOKING_DEFAULT ((struct booking_rules)BOOKING_ROW)

/** Name of an event as the API and the audit trail write it ("renew", "request", ...). */
const char *reservation_event_name(enum reservation_event ev);

/** State after ${ev} by ${actor}; RC_STATE_CONFLICT for an empty cell, RC_FORBIDDEN for the wrong actor. */
MUST_USE enum rc reservation_next(enum reservation_state from, enum reservation_event ev,
    enum reservation_actor actor, enum reservation_state *to);

/** Has its hold or request run out by ${now}?  True counts at once, before the timer writes it (H5). */
bool reservation_has_expired(const struct reservation *r, int64_t now);

/** Does a reservation in ${state} keep its share of the house? */
bool reservation_keeps_units(enum reservation_state state);
bool reservation_is_over(enum reservation_state state);

/**
 * Apply ${ev} to ${r} and its share to ${h}: state, times, expiry, version.  ${r} and ${h} are changed only
 * on RC_OK. Also RC_HOLD_EXPIRED (any event of the desk or house but EXPIRE on an expired one),
 * RC_STATE_CONFLICT (renewed already, disclosures used up, or the clock came too early).  A reservation that
 * runs out ends when its time was over, not when the timer came.  The caller sets reason codes, stay dates
 * and the count of extensions.
 */
MUST_USE enum rc reservation_apply(struct reservation *r, struct house *h, enum reservation_event ev,
    enum reservation_actor actor, int64_t now, const struct booking_rules *rules, struct fault *f);

/** How far a request has been escalated by ${now}: 0 to 3. */
unsigned reservation_escalation(const struct reservation *r, int64_t now, const struct booking_rules *rules);

/** A check word and a number from 8 random bytes. */
void reservation_words(const uint8_t random[8], char word[16], char number[8]);

#endif
