/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeing a batch through: sent with the look at what it changed, so that a commit costs one round trip.  A
 * commit is never cancelled.  When its answer does not come the socket is dropped, and the batch's own id is
 * asked for: either it is there, or it is put there so that the batch can never follow.  Nothing is guessed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/pg_parts.h"

#define COMMIT_MS     4000 /* for one attempt: longer than any sound server needs, shorter than a failover */
#define TOTAL_MS      12000
#define BYTES_A_MS    1024 /* that a slow line carries: what a wide transaction may take on top */
#define TRIES         40u  /* to reach a server; a race goes on until TOTAL_MS */
#define PAUSE_US      1000u
#define EAGER         4u  /* tries without a pause: who pauses loses to who does not */
#define TIMELINE_BITS 40u /* of a revision below its timeline: a million million batches */

enum outcome {
	DONE,    /* durable */
	AGAIN,   /* it did not happen: a read does not hold any more, or it lost a race */
	REFUSED, /* it did not happen, and will not if tried again at once */
	NONE,    /* all of them had lost their races already */
	LOST     /* nobody knows */
};

static struct pg_param
param(const void *p, size_t len)
{
	return (struct pg_param){ .p = p, .len = len };
}

static uint64_t
rev_base(const struct engine *e)
{
	return e->link.base + ((uint64_t)e->link.timeline << TIMELINE_BITS);
}

bool
pg_is_alone(const struct engine *e)
{
	return !e->link.has_turn && clock_mono_ms() >= e->others_until;
}

/* The time of one attempt from now on. */
static int64_t
at_most(int64_t until)
{
	const int64_t one = clock_mono_ms() + COMMIT_MS;

	return one < until ? one : until;
}

/* A batch on its way. */
struct sent {
	struct id id;
	bool is_alone; /* as far as is known nobody else writes: no look travels with it */
	PGresult *row; /* PG_WRITE's answer, NULL: none came */
	uint64_t xid;  /* 0: not committed, as far as is known */
	uint64_t base; /* of revisions at the server it went to */
	uint64_t seen; /* all transactions below this one, before it was sent */
};

static bool
send_batch(struct engine *e, const struct sent *s)
{
	const struct pg_batch *b = &e->batch;
	const char *judged = pg_batch_judged(e);
	uint8_t base[8];
	const struct pg_param params[] = {
		param(b->read_keys.p, b->read_keys.len),
		param(b->read_revs.p, b->read_revs.len),
		param(b->new_keys.p, b->new_keys.len),
		param(b->new_values.p, b->new_values.len),
		param(b->put_keys.p, b->put_keys.len),
		param(b->put_values.p, b->put_values.len),
		param(b->deletes.p, b->deletes.len),
		param(s->id.b, sizeof(s->id.b)),
		param(b->changed.p, b->changed.len),
		param(base, sizeof(base)),
		param(b->put_revs.p, b->put_revs.len),
		{ .p = judged, .len = judged == NULL ? 0 : strlen(judged), .is_text = true },
	};

	put_u64(base, rev_base(e));
	return pg_send(&e->link, PG_BEGIN, NULL, 0) &&
	    pg_send(&e->link, PG_WRITE, params, COUNT_OF(params)) &&
	    (!s->is_alone || pg_send_flush(&e->link)) && pg_send_sync(&e->link) &&
	    (s->is_alone || (pg_turn_send_over(e) && pg_poll_send(e, &s->id)));
}

/* What an error means that came before the commit's own answer. */
static enum outcome
judge_error(struct engine *e, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	if (state == NULL)
		return LOST;
	if (strcmp(state, "22012") == 0) { /* of all that we send only PG_WRITE divides */
		log_world("pg_copy_wrong", "compared with the database");
		e->snapshot[0] = '\0';
		return AGAIN;
	}
	/* serialization, deadlock, and a key that the copy does not know yet: none of it happened */
	if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0 || strcmp(state, "23505") == 0)
		return AGAIN;
	log_world("pg_write_refused", "state=%s%s", state,
	    strcmp(state, "23514") == 0 ? ": closed by a move to one machine: end it there" : "");
	return strncmp(state, "57", 2) == 0 || strncmp(state, "08", 2) == 0 ? LOST : REFUSED;
}

static enum outcome
judge_row(const PGresult *res, uint64_t *xid)
{
	if (PQntuples(res) != 1)
		return LOST;
	*xid = pg_number(res, 0, 0);
	return *xid == 0 ? AGAIN : DONE;
}

/* Milliseconds that it took: a disk of ours that is slow says nothing of the server, whose answer may have
 * come meanwhile. */
static int64_t
begin_copy(struct engine *e, uint64_t own_rev)
{
	const int64_t start = clock_mono_ms();

	pg_copy_begin(e, own_rev);
	return clock_mono_ms() - start;
}

/* The answers up to the sync point.  It is the commit's: an error may come after the statement's row, and
 * before the point was reached nothing is sure. */
