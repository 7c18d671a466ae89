/* SPDX-License-Identifier: Apache-2.0 */
/* The location's way in and out of the vault.  The plaintext lives in the request's arena, which is wiped. */
#include <string.h>

#include "service/locations.h"

#define OWN_READ_LIFE 60 /* seconds in which what the house asked for may be told */

enum rc
location_put(struct ctx *c, const struct id *shelter, const struct location *in)
{
	struct sealed_location *sealed = arena_alloc(c->arena, sizeof(*sealed));
	uint8_t *plain = arena_alloc(c->arena, VAULT_PLAIN);
	struct key key = record_key(KIND_LOCATION, shelter);
	struct location stamped = *in;
	struct bytes before;
	size_t len = 0;
	enum rc rc;

	if (!sealed || !plain)
		return RC_UNAVAILABLE;
	stamped.updated_at = c->now;
	rc = model_encode(&model_location, &stamped, plain, VAULT_PLAIN, &len);
	wipe(&stamped, sizeof(stamped));
	if (rc == RC_OK)
		rc = vault_seal(c->parts->vault, shelter, (struct bytes){ plain, len }, sealed->sealed, &len);
	wipe(plain, VAULT_PLAIN);
	if (rc != RC_OK)
		return rc;
	sealed->len = (uint16_t)len;
	/* in the read set: a rotation of the house's keys that comes between makes this run again.  One whose
	 * seal does not open is in it, too, and must not stand in the way: nothing of it is kept. */
	rc = txn_get(c->txn, &key, &before);
	if (rc != RC_OK && rc != RC_NOT_FOUND && !(rc == RC_CORRUPT && txn_rev(c->txn, &key) != 0))
		return rc;
	return record_put(c->txn, KIND_LOCATION, &key, sealed);
}

enum rc
location_write(struct ctx *c, const struct id *shelter, const struct location *in)
{
	struct shelter s;
	enum rc rc = access_shelter(c, shelter, false, &s);

	return rc == RC_OK ? location_put(c, shelter, in) : rc;
}

enum rc
location_renew_keys(struct parts *parts)
{
	return vault_renew(parts->vault);
}

enum rc
location_seal_again(struct ctx *c, const struct id *shelter)
{
	struct sealed_location *old = arena_alloc(c->arena, sizeof(*old));
	struct sealed_location *next = arena_alloc(c->arena, sizeof(*next));
	struct key key = record_key(KIND_LOCATION, shelter);
	size_t len = 0;
	enum rc rc;

	if (!old || !next)
		return RC_UNAVAILABLE;
	if ((rc = record_get(c->txn, KIND_LOCATION, &key, old)) != RC_OK)
		return rc;
	rc = vault_reseal(
	    c->parts->vault, shelter, (struct bytes){ old->sealed, old->len }, next->sealed, &len);
	next->len = (uint16_t)len;
	return rc == RC_OK ? record_put(c->txn, KIND_LOCATION, &key, next) : rc;
}

enum rc
location_prune_keys(struct parts *parts)
{
	return vault_prune(parts->vault);
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
	*out = (struct telling){ .shelter = *shelter, .disclosure = d.id, .at = d.at, .until = d.until };
	return record_put(c->txn, KIND_DISCLOSURE, &key, &d);
}

enum rc
location_tell(struct parts *parts, struct arena *arena, const struct telling *t, struct location **out)
{
	uint8_t *plain = arena_alloc(arena, VAULT_PLAIN);
	size_t len = 0;
	enum rc rc;

	*out = arena_alloc(arena, sizeof(**out));
	if (!*out || !plain)
		return RC_UNAVAILABLE;
	if ((rc = vault_unseal(parts->vault, &t->shelter, &t->disclosure, plain, &len)) == RC_OK)
		rc = model_decode(&model_location, (struct bytes){ plain, len }, *out);
	wipe(plain, len);
	return rc;
}
