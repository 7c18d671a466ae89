/* SPDX-License-Identifier: Apache-2.0 */
/* The timer's work: collect what is due on a snapshot, then settle each in its own transaction. */
#include <string.h>

#include "base/log.h"
#include "service/episodes.h"
#include "service/reservations.h"
#include "service/sweep.h"

#define DUE_MAX 256u /* in one round; the next comes a second later */

typedef enum rc settle_fn(struct ctx *c, const struct id *id);

struct round;

/* One kind of work: whose index rows lead to it, is it due, what settles it. */
struct chore {
	const char *action;
	enum kind rows;
	bool (*is_due)(struct round *r, const struct id *id);
	settle_fn *settle;
};

struct round {
	struct parts *parts;
	struct arena *arena;
	struct txn *txn;
	const struct chore *chore;
	int64_t now;
	struct id due[DUE_MAX];
	unsigned count, unreadable;
};

static bool
reservation_is_due(struct round *r, const struct id *id)
{
	struct key key = record_key(KIND_RESERVATION, id);
	struct reservation place;

	return record_peek(r->txn, KIND_RESERVATION, &key, &place) == RC_OK &&
	    reservation_has_expired(&place, r->now);
}

/* One whose place cannot be read is no more in the way of others than a damaged row (pass_by). */
static bool
episode_is_due(struct round *r, const struct id *id)
{
	struct key key = record_key(KIND_EPISODE, id);
	struct episode e;
	bool is_due;

	if (record_peek(r->txn, KIND_EPISODE, &key, &e) != RC_OK)
		return false;
	if (episode_would_end(r->txn, &e, r->now, &is_due) == RC_OK)
		return is_due;
	r->unreadable++;
	return false;
}

static const struct chore chores[] = {
	{ "clock_expire_reservation", KIND_RES_DESK, reservation_is_due, reservation_expire },
	{ "clock_expire_episode", KIND_EPISODE_DESK, episode_is_due, episode_expire },
};

/* One damaged row must not keep all later holds and requests from running out: `menedek check` names it. */
static void
pass_by(void *arg, const struct key *key)
{
	struct round *r = arg;

	(void)key;
	r->unreadable++;
}

static bool
collect_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct round *r = arg;
	struct reference row;

	(void)rev;
	if (record_decode(r->chore->rows, value, &row) != RC_OK) {
		pass_by(r, key);
		return true;
	}
	size_t mark = arena_mark(r->arena);
	if (r->chore->is_due(r, &row.id))
		r->due[r->count++] = row.id;
	arena_rewind(r->arena, mark);
	return r->count < DUE_MAX;
}

static enum rc
collect(struct txn *t, void *arg)
{
	struct round *r = arg;
	const struct key prefix = record_key_bytes(r->chore->rows, "", 0);

	r->txn = t;
	r->count = r->unreadable = 0;
	return txn_scan_past(t, &prefix, NULL, collect_one, pass_by, r);
}

struct settling {
	struct ctx ctx;
	const struct chore *chore;
	const struct id *id;
	bool is_changed;
};

static enum rc
settle(struct txn *t, void *arg)
{
	struct settling *s = arg;
	enum rc rc;

	s->ctx.txn = t;
	s->ctx.ids_used = 0;
	s->is_changed = false;
	if ((rc = s->chore->settle(&s->ctx, s->id)) != RC_OK || !txn_is_writing(t))
		return rc;
	s->is_changed = true;
	return ledger_record(t, &s->ctx.audit);
}

static bool
settle_due(struct round *r, const struct id *id)
{
	const struct principal nobody = { 0 };
	struct settling s = { .chore = r->chore, .id = id };
	enum rc rc;

	s.ctx = (struct ctx){ .parts = r->parts, .arena = r->arena, .who = &nobody, .now = r->now };
	s.ctx.audit.at = r->now;
	str_copy(s.ctx.audit.action, sizeof(s.ctx.audit.action), r->chore->action);
	random_fill(s.ctx.audit.salt, sizeof(s.ctx.audit.salt));
	rc = store_update(r->parts->store, r->arena, settle, &s);
	if (rc != RC_OK)
		log_world("sweep", "action=%s rc=%s", r->chore->action, rc_code(rc));
	return rc == RC_OK && s.is_changed;
}

static unsigned
run_chore(struct round *r)
{
	unsigned settled = 0;
	size_t mark = arena_mark(r->arena);
	enum rc rc = store_view(r->parts->store, r->arena, collect, r);

	if (rc != RC_OK)
		log_world("sweep", "action=%s rc=%s", r->chore->action, rc_code(rc));
	else if (r->unreadable > 0)
		log_world(
		    "sweep", "action=%s unreadable=%u: run menedek check", r->chore->action, r->unreadable);
	arena_rewind(r->arena, mark);
	for (unsigned i = 0; i < r->count; i++) {
		settled += settle_due(r, &r->due[i]);
		arena_rewind(r->arena, mark);
	}
	return settled;
}

unsigned
sweep_run(struct parts *parts, int64_t now)
{
	struct round r = { .parts = parts, .now = now, .arena = arena_new(LIMIT_ARENA) };
	unsigned settled = 0;
	enum rc rc;

	if (!r.arena)
		return 0;
	if ((rc = keyring_day(parts->keyring, now, NULL)) != RC_OK)
		log_world("keyring_day", "rc=%s: details stay under the last day's key", rc_code(rc));
	for (unsigned i = 0; i < COUNT_OF(chores); i++) {
		r.chore = &chores[i];
		settled += run_chore(&r);
	}
	arena_free(r.arena);
	return settled;
}
