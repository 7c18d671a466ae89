/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: given for a passphrase on an enrolled device of the person's own organisation, renewed, signed out.
 */
#include <string.h>

#include "crypto/passphrase.h"
#include "service/accounts.h"
#include "service/attempts.h"
#include "service/factor.h"

static enum rc
give_token(struct ctx *c, const struct user *u, struct token_reply *out)
{
	/* "sign out everywhere" voids its own second too, so a token of that second counts from the next;
	 * what a clock that ran ahead has voided waits for no time (is_void) */
	const bool is_next = u->tokens_from > c->now && u->tokens_from <= c->now + LIMIT_TOKEN_SKEW;
	struct claims claims = { .jti = ctx_id(c),
		.user = u->id,
		.device = c->who->device.id,
		.issued_at = is_next ? u->tokens_from : c->now,
		.expires_at = c->now + LIMIT_TOKEN_LIFE,
		.round = principal_round(u) };
	enum rc rc;

	memcpy(claims.cert, c->who->device.fingerprint, sizeof(claims.cert));
	if ((rc = auth_issue(c->parts->auth, &claims, c->arena, &out->access_token)) != RC_OK)
		return rc;
	out->token_type = "Bearer";
	out->expires_in = LIMIT_TOKEN_LIFE;
	out->must_change = u->must_change;
	ctx_note(c, &u->id, NULL, NULL);
	c->audit.user = u->id;
	return RC_OK;
}

/* Only who knows the passphrase learns that there is a second factor.  A code that is missing is no guess. */
static enum rc
ask_for_code(struct ctx *c, const struct user *u, const char *code, struct attempts_of *tries)
{
	enum rc rc;

	if (!u->second_factor)
		return RC_OK;
	if (*code == '\0')
		return RC_CODE_REQUIRED;
	rc = factor_prove(c, u, code);
	return rc == RC_BAD_LOGIN ? attempts_wrong(c, tries, RC_CODE_REQUIRED, MSG_CODE_WRONG) : rc;
}

enum rc
sign_in(struct ctx *c, const struct sign_in *in, struct token_reply *out)
{
	struct attempts_of tries;
	struct user u;
	enum rc rc;

	if ((rc = attempts_open(c, in->user, &tries)) != RC_OK)
		return rc;
	rc = user_by_name(c, in->user, &u);
	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	/* the same work whether or not the person exists, so that time tells nothing */
	enum rc right = passphrase_verify(bytes_str(in->passphrase), rc == RC_OK ? u.verifier : NULL);
	bool welcome = rc == RC_OK && right == RC_OK && !u.retired && id_equal(&u.org, &c->who->org.id);
	if (right != RC_OK && right != RC_BAD_LOGIN)
		return right; /* no memory for the hash: nobody's mistake */
	if (!welcome)
		return attempts_wrong(c, &tries, RC_BAD_LOGIN, MSG_BAD_LOGIN);
	if ((rc = ask_for_code(c, &u, in->code, &tries)) != RC_OK || c->refused != RC_OK)
		return rc;
	if ((rc = attempts_right(c, &tries)) != RC_OK)
		return rc;
	return give_token(c, &u, out);
}

enum rc
sign_renew(struct ctx *c, struct token_reply *out)
{
	if (c->who->claims.is_outside) /* or a token of ours would outlive what its issuer gave */
		return RC_FORBIDDEN;
	return give_token(c, &c->who->user, out);
}

enum rc
sign_out(struct ctx *c)
{
	struct key key = record_key(KIND_REVOKED_TOKEN, &c->who->claims.jti);
	struct revoked_token row = { .until = c->who->claims.expires_at };

	ctx_note(c, &c->who->user.id, NULL, NULL);
	return record_put(c->txn, KIND_REVOKED_TOKEN, &key, &row);
}
