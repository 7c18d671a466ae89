/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This node's copy of the database, and how it keeps up.  Every look asks for what PostgreSQL's present
 * snapshot sees and the last one did not; so the copy moves from one consistent state to the next, and a
 * transaction that commits late is not skipped.  Where that chain is broken (another database, a promoted
 * standby, changes thrown away) the copy is compared key by key: revisions tell what differs, and only that
 * travels.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/pg_parts.h"

#define LOOK_MS    4000
#define COMPARE_MS 30000
#define RETRY_MS   300
#define BETWEEN    64u  /* transactions that began while one of ours did */
#define CHUNK      2000 /* as PG_KEYS says */

/* ---- looking for changes ---- */

bool
pg_poll_send(struct engine *e, const struct id *own)
{
	const struct pg_param params[] = {
		{ .p = e->snapshot, .len = strlen(e->snapshot), .is_text = true },
		{ .p = own == NULL ? e->node : own->b, .len = own == NULL ? 0 : sizeof(own->b) },
	};

	return pg_send(&e->link, PG_POLL, params, COUNT_OF(params)) && pg_send_sync(&e->link);
}

/*
 * A server that crashes gives out again, under the same timeline, the numbers of which its disk knows
 * nothing: those of transactions that were given up just before.  Who had called such a number seen would
 * never see whoever gets it then.  So seen is what is not above ${last}, whose commit the snapshot sees and
 * the disk has.
 */
static bool
set_snapshot(struct engine *e, struct bytes text, uint64_t last)
{
	char clipped[PG_SNAPSHOT], *list, *item, *end;
	uint64_t low, high;
	size_t kept = 0;

	if (text.len == 0 || text.len >= sizeof(e->snapshot))
		return false;
	e->look++;
	memcpy(e->snapshot, text.p, text.len);
	e->snapshot[text.len] = '\0';
	low = strtoull(e->snapshot, &end, 10);
	if (*end != ':')
		return false;
	high = strtoull(end + 1, &end, 10);
	if (*end != ':')
		return false;
	if (high <= last + 1)
		return true;
	list = end + 1;
	for (item = list; *item != '\0' && strtoull(item, &end, 10) <= last; item = end + (*end == ',')) {
		if (end == item)
			return false;
		kept = (size_t)(end - list);
	}
	/* no longer than it was */
	(void)snprintf(clipped, sizeof(clipped), "%" PRIu64 ":%" PRIu64 ":%.*s", low <= last ? low : last + 1,
	    last + 1, (int)kept, list);
	memcpy(e->snapshot, clipped, sizeof(clipped));
	return true;
}

bool
pg_snapshot_with(struct bytes text, uint64_t xid, char out[PG_SNAPSHOT])
{
	char had[PG_SNAPSHOT], *end;
	uint64_t low, high;
	size_t len;

	if (text.len == 0 || text.len >= sizeof(had))
		return false;
	memcpy(had, text.p, text.len);
	had[text.len] = '\0';
	low = strtoull(had, &end, 10);
	if (*end != ':')
		return false;
	high = strtoull(end + 1, &end, 10);
	if (*end != ':' || xid < high || xid - high > BETWEEN)
		return false;
	len = (size_t)snprintf(out, PG_SNAPSHOT, "%" PRIu64 ":%" PRIu64 "%s", low, xid + 1, end);
	for (; high < xid && len < PG_SNAPSHOT; high++)
		len += (size_t)snprintf(
		    out + len, PG_SNAPSHOT - len, "%s%" PRIu64, out[len - 1] == ':' ? "" : ",", high);
	return len < PG_SNAPSHOT;
}

static uint32_t
timeline_of(struct bytes text)
{
	char hex[9] = "";

	if (text.len == 8)
		memcpy(hex, text.p, 8);
	return (uint32_t)strtoul(hex, NULL, 16);
}

/* What was thrown away was on the disk, too. */
static uint64_t
last_of(const PGresult *res, int pruned, int last)
{
	const uint64_t a = pg_number(res, 0, pruned), b = pg_number(res, 0, last);

	return a > b ? a : b;
}

