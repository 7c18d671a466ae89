/* SPDX-License-Identifier: Apache-2.0 */
/* Where failures are counted, and the sweeping of what was forgotten. */
#include "service/attempts.h"

#include <string.h>

#include "base/log.h"
#include "crypto/digest.h"

#define PLACE 2u /* bytes: 65,536 places a device, and as many for all persons */

/* Who shares a place waits for the other; with 65,536 of them that is rare, and never longer than the rule.
 */
static enum rc
place_key(struct ctx *c, const struct id *device, const char *name, struct key *out)
{
	uint8_t secret[DIGEST_BYTES], mac[DIGEST_BYTES], in[ID_BYTES + LIMIT_NAME];
	size_t len = strnlen(name, LIMIT_NAME);
	enum rc rc;

	if ((rc = keyring_derive(c->parts->keyring, "sign-in-attempts", secret)) != RC_OK)
		return rc;
	memcpy(in, device->b, ID_BYTES);
	memcpy(in + ID_BYTES, name, len);
	digest_hmac(BYTES_OF(secret), (struct bytes){ in, ID_BYTES + len }, mac);
	wipe(secret, sizeof(secret));
	*out = record_key(KIND_ATTEMPTS, device);
	key_add_bytes(out, mac, PLACE);
	return RC_OK;
}

static enum rc
read_place(struct ctx *c, const struct id *device, const char *name, struct key *key, struct attempts *row)
{
	enum rc rc;

	memset(row, 0, sizeof(*row));
	if ((rc = place_key(c, device, name, key)) != RC_OK)
		return rc;
	rc = record_get(c->txn, KIND_ATTEMPTS, key, row);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc
attempts_open(struct ctx *c, const char *name, struct attempts_of *out)
{
	const struct id anywhere = { { 0 } };
	unsigned wait, elsewhere = 0;
	enum rc rc;

	rc = read_place(c, &c->who->device.id, name, &out->key[LOCKOUT_DEVICE], &out->row[LOCKOUT_DEVICE]);
	if (rc == RC_OK)
		rc = read_place(c, &anywhere, name, &out->key[LOCKOUT_PERSON], &out->row[LOCKOUT_PERSON]);
	if (rc != RC_OK)
		return rc;
	wait = lockout_wait(LOCKOUT_DEVICE, &out->row[LOCKOUT_DEVICE], ctx_common(c));
	if (!lockout_is_home(&out->row[LOCKOUT_DEVICE], ctx_common(c)))
		elsewhere = lockout_wait(LOCKOUT_PERSON, &out->row[LOCKOUT_PERSON], ctx_common(c));
	if (elsewhere > wait)
		wait = elsewhere;
	if (wait == 0)
		return RC_OK;
	c->retry_after = wait;
	return fault_set(c->fault, RC_SLOW_DOWN, MSG_TRIED_OFTEN, NULL, (long)wait, NULL);
}

enum rc
attempts_wrong(struct ctx *c, struct attempts_of *a, enum rc why, enum msg msg)
{
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < LOCKOUT_SCOPES && rc == RC_OK; i++) {
		lockout_fail(&a->row[i], ctx_common(c));
		rc = record_put(c->txn, KIND_ATTEMPTS, &a->key[i], &a->row[i]);
	}
	if (rc == RC_OK)
		ctx_refuse(c, fault_set(c->fault, why, msg, NULL, 0, NULL));
	return rc;
}

enum rc
attempts_right(struct ctx *c, struct attempts_of *a)
{
	if (!lockout_succeed(&a->row[LOCKOUT_DEVICE], ctx_common(c)))
		return RC_OK;
	return record_put(c->txn, KIND_ATTEMPTS, &a->key[LOCKOUT_DEVICE], &a->row[LOCKOUT_DEVICE]);
}

/* ---- removing what was forgotten ---- */

#define SWEEP_MAX 64u

struct spent {
	int64_t now;
	struct audit_entry audit;
	struct key keys[SWEEP_MAX];
	unsigned count, removed;
};

static bool
collect(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct spent *s = arg;
	struct attempts row;

	(void)rev;
	if (record_decode(KIND_ATTEMPTS, value, &row) == RC_OK && lockout_is_spent(&row, s->now))
		s->keys[s->count++] = *key;
	return s->count < SWEEP_MAX;
}

/* Each is read again so that a failure of this very moment makes the sweep run anew. */
static enum rc
remove_spent(struct txn *t, void *arg)
{
	const struct key prefix = record_key_bytes(KIND_ATTEMPTS, "", 0);
	struct spent *s = arg;
	struct attempts row;
	enum rc rc;

	s->count = s->removed = 0;
	/* What is hurt stays where it is, for menedek check to name, and keeps nothing after it from being
	 * removed. */
	if ((rc = txn_scan_past(t, &prefix, NULL, collect, txn_pass_by, s)) != RC_OK)
		return rc;
	for (unsigned i = 0; i < s->count; i++) {
		if ((rc = record_get(t, KIND_ATTEMPTS, &s->keys[i], &row)) == RC_NOT_FOUND)
			continue;
		if (rc != RC_OK)
			return rc;
		if (!lockout_is_spent(&row, s->now))
			continue;
		if ((rc = txn_delete(t, &s->keys[i])) != RC_OK)
			return rc;
		s->removed++;
	}
	return s->removed == 0 ? RC_OK : ledger_record(t, &s->audit);
}

void
attempts_sweep(struct parts *parts, int64_t now)
{
	struct arena *arena = arena_new(LIMIT_ARENA);
	struct spent s = { .now = now, .audit = { .at = now, .action = "clock_forget_attempts" } };
	enum rc rc;

	if (!arena)
		return;
	do {
		random_fill(s.audit.salt, sizeof(s.audit.salt));
		if ((rc = store_update(parts->store, arena, remove_spent, &s)) != RC_OK) {
			log_world("attempts_sweep", "rc=%s", rc_code(rc));
			break;
		}
		arena_rewind(arena, 0);
	} while (s.removed == SWEEP_MAX);
	arena_free(arena);
}
