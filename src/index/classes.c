/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group is a class as the writer knows it, a pile is a chunk.  Of the piles of one group and step at most
 * one is not full: a house that leaves is replaced by the last one of that pile, so a batch copies few
 * chunks.  What readers have seen is copied before it is changed, what this batch made is not.
 */
#include "index/classes.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS     4096u
#define SEATS_FIRST 256u

/* What readers see of a pile and of a group. */
struct chunk {
	struct limbo limbo;
	struct index_house houses[INDEX_CHUNK];
};

struct row {
	struct limbo limbo;
	struct index_class class;
	struct shelter rules;
	uint32_t cap;
	struct index_chunk chunks[];
};

struct group;

struct pile {
	struct group *group;
	struct chunk *chunk;
	uint32_t at; /* in the row */
	uint8_t step, count;
	uint32_t members[INDEX_CHUNK]; /* numbers of houses */
};

struct group {
	struct group *next; /* of its bucket */
	uint8_t key[FIT_CLASS_BYTES];
	uint32_t at; /* in the view */
	struct row *row;
	struct pile **piles;            /* as many as chunks, in their order */
	struct pile *open[REACH_STEPS]; /* not full, or NULL */
	uint32_t cap;
};

struct seat {
	struct pile *pile; /* NULL: not shown */
	uint8_t at;
};

struct classes {
	struct epochs *epochs;
	struct group *buckets[BUCKETS];
	struct group **groups;
	uint32_t group_count, group_cap;
	struct seat *seats; /* by number of house */
	uint32_t seat_cap;
	uint32_t count, sample_count;
};

/* ---- memory ---- */

/* As epochs_alloc: an index that is behind is worse than a restart. */
static void *
must_grow(void *p, size_t old, size_t count, size_t size)
{
	void *grown = calloc(count, size);

	if (!grown)
		abort();
	if (old > 0)
		memcpy(grown, p, old * size);
	free(p);
	return grown;
}

struct classes *
classes_new(struct epochs *epochs)
{
	struct classes *c = calloc(1, sizeof(*c));

	if (c)
		c->epochs = epochs;
	return c;
}

static void
free_group(struct group *g)
{
	for (uint32_t i = 0; i < g->row->class.chunk_count; i++) {
		free(g->piles[i]->chunk);
		free(g->piles[i]);
	}
	free(g->row);
	free(g->piles);
	free(g);
}

void
classes_free(struct classes *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->group_count; i++)
		free_group(c->groups[i]);
	free(c->groups);
	free(c->seats);
	free(c);
}

/* ---- what may be changed ---- */

static size_t
row_size(uint32_t cap)
{
	return sizeof(struct row) + cap * sizeof(struct index_chunk);
}

/* The row of ${g}, unseen by readers, with room for ${cap} chunks at least. */
static struct row *
open_row(struct classes *c, struct group *g, uint32_t cap)
{
	struct row *old = g->row, *row;

	if (old && cap < old->cap)
		cap = old->cap;
	if (old && cap == old->cap && epochs_is_own(c->epochs, &old->limbo))
		return old;
	row = epochs_alloc(c->epochs, row_size(cap));
	row->cap = cap;
	if (old) {
		row->class = old->class;
		row->rules = old->rules;
		memcpy(row->chunks, old->chunks, old->class.chunk_count * sizeof(*row->chunks));
		epochs_retire(c->epochs, &old->limbo);
	}
	row->class.rules = &row->rules;
	row->class.chunks = row->chunks;
	return g->row = row;
}

/* The chunk of ${p}, unseen by readers; the row is open. */
static struct chunk *
open_chunk(struct classes *c, struct pile *p)
{
	struct chunk *old = p->chunk, *chunk;

	if (old && epochs_is_own(c->epochs, &old->limbo))
		return old;
	chunk = epochs_alloc(c->epochs, sizeof(*chunk));
	if (old) {
		memcpy(chunk->houses, old->houses, p->count * sizeof(*chunk->houses));
		epochs_retire(c->epochs, &old->limbo);
	}
	return p->chunk = chunk;
}

