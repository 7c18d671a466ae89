/* SPDX-License-Identifier: Apache-2.0 */
/* Booking.  Rules are the domain's (reservation.c, house.c); here a transaction loads, decides, saves and
 * tells. */
#include <stdio.h>
#include <string.h>

#include "domain/fit.h"
#include "service/accounts.h"
#include "service/cases.h"
#include "service/episodes.h"
#include "service/reservations.h"
#include "service/scan.h"
#include "service/searches.h"

/* Everything that one event may change, loaded together. */
struct booking {
	struct reservation r;
	struct shelter shelter;
	struct house house;
	struct episode episode;
};

static const uint8_t event_kinds[RES_EVENTS] = {
	[EV_RENEW] = EVENT_RES_RENEWED,
	[EV_REQUEST] = EVENT_RES_REQUESTED,
	[EV_CONFIRM] = EVENT_RES_CONFIRMED,
	[EV_DECLINE] = EVENT_RES_DECLINED,
	[EV_CLIENT_DECLINE] = EVENT_RES_CLIENT,
	[EV_CANCEL] = EVENT_RES_CANCELLED,
	[EV_EXPIRE] = EVENT_RES_EXPIRED,
	[EV_DISCLOSE] = EVENT_RES_DISCLOSED,
	[EV_ARRIVE] = EVENT_RES_ARRIVED,
	[EV_EXTEND] = EVENT_RES_EXTENDED,
	[EV_LEAVE] = EVENT_RES_LEFT,
	[EV_NO_SHOW] = EVENT_RES_NO_SHOW,
	[EV_TAKE_OVER] = EVENT_RES_TAKEN,
};

static const struct code_list *const state_reasons[RES_STATES] = {
	[RES_DECLINED_BY_HOUSE] = &codes_decline_reason,
	[RES_DECLINED_BY_CLIENT] = &codes_client_reason,
	[RES_CANCELLED] = &codes_cancel_reason,
	[RES_LEFT] = &codes_leave_reason,
};

const struct code_list *
reservation_reasons(enum reservation_state state)
{
	return state_reasons[state];
}

static enum rc
tell(struct ctx *c, const struct booking *b, enum event_kind kind)
{
	static const bool frees[EVENT_KIND_COUNT] = { [EVENT_RES_DECLINED] = true,
		[EVENT_RES_CLIENT] = true,
		[EVENT_RES_CANCELLED] = true,
		[EVENT_RES_EXPIRED] = true,
		[EVENT_RES_LEFT] = true,
		[EVENT_RES_NO_SHOW] = true };
	struct event ev = { .kind = (uint8_t)kind,
		.frees = frees[kind],
		.shelter = b->r.shelter,
		.desk_org = b->r.desk_org,
		.opener_org = b->episode.opener_org,
		.subject = b->r.id,
		.at = c->now };

	return feed_emit(c->txn, &ev);
}

static enum rc
set_row(struct ctx *c, enum kind kind, const struct id *owner, const struct id *reservation, bool is_live)
{
	struct key key = record_key2(kind, owner, reservation);
	struct reference row = { *reservation };

	return is_live ? record_put(c->txn, kind, &key, &row) : txn_delete(c->txn, &key);
}

/* The house lists what is live in it; the desk what it still has to follow: until arrival or the end. */
static enum rc
save(struct ctx *c, struct booking *b)
{
	struct key rk = record_key(KIND_RESERVATION, &b->r.id);
	struct key hk = record_key(KIND_HOUSE, &b->r.shelter);
	bool is_over = reservation_is_over(b->r.state);
	enum rc rc;

	if ((rc = record_put(c->txn, KIND_RESERVATION, &rk, &b->r)) != RC_OK)
		return rc;
	if ((rc = record_put(c->txn, KIND_HOUSE, &hk, &b->house)) != RC_OK)
		return rc;
	if ((rc = set_row(c, KIND_RES_HOUSE, &b->r.shelter, &b->r.id, !is_over)) != RC_OK)
		return rc;
	return set_row(c, KIND_RES_DESK, &b->r.desk_org, &b->r.id, !is_over && b->r.state != RES_IN_STAY);
}