/* Can this node go on from where it is, or was what it has not seen thrown away? */
static bool
is_connected(const struct engine *e, const PGresult *res)
{
	const uint64_t seen_to = strtoull(e->snapshot, NULL, 10), pruned_to = pg_number(res, 0, 1);

	return pruned_to < seen_to && timeline_of(pg_bytes(res, 0, 2)) == e->timeline;
}

/* The last of another node's changes that came into the copy; what comes of this node itself is remembered as
 * its last batch.  Numbers are not given in the order of commits, so it is the last of what is new, not the
 * highest there is: of two that came one after the other, who has the later one has both. */
static void
note_seen(struct engine *e, struct bytes id, uint64_t xid)
{
	if (id.len > 0)
		pg_change_name(id, xid, e->link.seen);
}

/* What a look found, or nothing of it: then only comparing tells what is missing. */
static enum rc
take_look(struct engine *e, const PGresult *res, uint64_t own_rev)
{
	if (set_snapshot(e, pg_bytes(res, 0, 0), last_of(res, 1, 4))) {
		note_seen(e, pg_bytes(res, 0, 5), pg_number(res, 0, 6));
		if (pg_copy_take_rows(e, res, 1, own_rev) == RC_OK)
			return RC_OK;
	}
	e->snapshot[0] = '\0';
	return RC_UNAVAILABLE;
}

/*
 * What a node missed comes as one answer, and after an hour under load that takes longer than any look may,
 * or more than a server gives: the same each time anew.  Then the copy is compared, in chunks that have their
 * time each.  A line that was cut says nothing of that.
 */
static void
note_unheard(struct engine *e)
{
	if (PQstatus(e->link.conn) != CONNECTION_OK || ++e->unheard < PG_UNHEARD)
		return;
	log_world("pg_look_unheard", "the copy is compared instead");
	e->unheard = 0;
	e->snapshot[0] = '\0';
}

enum rc
pg_poll_answer(struct engine *e, uint64_t own_rev, int64_t until)
{
	PGresult *res = pg_answer(&e->link, until);
	enum rc rc = RC_UNAVAILABLE;

	if (PQresultStatus(res) == PGRES_TUPLES_OK && pg_answer_sync(&e->link, until) && PQntuples(res) > 0)
		rc = RC_OK;
	else if (res != NULL)
		log_world("pg_poll_failed", "state=%s",
		    PQresultErrorField(res, PG_DIAG_SQLSTATE) == NULL
			? "none"
			: PQresultErrorField(res, PG_DIAG_SQLSTATE));
	if (rc != RC_OK) {
		note_unheard(e);
		pg_link_drop(&e->link);
		PQclear(res);
		return rc;
	}
	e->unheard = 0;
	if (PQntuples(res) > 1) /* what this node's own batch changed is left out */
		e->others_until = clock_mono_ms() + PG_OTHERS_MS;
	rc = is_connected(e, res) ? take_look(e, res, own_rev) : pg_compare(e);
	PQclear(res);
	return rc;
}

enum rc
pg_poll_spared(struct engine *e, struct bytes text, uint64_t xid, uint64_t own_rev)
{
	char with[PG_SNAPSHOT];

	if (!pg_snapshot_with(text, xid, with))
		return RC_NOT_FOUND;
	e->look++;
	memcpy(e->snapshot, with, sizeof(with));
	if (pg_copy_take_rows(e, NULL, 0, own_rev) == RC_OK)
		return RC_OK;
	e->snapshot[0] = '\0';
	return RC_UNAVAILABLE;
}

enum rc
pg_poll(struct engine *e, int64_t until)
{
	if (!pg_poll_send(e, NULL)) {
		pg_link_drop(&e->link);
		return RC_UNAVAILABLE;
	}
	return pg_poll_answer(e, 0, until);
}

/* ---- comparing ---- */

static bool
is_doubted(const struct engine *e)
{
	return strcmp(e->link.seen, PG_DOUBTED) == 0;
}

