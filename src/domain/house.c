/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is taken in a house and what may be taken: the invariants H1 to H5 of house.h.  Every way in (a
 * booking, a report of the staff) first drops the allocations that have run out, so that a clock that is set
 * back cannot bring one to life again beside its successor.  Does not know who fits: that is fit.c.
 */
#include "domain/house.h"

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

static unsigned
unit_others(const struct unit *u)
{
	return 0u + u->other_adults + u->other_children + u->other_babies;
}

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

/* H4 and H5: without an expiry for ever, with one until that second. */
static bool
is_live(const struct allocation *a, int64_t now)
{
	return a->expires_at == 0 || a->expires_at > now;
}

static bool
is_one_unit(uint64_t units)
{
	return units != 0 && (units & (units - 1)) == 0;
}

static unsigned
share_persons(const struct allocation *a)
{
	return 0u + a->adults + a->children + a->babies;
}

static void
add_share(struct unit_use *use, const struct allocation *a)
{
	use->shares++;
	use->is_held = use->is_held || a->expires_at != 0;
	use->adults = (uint16_t)(use->adults + a->adults);
	use->children = (uint16_t)(use->children + a->children);
	use->babies = (uint16_t)(use->babies + a->babies);
}

void
house_use(const struct house *h, int64_t now, struct unit_use use[LIMIT_UNITS])
{
	for (unsigned i = 0; i < h->unit_count; i++)
		use[i] = (struct unit_use){ 0 };
	for (unsigned k = 0; k < h->allocation_count; k++) {
		const struct allocation *a = &h->allocations[k];

		if (!is_live(a, now))
			continue;
		for (unsigned i = 0; i < h->unit_count && a->units >> i != 0; i++) {
			if ((a->units & UNIT_BIT(i)) != 0)
				add_share(&use[i], a);
		}
	}
}

enum unit_state
house_unit_state(const struct house *h, unsigned i, int64_t now)
{
	struct unit_use use[LIMIT_UNITS];
	const struct unit *u = &h->units[i];
	unsigned left;

	if (u->out_of_use || u->retired)
		return UNIT_OUT_OF_USE;
	house_use(h, now, use);
	left = beds_count(unit_beds_left(u, &use[i]));
	if (use[i].shares == 0 && unit_others(u) == 0)
		return UNIT_FREE;
	if (left > 0)
		return UNIT_PARTLY;
	return use[i].is_held ? UNIT_HELD : UNIT_OCCUPIED;
}

unsigned
house_unit_free_places(const struct house *h, unsigned i, int64_t now)
{
	struct unit_use use[LIMIT_UNITS];

	house_use(h, now, use);
	return beds_count(unit_beds_left(&h->units[i], &use[i]));
}

static unsigned
booked_persons(const struct house *h, int64_t now)
{
	unsigned persons = 0;

	for (unsigned k = 0; k < h->allocation_count; k++) {
		if (is_live(&h->allocations[k], now))
			persons += share_persons(&h->allocations[k]);
	}
	return persons;
}

unsigned
house_persons(const struct house *h, int64_t now)
{
	unsigned persons = booked_persons(h, now);

	for (unsigned i = 0; i < h->unit_count; i++) {
		if (!h->units[i].retired)
			persons += unit_others(&h->units[i]);
	}
	return persons;
}

int
house_find_unit(const struct house *h, const struct id *id)
{
	for (unsigned i = 0; i < h->unit_count; i++) {
		if (id_equal(&h->units[i].id, id))
			return (int)i;
	}
	return -1;
}

int
house_find_allocation(const struct house *h, const struct id *reservation)
{
	for (unsigned k = 0; k < h->allocation_count; k++) {
		if (id_equal(&h->allocations[k].reservation, reservation))
			return (int)k;
	}
	return -1;
}

static void
touch_units(struct house *h, uint64_t units)
{
	for (unsigned i = 0; i < h->unit_count; i++) {
		if ((units & UNIT_BIT(i)) != 0)
			h->units[i].version++;
	}
}

