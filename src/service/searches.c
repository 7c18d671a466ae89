/* SPDX-License-Identifier: Apache-2.0 */
/* From the index to ranked candidates.  Ties are broken by a random order of the episode: order tells nothing
 * of houses. */
#include <stdlib.h>
#include <string.h>

#include "domain/rank.h"
#include "domain/veil.h"
#include "service/candidates.h"
#include "service/searches.h"

struct scored {
	const struct index_entry *entry;
	struct fit fit;
	uint32_t score;
	uint64_t tie;
};

struct survey {
	struct scored *hits; /* can be held or asked for */
	unsigned hit_count;
	struct scored near[SEARCH_NEAR]; /* fit but for what is taken */
	unsigned near_count;
	uint16_t fits, full, unknown, seen;
	uint16_t blocked[FIT_COUNT];
};

static uint64_t
tie_of(const struct episode *e, const struct id *shelter)
{
	uint8_t in[ID_BYTES + 8], out[DIGEST_BYTES];

	memcpy(in, shelter->b, ID_BYTES);
	put_u64(in + ID_BYTES, e->order);
	digest(BYTES_OF(in), out);
	return get_u64(out);
}

/* The first few of the episode's random order: the index's would be the same for every request. */
static void
note_near(struct survey *s, const struct scored *x)
{
	unsigned last = 0;

	if (s->near_count < SEARCH_NEAR) {
		s->near[s->near_count++] = *x;
		return;
	}
	for (unsigned i = 1; i < s->near_count; i++)
		if (s->near[i].tie > s->near[last].tie)
			last = i;
	if (x->tie < s->near[last].tie)
		s->near[last] = *x;
}

static int
compare(const void *pa, const void *pb)
{
	const struct scored *a = pa, *b = pb;

	if (a->score != b->score)
		return a->score < b->score ? -1 : 1;
	return a->tie < b->tie ? -1 : a->tie > b->tie;
}

/* Only what other households' stays cause is told as a near miss; rules of a house stay with the house. */
static bool
is_near_miss(const struct fit *f)
{
	for (unsigned i = 0; i < f->reason_count; i++)
		if (f->reasons[i] < FIT_NOT_STEP_FREE)
			return false;
	return f->reason_count > 0;
}

static void
note_entry(struct ctx *c, const struct episode *e, const struct index_entry *entry, struct survey *s)
{
	struct scored x = { .entry = entry };
	const struct freshness_rule *fresh = &c->parts->freshness;

	/* only desks search, and every desk is a helpline's: a family-support request was taken over by now
	 */
	fit_house(&entry->shelter, &entry->house, &e->household, PATH_HELPLINE, c->now, &x.fit);
	veil_fit((enum shelter_type)entry->shelter.type, household_persons(&e->household), &x.fit);
	x.tie = tie_of(e, &entry->shelter.id);
	s->seen++;
	for (unsigned i = 0; i < x.fit.reason_count; i++)
		s->blocked[x.fit.reasons[i]]++;
	if (x.fit.answer == ANSWER_NO_CAPACITY) {
		bool near = is_near_miss(&x.fit);
		s->full = (uint16_t)(s->full + near);
		if (near)
			note_near(s, &x);
		return;
	}
	if (x.fit.answer != ANSWER_WAITLIST) {
		s->fits++;
		if (freshness_of(x.fit.confirmed_at, c->now, fresh) == FRESH_UNKNOWN)
			s->unknown++;
	}
	x.score = rank_score(&x.fit, entry->shelter.type, &e->household, c->now, fresh);
	s->hits[s->hit_count++] = x;
}

static enum rc
survey_index(struct ctx *c, const struct episode *e, struct survey *s)
{
	const struct index_view *view = index_enter(c->parts->index);
	enum rc rc = RC_OK;

	memset(s, 0, sizeof(*s));
	s->hits = malloc((view->count + 1) * sizeof(*s->hits));
	if (!s->hits)
		rc = RC_UNAVAILABLE;
	for (unsigned i = 0; rc == RC_OK && i < view->count; i++)
		note_entry(c, e, view->entries[i], s);
	if (rc == RC_OK)
		qsort(s->hits, s->hit_count, sizeof(*s->hits), compare);
	if (rc == RC_OK)
		qsort(s->near, s->near_count, sizeof(*s->near), compare);
	return rc; /* the caller leaves the view when it has copied what it needs */
}

