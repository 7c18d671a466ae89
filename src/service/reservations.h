/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Booking: hold, and every later event of a reservation.  Each is one transaction that reads and writes the
 * house's capacity record, so two bookings of one house can never pass each other (docs/design.md, invariant
 * B1: a unit never has two households; B2: what was acknowledged is on disk).
 */
#ifndef MENEDEK_RESERVATIONS_H
#define MENEDEK_RESERVATIONS_H

#include "model/bodies.h"
#include "service/locations.h"

/**
 * Hold the best units of the candidate's house for the episode's household.  RC_NO_PLACE_LEFT when it does
 * not fit (any more), RC_STATE_CONFLICT when the episode has a live reservation, RC_INVALID for a stale
 * candidate.
 */
MUST_USE enum rc reservation_hold(
    struct ctx *c, const struct reservation_new *in, struct reservation *out, struct id *shelter);

/** What an event carries besides its name. */
struct reservation_detail {
	uint8_t reason;   /* code of the event's list, or CODE_NONE */
	day_number until; /* for EXTEND */
};

/** Apply ${ev} in the name of the caller (desk or house). */
MUST_USE enum rc reservation_event(struct ctx *c, const struct id *id, enum reservation_event ev,
    const struct reservation_detail *detail, struct reservation *out);

/**
 * Enter what happened at ${at} while the registry was down, as whoever may cause it: by the same rules, as of
 * that time.  The trail has it under "downtime_" and the event.  RC_TAKEN: it stands there already.  Else a
 * conflict, and ${*out} is what stands there now: RC_HOLD_EXPIRED, RC_STATE_CONFLICT (also when something
 * later is known of the reservation).
 */
MUST_USE enum rc reservation_enter_late(struct ctx *c, const struct id *id, enum reservation_event ev,
    int64_t at, const struct reservation_detail *detail, struct reservation *out);

/** For the timer: expire a hold or request that ran out.  Nothing to do is RC_OK. */
MUST_USE enum rc reservation_expire(struct ctx *c, const struct id *id);

/** As the caller may see it; the gate's response schema drops what the role must not see. */
MUST_USE enum rc reservation_show(struct ctx *c, const struct reservation *r, struct reservation_view *out);

/** The code list that tells why a reservation is in ${state}; NULL if none. */
const struct code_list *reservation_reasons(enum reservation_state state);

/** Live reservations of the caller's houses or desk, in key order after ${after}. */
MUST_USE enum rc reservation_list(
    struct ctx *c, const struct id *after, unsigned limit, struct reservation *out, unsigned *count);

#endif