static enum outcome
hear_batch(struct engine *e, int64_t until, struct sent *s)
{
	enum outcome outcome = LOST;
	bool has_failed = false;
	ExecStatusType status;
	PGresult *res;

	for (unsigned i = 0; (res = pg_answer(&e->link, until)) != NULL; i++) {
		if ((status = PQresultStatus(res)) == PGRES_FATAL_ERROR && !has_failed) {
			has_failed = true;
			outcome = judge_error(e, res);
		} else if (i == 1 && !has_failed) {
			outcome = judge_row(res, &s->xid);
			s->row = res;
			if (outcome == DONE && s->is_alone)
				until += begin_copy(e, s->base + s->xid);
			continue;
		}
		PQclear(res);
		if (status == PGRES_PIPELINE_SYNC)
			return e->link.is_unsure ? LOST : outcome;
	}
	return LOST;
}

/* What has the row of ${id}?  The batch itself, with its transaction (DONE); an earlier fence, whose answer
 * was lost, so that the batch can never follow (AGAIN).  No row is no answer: there is one. */
static enum outcome
find(struct engine *e, const struct id *id, int64_t until, uint64_t *xid)
{
	const struct pg_param p = param(id->b, sizeof(id->b));
	enum outcome outcome = LOST;
	PGresult *res;

	if (!pg_send(&e->link, PG_FIND, &p, 1) || !pg_send_sync(&e->link))
		return LOST;
	res = pg_answer(&e->link, until);
	if (PQresultStatus(res) == PGRES_TUPLES_OK && pg_answer_sync(&e->link, until) &&
	    PQntuples(res) == 1) {
		outcome = pg_number(res, 0, 1) > 0 ? DONE : AGAIN;
		*xid = outcome == DONE ? pg_number(res, 0, 0) : 0;
	}
	PQclear(res);
	return outcome;
}

/* Put the row of ${s} there unless there is one: waits for a transaction that is about to. */
static enum outcome
fence(struct engine *e, struct sent *s, int64_t until)
{
	uint8_t seen[8];
	const struct pg_param params[] = { param(s->id.b, sizeof(s->id.b)), param(e->node, sizeof(e->node)),
		param(seen, sizeof(seen)) };
	bool is_heard, is_put;
	PGresult *res;

	put_u64(seen, s->seen);
	if (!pg_send(&e->link, PG_FENCE, params, COUNT_OF(params)) || !pg_send_sync(&e->link))
		return LOST;
	res = pg_answer(&e->link, until);
	is_heard =
	    PQresultStatus(res) == PGRES_TUPLES_OK && pg_answer_sync(&e->link, until) && !e->link.is_unsure;
	is_put = PQntuples(res) == 1;
	PQclear(res);
	return !is_heard ? LOST : is_put ? AGAIN : find(e, &s->id, until, &s->xid);
}

/* Learn what became of ${s}, on whichever server is the primary by then. */
static enum outcome
resolve(struct engine *e, struct sent *s, int64_t until)
{
	enum outcome outcome = LOST;

	pg_link_drop(&e->link);
	while (outcome == LOST && clock_mono_ms() < until) {
		if (pg_link_up(&e->link, NULL) == RC_OK)
			outcome = fence(e, s, until);
		if (outcome == LOST) {
			pg_link_drop(&e->link);
			usleep(100000);
		}
	}
	log_world("pg_resolved", "outcome=%s",
	    outcome == DONE        ? "happened"
		: outcome == AGAIN ? "did_not_happen"
				   : "unknown");
	return outcome;
}

/* The snapshot in which the batch was done, where it says so; none: somebody else has written since the
 * copy's. */
static struct bytes
done_in(const struct sent *s)
{
	return PQntuples(s->row) == 1 && !PQgetisnull(s->row, 0, 1) ? pg_bytes(s->row, 0, 1)
								    : (struct bytes){ NULL, 0 };
}

/*
 * Bring the copy to where the database is after the batch, of which the server has said what became:
 * ${own_rev} is what it was committed as, or 0.  A look costs the server a twentieth of a batch, and says
 * nothing where nobody else writes.  So where somebody does it travels with the batch, else it is left out,
 * or made up for, which has its own time up to ${limit}.
 */
static bool
bring_copy(struct engine *e, const struct sent *s, uint64_t own_rev, int64_t until, int64_t limit)
{
	const struct bytes text = done_in(s);
	enum rc rc = RC_NOT_FOUND;

	if (text.p == NULL)
		e->others_until = clock_mono_ms() + PG_OTHERS_MS;
	if (!s->is_alone) {
		if (pg_turn_hear_over(e, until))
			return pg_poll_answer(e, own_rev, until) == RC_OK;
		pg_link_drop(&e->link);
		return false;
	}
	if (e->snapshot[0] == '\0')
		return false;
	if (text.p != NULL && own_rev != 0)
		rc = pg_poll_spared(e, text, s->xid, own_rev);
	if (rc != RC_NOT_FOUND)
		return rc == RC_OK;
	if (pg_poll_send(e, &s->id))
		return pg_poll_answer(e, own_rev, at_most(limit)) == RC_OK;
	pg_link_drop(&e->link);
	return false;
}

