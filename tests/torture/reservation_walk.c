/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that can happen to three households and two rooms, walked state by state over the domain's own tables:
 * every event of every actor at every moment, time passing, the sweep late or never, a crash before any
 * commit.  No room twice, none lost.  With "torn" a crash may leave half a commit: that must be found out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/reservation.h"

#define ROOMS      2u
#define HOUSEHOLDS 3u
#define MOST       (1u << 22)

/* What a store keeps of it, in few bytes, so that states can be compared. */
struct state {
	int8_t now;
	struct kept {
		int8_t exists, state, room, expires, renewed, disclosures, until;
		int8_t share_room, share_expires; /* the house's side; room -1: no share */
	} kept[HOUSEHOLDS];
};

/* in moments: a hold 1, a request 2, told once within 2 */
static const struct booking_rules rules = { 1, 2, 2, 1, { 1, 2, 3 } };
static const struct shelter shelter = { .licensed_capacity = 4, .is_open = true };
static struct state *states;
static uint32_t *table; /* open addressing: 1 + index of a state */
static unsigned count;
static unsigned long transitions;
static bool is_torn;
static int end = 3; /* the last moment */

static struct id
id_of(unsigned i)
{
	struct id id = { { 0 } };

	id.b[0] = (uint8_t)(i + 1);
	return id;
}

static void
fail(const struct state *s, const char *what)
{
	printf("FOUND %s at %d:", what, s->now);
	for (unsigned i = 0; i < HOUSEHOLDS; i++)
		printf(" [state %d room %d until %d, share %d until %d]",
		    s->kept[i].exists ? s->kept[i].state : -1, s->kept[i].room, s->kept[i].expires,
		    s->kept[i].share_room, s->kept[i].share_expires);
	printf("\n%u states\n", count);
	exit(1);
}

/* ---- between the few bytes and the domain's structs; moments are shifted by 1, since 0 means none ---- */

static void
unpack(const struct state *s, struct house *h, struct reservation r[HOUSEHOLDS])
{
	memset(h, 0, sizeof(*h));
	memset(r, 0, HOUSEHOLDS * sizeof(*r));
	h->unit_count = ROOMS;
	for (unsigned i = 0; i < ROOMS; i++)
		h->units[i] = (struct unit){ .adult_beds = 1, .confirmed_at = 1 };
	for (unsigned i = 0; i < HOUSEHOLDS; i++) {
		const struct kept *k = &s->kept[i];

		if (k->exists)
			r[i] = (struct reservation){ .id = id_of(i),
				.state = (uint8_t)k->state,
				.units = UNIT_BIT(k->room),
				.adults = 1,
				.expires_at = k->expires,
				.renewed = k->renewed,
				.disclosures = (uint8_t)k->disclosures,
				.disclose_until = k->until };
		if (k->share_room >= 0)
			h->allocations[h->allocation_count++] = (struct allocation){ .reservation = id_of(i),
				.units = UNIT_BIT(k->share_room),
				.adults = 1,
				.expires_at = k->share_expires };
	}
}

static void
pack_house(struct state *s, const struct house *h)
{
	for (unsigned i = 0; i < HOUSEHOLDS; i++) {
		const struct id id = id_of(i);
		const int at = house_find_allocation(h, &id);

		s->kept[i].share_room = (int8_t)(at < 0 ? -1 : h->allocations[at].units == UNIT_BIT(1));
		s->kept[i].share_expires = (int8_t)(at < 0 ? 0 : h->allocations[at].expires_at);
	}
}

static void
pack_reservation(struct state *s, unsigned i, const struct reservation *r)
{
	struct kept *k = &s->kept[i];

	k->exists = 1;
	k->state = (int8_t)r->state;
	k->room = (int8_t)(r->units == UNIT_BIT(1));
	k->expires = (int8_t)r->expires_at;
	k->renewed = r->renewed;
	k->disclosures = (int8_t)r->disclosures;
	k->until = (int8_t)r->disclose_until;
}

/* ---- what must hold ---- */

static bool
is_live(const struct reservation *r, int64_t now)
{
	return r->units != 0 && reservation_keeps_units((enum reservation_state)r->state) &&
	    !reservation_has_expired(r, now);
}

