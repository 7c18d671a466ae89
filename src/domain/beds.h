/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting beds by kind (DOMAIN 3): a baby needs a cot, an adult an adult bed, a child a child bed or an
 * adult bed that is left over.
 */
#ifndef MENEDEK_BEDS_H
#define MENEDEK_BEDS_H

#include <stdbool.h>

struct beds {
	unsigned adult, child, cots;
};

/*@ // proved by `make prove`; the counts of one house are far below the bound
  predicate few(integer n) = 0 <= n <= 1000000;
  predicate few_beds(struct beds b) = few(b.adult) && few(b.child) && few(b.cots);
  predicate hold(struct beds b, integer adults, integer children, integer babies) =
    babies <= b.cots && adults <= b.adult && adults + children <= b.adult + b.child;
*/

/** Do ${b} hold these persons? */
/*@ requires few_beds(b) && few(adults) && few(children) && few(babies);
    assigns \nothing;
    ensures \result <==> hold(b, adults, children, babies);
*/
bool beds_hold(struct beds b, unsigned adults, unsigned children, unsigned babies);

/** What is left of ${b} when they have taken theirs: children lie in child beds as long as there are any. */
/*@ requires few_beds(b) && few(adults) && few(children) && few(babies);
    assigns \nothing;
    ensures few_beds(\result);
    ensures \result.child == \max(0, b.child - children);
    ensures \result.adult == \max(0, b.adult - adults - \max(0, children - b.child));
    ensures \result.cots == \max(0, b.cots - babies);
    ensures \forall integer a, c, y; 0 <= a && 0 <= c && 0 <= y && hold(b, adults, children, babies) &&
      hold(\result, a, c, y) ==> hold(b, adults + a, children + c, babies + y);
*/
struct beds beds_without(struct beds b, unsigned adults, unsigned children, unsigned babies);

/*@ requires few_beds(a) && few_beds(b);
    assigns \nothing;
    ensures \result.adult == a.adult + b.adult && \result.child == a.child + b.child &&
      \result.cots == a.cots + b.cots;
*/
struct beds beds_add(struct beds a, struct beds b);
/*@ requires few_beds(b);
    assigns \nothing;
    ensures \result == b.adult + b.child + b.cots;
*/
unsigned beds_count(struct beds b);

#endif
