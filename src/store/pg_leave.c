/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out of PostgreSQL: the node's copy is brought up to date, compared value by value, and becomes the store.
 * Broken off anywhere before that the database stays in charge, and the same command begins again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "store/lmdb_mirror.h"
#include "store/migrate.h"
#include "store/pg_move.h"

#define CLAIM_CAP 200u
#define TELL_MS   10000 /* then another server may lead */

/* Another node that still serves would go on writing to what is left behind. */
static enum rc
refuse_served(struct engine *e, struct fault *f)
{
	PGresult *res;
	uint64_t others = 0;
	enum rc rc = pg_move_run(
	    &e->link, "SELECT count(*) FROM menedek_nodes WHERE at > now() - interval '5 seconds'", &res);

	if (rc != RC_OK)
		return pg_move_lost(f);
	others = pg_number(res, 0, 0);
	PQclear(res);
	return others > 0 ? fault_set(f, RC_BUSY, MSG_PG_SERVED, NULL, 0, NULL) : RC_OK;
}

static bool
count_pair(void *arg, const struct key *key, struct bytes value UNUSED, uint64_t rev UNUSED)
{
	const struct key bookmark = log_bookmark_key(), revision = log_revision_key();
	uint64_t *pairs = arg;

	*pairs += key_compare(key, &bookmark) != 0 && key_compare(key, &revision) != 0;
	return true;
}

static enum rc
count_pairs(struct engine *e, uint64_t *pairs)
{
	const struct key all = { .len = 0 };
	struct snapshot *s;
	enum rc rc = engine_lmdb.snapshot(e->mirror, &s);

	if (rc != RC_OK)
		return rc;
	*pairs = 0;
	rc = engine_lmdb.scan(s, &all, 0, count_pair, pairs);
	engine_lmdb.release(s);
	return rc;
}

/* Value by value once more, since what is left behind is not asked again, and a copy is not synced as it is
 * written.  A node that was started meanwhile has beaten
 * since: its changes are refused already, and it would go on telling what is left behind. */
static enum rc
take_all(struct engine *e, uint64_t *pairs, struct fault *f)
{
	enum rc rc;

	pg_doubt(&e->link);
	rc = pg_compare(e);
	if (rc == RC_OK && (rc = refuse_served(e, f)) != RC_OK)
		return rc;
	if (rc == RC_OK && (rc = count_pairs(e, pairs)) == RC_OK)
		rc = lmdb_must_last(e->mirror);
	return rc == RC_OK ? rc : fault_set(f, rc, MSG_STORE_OPEN, NULL, 0, "copy");
}

/* ${before}, by whom it is left, ${after}: of two that both had it, two would give out its rooms. */
static void
claim(struct engine *e, const char *before, const char *after, char out[CLAIM_CAP])
{
	char id[2 * ID_BYTES + 1];

	pg_know_node(e);
	hex_format(e->node, sizeof(e->node), id);
	(void)snprintf(out, CLAIM_CAP, "%s'%s'%s", before, id, after);
}

/* RC_TAKEN: another has left, or has begun to. */
static enum rc
check_claim(struct engine *e)
{
	PGresult *res = NULL;
	char sql[CLAIM_CAP];
	enum rc rc;

	claim(e, "SELECT count(*) FROM menedek_meta WHERE name = 'left' OR (name = 'leaving' AND value <> ",
	    ")", sql);
	rc = pg_move_run(&e->link, sql, &res);
	if (rc == RC_OK && pg_number(res, 0, 0) > 0)
		rc = RC_TAKEN;
	PQclear(res);
	return rc;
}

/*
 * No change is taken from here on, by whichever session it comes, and those under way are waited for: a
 * session hears of no mark before its next beat, and a command that writes beats not at all.  A rule of the
 * table, since a statement that stood in the queue for it has the snapshot of before, but the rules of now.
 * Committed with a word of its own: a session that is lost here cannot close what was opened again.
 */
static enum rc
close_to_changes(struct engine *e)
{
	char own[CLAIM_CAP];
	enum rc rc;

	claim(e, "INSERT INTO menedek_meta VALUES ('leaving', ", ") ON CONFLICT (name) DO NOTHING", own);
	if ((rc = pg_move_run(&e->link, "BEGIN", NULL)) != RC_OK ||
	    (rc = pg_move_run(&e->link, own, NULL)) != RC_OK ||
	    (rc = pg_move_run(&e->link,
		 "ALTER TABLE menedek_changes DROP CONSTRAINT IF EXISTS menedek_left,"
		 " ADD CONSTRAINT menedek_left CHECK (false) NOT VALID",
		 NULL)) != RC_OK ||
	    (rc = check_claim(e)) != RC_OK)
		return rc;
	return pg_move_run(&e->link, "COMMIT", NULL);
}

/* Only what was closed from here.  The table comes first: whoever has it is done when we do, and then it is
 * known what was claimed. */
