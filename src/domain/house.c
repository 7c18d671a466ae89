/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is taken in a house and what may be taken: the invariants H1 to H5 of house.h.  Every way in (a
 * booking, a report of the staff) first drops the allocations that have run out, so that a clock that is set
 * back cannot bring one to life again beside its successor.  Does not know who fits: that is fit.c.
 */
#include "domain/house.h"

#include "domain/allocations.h"

/*@ assigns \nothing;
    ensures \result == \min(a, b);
*/
static unsigned
smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
unit_places(const struct unit *u)
{
	return 0u + u->adult_beds + u->child_beds + u->cots;
}

/*@ requires \valid_read(u);
    assigns \nothing;
    ensures \result == others(u);
*/
static unsigned
unit_others(const struct unit *u)
{
	return 0u + u->other_adults + u->other_children + u->other_babies;
}

/*@ requires \valid_read(u);
    assigns \nothing;
    ensures \result.adult == u->adult_beds && \result.child == u->child_beds && \result.cots == u->cots;
*/
static struct beds
unit_beds(const struct unit *u)
{
	return (struct beds){ u->adult_beds, u->child_beds, u->cots };
}

struct beds
unit_beds_left(const struct unit *u, const struct unit_use *use)
{
	if (u->out_of_use || u->retired)
		return (struct beds){ 0, 0, 0 };
	if (!u->shared && (use->shares > 0 || unit_others(u) > 0)) /* H1 */
		return (struct beds){ 0, 0, 0 };
	return beds_without(unit_beds(u), 0u + use->adults + u->other_adults,
	    0u + use->children + u->other_children, 0u + use->babies + u->other_babies);
}

/* Of a set that is not empty. */
/*@ assigns \nothing;
 */
static bool
is_one_unit(uint64_t units)
{
	return (units & (units - 1)) == 0;
}

/*@ requires \valid_read(a);
    requires use.adults <= 32385 && use.children <= 32385 && use.babies <= 32385 && use.shares < 255;
    assigns \nothing;
    ensures \result.shares == use.shares + 1;
    ensures \result.adults == use.adults + a->adults;
    ensures \result.children == use.children + a->children;
    ensures \result.babies == use.babies + a->babies;
*/
static struct unit_use
with_share(struct unit_use use, const struct allocation *a)
{
	use.shares++;
	use.is_held = use.is_held || a->expires_at != 0;
	use.adults = (uint16_t)(use.adults + a->adults);
	use.children = (uint16_t)(use.children + a->children);
	use.babies = (uint16_t)(use.babies + a->babies);
	return use;
}

/*@ requires \valid_read(h) && i < LIMIT_UNITS && h->allocation_count <= LIMIT_ALLOCATIONS;
    assigns \nothing;
    ensures \result.shares == shares_in(h, i, now, h->allocation_count);
    ensures \result.adults == adults_in(h, i, now, h->allocation_count);
    ensures \result.children == children_in(h, i, now, h->allocation_count);
    ensures \result.babies == babies_in(h, i, now, h->allocation_count);
*/
static struct unit_use
use_of(const struct house *h, unsigned i, int64_t now)
{
	struct unit_use use = { 0 };

	/*@ loop invariant 0 <= k <= h->allocation_count;
	    loop invariant use.shares == shares_in(h, i, now, k) && use.shares <= k;
	    loop invariant use.adults == adults_in(h, i, now, k) && use.adults <= 255 * k;
	    loop invariant use.children == children_in(h, i, now, k) && use.children <= 255 * k;
	    loop invariant use.babies == babies_in(h, i, now, k) && use.babies <= 255 * k;
	    loop assigns k, use;
	    loop variant h->allocation_count - k;
	*/
	for (unsigned k = 0; k < h->allocation_count; k++) {
		const struct allocation *a = &h->allocations[k];

		if (allocations_is_live(a, now) && (a->units & UNIT_BIT(i)) != 0)
			use = with_share(use, a);
	}
	return use;
}

