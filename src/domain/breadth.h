/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of the registry one person may look at before it is unusual: what is counted, how much of it is
 * still ordinary, and how long the next one then has to wait.  Slowing is minutes at most and never a refusal
 * for good: the person may be a counsellor in the worst night of the year.  No clock, no memory, no store.
 */
#ifndef MENEDEK_BREADTH_H
#define MENEDEK_BREADTH_H

#include "base/bytes.h"
#include "base/fault.h"
#include "domain/codes.h"

/** What is ordinary for one person: counts within the last hour (by day and by night) and the last 24 hours.
 */
struct breadth_rule {
	uint16_t hour, night, day;
	uint8_t night_from, night_to; /* hours of Budapest; the night begins at ${night_from} o'clock */
	uint16_t delay,
	    delay_max; /* seconds before the first one over it, doubled by each; 0: only an alert */
};

struct breadth_rules {
	struct breadth_rule rule[BREADTH_CLASSES];
};

/** The built-in rows (breadth.def). */
void breadth_default(struct breadth_rules *out);

/**
 * Rows of breadth.csv over the built-in ones: class,hour,night,day,night_from,night_to,delay,delay_max.  A
 * class that is not named keeps its row.  RC_INVALID with line and column; ${out} is changed only on RC_OK.
 */
MUST_USE enum rc breadth_read(struct bytes text, struct breadth_rules *out, struct fault *f);

/** Longest delay that a row may ask for: minutes, not a night. */
#define BREADTH_DELAY_MAX 600u

/**
 * What an entry of the audit trail counts as: its class, or BREADTH_CLASSES when it is none.  ${is_ok}: the
 * operation was done; a refusal (403 and 404: somebody trying doors) counts whatever the operation.
 */
enum breadth_class breadth_of_entry(const char *action, enum rc outcome);

/** The class that an operation is held up for, or BREADTH_CLASSES.  Break-glass is counted but never held up.
 */
enum breadth_class breadth_of_operation(const char *operation);

/* ---- one person's operations of one class ---- */

#define BREADTH_SLOT                                                                          \
	600 /* seconds counted together; so an hour is one to 1 1/6 hours: on the strict side \
	     */
#define BREADTH_SLOTS 145u

struct breadth_history {
	int64_t newest; /* number of the newest slot: time / BREADTH_SLOT */
	int64_t last_at;
	uint16_t count[BREADTH_SLOTS];
};

void breadth_add(struct breadth_history *h, int64_t at);

/** The clock says ${now}.  Was it set back by a day or more, what was counted meanwhile counts as of now:
 * else nothing would be counted, nor anybody let through who has to wait, until that time has come. */
void breadth_set_back(struct breadth_history *h, int64_t now);

struct breadth_counts {
	unsigned hour, day;
};
struct breadth_counts breadth_count(const struct breadth_history *h, int64_t now);

/** Is there nothing in it that still counts at ${now}? */
bool breadth_is_over(const struct breadth_history *h, int64_t now);

struct breadth_verdict {
	bool is_unusual; /* this one would be more than is ordinary */
	enum breadth_window window;
	unsigned wait; /* seconds from ${last_at} on until the next is let through; 0: at once */
};

/** Judge the next operation after ${counts} of them. */
struct breadth_verdict breadth_judge(
    const struct breadth_rule *rule, struct breadth_counts counts, int64_t now);

#endif
