/* SPDX-License-Identifier: Apache-2.0 */
/* From the index to ranked candidates.  Ties are broken by a random order of the episode: order tells nothing
 * of houses. */
#include <string.h>

#include "domain/rank.h"
#include "domain/veil.h"
#include "service/candidates.h"
#include "service/episodes.h"
#include "service/searches.h"
#include "service/survey.h"

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
	out->freshness =
	    (uint8_t)freshness_of(x->fit.confirmed_at, c->now, &parts_tuning(c->parts)->freshness);
	out->unit_count = x->fit.unit_count;
	out->places = x->fit.places;
	out->spare = x->fit.spare;
	/* of a house without a name only what was asked for */
	bool is_told = e->household.step_free || !veil_hides_name((enum shelter_type)s->type);
	for (unsigned i = 0; is_told && i < x->entry->unit_count; i++)
		if ((x->fit.units >> i & 1) && x->entry->units[i].step_free)
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
	out->freshness =
	    (uint8_t)freshness_of(x->fit.confirmed_at, c->now, &parts_tuning(c->parts)->freshness);
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
		const uint64_t percent = s->blocked[i] * 100u / s->seen;
		out[n].reason = (uint8_t)i;
		out[n++].share = percent >= 50 ? BANDED_YES : percent >= 15 ? BANDED_MAYBE : BANDED_NO;
	}
	return n;
}

/* No more than the rows that are shown: whoever wants the size of the network has to look elsewhere. */
static uint16_t
up_to(unsigned count, unsigned most)
{
	return (uint16_t)(count < most ? count : most);
}

static enum rc
fill_reply(struct ctx *c, const struct episode *e, const struct survey *s, struct search_reply *out)
{
	const unsigned n = s->best_count;
	struct candidate *hits = arena_calloc(c->arena, n, sizeof(*hits));
	struct near_miss *near = arena_calloc(c->arena, s->near_count, sizeof(*near));
	struct blocked_reason *blocked = arena_calloc(c->arena, FIT_COUNT, sizeof(*blocked));
	enum rc rc;

	if (!hits || !near || !blocked)
		return RC_UNAVAILABLE;
	for (unsigned i = 0; i < n; i++)
		if ((rc = fill_candidate(c, e, &s->best[i], &hits[i])) != RC_OK)
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
		.full = up_to(s->full, SURVEY_NEAR),
		.unknown = up_to(s->unknown, LIMIT_CANDIDATES) };
	return RC_OK;
}

enum rc
search_run(struct ctx *c, const struct episode *e, struct search_reply *out)
{
	struct survey s;
	enum rc rc;

	survey_run(c, index_enter(c->parts->index), e, &s);
	rc = fill_reply(c, e, &s, out);
	index_leave(c->parts->index);
	return rc;
}

bool
search_next(struct ctx *c, const struct episode *e, const struct id *except, struct candidate *out)
{
	struct survey s;
	bool found = false;

	if (!ledger_is_recording(c->parts->ledger))
		return false;
	c->has_searched = true;
	survey_run(c, index_enter(c->parts->index), e, &s);
	for (unsigned i = 0; i < s.best_count && !found; i++) {
		const struct scored *x = &s.best[i];
		if (x->fit.answer == ANSWER_WAITLIST)
			continue;
		if (except && id_equal(&x->entry->shelter.id, except))
			continue;
		if (episode_was_declined_by(e, &x->entry->shelter.id))
			continue;
		found = fill_candidate(c, e, x, out) == RC_OK;
	}
	index_leave(c->parts->index);
	return found;
}
