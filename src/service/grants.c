/* SPDX-License-Identifier: Apache-2.0 */
/* Asking and deciding. */
#include "service/grants.h"

#include <string.h>

#include "service/accounts.h"
#include "service/factor.h"
#include "service/scan.h"

#define HOUSE_ROLES (ROLE_BIT(ROLE_SHELTER_STAFF) | ROLE_BIT(ROLE_SHELTER_MANAGER))
#define DESK_ROLES  (ROLE_BIT(ROLE_COUNSELLOR) | ROLE_BIT(ROLE_SHIFT_LEAD))
#define GUARDED     (HOUSE_ROLES | DESK_ROLES | ROLE_BIT(ROLE_ADMIN))

bool
grants_guard(uint32_t roles)
{
	return (roles & GUARDED) != 0;
}

/* ---- asking ---- */

static enum rc
put(struct ctx *c, const struct grant *g)
{
	struct key key = record_key(KIND_GRANT, &g->id);

	return record_put(c->txn, KIND_GRANT, &key, g);
}

static enum rc
ask(struct ctx *c, enum grant_kind kind, const struct user *wanted, struct user *u)
{
	struct grant g = { .id = ctx_id(c),
		.kind = (uint8_t)kind,
		.state = GRANT_PENDING,
		.user = u->id,
		.org = u->org,
		.roles = wanted->roles,
		.shelter_count = wanted->shelter_count,
		.asked_by = c->who->user.id,
		.asked_device = c->who->device.id,
		.asked_at = c->now,
		.until = c->now + LIMIT_GRANT };

	memcpy(g.shelters, wanted->shelters, sizeof(g.shelters));
	u->pending = g.id; /* an older one counts no more */
	return put(c, &g);
}

static bool
works_in(const struct user *u, const struct id *shelter)
{
	for (unsigned i = 0; i < u->shelter_count; i++)
		if (id_equal(&u->shelters[i], shelter))
			return true;
	return false;
}

/* Leave ${u} the houses that ${before} had; true if one is gone. */
static bool
keep_houses(const struct user *before, struct user *u)
{
	unsigned kept = 0, had = u->shelter_count;

	for (unsigned i = 0; i < had; i++)
		if (works_in(before, &u->shelters[i]))
			u->shelters[kept++] = u->shelters[i];
	u->shelter_count = (uint8_t)kept;
	memset(&u->shelters[kept], 0, sizeof(u->shelters[0]) * (USER_SHELTERS - kept));
	return kept < had;
}

enum rc
grant_hold_back(struct ctx *c, const struct user *before, struct user *u)
{
	const struct user nobody = { .retired = false };
	const struct user wanted = *u;
	bool gains;

	if (c->is_offline || u->retired)
		return RC_OK;
	if (!before)
		before = &nobody;
	if (before->retired) { /* coming back is gaining all */
		gains = grants_guard(u->roles);
		if (gains)
			*u = *before;
	} else {
		gains = grants_guard(u->roles & ~before->roles);
		u->roles &= before->roles | ~(uint32_t)GUARDED;
		gains |= keep_houses(before, u) && (wanted.roles & HOUSE_ROLES);
	}
	return gains ? ask(c, GRANT_RIGHTS, &wanted, u) : RC_OK;
}

/* Rights that wait are rights: else the reset is made first and agreed to afterwards. */
bool
grant_is_needed(const struct ctx *c, const struct user *u)
{
	return !c->is_offline && (grants_guard(u->roles) || !id_is_zero(&u->pending));
}

enum rc
grant_ask(struct ctx *c, enum grant_kind kind, struct user *u)
{
	return ask(c, kind, u, u);
}

/* ---- who may decide ---- */

/* The lead of a desk knows its people: new counsellors, and resets of the own team. */
static bool
leads(const struct ctx *c, const struct user *u, const struct grant *g)
{
	uint32_t most = g->kind == GRANT_RIGHTS ? ROLE_BIT(ROLE_COUNSELLOR) : DESK_ROLES;

	return who_is(c, ROLE_SHIFT_LEAD) && id_equal(&u->org, &c->who->org.id) &&
	    !((u->roles | g->roles) & GUARDED & ~most);
}

static bool
may_decide(const struct ctx *c, const struct user *u, const struct grant *g)
{
	struct user then = *u;

	then.roles |= g->roles;
	if (g->kind == GRANT_RIGHTS) {
		then.shelter_count = g->shelter_count;
		memcpy(then.shelters, g->shelters, sizeof(then.shelters));
	}
	return (user_may_write(c, u) && user_may_write(c, &then)) || leads(c, u, g);
}

static bool
asked(const struct ctx *c, const struct grant *g)
{
	return id_equal(&g->asked_by, &c->who->user.id);
}

