/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search of units.h.  Single units are tried one by one, joined ones as all subsets of a join group; both
 * are bounded by LIMIT_UNITS and JOIN_GROUP_UNITS.  When nothing fits, the same search over the empty house
 * with one need after another finds out why.
 */
#include "domain/units.h"

#include "domain/rank.h"

struct needs {
	unsigned adults, children, babies;
	bool second_room, step_free;
};

/* What can be given of every unit: now, or if the house were empty. */
struct supply {
	const struct house *house;
	struct beds left[LIMIT_UNITS];
};

static bool
has_big_boy(const struct household *who, unsigned own_room_age)
{
	if (own_room_age == 0)
		return false;
	for (unsigned i = 0; i < household_children(who); i++) {
		/* of a band we know its last age only: he may be that old */
		if (who->children[i].sex == SEX_MALE &&
		    band_last_age((enum age_band)who->children[i].band) >= own_room_age)
			return true;
	}
	return false;
}

static struct needs
needs_of(const struct household *who, const struct shelter *s)
{
	unsigned babies = household_babies(who);

	return (struct needs){
		.adults = household_adults(who),
		.children = household_persons(who) - household_adults(who) - babies,
		.babies = babies,
		.second_room = has_big_boy(who, s->admission.own_room_boy_age),
		.step_free = who->step_free,
	};
}

static void
supply_now(const struct house *h, int64_t now, struct supply *out)
{
	struct unit_use use[LIMIT_UNITS];

	out->house = h;
	house_use(h, now, use);
	for (unsigned i = 0; i < h->unit_count; i++)
		out->left[i] = unit_beds_left(&h->units[i], &use[i]);
}

/* A unit that is out of use today counts: it is a unit that is taken, not one that is too small. */
static void
supply_empty(const struct house *h, struct supply *out)
{
	out->house = h;
	for (unsigned i = 0; i < h->unit_count; i++) {
		const struct unit *u = &h->units[i];

		out->left[i] = (struct beds){ 0, 0, 0 };
		if (!u->retired)
			out->left[i] = (struct beds){ u->adult_beds, u->child_beds, u->cots };
	}
}

/* Do these units, ${first} the first of them, together serve ${n}?  Then keep them if they are better than
 * what ${best} has. */
static void
consider(const struct supply *from, unsigned first, uint64_t units, const struct needs *n,
    struct unit_choice *best)
{
	struct beds sum = { 0, 0, 0 };
	unsigned persons = n->adults + n->children + n->babies;
	unsigned count = 0, spare;
	bool step_free = false, own_rooms = false;

	for (unsigned i = first; i < from->house->unit_count && units >> i != 0; i++) {
		const struct unit *u = &from->house->units[i];

		if ((units & UNIT_BIT(i)) == 0)
			continue;
		sum = beds_add(sum, from->left[i]);
		step_free = step_free || u->step_free;
		own_rooms = own_rooms || u->own_rooms;
		count++;
	}
	if (!beds_hold(sum, n->adults, n->children, n->babies))
		return;
	if ((n->step_free && !step_free) || (n->second_room && !own_rooms && count < 2))
		return;
	spare = beds_count(sum) - persons;
	if (best->units != 0 && (spare > best->spare || (spare == best->spare && count >= best->count)))
		return;
	best->units = units;
	best->count = count;
	best->spare = spare;
	best->places = beds_count(sum);
}

static bool
is_usable(const struct supply *from, unsigned i)
{
	return beds_count(from->left[i]) > 0;
}

static void
try_single_units(const struct supply *from, bool shared, const struct needs *n, struct unit_choice *best)
{
	for (unsigned i = 0; i < from->house->unit_count; i++) {
		if (from->house->units[i].shared == shared && is_usable(from, i))
			consider(from, i, UNIT_BIT(i), n, best);
	}
}

/* The usable private units of ${group}, at most JOIN_GROUP_UNITS; returns how many. */
static unsigned
group_members(const struct supply *from, unsigned group, uint64_t members[JOIN_GROUP_UNITS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < from->house->unit_count && count < JOIN_GROUP_UNITS; i++) {
		const struct unit *u = &from->house->units[i];

		if (u->join_group == group && !u->shared && is_usable(from, i))
			members[count++] = UNIT_BIT(i);
	}
	return count;
}