/* ---- hold ---- */

static void
describe_household(struct reservation *r, const struct household *who)
{
	r->adults = (uint8_t)household_adults(who);
	r->babies = (uint8_t)household_babies(who);
	r->children = (uint8_t)(who->child_count - r->babies);
	for (unsigned i = 0; i < who->child_count; i++)
		r->bands[i] = who->children[i].band;
	r->step_free = who->step_free;
	r->pet = who->pet;
	r->pregnant = who->pregnant;
	r->languages = who->languages;
	r->earliest_arrival = who->earliest_arrival;
}

static void
new_reservation(
    struct ctx *c, const struct reservation_new *in, const struct booking *b, struct reservation *r)
{
	model_clear(&model_reservation, r);
	memset(r->bands, CODE_NONE, sizeof(r->bands));
	r->id = ctx_id(c);
	r->episode = b->episode.id;
	r->shelter = b->shelter.id;
	r->desk_org = c->who->org.id;
	r->desk_user = c->who->user.id;
	r->state = RES_HELD;
	r->contact_channel = in->contact_channel;
	r->need = in->need;
	r->request_opened_at = b->episode.attempts == 0 ? b->episode.opened_at : 0;
	r->held_at = c->now;
	r->expires_at = c->now + parts_tuning(c->parts)->booking.hold;
	r->version = 1;
	describe_household(r, &b->episode.household);
	reservation_words(ctx_random(c) + 8, r->check_word, r->number);
}

/* What the house's manager sees of it, for as long as the trail stands: the reservation itself goes much
 * sooner. */
static enum rc
note_opened(struct ctx *c, const struct reservation *r)
{
	struct key key = record_key2(KIND_OPENED, &r->shelter, &r->id);
	struct opened o = { .reservation = r->id,
		.shelter = r->shelter,
		.user = c->who->user.id,
		.org = c->who->org.id,
		.device = c->who->device.id,
		.need = r->need,
		.at = c->now };

	return record_put(c->txn, KIND_OPENED, &key, &o);
}

static enum rc
load_candidate(struct ctx *c, const struct reservation_new *in, struct booking *b, struct id *shelter)
{
	bool is_live;
	enum rc rc;

	if ((rc = access_open_episode(c, &in->episode, &b->episode)) != RC_OK)
		return rc;
	if ((rc = episode_has_live_reservation(c, &b->episode, &is_live)) != RC_OK)
		return rc;
	if (is_live)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_EPISODE_HAS_HOLD, NULL, 0, NULL);
	if ((rc = candidate_open(c, in->candidate, &in->episode, shelter)) != RC_OK)
		return rc;
	struct key sk = record_key(KIND_SHELTER, shelter), hk = record_key(KIND_HOUSE, shelter);
	if ((rc = record_get(c->txn, KIND_SHELTER, &sk, &b->shelter)) != RC_OK)
		return rc;
	return record_get(c->txn, KIND_HOUSE, &hk, &b->house);
}

enum rc
reservation_hold(struct ctx *c, const struct reservation_new *in, struct reservation *out, struct id *shelter)
{
	struct booking *b = arena_alloc(c->arena, sizeof(*b));
	struct allocation share;
	struct fit fit;
	enum rc rc;

	memset(shelter, 0, sizeof(*shelter));
	if (!b)
		return RC_UNAVAILABLE;
	/* the index proposes no house of a retired organisation, but it may have before that was retired */
	if ((rc = load_candidate(c, in, b, shelter)) != RC_OK ||
	    (rc = org_answers(c, &b->shelter.org, RC_NO_PLACE_LEFT, MSG_NO_PLACE_LEFT)) != RC_OK)
		return rc;
	fit_house(&b->shelter, &b->house, &b->episode.household, PATH_HELPLINE, ctx_sure(c), &fit);
	if (fit.answer != ANSWER_CAPACITY && fit.answer != ANSWER_ASSESSMENT)
		return fault_set(c->fault, RC_NO_PLACE_LEFT, MSG_NO_PLACE_LEFT, NULL, 0, NULL);
	new_reservation(c, in, b, &b->r);
	b->r.units = fit.units;
	fit_allocation(&b->episode.household, fit.units, &b->r.id, b->r.expires_at, &share);
	if ((rc = house_take(&b->house, &b->shelter, &share, ctx_sure(c))) != RC_OK)
		return fault_set(c->fault, rc, MSG_NO_PLACE_LEFT, NULL, 0, NULL);
	if ((rc = note_opened(c, &b->r)) != RC_OK)
		return rc;
	b->episode.reservation = b->r.id;
	b->episode.attempts++;
	ctx_note(c, &b->r.id, &b->shelter.id, code_text(&codes_need, in->need));
	if ((rc = episode_store(c, &b->episode)) != RC_OK || (rc = save(c, b)) != RC_OK)
		return rc;
	*out = b->r;
	return tell(c, b, EVENT_RES_HELD);
}

