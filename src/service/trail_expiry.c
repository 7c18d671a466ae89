/* SPDX-License-Identifier: Apache-2.0 */
/* Finds how far to erase, carries old values over, then erases from the first entry on. */
#include "service/trail_expiry.h"

#include <stdlib.h>

#include "ledger/tags.h"

#define STALE_MOST 4096u
#define CARRY      "purge_carry_old"

struct expiry {
	const struct upkeep *u;
	int64_t before;    /* entries older than this go */
	uint64_t from, to; /* from: the first that still has its text */
	struct key *stale;
	size_t stale_count, next, used; /* used: by the last step, from next on */
	unsigned most;                  /* keys of a step */
	unsigned put, round;            /* values sealed anew by the last step, and since the last look */
};

/* ---- how far ---- */

static bool
look(void *arg, const struct audit_entry *e)
{
	*(bool *)arg = e->is_erased;
	return false;
}

/* What is erased comes in front of all others. */
static enum rc
first_with_text(struct txn *t, uint64_t *out)
{
	struct log_head head = { .count = 0 };
	uint64_t low = 1, high;
	bool is_erased;
	enum rc rc = txn_log_head(t, LOG_AUDIT, &head);

	high = head.count + 1;
	while (rc == RC_OK && low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if ((rc = ledger_read(t, middle, look, &is_erased)) != RC_OK)
			break;
		if (is_erased)
			low = middle + 1;
		else
			high = middle;
	}
	*out = low;
	return rc;
}

/* What a clock wrote that runs ahead of now goes with what is old behind it. */
static bool
take_old(void *arg, const struct audit_entry *e)
{
	struct expiry *x = arg;

	if (e->is_erased || e->at < x->before)
		x->to = e->number;
	return x->to == e->number || e->at > x->u->now;
}

/* All that is to go is looked at: what a clock wrote that was years behind looks old among the young, and a
 * search by halves that met it would take all before it for old.  What is erased does not come back. */
static enum rc
find_range(struct txn *t, void *arg)
{
	struct expiry *x = arg;
	enum rc rc = first_with_text(t, &x->from);

	x->to = 0;
	return rc == RC_OK ? ledger_read(t, x->from, take_old, x) : rc;
}

/* ---- values that only old entries vouch for ---- */

static enum rc
find_stale(struct txn *t, void *arg)
{
	struct expiry *x = arg;

	x->next = 0;
	return tags_stale(t, x->to, x->stale, STALE_MOST, &x->stale_count);
}

/* The use of the key that a value is under; KEY_USES: it is not held, so the value does not open anyway. */
struct holder {
	const struct upkeep *u;
	enum key_use use;
};

static bool
note_use(void *arg, const struct key *key, uint32_t key_id)
{
	struct holder *h = arg;

	(void)key;
	for (size_t i = 0; i < h->u->key_count; i++)
		if (h->u->keys[i].id == key_id)
			h->use = h->u->keys[i].use;
	return false; /* the first is the key itself, if it is there */
}

/* Seal it anew; one that is gone or does not open needs no voucher: `menedek check` names the latter. */
static enum rc
carry_one(struct txn *t, struct expiry *x, const struct key *key)
{
	struct holder h = { x->u, KEY_USES };
	struct bytes value;
	enum rc rc = txn_census(t, key, NULL, note_use, &h);

	if (rc != RC_OK || h.use == KEY_USES)
		return rc;
	if ((rc = txn_get(t, key, &value)) == RC_NOT_FOUND || rc == RC_CORRUPT)
		return RC_OK;
	x->put++;
	return rc == RC_OK ? txn_put(t, key, h.use, value) : rc;
}

/* One batch. */
static enum rc
carry(struct ctx *c, struct maintenance *m, void *arg)
{
	struct expiry *x = arg;
	const size_t left = x->stale_count - x->next;
	enum rc rc = RC_OK;

	(void)m;
	x->used = left < x->most ? left : x->most;
	x->put = 0;
	for (size_t i = x->next; i < x->next + x->used && rc == RC_OK; i++)
		rc = carry_one(c->txn, x, &x->stale[i]);
	return rc;
}

static enum rc
carry_all(struct upkeep *u, enum upkeep_job job, struct expiry *x)
{
	enum rc rc = store_view(u->parts->store, u->arena, find_stale, x);

	while (rc == RC_OK && x->stale_count > 0) {
		rc = upkeep_try(u, job, CARRY, carry, x, &x->most);
		x->next += x->used;
		x->round += x->put;
		if (rc != RC_OK || x->next < x->stale_count)
			continue;
		if (x->round == 0)
			break; /* what is left does not open */
		x->round = 0;
		rc = store_view(u->parts->store, u->arena, find_stale, x);
	}
	return rc;
}

/* ---- erasing ---- */

static enum rc
erase(struct ctx *c, struct maintenance *m, void *arg)
{
	const struct expiry *x = arg;
	const uint64_t to = x->to - x->from < UPKEEP_BATCH ? x->to : x->from + UPKEEP_BATCH - 1;

	(void)m;
	return ledger_erase(c->txn, x->from, to, &c->audit);
}

enum rc
trail_expire(struct upkeep *u, enum upkeep_job job, int64_t keep)
{
	struct expiry x = { .u = u, .before = u->now - keep, .most = UPKEEP_BATCH };
	enum rc rc = store_view(u->parts->store, u->arena, find_range, &x);

	if (rc != RC_OK || x.from > x.to)
		return rc;
	if ((x.stale = calloc(STALE_MOST, sizeof(*x.stale))) == NULL)
		return RC_UNAVAILABLE;
	rc = upkeep_list_keys(u);
	if (rc == RC_OK)
		rc = carry_all(u, job, &x);
	for (; rc == RC_OK && x.from <= x.to; x.from += UPKEEP_BATCH)
		rc = upkeep_step(u, job, LEDGER_ERASED, erase, &x);
	free(x.stale);
	return rc;
}
