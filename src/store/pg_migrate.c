/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Into PostgreSQL: all pairs as they stand, sealed, with their revisions, are sent and then read back and
 * compared byte by byte.  Broken off anywhere the old engine stays in charge, and the same command begins
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
#include "store/pg_move.h"

#define CONNINFO_CAP 4096u
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

enum rc
pg_move_lost(struct fault *f)
{
	return fault_set(f, RC_UNAVAILABLE, MSG_PG_REFUSED, NULL, 0, "connection_lost");
}

/* The answer to what ${is_sent}; ${out} gets it, which the caller clears. */
static enum rc
hear(struct pg_link *l, bool is_sent, PGresult **out)
{
	const int64_t until = clock_mono_ms() + PG_MOVE_MS;
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

enum rc
pg_move_run(struct pg_link *l, const char *sql, PGresult **out)
{
	return hear(l, pg_send_text(l, sql), out);
}

/* The same of a prepared one. */
static enum rc
run_prepared(struct pg_link *l, enum pg_statement statement, const struct pg_param *params, unsigned count,
    PGresult **out)
{
	return hear(l, pg_send(l, statement, params, count), out);
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
		if ((rc = run_prepared(&m->link, PG_LOAD, params, COUNT_OF(params), NULL)) != RC_OK)
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

		if ((rc = run_prepared(&m->link, PG_PAIRS, &p, 1, &res)) != RC_OK)
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

	if (pg_move_run(&m->link, state, &res) != RC_OK)
		return pg_move_lost(f);
	is_taken = pg_number(res, 0, 0) > 0 && pg_number(res, 0, 1) == 0;
	PQclear(res);
	if (is_taken)
		return fault_set(f, RC_TAKEN, MSG_PG_TAKEN, NULL, 0, NULL);
	if (pg_move_run(&m->link, "INSERT INTO menedek_meta VALUES ('loading', '1') ON CONFLICT DO NOTHING",
		NULL) != RC_OK ||
	    pg_move_run(&m->link, "DELETE FROM menedek_kv", NULL) != RC_OK)
		return pg_move_lost(f);
	return RC_OK;
}

/* New revisions must lie above all that the store ever gave. */
static enum rc
set_base(struct move *m, struct fault *f)
{
	char number[24];
	const int len = snprintf(number, sizeof(number), "%llu", (unsigned long long)m->highest);
	const struct pg_param p = { .p = number, .len = (size_t)len, .is_text = true };

	return run_prepared(&m->link, PG_BASE, &p, 1, NULL) == RC_OK ? RC_OK : pg_move_lost(f);
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
	return rc == RC_OK ? set_base(m, f) : pg_move_lost(f);
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

enum rc
pg_move_open(struct pg_link *l)
{
	return pg_move_run(l, "ALTER TABLE menedek_changes DROP CONSTRAINT IF EXISTS menedek_left", NULL);
}

/* Told last, when the directory knows: whoever was broken off before finds a database that may be filled
 * anew, or whose filling is over but for this word.  Until then no node takes it. */
static enum rc
tell_whole(struct move *m, struct fault *f)
{
	if (pg_move_open(&m->link) == RC_OK &&
	    pg_move_run(&m->link, "DELETE FROM menedek_meta WHERE name IN ('loading', 'left', 'leaving')",
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
	enum rc rc = pg_move_run(&m->link, "SELECT count(*) FROM menedek_meta WHERE name = 'loading'", &res);

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
		rc = pg_move_lost(f);
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