/*@ requires \valid_read(h) && i < LIMIT_UNITS && h->allocation_count <= LIMIT_ALLOCATIONS;
    assigns \nothing;
    ensures few_beds(\result);
    ensures \result.adult <= h->units[i].adult_beds && \result.child <= h->units[i].child_beds &&
      \result.cots <= h->units[i].cots;
    ensures !h->units[i].shared && (\result.adult > 0 || \result.child > 0 || \result.cots > 0) ==>
      shares_in(h, i, now, h->allocation_count) == 0 && others(&h->units[i]) == 0;
    ensures h->units[i].shared ==> \forall integer a, c, y; 0 <= a && 0 <= c && 0 <= y &&
      keeps_h2(h, i, now) && hold(\result, a, c, y) ==>
      within_beds(&h->units[i], adults_in(h, i, now, h->allocation_count) + a,
	children_in(h, i, now, h->allocation_count) + c, babies_in(h, i, now, h->allocation_count) + y);
*/
static struct beds
beds_left_in(const struct house *h, unsigned i, int64_t now)
{
	const struct unit_use use = use_of(h, i, now);

	return unit_beds_left(&h->units[i], &use);
}

void
house_use(const struct house *h, int64_t now, struct unit_use use[LIMIT_UNITS])
{
	for (unsigned i = 0; i < h->unit_count; i++)
		use[i] = use_of(h, i, now);
}

enum unit_state
house_unit_state(const struct house *h, unsigned i, int64_t now)
{
	const struct unit_use use = use_of(h, i, now);
	const struct unit *u = &h->units[i];

	if (u->out_of_use || u->retired)
		return UNIT_OUT_OF_USE;
	if (use.shares == 0 && unit_others(u) == 0)
		return UNIT_FREE;
	if (beds_count(unit_beds_left(u, &use)) > 0)
		return UNIT_PARTLY;
	return use.is_held ? UNIT_HELD : UNIT_OCCUPIED;
}

unsigned
house_unit_free_places(const struct house *h, unsigned i, int64_t now)
{
	return beds_count(beds_left_in(h, i, now));
}

/*@ requires \valid_read(h) && h->allocation_count <= LIMIT_ALLOCATIONS;
    assigns \nothing;
    ensures \result == booked(h, now, h->allocation_count) && \result <= 765 * h->allocation_count;
*/
static unsigned
booked_persons(const struct house *h, int64_t now)
{
	unsigned persons = 0;

	/*@ loop invariant 0 <= k <= h->allocation_count;
	    loop invariant persons == booked(h, now, k) && persons <= 765 * k;
	    loop assigns k, persons;
	    loop variant h->allocation_count - k;
	*/
	for (unsigned k = 0; k < h->allocation_count; k++) {
		if (allocations_is_live(&h->allocations[k], now))
			persons += allocations_persons(&h->allocations[k]);
	}
	return persons;
}

unsigned
house_persons(const struct house *h, int64_t now)
{
	unsigned persons = booked_persons(h, now);

	/*@ loop invariant 0 <= i <= h->unit_count && persons >= booked(h, now, h->allocation_count);
	    loop invariant persons == booked(h, now, h->allocation_count) + came(h, i);
	    loop invariant persons <= 765 * (h->allocation_count + i);
	    loop assigns i, persons;
	    loop variant h->unit_count - i;
	*/
	for (unsigned i = 0; i < h->unit_count; i++) {
		if (!h->units[i].retired)
			persons += smaller(unit_others(&h->units[i]), unit_places(&h->units[i]));
	}
	return persons;
}

/*@ requires \valid_read(h) && in_bounds(h);
    assigns \nothing;
    ensures -1 <= \result < h->unit_count;
*/
int
house_find_unit(const struct house *h, const struct id *id)
{
	/*@ loop invariant 0 <= i <= h->unit_count;
	    loop assigns i;
	    loop variant h->unit_count - i;
	*/
	for (unsigned i = 0; i < h->unit_count; i++) {
		if (id_equal(&h->units[i].id, id))
			return (int)i;
	}
	return -1;
}

