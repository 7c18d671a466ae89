/* SPDX-License-Identifier: Apache-2.0 */
/* The clock's part in four eyes: what nobody decided within its day is over; records go a month later. */
#include <string.h>

#include "base/log.h"
#include "service/grants.h"

#define KEEP (30 * 86400) /* who asked and who agreed can be looked up so long; the trail has it longer */

struct round {
	int64_t now;
	struct audit_entry audit;
	struct key after; /* this one and all before it were looked at; empty at first */
	struct key at;
	struct grant found;
	bool is_found;
};

/* Over, but its person still waits for it; or long over. */
static bool
is_due(const struct grant *g, int64_t now)
{
	return (g->state == GRANT_PENDING && g->until <= now) || g->until + KEEP <= now;
}

static bool
find(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct round *r = arg;

	(void)rev;
	r->is_found = key_compare(key, &r->after) != 0 &&
	    record_decode(KIND_GRANT, value, &r->found) == RC_OK && is_due(&r->found, r->now);
	r->at = *key;
	return !r->is_found;
}

static enum rc
release_user(struct txn *t, const struct grant *g)
{
	struct key key = record_key(KIND_USER, &g->user);
	struct user u;
	enum rc rc = record_get(t, KIND_USER, &key, &u);

	if (rc != RC_OK || !id_equal(&u.pending, &g->id))
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	u.pending = (struct id){ { 0 } };
	u.version++;
	return record_put(t, KIND_USER, &key, &u);
}

/* The first that is due after the last one: there are few. */
static enum rc
settle_one(struct txn *t, void *arg)
{
	const struct key prefix = record_key_bytes(KIND_GRANT, "", 0);
	struct round *r = arg;
	struct key key;
	enum rc rc;

	r->is_found = false;
	/* What is hurt stays, for menedek check to name: a grant after it must not wait for ever. */
	rc = txn_scan_past(t, &prefix, r->after.len > 0 ? &r->after : NULL, find, txn_pass_by, r);
	if (rc != RC_OK || !r->is_found)
		return rc;
	key = record_key(KIND_GRANT, &r->found.id);
	if ((rc = record_get(t, KIND_GRANT, &key, &r->found)) != RC_OK)
		return rc;
	if (!is_due(&r->found, r->now))
		return RC_OK;
	r->audit.subject = r->found.user;
	if ((rc = release_user(t, &r->found)) != RC_OK)
		return rc;
	if (r->found.until + KEEP <= r->now) {
		rc = txn_delete(t, &key);
	} else {
		r->found.state = GRANT_EXPIRED;
		rc = record_put(t, KIND_GRANT, &key, &r->found);
	}
	return rc == RC_OK ? ledger_record(t, &r->audit) : rc;
}

void
grants_sweep(struct parts *parts, int64_t now)
{
	struct round r = { .now = now, .audit = { .at = now, .action = "clock_expire_grant" } };
	struct arena *arena = arena_new(LIMIT_ARENA);
	enum rc rc;

	if (!arena)
		return;
	do {
		random_fill(r.audit.salt, sizeof(r.audit.salt));
		if ((rc = store_update(parts->store, arena, settle_one, &r)) != RC_OK)
			log_world("grants_sweep", "rc=%s", rc_code(rc));
		arena_rewind(arena, 0);
		r.after = r.at;
		/* only damage is passed by: a busy or full store comes again with the next second */
	} while (r.is_found && (rc == RC_OK || rc == RC_CORRUPT));
	arena_free(arena);
}
