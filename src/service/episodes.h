/* SPDX-License-Identifier: Apache-2.0 */
/* Demand episodes: one for each call for help, counted once, open for 72 hours, ended with an outcome (DOMAIN
 * 4). */
#ifndef MENEDEK_EPISODES_H
#define MENEDEK_EPISODES_H

#include "service/access.h"

/** Open; at the helpline it is on the caller's desk at once, elsewhere it waits to be taken over. */
MUST_USE enum rc episode_open(
    struct ctx *c, const struct household *who, uint8_t channel, struct episode *out);

/** Take one that waits onto the caller's desk; RC_STATE_CONFLICT when it has a desk or is over. */
MUST_USE enum rc episode_take_over(struct ctx *c, const struct id *id, struct episode *out);

/** Close with an outcome; RC_STATE_CONFLICT while it has a live hold, request or confirmation. */
MUST_USE enum rc episode_close(struct ctx *c, const struct id *id, uint8_t outcome, struct episode *out);

/** Write ${e} with its index rows as its state needs them; who declined it is forgotten once it is over. */
MUST_USE enum rc episode_store(struct ctx *c, struct episode *e);

/** For the timer: end an episode whose 72 hours are over.  Nothing to do is RC_OK. */
MUST_USE enum rc episode_expire(struct ctx *c, const struct id *id);

/**
 * Would episode_expire end it at ${now}?  By a snapshot, for who collects what is due: a request that a
 * promised place keeps open, be it for months, must not stand in the way of those that are over.
 */
MUST_USE enum rc episode_would_end(struct txn *t, const struct episode *e, int64_t now, bool *out);

/** Is ${house} among the last ones that declined it?  Then nothing proposes it again; a search finds it. */
bool episode_was_declined_by(const struct episode *e, const struct id *house);

/** Has it a reservation that is neither over nor expired? */
MUST_USE enum rc episode_has_live_reservation(struct ctx *c, const struct episode *e, bool *out);

/** Fill in what is only for readers: does it wait for a desk, is a place arranged. */
MUST_USE enum rc episode_describe(struct ctx *c, struct episode *e);

/** The caller's open episodes and those that wait, in key order after ${after}; at most ${limit}, *count of
 * them. */
MUST_USE enum rc episode_list(
    struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count);

#endif