/*@ requires \valid_read(h) && in_bounds(h);
    assigns \nothing;
    ensures -1 <= \result < h->allocation_count;
*/
int
house_find_allocation(const struct house *h, const struct id *reservation)
{
	/*@ loop invariant 0 <= k <= h->allocation_count;
	    loop assigns k;
	    loop variant h->allocation_count - k;
	*/
	for (unsigned k = 0; k < h->allocation_count; k++) {
		if (id_equal(&h->allocations[k].reservation, reservation))
			return (int)k;
	}
	return -1;
}

/*@ requires \valid_read(h) && in_bounds(h);
    assigns \nothing;
*/
bool
house_can_join(const struct house *h, uint64_t units)
{
	unsigned group = 0, count = 0;

	if (units == 0 || (h->unit_count < LIMIT_UNITS && units >> h->unit_count != 0))
		return false;
	if (is_one_unit(units))
		return true;
	/*@ loop invariant 0 <= i <= h->unit_count;
	    loop assigns i, group, count;
	    loop variant h->unit_count - i;
	*/
	for (unsigned i = 0; i < h->unit_count; i++) {
		const struct unit *u = &h->units[i];

		if ((units & UNIT_BIT(i)) == 0)
			continue;
		group = count == 0 ? u->join_group : group;
		if (u->shared || u->join_group == 0 || u->join_group != group)
			return false;
		count++;
	}
	return count <= LIMIT_JOINED;
}

/*@ predicate in_set{L}(struct allocation *a, integer i) = (a->units & (uint64_t)(1 << i)) != 0;
  // H1 and H2 of unit i with this share in it too
  predicate room_in{L}(struct house *h, integer i, struct allocation *a, integer now) =
    (!h->units[i].shared ==> shares_in(h, i, now, h->allocation_count) == 0 && others(&h->units[i]) == 0) &&
    (keeps_h2(h, i, now) && h->units[i].shared ==>
      within_beds(&h->units[i], adults_in(h, i, now, h->allocation_count) + a->adults,
	children_in(h, i, now, h->allocation_count) + a->children,
	babies_in(h, i, now, h->allocation_count) + a->babies));
*/

/* H1 and H2 of one unit of the share.  One that is shared is never joined to others: it holds them all. */
/*@ requires \valid_read(h) && \valid_read(a) && in_bounds(h) && i < h->unit_count;
    assigns \nothing;
    ensures \result ==> room_in(h, i, a, now);
*/
static bool
is_room_in(const struct house *h, unsigned i, const struct allocation *a, int64_t now)
{
	const struct beds left = beds_left_in(h, i, now);

	if (beds_count(left) == 0)
		return false;
	return !h->units[i].shared || beds_hold(left, a->adults, a->children, a->babies);
}

/* H1 and H2: what is left of its units holds the share. */
/*@ requires \valid_read(h) && \valid_read(a) && in_bounds(h);
    assigns \nothing;
    ensures \result ==>
      \forall integer i; 0 <= i < h->unit_count && in_set(a, i) ==> room_in(h, i, a, now);
*/
static bool
is_room_for(const struct house *h, const struct allocation *a, int64_t now)
{
	struct beds sum = { 0, 0, 0 };

	/*@ loop invariant 0 <= i <= h->unit_count;
	    loop invariant sum.adult <= 255 * i && sum.child <= 255 * i && sum.cots <= 255 * i;
	    loop invariant \forall integer j; 0 <= j < i && in_set(a, j) ==> room_in(h, j, a, now);
	    loop assigns i, sum;
	    loop variant h->unit_count - i;
	*/
	for (unsigned i = 0; i < h->unit_count; i++) {
		if ((a->units & UNIT_BIT(i)) == 0)
			continue;
		if (!is_room_in(h, i, a, now))
			return false;
		sum = beds_add(sum, beds_left_in(h, i, now));
	}
	return beds_hold(sum, a->adults, a->children, a->babies);
}

