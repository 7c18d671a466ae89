/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts of unusual breadth (domain/breadth.h): written to the audit trail and told live to who leads the
 * person, and the list of the last 24 hours.  The person is slowed down at once by the gate; the alert
 * follows within a second.
 */
#ifndef MENEDEK_ALERTS_H
#define MENEDEK_ALERTS_H

#include "model/bodies.h"
#include "service/access.h"

/** For the timer: write what is due.  What cannot be written stays due and is tried again. */
void alerts_raise(struct parts *parts, int64_t now);

/**
 * Newest first: to a shift lead or manager of the own organisation, by name; to admin and auditor all, under
 * pseudonyms.
 */
MUST_USE enum rc alert_page(struct ctx *c, unsigned limit, struct alert_row *out, unsigned *count);

#endif
