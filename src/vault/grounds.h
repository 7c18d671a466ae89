/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this disclosure open this location now?  Pure: what the vault itself has read from the committed store
 * goes in, the first ground that is missing comes out.  The service has checked all of it before; here it is
 * checked by a process that does not trust the service.
 */
#ifndef MENEDEK_GROUNDS_H
#define MENEDEK_GROUNDS_H

#include "domain/break_glass.h"
#include "model/records.h"

#define GROUNDS_FRESH 60 /* seconds from the record to the opening: a commit and a queue, no more */
#define GROUNDS_SKEW  30 /* seconds that a record may be ahead */

/** X(constant, word for the log). */
#define GROUNDS(X)                                \
	X(GOOD, "good")                           \
	X(NO_RECORD, "no_record")                 \
	X(OTHER_HOUSE, "other_house")             \
	X(TOO_OLD, "too_old")                     \
	X(FROM_THE_FUTURE, "from_the_future")     \
	X(OVER, "over")                           \
	X(NO_PERSON, "no_person")                 \
	X(NOT_THEIR_RIGHT, "not_their_right")     \
	X(NO_DEVICE, "no_device")                 \
	X(NOT_THEIR_HOUSE, "not_their_house")     \
	X(NO_RESERVATION, "no_reservation")       \
	X(OTHER_RESERVATION, "other_reservation") \
	X(NOT_CONFIRMED, "not_confirmed")         \
	X(NOT_COUNTED, "not_counted")             \
	X(NOT_THEIRS, "not_theirs")               \
	X(GLASS_NOT_BACKED, "glass_not_backed")   \
	X(TOLD_ALREADY, "told_already")           \
	X(QUOTA_SPENT, "quota_spent")             \
	X(NO_LOCATION, "no_location")             \
	X(DAMAGED, "damaged")                     \
	X(NOT_NOW, "not_now")

enum ground {
#define X(name, word) GROUND_##name,
	GROUNDS(X)
#undef X
	    GROUND_COUNT
};

/** What was read, each NULL when it is not there or does not open. */
struct evidence {
	const struct disclosure *disclosure;
	const struct user *teller;
	const struct device *device;
	const struct reservation *reservation;
	const struct break_glass *glass;
	const struct user *second; /* who agreed to it */
};

/** Is it the house's look at its own (no reservation behind it), or a desk's? */
bool grounds_is_own(const struct disclosure *d);

enum ground grounds_check(
    const struct evidence *e, const struct id *house, const struct id *disclosure, int64_t now);

/**
 * Will a record of ${at} be neither too old nor from the future, when it is committed now and opened at once?
 * ${now} is the machine's own clock, by which the vault goes.
 */
bool grounds_is_timely(int64_t at, int64_t now);

const char *ground_word(enum ground ground);

#endif