/*@ requires \valid(h) && \valid_read(s) && \valid_read(a) && \separated(h, s, a) && in_bounds(h);
    assigns h->allocation_count, h->allocations[0 .. LIMIT_ALLOCATIONS - 1],
      h->units[0 .. LIMIT_UNITS - 1].version;
    ensures in_bounds(h);
    // places are conserved: taken is this share and nothing else, or nothing
    ensures \result == RC_OK ==> sums_more{Post, Pre}(h, now, \at(h->allocation_count, Post),
      \at(h->allocation_count, Pre), a);
    ensures \result != RC_OK ==> same_sums{Post, Pre}(h, now, \at(h->allocation_count, Post),
      \at(h->allocation_count, Pre));
*/
enum rc
house_take(struct house *h, const struct shelter *s, const struct allocation *a, int64_t now)
{
	unsigned persons = allocations_persons(a);

	allocations_drop_expired(h, now);
	/*@ assert a->expires_at == \at(a->expires_at, Pre); */
	/*@ assert a->units == \at(a->units, Pre); */
	/*@ assert a->adults == \at(a->adults, Pre); */
	/*@ assert a->children == \at(a->children, Pre); */
	/*@ assert a->babies == \at(a->babies, Pre); */
	if (persons == 0 || !allocations_is_live(a, now) || h->allocation_count >= LIMIT_ALLOCATIONS)
		return RC_NO_PLACE_LEFT;
	if (house_find_allocation(h, &a->reservation) >= 0 || !house_can_join(h, a->units))
		return RC_NO_PLACE_LEFT;
	if (house_persons(h, now) + persons > s->licensed_capacity) /* H3 */
		return RC_NO_PLACE_LEFT;
	if (!is_room_for(h, a, now))
		return RC_NO_PLACE_LEFT;
	/*@ ghost dropped:; */
	allocations_add(h, a) /*@ ghost (now) */;
	/*@ assert sums_more{Here, dropped}(h, now, h->allocation_count, \at(h->allocation_count, dropped), a); */
	/*@ assert booked(h, now, h->allocation_count) ==
	      booked{Pre}(h, now, \at(h->allocation_count, Pre)) + books{Pre}(a, now); */
	/*@ assert \forall integer i; 0 <= i < LIMIT_UNITS ==> shares_in(h, i, now, h->allocation_count) ==
	      shares_in{Pre}(h, i, now, \at(h->allocation_count, Pre)) + takes{Pre}(a, i, now); */
	/*@ assert \forall integer i; 0 <= i < LIMIT_UNITS ==> adults_in(h, i, now, h->allocation_count) ==
	      adults_in{Pre}(h, i, now, \at(h->allocation_count, Pre)) + adults_by{Pre}(a, i, now); */
	/*@ assert \forall integer i; 0 <= i < LIMIT_UNITS ==> children_in(h, i, now, h->allocation_count) ==
	      children_in{Pre}(h, i, now, \at(h->allocation_count, Pre)) + children_by{Pre}(a, i, now); */
	/*@ assert \forall integer i; 0 <= i < LIMIT_UNITS ==> babies_in(h, i, now, h->allocation_count) ==
	      babies_in{Pre}(h, i, now, \at(h->allocation_count, Pre)) + babies_by{Pre}(a, i, now); */
	return RC_OK;
}

/*@ requires \valid(h) && in_bounds(h);
    assigns h->allocation_count, h->allocations[0 .. LIMIT_ALLOCATIONS - 1],
      h->units[0 .. LIMIT_UNITS - 1].version;
    ensures in_bounds(h);
    ensures !\result ==> same_sums{Post, Pre}(h, now, \at(h->allocation_count, Post),
      \at(h->allocation_count, Pre));
    // places are conserved: free is what one share took, and nothing else
    ensures \result ==> \exists integer k; 0 <= k < \at(h->allocation_count, Pre) &&
      sums_less{Post, Pre}(h, now, \at(h->allocation_count, Post), \at(h->allocation_count, Pre),
	&h->allocations[k]);
*/
bool
house_release(struct house *h, const struct id *reservation) /*@ ghost (int64_t now) */
{
	int k = house_find_allocation(h, reservation);

	if (k < 0)
		return false;
	allocations_remove(h, (unsigned)k) /*@ ghost (now) */;
	return true;
}

