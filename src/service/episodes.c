/* SPDX-License-Identifier: Apache-2.0 */
/* The episode's life.  An index row under the desk (zero while it waits) and one under the opener stand while
 * it is open. */
#include <string.h>

#include "service/episodes.h"
#include "service/scan.h"

#define DESK_CLOSES 86400 /* seconds after the arrival in which the desk may still say the outcome itself */

static enum rc
set_row(struct ctx *c, const struct id *org, const struct id *episode, bool is_open)
{
	struct key key = record_key2(KIND_EPISODE_DESK, org, episode);
	struct reference row = { *episode };

	return is_open ? record_put(c->txn, KIND_EPISODE_DESK, &key, &row) : txn_delete(c->txn, &key);
}

enum rc
episode_store(struct ctx *c, struct episode *e)
{
	struct key key = record_key(KIND_EPISODE, &e->id);
	bool is_open = e->state == EPISODE_OPEN;
	enum rc rc;

	e->version++;
	if (!is_open)
		e->declined_count = 0;
	if ((rc = set_row(c, &e->opener_org, &e->id, is_open)) != RC_OK)
		return rc;
	if (!id_equal(&e->desk_org, &e->opener_org) &&
	    (rc = set_row(c, &e->desk_org, &e->id, is_open)) != RC_OK)
		return rc;
	return record_put(c->txn, KIND_EPISODE, &key, e);
}

static enum rc
tell(struct ctx *c, const struct episode *e, enum event_kind kind)
{
	struct event ev = { .kind = (uint8_t)kind,
		.desk_org = e->desk_org,
		.opener_org = e->opener_org,
		.subject = e->id,
		.at = c->now };

	return feed_emit(c->txn, &ev);
}

enum rc
episode_open(struct ctx *c, const struct household *who, uint8_t channel, struct episode *out)
{
	bool at_helpline = who_is(c, ROLE_COUNSELLOR) || who_is(c, ROLE_SHIFT_LEAD);
	enum rc rc;

	if ((rc = household_check(who, c->fault)) != RC_OK)
		return rc;
	model_clear(&model_episode, out);
	out->id = ctx_id(c);
	out->opener_org = c->who->org.id;
	out->opener_user = c->who->user.id;
	if (at_helpline) {
		out->desk_org = c->who->org.id;
		out->desk_user = c->who->user.id;
	}
	out->state = EPISODE_OPEN;
	out->channel = channel;
	out->household = *who;
	out->order = get_u64(ctx_random(c));
	out->opened_at = c->now;
	out->expires_at = c->now + LIMIT_EPISODE_LIFE;
	ctx_note(c, &out->id, NULL, NULL);
	if ((rc = episode_store(c, out)) != RC_OK)
		return rc;
	return tell(c, out, EVENT_EPISODE_OPENED);
}

enum rc
episode_take_over(struct ctx *c, const struct id *id, struct episode *out)
{
	struct id nobody = { { 0 } };
	enum rc rc;

	if ((rc = access_episode(c, id, out)) != RC_OK)
		return rc;
	bool same_desk = id_equal(&out->desk_org, &c->who->org.id);
	if (out->state != EPISODE_OPEN || (!same_desk && !id_is_zero(&out->desk_org)))
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_EPISODE_OVER, NULL, 0, NULL);
	if (!same_desk && (rc = set_row(c, &nobody, &out->id, false)) != RC_OK)
		return rc;
	out->desk_org = c->who->org.id;
	out->desk_user = c->who->user.id;
	if ((rc = episode_store(c, out)) != RC_OK)
		return rc;
	return tell(c, out, EVENT_EPISODE_TAKEN);
}

bool
episode_was_declined_by(const struct episode *e, const struct id *house)
{
	for (unsigned i = 0; i < e->declined_count; i++)
		if (id_equal(&e->declined[i], house))
			return true;
	return false;
}

enum rc
episode_has_live_reservation(struct ctx *c, const struct episode *e, bool *out)
{
	struct key key = record_key(KIND_RESERVATION, &e->reservation);
	struct reservation r;
	enum rc rc;

	*out = false;
	if (id_is_zero(&e->reservation))
		return RC_OK;
	if ((rc = record_get(c->txn, KIND_RESERVATION, &key, &r)) != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	*out = !reservation_is_over(r.state) && !reservation_has_expired(&r, ctx_sure(c));
	return RC_OK;
}

/* What must be settled before the episode can end: a place that is held or promised but not yet lived in. */
static enum rc
check_settled(struct ctx *c, const struct episode *e)
{
	struct key key = record_key(KIND_RESERVATION, &e->reservation);
	struct reservation r;
	bool is_live;
	enum rc rc;

	if ((rc = episode_has_live_reservation(c, e, &is_live)) != RC_OK || !is_live)
		return rc;
	if ((rc = record_get(c->txn, KIND_RESERVATION, &key, &r)) != RC_OK)
		return rc;
	if (r.state != RES_IN_STAY)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_EPISODE_HAS_HOLD, NULL, 0, NULL);
	return RC_OK;
}

enum rc
episode_close(struct ctx *c, const struct id *id, uint8_t outcome, struct episode *out)
{
	enum rc rc;

	if ((rc = access_episode(c, id, out)) != RC_OK)
		return rc;
	bool desk = id_equal(&out->desk_org, &c->who->org.id);
	bool waits = id_is_zero(&out->desk_org) && id_equal(&out->opener_org, &c->who->org.id);
	if (!desk && !waits)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_EPISODE_NOT_TAKEN, NULL, 0, NULL);
	if (out->state == EPISODE_CLOSED && out->outcome == outcome)
		return RC_OK; /* said again because the answer was lost */
	if (out->state != EPISODE_OPEN)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_EPISODE_OVER, NULL, 0, NULL);
	if ((rc = check_settled(c, out)) != RC_OK)
		return rc;
	out->state = EPISODE_CLOSED;
	out->outcome = outcome;
	out->closed_at = c->now;
	ctx_note(c, NULL, NULL, code_text(&codes_outcome, outcome));
	if ((rc = episode_store(c, out)) != RC_OK)
		return rc;
	return tell(c, out, EVENT_EPISODE_CLOSED);
}

