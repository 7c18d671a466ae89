/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation as it is shown: to its desk and to its house.  What each role may see of it is the schema's
 * business. */
#include <string.h>

#include "base/jw.h"
#include "domain/fit.h"
#include "service/candidates.h"
#include "service/reservations.h"
#include "service/searches.h"

static enum rc
name_units(struct ctx *c, const struct house *h, uint64_t units, struct bytes *out)
{
	size_t cap = 16 + 6 * sizeof(h->units[0].name) * LIMIT_JOINED;
	char *buf = arena_alloc(c->arena, cap);
	struct jw w;

	if (!buf)
		return RC_UNAVAILABLE;
	jw_init(&w, buf, cap);
	jw_open(&w, '[');
	for (unsigned i = 0; i < h->unit_count; i++)
		if (units >> i & 1)
			jw_string(&w, h->units[i].name);
	jw_close(&w, ']');
	*out = (struct bytes){ (const uint8_t *)buf, w.overflow ? 0 : w.len };
	return RC_OK;
}

static void
copy_facts(const struct reservation *r, struct reservation_view *v)
{
	v->id = r->id;
	v->episode = r->episode;
	v->shelter = r->shelter;
	v->number = r->number;
	v->check_word = r->check_word;
	v->state = r->state;
	v->contact_channel = r->contact_channel;
	v->need = r->need;
	v->adults = r->adults;
	v->children = r->children;
	v->babies = r->babies;
	v->band_count = (uint8_t)(r->children + r->babies);
	memcpy(v->bands, r->bands, sizeof(v->bands));
	v->step_free = r->step_free;
	v->pet = r->pet;
	v->pregnant = r->pregnant;
	v->renewed = r->renewed;
	v->languages = r->languages;
	v->held_at = r->held_at;
	v->expires_at = r->expires_at;
	v->requested_at = r->requested_at;
	v->answered_at = r->answered_at;
	v->arrived_at = r->arrived_at;
	v->ended_at = r->ended_at;
	v->earliest_arrival = r->earliest_arrival;
	v->disclose_until = r->disclose_until;
	v->stay_start = r->stay_start;
	v->stay_end = r->stay_end;
	v->extensions = r->extensions;
}

static void
derive_facts(struct ctx *c, const struct reservation *r, const struct shelter *s, struct reservation_view *v)
{
	const unsigned most = parts_tuning(c->parts)->booking.disclosures; /* one look: it may be lowered */
	day_number today = budapest_day(c->now);
	const struct code_list *reasons = reservation_reasons(r->state);
	const struct term_rule *rule;

	if (reservation_has_expired(r, ctx_sure(c)))
		v->state = RES_EXPIRED; /* counts at once, before the timer has written it */
	v->code_name = candidate_name(c, s, &r->episode);
	v->type = s->type;
	v->zone = (uint8_t)county_zone(s->county);
	v->reason = reasons ? code_text(reasons, r->reason) : NULL;
	v->escalation = (uint8_t)reservation_escalation(r, c->now, &parts_tuning(c->parts)->booking);
	if (r->state == RES_CONFIRMED && most > r->disclosures)
		v->disclosures_left = (uint8_t)(most - r->disclosures);
	if (r->state != RES_IN_STAY)
		return;
	v->overstay = term_is_overstay(r->stay_end, today);
	rule = terms_for(&c->parts->terms, s->type, r->stay_start);
	v->next_review = rule ? term_next_review(rule, r->stay_start, today) : 0;
}

/* After a decline or a lapse the desk that holds the request is offered the next best at once, for as long as
 * a candidate lives; later it searches, or who reads an old reservation again and again would search
 * unslowed. */
static enum rc
propose_next(struct ctx *c, const struct reservation *r, struct reservation_view *v)
{
	struct key key = record_key(KIND_EPISODE, &r->episode);
	struct candidate *next;
	struct episode e;
	enum rc rc;

	if (!id_equal(&c->who->org.id, &r->desk_org) ||
	    (v->state != RES_DECLINED_BY_HOUSE && v->state != RES_EXPIRED))
		return RC_OK;
	if ((r->ended_at != 0 ? r->ended_at : r->expires_at) + LIMIT_CANDIDATE < c->now)
		return RC_OK;
	if ((rc = record_peek(c->txn, KIND_EPISODE, &key, &e)) != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	bool is_free = id_is_zero(&e.reservation) || id_equal(&e.reservation, &r->id);
	if (e.state != EPISODE_OPEN || e.expires_at <= ctx_sure(c) || !is_free)
		return RC_OK;
	if (!(next = arena_alloc(c->arena, sizeof(*next))))
		return RC_UNAVAILABLE;
	v->next_count = search_next(c, &e, &r->shelter, next);
	v->next = next;
	return RC_OK;
}

enum rc
reservation_show(struct ctx *c, const struct reservation *r, struct reservation_view *out)
{
	struct key sk = record_key(KIND_SHELTER, &r->shelter), hk = record_key(KIND_HOUSE, &r->shelter);
	struct shelter *s = arena_alloc(c->arena, sizeof(*s));
	struct house *h = arena_alloc(c->arena, sizeof(*h));
	struct reservation *kept = arena_alloc(c->arena, sizeof(*kept));
	enum rc rc;

	if (!s || !h || !kept)
		return RC_UNAVAILABLE;
	*kept = *r; /* the view borrows its texts */
	if ((rc = record_get(c->txn, KIND_SHELTER, &sk, s)) != RC_OK)
		return rc;
	if ((rc = record_get(c->txn, KIND_HOUSE, &hk, h)) != RC_OK)
		return rc;
	model_clear(&model_reservation_view, out);
	copy_facts(kept, out);
	derive_facts(c, kept, s, out);
	if ((rc = name_units(c, h, kept->units, &out->unit_names)) != RC_OK)
		return rc;
	return propose_next(c, kept, out);
}
