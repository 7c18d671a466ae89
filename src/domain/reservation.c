/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transition table and what each event does to the reservation and to its share of the house.  Does not
 * know who may see a reservation, nor what is told to whom.
 */
#include "domain/reservation.h"

/* Who may cause the event, and the state it leads to; zero is an empty cell, a refusal. */
struct cell {
	uint8_t by; /* 1 + enum reservation_actor */
	uint8_t to; /* enum reservation_state */
};

/* clang-format off */
#define BY(actor, state) { 1 + ACTOR_##actor, RES_##state }
/* clang-format on */

static const struct cell table[RES_STATES][RES_EVENTS] = {
	[RES_HELD] = {
		[EV_RENEW] = BY(DESK, HELD),
		[EV_TAKE_OVER] = BY(DESK, HELD),
		[EV_REQUEST] = BY(DESK, REQUESTED),
		[EV_CLIENT_DECLINE] = BY(DESK, DECLINED_BY_CLIENT),
		[EV_CANCEL] = BY(DESK, CANCELLED),
		[EV_EXPIRE] = BY(CLOCK, EXPIRED),
	},
	[RES_REQUESTED] = {
		[EV_TAKE_OVER] = BY(DESK, REQUESTED),
		[EV_CONFIRM] = BY(HOUSE, CONFIRMED),
		[EV_DECLINE] = BY(HOUSE, DECLINED_BY_HOUSE),
		[EV_CLIENT_DECLINE] = BY(DESK, DECLINED_BY_CLIENT),
		[EV_CANCEL] = BY(DESK, CANCELLED),
		[EV_EXPIRE] = BY(CLOCK, EXPIRED),
	},
	[RES_CONFIRMED] = {
		[EV_TAKE_OVER] = BY(DESK, CONFIRMED),
		[EV_DISCLOSE] = BY(DESK, CONFIRMED),
		[EV_ARRIVE] = BY(HOUSE, IN_STAY),
		[EV_DECLINE] = BY(HOUSE, DECLINED_BY_HOUSE), /* DOMAIN 7: also after confirming */
		[EV_NO_SHOW] = BY(HOUSE, NO_SHOW),
		[EV_CLIENT_DECLINE] = BY(DESK, DECLINED_BY_CLIENT),
		[EV_CANCEL] = BY(DESK, CANCELLED),
	},
	[RES_IN_STAY] = {
		[EV_EXTEND] = BY(HOUSE, IN_STAY),
		[EV_LEAVE] = BY(HOUSE, LEFT),
	},
};

static const char *const names[RES_EVENTS] = {
	[EV_RENEW] = "renew",
	[EV_REQUEST] = "request",
	[EV_CONFIRM] = "confirm",
	[EV_DECLINE] = "decline",
	[EV_CLIENT_DECLINE] = "client_decline",
	[EV_CANCEL] = "cancel",
	[EV_EXPIRE] = "expire",
	[EV_DISCLOSE] = "disclose",
	[EV_ARRIVE] = "arrive",
	[EV_EXTEND] = "extend",
	[EV_LEAVE] = "leave",
	[EV_NO_SHOW] = "no_show",
	[EV_TAKE_OVER] = "take_over",
};

const char *
reservation_event_name(enum reservation_event ev)
{
	return names[ev];
}

