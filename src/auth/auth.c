/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: issued, and checked in three steps.  Form (our header to the byte, alphabet, length: libjwt takes
 * more), then signature and claims, which are remembered, then what may change from one request to the next.
 * Reads no record.
 */
#include "auth/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/claims.h"
#include "auth/jwt.h"
#include "base/jw.h"
#include "base/secret.h"
#include "crypto/digest.h"

#define ISSUER     "menedek"
#define KID        8u /* bytes of the public key's digest */
#define HEADER_CAP 128u
#define CLAIMS_CAP 1024u
#define AUDIENCE   256u

struct auth {
	struct secret *key; /* PEM with its NUL */
	struct pem public_key;
	char kid[2 * KID + 1];
	char header[HEADER_CAP]; /* what each token of ours begins with, the dot included */
	size_t header_len;
	char audience[AUDIENCE];
	struct verified *verified;
};

/* ---- issuing ---- */

static void
write_claims(struct jw *w, const struct auth *auth, const struct claims *c)
{
	char binding[BASE64URL_LEN(sizeof(c->cert)) + 1];

	base64url_format(c->cert, sizeof(c->cert), binding);
	jw_open(w, '{');
	jw_field_string(w, "iss", ISSUER);
	jw_field_string(w, "aud", auth->audience);
	jw_field_id(w, "jti", &c->jti);
	jw_field_id(w, "sub", &c->user);
	jw_field_id(w, "dev", &c->device);
	jw_field_int(w, "iat", c->issued_at);
	jw_field_int(w, "nbf", c->issued_at);
	jw_field_int(w, "exp", c->expires_at);
	if (c->round != 0)
		jw_field_int(w, "rnd", c->round);
	jw_name(w, "cnf");
	jw_open(w, '{');
	jw_field_string(w, CLAIM_BINDING, binding);
	jw_close(w, '}');
	jw_close(w, '}');
}

enum rc
auth_issue(struct auth *auth, const struct claims *c, struct arena *arena, const char **out)
{
	char text[CLAIMS_CAP], *token = NULL;
	struct jw w;
	enum rc rc;

	*out = NULL;
	jw_init(&w, text, sizeof(text) - 1);
	write_claims(&w, auth, c);
	if (w.overflow)
		return RC_INTERNAL;
	text[w.len] = '\0';
	if ((rc = jwt_es256_sign((const char *)secret_view(auth->key), auth->kid, text, &token)) != RC_OK)
		return rc;
	if (!(*out = arena_strndup(arena, token, strlen(token))))
		rc = RC_TOO_BIG;
	wipe(token, strlen(token));
	free(token);
	return rc;
}

/* ---- form ---- */

static bool
has_our_head(const struct auth *auth, struct bytes token)
{
	return token.len > auth->header_len && token.len <= LIMIT_TOKEN &&
	    memcmp(token.p, auth->header, auth->header_len) == 0;
}

/* ---- claims ---- */

static bool
read_id(const json *claims, const char *name, struct id *out)
{
	const char *text = json_string(json_get(claims, name));

	return id_parse(text, strlen(text), out) && !id_is_zero(out);
}

/* Everything that does not depend on the time of asking nor on who asks. */
static bool
read_claims(const struct auth *auth, const json *claims, struct token *out)
{
	struct claims *c = &out->claims;

	if (!claim_is(claims, "iss", ISSUER) || !claim_is(claims, "aud", auth->audience))
		return false;
	if (!read_id(claims, "jti", &c->jti) || !read_id(claims, "sub", &c->user) ||
	    !read_id(claims, "dev", &c->device))
		return false;
	if (!claim_time(claims, "iat", &c->issued_at) || !claim_time(claims, "nbf", &out->not_before) ||
	    !claim_time(claims, "exp", &c->expires_at))
		return false;
	if (json_get(claims, "rnd") && !claim_whole(claims, "rnd", &c->round))
		return false;
	return c->expires_at - c->issued_at <= LIMIT_TOKEN_LIFE && claim_binding(claims, c->cert);
}

static enum rc
read_payload(const struct auth *auth, struct bytes payload, struct token *out)
{
	json *claims;
	enum rc rc = token_read_part(payload, &claims);

	if (rc == RC_OK && !read_claims(auth, claims, out))
		rc = RC_BAD_TOKEN;
	json_free(claims);
	return rc;
}

