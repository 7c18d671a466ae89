/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A house as the rules see it: its admission rules (struct shelter) and its units with what is taken in them
 * (struct house, the capacity record that every booking of the house reads and writes, so two bookings of one
 * house can never pass each other).
 *
 * Invariants (tests/unit/domain/test_house.c guards each):
 *  H1 a private unit serves at most one household: one live allocation, or other persons, never both;
 *  H2 persons in a shared unit never exceed its beds, by kind of bed;
 *  H3 persons in the house never exceed the licensed capacity through a booking;
 *  H4 an allocation without an expiry frees nothing by itself, however late its stay is (overstay never
 * frees); H5 an allocation whose expiry has passed counts as free at once, before any timer has removed it.
 */
#ifndef MENEDEK_HOUSE_H
#define MENEDEK_HOUSE_H

#include "base/id.h"
#include "domain/beds.h"
#include "domain/household.h"

struct admission {
	bool women_alone;    /* women without children */
	bool men, fathers;   /* men alone; families with a father */
	uint8_t boy_max_age; /* years, 17 = all boys */
	uint8_t
	    own_room_boy_age; /* a boy of this age or older needs a second room or flat; 0 = no such rule */
	uint8_t max_children; /* 0 = no limit */
	bool adult_sibling, partner;
	bool pets; /* assistance animals are always admitted */
	bool acute_addiction, acute_psychiatric;
	bool own_county;       /* takes people from its own county */
	bool assessment_first; /* answers "additional assessment" instead of "capacity" */
	bool waitlist;         /* answers "waitlist" when full */
	uint32_t languages;    /* bit per enum language; Hungarian always */
};

struct shelter {
	struct id id;
	struct id org;
	uint8_t type;               /* enum shelter_type */
	uint8_t county;             /* enum county */
	char code_name[LIMIT_NAME]; /* "Nyugat 2": the only name that leaves the house */
	uint16_t licensed_capacity; /* férőhely, persons */
	bool is_open;               /* takes new households */
	bool retired;
	bool is_sample; /* invented data: the console shows DEMO */
	struct admission admission;
	int64_t created_at;
};

struct unit {
	struct id id;
	char name[32]; /* "1. szoba" */
	uint8_t adult_beds, child_beds, cots;
	bool shared; /* takes several households */
	bool step_free;
	bool own_rooms; /* a flat: has a second room for a big boy */
	bool retired;
	uint8_t join_group; /* units with the same non-zero group may serve one household together */
	bool out_of_use;
	uint8_t other_adults, other_children, other_babies; /* persons there who came another way */
	int64_t confirmed_at; /* when staff last said that this is so; 0 = never */
	uint32_t version;     /* grows with each change of the unit; the ETag */
};

struct allocation {
	struct id reservation;
	uint64_t units; /* bit per index in units[] */
	uint8_t adults, children, babies;
	int64_t expires_at; /* 0 = does not expire (H4) */
};

struct house {
	struct id shelter;
	uint8_t unit_count;
	struct unit units[LIMIT_UNITS];
	uint8_t allocation_count;
	struct allocation allocations[LIMIT_ALLOCATIONS];
};

/** What staff say of one unit. */
struct unit_report {
	uint8_t state;       /* UNIT_FREE, UNIT_OCCUPIED, UNIT_PARTLY or UNIT_OUT_OF_USE */
	uint8_t free_places; /* for UNIT_PARTLY of a shared unit: places that can still be given */
};

/** Bit of unit ${i} in a set of units. */
#define UNIT_BIT(i) (UINT64_C(1) << (i))

/** Most units that may share a join_group: the choice tries all subsets of them. */
#define JOIN_GROUP_UNITS 8u

/** What live allocations take of one unit. */
struct unit_use {
	uint16_t adults, children, babies; /* of joined units each has the whole household */
	uint8_t shares;                    /* live allocations that touch it */
	bool is_held;                      /* one of them would still run out by itself */
};

