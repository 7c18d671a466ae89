/* SPDX-License-Identifier: Apache-2.0 */
/* The grounds in their order; the first that is missing is the answer. */
#include "vault/grounds.h"

#include "domain/policy.h"

const char *
ground_word(enum ground ground)
{
	static const char *const words[GROUND_COUNT] = {
#define X(name, word) [GROUND_##name] = (word),
		GROUNDS(X)
#undef X
	};

	return words[ground];
}

bool
grounds_is_own(const struct disclosure *d)
{
	return d->reason == CODE_NONE && id_is_zero(&d->reservation) && id_is_zero(&d->break_glass);
}

/* Half of the time is left to the commit and the queue; from the future it cannot come any more. */
bool
grounds_is_timely(int64_t at, int64_t now)
{
	return at <= now + GROUNDS_SKEW && at >= now - GROUNDS_FRESH / 2;
}

static enum ground
check_record(const struct disclosure *d, const struct id *house, const struct id *disclosure, int64_t now)
{
	if (d == NULL || !id_equal(&d->id, disclosure))
		return GROUND_NO_RECORD;
	if (!id_equal(&d->shelter, house))
		return GROUND_OTHER_HOUSE;
	if (d->at > now + GROUNDS_SKEW)
		return GROUND_FROM_THE_FUTURE;
	if (d->at < now - GROUNDS_FRESH)
		return GROUND_TOO_OLD;
	return d->until <= now ? GROUND_OVER : GROUND_GOOD;
}

/* Who is told must be somebody who may be, at this moment, on a device that is let in. */
static enum ground
check_teller(const struct evidence *e, enum permission permission, int64_t now)
{
	const struct disclosure *d = e->disclosure;
	const struct user *u = e->teller;

	if (u == NULL || u->retired || !id_equal(&u->id, &d->user) || !id_equal(&u->org, &d->org))
		return GROUND_NO_PERSON;
	if (!policy_allows(u->roles, permission))
		return GROUND_NOT_THEIR_RIGHT;
	if (e->device == NULL || !id_equal(&e->device->id, &d->device) || e->device->revoked_at != 0 ||
	    e->device->not_after <= now)
		return GROUND_NO_DEVICE;
	return GROUND_GOOD;
}

static enum ground
check_own(const struct evidence *e)
{
	const struct user *u = e->teller;

	for (unsigned i = 0; i < u->shelter_count; i++)
		if (id_equal(&u->shelters[i], &e->disclosure->shelter))
			return GROUND_GOOD;
	return GROUND_NOT_THEIR_HOUSE;
}

static enum ground
check_desk(const struct evidence *e)
{
	const struct reservation *r = e->reservation;

	if (r->state != RES_CONFIRMED)
		return GROUND_NOT_CONFIRMED;
	if (!id_equal(&r->desk_user, &e->disclosure->user))
		return GROUND_NOT_THEIRS;
	return r->disclosures == 0 ? GROUND_NOT_COUNTED : GROUND_GOOD;
}

/* The second person is looked up too: one who has left, or never could agree, backs nothing. */
static enum ground
check_glass(const struct evidence *e, int64_t now)
{
	const struct disclosure *d = e->disclosure;
	const struct break_glass *b = e->glass;
	const struct user *second = e->second;

	if (b == NULL || !id_equal(&b->id, &d->break_glass) || !id_equal(&b->org, &d->org) ||
	    !id_equal(&b->reservation, &d->reservation))
		return GROUND_GLASS_NOT_BACKED;
	if (!break_glass_backs(b, &d->id, &d->shelter, &d->user, d->at))
		return GROUND_GLASS_NOT_BACKED;
	if (second == NULL || second->retired || !id_equal(&second->id, &b->second) ||
	    !id_equal(&second->org, &b->org) || !policy_allows(second->roles, PERM_BREAK_GLASS_SECOND))
		return GROUND_GLASS_NOT_BACKED;
	return break_glass_check(e->reservation, now, NULL) == RC_OK ? GROUND_GOOD : GROUND_NOT_CONFIRMED;
}

static enum ground
check_reservation(const struct evidence *e)
{
	const struct disclosure *d = e->disclosure;
	const struct reservation *r = e->reservation;

	if (r == NULL || !id_equal(&r->id, &d->reservation))
		return GROUND_NO_RESERVATION;
	if (!id_equal(&r->shelter, &d->shelter) || !id_equal(&r->desk_org, &d->org))
		return GROUND_OTHER_RESERVATION;
	return GROUND_GOOD;
}

/* The right that a person needs for this kind of telling. */
static enum permission
right_for(const struct disclosure *d)
{
	if (!id_is_zero(&d->break_glass))
		return PERM_BREAK_GLASS;
	return grounds_is_own(d) ? PERM_LOCATION_OWN : PERM_DISCLOSE;
}

enum ground
grounds_check(const struct evidence *e, const struct id *house, const struct id *disclosure, int64_t now)
{
	enum ground ground = check_record(e->disclosure, house, disclosure, now);

	if (ground != GROUND_GOOD)
		return ground;
	if ((ground = check_teller(e, right_for(e->disclosure), now)) != GROUND_GOOD)
		return ground;
	if (grounds_is_own(e->disclosure))
		return check_own(e);
	if ((ground = check_reservation(e)) != GROUND_GOOD)
		return ground;
	return id_is_zero(&e->disclosure->break_glass) ? check_desk(e) : check_glass(e, now);
}