/*@ requires \valid(h) && in_bounds(h);
    assigns h->allocations[0 .. LIMIT_ALLOCATIONS - 1].expires_at, h->units[0 .. LIMIT_UNITS - 1].version;
    // a share whose time is changed takes what it took: nothing is free through it, nothing is taken
    ensures expires_at == 0 || expires_at > now ==>
      same_sums{Post, Pre}(h, now, h->allocation_count, h->allocation_count);
*/
bool
house_set_expiry(struct house *h, const struct id *reservation, int64_t expires_at, int64_t now)
{
	int k = house_find_allocation(h, reservation);

	if (k < 0 || !allocations_is_live(&h->allocations[k], now))
		return false;
	if (h->allocations[k].expires_at == expires_at)
		return true;
	h->allocations[k].expires_at = expires_at;
	allocations_touch_units(h, h->allocations[k].units);
	/*@ ghost
	  /@ loop invariant 0 <= j <= h->allocation_count;
	     loop invariant expires_at == 0 || expires_at > now ==>
	       booked(h, now, j) == booked{Pre}(h, now, j);
	     loop invariant expires_at == 0 || expires_at > now ==>
	       \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       shares_in(h, i, now, j) == shares_in{Pre}(h, i, now, j);
	     loop invariant expires_at == 0 || expires_at > now ==>
	       \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       adults_in(h, i, now, j) == adults_in{Pre}(h, i, now, j);
	     loop invariant expires_at == 0 || expires_at > now ==>
	       \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       children_in(h, i, now, j) == children_in{Pre}(h, i, now, j);
	     loop invariant expires_at == 0 || expires_at > now ==>
	       \forall integer i; 0 <= i < LIMIT_UNITS ==>
	       babies_in(h, i, now, j) == babies_in{Pre}(h, i, now, j);
	     loop assigns j;
	     loop variant h->allocation_count - j;
	  @/
	  for (int j = 0; j < h->allocation_count; j++) {
	    /@ assert j != k ==> h->allocations[j].expires_at ==
		\at(h->allocations[\at(j, Here)].expires_at, Pre); @/
	  }
	*/
	return true;
}

/* Staff fill what is left so that ${want} places stay free; adult beds first (see house.h). */
/*@ requires \valid(u) && \valid_read(use) && \separated(u, use);
    requires few(want) && u->adult_beds + u->child_beds + u->cots <= 255;
    assigns u->other_adults, u->other_children, u->other_babies;
    // what staff say never puts more people in than there are beds left (H2)
    ensures \let o = \at(*u, Pre); use->adults <= o.adult_beds && use->babies <= o.cots &&
      use->adults + use->children <= o.adult_beds + o.child_beds ==>
      within_beds(u, use->adults, use->children, use->babies);
    ensures want == 0 && use->adults == 0 && use->children == 0 && use->babies == 0 ==>
      others(u) == u->adult_beds + u->child_beds + u->cots;
*/
static void
set_others(struct unit *u, const struct unit_use *use, unsigned want)
{
	struct beds left = beds_without(unit_beds(u), use->adults, use->children, use->babies);
	unsigned others = beds_count(left) - smaller(want, beds_count(left));

	u->other_adults = (uint8_t)smaller(others, left.adult);
	others -= u->other_adults;
	u->other_children = (uint8_t)smaller(others, left.child);
	others -= u->other_children;
	u->other_babies = (uint8_t)smaller(others, left.cots);
}

/* May staff say this of the unit, and how many places stay free if so? */
static enum rc
check_report(const struct unit *u, const struct unit_use *use, const struct unit_report *r, unsigned *want,
    struct fault *f)
{
	unsigned places = unit_places(u);
	unsigned booked = 0u + use->adults + use->children + use->babies;

