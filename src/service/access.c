/* SPDX-License-Identifier: Apache-2.0 */
/* Whose is it: the second half of need-to-know, after the policy table. */
#include <string.h>

#include "service/access.h"
#include "service/episodes.h"

bool
who_is(const struct ctx *c, enum role role)
{
	return (c->who->roles & ROLE_BIT(role)) != 0;
}

bool
who_manages_org(const struct ctx *c, const struct id *org)
{
	return who_is(c, ROLE_ADMIN) || id_equal(&c->who->org.id, org);
}

static bool
is_desk(const struct ctx *c)
{
	return who_is(c, ROLE_COUNSELLOR) || who_is(c, ROLE_SHIFT_LEAD);
}

enum rc
access_shelter(struct ctx *c, const struct id *shelter, bool admin_too, struct shelter *out)
{
	struct key key = record_key(KIND_SHELTER, shelter);

	if (!principal_has_shelter(c->who, shelter) && !(admin_too && who_is(c, ROLE_ADMIN)))
		return fault_set(c->fault, RC_NOT_FOUND, MSG_NOT_FOUND, NULL, 0, NULL);
	ctx_note(c, shelter, shelter, NULL);
	return record_get(c->txn, KIND_SHELTER, &key, out);
}

enum rc
access_house(struct ctx *c, const struct id *shelter, struct shelter *s, struct house *h)
{
	struct key key = record_key(KIND_HOUSE, shelter);
	enum rc rc;

	if ((rc = access_shelter(c, shelter, false, s)) != RC_OK)
		return rc;
	return record_get(c->txn, KIND_HOUSE, &key, h);
}

/* Counts at once, before the timer has written it; like the timer it spares who was promised a place. */
static enum rc
note_expiry(struct ctx *c, struct episode *e)
{
	bool is_live;
	enum rc rc;

	if (e->state != EPISODE_OPEN || e->expires_at > ctx_sure(c))
		return RC_OK;
	if ((rc = episode_has_live_reservation(c, e, &is_live)) == RC_OK && !is_live)
		e->state = EPISODE_EXPIRED;
	return rc;
}

enum rc
access_episode(struct ctx *c, const struct id *episode, struct episode *out)
{
	struct key key = record_key(KIND_EPISODE, episode);
	const struct id *org = &c->who->org.id;
	enum rc rc;

	if ((rc = record_get(c->txn, KIND_EPISODE, &key, out)) != RC_OK)
		return rc;
	bool own = id_equal(&out->desk_org, org) || id_equal(&out->opener_org, org);
	bool waits = id_is_zero(&out->desk_org) && is_desk(c);
	if (!own && !waits)
		return fault_set(c->fault, RC_NOT_FOUND, MSG_NOT_FOUND, NULL, 0, NULL);
	if ((rc = note_expiry(c, out)) != RC_OK)
		return rc;
	ctx_note(c, episode, NULL, NULL);
	return RC_OK;
}

enum rc
access_open_episode(struct ctx *c, const struct id *episode, struct episode *out)
{
	enum rc rc;

	if ((rc = access_episode(c, episode, out)) != RC_OK)
		return rc;
	if (!id_equal(&out->desk_org, &c->who->org.id))
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_EPISODE_NOT_TAKEN, NULL, 0, NULL);
	if (out->state != EPISODE_OPEN)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_EPISODE_OVER, NULL, 0, NULL);
	return RC_OK;
}

enum rc
access_reservation(
    struct ctx *c, const struct id *reservation, struct reservation *out, enum reservation_actor *actor)
{
	struct key key = record_key(KIND_RESERVATION, reservation);
	enum rc rc;

	if ((rc = record_get(c->txn, KIND_RESERVATION, &key, out)) != RC_OK)
		return rc;
	if (is_desk(c) && id_equal(&out->desk_org, &c->who->org.id)) {
		*actor = ACTOR_DESK;
	} else if (principal_has_shelter(c->who, &out->shelter)) {
		*actor = ACTOR_HOUSE;
	} else {
		return fault_set(c->fault, RC_NOT_FOUND, MSG_NOT_FOUND, NULL, 0, NULL);
	}
	ctx_note(c, reservation, &out->shelter, NULL);
	return RC_OK;
}

enum rc
access_name(struct ctx *c, const struct id *id, const char **out)
{
	struct key key = record_key(KIND_USER, id);
	struct user *user = arena_alloc(c->arena, sizeof(*user));
	enum rc rc;

	if (!user)
		return RC_UNAVAILABLE;
	if ((rc = record_peek(c->txn, KIND_USER, &key, user)) == RC_OK)
		*out = user->name;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}
