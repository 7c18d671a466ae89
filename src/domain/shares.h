/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of counts told as shares of their sum.  Its sum may be known from another table of the statistics,
 * so counts, told beside it, could give away what is withheld there: shares in steps of 5 per cent do not.
 * Bands are how a duration becomes a row of such a list.
 */
#ifndef MENEDEK_SHARES_H
#define MENEDEK_SHARES_H

#include "domain/codes.h"
#include "domain/suppress.h"

#define SHARES_STEP 5u /* per cent */

struct share {
	unsigned percent; /* of all, rounded to SHARES_STEP */
	bool withheld;    /* then ${percent} is 0 */
};

/*@ // the same share told of all others cannot be reckoned: where one is withheld, so is another that is not zero
  predicate none_stands_alone{L}(struct stat_cell *cells, integer count, struct share *out) =
    \forall integer k; 0 <= k < count && out[k].withheld ==>
      (\exists integer j; 0 <= j < count && j != k && out[j].withheld) ||
      (\forall integer j; 0 <= j < count && j != k ==> cells[j].cases == 0);
*/

/**
 * The shares of ${count} cells.  A cell that the statistics would withhold is withheld, and where it would be
 * the only one, the smallest other too, since shares add up to a hundred.  Zeros are told.
 */
/*@ requires count <= 1000 && \valid_read(cells + (0 .. count - 1)) && \valid(out + (0 .. count - 1));
    requires \separated(cells + (0 .. count - 1), out + (0 .. count - 1));
    assigns out[0 .. count - 1];
    // no small cell is told, nor follows from the others
    ensures \forall integer k; 0 <= k < count && small(cells + k) ==> out[k].withheld;
    ensures \forall integer k; 0 <= k < count && out[k].withheld ==> out[k].percent == 0;
    ensures none_stands_alone(cells, count, out);
    ensures \forall integer k; 0 <= k < count && cells[k].cases == 0 ==> !out[k].withheld; // zeros are told
*/
void shares_of(const struct stat_cell *cells, unsigned count, struct share *out);

/** Rows for durations, in the order of their codes: until an answer or an arrival, and of a stay. */
extern const struct code_list bands_of_waiting, bands_of_stay;

/** Row of ${seconds}; a negative duration counts as none. */
unsigned band_of_waiting(int64_t seconds);
unsigned band_of_stay(int64_t seconds);

#endif