static void
remove_allocation(struct house *h, unsigned k)
{
	touch_units(h, h->allocations[k].units);
	h->allocation_count--;
	h->allocations[k] = h->allocations[h->allocation_count];
	h->allocations[h->allocation_count] = (struct allocation){ 0 };
}

static void
drop_expired(struct house *h, int64_t now)
{
	for (unsigned k = h->allocation_count; k-- > 0;) {
		if (!is_live(&h->allocations[k], now))
			remove_allocation(h, k);
	}
}

bool
house_can_join(const struct house *h, uint64_t units)
{
	unsigned group = 0, count = 0;

	if (units == 0 || (h->unit_count < LIMIT_UNITS && units >> h->unit_count != 0))
		return false;
	if (is_one_unit(units))
		return true;
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

/* H1 and H2: what is left of its units holds the share. */
static bool
is_room_for(const struct house *h, const struct allocation *a, int64_t now)
{
	struct unit_use use[LIMIT_UNITS];
	struct beds sum = { 0, 0, 0 };

	house_use(h, now, use);
	for (unsigned i = 0; i < h->unit_count; i++) {
		struct beds left;

		if ((a->units & UNIT_BIT(i)) == 0)
			continue;
		left = unit_beds_left(&h->units[i], &use[i]);
		if (beds_count(left) == 0)
			return false;
		sum = beds_add(sum, left);
	}
	return beds_hold(sum, a->adults, a->children, a->babies);
}

enum rc
house_take(struct house *h, const struct shelter *s, const struct allocation *a, int64_t now)
{
	unsigned persons = share_persons(a);

	drop_expired(h, now);
	if (persons == 0 || !is_live(a, now) || h->allocation_count >= LIMIT_ALLOCATIONS)
		return RC_NO_PLACE_LEFT;
	if (house_find_allocation(h, &a->reservation) >= 0 || !house_can_join(h, a->units))
		return RC_NO_PLACE_LEFT;
	if (house_persons(h, now) + persons > s->licensed_capacity) /* H3 */
		return RC_NO_PLACE_LEFT;
	if (!is_room_for(h, a, now))
		return RC_NO_PLACE_LEFT;
	h->allocations[h->allocation_count++] = *a;
	touch_units(h, a->units);
	return RC_OK;
}

bool
house_release(struct house *h, const struct id *reservation)
{
	int k = house_find_allocation(h, reservation);

	if (k < 0)
		return false;
	remove_allocation(h, (unsigned)k);
	return true;
}

bool
house_set_expiry(struct house *h, const struct id *reservation, int64_t expires_at, int64_t now)
{
	int k = house_find_allocation(h, reservation);

	if (k < 0 || !is_live(&h->allocations[k], now))
		return false;
	if (h->allocations[k].expires_at == expires_at)
		return true;
	h->allocations[k].expires_at = expires_at;
	touch_units(h, h->allocations[k].units);
	return true;
}

/* Staff fill what is left so that ${want} places stay free; adult beds first (see house.h). */
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
	drop_expired(h, now);
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

static bool
is_unit_sound(const struct unit *u, const struct unit_use *use)
{
	if (!u->shared) /* H1 */
		return use->shares + (unit_others(u) > 0 ? 1u : 0u) <= 1;
	return beds_hold(unit_beds(u), 0u + use->adults + u->other_adults, /* H2 */
	    0u + use->children + u->other_children, 0u + use->babies + u->other_babies);
}

bool
house_is_sound(const struct house *h, const struct shelter *s, int64_t now)
{
	struct unit_use use[LIMIT_UNITS];

	if (h->unit_count > LIMIT_UNITS || h->allocation_count > LIMIT_ALLOCATIONS)
		return false;
	if (booked_persons(h, now) > s->licensed_capacity) /* H3 */
		return false;
	house_use(h, now, use);
	for (unsigned i = 0; i < h->unit_count; i++) {
		if (!is_unit_sound(&h->units[i], &use[i]))
			return false;
	}
	return true;
}
