/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event ids as their readers see them.  An event's number counts the events of all houses, so a reader who
 * saw it could read the activity of others from the gaps; a mark is that number sealed for one person on one
 * device.  It also holds the event's time: it is good for an hour, whatever happened elsewhere meanwhile,
 * lest its end tell how many events the others had.
 */
#ifndef MENEDEK_MARKS_H
#define MENEDEK_MARKS_H

#include "base/id.h"
#include "crypto/keyring.h"

#define MARK_LIFE 3600 /* seconds after its event; who stays away longer reads everything anew */

#define MARK_PLAIN 16u
#define MARK_TEXT  (BASE64URL_LEN(MARK_PLAIN + SEAL_OVERHEAD) + 1)

/** Who reads; the ring is not ours. */
struct mark_reader {
	struct keyring *ring;
	struct id user, device;
};

/** The mark of event ${number} of time ${at}, with its NUL. */
MUST_USE enum rc mark_make(
    const struct mark_reader *reader, uint64_t number, int64_t at, char out[MARK_TEXT]);

/** Number and time in ${text}; false for anything that was not made for this reader, or is too old at ${now}.
 */
MUST_USE bool mark_open(
    const struct mark_reader *reader, const char *text, int64_t now, uint64_t *number, int64_t *at);

#endif
