/* SPDX-License-Identifier: Apache-2.0 */
/* The banded table and its cache.  A unit counts as a chance when somebody could be put there now, for no one
 * in particular. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "domain/rank.h"
#include "service/capacity.h"

#define SHOWN_TYPES (TYPE_FAMILY_HOME + 1u) /* the types after it are off by default (DOMAIN 2) */
#define ROWS        (SHOWN_TYPES * ZONE_COUNT)

struct capacity_cache {
	pthread_mutex_t lock; /* guards all below */
	int64_t slot;
	struct capacity_row rows[ROWS];
};

struct chances {
	unsigned fresh, other;
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

static bool
unit_is_chance(const struct house *h, unsigned i, int64_t now)
{
	enum unit_state state = house_unit_state(h, i, now);

	return !h->units[i].retired && (state == UNIT_FREE || state == UNIT_PARTLY);
}

static void
count_house(struct ctx *c, const struct index_entry *e, struct chances *out)
{
	const struct shelter *s = &e->shelter;
	bool is_full = house_persons(&e->house, c->now) >= s->licensed_capacity;
	bool is_sure = !s->admission.assessment_first;

	if (!s->is_open || s->retired)
		return;
	for (unsigned i = 0; i < e->house.unit_count && !is_full; i++) {
		if (!unit_is_chance(&e->house, i, c->now))
			continue;
		enum freshness age =
		    freshness_of(e->house.units[i].confirmed_at, c->now, &c->parts->freshness);
		if (age == FRESH_NOW && is_sure)
			out->fresh++;
		else
			out->other++;
	}
	if (s->admission.waitlist)
		out->other++;
}

static void
fill(struct ctx *c, struct capacity_row rows[ROWS])
{
	struct chances chances[SHOWN_TYPES][ZONE_COUNT] = { 0 };
	const struct index_view *view = index_enter(c->parts->index);

	for (unsigned i = 0; i < view->count; i++) {
		const struct index_entry *e = view->entries[i];
		if (e->shelter.type < SHOWN_TYPES)
			count_house(c, e, &chances[e->shelter.type][county_zone(e->shelter.county)]);
	}
	index_leave(c->parts->index);
	for (unsigned i = 0; i < ROWS; i++) {
		const struct chances *x = &chances[i / ZONE_COUNT][i % ZONE_COUNT];
		rows[i] = (struct capacity_row){ .type = (uint8_t)(i / ZONE_COUNT),
			.zone = (uint8_t)(i % ZONE_COUNT),
			.answer = (uint8_t)band_answer(x->fresh, x->other) };
	}
}

enum rc
capacity_read_table(struct ctx *c, struct capacity_cache *cache, struct capacity_reply *out)
{
	struct capacity_row *rows = arena_calloc(c->arena, ROWS, sizeof(*rows));
	int64_t slot = c->now - c->now % CAPACITY_SLOT;

	if (!rows)
		return RC_UNAVAILABLE;
	pthread_mutex_lock(&cache->lock);
	if (cache->slot != slot) {
		fill(c, cache->rows);
		cache->slot = slot;
	}
	memcpy(rows, cache->rows, sizeof(cache->rows));
	pthread_mutex_unlock(&cache->lock);
	*out = (struct capacity_reply){ .at = slot, .rows = rows, .count = ROWS };
	return RC_OK;
}
