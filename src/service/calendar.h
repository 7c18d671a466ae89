/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A house's own calendar as iCalendar (RFC 5545): when somebody is expected, when a stay reaches its legal
 * end, when its review is due.  It is made to be looked at on a telephone, so it holds no identity: no name,
 * number or size of a household, nor the house; a room and a day.
 */
#ifndef MENEDEK_CALENDAR_H
#define MENEDEK_CALENDAR_H

#include "service/access.h"

/** The calendar of the caller's house ${shelter}, in the context's arena.  RC_NOT_FOUND for another's. */
MUST_USE enum rc calendar_make(struct ctx *c, const struct id *shelter, enum lang lang, struct bytes *out);

#endif