static void
judge(const struct state *s)
{
	struct reservation r[HOUSEHOLDS];
	struct house h;
	unsigned in_room[ROOMS] = { 0 };

	unpack(s, &h, r);
	if (!house_is_sound(&h, &shelter, s->now))
		fail(s, "a house that breaks its invariants");
	for (unsigned i = 0; i < HOUSEHOLDS; i++) {
		const struct kept *k = &s->kept[i];
		const bool has_share =
		    k->share_room >= 0 && (k->share_expires == 0 || k->share_expires > s->now);

		if (is_live(&r[i], s->now) != has_share || (has_share && k->share_room != k->room))
			fail(s,
			    has_share ? "a room that is lost" : "a household whose room may be given away");
		if (is_live(&r[i], s->now))
			in_room[k->room]++;
	}
	for (unsigned i = 0; i < ROOMS; i++) {
		if (in_room[i] > 1)
			fail(s, "a room with two households");
		if ((house_unit_free_places(&h, i, s->now) > 0) != (in_room[i] == 0))
			fail(s, "a room that stands in another state than it is in");
	}
}

/* The households are alike: which of them is which makes no other state. */
static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct kept));
}

static void
visit(const struct state *given)
{
	struct state sorted = *given;
	const struct state *s = &sorted;
	const uint8_t *p = (const uint8_t *)s;
	uint64_t hash = 1469598103934665603u;

	qsort(sorted.kept, HOUSEHOLDS, sizeof(sorted.kept[0]), compare);
	transitions++;
	for (size_t i = 0; i < sizeof(*s); i++)
		hash = (hash ^ p[i]) * 1099511628211u;
	for (size_t at = (size_t)(hash >> 20) % (2 * MOST);; at = (at + 1) % (2 * MOST)) {
		if (table[at] != 0 && memcmp(&states[table[at] - 1], s, sizeof(*s)) == 0)
			return;
		if (table[at] != 0)
			continue;
		if (count == MOST)
			fail(s, "more states than there is room for");
		states[count] = *s;
		table[at] = ++count;
		break;
	}
	judge(s);
}

/* A commit is whole; torn, a crash leaves one of its two records. */
static void
commit(const struct state *s, unsigned i, const struct reservation *r, const struct house *h)
{
	struct state next = *s;

	if (is_torn) {
		pack_reservation(&next, i, r);
		visit(&next);
		next = *s;
	}
	pack_reservation(&next, i, r);
	pack_house(&next, h);
	visit(&next);
}

/* ---- what can happen ---- */

static void
try_hold(const struct state *s, unsigned i, unsigned room)
{
	struct reservation r[HOUSEHOLDS];
	struct allocation share = { .reservation = id_of(i),
		.units = UNIT_BIT(room),
		.adults = 1,
		.expires_at = s->now + rules.hold };
	struct house h;

	unpack(s, &h, r);
	if (s->kept[i].exists || house_take(&h, &shelter, &share, s->now) != RC_OK)
		return;
	r[i] = (struct reservation){ .id = id_of(i),
		.state = RES_HELD,
		.units = UNIT_BIT(room),
		.adults = 1,
		.expires_at = share.expires_at };
	commit(s, i, &r[i], &h);
}

static void
try_event(const struct state *s, unsigned i, unsigned event, unsigned actor)
{
	struct reservation r[HOUSEHOLDS];
	struct fault f = { 0 };
	struct house h;

	unpack(s, &h, r);
	if (s->kept[i].exists &&
	    reservation_apply(&r[i], &h, (enum reservation_event)event, (enum reservation_actor)actor, s->now,
		&rules, &f) == RC_OK)
		commit(s, i, &r[i], &h);
}

static void
expand(const struct state *s)
{
	struct state later = *s;

	for (unsigned i = 0; i < HOUSEHOLDS; i++) {
		for (unsigned room = 0; room < ROOMS; room++)
			try_hold(s, i, room);
		for (unsigned event = 0; event < RES_EVENTS; event++)
			for (unsigned actor = ACTOR_DESK; actor <= ACTOR_CLOCK; actor++)
				try_event(s, i, event, actor);
	}
	later.now++;
	if (s->now < end)
		visit(&later);
}

int
main(int argc, char **argv)
{
	struct state first = { .now = 1 };

	is_torn = argc > 1 && strcmp(argv[1], "torn") == 0;
	if (argc > 1 && strcmp(argv[1], "long") == 0)
		end = 5;
	states = calloc(MOST, sizeof(*states));
	table = calloc(2 * (size_t)MOST, sizeof(*table));
	if (states == NULL || table == NULL)
		return 2;
	for (unsigned i = 0; i < HOUSEHOLDS; i++)
		first.kept[i].share_room = -1;
	visit(&first);
	for (unsigned i = 0; i < count; i++)
		expand(&states[i]);
	printf("%u states, %lu transitions: no room twice, none lost\n", count, transitions);
	free(states);
	free(table);
	return 0;
}
