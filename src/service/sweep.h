/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the clock does: holds and requests that ran out are expired, episodes ended after 72 hours, spent rows
 * removed, and a new day's details get the day's key. Each is a transaction of its own that looks again at
 * the record, so running it twice, or on two nodes, does no harm.
 */
#ifndef MENEDEK_SWEEP_H
#define MENEDEK_SWEEP_H

#include "service/parts.h"

/** One round at ${now}; logs what fails and goes on.  Returns how many were settled. */
unsigned sweep_run(struct parts *parts, int64_t now);

#endif