/* One chunk of the database's keys beside the copy's. */
struct compare {
	const PGresult *keys;
	int row, rows;
	bool is_last;           /* no key of the database follows this chunk */
	bool is_doubted;        /* a revision says nothing of the value */
	struct key after;       /* the copy's keys up to here were compared */
	struct pg_array wanted; /* keys whose values differ */
	struct change *gone;
	size_t gone_count, gone_cap;
	bool is_short;
};

static int
compare_row(const struct compare *c, const struct key *key)
{
	const struct bytes b = pg_bytes(c->keys, c->row, 0);
	const size_t len = b.len < key->len ? b.len : key->len;
	const int order = memcmp(b.p, key->b, len);

	return order != 0 ? order : (int)b.len - (int)key->len;
}

static void
want_row(struct compare *c)
{
	pg_array_add(&c->wanted, pg_bytes(c->keys, c->row, 0));
	c->row++;
}

static bool
add_gone(struct compare *c, const struct key *key)
{
	const size_t cap = c->gone_cap == 0 ? 256 : 2 * c->gone_cap;
	struct change *grown;

	if (c->gone_count == c->gone_cap) {
		if ((grown = reallocarray(c->gone, cap, sizeof(*grown))) == NULL) {
			c->is_short = true;
			return false;
		}
		c->gone = grown;
		c->gone_cap = cap;
	}
	c->gone[c->gone_count++] = (struct change){ .key = *key, .is_delete = true };
	return true;
}

static bool
compare_pair(void *arg, const struct key *key, struct bytes value UNUSED, uint64_t rev)
{
	const struct key bookmark = log_bookmark_key(), revision = log_revision_key();
	struct compare *c = arg;
	int order = 1;

	if (key_compare(key, &bookmark) == 0 || key_compare(key, &revision) == 0 ||
	    (c->after.len > 0 && key_compare(key, &c->after) <= 0))
		return true;
	while (c->row < c->rows && (order = compare_row(c, key)) < 0)
		want_row(c);
	if (c->row == c->rows)
		return c->is_last && add_gone(c, key);
	if (order > 0)
		return add_gone(c, key);
	if (c->is_doubted || pg_number(c->keys, c->row, 1) != rev)
		want_row(c);
	else
		c->row++;
	return true;
}

/* The pairs of ${keys}, which the caller clears, whatever comes back. */
static enum rc
ask_values(struct engine *e, const struct pg_array *keys, PGresult **out)
{
	const struct pg_param p = { .p = keys->p, .len = keys->len };
	const int64_t until = clock_mono_ms() + COMPARE_MS;

	*out = NULL;
	if (!pg_send(&e->link, PG_VALUES, &p, 1) || !pg_send_sync(&e->link))
		return RC_UNAVAILABLE;
	*out = pg_answer(&e->link, until);
	return PQresultStatus(*out) == PGRES_TUPLES_OK && pg_answer_sync(&e->link, until) ? RC_OK
											  : RC_UNAVAILABLE;
}

/* ${contradicts}: the same revision, and something else. */
static bool
is_here(struct snapshot *s, const struct change *c, bool *contradicts)
{
	struct bytes value;
	uint64_t rev;

	if (c->is_delete || engine_lmdb.get(s, &c->key, &value, &rev) != RC_OK || rev != c->rev)
		return false;
	if (bytes_equal(value, c->sealed))
		return true;
	*contradicts = true;
	return false;
}

/*
 * What the copy has as it is is not told anew.  A transaction says by revisions what it has read: one that
 * was judged by a value which another server knows under the same revision would be committed there.  So this
 * engine commits nothing any more, and the process that has it begins anew with the copy, which is right.
 */