/*@ // for `make prove`: who is in a unit, and whether an allocation still counts (H4, H5)
  logic integer others{L}(struct unit *u) = u->other_adults + u->other_children + u->other_babies;
  // of them those who have a bed: beds may have been carried out since staff counted
  logic integer with_bed{L}(struct unit *u) = \min(others(u), u->adult_beds + u->child_beds + u->cots);
  logic integer share{L}(struct allocation *a) = a->adults + a->children + a->babies;
  predicate live{L}(struct allocation *a, integer now) = a->expires_at == 0 || a->expires_at > now;
  // everybody who is booked, or came another way and has a bed, counted over the first n
  logic integer booked{L}(struct house *h, integer now, integer n) = n <= 0 ? 0 :
    booked(h, now, n - 1) + (h->allocations[n - 1].expires_at == 0 || h->allocations[n - 1].expires_at > now ?
      share(&h->allocations[n - 1]) : 0);
  logic integer came{L}(struct house *h, integer n) = n <= 0 ? 0 :
    came(h, n - 1) + (h->units[n - 1].retired ? 0 : with_bed(&h->units[n - 1]));
  // what the first n allocations take of unit i
  logic integer takes{L}(struct allocation *a, integer i, integer now) =
    (a->expires_at == 0 || a->expires_at > now) && (a->units & (uint64_t)(1 << i)) != 0 ? 1 : 0;
  logic integer shares_in{L}(struct house *h, integer i, integer now, integer n) = n <= 0 ? 0 :
    shares_in(h, i, now, n - 1) + takes(&h->allocations[n - 1], i, now);
  logic integer adults_in{L}(struct house *h, integer i, integer now, integer n) = n <= 0 ? 0 :
    adults_in(h, i, now, n - 1) + (takes(&h->allocations[n - 1], i, now) == 1 ? h->allocations[n - 1].adults :
  0); logic integer children_in{L}(struct house *h, integer i, integer now, integer n) = n <= 0 ? 0 :
    children_in(h, i, now, n - 1) + (takes(&h->allocations[n - 1], i, now) == 1 ? h->allocations[n -
  1].children : 0); logic integer babies_in{L}(struct house *h, integer i, integer now, integer n) = n <= 0 ?
  0 : babies_in(h, i, now, n - 1) + (takes(&h->allocations[n - 1], i, now) == 1 ? h->allocations[n - 1].babies
  : 0);
  // H2: never more than its beds, with these in it beside the others
  predicate within_beds{L}(struct unit *u, integer adults, integer children, integer babies) =
    babies + u->other_babies <= u->cots && adults + u->other_adults <= u->adult_beds &&
    adults + u->other_adults + children + u->other_children <= u->adult_beds + u->child_beds;
  predicate in_bounds{L}(struct house *h) =
    h->unit_count <= LIMIT_UNITS && h->allocation_count <= LIMIT_ALLOCATIONS;
  predicate keeps_h1{L}(struct house *h, integer i, integer now) = !h->units[i].shared ==>
    shares_in(h, i, now, h->allocation_count) <= 1 &&
    (shares_in(h, i, now, h->allocation_count) == 0 || others(&h->units[i]) == 0);
  predicate keeps_h2{L}(struct house *h, integer i, integer now) = h->units[i].shared ==>
    within_beds(&h->units[i], adults_in(h, i, now, h->allocation_count),
      children_in(h, i, now, h->allocation_count), babies_in(h, i, now, h->allocation_count));
  // H1 to H3
  predicate sound{L}(struct house *h, struct shelter *s, integer now) = in_bounds(h) &&
    booked(h, now, h->allocation_count) <= s->licensed_capacity &&
    \forall integer i; 0 <= i < h->unit_count ==> keeps_h1(h, i, now) && keeps_h2(h, i, now);
  // what the first n take at L1 is what the first m take at L2
  predicate same_sums{L1, L2}(struct house *h, integer now, integer n, integer m) =
    booked{L1}(h, now, n) == booked{L2}(h, now, m) &&
    \forall integer i; 0 <= i < LIMIT_UNITS ==>
      shares_in{L1}(h, i, now, n) == shares_in{L2}(h, i, now, m) &&
      adults_in{L1}(h, i, now, n) == adults_in{L2}(h, i, now, m) &&
      children_in{L1}(h, i, now, n) == children_in{L2}(h, i, now, m) &&
      babies_in{L1}(h, i, now, n) == babies_in{L2}(h, i, now, m);
*/

/*@ requires \valid_read(u);
    assigns \nothing;
    ensures \result == u->adult_beds + u->child_beds + u->cots;
*/
unsigned unit_places(const struct unit *u); /* adult + child beds + cots */

/** What can still be given of ${u}: of a private unit all or nothing, of one out of use or retired nothing.
 */
