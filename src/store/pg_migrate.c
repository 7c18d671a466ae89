/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one engine to the other: all pairs as they stand, sealed, with their revisions.  Into PostgreSQL they
 * are sent and then read back and compared byte by byte; the other way the node's copy is brought up to date
 * and becomes the store.  Broken off anywhere the old engine stays in charge, and the same command begins
 * again.
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
#include "store/pg_parts.h"

#define CONNINFO_CAP 4096u
#define STEP_MS      60000
#define STEP_BYTES   (4u << 20)
#define STEP_PAIRS   2000u

struct move {
	struct engine *from; /* LMDB */
	struct snapshot *snapshot;
	struct pg_link link;
	struct pg_array keys, revs, values;
	size_t bytes;
	uint64_t pairs, highest; /* revision */
	struct key at;
	bool is_over;
	/* verification: what the database has */
	const PGresult *rows;
	int row;
};

static enum rc
lost(struct fault *f)
{
	return fault_set(f, RC_UNAVAILABLE, MSG_PG_REFUSED, NULL, 0, "connection_lost");
}

/* Run a prepared statement, or ${sql}; ${out} gets the answer, which the caller clears. */
static enum rc
run(struct pg_link *l, int statement, const char *sql, const struct pg_param *params, unsigned count,
    PGresult **out)
{
	const int64_t until = clock_mono_ms() + STEP_MS;
	const bool is_sent =
	    sql != NULL ? pg_send_text(l, sql) : pg_send(l, (enum pg_statement)statement, params, count);
	PGresult *res = NULL;
	enum rc rc = RC_UNAVAILABLE;

	if (is_sent && pg_send_sync(l) && (res = pg_answer(l, until)) != NULL &&
	    PQresultStatus(res) != PGRES_FATAL_ERROR && pg_answer_sync(l, until) && !l->is_unsure)
		rc = RC_OK;
	if (rc == RC_OK && out != NULL)
		*out = res;
	else
		PQclear(res);
	return rc;
}

/* ---- sending ---- */

static bool
collect(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	const struct key bookmark = log_bookmark_key(), revision = log_revision_key();
	struct move *m = arg;

	if (m->at.len > 0 && key_compare(key, &m->at) <= 0)
		return true;
	if (rev > m->highest)
		m->highest = rev;
	m->at = *key;
	if (key_compare(key, &bookmark) == 0 || key_compare(key, &revision) == 0)
		return true;
	pg_array_add(&m->keys, (struct bytes){ key->b, key->len });
	pg_array_add_number(&m->revs, rev);
	pg_array_add(&m->values, value);
	m->bytes += key->len + value.len;
	m->pairs++;
	m->is_over = m->keys.count < STEP_PAIRS && m->bytes < STEP_BYTES;
	return m->is_over;
}

/* The next pairs of the store, from m->at on. */
static enum rc
collect_some(struct move *m)
{
	pg_array_start(&m->keys, PG_BYTEA);
	pg_array_start(&m->revs, PG_BIGINT);
	pg_array_start(&m->values, PG_BYTEA);
	m->bytes = 0;
	m->is_over = true;
	if (engine_lmdb.scan(m->snapshot, &m->at, 0, collect, m) != RC_OK)
		return RC_CORRUPT;
	return m->keys.is_short || m->revs.is_short || m->values.is_short ? RC_UNAVAILABLE : RC_OK;
}

