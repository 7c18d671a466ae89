/* SPDX-License-Identifier: Apache-2.0 */
/* Opaque cursors: the last id or number, sealed for the person who got them, so that they tell and allow
 * nothing else. */
#include "gate.h"

#include <string.h>

#define PLAIN  (ID_BYTES + 8)
#define SEALED (PLAIN + SEAL_OVERHEAD)

static struct bytes
bound_to(const struct call *c, uint8_t buf[1 + ID_BYTES])
{
	buf[0] = 'P';
	memcpy(buf + 1, c->who.user.id.b, ID_BYTES);
	return (struct bytes){ buf, 1 + ID_BYTES };
}

enum rc
cursor_make(struct call *c, const struct id *last, uint64_t number, char *out, size_t cap)
{
	uint8_t plain[PLAIN] = { 0 }, sealed[SEALED], bound[1 + ID_BYTES];
	enum rc rc;

	if (cap < BASE64URL_LEN(SEALED) + 1)
		return RC_INTERNAL;
	if (last)
		memcpy(plain, last->b, ID_BYTES);
	put_u64(plain + ID_BYTES, number);
	rc = keyring_seal(c->api->parts->keyring, KEY_TOKEN, bound_to(c, bound), BYTES_OF(plain), sealed);
	if (rc == RC_OK)
		base64url_format(sealed, sizeof(sealed), out);
	return rc;
}

enum rc
cursor_open(struct call *c, const char *text, struct id *last, uint64_t *number)
{
	uint8_t plain[PLAIN], sealed[SEALED], bound[1 + ID_BYTES];
	size_t len, plain_len;

	if (!base64url_parse(text, strlen(text), sealed, sizeof(sealed), &len) || len != SEALED ||
	    keyring_open_sealed(
		c->api->parts->keyring, bound_to(c, bound), BYTES_OF(sealed), plain, &plain_len) != RC_OK)
		return fault_set(&c->fault, RC_MALFORMED, MSG_CURSOR_BAD, "/cursor", 0, NULL);
	memcpy(last->b, plain, ID_BYTES);
	*number = get_u64(plain + ID_BYTES);
	return RC_OK;
}
