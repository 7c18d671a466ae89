/* SPDX-License-Identifier: Apache-2.0 */
/* Finds open requests by the houses' rows on a snapshot, once a second. */
#include "service/duty_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define WAITING 1024u /* requests without an answer at one moment: the country has some ten */

struct told {
	struct id reservation;
	uint8_t times;
};

struct duty_watch {
	duty_ring_fn *ring;
	void *arg;
	struct told told[2][WAITING]; /* of the round before, and of this one */
	unsigned count[2], now;       /* which of the two is this round's */
};

struct round {
	struct parts *parts;
	struct txn *txn;
	struct arena *arena; /* of the transaction */
	int64_t at;
};

struct duty_watch *
duty_watch_new(duty_ring_fn *ring, void *arg)
{
	struct duty_watch *w = calloc(1, sizeof(*w));

	if (w != NULL) {
		w->ring = ring;
		w->arg = arg;
	}
	return w;
}

void
duty_watch_free(struct duty_watch *watch)
{
	free(watch);
}

static unsigned
times_told(const struct duty_watch *w, const struct id *reservation)
{
	const unsigned before = 1 - w->now;

	for (unsigned i = 0; i < w->count[before]; i++)
		if (id_equal(&w->told[before][i].reservation, reservation))
			return w->told[before][i].times;
	return 0;
}

static void
record(const struct round *r, const struct reservation *of, unsigned step)
{
	struct audit_entry e = { .at = r->at,
		.action = "clock_duty",
		.outcome = RC_OK,
		.subject = of->id,
		.shelter = of->shelter };

	(void)snprintf(e.reason, sizeof(e.reason), "step_%u", step);
	random_fill(e.salt, sizeof(e.salt));
	if (ledger_record_later(r->parts->ledger, &e) != RC_OK)
		log_world("duty_audit", "a message to a house could not be recorded");
}

static void
look_at(struct round *r, const struct reservation *of)
{
	struct duty_watch *w = r->parts->duty;
	const unsigned step = reservation_escalation(of, r->at, &parts_tuning(r->parts)->booking);
	struct key key = record_key(KIND_SHELTER, &of->shelter);
	unsigned times = times_told(w, &of->id);
	struct shelter s;

	if (w->count[w->now] == WAITING)
		return;
	if (step >= times && record_peek(r->txn, KIND_SHELTER, &key, &s) == RC_OK &&
	    w->ring(w->arg, s.code_name, step)) {
		times = step + 1;
		record(r, of, step);
	}
	w->told[w->now][w->count[w->now]++] = (struct told){ of->id, (uint8_t)times };
}

static bool
look_at_row(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct round *r = arg;
	struct reference row;
	struct reservation of;
	struct key at;
	size_t mark;

	(void)key;
	(void)rev;
	if (record_decode(KIND_RES_DESK, value, &row) != RC_OK)
		return true;
	mark = arena_mark(r->arena);
	at = record_key(KIND_RESERVATION, &row.id);
	if (record_peek(r->txn, KIND_RESERVATION, &at, &of) == RC_OK && of.state == RES_REQUESTED)
		look_at(r, &of);
	arena_rewind(r->arena, mark);
	return true;
}

/* The sweep, which meets them too, says that there are some. */
static void
pass_by(void *arg, const struct key *key)
{
	(void)arg;
	(void)key;
}

static enum rc
look(struct txn *t, void *arg)
{
	const struct key prefix = record_key_bytes(KIND_RES_DESK, "", 0);
	struct round *r = arg;

	r->txn = t;
	return txn_scan_past(t, &prefix, NULL, look_at_row, pass_by, r);
}

void
duty_watch_tick(struct parts *p, int64_t now)
{
	struct round r = { .parts = p, .at = now };
	enum rc rc;

	if (p->duty == NULL || (r.arena = arena_new(LIMIT_ARENA)) == NULL)
		return;
	p->duty->now = 1 - p->duty->now;
	p->duty->count[p->duty->now] = 0;
	if ((rc = store_view(p->store, r.arena, look, &r)) != RC_OK)
		log_world("duty_watch", "rc=%s", rc_code(rc));
	arena_free(r.arena);
}