static void
try_group(const struct supply *from, unsigned group, const struct needs *n, struct unit_choice *best)
{
	uint64_t members[JOIN_GROUP_UNITS];
	unsigned size = group_members(from, group, members);

	for (unsigned subset = 1; subset < 1u << size; subset++) {
		uint64_t units = 0;
		unsigned count = 0;

		for (unsigned m = 0; m < size; m++) {
			units |= (subset >> m & 1u) != 0 ? members[m] : 0;
			count += subset >> m & 1u;
		}
		if (count >= 2 && count <= LIMIT_JOINED)
			consider(from, 0, units, n, best);
	}
}

static bool
is_first_of_group(const struct house *h, unsigned i)
{
	if (h->units[i].join_group == 0)
		return false;
	for (unsigned k = 0; k < i; k++) {
		if (h->units[k].join_group == h->units[i].join_group)
			return false;
	}
	return true;
}

static bool
find_best(const struct supply *from, const struct needs *n, struct unit_choice *best)
{
	best->units = 0;
	try_single_units(from, false, n, best);
	try_single_units(from, true, n, best);
	if (best->units != 0 && best->spare == 0)
		return true;
	for (unsigned i = 0; i < from->house->unit_count; i++) {
		if (is_first_of_group(from->house, i))
			try_group(from, from->house->units[i].join_group, n, best);
	}
	return best->units != 0;
}

/*
 * Why could even the empty house not take them?  Start with the bare beds, add one need after the other: the
 * first one that cannot be met is the reason.  FIT_ALL_TAKEN when all can be met.
 */
static enum fit_reason
explain_empty(const struct house *h, const struct needs *n)
{
	struct needs some = { .adults = n->adults, .children = n->children };
	struct unit_choice choice = { 0 };
	struct supply empty;

	supply_empty(h, &empty);
	if (find_best(&empty, n, &choice))
		return FIT_ALL_TAKEN;
	if (!find_best(&empty, &some, &choice))
		return FIT_NO_LARGE_UNIT;
	some.babies = n->babies;
	if (!find_best(&empty, &some, &choice))
		return FIT_NO_COT;
	some.second_room = n->second_room;
	if (!find_best(&empty, &some, &choice))
		return FIT_NO_SECOND_ROOM;
	return FIT_NOT_STEP_FREE;
}

/* A room of which nothing is known is the oldest, also one of which a clock said it that was put back since:
 * beside a fresh one it would pass for fresh. */
static int64_t
oldest_confirmation(const struct house *h, uint64_t units, int64_t now)
{
	int64_t oldest = INT64_MAX;

	for (unsigned i = 0; i < h->unit_count; i++) {
		const struct unit *u = &h->units[i];
		const int64_t at = freshness_is_known(u->confirmed_at, now) ? u->confirmed_at : 0;

		if ((units & UNIT_BIT(i)) != 0 && !u->retired && at < oldest)
			oldest = at;
	}
	return oldest == INT64_MAX ? 0 : oldest;
}

void
units_choose(const struct house *h, const struct shelter *s, const struct household *who, int64_t now,
    struct unit_choice *out)
{
	struct needs n = needs_of(who, s);
	unsigned persons = n.adults + n.children + n.babies;
	struct supply supply;
	bool is_found;

	*out = (struct unit_choice){ 0 };
	supply_now(h, now, &supply);
	is_found = find_best(&supply, &n, out);
	if (is_found && house_persons(h, now) + persons <= s->licensed_capacity) { /* H3 */
		out->confirmed_at = oldest_confirmation(h, out->units, now);
		return;
	}
	*out = (struct unit_choice){ .confirmed_at = oldest_confirmation(h, UINT64_MAX, now) };
	out->why = explain_empty(h, &n);
	out->is_only_taken = out->why == FIT_ALL_TAKEN && persons <= s->licensed_capacity;
	if (out->why == FIT_ALL_TAKEN && (is_found || persons > s->licensed_capacity))
		out->why = FIT_LICENSED_FULL;
}