static enum rc
take_values(struct engine *e, const PGresult *res)
{
	const int rows = PQntuples(res);
	struct change *changes = calloc((size_t)rows + 1, sizeof(*changes));
	struct snapshot *s;
	size_t count = 0;
	bool contradicts = false;
	enum rc rc = changes == NULL ? RC_UNAVAILABLE : engine_lmdb.snapshot(e->mirror, &s);

	if (rc == RC_OK) {
		for (int i = 0; i < rows && rc == RC_OK; i++) {
			rc = pg_change_read(res, i, &changes[count]) ? RC_OK : RC_CORRUPT;
			if (rc == RC_OK && !is_here(s, &changes[count], &contradicts))
				count++;
		}
		engine_lmdb.release(s);
	}
	if (contradicts && e->told != NULL) {
		log_world("pg_copy_contradicted", "begin anew");
		atomic_store(&e->is_broken, true);
	}
	if (rc == RC_OK && count > 0)
		rc = pg_copy_take(e, changes, count);
	free(changes);
	return rc;
}

static enum rc
fetch_wanted(struct engine *e, struct compare *c)
{
	PGresult *res;
	enum rc rc;

	if (c->wanted.count == 0)
		return RC_OK;
	if ((rc = ask_values(e, &c->wanted, &res)) == RC_OK)
		rc = take_values(e, res);
	PQclear(res);
	return rc;
}

/* Before all chunks, since their values may need it.  One that this node has is not taken again: its keeper
 * would think that somebody else has put it there. */
static enum rc
compare_shared(struct engine *e, struct compare *c)
{
	const struct key key = log_shared_key();

	pg_array_start(&c->wanted, PG_BYTEA);
	pg_array_add(&c->wanted, (struct bytes){ key.b, key.len });
	return c->wanted.is_short ? RC_UNAVAILABLE : fetch_wanted(e, c);
}

/* Compare one chunk; ${c->after} is its last key afterwards. */
static enum rc
compare_chunk(struct engine *e, struct compare *c)
{
	struct snapshot *s;
	struct bytes last;
	enum rc rc = engine_lmdb.snapshot(e->mirror, &s);

	if (rc != RC_OK)
		return rc;
	c->row = 0;
	c->rows = PQntuples(c->keys);
	c->is_last = c->rows < CHUNK;
	c->gone_count = 0;
	pg_array_start(&c->wanted, PG_BYTEA);
	rc = engine_lmdb.scan(s, &c->after, 0, compare_pair, c);
	engine_lmdb.release(s);
	while (c->row < c->rows)
		want_row(c);
	if (rc == RC_OK && (c->is_short || c->wanted.is_short))
		rc = RC_UNAVAILABLE;
	if (rc == RC_OK && c->gone_count > 0)
		rc = pg_copy_take(e, c->gone, c->gone_count);
	if (rc == RC_OK)
		rc = fetch_wanted(e, c);
	if (rc != RC_OK || c->rows == 0)
		return rc;
	last = pg_bytes(c->keys, c->rows - 1, 0);
	if (last.len > LIMIT_KEY)
		return RC_CORRUPT;
	memcpy(c->after.b, last.p, last.len);
	c->after.len = (uint8_t)last.len;
	return RC_OK;
}

static enum rc
compare_all(struct engine *e, struct compare *c)
{
	enum rc rc = RC_OK;

	while (rc == RC_OK && !c->is_last) {
		const struct pg_param p = { .p = c->after.b, .len = c->after.len };
		PGresult *res;

		if (!pg_send(&e->link, PG_KEYS, &p, 1) || !pg_send_sync(&e->link))
			return RC_UNAVAILABLE;
		res = pg_answer(&e->link, clock_mono_ms() + COMPARE_MS);
		rc = RC_UNAVAILABLE;
		c->keys = res;
		if (PQresultStatus(res) == PGRES_TUPLES_OK &&
		    pg_answer_sync(&e->link, clock_mono_ms() + COMPARE_MS))
			rc = compare_chunk(e, c);
		PQclear(res);
	}
	return rc;
}

/* Run a statement without parameters; ${row}: keep its answer. */
static enum rc
run(struct engine *e, const char *sql, PGresult **row)
{
	const int64_t until = clock_mono_ms() + LOOK_MS;
	PGresult *res;
	enum rc rc = RC_UNAVAILABLE;

	if (!pg_send_text(&e->link, sql) || !pg_send_sync(&e->link))
		return RC_UNAVAILABLE;
	res = pg_answer(&e->link, until);
	if (res != NULL && pg_answer_sync(&e->link, until) && PQresultStatus(res) != PGRES_FATAL_ERROR)
		rc = RC_OK;
	if (rc == RC_OK && row != NULL)
		*row = res;
	else
		PQclear(res);
	return rc;
}

