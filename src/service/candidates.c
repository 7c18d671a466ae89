/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed candidates (base64url of AES-256-GCM).  Bound to episode and desk by the associated data, never by
 * its claims. */
#include <string.h>

#include "domain/veil.h"
#include "service/candidates.h"
#include "service/searches.h"

#define PLAIN_BYTES (ID_BYTES + 8)
#define SEAL_BYTES  (PLAIN_BYTES + SEAL_OVERHEAD)

static struct bytes
bound_to(const struct ctx *c, const struct id *episode, uint8_t buf[2 * ID_BYTES + 1])
{
	buf[0] = 'C';
	memcpy(buf + 1, episode->b, ID_BYTES);
	memcpy(buf + 1 + ID_BYTES, c->who->org.id.b, ID_BYTES);
	return (struct bytes){ buf, 2 * ID_BYTES + 1 };
}

enum rc
candidate_seal(struct ctx *c, const struct id *episode, const struct id *shelter, const char **out)
{
	uint8_t plain[PLAIN_BYTES], sealed[SEAL_BYTES], bound[2 * ID_BYTES + 1];
	char *text = arena_alloc(c->arena, BASE64URL_LEN(SEAL_BYTES) + 1);
	enum rc rc;

	if (!text)
		return RC_UNAVAILABLE;
	memcpy(plain, shelter->b, ID_BYTES);
	put_u64(plain + ID_BYTES, (uint64_t)c->now);
	rc = keyring_seal(c->parts->keyring, KEY_TOKEN, bound_to(c, episode, bound), BYTES_OF(plain), sealed);
	if (rc != RC_OK)
		return rc;
	base64url_format(sealed, sizeof(sealed), text);
	*out = text;
	return RC_OK;
}

enum rc
candidate_open(struct ctx *c, const char *text, const struct id *episode, struct id *shelter)
{
	uint8_t plain[PLAIN_BYTES], sealed[SEAL_BYTES], bound[2 * ID_BYTES + 1];
	size_t len, plain_len;

	if (!base64url_parse(text, strlen(text), sealed, sizeof(sealed), &len) || len != SEAL_BYTES)
		return fault_set(c->fault, RC_INVALID, MSG_CANDIDATE_BAD, "/candidate", 0, NULL);
	if (keyring_open_sealed(
		c->parts->keyring, bound_to(c, episode, bound), BYTES_OF(sealed), plain, &plain_len) != RC_OK)
		return fault_set(c->fault, RC_INVALID, MSG_CANDIDATE_BAD, "/candidate", 0, NULL);
	if ((int64_t)get_u64(plain + ID_BYTES) + LIMIT_CANDIDATE < c->now)
		return fault_set(c->fault, RC_INVALID, MSG_CANDIDATE_BAD, "/candidate", 0, NULL);
	memcpy(shelter->b, plain, ID_BYTES);
	return RC_OK;
}

const char *
candidate_name(struct ctx *c, const struct shelter *s, const struct id *episode)
{
	uint8_t in[1 + 2 * ID_BYTES] = { 'N' }, mac[DIGEST_BYTES];
	char name[LIMIT_NAME];

	if (!veil_hides_name((enum shelter_type)s->type))
		return arena_strndup(c->arena, s->code_name, strlen(s->code_name));
	memcpy(in + 1, episode->b, ID_BYTES);
	memcpy(in + 1 + ID_BYTES, s->id.b, ID_BYTES);
	digest_hmac(BYTES_OF(c->parts->cursor_key), BYTES_OF(in), mac);
	veil_name(mac, county_zone((enum county)s->county), name);
	return arena_strndup(c->arena, name, strlen(name));
}
