/* SPDX-License-Identifier: Apache-2.0 */
/* The location's way in and out of the vault.  The plaintext lives in the request's arena, which is wiped. */
#include <string.h>

#include "service/locations.h"

#define LOCATION_BYTES (sizeof(((struct sealed_location *)0)->sealed) - VAULT_OVERHEAD)

enum rc
location_write(struct ctx *c, const struct id *shelter, const struct location *in)
{
	struct sealed_location *sealed = arena_alloc(c->arena, sizeof(*sealed));
	uint8_t *plain = arena_alloc(c->arena, LOCATION_BYTES);
	struct key key = record_key(KIND_LOCATION, shelter);
	struct location stamped = *in;
	struct shelter s;
	size_t len;
	enum rc rc;

	if (!sealed || !plain)
		return RC_UNAVAILABLE;
	if ((rc = access_shelter(c, shelter, false, &s)) != RC_OK)
		return rc;
	stamped.updated_at = c->now;
	rc = model_encode(&model_location, &stamped, plain, LOCATION_BYTES, &len);
	wipe(&stamped, sizeof(stamped));
	if (rc != RC_OK)
		return rc;
	rc = vaultring_seal(c->parts->vault, shelter, (struct bytes){ plain, len }, sealed->sealed);
	wipe(plain, len);
	if (rc != RC_OK)
		return rc;
	sealed->len = (uint16_t)(len + VAULT_OVERHEAD);
	return record_put(c->txn, KIND_LOCATION, &key, sealed);
}

enum rc
location_unseal(struct ctx *c, const struct id *shelter, struct location *out)
{
	struct sealed_location *sealed = arena_alloc(c->arena, sizeof(*sealed));
	uint8_t *plain = arena_alloc(c->arena, LOCATION_BYTES);
	struct key key = record_key(KIND_LOCATION, shelter);
	size_t len = 0;
	enum rc rc;

	if (!sealed || !plain)
		return RC_UNAVAILABLE;
	if ((rc = record_get(c->txn, KIND_LOCATION, &key, sealed)) != RC_OK)
		return rc;
	rc = vaultring_unseal(
	    c->parts->vault, shelter, (struct bytes){ sealed->sealed, sealed->len }, plain, &len);
	if (rc == RC_OK)
		rc = model_decode(&model_location, (struct bytes){ plain, len }, out);
	wipe(plain, len);
	return rc;
}

enum rc
location_read(struct ctx *c, const struct id *shelter, struct location *out)
{
	struct shelter s;
	enum rc rc;

	if ((rc = access_shelter(c, shelter, false, &s)) != RC_OK)
		return rc;
	rc = location_unseal(c, shelter, out);
	return rc == RC_NOT_FOUND ? fault_set(c->fault, rc, MSG_NO_LOCATION, NULL, 0, NULL) : rc;
}

struct looks {
	struct ctx *c;
	struct look_row *out;
	unsigned limit, count;
	enum rc rc;
};

static bool
look_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct looks *l = arg;
	struct disclosure d;
	struct key org_key;
	struct org org;

	(void)key;
	(void)rev;
	if ((l->rc = record_decode(KIND_DISCLOSURE, value, &d)) != RC_OK)
		return false;
	org_key = record_key(KIND_ORG, &d.org);
	if ((l->rc = record_peek(l->c->txn, KIND_ORG, &org_key, &org)) != RC_OK)
		return false;
	l->out[l->count++] = (struct look_row){ .at = d.at,
		.until = d.until,
		.org_kind = code_text(&codes_org_kind, org.kind),
		.reason = code_text(&codes_disclose_reason, d.reason),
		.reservation = d.reservation };
	return l->count < l->limit;
}

enum rc
location_looks(struct ctx *c, const struct id *shelter, unsigned limit, struct look_row *out, unsigned *count)
{
	struct key prefix = record_key(KIND_DISCLOSURE, shelter);
	struct looks l = { .c = c, .out = out, .limit = limit };
	struct shelter s;
	enum rc rc;

	*count = 0;
	if ((rc = access_shelter(c, shelter, false, &s)) != RC_OK)
		return rc;
	if ((rc = txn_scan(c->txn, &prefix, NULL, look_one, &l)) != RC_OK)
		return rc;
	*count = l.count;
	return l.rc;
}
