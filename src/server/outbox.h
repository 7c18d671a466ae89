/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Houses' events for `menedek deliver`, the process that posts them to addresses outside, over a Unix socket
 * (0600).  The service itself connects to nobody, and that process has no key, no store and no location.
 * Nothing is queued here: a reader is a number in the event log, and is sent one event at a time.
 *
 * Lines, each ended by LF.  From the reader: "listen HOUSE AFTER" once (AFTER a number, or "new"), then for
 * each event any number of "again" (a try failed) and one "done" or "dead".  To it: "at NUMBER" once, then
 * "event NUMBER KIND SUBJECT TIME", or "reset NUMBER" when what came before is no longer kept.  Numbers count
 * all houses' events: they stay on this machine.
 */
#ifndef MENEDEK_OUTBOX_H
#define MENEDEK_OUTBOX_H

#include "feed/feed.h"
#include "server/deliveries.h"

struct outbox;

/** Serve readers on ${fd} (listens, taken over also on a failure) with one thread.  ${feed} outlives it. */
MUST_USE enum rc outbox_start(struct feed *feed, struct keyring *ring, int fd, struct outbox **out);
void outbox_stop(struct outbox *o); /* NULL-safe */

/** Its sums, which end with it; NULL for NULL. */
const struct deliveries *outbox_deliveries(const struct outbox *o);

#endif
