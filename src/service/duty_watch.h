/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which houses have a request that nobody has answered: told once when it comes and again after 15, 30 and 60
 * minutes (booking_rules.escalate).  What was told is remembered in memory only, so a restart tells once
 * more.
 */
#ifndef MENEDEK_DUTY_WATCH_H
#define MENEDEK_DUTY_WATCH_H

#include "service/parts.h"

/** Have the house of that code name told, for the ${step}th time; false: not now, ask again. */
typedef bool duty_ring_fn(void *arg, const char *house, unsigned step);

struct duty_watch;

MUST_USE struct duty_watch *duty_watch_new(duty_ring_fn *ring, void *arg);
void duty_watch_free(struct duty_watch *watch); /* NULL-safe */

/** Tell who is to be told at ${now}, recorded in the trail; nothing without p->duty.  From the timer, before
 * it ends what ran out: so the last time is told, too. */
void duty_watch_tick(struct parts *p, int64_t now);

#endif
