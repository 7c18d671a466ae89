/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading of tokens.  libjwt takes more than this and checks no claim. */
#include "auth/claims.h"

#include <string.h>

static bool
is_plain(struct bytes token)
{
	for (size_t i = 0; i < token.len; i++) {
		const uint8_t c = token.p[i];
		const bool is_good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
		if (!is_good)
			return false;
	}
	return true;
}

/* Cut ${rest} at its first dot. */
static bool
cut(struct bytes *rest, struct bytes *part)
{
	const uint8_t *dot = memchr(rest->p, '.', rest->len);

	if (!dot)
		return false;
	*part = (struct bytes){ rest->p, (size_t)(dot - rest->p) };
	*rest = (struct bytes){ dot + 1, rest->len - part->len - 1 };
	return true;
}

bool
token_split(struct bytes token, struct token_text *out)
{
	struct bytes rest = token;
	size_t len;

	if (token.len > LIMIT_TOKEN || !is_plain(token))
		return false;
	if (!cut(&rest, &out->header) || !cut(&rest, &out->payload))
		return false;
	out->signed_part = (struct bytes){ token.p, token.len - rest.len - 1 };
	return base64url_parse(/* a dot more does not decode */
		   (const char *)rest.p, rest.len, out->signature, sizeof(out->signature), &len) &&
	    len == sizeof(out->signature);
}

enum rc
token_read_part(struct bytes part, json **out)
{
	uint8_t text[LIMIT_TOKEN];
	size_t len;
	enum rc rc;

	*out = NULL;
	if (!base64url_parse((const char *)part.p, part.len, text, sizeof(text), &len))
		return RC_BAD_TOKEN;
	if ((rc = json_parse((struct bytes){ text, len }, out, NULL)) != RC_OK)
		return rc == RC_BUSY ? RC_UNAVAILABLE : RC_BAD_TOKEN; /* no memory is not the token's fault */
	if (json_type(*out) == JSON_OBJECT)
		return RC_OK;
	json_free(*out);
	*out = NULL;
	return RC_BAD_TOKEN;
}

bool
claim_is(const json *claims, const char *name, const char *expected)
{
	const json *v = json_get(claims, name);

	return v && json_type(v) == JSON_STRING && strcmp(json_string(v), expected) == 0;
}

bool
claim_whole(const json *claims, const char *name, int64_t *out)
{
	const json *v = json_get(claims, name);

	if (!v || json_type(v) != JSON_INTEGER || json_number(v) <= 0 || json_number(v) > LIMIT_JSON_INTEGER)
		return false;
	*out = (int64_t)json_number(v);
	return true;
}

bool
claim_time(const json *claims, const char *name, int64_t *out)
{
	return claim_whole(claims, name, out);
}

bool
claim_binding(const json *claims, uint8_t out[CERT_FINGERPRINT])
{
	const char *text = json_string(json_get(json_get(claims, "cnf"), CLAIM_BINDING));
	size_t len;

	return base64url_parse(text, strlen(text), out, CERT_FINGERPRINT, &len) && len == CERT_FINGERPRINT;
}

bool
token_counts(const struct token *t, const uint8_t fingerprint[CERT_FINGERPRINT], int64_t now)
{
	const int64_t soon = now + LIMIT_TOKEN_SKEW;

	if (t->claims.expires_at <= now || t->not_before > soon || t->claims.issued_at > soon)
		return false;
	return bytes_equal(BYTES_OF(t->claims.cert), (struct bytes){ fingerprint, CERT_FINGERPRINT });
}