static enum outcome
try_batch(struct engine *e, int64_t limit, uint64_t *rev)
{
	const int64_t now = clock_mono_ms(), more = (int64_t)e->batch.bytes / BYTES_A_MS;
	const int64_t until = limit + more, first = now + COMMIT_MS + more;
	const int64_t patience = first < until ? first : until;
	struct sent s = { .id = id_new(), .is_alone = pg_is_alone(e) };
	enum outcome outcome = LOST;
	bool is_heard, is_told = false;

	s.base = rev_base(e); /* a server found later may have another timeline */
	s.seen = strtoull(e->snapshot, NULL, 10);
	if (send_batch(e, &s))
		outcome = hear_batch(e, patience, &s);
	if (outcome != DONE)
		pg_copy_drop(e);
	if (!(is_heard = outcome != LOST))
		outcome = resolve(e, &s, until);
	if (outcome == DONE) {
		/* whoever leads from here on must have it; goes to the copy with what the batch changed */
		pg_change_name(BYTES_OF(s.id.b), s.xid, e->link.last);
		atomic_store(&e->confirmed, now);
	}
	if (is_heard)
		is_told = bring_copy(e, &s, outcome == DONE ? s.base + s.xid : 0, patience, until);
	pg_copy_drop(e);
	PQclear(s.row);
	if (outcome == DONE && e->is_giving)
		e->carrier.given(e->carrier.arg);
	/* whoever hears of a commit must find it in the copy */
	while (!is_told && outcome != LOST && clock_mono_ms() < until) {
		is_told = pg_ready(e, NULL) == RC_OK && pg_poll(e, until) == RC_OK;
		if (!is_told)
			usleep(100000);
	}
	*rev = s.base + s.xid;
	return outcome == DONE && !is_told ? LOST : outcome;
}

static void
set_pending(struct commit *first, const struct commit *end, enum rc rc, uint64_t rev)
{
	for (struct commit *c = first; c != end; c = c->next) {
		if (c->rc != RC_OK)
			continue;
		c->rc = rc;
		c->rev = rev;
	}
}

/* Losers of a race must not meet again in step, but who waits long loses to who does not; a server that is
 * ${down} has time. */
static void
pause_after(unsigned down)
{
	usleep(random_below(PAUSE_US << (down < 5 ? down : 5)) + 1);
}

/* One attempt at as many from ${first} on as make one statement; *rest is the first after them. */
static enum outcome
attempt(struct engine *e, struct commit *first, int64_t until, struct commit **rest, uint64_t *rev)
{
	const int64_t patience = at_most(until);
	enum outcome outcome;
	enum rc rc;

	/* all before the batch is built: a comparison brings heads and values of another server */
	if (pg_ready(e, NULL) != RC_OK || (pg_turn_is_due(e) && pg_turn_take(e, patience) != RC_OK))
		return clock_mono_ms() < until ? AGAIN : REFUSED;
	if (atomic_load(&e->is_broken))
		return REFUSED;
	if (e->has_taken)
		return AGAIN;
	*rest = pg_batch_build(e, first, NULL, &rc);
	if (rc != RC_OK)
		return REFUSED;
	if (e->batch.commits == 0)
		return NONE;
	if (clock_mono_ms() + COMMIT_MS > until)
		return REFUSED; /* sent, it would not be heard of any more */
	if ((outcome = try_batch(e, until, rev)) == AGAIN)
		pg_turn_lost(e);
	return outcome;
}

/* As many from ${first} on as make one statement; returns the first after them. */
static struct commit *
apply_some(struct engine *e, struct commit *first, int64_t until)
{
	static const enum rc rc_of[] = {
		[DONE] = RC_OK, [AGAIN] = RC_BUSY, [REFUSED] = RC_UNAVAILABLE, [LOST] = RC_UNKNOWN
	};
	struct commit *rest = first;
	enum outcome outcome = AGAIN;
	unsigned tries = 0, down = 0;
	uint64_t rev = 0;

	while (outcome == AGAIN && !e->has_taken && down < TRIES && (tries == 0 || clock_mono_ms() < until)) {
		if (tries > EAGER || down > 0)
			pause_after(down);
		outcome = attempt(e, first, until, &rest, &rev);
		down += e->link.conn == NULL;
		tries++;
	}
	pg_turn_leave(e, clock_mono_ms() + COMMIT_MS);
	if (outcome == NONE)
		return rest;
	if (outcome == AGAIN && e->has_taken)
		return first;
	if (rest == first) { /* no memory, not even for one */
		first->rc = RC_UNAVAILABLE;
		return first->next;
	}
	set_pending(first, rest, rc_of[outcome], rev);
	return rest;
}

void
pg_apply(struct engine *e, struct commit *list)
{
	const int64_t until = clock_mono_ms() + TOTAL_MS;
	struct fault f = { 0 };

	e->has_taken = false;
	/* what this node has not seen would make its transactions conflict in vain */
	if (pg_ready(e, &f) == RC_OK) {
		while (list != NULL && !e->has_taken)
			list = apply_some(e, list, until);
	}
	/* new keys came: what is left was sealed under the old ones, and is run anew by whoever submitted it
	 */
	for (; list != NULL; list = list->next)
		list->rc = e->has_taken ? RC_CONFLICT : RC_UNAVAILABLE;
}