static enum rc
fill_candidate(struct ctx *c, const struct episode *e, const struct scored *x, struct candidate *out)
{
	const struct shelter *s = &x->entry->shelter;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = candidate_seal(c, &e->id, &s->id, &out->candidate)) != RC_OK)
		return rc;
	out->code_name = candidate_name(c, s, &e->id);
	out->type = s->type;
	out->zone = (uint8_t)county_zone(s->county);
	out->answer = x->fit.answer;
	out->freshness = (uint8_t)freshness_of(x->fit.confirmed_at, c->now, &c->parts->freshness);
	out->unit_count = x->fit.unit_count;
	out->places = x->fit.places;
	out->spare = x->fit.spare;
	/* of a house without a name only what was asked for */
	bool is_told = e->household.step_free || !veil_hides_name((enum shelter_type)s->type);
	for (unsigned i = 0; is_told && i < x->entry->house.unit_count; i++)
		if ((x->fit.units >> i & 1) && x->entry->house.units[i].step_free)
			out->step_free = true;
	out->address_unprotected = x->fit.address_unprotected;
	out->confirmed_at = x->fit.confirmed_at;
	return out->code_name ? RC_OK : RC_UNAVAILABLE;
}

static void
fill_near(struct ctx *c, const struct episode *e, const struct scored *x, struct near_miss *out)
{
	const struct shelter *s = &x->entry->shelter;

	memset(out, 0, sizeof(*out));
	out->code_name = candidate_name(c, s, &e->id);
	out->type = s->type;
	out->zone = (uint8_t)county_zone(s->county);
	out->freshness = (uint8_t)freshness_of(x->fit.confirmed_at, c->now, &c->parts->freshness);
	out->reason_count = x->fit.reason_count;
	memcpy(out->reasons, x->fit.reasons, sizeof(out->reasons));
}

/* Shares, never counts: a count of what one rule excludes would tell how many houses have that rule. */
static uint32_t
fill_blocked(const struct survey *s, struct blocked_reason *out)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < FIT_COUNT; i++) {
		if (s->blocked[i] == 0)
			continue;
		unsigned percent = s->blocked[i] * 100u / s->seen;
		out[n].reason = (uint8_t)i;
		out[n++].share = percent >= 50 ? BANDED_YES : percent >= 15 ? BANDED_MAYBE : BANDED_NO;
	}
	return n;
}

/* No more than the rows that are shown: whoever wants the size of the network has to look elsewhere. */
static uint16_t
up_to(uint16_t count, uint16_t most)
{
	return count < most ? count : most;
}

static enum rc
fill_reply(struct ctx *c, const struct episode *e, const struct survey *s, struct search_reply *out)
{
	unsigned n = s->hit_count < LIMIT_CANDIDATES ? s->hit_count : LIMIT_CANDIDATES;
	struct candidate *hits = arena_calloc(c->arena, n, sizeof(*hits));
	struct near_miss *near = arena_calloc(c->arena, s->near_count, sizeof(*near));
	struct blocked_reason *blocked = arena_calloc(c->arena, FIT_COUNT, sizeof(*blocked));
	enum rc rc;

	if (!hits || !near || !blocked)
		return RC_UNAVAILABLE;
	for (unsigned i = 0; i < n; i++)
		if ((rc = fill_candidate(c, e, &s->hits[i], &hits[i])) != RC_OK)
			return rc;
	for (unsigned i = 0; i < s->near_count; i++)
		fill_near(c, e, &s->near[i], &near[i]);
	*out = (struct search_reply){ .episode = e->id,
		.at = c->now,
		.candidates = hits,
		.candidate_count = n,
		.near_misses = near,
		.near_count = s->near_count,
		.blocked = blocked,
		.blocked_count = fill_blocked(s, blocked),
		.fits = up_to(s->fits, LIMIT_CANDIDATES),
		.full = up_to(s->full, SEARCH_NEAR),
		.unknown = up_to(s->unknown, LIMIT_CANDIDATES) };
	return RC_OK;
}

enum rc
search_run(struct ctx *c, const struct episode *e, struct search_reply *out)
{
	struct survey s;
	enum rc rc = survey_index(c, e, &s);

	if (rc == RC_OK)
		rc = fill_reply(c, e, &s, out);
	index_leave(c->parts->index);
	free(s.hits);
	return rc;
}

bool
search_next(struct ctx *c, const struct episode *e, const struct id *except, struct candidate *out)
{
	struct survey s;
	bool found = false;

	if (survey_index(c, e, &s) == RC_OK) {
		for (unsigned i = 0; i < s.hit_count && !found; i++) {
			const struct scored *x = &s.hits[i];
			if (x->fit.answer == ANSWER_WAITLIST)
				continue;
			if (except && id_equal(&x->entry->shelter.id, except))
				continue;
			found = fill_candidate(c, e, x, out) == RC_OK;
		}
	}
	index_leave(c->parts->index);
	free(s.hits);
	return found;
}