/* Only the end of a stay leaves the reservation in the request: a family that came and left within its three
 * days was placed, and would otherwise be missing from the statistics.  Its detail may be gone by now. */
static enum rc
end_of_stay(struct ctx *c, struct episode *e)
{
	const struct key key = record_key(KIND_RESERVATION, &e->reservation);
	struct reservation r = { .state = RES_LEFT };
	enum rc rc;

	if (id_is_zero(&e->reservation))
		return RC_OK;
	if ((rc = record_get(c->txn, KIND_RESERVATION, &key, &r)) != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	if (rc == RC_OK && r.state != RES_LEFT)
		return RC_OK;
	e->state = EPISODE_CLOSED;
	e->outcome = OUTCOME_PLACED;
	return RC_OK;
}

/* How a request ends when its time is over.  False: not yet, a promised place keeps it open; never end it
 * under a travelling family.  Who has arrived needs no request any more, and a household is not kept for the
 * length of a stay. */
static enum rc
end_by_clock(struct ctx *c, struct episode *e, bool *ended)
{
	struct key key = record_key(KIND_RESERVATION, &e->reservation);
	struct reservation r;
	bool is_live;
	enum rc rc = episode_has_live_reservation(c, e, &is_live);

	*ended = rc == RC_OK && !is_live;
	e->state = EPISODE_EXPIRED;
	if (rc == RC_OK && !is_live)
		return end_of_stay(c, e);
	if (rc != RC_OK)
		return rc;
	if ((rc = record_get(c->txn, KIND_RESERVATION, &key, &r)) != RC_OK)
		return rc;
	if (r.state != RES_IN_STAY || r.arrived_at + DESK_CLOSES > c->now)
		return RC_OK;
	e->state = EPISODE_CLOSED;
	e->outcome = OUTCOME_PLACED;
	*ended = true;
	return RC_OK;
}

enum rc
episode_would_end(struct txn *t, const struct episode *e, int64_t now, bool *out)
{
	const struct key key = record_key(KIND_RESERVATION, &e->reservation);
	struct reservation r;
	enum rc rc;

	*out = e->state == EPISODE_OPEN && e->expires_at <= now;
	if (!*out || id_is_zero(&e->reservation))
		return RC_OK;
	if ((rc = record_peek(t, KIND_RESERVATION, &key, &r)) != RC_OK) {
		*out = rc == RC_NOT_FOUND;
		return *out ? RC_OK : rc;
	}
	*out = reservation_is_over(r.state) || reservation_has_expired(&r, now) ||
	    (r.state == RES_IN_STAY && r.arrived_at + DESK_CLOSES <= now);
	return RC_OK;
}

enum rc
episode_expire(struct ctx *c, const struct id *id)
{
	struct key key = record_key(KIND_EPISODE, id);
	struct episode e;
	bool ended;
	enum rc rc;

	if ((rc = record_get(c->txn, KIND_EPISODE, &key, &e)) != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	if (e.state != EPISODE_OPEN || e.expires_at > c->now)
		return RC_OK;
	if ((rc = end_by_clock(c, &e, &ended)) != RC_OK || !ended)
		return rc;
	e.closed_at = c->now;
	ctx_note(c, id, NULL, NULL);
	if ((rc = episode_store(c, &e)) != RC_OK)
		return rc;
	return tell(c, &e, EVENT_EPISODE_CLOSED);
}

enum rc
episode_describe(struct ctx *c, struct episode *e)
{
	struct key key = record_key(KIND_RESERVATION, &e->reservation);
	struct reservation r;
	enum rc rc;

	e->waiting = e->state == EPISODE_OPEN && id_is_zero(&e->desk_org);
	e->arranged = false;
	if (id_is_zero(&e->reservation))
		return RC_OK;
	rc = record_peek(c->txn, KIND_RESERVATION, &key, &r);
	if (rc == RC_NOT_FOUND) { /* every end but that of a stay cleared it: the stay is over and its detail
				     gone */
		e->arranged = true;
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	e->arranged = r.state == RES_CONFIRMED || r.state == RES_IN_STAY || r.state == RES_LEFT;
	return RC_OK;
}

enum rc
episode_list(struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count)
{
	const struct id owners[2] = { c->who->org.id, { { 0 } } }; /* the own desk, and what waits for one */
	bool desk = who_is(c, ROLE_COUNSELLOR) || who_is(c, ROLE_SHIFT_LEAD);
	struct id *ids = arena_calloc(c->arena, limit, sizeof(*ids));
	struct episode *rows = out;
	unsigned found;
	enum rc rc;

	*count = 0;
	if (!ids)
		return RC_UNAVAILABLE;
	rc = scan_rows(c, KIND_EPISODE_DESK, owners, desk ? 2 : 1, after, limit, ids, &found);
	for (unsigned i = 0; i < found && rc == RC_OK; i++) {
		struct key key = record_key(KIND_EPISODE, &ids[i]);
		if ((rc = record_peek(c->txn, KIND_EPISODE, &key, &rows[*count])) == RC_OK)
			rc = episode_describe(c, &rows[(*count)++]);
	}
	return rc == RC_NOT_FOUND ? RC_CORRUPT : rc; /* a row leads to a record, always */
}
