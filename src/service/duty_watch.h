/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which houses have a request that nobody has answered: told once when it comes and again after 15, 30 and 60
 * minutes (booking_rules.escalate); a message that reached nobody is sent again after a minute.  The trail
 * gets an entry when it is known what became of a message.  What was told is remembered in memory only, so a
 * restart tells once more.
 */
#ifndef MENEDEK_DUTY_WATCH_H
#define MENEDEK_DUTY_WATCH_H

#include "service/parts.h"

/** What became of a message: the operators' command took it, or it did not, or the house has no number and is
 * not to have one, or its number is not known: there is no row of it, or none that can be used. */
enum duty_outcome { DUTY_TOLD, DUTY_FAILED, DUTY_NOBODY, DUTY_UNKNOWN };

/** Who tells the houses.  Neither function waits. */
struct duty_bell {
	/** Have ${house}, of code name ${name}, told for the ${step}th time; false: it cannot be taken now.
	 */
	bool (*ring)(void *arg, const struct id *house, const char *name, unsigned step, uint32_t message);
	/** What became of some message that was rung; false: nothing more is known now. */
	bool (*heard)(void *arg, uint32_t *message, enum duty_outcome *outcome);
	void *arg;
};

struct duty_watch;

MUST_USE struct duty_watch *duty_watch_new(const struct duty_bell *bell);
void duty_watch_free(struct duty_watch *watch); /* NULL-safe */

/** Tell who is to be told at ${now} (seconds), and record what became of the messages before; nothing without
 * p->duty.  From the timer, before it ends what ran out: so the last time is told, too. */
void duty_watch_tick(struct parts *p, int64_t now);

/** Messages since the start: that the operators' command took, that reached nobody, and for which no number
 * was known.  0 without a watch. */
struct duty_count {
	uint64_t reached, failed, unknown;
};
struct duty_count duty_watch_count(const struct duty_watch *watch);

#endif
