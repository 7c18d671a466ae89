/* SPDX-License-Identifier: Apache-2.0 */
/* People: created and changed by admins, and by managers within their own organisation and houses. */
#include <string.h>

#include "crypto/passphrase.h"
#include "service/accounts.h"
#include "service/attempts.h"
#include "service/factor.h"
#include "service/grants.h"
#include "service/scan.h"

#define HOUSE_ROLES (ROLE_BIT(ROLE_SHELTER_STAFF) | ROLE_BIT(ROLE_SHELTER_MANAGER))

static bool
may_see(const struct ctx *c, const void *record)
{
	const struct user *u = record;

	return who_is(c, ROLE_AUDITOR) || who_manages_org(c, &u->org);
}

/* Who may be changed: an admin changes all; a manager the people of the own organisation who work in the own
 * houses. */
bool
user_may_write(const struct ctx *c, const struct user *u)
{
	if (who_is(c, ROLE_ADMIN))
		return true;
	if (!id_equal(&u->org, &c->who->org.id) || (u->roles & ~HOUSE_ROLES))
		return false;
	for (unsigned i = 0; i < u->shelter_count; i++)
		if (!principal_has_shelter(c->who, &u->shelters[i]))
			return false;
	return true;
}

static enum rc
check_roles(struct ctx *c, const struct user *u, enum org_kind kind)
{
	for (unsigned r = 0; r < ROLE_COUNT; r++)
		if ((u->roles >> r & 1) && !policy_role_fits(kind, (enum role)r))
			return fault_set(
			    c->fault, RC_INVALID, MSG_ROLE_NOT_FOR_ORG, "/roles", 0, codes_role.rows[r].code);
	if ((u->roles & HOUSE_ROLES) && u->shelter_count == 0)
		return fault_set(c->fault, RC_INVALID, MSG_SHELTERS_NEEDED, "/shelters", 0, NULL);
	return RC_OK;
}

