/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shares that are taken in a house, as a list: each change of it takes or frees what one share has, and
 * nothing else (`make prove`).  For house.c alone, which knows when a share may be taken.
 */
#ifndef MENEDEK_ALLOCATIONS_H
#define MENEDEK_ALLOCATIONS_H

#include "domain/house.h"

/*@ // what one allocation adds to the sums
  logic integer books{L}(struct allocation *a, integer now) =
    a->expires_at == 0 || a->expires_at > now ? share(a) : 0;
  logic integer adults_by{L}(struct allocation *a, integer i, integer now) =
    takes(a, i, now) == 1 ? a->adults : 0;
  logic integer children_by{L}(struct allocation *a, integer i, integer now) =
    takes(a, i, now) == 1 ? a->children : 0;
  logic integer babies_by{L}(struct allocation *a, integer i, integer now) =
    takes(a, i, now) == 1 ? a->babies : 0;
  predicate alike{L1, L2}(struct allocation *a, struct allocation *b) =
    \at(a->expires_at, L1) == \at(b->expires_at, L2) && \at(a->units, L1) == \at(b->units, L2) &&
    \at(a->adults, L1) == \at(b->adults, L2) && \at(a->children, L1) == \at(b->children, L2) &&
    \at(a->babies, L1) == \at(b->babies, L2);
  // the first n take at L1 what the first m took at L2, less what this one took there
  predicate sums_less{L1, L2}(struct house *h, integer now, integer n, integer m, struct allocation *a) =
    booked{L1}(h, now, n) == booked{L2}(h, now, m) - books{L2}(a, now) &&
    \forall integer i; 0 <= i < LIMIT_UNITS ==>
      shares_in{L1}(h, i, now, n) == shares_in{L2}(h, i, now, m) - takes{L2}(a, i, now) &&
      adults_in{L1}(h, i, now, n) == adults_in{L2}(h, i, now, m) - adults_by{L2}(a, i, now) &&
      children_in{L1}(h, i, now, n) == children_in{L2}(h, i, now, m) - children_by{L2}(a, i, now) &&
      babies_in{L1}(h, i, now, n) == babies_in{L2}(h, i, now, m) - babies_by{L2}(a, i, now);
  predicate sums_more{L1, L2}(struct house *h, integer now, integer n, integer m, struct allocation *a) =
    booked{L1}(h, now, n) == booked{L2}(h, now, m) + books{L2}(a, now) &&
    \forall integer i; 0 <= i < LIMIT_UNITS ==>
      shares_in{L1}(h, i, now, n) == shares_in{L2}(h, i, now, m) + takes{L2}(a, i, now) &&
      adults_in{L1}(h, i, now, n) == adults_in{L2}(h, i, now, m) + adults_by{L2}(a, i, now) &&
      children_in{L1}(h, i, now, n) == children_in{L2}(h, i, now, m) + children_by{L2}(a, i, now) &&
      babies_in{L1}(h, i, now, n) == babies_in{L2}(h, i, now, m) + babies_by{L2}(a, i, now);
*/

/** H4 and H5: without an expiry for ever, with one until that second. */
/*@ requires \valid_read(a);
    assigns \nothing;
    ensures \result <==> live(a, now);
*/
static inline bool
allocations_is_live(const struct allocation *a, int64_t now)
{
	return a->expires_at == 0 || a->expires_at > now;
}

/** Persons of one share. */
/*@ requires \valid_read(a);
    assigns \nothing;
    ensures \result == share(a);
*/
unsigned allocations_persons(const struct allocation *a);

/** A change of ${units}: their ETag grows. */
/*@ requires \valid(h) && in_bounds(h);
    assigns h->units[0 .. LIMIT_UNITS - 1].version;
*/
void allocations_touch_units(struct house *h, uint64_t units);

/** Free the share at index ${k}; the last one takes its index. */
/*@ requires \valid(h) && in_bounds(h) && k < h->allocation_count;
    assigns h->allocation_count, h->allocations[0 .. LIMIT_ALLOCATIONS - 1],
      h->units[0 .. LIMIT_UNITS - 1].version;
    ensures h->allocation_count == \old(h->allocation_count) - 1;
    // places are conserved: free is what this share took, and nothing else
    ensures sums_less{Post, Pre}(h, now, \at(h->allocation_count, Post), \at(h->allocation_count, Pre),
      &h->allocations[k]);
*/
void allocations_remove(struct house *h, unsigned k) /*@ ghost (int64_t now) */;

/** Append ${a}; the caller has asked that there is room in the list and in the house. */
/*@ requires \valid(h) && in_bounds(h) && h->allocation_count < LIMIT_ALLOCATIONS;
    requires \valid_read(a) && \separated(h, a);
    assigns h->allocation_count, h->allocations[0 .. LIMIT_ALLOCATIONS - 1],
      h->units[0 .. LIMIT_UNITS - 1].version;
    ensures h->allocation_count == \old(h->allocation_count) + 1;
    ensures sums_more{Post, Pre}(h, now, \at(h->allocation_count, Post), \at(h->allocation_count, Pre), a);
*/
void allocations_add(struct house *h, const struct allocation *a) /*@ ghost (int64_t now) */;

/** Free what has run out by ${now}. */
/*@ requires \valid(h) && in_bounds(h);
    assigns h->allocation_count, h->allocations[0 .. LIMIT_ALLOCATIONS - 1],
      h->units[0 .. LIMIT_UNITS - 1].version;
    ensures h->allocation_count <= \old(h->allocation_count);
    ensures same_sums{Post, Pre}(h, now, \at(h->allocation_count, Post), \at(h->allocation_count, Pre));
*/
void allocations_drop_expired(struct house *h, int64_t now);

#endif
