/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a closed request or a reservation counts for in the statistics, and the tallies that keep the count
 * when retention removes its detail: a case is counted from its record or from its tally, never from both,
 * because the tally is raised in the transaction that deletes the record.
 */
#ifndef MENEDEK_CASES_H
#define MENEDEK_CASES_H

#include "service/parts.h"

/** The cell that one case falls into. */
struct case_cell {
	day_number day; /* in Budapest: decides the period */
	unsigned row, column;
	struct id house; /* zero: no house stands behind it, only the number of cases counts */
};

struct case_table {
	const char *name;
	enum kind kind;
	const struct code_list *rows, *columns;
	bool is_shares; /* one column, told as shares of a year only (domain/shares.h); not by name */
	/* Place a record of ${kind}.  RC_NOT_FOUND: not counted here; else its house could not be read. */
	enum rc (*place)(struct txn *t, const void *record, struct case_cell *out);
};

#define CASE_TABLES 8u

/** Positions are stored in tallies: rows are only added. */
extern const struct case_table case_tables[CASE_TABLES];

/** By name, or NULL; not those of shares. */
const struct case_table *case_table_find(const char *name);

/** The quarter of ${day} as a tally keeps it: year * 4 + 0..3; and its first day. */
uint16_t case_quarter(day_number day);
day_number case_quarter_start(uint16_t quarter);

/**
 * Raise the tallies of all tables that ${record} of ${kind} counts in, of none if one cannot be: RC_CORRUPT,
 * its house or a tally cannot be read, and nothing was written.  Writes at most one key a table.
 */
MUST_USE enum rc case_tally(struct ctx *c, enum kind kind, const void *record);

/**
 * Before ${house} is moved out of ${zone}: its stays that are not in a tally yet count there for ever, or the
 * quarters that were told would change and tell which house moved, and where to.  A few dozen of them from
 * ${from} on (len 0: the first), which is where the next call goes on while *has_more.  An arrival that is
 * committed meanwhile is not seen: the transaction must read what every arrival writes, the house.
 */
MUST_USE enum rc case_pin_zone(
    struct ctx *c, const struct id *house, enum zone zone, struct key *from, bool *has_more);

#endif