/*@ requires \valid(to) && actor <= ACTOR_CLOCK;
    assigns *to;
    // the table and nothing but the table
    ensures \result == RC_OK <==> from < RES_STATES && ev < RES_EVENTS && table[from][ev].by == 1 + actor;
    ensures \result == RC_OK ==> *to == table[from][ev].to && *to < RES_STATES;
    ensures \result != RC_OK ==> *to == \old(*to);
    // what is over stays over
    ensures from > RES_IN_STAY ==> \result != RC_OK;
    // a stay begins where the house said yes and then saw them arrive; it ends only when the house says so
    ensures \result == RC_OK && *to == RES_CONFIRMED ==> from == RES_CONFIRMED ||
      (from == RES_REQUESTED && ev == EV_CONFIRM && actor == ACTOR_HOUSE);
    ensures \result == RC_OK && *to == RES_IN_STAY ==> actor == ACTOR_HOUSE &&
      ((from == RES_CONFIRMED && ev == EV_ARRIVE) || (from == RES_IN_STAY && ev == EV_EXTEND));
    ensures \result == RC_OK && from == RES_IN_STAY ==> actor == ACTOR_HOUSE &&
      (*to == RES_LEFT || *to == RES_IN_STAY);
    // the clock ends what was not confirmed and nothing else (H4)
    ensures \result == RC_OK && actor == ACTOR_CLOCK ==> ev == EV_EXPIRE && *to == RES_EXPIRED &&
      (from == RES_HELD || from == RES_REQUESTED);
    // a location is told of a confirmed place only
    ensures \result == RC_OK && ev == EV_DISCLOSE ==> from == RES_CONFIRMED && *to == RES_CONFIRMED;
*/
enum rc
reservation_next(enum reservation_state from, enum reservation_event ev, enum reservation_actor actor,
    enum reservation_state *to)
{
	struct cell cell;

	if ((unsigned)from >= RES_STATES || (unsigned)ev >= RES_EVENTS)
		return RC_STATE_CONFLICT;
	cell = table[from][ev];
	if (cell.by == 0)
		return RC_STATE_CONFLICT;
	if (cell.by != 1u + (unsigned)actor)
		return RC_FORBIDDEN;
	*to = (enum reservation_state)cell.to;
	return RC_OK;
}

/*@ requires \valid_read(r);
    assigns \nothing;
    ensures \result <==> (r->state == RES_HELD || r->state == RES_REQUESTED) && r->expires_at != 0 &&
      now >= r->expires_at;
*/
bool
reservation_has_expired(const struct reservation *r, int64_t now)
{
	if (r->state != RES_HELD && r->state != RES_REQUESTED)
		return false;
	return r->expires_at != 0 && now >= r->expires_at;
}

/*@ assigns \nothing;
    ensures \result <==> state <= RES_IN_STAY;
*/
bool
reservation_keeps_units(enum reservation_state state)
{
	return state == RES_HELD || state == RES_REQUESTED || state == RES_CONFIRMED || state == RES_IN_STAY;
}

/*@ assigns \nothing;
    ensures \result <==> state > RES_IN_STAY;
*/
bool
reservation_is_over(enum reservation_state state)
{
	return !reservation_keeps_units(state);
}

/*@ // far from where seconds wrap
  predicate sane{L}(integer now, struct booking_rules *rules) = 0 <= now <= 1000000000000 &&
    0 <= rules->hold <= 1000000000 && 0 <= rules->request <= 1000000000 &&
    0 <= rules->disclose_window <= 1000000000;
*/

/* What an event does beyond the state; NULL in the table: nothing. */
typedef enum rc effect_fn(
    struct reservation *r, int64_t now, const struct booking_rules *rules, struct fault *f);

/*@ requires \valid(r) && \valid_read(rules) && \separated(r, rules, f);
    requires sane(now, rules);
    assigns r->renewed, r->expires_at, *f;
    ensures \result == RC_OK <==> !\old(r->renewed);
    // a shorter time for holds is for those that begin: none ends earlier because it was renewed
    ensures \result == RC_OK ==> r->renewed && r->expires_at == \max(\old(r->expires_at), now + rules->hold);
*/
static enum rc
on_renew(struct reservation *r, int64_t now, const struct booking_rules *rules, struct fault *f)
{
	if (r->renewed)
		return fault_set(f, RC_STATE_CONFLICT, MSG_RENEWED_ALREADY, NULL, 0, NULL);
	r->renewed = true;
	if (r->expires_at < now + rules->hold)
		r->expires_at = now + rules->hold;
	return RC_OK;
}

