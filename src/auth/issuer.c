/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checked in the order of RFC 8725: the header may hold three members and no more, so that no key comes with
 * a token and nothing "critical" is overlooked; then the signature by the key of its kid; then the claims.
 */
#include "auth/issuer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "auth/claims.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "crypto/jwk.h"

#define FILE_CAP (64u * 1024)
#define KEYS     16u
#define KID_CAP  128u
#define NAME_CAP 256u

struct issuer_key {
	char kid[KID_CAP];
	struct jwk *jwk;
};

/* What was signed by these keys and found good: both end together. */
struct key_set {
	unsigned count;
	struct issuer_key keys[KEYS];
	struct verified *verified;
};

struct issuer {
	char *path, *name, *audience;
	uint8_t name_secret[DIGEST_BYTES];
	pthread_rwlock_t lock; /* guards set */
	struct key_set *set;
};

/* ---- the file ---- */

static void
set_free(struct key_set *set)
{
	if (!set)
		return;
	for (unsigned i = 0; i < set->count; i++)
		jwk_free(set->keys[i].jwk);
	verified_free(set->verified);
	free(set);
}

static bool
is_absent_or(const json *jwk, const char *name, const char *expected)
{
	return json_get(jwk, name) == NULL || claim_is(jwk, name, expected);
}

/* RFC 7518, 6.2.1.2: exactly as many bytes as the curve's field has. */
static bool
read_coordinate(const json *jwk, const char *name, uint8_t out[JWK_COORDINATE])
{
	const char *text = json_string(json_get(jwk, name));
	size_t len;

	return base64url_parse(text, strlen(text), out, JWK_COORDINATE, &len) && len == JWK_COORDINATE;
}

static const struct issuer_key *
find_key(const struct key_set *set, const char *kid)
{
	for (unsigned i = 0; i < set->count; i++)
		if (strcmp(set->keys[i].kid, kid) == 0)
			return &set->keys[i];
	return NULL;
}

/* A key of a kind that we do not take is passed over; one that claims to be of ours and is not is an error.
 */
static enum rc
add_key(struct key_set *set, const json *jwk)
{
	struct issuer_key *key = &set->keys[set->count];
	uint8_t x[JWK_COORDINATE], y[JWK_COORDINATE];
	const char *kid = json_string(json_get(jwk, "kid"));

	if (!claim_is(jwk, "kty", "EC") || !claim_is(jwk, "crv", "P-256") ||
	    !is_absent_or(jwk, "alg", "ES256") || !is_absent_or(jwk, "use", "sig") || *kid == '\0')
		return RC_OK;
	if (set->count == KEYS || find_key(set, kid) != NULL || !str_copy(key->kid, sizeof(key->kid), kid))
		return RC_INVALID;
	if (!read_coordinate(jwk, "x", x) || !read_coordinate(jwk, "y", y) ||
	    jwk_new(x, y, &key->jwk) != RC_OK)
		return RC_INVALID;
	set->count++;
	return RC_OK;
}

static enum rc
read_keys(struct key_set *set, const json *keys)
{
	for (const json *jwk = json_first(keys); jwk; jwk = json_next(jwk)) {
		enum rc rc;

		if (json_type(jwk) != JSON_OBJECT || json_get(jwk, "d") || json_get(jwk, "k"))
			return RC_INVALID;
		if ((rc = add_key(set, jwk)) != RC_OK)
			return rc;
	}
	return set->count > 0 ? RC_OK : RC_INVALID;
}

static enum rc
set_read(const char *path, struct key_set **out, struct fault *f)
{
	struct key_set *set = calloc(1, sizeof(*set));
	char *text = NULL;
	json *tree = NULL;
	size_t len = 0;
	enum rc rc;

	*out = NULL;
	if (!set || !(set->verified = verified_new())) {
		rc = fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
		goto out;
	}
	if ((rc = file_read(path, FILE_CAP, &text, &len, f)) != RC_OK)
		goto out;
	if (json_parse((struct bytes){ (const uint8_t *)text, len }, &tree, NULL) != RC_OK ||
	    json_type(json_get(tree, "keys")) != JSON_ARRAY ||
	    read_keys(set, json_get(tree, "keys")) != RC_OK) {
		rc = fault_set(f, RC_INVALID, MSG_JWKS, NULL, KEYS, path_name(path));
		goto out;
	}
	*out = set;
	set = NULL;
out:
	json_free(tree);
	free(text);
	set_free(set);
	return rc;
}

/* ---- claims ---- */

/* RFC 7519, 4.1.3: a text, or a list of texts. */
static bool
is_for(const json *claims, const char *audience)
{
	const json *aud = json_get(claims, "aud");

	if (json_type(aud) != JSON_ARRAY)
		return claim_is(claims, "aud", audience);
	for (const json *v = json_first(aud); v; v = json_next(v))
		if (json_type(v) == JSON_STRING && strcmp(json_string(v), audience) == 0)
			return true;
	return false;
}