/*@ requires \valid_read(u) && \valid_read(use);
    assigns \nothing;
    ensures few_beds(\result);
    ensures \result.adult <= u->adult_beds && \result.child <= u->child_beds && \result.cots <= u->cots;
    // H1: of a private unit all or nothing
    ensures !u->shared && (use->shares > 0 || others(u) > 0) ==>
      \result.adult == 0 && \result.child == 0 && \result.cots == 0;
    ensures u->out_of_use || u->retired ==> \result.adult == 0 && \result.child == 0 && \result.cots == 0;
    // H2: who fits what is left fits beside those who are there
    ensures u->shared ==> \forall integer a, c, y; 0 <= a && 0 <= c && 0 <= y &&
      within_beds(u, use->adults, use->children, use->babies) && hold(\result, a, c, y) ==>
      within_beds(u, use->adults + a, use->children + c, use->babies + y);
*/
struct beds unit_beds_left(const struct unit *u, const struct unit_use *use);

/** What live allocations take of every unit at ${now}. */
void house_use(const struct house *h, int64_t now, struct unit_use use[LIMIT_UNITS]);

/** May ${units} serve one household: one unit, or up to LIMIT_JOINED private ones of one join group? */
bool house_can_join(const struct house *h, uint64_t units);

/** State and free places of unit ${i} at ${now}, as people see it. */
enum unit_state house_unit_state(const struct house *h, unsigned i, int64_t now);
unsigned house_unit_free_places(const struct house *h, unsigned i, int64_t now);

/**
 * Persons in the house at ${now}: live allocations and others.  Of a private unit that has fewer beds than
 * when staff counted the others, as many as it has beds: the licence is not used up by who has none.
 */
/*@ requires \valid_read(h) && h->unit_count <= LIMIT_UNITS && h->allocation_count <= LIMIT_ALLOCATIONS;
    assigns \nothing;
    ensures \result == booked(h, now, h->allocation_count) + came(h, h->unit_count); // H3 counts by it
*/
unsigned house_persons(const struct house *h, int64_t now);

/** Index of the unit ${id}, or -1. */
int house_find_unit(const struct house *h, const struct id *id);
int house_find_allocation(const struct house *h, const struct id *reservation);

/**
 * Apply a report: RC_OK, or RC_STATE_CONFLICT (a reservation is live there: free what staff cannot free), or
 * RC_INVALID (more places than beds, a state that staff cannot report), RC_NOT_FOUND (no such unit or
 * retired). Stamps confirmed_at and version.  Of a private unit it is all or nothing.  Nobody tells us who
 * the others in a shared unit are, so they are put into adult beds first, child beds and cots last: we never
 * promise an adult bed that is not there.
 */
MUST_USE enum rc house_report(
    struct house *h, unsigned i, const struct unit_report *r, int64_t now, struct fault *f);

/** "Still true": stamp all units that are not retired. */
void house_confirm_all(struct house *h, int64_t now);

/** Take ${a}'s share: RC_OK or RC_NO_PLACE_LEFT if any invariant would break; drops expired allocations
 * first. */
MUST_USE enum rc house_take(
    struct house *h, const struct shelter *s, const struct allocation *a, int64_t now);

/** Release the share of ${reservation}; false if it had none. */
bool house_release(struct house *h, const struct id *reservation) /*@ ghost (int64_t now) */;

/** Change the expiry of the share of ${reservation}; false if it has none or it has run out by ${now}. */
bool house_set_expiry(struct house *h, const struct id *reservation, int64_t expires_at, int64_t now);

/**
 * The invariants H1 to H3 (of H3 what bookings take: staff may have reported more people than the licence
 * allows); for tests, `menedek check` and debug builds.
 */
/*@ requires \valid_read(h) && \valid_read(s);
    assigns \nothing;
    ensures \result ==> h->unit_count <= LIMIT_UNITS && h->allocation_count <= LIMIT_ALLOCATIONS;
    // H1: of a private unit one household, or others, never both
    ensures \result ==> \forall integer i; 0 <= i < h->unit_count && !h->units[i].shared ==>
      shares_in(h, i, now, h->allocation_count) <= 1 &&
      (shares_in(h, i, now, h->allocation_count) == 0 || others(&h->units[i]) == 0);
    // H2: in a shared unit a bed of the right kind for each who is in it
    ensures \result ==> \forall integer i; 0 <= i < h->unit_count && h->units[i].shared ==>
      within_beds(&h->units[i], adults_in(h, i, now, h->allocation_count),
	children_in(h, i, now, h->allocation_count), babies_in(h, i, now, h->allocation_count));
    ensures \result ==> booked(h, now, h->allocation_count) <= s->licensed_capacity; // H3
*/
bool house_is_sound(const struct house *h, const struct shelter *s, int64_t now);

#endif