/*@ requires \valid(r) && \valid_read(rules) && \separated(r, rules, f);
    requires sane(now, rules);
    assigns r->requested_at, r->expires_at;
    ensures \result == RC_OK && r->expires_at == now + rules->request;
*/
static enum rc
on_request(struct reservation *r, int64_t now, const struct booking_rules *rules, struct fault *f)
{
	(void)f;
	r->requested_at = now;
	r->expires_at = now + rules->request;
	return RC_OK;
}

/*@ requires \valid(r) && \valid_read(rules) && \separated(r, rules, f);
    requires sane(now, rules);
    assigns r->answered_at, r->expires_at;
    ensures \result == RC_OK && r->expires_at == 0;
*/
static enum rc
on_confirm(struct reservation *r, int64_t now, const struct booking_rules *rules, struct fault *f)
{
	(void)rules;
	(void)f;
	r->answered_at = now;
	r->expires_at = 0; /* H4: from here on only people free the unit */
	return RC_OK;
}

/*@ requires \valid(r) && \valid_read(rules) && \separated(r, rules, f);
    requires sane(now, rules);
    assigns r->answered_at;
    ensures \result == RC_OK;
    // a house that takes its yes back had answered when it said yes
    ensures r->answered_at == (\old(r->answered_at) != 0 ? \old(r->answered_at) : now);
*/
static enum rc
on_decline(struct reservation *r, int64_t now, const struct booking_rules *rules, struct fault *f)
{
	(void)rules;
	(void)f;
	if (r->answered_at == 0)
		r->answered_at = now;
	return RC_OK;
}

/*@ requires \valid(r) && \valid_read(rules) && \separated(r, rules, f);
    requires sane(now, rules);
    assigns *f;
    ensures \result == RC_OK ==> r->expires_at != 0 && now >= r->expires_at;
*/
static enum rc
on_expire(struct reservation *r, int64_t now, const struct booking_rules *rules, struct fault *f)
{
	(void)rules;
	if (!reservation_has_expired(r, now))
		return fault_set(f, RC_STATE_CONFLICT, MSG_NOT_EXPIRED, NULL, 0, NULL);
	return RC_OK;
}

/*@ requires \valid(r) && \valid_read(rules) && \separated(r, rules, f);
    requires sane(now, rules);
    assigns r->disclosures, r->disclose_until, *f;
    // told so often and so long, counted each time
    ensures \result == RC_OK ==> \old(r->disclosures) < rules->disclosures &&
      r->disclosures == \old(r->disclosures) + 1;
    ensures \result == RC_OK && \old(r->disclosures) > 0 ==> now < \old(r->disclose_until) &&
      r->disclose_until == \old(r->disclose_until);
    ensures \result == RC_OK && \old(r->disclosures) == 0 ==>
      r->disclose_until == now + rules->disclose_window;
    ensures \result != RC_OK ==> r->disclosures == \old(r->disclosures);
*/
static enum rc
on_disclose(struct reservation *r, int64_t now, const struct booking_rules *rules, struct fault *f)
{
	if (r->disclosures > 0 && now >= r->disclose_until)
		return fault_set(f, RC_STATE_CONFLICT, MSG_DISCLOSED_LATE, NULL, 0, NULL);
	if (r->disclosures >= rules->disclosures)
		return fault_set(f, RC_STATE_CONFLICT, MSG_DISCLOSED_OFTEN, NULL, rules->disclosures, NULL);
	if (r->disclosures == 0)
		r->disclose_until = now + rules->disclose_window;
	r->disclosures++;
	return RC_OK;
}

/*@ requires \valid(r) && \valid_read(rules) && \separated(r, rules, f);
    requires sane(now, rules);
    assigns r->arrived_at;
    ensures \result == RC_OK && r->arrived_at == now;
*/
static enum rc
on_arrive(struct reservation *r, int64_t now, const struct booking_rules *rules, struct fault *f)
{
	(void)rules;
	(void)f;
	r->arrived_at = now;
	return RC_OK;
}

