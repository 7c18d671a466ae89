/* SPDX-License-Identifier: Apache-2.0 */
/* The short life of a break-glass: asked, agreed by a second person, told once; or lapsed. */
#include "domain/break_glass.h"

enum rc
break_glass_check(const struct reservation *r, int64_t now, struct fault *f)
{
	if (reservation_has_expired(r, now))
		return fault_set(f, RC_HOLD_EXPIRED, MSG_HOLD_EXPIRED, NULL, 0, NULL);
	if (r->state != RES_REQUESTED && r->state != RES_CONFIRMED && r->state != RES_IN_STAY)
		return fault_set(f, RC_STATE_CONFLICT, MSG_STATE_CONFLICT, NULL, 0, NULL);
	return RC_OK;
}

static bool
goes_on(int64_t from, int64_t seconds, int64_t now)
{
	return now >= from - BREAK_GLASS_AHEAD && now < from + seconds;
}

enum break_glass_state
break_glass_state(const struct break_glass *b, int64_t now)
{
	if (b->told_at != 0)
		return GLASS_TOLD;
	if (b->approved_at != 0)
		return goes_on(b->approved_at, BREAK_GLASS_USE, now) ? GLASS_APPROVED : GLASS_LAPSED;
	return goes_on(b->asked_at, BREAK_GLASS_APPROVE, now) ? GLASS_ASKED : GLASS_LAPSED;
}

int64_t
break_glass_until(const struct break_glass *b, int64_t now)
{
	const enum break_glass_state state = break_glass_state(b, now);

	if (state == GLASS_ASKED)
		return b->asked_at + BREAK_GLASS_APPROVE;
	return state == GLASS_APPROVED ? b->approved_at + BREAK_GLASS_USE : 0;
}

/* Another device too: who sits at an unlocked one with two passphrases is still one person. */
enum rc
break_glass_agree(
    struct break_glass *b, const struct id *user, const struct id *device, int64_t now, struct fault *f)
{
	if (id_equal(&b->user, user) || id_equal(&b->device, device))
		return fault_set(f, RC_FORBIDDEN, MSG_GLASS_SECOND, NULL, 0, NULL);
	if (break_glass_state(b, now) != GLASS_ASKED)
		return fault_set(f, RC_STATE_CONFLICT, MSG_GLASS_LAPSED, NULL, 0, NULL);
	b->second = *user;
	b->second_device = *device;
	b->approved_at = now > b->asked_at ? now : b->asked_at;
	b->version++;
	return RC_OK;
}

enum rc
break_glass_use(
    struct break_glass *b, const struct id *user, const struct id *disclosure, int64_t now, struct fault *f)
{
	const enum break_glass_state state = break_glass_state(b, now);

	if (!id_equal(&b->user, user))
		return fault_set(f, RC_FORBIDDEN, MSG_GLASS_NOT_YOURS, NULL, 0, NULL);
	if (state == GLASS_ASKED)
		return fault_set(f, RC_STATE_CONFLICT, MSG_GLASS_WAITS, NULL, 0, NULL);
	if (state != GLASS_APPROVED)
		return fault_set(f, RC_STATE_CONFLICT, MSG_GLASS_LAPSED, NULL, 0, NULL);
	b->disclosure = *disclosure;
	b->told_at = now > b->approved_at ? now : b->approved_at;
	b->version++;
	return RC_OK;
}

static bool
is_between(int64_t at, int64_t from, int64_t seconds)
{
	return at >= from && at < from + seconds;
}

bool
break_glass_backs(const struct break_glass *b, const struct id *disclosure, const struct id *shelter,
    const struct id *user, int64_t at)
{
	if (id_is_zero(&b->second) || id_is_zero(&b->second_device) || id_equal(&b->user, &b->second) ||
	    id_equal(&b->device, &b->second_device))
		return false;
	if (!id_equal(&b->disclosure, disclosure) || !id_equal(&b->shelter, shelter) ||
	    !id_equal(&b->user, user))
		return false;
	return b->told_at == at && is_between(b->approved_at, b->asked_at, BREAK_GLASS_APPROVE) &&
	    is_between(b->told_at, b->approved_at, BREAK_GLASS_USE);
}
