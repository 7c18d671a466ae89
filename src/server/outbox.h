/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Houses' events for `menedek deliver`, the process that posts them to addresses outside, over a Unix socket
 * (0600).  The service itself connects to nobody, and that process has no key, no store and no location.
 * Nothing is queued here: a reader is a number in the event log, and is sent one event at a time.
 *
 * Lines, each ended by LF.  From the reader: "listen HOUSE AFTER TIME" once (AFTER a number, or "new"; TIME
 * that of the event AFTER, or "-"), then for each event any number of "again" (a try failed) and one "done"
 * or "dead".  To it: "at NUMBER TIME" once, then "event NUMBER KIND SUBJECT TIME", or "reset NUMBER TIME"
 * when what came before is no longer kept, or another event stands under AFTER, as in a registry that was
 * restored.  No TIME follows a NUMBER whose event is not kept, nor any for a reader that gave none: programs
 * of before. Numbers count all houses' events: they stay on this machine.
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
