/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns of several nodes at the heads of the logs.  Whoever appends needs the head as it is, so of batches
 * that meet there one commits and the others are made anew, and a slow node can lose for ever.  Who has lost
 * stands in PostgreSQL's queue for a lock from then on, for as long as nodes meet.  Only fairness rests on
 * it: nobody waits long for a holder that says nothing, and what commits is decided as ever.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/pg_parts.h"

#define KEEP_ON_MS 1000
#define LEAVE_MS   500 /* after a turn that did not come: its holder may be dead, and not yet known to be */
#define WAIT       "SET LOCAL lock_timeout = '500ms'" /* several turns of sound nodes */

uint64_t
pg_turn_lock(const char *registry)
{
	struct key key = { .len = 0 };

	key_add_bytes(&key, registry, strlen(registry));
	return (uint64_t)key_hash(&key) >> 1; /* PostgreSQL's numbers have a sign */
}

static bool
send_lock(struct engine *e, enum pg_statement statement)
{
	uint8_t lock[8];
	const struct pg_param p = { .p = lock, .len = sizeof(lock) };

	put_u64(lock, pg_turn_lock(e->link.registry));
	return pg_send(&e->link, statement, &p, 1);
}

void
pg_turn_lost(struct engine *e)
{
	const int64_t now = clock_mono_ms();

	if (now >= e->no_turns_until)
		e->turns_until = now + KEEP_ON_MS;
}

bool
pg_turn_is_due(const struct engine *e)
{
	return clock_mono_ms() < e->turns_until;
}

static bool
hear(struct engine *e, int64_t until, ExecStatusType wanted)
{
	PGresult *res = pg_answer(&e->link, until);
	const bool is_so = PQresultStatus(res) == wanted;

	PQclear(res);
	return is_so;
}

/* BEGIN, SET, the lock, COMMIT.  The lock outlives the transaction, its patience does not.  Where the server
 * did not say that it refused the lock, this session may have it: only its end gives it back then. */
static bool
hear_taken(struct engine *e, int64_t until)
{
	PGresult *res;
	bool is_whole;

	if (!hear(e, until, PGRES_COMMAND_OK) || !hear(e, until, PGRES_COMMAND_OK))
		return false;
	res = pg_answer(&e->link, until);
	e->link.has_turn = PQresultStatus(res) == PGRES_TUPLES_OK;
	is_whole = e->link.has_turn || PQresultErrorField(res, PG_DIAG_SQLSTATE) != NULL;
	if (!e->link.has_turn) {
		e->turns_until = 0;
		e->no_turns_until = clock_mono_ms() + LEAVE_MS;
	}
	PQclear(res);
	return is_whole && pg_answer_sync(&e->link, until) && hear(e, until, PGRES_COMMAND_OK) &&
	    pg_answer_sync(&e->link, until);
}

enum rc
pg_turn_take(struct engine *e, int64_t until)
{
	struct pg_link *l = &e->link;

	if (pg_send_text(l, "BEGIN") && pg_send_text(l, WAIT) && send_lock(e, PG_TURN) && pg_send_sync(l) &&
	    pg_send_text(l, "COMMIT") && pg_send_sync(l) && pg_poll_send(e, NULL) && hear_taken(e, until))
		return pg_poll_answer(e, 0, until);
	pg_link_drop(l);
	return RC_UNAVAILABLE;
}

bool
pg_turn_send_over(struct engine *e)
{
	return !e->link.has_turn || send_lock(e, PG_TURN_OVER);
}

bool
pg_turn_hear_over(struct engine *e, int64_t until)
{
	const bool had_turn = e->link.has_turn;

	e->link.has_turn = false;
	return !had_turn || hear(e, until, PGRES_TUPLES_OK);
}

void
pg_turn_leave(struct engine *e, int64_t until)
{
	if (!e->link.has_turn)
		return;
	if (!pg_turn_send_over(e) || !pg_send_sync(&e->link) || !pg_turn_hear_over(e, until) ||
	    !pg_answer_sync(&e->link, until))
		pg_link_drop(&e->link); /* the server gives it back then */
}