/* ---- checking ---- */

/* The signature first: nothing of a stranger's text is read as claims. */
static enum rc
open_token(struct auth *auth, struct bytes token, const struct token_text *parts, struct token *out)
{
	char text[LIMIT_TOKEN + 1];
	enum rc rc;

	memcpy(text, token.p, token.len);
	text[token.len] = '\0';
	if ((rc = jwt_es256_check(auth->public_key.text, text)) == RC_OK)
		rc = read_payload(auth, parts->payload, out);
	wipe(text, token.len);
	return rc;
}

enum rc
auth_verify(
    struct auth *auth, struct bytes token, const uint8_t fingerprint[32], int64_t now, struct claims *out)
{
	struct token_text parts;
	uint8_t key[DIGEST_BYTES];
	struct token t = { .not_before = 0 };
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (!has_our_head(auth, token))
		return RC_BAD_TOKEN;
	digest(token, key);
	/* a text that is known was taken apart when it was verified */
	if (!verified_find(auth->verified, key, &t)) {
		if (!token_split(token, &parts))
			return RC_BAD_TOKEN;
		if ((rc = open_token(auth, token, &parts, &t)) != RC_OK)
			return rc;
		verified_add(auth->verified, key, &t);
	}
	if (!token_counts(&t, fingerprint, now))
		return RC_BAD_TOKEN;
	*out = t.claims;
	return RC_OK;
}

/* ---- life ---- */

/* Made by us, not learnt from a token: libjwt sorts its headers, and prove() sees to it that it still does.
 */
static void
set_header(struct auth *auth)
{
	uint8_t print[DIGEST_BYTES];
	char text[HEADER_CAP];
	int len;

	digest(bytes_str(auth->public_key.text), print);
	hex_format(print, KID, auth->kid);
	len = snprintf(
	    text, sizeof(text), "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"" JWT_TYPE "\"}", auth->kid);
	auth->header_len = base64url_format((const uint8_t *)text, (size_t)len, auth->header);
	auth->header[auth->header_len++] = '.';
}

/* A key that cannot sign what we accept is found at the start and not at the first sign-in. */
static enum rc
prove(struct auth *auth)
{
	const struct claims c = {
		.jti = id_new(), .user = id_new(), .device = id_new(), .issued_at = 1, .expires_at = 2
	};
	struct arena *arena = arena_new(LIMIT_TOKEN);
	struct claims seen;
	const char *token;
	enum rc rc = RC_UNAVAILABLE;

	if (!arena)
		return rc;
	if ((rc = auth_issue(auth, &c, arena, &token)) == RC_OK)
		rc = auth_verify(auth, bytes_str(token), c.cert, 1, &seen);
	if (rc == RC_OK && !id_equal(&seen.jti, &c.jti))
		rc = RC_INTERNAL;
	arena_free(arena);
	return rc;
}

static enum rc
set_up(struct auth *auth, const struct pem *key, const char *audience)
{
	const size_t len = strnlen(key->text, sizeof(key->text));
	enum rc rc;

	if (len == sizeof(key->text) || !str_copy(auth->audience, sizeof(auth->audience), audience))
		return RC_INVALID;
	if ((rc = ca_key_public(key, &auth->public_key)) != RC_OK)
		return rc;
	if (!(auth->key = secret_new(len + 1)) || !(auth->verified = verified_new()))
		return RC_UNAVAILABLE;
	memcpy(secret_bytes(auth->key), key->text, len);
	set_header(auth);
	return prove(auth);
}

enum rc
auth_new(const struct pem *key, const char *audience, struct auth **out, struct fault *f)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	enum rc rc = RC_UNAVAILABLE;

	*out = NULL;
	if (auth && (rc = set_up(auth, key, audience)) == RC_OK) {
		*out = auth;
		return RC_OK;
	}
	auth_free(auth);
	if (rc == RC_UNAVAILABLE)
		return fault_set(f, rc, MSG_NO_MEMORY, NULL, 0, NULL);
	return fault_set(f, RC_INVALID, MSG_CERT_UNUSABLE, NULL, 0, "token.key");
}

void
auth_free(struct auth *auth)
{
	if (!auth)
		return;
	secret_free(auth->key);
	verified_free(auth->verified);
	free(auth);
}