/* ---- events ---- */

static enum rc
load_booking(struct ctx *c, const struct id *id, struct booking *b)
{
	struct key rk = record_key(KIND_RESERVATION, id), hk, sk, ek;
	enum rc rc;

	if ((rc = record_get(c->txn, KIND_RESERVATION, &rk, &b->r)) != RC_OK)
		return rc;
	hk = record_key(KIND_HOUSE, &b->r.shelter);
	sk = record_key(KIND_SHELTER, &b->r.shelter);
	ek = record_key(KIND_EPISODE, &b->r.episode);
	if ((rc = record_get(c->txn, KIND_HOUSE, &hk, &b->house)) != RC_OK)
		return rc;
	if ((rc = record_get(c->txn, KIND_SHELTER, &sk, &b->shelter)) != RC_OK)
		return rc;
	rc = record_get(c->txn, KIND_EPISODE, &ek, &b->episode);
	return rc == RC_NOT_FOUND ? RC_OK : rc; /* a long stay outlives its episode's retention */
}

/* Terms of the stay: set at arrival, moved by an extension, by the dated rule of the day the stay began. */
static enum rc
set_term(struct ctx *c, struct booking *b, enum reservation_event ev, const struct reservation_detail *d)
{
	day_number today = budapest_day(c->now);
	const struct term_rule *rule;
	enum rc rc;

	if (ev == EV_ARRIVE) {
		rule = terms_for(&c->parts->terms, b->shelter.type, today);
		b->r.stay_start = today;
		b->r.stay_end = rule ? term_end(rule, today) : 0;
		return RC_OK;
	}
	if (ev != EV_EXTEND)
		return RC_OK;
	rule = terms_for(&c->parts->terms, b->shelter.type, b->r.stay_start);
	if (!rule)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_STATE_CONFLICT, NULL, 0, NULL);
	rc = term_extend(rule, b->r.stay_start, b->r.stay_end, b->r.extensions, d->until,
	    (enum extend_reason)d->reason, c->fault);
	if (rc != RC_OK)
		return rc;
	b->r.stay_end = d->until;
	b->r.extensions++;
	b->r.extend_reason = d->reason;
	return RC_OK;
}

static void
note_declined(struct episode *e, const struct id *house)
{
	if (episode_was_declined_by(e, house))
		return;
	if (e->declined_count == LIMIT_DECLINED)
		memmove(&e->declined[0], &e->declined[1], --e->declined_count * sizeof(e->declined[0]));
	e->declined[e->declined_count++] = *house;
}

/* A reservation that ended without a stay gives the episode back to the search at once. */
static enum rc
free_episode(struct ctx *c, struct booking *b)
{
	if (!reservation_is_over(b->r.state) || b->r.state == RES_LEFT ||
	    !id_equal(&b->episode.reservation, &b->r.id))
		return RC_OK;
	b->episode.reservation = (struct id){ { 0 } };
	if (b->r.state == RES_DECLINED_BY_HOUSE)
		note_declined(&b->episode, &b->r.shelter);
	return episode_store(c, &b->episode);
}