static enum rc
check_shelters(struct ctx *c, const struct user *u)
{
	for (unsigned i = 0; i < u->shelter_count; i++) {
		struct key key = record_key(KIND_SHELTER, &u->shelters[i]);
		struct shelter s;
		enum rc rc = record_get(c->txn, KIND_SHELTER, &key, &s);
		if (rc == RC_NOT_FOUND || (rc == RC_OK && !id_equal(&s.org, &u->org)))
			return fault_set(c->fault, RC_INVALID, MSG_SHELTER_UNKNOWN, "/shelters", 0, NULL);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

enum rc
user_check(struct ctx *c, const struct user *u)
{
	struct key key = record_key(KIND_ORG, &u->org);
	struct org org;
	enum rc rc = who_manages_org(c, &u->org) ? record_get(c->txn, KIND_ORG, &key, &org) : RC_NOT_FOUND;

	if (rc == RC_NOT_FOUND || (rc == RC_OK && org.retired))
		return fault_set(c->fault, RC_INVALID, MSG_ORG_UNKNOWN, "/org", 0, NULL);
	if (rc != RC_OK)
		return rc;
	if ((rc = check_roles(c, u, (enum org_kind)org.kind)) != RC_OK)
		return rc;
	return check_shelters(c, u);
}

static enum rc
check_write(struct ctx *c, const struct user *u)
{
	enum rc rc = user_check(c, u);

	if (rc == RC_OK && !user_may_write(c, u))
		return fault_set(c->fault, RC_FORBIDDEN, MSG_FORBIDDEN, NULL, 0, NULL);
	return rc;
}

/* Tokens of this very second are void too, also one that was given after an earlier sign-out in it: its time
 * is then that of tokens_from (give_token).  Never further ahead than a token's time may be. */
void
user_void_tokens(const struct ctx *c, struct user *u)
{
	int64_t last = u->tokens_from > c->now ? u->tokens_from : c->now;

	u->tokens_from = last + 1 < c->now + LIMIT_TOKEN_SKEW ? last + 1 : c->now + LIMIT_TOKEN_SKEW;
	u->token_round++;
	u->kept_token = (struct id){ { 0 } };
}

void
user_void_other_tokens(const struct ctx *c, struct user *u)
{
	user_void_tokens(c, u);
	u->kept_token = c->who->claims.jti;
}

enum rc
user_put(struct ctx *c, struct user *u)
{
	struct key key = record_key(KIND_USER, &u->id);

	u->version++;
	ctx_note(c, &u->id, NULL, NULL);
	return record_put(c->txn, KIND_USER, &key, u);
}

/* Strong enough for a first passphrase, short enough to be read out. */
char *
user_random_passphrase(struct ctx *c)
{
	static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz23456789x"; /* 32, without i, l, o, 0, 1 */
	const uint8_t *random = ctx_random(c);
	char *text = arena_alloc(c->arena, 20);

	if (!text)
		return NULL;
	for (unsigned i = 0; i < 19; i++)
		text[i] = i % 5 == 4 ? '-' : alphabet[random[i] & 31];
	text[19] = '\0';
	return text;
}

enum rc
user_fresh_passphrase(struct ctx *c, struct user *u, const char **out)
{
	char *text = user_random_passphrase(c);

	if (!text)
		return RC_UNAVAILABLE;
	u->must_change = true;
	*out = text;
	return passphrase_hash(bytes_str(text), u->verifier);
}

enum rc
user_create(struct ctx *c, struct user *u, const char **passphrase)
{
	struct reference row;
	struct key name_key;
	enum rc rc;

	u->id = row.id = ctx_id(c);
	u->created_at = c->now;
	if ((rc = check_write(c, u)) != RC_OK)
		return rc;
	if ((rc = user_name_key(c->parts->keyring, u->name, &name_key)) != RC_OK)
		return rc;
	rc = record_get(c->txn, KIND_USER_NAME, &name_key, &row);
	if (rc == RC_OK)
		return fault_set(c->fault, RC_TAKEN, MSG_NAME_TAKEN, "/name", 0, NULL);
	if (rc != RC_NOT_FOUND)
		return rc;
	row.id = u->id;
	if ((rc = record_put(c->txn, KIND_USER_NAME, &name_key, &row)) != RC_OK)
		return rc;
	if ((rc = user_fresh_passphrase(c, u, passphrase)) != RC_OK)
		return rc;
	if ((rc = grant_hold_back(c, NULL, u)) != RC_OK)
		return rc;
	return user_put(c, u);
}

enum rc
user_by_name(struct ctx *c, const char *name, struct user *out)
{
	struct reference row;
	struct key key;
	enum rc rc;

	if ((rc = user_name_key(c->parts->keyring, name, &key)) != RC_OK)
		return rc;
	if ((rc = record_get(c->txn, KIND_USER_NAME, &key, &row)) != RC_OK)
		return rc;
	key = record_key(KIND_USER, &row.id);
	return record_get(c->txn, KIND_USER, &key, out);
}

enum rc
user_load(struct ctx *c, const struct id *id, struct user *out)
{
	struct key key = record_key(KIND_USER, id);
	enum rc rc;

	if ((rc = record_get(c->txn, KIND_USER, &key, out)) != RC_OK)
		return rc;
	if (!may_see(c, out))
		return fault_set(c->fault, RC_NOT_FOUND, MSG_NOT_FOUND, NULL, 0, NULL);
	ctx_note(c, id, NULL, NULL);
	return RC_OK;
}

enum rc
user_save(struct ctx *c, const struct user *before, struct user *u)
{
	bool same_rights = before->roles == u->roles && before->shelter_count == u->shelter_count &&
	    memcmp(before->shelters, u->shelters, sizeof(u->shelters)) == 0 && before->retired == u->retired;
	enum rc rc;

	if (!user_may_write(c, before))
		return fault_set(c->fault, RC_FORBIDDEN, MSG_FORBIDDEN, NULL, 0, NULL);
	if (id_equal(&u->id, &c->who->user.id) && !same_rights)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_NOT_SELF, NULL, 0, NULL);
	if ((rc = check_write(c, u)) != RC_OK)
		return rc;
	if (!same_rights) {
		u->pending = (struct id){ { 0 } };
		user_void_tokens(c, u);
		if ((rc = grant_hold_back(c, before, u)) != RC_OK)
			return rc;
	}
	return user_put(c, u);
}

/* A reset is at once, or waits for a second person. */
static enum rc
load_for_reset(struct ctx *c, const struct id *id, enum grant_kind kind, struct user *u, bool *waits)
{
	enum rc rc;

	*waits = false;
	if ((rc = user_load(c, id, u)) != RC_OK)
		return rc;
	if (!user_may_write(c, u))
		return fault_set(c->fault, RC_FORBIDDEN, MSG_FORBIDDEN, NULL, 0, NULL);
	*waits = grant_is_needed(c, u);
	return *waits ? grant_ask(c, kind, u) : RC_OK;
}

enum rc
user_reset_passphrase(struct ctx *c, const struct id *id, struct passphrase_reply *out)
{
	struct user u;
	bool waits;
	enum rc rc;

	*out = (struct passphrase_reply){ .user = *id };
	if ((rc = load_for_reset(c, id, GRANT_PASSPHRASE, &u, &waits)) != RC_OK)
		return rc;
	out->grant = u.pending;
	if (waits)
		return user_put(c, &u);
	if ((rc = user_fresh_passphrase(c, &u, &out->passphrase)) != RC_OK)
		return rc;
	user_void_tokens(c, &u);
	return user_put(c, &u);
}

enum rc
user_reset_factor(struct ctx *c, const struct id *id, struct user *u)
{
	bool waits;
	enum rc rc;

	if ((rc = load_for_reset(c, id, GRANT_FACTOR, u, &waits)) != RC_OK)
		return rc;
	if (!u->second_factor)
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_FACTOR_NONE, NULL, 0, NULL);
	if (!waits) {
		user_void_tokens(c, u);
		if ((rc = factor_forget(c, u)) != RC_OK)
			return rc;
	}
	return user_put(c, u);
}