/* All in one snapshot of the database, which is the one to follow from afterwards. */
static enum rc
compare_in_snapshot(struct engine *e, struct compare *c)
{
	static const char where[] = "SELECT pg_current_snapshot()::text::bytea, "
				    "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)::bytea, "
				    "(SELECT value::bigint FROM menedek_meta WHERE name = 'pruned'), "
				    "(SELECT max(xid) FROM menedek_changes), "
				    "(SELECT id FROM menedek_changes ORDER BY xid DESC LIMIT 1)";
	PGresult *res = NULL;
	enum rc rc;

	e->snapshot[0] = '\0';
	if ((rc = run(e, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL)) != RC_OK ||
	    (rc = run(e, where, &res)) != RC_OK)
		return rc;
	/* before anything comes from this server: whoever leads once this was broken off is asked for it */
	if (!c->is_doubted)
		note_seen(e, pg_bytes(res, 0, 4), pg_number(res, 0, 3));
	if ((rc = compare_shared(e, c)) == RC_OK && (rc = compare_all(e, c)) == RC_OK &&
	    (rc = run(e, "COMMIT", NULL)) == RC_OK) {
		e->timeline = timeline_of(pg_bytes(res, 0, 1));
		if (!set_snapshot(e, pg_bytes(res, 0, 0), last_of(res, 2, 3)))
			rc = RC_CORRUPT;
	}
	if (rc == RC_OK && c->is_doubted) {
		e->link.seen[0] = '\0';
		note_seen(e, pg_bytes(res, 0, 4), pg_number(res, 0, 3));
	}
	PQclear(res);
	return rc == RC_OK ? pg_bookmark_write(e) : rc;
}

enum rc
pg_compare(struct engine *e)
{
	struct compare c = { .is_doubted = is_doubted(e) };
	const int64_t start = clock_mono_ms();
	enum rc rc;

	atomic_store(&e->is_comparing, true);
	rc = compare_in_snapshot(e, &c);
	pg_array_fini(&c.wanted);
	free(c.gone);
	if (rc != RC_OK) {
		e->snapshot[0] = '\0'; /* or nobody would compare again, and the copy is not read before */
		pg_link_drop(&e->link);
	}
	atomic_store(&e->is_comparing, rc != RC_OK);
	log_note("pg_compared", "rc=%s ms=%lld", rc_code(rc), (long long)(clock_mono_ms() - start));
	return rc;
}

/* ---- on and on ---- */

enum rc
pg_ready(struct engine *e, struct fault *f)
{
	char registry[PG_REGISTRY];
	enum rc rc;

	memcpy(registry, e->link.registry, sizeof(registry));
	if ((rc = pg_link_up(&e->link, f)) != RC_OK)
		return rc;
	atomic_store(&e->on_timeline, e->link.timeline);
	if (e->snapshot[0] != '\0' && e->timeline == e->link.timeline &&
	    strcmp(registry, e->link.registry) == 0 && !is_doubted(e))
		return RC_OK;
	return pg_compare(e);
}

/* ${looked}: when the look began, so that the copy is no older.  Not before there is a connection: that may
 * lead to a comparison, which takes longer than a look may. */
static enum rc
look(struct engine *e, int64_t *looked)
{
	enum rc rc = pg_ready(e, NULL);

	*looked = clock_mono_ms();
	return rc == RC_OK ? pg_poll(e, *looked + LOOK_MS) : rc;
}

void
pg_follow(struct engine *e)
{
	const int64_t now = clock_mono_ms();
	int64_t looked;

	if (!atomic_exchange(&e->is_following, true))
		atomic_store(&e->confirmed, now);
	if (now < e->retry_at)
		return;
	if (look(e, &looked) != RC_OK) {
		e->retry_at = clock_mono_ms() + RETRY_MS;
		return;
	}
	pg_beat(e, looked);
}
