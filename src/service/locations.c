/* SPDX-License-Identifier: Apache-2.0 */
/* The location's way in and out of the vault.  The plaintext lives in the request's arena, which is wiped. */
#include <string.h>

#include "service/locations.h"

#define OWN_READ_LIFE  60 /* seconds in which what the house asked for may be told */
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
location_exists(struct ctx *c, const struct id *shelter)
{
	struct key key = record_key(KIND_LOCATION, shelter);
	struct bytes sealed;

	return txn_get(c->txn, &key, &sealed);
}

enum rc
location_read(struct ctx *c, const struct id *shelter, struct telling *out)
{
	struct disclosure d = { .id = ctx_id(c),
		.shelter = *shelter,
		.user = c->who->user.id,
		.org = c->who->org.id,
		.device = c->who->device.id,
		.reason = CODE_NONE,
		.at = c->now,
		.until = c->now + OWN_READ_LIFE };
	struct key key = record_key2(KIND_DISCLOSURE, shelter, &d.id);
	struct shelter s;
	enum rc rc;

	if ((rc = access_shelter(c, shelter, false, &s)) != RC_OK)
		return rc;
	if ((rc = location_exists(c, shelter)) != RC_OK)
		return rc == RC_NOT_FOUND ? fault_set(c->fault, rc, MSG_NO_LOCATION, NULL, 0, NULL) : rc;
	*out = (struct telling){ .shelter = *shelter, .disclosure = d.id, .until = d.until };
	return record_put(c->txn, KIND_DISCLOSURE, &key, &d);
}

struct opening {
	struct parts *parts;
	struct arena *arena;
	const struct telling *t;
	struct location *out;
};

static enum rc
open_committed(struct txn *txn, void *arg)
{
	struct opening *o = arg;
	struct key key = record_key2(KIND_DISCLOSURE, &o->t->shelter, &o->t->disclosure);
	struct ctx c = { .parts = o->parts, .txn = txn, .arena = o->arena };
	struct disclosure d;
	enum rc rc = record_get(txn, KIND_DISCLOSURE, &key, &d);

	if (rc != RC_OK)
		return rc == RC_NOT_FOUND ? RC_INTERNAL : rc;
	return location_unseal(&c, &o->t->shelter, o->out);
}

enum rc
location_tell(struct parts *parts, struct arena *arena, const struct telling *t, struct location **out)
{
	struct opening o = { parts, arena, t, arena_alloc(arena, sizeof(struct location)) };

	*out = o.out;
	return o.out ? store_view(parts->store, arena, open_committed, &o) : RC_UNAVAILABLE;
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
	if (d.reason == CODE_NONE)
		return true; /* the house's own */
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