/* Their jti is any text, ours an id: a digest of both texts, so that signing out can name it. */
static bool
read_jti(const struct issuer *issuer, const json *claims, struct id *out)
{
	const char *jti = json_string(json_get(claims, "jti"));
	const struct bytes parts[] = { { (const uint8_t *)issuer->name, strlen(issuer->name) + 1 },
		bytes_str(jti) };
	uint8_t all[DIGEST_BYTES];

	digest_parts(parts, 2, all);
	memcpy(out->b, all, sizeof(out->b));
	return *jti != '\0';
}

static bool
read_claims(const struct issuer *issuer, const json *claims, struct token *out)
{
	struct claims *c = &out->claims;
	const char *name = json_string(json_get(claims, "sub"));

	if (!claim_is(claims, "iss", issuer->name) || !is_for(claims, issuer->audience))
		return false;
	if (*name == '\0' || strlen(name) >= LIMIT_NAME || !read_jti(issuer, claims, &c->jti))
		return false;
	if (!claim_time(claims, "iat", &c->issued_at) || !claim_time(claims, "exp", &c->expires_at) ||
	    !claim_time(claims, "nbf", &out->not_before))
		return false;
	user_name_mac(issuer->name_secret, name, c->name_mac);
	c->is_outside = true;
	return c->expires_at - c->issued_at <= LIMIT_TOKEN_LIFE && claim_binding(claims, c->cert);
}

/* ---- checking ---- */

static bool
is_our_header(const json *header)
{
	for (const json *m = json_first(header); m; m = json_next(m))
		if (strcmp(json_name(m), "alg") != 0 && strcmp(json_name(m), "kid") != 0 &&
		    strcmp(json_name(m), "typ") != 0)
			return false;
	return claim_is(header, "alg", "ES256") &&
	    (claim_is(header, "typ", "at+jwt") || claim_is(header, "typ", "application/at+jwt"));
}

static enum rc
check_signature(const struct key_set *set, const struct token_text *parts)
{
	const struct issuer_key *key = NULL;
	json *header;
	enum rc rc = token_read_part(parts->header, &header);

	if (rc == RC_OK && is_our_header(header))
		key = find_key(set, json_string(json_get(header, "kid")));
	json_free(header);
	if (rc != RC_OK)
		return rc;
	return key ? jwk_es256_check(key->jwk, parts->signed_part, parts->signature) : RC_BAD_TOKEN;
}

static enum rc
open_token(const struct issuer *issuer, struct bytes token, struct token *out)
{
	struct token_text parts;
	json *claims = NULL;
	enum rc rc;

	if (!token_split(token, &parts))
		return RC_BAD_TOKEN;
	if ((rc = check_signature(issuer->set, &parts)) != RC_OK)
		return rc;
	if ((rc = token_read_part(parts.payload, &claims)) == RC_OK && !read_claims(issuer, claims, out))
		rc = RC_BAD_TOKEN;
	json_free(claims);
	return rc;
}

enum rc
issuer_verify(
    struct issuer *issuer, struct bytes token, const uint8_t fingerprint[32], int64_t now, struct claims *out)
{
	struct token t = { .not_before = 0 };
	uint8_t key[DIGEST_BYTES];
	enum rc rc = RC_OK;

	memset(out, 0, sizeof(*out));
	digest(token, key);
	pthread_rwlock_rdlock(&issuer->lock);
	if (!verified_find(issuer->set->verified, key, &t) && (rc = open_token(issuer, token, &t)) == RC_OK)
		verified_add(issuer->set->verified, key, &t);
	pthread_rwlock_unlock(&issuer->lock);
	if (rc != RC_OK)
		return rc;
	if (!token_counts(&t, fingerprint, now))
		return RC_BAD_TOKEN;
	*out = t.claims;
	return RC_OK;
}

/* ---- life ---- */

enum rc
issuer_new(
    const struct issuer_options *options, const struct keyring *ring, struct issuer **out, struct fault *f)
{
	struct issuer *issuer = calloc(1, sizeof(*issuer));
	enum rc rc;

	*out = NULL;
	if (!issuer || pthread_rwlock_init(&issuer->lock, NULL) != 0) {
		free(issuer);
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	}
	issuer->path = strdup(options->path);
	issuer->name = strndup(options->name, NAME_CAP);
	issuer->audience = strndup(options->audience, NAME_CAP);
	if (!issuer->path || !issuer->name || !issuer->audience ||
	    user_name_secret(ring, issuer->name_secret) != RC_OK)
		rc = fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	else
		rc = set_read(issuer->path, &issuer->set, f);
	if (rc != RC_OK) {
		issuer_free(issuer);
		return rc;
	}
	*out = issuer;
	return RC_OK;
}

void
issuer_free(struct issuer *issuer)
{
	if (!issuer)
		return;
	set_free(issuer->set);
	wipe(issuer->name_secret, sizeof(issuer->name_secret));
	pthread_rwlock_destroy(&issuer->lock);
	free(issuer->path);
	free(issuer->name);
	free(issuer->audience);
	free(issuer);
}

enum rc
issuer_reload(struct issuer *issuer, struct fault *f)
{
	struct key_set *next, *old;
	enum rc rc;

	if ((rc = set_read(issuer->path, &next, f)) != RC_OK)
		return rc;
	pthread_rwlock_wrlock(&issuer->lock);
	old = issuer->set;
	issuer->set = next;
	pthread_rwlock_unlock(&issuer->lock);
	set_free(old);
	return RC_OK;
}