static enum rc
send_all(struct move *m)
{
	enum rc rc;

	m->at = (struct key){ .len = 0 };
	m->is_over = false;
	while (!m->is_over) {
		if ((rc = collect_some(m)) != RC_OK)
			return rc;
		const struct pg_param params[] = {
			{ .p = m->keys.p, .len = m->keys.len },
			{ .p = m->revs.p, .len = m->revs.len },
			{ .p = m->values.p, .len = m->values.len },
		};
		if ((rc = run(&m->link, PG_LOAD, NULL, params, COUNT_OF(params), NULL)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* ---- reading back ---- */

static bool
compare_pair(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	const struct key bookmark = log_bookmark_key(), revision = log_revision_key();
	struct move *m = arg;

	if ((m->at.len > 0 && key_compare(key, &m->at) <= 0) || key_compare(key, &bookmark) == 0 ||
	    key_compare(key, &revision) == 0)
		return true;
	if (m->row == PQntuples(m->rows))
		return false;
	if (!bytes_equal(pg_bytes(m->rows, m->row, 0), (struct bytes){ key->b, key->len }) ||
	    pg_number(m->rows, m->row, 1) != rev || !bytes_equal(pg_bytes(m->rows, m->row, 2), value))
		return false;
	m->row++;
	m->pairs++;
	return true;
}

/* One chunk of the database beside the store: the same pairs in the same order.  The walk stops at the first
 * row that differs, so then rows are left. */
static enum rc
compare_chunk(struct move *m, const PGresult *rows)
{
	struct bytes last;

	m->rows = rows;
	m->row = 0;
	if (engine_lmdb.scan(m->snapshot, &m->at, 0, compare_pair, m) != RC_OK || m->row < PQntuples(rows))
		return RC_CORRUPT;
	if (PQntuples(rows) == 0)
		return RC_OK;
	last = pg_bytes(rows, PQntuples(rows) - 1, 0);
	memcpy(m->at.b, last.p, last.len);
	m->at.len = (uint8_t)last.len;
	return RC_OK;
}

static enum rc
verify_all(struct move *m)
{
	const uint64_t sent = m->pairs;
	enum rc rc = RC_OK;
	int rows = 1;

	m->at = (struct key){ .len = 0 };
	m->pairs = 0;
	while (rc == RC_OK && rows > 0) {
		const struct pg_param p = { .p = m->at.b, .len = m->at.len };
		PGresult *res;

		if ((rc = run(&m->link, PG_PAIRS, NULL, &p, 1, &res)) != RC_OK)
			return rc;
		rows = PQntuples(res);
		rc = compare_chunk(m, res);
		PQclear(res);
	}
	return rc == RC_OK && m->pairs != sent ? RC_CORRUPT : rc;
}

/* ---- into PostgreSQL ---- */

/* An unfinished move may be begun again; a registry that lives there may not be overwritten. */
static enum rc
take_database(struct move *m, struct fault *f)
{
	static const char state[] = "SELECT (SELECT count(*) FROM (SELECT 1 FROM menedek_kv LIMIT 1) AS one),"
				    " (SELECT count(*) FROM menedek_meta WHERE name = 'loading')";
	PGresult *res;
	bool is_taken;

	if (run(&m->link, 0, state, NULL, 0, &res) != RC_OK)
		return lost(f);
	is_taken = pg_number(res, 0, 0) > 0 && pg_number(res, 0, 1) == 0;
	PQclear(res);
	if (is_taken)
		return fault_set(f, RC_TAKEN, MSG_PG_TAKEN, NULL, 0, NULL);
	if (run(&m->link, 0, "INSERT INTO menedek_meta VALUES ('loading', '1') ON CONFLICT DO NOTHING", NULL,
		0, NULL) != RC_OK ||
	    run(&m->link, 0, "DELETE FROM menedek_kv", NULL, 0, NULL) != RC_OK)
		return lost(f);
	return RC_OK;
}

/* New revisions must lie above all that the store ever gave. */
static enum rc
set_base(struct move *m, struct fault *f)
{
	char number[24];
	const int len = snprintf(number, sizeof(number), "%llu", (unsigned long long)m->highest);
	const struct pg_param p = { .p = number, .len = (size_t)len, .is_text = true };

	return run(&m->link, PG_BASE, NULL, &p, 1, NULL) == RC_OK ? RC_OK : lost(f);
}

static enum rc
move_all(struct move *m, struct fault *f)
{
	enum rc rc;

	if ((rc = pg_link_up(&m->link, f)) != RC_OK || (rc = take_database(m, f)) != RC_OK)
		return rc;
	if ((rc = send_all(m)) == RC_OK)
		rc = verify_all(m);
	if (rc == RC_CORRUPT)
		return fault_set(f, rc, MSG_PG_DIFFERS, NULL, 0, NULL);
	return rc == RC_OK ? set_base(m, f) : lost(f);
}

static enum rc
write_conninfo(const char *path, const char *conninfo, struct fault *f)
{
	char name[512], line[CONNINFO_CAP];
	const int len = snprintf(line, sizeof(line), "%s\n", conninfo);
	enum rc rc;

	if (!path_join(name, sizeof(name), path, PG_CONNINFO) || (size_t)len >= sizeof(line))
		return fault_set(f, RC_INVALID, MSG_PG_CONNINFO, NULL, 0, NULL);
	rc = file_write_given(name, (struct bytes){ (const uint8_t *)line, (size_t)len }, 0600, f);
	wipe(line, sizeof(line));
	return rc;
}

static enum rc
open_to_changes(struct pg_link *l)
{
	return run(l, 0, "ALTER TABLE menedek_changes DROP CONSTRAINT IF EXISTS menedek_left", NULL, 0, NULL);
}

/* Told last, when the directory knows: whoever was broken off before finds a database that may be filled
 * anew, or whose filling is over but for this word.  Until then no node takes it. */
static enum rc
tell_whole(struct move *m, struct fault *f)
{
	if (open_to_changes(&m->link) == RC_OK &&
	    run(&m->link, 0, "DELETE FROM menedek_meta WHERE name IN ('loading', 'left', 'leaving')", NULL, 0,
		NULL) == RC_OK)
		return RC_OK;
	return fault_set(f, RC_UNAVAILABLE, MSG_PG_UNFINISHED, NULL, 0, NULL);
}

/* A store restored from a node's backup remembers another database, and would refuse this one. */
static enum rc
take_in_use(struct move *m, const char *path, const char *conninfo, struct fault *f)
{
	enum rc rc = lmdb_must_last(m->from);

	if (rc == RC_OK)
		rc = write_conninfo(path, conninfo, f);
	return rc == RC_OK ? tell_whole(m, f) : rc;
}

static void
end_move(struct move *m)
{
	pg_link_fini(&m->link);
	pg_array_fini(&m->keys);
	pg_array_fini(&m->revs);
	pg_array_fini(&m->values);
}

static enum rc
count_pairs(struct move *m)
{
	enum rc rc = RC_OK;

	for (m->is_over = false; rc == RC_OK && !m->is_over;)
		rc = collect_some(m);
	return rc;
}

/* The line of a store that is over PostgreSQL already.  A database without tables is one that was lost, and
 * is left as it is. */
static enum rc
connect_again(struct move *m, const char *path, struct fault *f)
{
	char name[512], *line;
	size_t len;
	enum rc rc;

	if (!path_join(name, sizeof(name), path, PG_CONNINFO))
		return fault_set(f, RC_INVALID, MSG_PG_CONNINFO, NULL, 0, NULL);
	if ((rc = file_read(name, CONNINFO_CAP, &line, &len, f)) != RC_OK)
		return rc;
	line[strcspn(line, "\n")] = '\0';
	rc = pg_link_init(&m->link, line, f);
	wipe(line, len);
	free(line);
	(void)str_copy(m->link.registry, sizeof(m->link.registry), "unknown");
	m->link.may_load = true;
	return rc == RC_OK ? pg_link_up(&m->link, f) : rc;
}

/* RC_TAKEN: its filling is over.  Whoever hears nothing may not call it so: nobody would end it. */
static enum rc
check_loading(struct move *m)
{
	PGresult *res = NULL;
	enum rc rc =
	    run(&m->link, 0, "SELECT count(*) FROM menedek_meta WHERE name = 'loading'", NULL, 0, &res);

	if (rc == RC_OK && pg_number(res, 0, 0) == 0)
		rc = RC_TAKEN;
	PQclear(res);
	return rc;
}

/* RC_TAKEN: the database does not hold what the store does.  An empty store is none, and any database that
 * somebody has just begun to fill holds it. */
static enum rc
compare_again(struct move *m)
{
	enum rc rc = count_pairs(m);

	if (rc != RC_OK)
		return RC_UNAVAILABLE;
	if (m->pairs == 0)
		return RC_TAKEN;
	rc = verify_all(m);
	return rc == RC_CORRUPT ? RC_TAKEN : rc;
}

/* The same of the store at ${path}.  What another store has begun to fill does not hold it. */
static enum rc
check_moved(struct move *m, const char *path, struct fault *f)
{
	enum rc rc = engine_lmdb.open(path, 0, &m->from, f);

	if (rc != RC_OK)
		return rc;
	if ((rc = engine_lmdb.snapshot(m->from, &m->snapshot)) == RC_OK) {
		rc = compare_again(m);
		engine_lmdb.release(m->snapshot);
	}
	engine_lmdb.close(m->from);
	return rc;
}

/* One that was broken off when all but its last word was there. */
static enum rc
finish_again(const char *path, uint64_t *pairs, struct fault *f)
{
	struct move m = { .from = NULL };
	enum rc rc = connect_again(&m, path, f);

	if (rc == RC_OK && (rc = check_loading(&m)) == RC_OK && (rc = check_moved(&m, path, f)) == RC_OK)
		rc = tell_whole(&m, f);
	else if (rc == RC_TAKEN)
		rc = fault_set(f, rc, MSG_PG_ALREADY, NULL, 0, NULL);
	else if (f->count == 0)
		rc = lost(f);
	*pairs = m.pairs;
	end_move(&m);
	return rc;
}

enum rc
migrate_to_postgresql(const char *path, const char *conninfo, uint64_t *pairs, struct fault *f)
{
	struct move m = { .from = NULL };
	enum rc rc;

	if (engine_of(path) == &engine_postgresql)
		return finish_again(path, pairs, f);
	if (strchr(conninfo, '\n') != NULL)
		return fault_set(f, RC_INVALID, MSG_PG_CONNINFO, NULL, 0, NULL);
	if ((rc = engine_lmdb.open(path, 0, &m.from, f)) != RC_OK)
		return rc;
	if (engine_lmdb.is_altered(m.from))
		rc = fault_set(f, RC_CORRUPT, MSG_STORE_ALTERED, NULL, 0, NULL);
	if (rc == RC_OK && (rc = engine_lmdb.snapshot(m.from, &m.snapshot)) == RC_OK) {
		if ((rc = pg_link_init(&m.link, conninfo, f)) == RC_OK) {
			m.link.may_load = true; /* one that was broken off is begun again */
			rc = move_all(&m, f);
		}
		engine_lmdb.release(m.snapshot);
		if (rc == RC_OK)
			rc = take_in_use(&m, path, conninfo, f);
	}
	engine_lmdb.close(m.from);
	*pairs = m.pairs;
	end_move(&m);
	return rc;
}

/* ---- back into LMDB ---- */

/* Another node that still serves would go on writing to what is left behind. */
static enum rc
refuse_served(struct engine *e, struct fault *f)
{
	PGresult *res;
	uint64_t others = 0;
	enum rc rc = run(&e->link, 0,
	    "SELECT count(*) FROM menedek_nodes WHERE at > now() - interval '5 seconds'", NULL, 0, &res);

	if (rc != RC_OK)
		return lost(f);
	others = pg_number(res, 0, 0);
	PQclear(res);
	return others > 0 ? fault_set(f, RC_BUSY, MSG_PG_SERVED, NULL, 0, NULL) : RC_OK;
}

static enum rc
count_pair(struct engine *e, uint64_t *pairs)
{
	struct move m = { .from = e->mirror };
	enum rc rc = engine_lmdb.snapshot(e->mirror, &m.snapshot);

	if (rc != RC_OK)
		return rc;
	rc = count_pairs(&m);
	engine_lmdb.release(m.snapshot);
	*pairs = m.pairs;
	end_move(&m);
	return rc;
}

/* Key by key once more: what is left behind is not asked again.  A node that was started meanwhile has beaten
 * since: its changes are refused already, and it would go on telling what is left behind. */
static enum rc
take_all(struct engine *e, uint64_t *pairs, struct fault *f)
{
	enum rc rc = pg_compare(e);

	if (rc == RC_OK && (rc = refuse_served(e, f)) != RC_OK)
		return rc;
	if (rc == RC_OK && (rc = count_pair(e, pairs)) == RC_OK)
		rc = lmdb_must_last(e->mirror);
	return rc == RC_OK ? rc : fault_set(f, rc, MSG_STORE_OPEN, NULL, 0, "copy");
}

#define CLAIM_CAP 200u

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
	rc = run(&e->link, 0, sql, NULL, 0, &res);
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
	if ((rc = run(&e->link, 0, "BEGIN", NULL, 0, NULL)) != RC_OK ||
	    (rc = run(&e->link, 0, own, NULL, 0, NULL)) != RC_OK ||
	    (rc = run(&e->link, 0,
		 "ALTER TABLE menedek_changes DROP CONSTRAINT IF EXISTS menedek_left,"
		 " ADD CONSTRAINT menedek_left CHECK (false) NOT VALID",
		 NULL, 0, NULL)) != RC_OK ||
	    (rc = check_claim(e)) != RC_OK)
		return rc;
	return run(&e->link, 0, "COMMIT", NULL, 0, NULL);
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
	    (rc = run(&e->link, 0, "BEGIN", NULL, 0, NULL)) != RC_OK ||
	    (rc = open_to_changes(&e->link)) != RC_OK || (rc = run(&e->link, 0, own, NULL, 0, &res)) != RC_OK)
		return rc;
	is_ours = PQntuples(res) == 1;
	PQclear(res);
	return run(&e->link, 0, is_ours ? "COMMIT" : "ROLLBACK", NULL, 0, NULL);
}

/* The registry stays where it is, and its nodes write again: also where the leader is lost meanwhile. */
static void
stay(struct engine *e)
{
	const int64_t until = clock_mono_ms() + STEP_MS;
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
		rc = lost(f);
	else if ((rc = take_all(e, pairs, f)) == RC_OK && unlink(line) != 0)
		rc = fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, PG_CONNINFO);
	if (rc != RC_OK) {
		stay(e);
		return rc;
	}
	return file_sync_parent(line) ? RC_OK
				      : fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, PG_CONNINFO);
}

/* A node that was cut off meanwhile, or is started again with its own copy of the line, would give out rooms
 * that are given out here.  Told last: until the line is gone, the database is the store. */
static enum rc
mark_left(struct engine *e, struct fault *f)
{
	if (run(&e->link, 0, "INSERT INTO menedek_meta VALUES ('left', '1') ON CONFLICT DO NOTHING", NULL, 0,
		NULL) == RC_OK)
		return RC_OK;
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
