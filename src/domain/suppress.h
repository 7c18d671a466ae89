/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistical disclosure control of a table: a cell with fewer than 5 cases or fewer than 3 houses behind it
 * is withheld (DOMAIN 5), and as many others of its row and column as it takes that no withheld cell follows
 * from the totals; nor, in tables of nested periods, from the other periods.
 */
#ifndef MENEDEK_SUPPRESS_H
#define MENEDEK_SUPPRESS_H

#include "domain/codes.h"

#define SUPPRESS_MIN_CASES  5u
#define SUPPRESS_MIN_HOUSES 3u
#define SUPPRESS_ROWS       32u
#define SUPPRESS_COLUMNS    16u

struct stat_cell {
	uint32_t cases, houses;
	bool withheld;
	bool is_bound; /* must be withheld, or another period would tell it */
	bool is_known; /* other periods tell it: it hides nothing */
};

/*@ // DOMAIN 5: something happened, to few or in few houses
  predicate small{L}(struct stat_cell *c) =
    c->cases > 0 && (c->cases < SUPPRESS_MIN_CASES || c->houses < SUPPRESS_MIN_HOUSES);
*/

struct stat_table {
	unsigned rows, columns;
	struct stat_cell cell[SUPPRESS_ROWS][SUPPRESS_COLUMNS];
	struct stat_cell row_total[SUPPRESS_ROWS], column_total[SUPPRESS_COLUMNS], total;
};

/*@ predicate within_sides{L}(struct stat_table *t) = t->rows <= SUPPRESS_ROWS && t->columns <= SUPPRESS_COLUMNS;
 */

/** Fill in the totals and mark what is withheld. */
/*@ requires \valid(t) && within_sides(t);
    assigns *t;
*/
void suppress_table(struct stat_table *t);

/** A year and its quarters, with the same rows and columns in each. */
struct stat_year {
	struct stat_table quarter[4], year;
};

/**
 * As suppress_table for all five, so that no withheld cell follows from the sum over the quarters either.
 * Quarters 1 to 3 are withheld as suppress_table does it alone: they were shown before the year was over and
 * cannot be taken back.  Counts of cells that stand in the year are the sums of the quarters'.
 */
void suppress_year(struct stat_year *y);

#endif
