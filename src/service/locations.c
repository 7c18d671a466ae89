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
	struct bytes before;
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
	/* in the read set: a rotation of the house's keys that comes between makes this run again */
	if ((rc = txn_get(c->txn, &key, &before)) != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	return record_put(c->txn, KIND_LOCATION, &key, sealed);
}

enum rc
location_renew_keys(struct parts *parts, struct fault *f)
{
	return vaultring_renew(parts->vault, f);
}

enum rc
location_seal_again(struct ctx *c, const struct id *shelter)
{
	struct sealed_location *old = arena_alloc(c->arena, sizeof(*old));
	struct sealed_location *next = arena_alloc(c->arena, sizeof(*next));
	struct key key = record_key(KIND_LOCATION, shelter);
	enum rc rc;

	if (!old || !next)
		return RC_UNAVAILABLE;
	if ((rc = record_get(c->txn, KIND_LOCATION, &key, old)) != RC_OK)
		return rc;
	next->len = old->len;
	rc =
	    vaultring_reseal(c->parts->vault, shelter, (struct bytes){ old->sealed, old->len }, next->sealed);
	return rc == RC_OK ? record_put(c->txn, KIND_LOCATION, &key, next) : rc;
}

enum rc
location_prune_keys(struct parts *parts, struct txn *t, const struct id *shelter, struct fault *f)
{
	struct key key = record_key(KIND_LOCATION, shelter);
	struct sealed_location stored;
	enum rc rc = record_peek(t, KIND_LOCATION, &key, &stored);

	if (rc != RC_OK)
		return rc;
	return vaultring_prune(
	    parts->vault, shelter, vault_sealed_id((struct bytes){ stored.sealed, stored.len }), f);
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
