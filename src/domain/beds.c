/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic on beds by kind.  Knows no unit and no house. */
#include "domain/beds.h"

/*@ assigns \nothing;
    ensures \result == \min(a, b);
*/
static unsigned
smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* a - b, but never below zero: damaged counts must not turn into room for four thousand million */
/*@ assigns \nothing;
    ensures \result == \max(0, a - b);
*/
static unsigned
minus(unsigned a, unsigned b)
{
	return a > b ? a - b : 0;
}

bool
beds_hold(struct beds b, unsigned adults, unsigned children, unsigned babies)
{
	return babies <= b.cots && adults <= b.adult && children <= b.child + (b.adult - adults);
}

struct beds
beds_without(struct beds b, unsigned adults, unsigned children, unsigned babies)
{
	unsigned in_child_beds = smaller(children, b.child);

	return (struct beds){
		.adult = minus(b.adult, adults + children - in_child_beds),
		.child = b.child - in_child_beds,
		.cots = minus(b.cots, babies),
	};
}

struct beds
beds_add(struct beds a, struct beds b)
{
	return (struct beds){ a.adult + b.adult, a.child + b.child, a.cots + b.cots };
}

unsigned
beds_count(struct beds b)
{
	return b.adult + b.child + b.cots;
}
