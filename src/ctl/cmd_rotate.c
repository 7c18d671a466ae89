/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek rotate-keys: new data keys; then every record is sealed anew under them, and the locations' keys
 * are wrapped anew.  Old keys stay in the ring for what cannot be written again (the logs).  Interrupted, it
 * can simply be repeated.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/offline.h"

#define STEP_KEYS 40u /* each is read and written: well below LIMIT_TXN_KEYS with the audit entry */

struct reseal {
	enum kind kind;
	struct key keys[STEP_KEYS];
	unsigned count;
	struct key from; /* where the next round begins; len 0 = at the first */
	bool more;
	uint64_t total;
};

static const enum key_use use_of[KIND_COUNT] = {
#define K(name, byte, use, type, model) [KIND_##name] = (use),
#include "model/kinds.def"
#undef K
};

static bool
collect_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct reseal *r = arg;

	(void)value;
	(void)rev;
	if (r->count == STEP_KEYS) {
		r->from = *key;
		r->more = true;
		return false;
	}
	r->keys[r->count++] = *key;
	return true;
}

static enum rc
collect(struct ctx *c, void *arg)
{
	struct reseal *r = arg;
	struct key prefix = record_key_bytes(r->kind, "", 0), from = r->from;

	r->count = 0;
	r->more = false;
	return txn_scan(c->txn, &prefix, from.len == 0 ? NULL : &from, collect_one, r);
}

/* A value is bound to its key, not to its sealing: writing it as it is seals it under the current key. */
static enum rc
seal_again(struct ctx *c, void *arg)
{
	const struct reseal *r = arg;

	for (unsigned i = 0; i < r->count; i++) {
		struct bytes value;
		enum rc rc = txn_get(c->txn, &r->keys[i], &value);

		if (rc == RC_OK)
			rc = txn_put(c->txn, &r->keys[i], use_of[r->kind], value);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc
reseal_kind(struct offline *o, struct reseal *r)
{
	enum rc rc;

	r->from.len = 0;
	do {
		if ((rc = offline_view(o, collect, r)) != RC_OK)
			return rc;
		if (r->count > 0 && (rc = offline_update(o, "cli_reseal", seal_again, r)) != RC_OK)
			return rc;
		r->total += r->count;
	} while (r->more);
	return RC_OK;
}

static enum rc
rotate(struct offline *o)
{
	const struct paths *p = &o->parts.paths;
	struct secret *record_root = NULL;
	struct rootkey *location_root = NULL;
	enum rc rc = parts_read_root(p->record_root, &record_root, &o->fault);

	if (rc == RC_OK)
		rc = rootkey_load(p->location_root, &location_root, &o->fault);
	if (rc == RC_OK)
		rc = keyring_rotate(o->parts.keyring, record_root, &o->fault);
	if (rc == RC_OK)
		rc = vaultring_rewrap(o->parts.vault, location_root, &o->fault);
	secret_free(record_root);
	rootkey_free(location_root);
	return rc;
}

static enum status
work(struct offline *o)
{
	struct reseal *r = calloc(1, sizeof(*r));
	unsigned keys;
	enum rc rc = r == NULL ? RC_UNAVAILABLE : rotate(o);

	if (rc == RC_OK)
		talk_step(o->args, "New data keys, location keys wrapped anew");
	for (unsigned k = 0; k < KIND_COUNT && rc == RC_OK; k++) {
		r->kind = (enum kind)k;
		rc = reseal_kind(o, r);
	}
	keys = keyring_count(o->parts.keyring);
	if (rc == RC_OK && args_has(o->args, OPT_JSON))
		(void)printf(
		    "{\"keys\":%u,\"records_sealed_anew\":%llu}\n", keys, (unsigned long long)r->total);
	else if (rc == RC_OK)
		(void)printf(
		    "%u keys in the ring, %llu records sealed anew\n", keys, (unsigned long long)r->total);
	free(r);
	return talk_failure("rotate-keys", rc, &o->fault);
}

enum status
cmd_rotate_keys(const struct args *args)
{
	struct offline o;
	enum status status = offline_open(args, true, &o);

	if (status == STATUS_OK)
		status = work(&o);
	offline_close(&o);
	return status;
}
