/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding to the list of shares, and removing from it.  The loops in comments are for the proof alone: they
 * carry each sum over the memory that was written.
 */
#include "domain/allocations.h"

unsigned
allocations_persons(const struct allocation *a)
{
	return 0u + a->adults + a->children + a->babies;
}

void
allocations_touch_units(struct house *h, uint64_t units)
{
	/*@ loop invariant 0 <= i <= h->unit_count;
	    loop assigns i, h->units[0 .. LIMIT_UNITS - 1].version;
	    loop variant h->unit_count - i;
	*/
	for (unsigned i = 0; i < h->unit_count; i++) {
		if ((units & UNIT_BIT(i)) != 0)
			h->units[i].version++;
	}
}

void
allocations_remove(struct house *h, unsigned k) /*@ ghost (int64_t now) */
{
	const unsigned last = h->allocation_count - 1u;

	allocations_touch_units(h, h->allocations[k].units);
	h->allocations[k] = h->allocations[last];
	h->allocations[last] = (struct allocation){ 0 };
	h->allocation_count = (uint8_t)last;
	/*@ assert k < last ==> alike{Here, Pre}(&h->allocations[k], &h->allocations[last]); */
	/*@ ghost
	  /@ loop invariant 0 <= j <= last;
	     loop invariant booked(h, now, j) == booked{Pre}(h, now, j) +
	       (j > k ? books{Pre}(&h->allocations[last], now) -
		 books{Pre}(&h->allocations[k], now) : 0);
	     loop invariant \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       shares_in(h, i, now, j) == shares_in{Pre}(h, i, now, j) +
	       (j > k ? takes{Pre}(&h->allocations[last], i, now) -
		 takes{Pre}(&h->allocations[k], i, now) : 0);
	     loop invariant \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       adults_in(h, i, now, j) == adults_in{Pre}(h, i, now, j) +
	       (j > k ? adults_by{Pre}(&h->allocations[last], i, now) -
		 adults_by{Pre}(&h->allocations[k], i, now) : 0);
	     loop invariant \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       children_in(h, i, now, j) == children_in{Pre}(h, i, now, j) +
	       (j > k ? children_by{Pre}(&h->allocations[last], i, now) -
		 children_by{Pre}(&h->allocations[k], i, now) : 0);
	     loop invariant \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       babies_in(h, i, now, j) == babies_in{Pre}(h, i, now, j) +
	       (j > k ? babies_by{Pre}(&h->allocations[last], i, now) -
		 babies_by{Pre}(&h->allocations[k], i, now) : 0);
	     loop assigns j;
	     loop variant last - j;
	  @/
	  for (unsigned j = 0; j < last; j++) {
	    /@ assert j != k ==>
		 h->allocations[j].expires_at == \at(h->allocations[\at(j, Here)].expires_at, Pre); @/
	    /@ assert j != k ==>
		 h->allocations[j].units == \at(h->allocations[\at(j, Here)].units, Pre); @/
	    /@ assert j != k ==>
		 h->allocations[j].adults == \at(h->allocations[\at(j, Here)].adults, Pre); @/
	    /@ assert j != k ==>
		 h->allocations[j].children == \at(h->allocations[\at(j, Here)].children, Pre); @/
	    /@ assert j != k ==>
		 h->allocations[j].babies == \at(h->allocations[\at(j, Here)].babies, Pre); @/
	  }
	*/
	/*@ assert booked(h, now, last) == booked{Pre}(h, now, last + 1) -
		books{Pre}(&h->allocations[k], now); */
	/*@ assert \forall integer i; 0 <= i < LIMIT_UNITS ==>
	      shares_in(h, i, now, last) == shares_in{Pre}(h, i, now, last + 1) -
		takes{Pre}(&h->allocations[k], i, now); */
	/*@ assert \forall integer i; 0 <= i < LIMIT_UNITS ==>
	      adults_in(h, i, now, last) == adults_in{Pre}(h, i, now, last + 1) -
		adults_by{Pre}(&h->allocations[k], i, now); */
	/*@ assert \forall integer i; 0 <= i < LIMIT_UNITS ==>
	      children_in(h, i, now, last) == children_in{Pre}(h, i, now, last + 1) -
		children_by{Pre}(&h->allocations[k], i, now); */
	/*@ assert \forall integer i; 0 <= i < LIMIT_UNITS ==>
	      babies_in(h, i, now, last) == babies_in{Pre}(h, i, now, last + 1) -
		babies_by{Pre}(&h->allocations[k], i, now); */
}

void
allocations_add(struct house *h, const struct allocation *a) /*@ ghost (int64_t now) */
{
	const unsigned n = h->allocation_count;

	h->allocations[n] = *a;
	h->allocation_count = (uint8_t)(n + 1u);
	allocations_touch_units(h, a->units);
	/*@ assert alike{Here, Pre}(&h->allocations[n], a); */
	/*@ ghost
	  /@ loop invariant 0 <= j <= n;
	     loop invariant booked(h, now, j) == booked{Pre}(h, now, j);
	     loop invariant \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       shares_in(h, i, now, j) == shares_in{Pre}(h, i, now, j);
	     loop invariant \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       adults_in(h, i, now, j) == adults_in{Pre}(h, i, now, j);
	     loop invariant \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       children_in(h, i, now, j) == children_in{Pre}(h, i, now, j);
	     loop invariant \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       babies_in(h, i, now, j) == babies_in{Pre}(h, i, now, j);
	     loop assigns j;
	     loop variant n - j;
	  @/
	  for (unsigned j = 0; j < n; j++) {
	    /@ assert h->allocations[j].expires_at == \at(h->allocations[\at(j, Here)].expires_at, Pre); @/
	    /@ assert h->allocations[j].units == \at(h->allocations[\at(j, Here)].units, Pre); @/
	    /@ assert h->allocations[j].adults == \at(h->allocations[\at(j, Here)].adults, Pre); @/
	    /@ assert h->allocations[j].children == \at(h->allocations[\at(j, Here)].children, Pre); @/
	    /@ assert h->allocations[j].babies == \at(h->allocations[\at(j, Here)].babies, Pre); @/
	  }
	*/
}

void
allocations_drop_expired(struct house *h, int64_t now)
{
	/*@ loop invariant k <= h->allocation_count <= \at(h->allocation_count, Pre);
	    loop invariant same_sums{Here, Pre}(h, now, h->allocation_count, \at(h->allocation_count, Pre));
	    loop assigns k, h->allocation_count, h->allocations[0 .. LIMIT_ALLOCATIONS - 1],
	      h->units[0 .. LIMIT_UNITS - 1].version;
	    loop variant k;
	*/
	for (unsigned k = h->allocation_count; k > 0; k--) {
		if (!allocations_is_live(&h->allocations[k - 1], now))
			allocations_remove(h, k - 1) /*@ ghost (now) */;
	}
}
