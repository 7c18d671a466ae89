/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows the audit trail through the commit stream and knows what each person did within the last 24 hours
 * (domain/breadth.h).  So a restart forgets nothing and nothing is written for it.  The gate enters before it
 * answers and leaves when the call is done: what is under way counts, so that no burst slips through between
 * two commits.
 */
#ifndef MENEDEK_BREADTH_WATCH_H
#define MENEDEK_BREADTH_WATCH_H

#include "domain/breadth.h"
#include "ledger/ledger.h"

#define BREADTH_ALERT_ACTION \
	"alert_breadth"          /* of the entry; its subject is the person, its reason class.window */
#define BREADTH_ALERTS      256u /* the newest that are kept for reading */
#define BREADTH_ALERT_AGAIN 3600 /* seconds until the same person and class raise the next one */

struct breadth_watch;

/** Follow ${store}; counts what the trail holds of the 24 hours before ${now}.  Before the store's first
 * commit. */
MUST_USE enum rc breadth_watch_new(struct store *store, const struct breadth_rules *rules, int64_t now,
    struct breadth_watch **out, struct fault *f);
void breadth_watch_free(struct breadth_watch *w); /* after store_close */

/**
 * ${user} of ${org} is about to do one more of ${class}.  RC_OK: it is under way until breadth_watch_leave.
 * RC_TOO_BROAD: not before ${*wait} seconds (1 or more).
 */
MUST_USE enum rc breadth_watch_enter(struct breadth_watch *w, const struct id *user, const struct id *org,
    enum breadth_class class, int64_t now, unsigned *wait);
void breadth_watch_leave(struct breadth_watch *w, const struct id *user, enum breadth_class class);

struct breadth_alert {
	struct id user, org;
	uint8_t class, window; /* enum breadth_class, enum breadth_window */
	int64_t at;
	struct breadth_counts counts; /* by now */
};

/** The oldest alert that is not written yet: false when there is none.  It stays due until
 * breadth_watch_done. */
bool breadth_watch_due(struct breadth_watch *w, struct breadth_alert *out);
void breadth_watch_done(struct breadth_watch *w, const struct breadth_alert *alert);

/** The audit entry of ${alert}; the caller sets time and salt. */
void breadth_alert_entry(const struct breadth_alert *alert, struct audit_entry *out);

/** Alerts of the 24 hours before ${now}, newest first, of ${org} or (NULL) of all; at most ${limit}. */
unsigned breadth_watch_alerts(
    struct breadth_watch *w, const struct id *org, int64_t now, struct breadth_alert *out, unsigned limit);

#endif