static enum rc
load(struct ctx *c, const struct id *id, struct grant *g, struct user *u)
{
	struct key key = record_key(KIND_GRANT, id), user_key;
	enum rc rc;

	if ((rc = record_get(c->txn, KIND_GRANT, &key, g)) != RC_OK)
		return rc;
	user_key = record_key(KIND_USER, &g->user);
	if ((rc = record_get(c->txn, KIND_USER, &user_key, u)) != RC_OK)
		return rc;
	if (!may_decide(c, u, g) && !asked(c, g))
		return fault_set(c->fault, RC_NOT_FOUND, MSG_NOT_FOUND, NULL, 0, NULL);
	ctx_note(c, &g->user, NULL, codes_grant_kind.rows[g->kind].code);
	if (g->state != GRANT_PENDING || g->until <= c->now || !id_equal(&u->pending, &g->id))
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_GRANT_OVER, NULL, 0, NULL);
	return RC_OK;
}

/* ---- deciding ---- */

static void
show(const struct grant *g, const struct user *u, struct grant_view *out)
{
	*out = (struct grant_view){ .id = g->id,
		.kind = g->kind,
		.state = g->state,
		.user = g->user,
		.org = g->org,
		.roles = g->roles,
		.shelter_count = g->shelter_count,
		.asked_by = g->asked_by,
		.asked_at = g->asked_at,
		.until = g->until,
		.decided_by = g->decided_by,
		.decided_at = g->decided_at };
	(void)str_copy(out->name, sizeof(out->name), u->name);
	memcpy(out->shelters, g->shelters, sizeof(out->shelters));
}

static enum rc
decide(struct ctx *c, enum grant_state state, struct grant *g, struct user *u)
{
	enum rc rc;

	g->state = (uint8_t)state;
	g->decided_by = c->who->user.id;
	g->decided_at = c->now;
	u->pending = (struct id){ { 0 } };
	if ((rc = put(c, g)) != RC_OK)
		return rc;
	return user_put(c, u);
}

static enum rc
take_effect(struct ctx *c, const struct grant *g, struct user *u, const char **passphrase)
{
	user_void_tokens(c, u);
	if (g->kind == GRANT_PASSPHRASE)
		return user_fresh_passphrase(c, u, passphrase);
	if (g->kind == GRANT_FACTOR)
		return factor_forget(c, u);
	u->roles = g->roles;
	u->shelter_count = g->shelter_count;
	memcpy(u->shelters, g->shelters, sizeof(u->shelters));
	u->retired = false;
	return user_check(c, u); /* the organisation or a house may have been retired meanwhile */
}

enum rc
grant_approve(struct ctx *c, const struct id *id, struct grant_view *out)
{
	const char *passphrase = NULL;
	struct grant g;
	struct user u;
	enum rc rc;

	if ((rc = load(c, id, &g, &u)) != RC_OK)
		return rc;
	if (asked(c, &g) || id_equal(&g.asked_device, &c->who->device.id) ||
	    id_equal(&g.user, &c->who->user.id) || !may_decide(c, &u, &g))
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_GRANT_OTHER, NULL, 0, NULL);
	if ((rc = take_effect(c, &g, &u, &passphrase)) != RC_OK)
		return rc;
	rc = decide(c, GRANT_APPROVED, &g, &u);
	show(&g, &u, out);
	out->passphrase = passphrase;
	return rc;
}

enum rc
grant_refuse(struct ctx *c, const struct id *id, struct grant_view *out)
{
	struct grant g;
	struct user u;
	enum rc rc;

	if ((rc = load(c, id, &g, &u)) != RC_OK)
		return rc;
	if (id_equal(&g.user, &c->who->user.id)) /* it is not for the person herself to decide, either way */
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_GRANT_OTHER, NULL, 0, NULL);
	rc = decide(c, GRANT_REFUSED, &g, &u);
	show(&g, &u, out);
	return rc;
}

/* ---- what waits ---- */

struct waiting {
	struct ctx *c;
	const struct id *after;
	struct grant_view *out;
	unsigned limit, count;
	enum rc rc;
};

static bool
take_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct waiting *w = arg;
	struct key user_key;
	struct grant g;
	struct user u;

	(void)key;
	(void)rev;
	if ((w->rc = record_decode(KIND_GRANT, value, &g)) != RC_OK)
		return false;
	if (memcmp(g.id.b, w->after->b, ID_BYTES) <= 0 || g.state != GRANT_PENDING || g.until <= w->c->now)
		return true;
	user_key = record_key(KIND_USER, &g.user);
	if ((w->rc = record_peek(w->c->txn, KIND_USER, &user_key, &u)) != RC_OK)
		return false;
	if (id_equal(&u.pending, &g.id) && (asked(w->c, &g) || may_decide(w->c, &u, &g)))
		show(&g, &u, &w->out[w->count++]);
	return w->count < w->limit;
}

enum rc
grant_list(struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count)
{
	struct waiting w = { .c = c, .after = after, .out = out, .limit = limit };
	struct key from = record_key(KIND_GRANT, after), prefix = key_kind(from.b[0]);
	enum rc rc = txn_scan(c->txn, &prefix, &from, take_one, &w);

	*count = w.count;
	return rc == RC_OK ? w.rc : rc;
}