/* Tell the open row what its chunk is now. */
static void
tell_row(struct pile *p)
{
	struct index_chunk *told = &p->group->row->chunks[p->at];

	*told = (struct index_chunk){ .houses = p->chunk->houses, .count = p->count };
	for (unsigned i = 0; i < p->count; i++)
		reach_join(&told->most, &p->chunk->houses[i].reach);
}

/* ---- groups ---- */

static struct group **
bucket_of(struct classes *c, const uint8_t key[FIT_CLASS_BYTES])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a; who knows the houses' rules gains nothing */

	for (unsigned i = 0; i < FIT_CLASS_BYTES; i++)
		hash = (hash ^ key[i]) * UINT64_C(0x100000001b3);
	return &c->buckets[(hash ^ hash >> 32) % BUCKETS];
}

static struct group *
new_group(struct classes *c, struct group **bucket, const uint8_t key[FIT_CLASS_BYTES])
{
	struct group *g = must_grow(NULL, 0, 1, sizeof(*g));

	g->cap = 1;
	g->piles = must_grow(NULL, 0, g->cap, sizeof(struct pile *));
	memcpy(g->key, key, sizeof(g->key));
	g->next = *bucket;
	*bucket = g;
	if (c->group_count == c->group_cap) {
		const uint32_t cap = c->group_cap ? 2 * c->group_cap : 64;
		c->groups = must_grow(c->groups, c->group_cap, cap, sizeof(struct group *));
		c->group_cap = cap;
	}
	g->at = c->group_count++;
	return c->groups[g->at] = g;
}

static struct group *
group_of(struct classes *c, const struct shelter *s)
{
	uint8_t key[FIT_CLASS_BYTES];
	struct group **bucket, *g;
	struct row *row;

	fit_class(s, key);
	bucket = bucket_of(c, key);
	for (g = *bucket; g; g = g->next)
		if (memcmp(g->key, key, sizeof(key)) == 0)
			return g;
	g = new_group(c, bucket, key);
	row = open_row(c, g, g->cap);
	row->rules = *s;
	return g;
}

/* A group without a house is no class. */
static void
drop_group(struct classes *c, struct group *g)
{
	struct group **link = bucket_of(c, g->key), *last = c->groups[--c->group_count];

	while (*link != g)
		link = &(*link)->next;
	*link = g->next;
	c->groups[g->at] = last;
	last->at = g->at;
	epochs_retire(c->epochs, &g->row->limbo);
	free(g->piles);
	free(g);
}

/* ---- piles ---- */

static struct pile *
new_pile(struct classes *c, struct group *g, unsigned step)
{
	const uint32_t count = g->row->class.chunk_count;
	struct pile *p = must_grow(NULL, 0, 1, sizeof(*p));

	if (count == g->cap) {
		const uint32_t cap = 2 * g->cap;
		g->piles = must_grow(g->piles, g->cap, cap, sizeof(struct pile *));
		g->cap = cap;
		open_row(c, g, cap);
	}
	*p = (struct pile){ .group = g, .at = count, .step = (uint8_t)step };
	g->row->class.chunk_count = count + 1;
	return g->open[step] = g->piles[count] = p;
}

static void
drop_pile(struct classes *c, struct pile *p)
{
	struct group *g = p->group;
	struct row *row = g->row;
	struct pile *last = g->piles[--row->class.chunk_count];

	if (g->open[p->step] == p)
		g->open[p->step] = NULL;
	g->piles[p->at] = last;
	row->chunks[p->at] = row->chunks[last->at];
	last->at = p->at;
	epochs_retire(c->epochs, &p->chunk->limbo);
	free(p);
}

static void
sit(struct classes *c, struct pile *p, uint32_t n, const struct index_house *house)
{
	struct chunk *chunk = open_chunk(c, p);

	chunk->houses[p->count] = *house;
	p->members[p->count] = n;
	c->seats[n] = (struct seat){ p, p->count };
	p->count++;
	if (p->count == INDEX_CHUNK)
		p->group->open[p->step] = NULL;
	tell_row(p);
}