static effect_fn *const effects[RES_EVENTS] = {
	[EV_RENEW] = on_renew,
	[EV_REQUEST] = on_request,
	[EV_CONFIRM] = on_confirm,
	[EV_DECLINE] = on_decline,
	[EV_EXPIRE] = on_expire,
	[EV_DISCLOSE] = on_disclose,
	[EV_ARRIVE] = on_arrive,
};

/* Nothing but the clock's own event moves a hold that ran out: its units may be somebody else's (H5). */
/*@ requires \valid_read(r);
    assigns \nothing;
    ensures \result <==> ev != EV_EXPIRE && (r->state == RES_EXPIRED ||
      ((r->state == RES_HELD || r->state == RES_REQUESTED) && r->expires_at != 0 && now >= r->expires_at));
*/
static bool
is_too_late(const struct reservation *r, enum reservation_event ev, int64_t now)
{
	return ev != EV_EXPIRE && (r->state == RES_EXPIRED || reservation_has_expired(r, now));
}

/*@ requires \valid(r);
    assigns r->ended_at, r->expires_at;
    ensures r->expires_at == 0;
    ensures r->ended_at == (r->state == RES_EXPIRED ? \old(r->expires_at) : now);
*/
static void
end(struct reservation *r, int64_t now)
{
	r->ended_at = r->state == RES_EXPIRED ? r->expires_at : now;
	r->expires_at = 0;
}

enum rc
reservation_apply(struct reservation *r, struct house *h, enum reservation_event ev,
    enum reservation_actor actor, int64_t now, const struct booking_rules *rules, struct fault *f)
{
	struct reservation next = *r;
	enum reservation_state to = RES_STATES;
	enum rc rc;

	if (is_too_late(r, ev, now))
		return fault_set(f, RC_HOLD_EXPIRED, MSG_HOLD_EXPIRED, NULL, 0, NULL);
	if ((rc = reservation_next((enum reservation_state)r->state, ev, actor, &to)) != RC_OK)
		return fault_set(
		    f, rc, rc == RC_FORBIDDEN ? MSG_FORBIDDEN : MSG_STATE_CONFLICT, NULL, 0, NULL);
	if (effects[ev] != NULL && (rc = effects[ev](&next, now, rules, f)) != RC_OK)
		return rc;
	next.state = (uint8_t)to;
	next.version++;
	if (reservation_is_over(to)) {
		end(&next, now);
		(void)house_release(
		    h, &r->id) /*@ ghost (now) */; /* a share that ran out may be gone already */
	} else if (!house_set_expiry(h, &r->id, next.expires_at, now)) {
		return fault_set(f, RC_HOLD_EXPIRED, MSG_HOLD_EXPIRED, NULL, 0, NULL);
	}
	*r = next;
	return RC_OK;
}

/*@ requires \valid_read(r) && \valid_read(rules);
    requires 0 <= now <= 1000000000000 && 0 <= r->requested_at <= 1000000000000;
    assigns \nothing;
    ensures \result <= 3;
    ensures r->state != RES_REQUESTED ==> \result == 0;
    ensures \result > 0 ==> now - r->requested_at >= rules->escalate[\result - 1];
*/
unsigned
reservation_escalation(const struct reservation *r, int64_t now, const struct booking_rules *rules)
{
	unsigned step = 0;

	if (r->state != RES_REQUESTED)
		return 0;
	/*@ loop invariant step <= 3;
	    loop invariant step > 0 ==> now - r->requested_at >= rules->escalate[step - 1];
	    loop assigns step;
	    loop variant 3 - step;
	*/
	while (step < COUNT_OF(rules->escalate) && now - r->requested_at >= rules->escalate[step])
		step++;
	return step;
}
