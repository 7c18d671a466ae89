/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The banded table and its cache.  A unit counts as a chance when somebody could be put there now, for no one
 * in particular.  A cell that changed when one woman arrived would tell whoever looks for her where she is,
 * if he knows when she fled: so secret addresses have one answer in the whole country, made once an hour, and
 * no cell speaks for fewer than three houses.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "domain/veil.h"
#include "service/capacity.h"

#define SHOWN_TYPES (TYPE_FAMILY_HOME + 1u) /* the types after it are off by default (DOMAIN 2) */
#define ROWS        (SHOWN_TYPES * ZONE_COUNT)

#define HOUSES_LEAST 3u /* behind an answer, as behind a cell of the statistics (DOMAIN 5) */

struct capacity_cache {
	pthread_mutex_t lock; /* guards all below */
	int64_t slot, slow_slot;
	struct capacity_row rows[ROWS];
};

enum rc
capacity_cache_new(struct capacity_cache **out)
{
	struct capacity_cache *cache = calloc(1, sizeof(*cache));

	*out = cache;
	if (!cache)
		return RC_UNAVAILABLE;
	pthread_mutex_init(&cache->lock, NULL);
	return RC_OK;
}

void
capacity_cache_free(struct capacity_cache *cache)
{
	if (!cache)
		return;
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

void
capacity_count(const struct shelter *s, const struct house *h, int64_t now, const struct freshness_rule *rule,
    struct chances *out)
{
	bool is_full = house_persons(h, now) >= s->licensed_capacity;
	bool is_sure = !s->admission.assessment_first;
	struct unit_use use[LIMIT_UNITS];

	out->houses++;
	if (!s->is_open || s->retired)
		return;
	house_use(h, now, use);
	for (unsigned i = 0; i < h->unit_count && !is_full; i++) {
		/* no household is without an adult: of a shared room cots alone are no chance */
		if (unit_beds_left(&h->units[i], &use[i]).adult == 0)
			continue;
		enum freshness age = freshness_of(h->units[i].confirmed_at, now, rule);
		if (age == FRESH_NOW && is_sure)
			out->fresh++;
		else
			out->other++;
	}
	if (s->admission.waitlist)
		out->other++;
}

static void
add_to(struct chances *all, const struct chances *part)
{
	all->houses += part->houses;
	all->fresh += part->fresh;
	all->other += part->other;
}

static enum banded
answer_of(const struct chances *zone, const struct chances *country, bool is_secret)
{
	const struct chances *x = is_secret || zone->houses < HOUSES_LEAST ? country : zone;

	if (x->houses > 0 && x->houses < HOUSES_LEAST)
		return BANDED_MAYBE; /* never another answer: it would be about one house */
	return band_answer(x->fresh, x->other);
}

/* The rows of secret addresses, or those of public ones. */
static void
fill(struct ctx *c, bool is_secret, struct capacity_row rows[ROWS])
{
	struct chances zones[SHOWN_TYPES][ZONE_COUNT] = { 0 }, country[SHOWN_TYPES] = { 0 };
	struct index_walk walk = { .view = index_enter(c->parts->index) };
	const struct index_entry *e;
	struct house h;

	while ((e = index_next(&walk)) != NULL) {
		const struct shelter *s = &e->shelter;
		if (s->type >= SHOWN_TYPES)
			continue;
		index_house(e, &h);
		capacity_count(s, &h, c->now, &parts_tuning(c->parts)->freshness,
		    &zones[s->type][county_zone(s->county)]);
	}
	index_leave(c->parts->index);
	for (unsigned i = 0; i < ROWS; i++)
		add_to(&country[i / ZONE_COUNT], &zones[i / ZONE_COUNT][i % ZONE_COUNT]);
	for (unsigned i = 0; i < ROWS; i++) {
		const unsigned type = i / ZONE_COUNT, zone = i % ZONE_COUNT;
		if (veil_hides_address((enum shelter_type)type) != is_secret)
			continue;
		rows[i] = (struct capacity_row){ .type = (uint8_t)type,
			.zone = (uint8_t)zone,
			.answer = (uint8_t)answer_of(&zones[type][zone], &country[type], is_secret) };
	}
}

static void
refresh(struct ctx *c, bool is_secret, int64_t length, int64_t *slot, struct capacity_row rows[ROWS])
{
	const int64_t now = c->now - c->now % length;

	if (*slot == now)
		return;
	fill(c, is_secret, rows);
	*slot = now;
}

enum rc
capacity_read_table(struct ctx *c, struct capacity_cache *cache, struct capacity_reply *out)
{
	struct capacity_row *rows = arena_calloc(c->arena, ROWS, sizeof(*rows));

	if (!rows)
		return RC_UNAVAILABLE;
	pthread_mutex_lock(&cache->lock);
	refresh(c, false, CAPACITY_SLOT, &cache->slot, cache->rows);
	refresh(c, true, CAPACITY_SLOW_SLOT, &cache->slow_slot, cache->rows);
	memcpy(rows, cache->rows, sizeof(cache->rows));
	*out = (struct capacity_reply){ .at = cache->slot, .rows = rows, .count = ROWS };
	pthread_mutex_unlock(&cache->lock);
	return RC_OK;
}