/* Take the last house out of ${p}, and ${p} away when it was the only one. */
static void
drop_last(struct classes *c, struct pile *p)
{
	struct chunk *chunk = open_chunk(c, p);

	chunk->houses[--p->count] = (struct index_house){ 0 };
	p->group->open[p->step] = p;
	if (p->count == 0)
		drop_pile(c, p);
	else
		tell_row(p);
}

/* ---- houses ---- */

static void
add(struct classes *c, uint32_t n, const struct index_house *house, struct group *g)
{
	const unsigned step = reach_step(&house->reach);

	(void)open_row(c, g, 0);
	sit(c, g->open[step] ? g->open[step] : new_pile(c, g, step), n, house);
	g->row->class.count++;
	c->count++;
	c->sample_count += house->entry->shelter.is_sample;
}

/* The same class and step: only its place is written anew. */
static void
replace(struct classes *c, const struct seat *seat, const struct index_house *house)
{
	struct pile *p = seat->pile;
	const struct index_house *old = &p->chunk->houses[seat->at];

	c->sample_count -= old->entry->shelter.is_sample;
	c->sample_count += house->entry->shelter.is_sample;
	(void)open_row(c, p->group, 0);
	open_chunk(c, p)->houses[seat->at] = *house;
	tell_row(p);
}

/* Leave house ${n} out; the group that it stood in, perhaps empty now, or NULL. */
static struct group *
take_out(struct classes *c, uint32_t n)
{
	const struct seat seat = n < c->seat_cap ? c->seats[n] : (struct seat){ 0 };
	struct pile *from;
	struct group *g;
	uint32_t last;

	if (!seat.pile)
		return NULL;
	g = seat.pile->group;
	c->sample_count -= seat.pile->chunk->houses[seat.at].entry->shelter.is_sample;
	c->count--;
	open_row(c, g, 0)->class.count--;
	c->seats[n].pile = NULL;
	from = g->open[seat.pile->step] ? g->open[seat.pile->step] : seat.pile;
	last = from->members[from->count - 1];
	if (last != n) {
		open_chunk(c, seat.pile)->houses[seat.at] = from->chunk->houses[from->count - 1];
		seat.pile->members[seat.at] = last;
		c->seats[last] = seat;
		tell_row(seat.pile);
	}
	drop_last(c, from);
	return g;
}

void
classes_remove(struct classes *c, uint32_t n)
{
	struct group *g = take_out(c, n);

	if (g && g->row->class.count == 0)
		drop_group(c, g);
}

static void
reserve_seat(struct classes *c, uint32_t n)
{
	uint32_t cap = c->seat_cap ? c->seat_cap : SEATS_FIRST;

	if (n < c->seat_cap)
		return;
	while (cap <= n)
		cap *= 2;
	c->seats = must_grow(c->seats, c->seat_cap, cap, sizeof(*c->seats));
	c->seat_cap = cap;
}

void
classes_put(struct classes *c, uint32_t n, const struct index_entry *entry, const struct house *h)
{
	struct index_house house = { .entry = entry };
	struct group *g, *old;
	struct seat *seat;

	reserve_seat(c, n);
	reach_of_house(&entry->shelter, h, &house.reach);
	g = group_of(c, &entry->shelter);
	seat = &c->seats[n];
	if (seat->pile && seat->pile->group == g && seat->pile->step == reach_step(&house.reach)) {
		replace(c, seat, &house);
		return;
	}
	old = take_out(c, n);
	add(c, n, &house, g);
	if (old && old->row->class.count == 0)
		drop_group(c, old);
}

/* ---- the view ---- */

struct shown *
classes_show(struct classes *c)
{
	struct shown *s =
	    epochs_alloc(c->epochs, sizeof(*s) + c->group_count * sizeof(const struct index_class *));

	for (uint32_t i = 0; i < c->group_count; i++)
		s->classes[i] = &c->groups[i]->row->class;
	s->view = (struct index_view){ .count = c->count,
		.class_count = c->group_count,
		.classes = s->classes,
		.is_demo = c->sample_count > 0 };
	return s;
}
