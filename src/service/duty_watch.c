/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds open requests by the houses' rows on a snapshot, once a second.  What the bell says later of a
 * message finds its request by the message's number; a request that was answered meanwhile stays until then.
 */
#include "service/duty_watch.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define WAITING 1024u /* requests without an answer at one moment: the country has some ten */
#define AGAIN_S 60    /* after a message that reached nobody */

struct told {
	struct id reservation, shelter;
	uint32_t message; /* under way; 0: none */
	uint8_t step, times;
	int64_t not_before; /* seconds; 0: at once */
};

struct duty_watch {
	struct duty_bell bell;
	struct told told[2][WAITING]; /* of the round before, and of this one */
	unsigned count[2], now;       /* which of the two is this round's */
	uint32_t messages;            /* the last one's number */
	atomic_uint_fast64_t reached, failed, unknown;
};

struct round {
	struct parts *parts;
	struct txn *txn;
	struct arena *arena; /* of the transaction */
	int64_t at;
};

struct duty_watch *
duty_watch_new(const struct duty_bell *bell)
{
	struct duty_watch *w = calloc(1, sizeof(*w));

	if (w != NULL)
		w->bell = *bell;
	return w;
}

void
duty_watch_free(struct duty_watch *watch)
{
	free(watch);
}

/* ---- what became of a message ---- */

static void
record(struct parts *p, const struct told *told, enum rc outcome, int64_t now)
{
	struct audit_entry e = { .at = now,
		.action = "clock_duty",
		.outcome = (uint16_t)outcome,
		.subject = told->reservation,
		.shelter = told->shelter };

	(void)snprintf(e.reason, sizeof(e.reason), "step_%u", told->step);
	random_fill(e.salt, sizeof(e.salt));
	if (ledger_record_later(p->ledger, &e) != RC_OK)
		log_world("duty_audit", "a message to a house could not be recorded");
}

/* A house without a number was told nothing, and will not be told more by asking again. */
static void
settle(struct parts *p, struct told *told, enum duty_outcome outcome, int64_t now)
{
	told->message = 0;
	if (outcome == DUTY_UNKNOWN)
		atomic_fetch_add(&p->duty->unknown, 1);
	if (outcome == DUTY_UNKNOWN || outcome == DUTY_NOBODY)
		return;
	record(p, told, outcome == DUTY_TOLD ? RC_OK : RC_UNAVAILABLE, now);
	if (outcome == DUTY_TOLD) {
		atomic_fetch_add(&p->duty->reached, 1);
		return;
	}
	atomic_fetch_add(&p->duty->failed, 1);
	told->times = told->step;
	told->not_before = now + AGAIN_S;
}

static void
hear(struct parts *p, int64_t now)
{
	struct duty_watch *w = p->duty;
	enum duty_outcome outcome;
	uint32_t message;

	while (w->bell.heard(w->bell.arg, &message, &outcome))
		for (unsigned i = 0; i < w->count[w->now]; i++)
			if (w->told[w->now][i].message == message)
				settle(p, &w->told[w->now][i], outcome, now);
}

/* ---- who is to be told ---- */

/* What is known of ${reservation} from round ${which}; NULL: nothing. */
static const struct told *
find(const struct duty_watch *w, unsigned which, const struct id *reservation)
{
	for (unsigned i = 0; i < w->count[which]; i++)
		if (id_equal(&w->told[which][i].reservation, reservation))
			return &w->told[which][i];
	return NULL;
}

/* Those of the round before that were not met in this one: all of them when the store did not answer, or they
 * would be told anew; else those whose message is under way. */
static void
keep_unmet(struct duty_watch *w, bool is_all)
{
	const unsigned before = 1 - w->now;

	for (unsigned i = 0; i < w->count[before] && w->count[w->now] < WAITING; i++) {
		const struct told *told = &w->told[before][i];

		if ((is_all || told->message != 0) && find(w, w->now, &told->reservation) == NULL)
			w->told[w->now][w->count[w->now]++] = *told;
	}
}

static void
ring(struct round *r, struct told *told, const char *name, unsigned step)
{
	struct duty_watch *w = r->parts->duty;

	if (++w->messages == 0) /* 0 is none */
		w->messages++;
	told->message = w->messages;
	told->step = (uint8_t)step;
	told->times = (uint8_t)(step + 1);
	if (!w->bell.ring(w->bell.arg, &told->shelter, name, step, told->message))
		settle(r->parts, told, DUTY_FAILED, r->at);
}

/* A clock that was put back must not make it wait for longer than it was to. */
static bool
is_time(const struct told *told, int64_t now)
{
	return now >= told->not_before || told->not_before - now > AGAIN_S;
}

static void
look_at(struct round *r, const struct reservation *of)
{
	struct duty_watch *w = r->parts->duty;
	const unsigned step = reservation_escalation(of, r->at, &parts_tuning(r->parts)->booking);
	const struct told *known = find(w, 1 - w->now, &of->id);
	struct told *told = &w->told[w->now][w->count[w->now]];
	struct key key = record_key(KIND_SHELTER, &of->shelter);
	struct shelter s;

	if (w->count[w->now] == WAITING)
		return;
	*told = known != NULL ? *known : (struct told){ .reservation = of->id, .shelter = of->shelter };
	if (told->message == 0 && step >= told->times && is_time(told, r->at) &&
	    record_peek(r->txn, KIND_SHELTER, &key, &s) == RC_OK)
		ring(r, told, s.code_name, step);
	w->count[w->now]++;
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

static enum rc
look(struct txn *t, void *arg)
{
	const struct key prefix = record_key_bytes(KIND_RES_DESK, "", 0);
	struct round *r = arg;

	r->txn = t;
	/* The sweep, which meets them too, says that there are some. */
	return txn_scan_past(t, &prefix, NULL, look_at_row, txn_pass_by, r);
}

void
duty_watch_tick(struct parts *p, int64_t now)
{
	struct round r = { .parts = p, .at = now };
	enum rc rc;

	if (p->duty == NULL || (r.arena = arena_new(LIMIT_ARENA)) == NULL)
		return;
	hear(p, now);
	p->duty->now = 1 - p->duty->now;
	p->duty->count[p->duty->now] = 0;
	if ((rc = store_view(p->store, r.arena, look, &r)) != RC_OK)
		log_world("duty_watch", "rc=%s", rc_code(rc));
	keep_unmet(p->duty, rc != RC_OK);
	arena_free(r.arena);
}

struct duty_count
duty_watch_count(const struct duty_watch *watch)
{
	struct duty_count n = { 0 };

	if (watch != NULL) {
		n.reached = atomic_load(&watch->reached);
		n.failed = atomic_load(&watch->failed);
		n.unknown = atomic_load(&watch->unknown);
	}
	return n;
}