enum rc
user_retire(struct ctx *c, struct user *u)
{
	u->retired = true;
	u->pending = (struct id){ { 0 } };
	user_void_tokens(c, u);
	return user_put(c, u);
}

enum rc
user_sign_out(struct ctx *c, const struct id *id)
{
	struct user u;
	enum rc rc;

	if ((rc = user_load(c, id, &u)) != RC_OK)
		return rc;
	if (!user_may_write(c, &u))
		return fault_set(c->fault, RC_FORBIDDEN, MSG_FORBIDDEN, NULL, 0, NULL);
	user_void_tokens(c, &u);
	return user_put(c, &u);
}

enum rc
sign_out_everywhere(struct ctx *c)
{
	struct user u = c->who->user;

	user_void_tokens(c, &u);
	return user_put(c, &u);
}

enum rc
user_list(struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count)
{
	return scan_page(c, KIND_USER, sizeof(struct user), after, may_see, limit, out, count);
}

enum rc
passphrase_change(struct ctx *c, const struct passphrase_change *in)
{
	struct attempts_of tries;
	struct user u = c->who->user;
	enum rc rc;

	/* who has come by an open session must not find the passphrase out here */
	if ((rc = attempts_open(c, u.name, &tries)) != RC_OK)
		return rc;
	if ((rc = passphrase_verify(bytes_str(in->old_passphrase), u.verifier)) == RC_BAD_LOGIN)
		return attempts_wrong(c, &tries, RC_BAD_LOGIN, MSG_BAD_LOGIN);
	if (rc != RC_OK || (rc = attempts_right(c, &tries)) != RC_OK)
		return rc;
	if (bytes_equal(bytes_str(in->old_passphrase), bytes_str(in->new_passphrase)))
		return fault_set(c->fault, RC_INVALID, MSG_PASSPHRASE_SAME, "/new_passphrase", 0, NULL);
	if ((rc = passphrase_hash(bytes_str(in->new_passphrase), u.verifier)) != RC_OK)
		return rc;
	u.must_change = false;
	user_void_other_tokens(
	    c, &u); /* who knew the old one, a first one above all, may have signed in with it */
	return user_put(c, &u);
}