	if (r->state == UNIT_HELD || r->state >= UNIT_STATE_COUNT)
		return fault_set(f, RC_INVALID, MSG_UNIT_STATE_SAID, "/state", 0, NULL);
	if (r->state == UNIT_PARTLY && !u->shared)
		return fault_set(f, RC_INVALID, MSG_UNIT_NOT_SHARED, "/state", 0, NULL);
	if (r->state == UNIT_PARTLY && r->free_places > places)
		return fault_set(f, RC_INVALID, MSG_FIELD_MAX, "/free_places", (long)places, NULL);
	if (use->shares > 0 && (!u->shared || r->state == UNIT_OUT_OF_USE))
		return fault_set(f, RC_STATE_CONFLICT, MSG_UNIT_BOOKED, NULL, 0, NULL);
	if (r->state == UNIT_PARTLY && r->free_places + booked > places)
		return fault_set(f, RC_STATE_CONFLICT, MSG_UNIT_BOOKED, NULL, 0, NULL);
	*want = r->state == UNIT_PARTLY ? r->free_places : r->state == UNIT_OCCUPIED ? 0 : places;
	return RC_OK;
}

enum rc
house_report(struct house *h, unsigned i, const struct unit_report *r, int64_t now, struct fault *f)
{
	struct unit_use use[LIMIT_UNITS];
	struct unit *u;
	unsigned want = 0;
	enum rc rc;

	if (i >= h->unit_count || h->units[i].retired)
		return fault_set(f, RC_NOT_FOUND, MSG_NOT_FOUND, NULL, 0, NULL);
	u = &h->units[i];
	allocations_drop_expired(h, now);
	house_use(h, now, use);
	if ((rc = check_report(u, &use[i], r, &want, f)) != RC_OK)
		return rc;
	set_others(u, &use[i], want);
	u->out_of_use = r->state == UNIT_OUT_OF_USE;
	u->confirmed_at = now;
	u->version++;
	return RC_OK;
}

void
house_confirm_all(struct house *h, int64_t now)
{
	for (unsigned i = 0; i < h->unit_count; i++) {
		if (h->units[i].retired)
			continue;
		h->units[i].confirmed_at = now;
		h->units[i].version++;
	}
}

/*@ requires \valid_read(u);
    assigns \nothing;
    ensures \result && !u->shared ==> use.shares <= 1 && (use.shares == 0 || others(u) == 0); // H1
    ensures u->shared ==> (\result <==> within_beds(u, use.adults, use.children, use.babies)); // H2
*/
static bool
is_unit_sound(const struct unit *u, struct unit_use use)
{
	if (!u->shared) /* H1 */
		return use.shares + (unit_others(u) > 0 ? 1u : 0u) <= 1;
	return beds_hold(unit_beds(u), 0u + use.adults + u->other_adults, /* H2 */
	    0u + use.children + u->other_children, 0u + use.babies + u->other_babies);
}

bool
house_is_sound(const struct house *h, const struct shelter *s, int64_t now)
{
	if (h->unit_count > LIMIT_UNITS || h->allocation_count > LIMIT_ALLOCATIONS)
		return false;
	if (booked_persons(h, now) > s->licensed_capacity) /* H3 */
		return false;
	/*@ loop invariant 0 <= i <= h->unit_count;
	    loop invariant \forall integer j; 0 <= j < i && !h->units[j].shared ==>
	      shares_in(h, j, now, h->allocation_count) <= 1 &&
	      (shares_in(h, j, now, h->allocation_count) == 0 || others(&h->units[j]) == 0);
	    loop invariant \forall integer j; 0 <= j < i && h->units[j].shared ==>
	      within_beds(&h->units[j], adults_in(h, j, now, h->allocation_count),
		children_in(h, j, now, h->allocation_count), babies_in(h, j, now, h->allocation_count));
	    loop assigns i;
	    loop variant h->unit_count - i;
	*/
	for (unsigned i = 0; i < h->unit_count; i++) {
		if (!is_unit_sound(&h->units[i], use_of(h, i, now)))
			return false;
	}
	return true;
}