static enum rc
reopen(struct engine *e)
{
	PGresult *res = NULL;
	char own[CLAIM_CAP];
	bool is_ours;
	enum rc rc;

	claim(e, "DELETE FROM menedek_meta WHERE name = 'leaving' AND value = ", " RETURNING 1::bigint", own);
	if ((rc = pg_link_up(&e->link, NULL)) != RC_OK ||
	    (rc = pg_move_run(&e->link, "BEGIN", NULL)) != RC_OK || (rc = pg_move_open(&e->link)) != RC_OK ||
	    (rc = pg_move_run(&e->link, own, &res)) != RC_OK)
		return rc;
	is_ours = PQntuples(res) == 1;
	PQclear(res);
	return pg_move_run(&e->link, is_ours ? "COMMIT" : "ROLLBACK", NULL);
}

/* The registry stays where it is, and its nodes write again: also where the leader is lost meanwhile. */
static void
stay(struct engine *e)
{
	const int64_t until = clock_mono_ms() + PG_MOVE_MS;
	enum rc rc;

	do {
		pg_link_drop(&e->link);
		if ((rc = reopen(e)) != RC_OK)
			usleep(100000);
	} while (rc != RC_OK && clock_mono_ms() < until);
	if (rc != RC_OK)
		log_world("pg_move", "not moved, and the database takes no change until it is: move again");
}

/* Once the line is gone the store is here, and the database stays closed whatever else fails. */
static enum rc
take_along(struct engine *e, const char *line, uint64_t *pairs, struct fault *f)
{
	enum rc rc = refuse_served(e, f);

	if (rc != RC_OK)
		return rc;
	if ((rc = close_to_changes(e)) == RC_TAKEN)
		return fault_set(f, rc, MSG_PG_LEAVING, NULL, 0, NULL);
	if (rc != RC_OK)
		rc = pg_move_lost(f);
	else if ((rc = take_all(e, pairs, f)) == RC_OK && unlink(line) != 0)
		rc = fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, PG_CONNINFO);
	if (rc != RC_OK) {
		stay(e);
		return rc;
	}
	return file_sync_parent(line) ? RC_OK
				      : fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, PG_CONNINFO);
}

/* Did the server say no, of itself?  One that ends, or waits in vain for a standby, says nothing of what
 * stands there. */
static bool
is_no(const PGresult *res)
{
	static const char *const passing[] = { "08", "40", "53", "57" }; /* classes of errors */
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	for (size_t i = 0; state != NULL && i < COUNT_OF(passing); i++)
		if (strncmp(state, passing[i], 2) == 0)
			return false;
	return state != NULL && PQresultStatus(res) == PGRES_FATAL_ERROR;
}

/* RC_INVALID: it is refused for good; RC_UNAVAILABLE: nobody knows. */
static enum rc
tell_left(struct pg_link *l)
{
	static const char mark[] = "INSERT INTO menedek_meta VALUES ('left', '1') ON CONFLICT DO NOTHING";
	const int64_t until = clock_mono_ms() + TELL_MS;
	PGresult *res;
	enum rc rc;

	if (!pg_send_text(l, mark) || !pg_send_sync(l))
		return RC_UNAVAILABLE;
	res = pg_answer(l, until);
	rc = is_no(res) ? RC_INVALID : RC_UNAVAILABLE;
	if (PQresultStatus(res) == PGRES_COMMAND_OK && pg_answer_sync(l, until) && !l->is_unsure)
		rc = RC_OK;
	PQclear(res);
	return rc;
}

/* A node that was cut off meanwhile, or is started again with its own copy of the line, would give out rooms
 * that are given out here.  Told last: until the line is gone, the database is the store.  By whichever
 * server leads by then; but not what another registry lives in. */
static enum rc
mark_left(struct engine *e, struct fault *f)
{
	const int64_t until = clock_mono_ms() + PG_MOVE_MS;
	char registry[PG_REGISTRY];
	enum rc rc;

	memcpy(registry, e->link.registry, sizeof(registry));
	e->link.may_load = true; /* it may have heard, and the answer been lost */
	do {
		if ((rc = pg_link_up(&e->link, NULL)) == RC_OK)
			rc = strcmp(registry, e->link.registry) == 0 ? tell_left(&e->link) : RC_INVALID;
		if (rc == RC_OK)
			return rc;
		pg_link_drop(&e->link);
		usleep(100000);
	} while (rc != RC_INVALID && clock_mono_ms() < until);
	log_world("pg_move", "the database was not told that it is left: start no node over it");
	return fault_set(f, RC_UNAVAILABLE, MSG_PG_UNTOLD, NULL, 0, NULL);
}

enum rc
migrate_to_lmdb(const char *path, uint64_t *pairs, struct fault *f)
{
	struct engine *e;
	char name[512];
	enum rc rc;

	if (!path_join(name, sizeof(name), path, PG_CONNINFO) || engine_of(path) != &engine_postgresql)
		return fault_set(f, RC_TAKEN, MSG_PG_ALREADY, NULL, 0, NULL);
	if ((rc = engine_postgresql.open(path, 0, &e, f)) != RC_OK)
		return rc;
	if ((rc = take_along(e, name, pairs, f)) == RC_OK)
		rc = mark_left(e, f);
	engine_postgresql.close(e);
	return rc;
}