static enum rc
apply(struct ctx *c, struct booking *b, enum reservation_event ev, enum reservation_actor actor,
    const struct reservation_detail *d)
{
	/* one that is over by this node's clock alone is not over: it goes on by the clock that says so */
	const int64_t now = reservation_has_expired(&b->r, c->now) ? ctx_sure(c) : c->now;
	enum rc rc;

	rc = reservation_apply(&b->r, &b->house, ev, actor, now, &parts_tuning(c->parts)->booking, c->fault);
	if (rc != RC_OK)
		return rc;
	if ((rc = set_term(c, b, ev, d)) != RC_OK)
		return rc;
	if (ev == EV_TAKE_OVER)
		b->r.desk_user = c->who->user.id;
	if (state_reasons[b->r.state])
		b->r.reason = d->reason;
	if ((rc = free_episode(c, b)) != RC_OK || (rc = save(c, b)) != RC_OK)
		return rc;
	return tell(c, b, event_kinds[ev]);
}

static const struct code_list *
detail_codes(enum reservation_event ev, enum reservation_state after)
{
	if (ev == EV_EXTEND)
		return &codes_extend_reason;
	return ev == EV_DISCLOSE ? &codes_disclose_reason : state_reasons[after];
}

enum rc
reservation_event(struct ctx *c, const struct id *id, enum reservation_event ev,
    const struct reservation_detail *detail, struct reservation *out)
{
	struct booking *b = arena_alloc(c->arena, sizeof(*b));
	const struct code_list *codes;
	enum reservation_actor actor;
	enum rc rc;

	if (!b)
		return RC_UNAVAILABLE;
	if ((rc = access_reservation(c, id, &b->r, &actor)) != RC_OK ||
	    (rc = load_booking(c, id, b)) != RC_OK)
		return rc;
	if ((rc = apply(c, b, ev, actor, detail)) != RC_OK)
		return rc;
	codes = detail_codes(ev, b->r.state);
	ctx_note(c, NULL, NULL, codes ? code_text(codes, detail->reason) : NULL);
	*out = b->r;
	return RC_OK;
}

/* ---- entered from paper ---- */

/* When ${ev} happened, as ${r} tells; 0 when it did not.  Of ends only one can be. */
static int64_t
happened_at(const struct reservation *r, enum reservation_event ev)
{
	static const uint8_t ends[RES_EVENTS] = { [EV_DECLINE] = RES_DECLINED_BY_HOUSE,
		[EV_CLIENT_DECLINE] = RES_DECLINED_BY_CLIENT,
		[EV_CANCEL] = RES_CANCELLED,
		[EV_LEAVE] = RES_LEFT,
		[EV_NO_SHOW] = RES_NO_SHOW };

	if (ev == EV_REQUEST)
		return r->requested_at;
	if (ev == EV_CONFIRM)
		/* a no that was the first answer is no yes */
		return r->state == RES_DECLINED_BY_HOUSE && r->answered_at == r->ended_at ? 0
											  : r->answered_at;
	if (ev == EV_ARRIVE)
		return r->arrived_at;
	return ends[ev] != 0 && r->state == ends[ev] ? r->ended_at : 0;
}

static int64_t
last_known(const struct reservation *r)
{
	const int64_t times[] = { r->held_at, r->requested_at, r->answered_at, r->arrived_at, r->ended_at };
	int64_t last = 0;

	for (size_t i = 0; i < COUNT_OF(times); i++)
		last = times[i] > last ? times[i] : last;
	return last;
}

/* Before ${ev}, which happened at ${at}, is applied now. */
static void
note_heard(const struct ctx *c, struct reservation *r, enum reservation_event ev, int64_t at)
{
	const day_number today = budapest_day(c->now);

	if (case_quarter(budapest_day(at)) >= case_quarter(today))
		return;
	if (ev == EV_ARRIVE)
		r->arrival_heard = today;
	else if (ev == EV_CONFIRM)
		r->answer_heard = today;
	else if (ev != EV_REQUEST)
		r->end_heard = today;
	if (ev == EV_DECLINE && r->answered_at == 0) /* else it had answered, and that was told */
		r->answer_heard = today;
}

static enum rc
apply_late(struct ctx *c, struct booking *b, enum reservation_event ev, int64_t at,
    const struct reservation_detail *d)
{
	const int64_t now = c->now, sure = ctx_sure(c);
	enum reservation_state to;
	const bool is_desk = reservation_next(b->r.state, ev, ACTOR_DESK, &to) != RC_FORBIDDEN;
	enum rc rc;

	note_heard(c, &b->r, ev, at);
	c->now = at;
	rc = apply(c, b, ev, is_desk ? ACTOR_DESK : ACTOR_HOUSE, d);
	c->now = now;
	/* as of then it was right; what was given to others since must still have its place */
	if (rc == RC_OK && !house_is_sound(&b->house, &b->shelter, sure))
		rc = fault_set(c->fault, RC_STATE_CONFLICT, MSG_NO_PLACE_LEFT, NULL, 0, NULL);
	return rc;
}

enum rc
reservation_enter_late(struct ctx *c, const struct id *id, enum reservation_event ev, int64_t at,
    const struct reservation_detail *detail, struct reservation *out)
{
	struct booking *b = arena_alloc(c->arena, sizeof(*b));
	char reason[40];
	enum rc rc;

	if (!b)
		return RC_UNAVAILABLE;
	if ((rc = load_booking(c, id, b)) != RC_OK)
		return rc;
	*out = b->r;
	if (happened_at(&b->r, ev) == at)
		return RC_TAKEN;
	if (at < last_known(&b->r))
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_LATER_KNOWN, NULL, 0, NULL);
	if ((rc = apply_late(c, b, ev, at, detail)) != RC_OK)
		return rc;
	*out = b->r;
	(void)snprintf(reason, sizeof(reason), "downtime_%s", reservation_event_name(ev));
	ctx_note(c, id, &b->r.shelter, reason);
	return RC_OK;
}

enum rc
reservation_expire(struct ctx *c, const struct id *id)
{
	const struct reservation_detail none = { .reason = CODE_NONE };
	struct booking *b = arena_alloc(c->arena, sizeof(*b));
	enum rc rc;

	if (!b)
		return RC_UNAVAILABLE;
	if ((rc = load_booking(c, id, b)) != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	if (!reservation_has_expired(&b->r, c->now))
		return RC_OK;
	note_heard(c, &b->r, EV_EXPIRE, b->r.expires_at); /* nothing may have run for days */
	ctx_note(c, id, &b->r.shelter, NULL);
	return apply(c, b, EV_EXPIRE, ACTOR_CLOCK, &none);
}

/* ---- reading ---- */

static enum rc
list_under(struct ctx *c, enum kind rows, const struct id *owners, unsigned owner_count,
    const struct id *after, unsigned limit, struct reservation *out, unsigned *count)
{
	struct id *ids = arena_calloc(c->arena, limit, sizeof(*ids));
	unsigned found = 0;
	enum rc rc;

	*count = 0;
	if (!ids)
		return RC_UNAVAILABLE;
	rc = scan_rows(c, rows, owners, owner_count, after, limit, ids, &found);
	for (; *count < found && rc == RC_OK; (*count)++) {
		struct key key = record_key(KIND_RESERVATION, &ids[*count]);
		rc = record_peek(c->txn, KIND_RESERVATION, &key, &out[*count]);
	}
	return rc == RC_NOT_FOUND ? RC_CORRUPT : rc; /* a row leads to a record, always */
}

enum rc
reservation_list(
    struct ctx *c, const struct id *after, unsigned limit, struct reservation *out, unsigned *count)
{
	const struct user *person = &c->who->user;

	/* the roles of a desk and of a house are never one person's: their organisations differ
	 * (policy_role_fits) */
	if (who_is(c, ROLE_COUNSELLOR) || who_is(c, ROLE_SHIFT_LEAD))
		return list_under(c, KIND_RES_DESK, &c->who->org.id, 1, after, limit, out, count);
	return list_under(
	    c, KIND_RES_HOUSE, person->shelters, person->shelter_count, after, limit, out, count);
}
