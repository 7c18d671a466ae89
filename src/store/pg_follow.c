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
#include "store/lmdb_mirror.h"
#include "store/pg_parts.h"

#define LOOK_MS    4000
#define COMPARE_MS 30000
#define RETRY_MS   300
#define CHUNK      2000 /* as PG_KEYS says */

/* ---- the bookmark ---- */

#define BOOKMARK (PG_REGISTRY + 16u + PG_SNAPSHOT + PG_SYSTEM + PG_LAST)
#define FIELDS   5u /* three or four from releases that kept less */

/* While it is being compared a copy has no snapshot, but goes on to say which database it follows, the
 * highest timeline and the last batch: a node that is killed just then must not take up with an empty one, or
 * one left behind. */
static struct bytes
bookmark_text(const struct engine *e, char out[BOOKMARK])
{
	const uint32_t timeline = e->snapshot[0] == '\0' ? e->link.highest : e->timeline;
	const int len = snprintf(out, BOOKMARK, "%s %u %s %s %s", e->link.registry, timeline, e->snapshot,
	    e->link.system, e->link.last);

	return (struct bytes){ (const uint8_t *)out, (size_t)len };
}

static unsigned
count_fields(const char *text)
{
	unsigned n = 1;

	for (; *text != '\0'; text++)
		n += *text == ' ';
	return n;
}

/* It becomes part of a question to the server: nothing but digits, or it is none. */
static void
take_last(struct engine *e, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const size_t id_len = strspn(text, hex), len = strlen(text);
	uint64_t xid;

	e->link.last[0] = '\0';
	if (id_len == 2 * ID_BYTES && text[id_len] == ':' &&
	    text_number(text + id_len + 1, INT64_MAX, &xid) && len < sizeof(e->link.last))
		memcpy(e->link.last, text, len + 1);
}

enum rc
pg_bookmark_read(struct engine *e)
{
	const struct key key = log_bookmark_key();
	char text[BOOKMARK], *field[FIELDS];
	struct snapshot *s;
	struct bytes value;
	uint64_t rev;
	enum rc rc = engine_lmdb.snapshot(e->mirror, &s);

	if (rc != RC_OK)
		return rc;
	if (engine_lmdb.get(s, &key, &value, &rev) == RC_OK && value.len > 0 && value.len < sizeof(text)) {
		memcpy(text, value.p, value.len);
		text[value.len] = '\0';
		for (unsigned n = count_fields(text); n >= 3 && n < FIELDS; n++)
			(void)str_copy(text + strlen(text), sizeof(text) - strlen(text), " ");
		if (text_split(text, field, FIELDS)) {
			e->timeline = e->link.highest = (uint32_t)strtoul(field[1], NULL, 10);
			(void)str_copy(e->link.registry, sizeof(e->link.registry), field[0]);
			(void)str_copy(e->snapshot, sizeof(e->snapshot), field[2]);
			(void)str_copy(e->link.system, sizeof(e->link.system), field[3]);
			take_last(e, field[4]);
		}
	}
	engine_lmdb.release(s);
	return RC_OK;
}

/* ---- taking over ---- */

/* Heads of logs are the store's own business. */
static size_t
leave_out_bookkeeping(struct change *changes, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (!key_is_bookkeeping(&changes[i].key))
			changes[n++] = changes[i];
	return n;
}

/* Before anybody can read values that need it. */
static enum rc
take_shared(struct engine *e, const struct change *changes, size_t count)
{
	const struct key key = log_shared_key();
	enum rc rc = RC_OK;

	for (size_t i = 0; i < count && rc == RC_OK && e->carrier.take != NULL; i++)
		if (!changes[i].is_delete && key_compare(&changes[i].key, &key) == 0) {
			rc = e->carrier.take(e->carrier.arg, changes[i].sealed);
			e->has_taken = !e->is_giving;
		}
	return rc;
}

static enum rc
take_over(struct engine *e, struct change *changes, size_t count)
{
	char text[BOOKMARK];
	enum rc rc = take_shared(e, changes, count);

	if (rc == RC_OK)
		rc = lmdb_mirror(e->mirror, changes, count, bookmark_text(e, text));
	if (rc != RC_OK) {
		atomic_store(&e->is_broken, true);
		return rc;
	}
	count = leave_out_bookkeeping(changes, count);
	if (e->told != NULL && count > 0)
		e->told(e->told_arg, changes, count);
	return RC_OK;
}

bool
pg_change_read(const PGresult *res, int row, struct change *out)
{
	const struct bytes key = pg_bytes(res, row, 0);

	if (key.len == 0 || key.len > LIMIT_KEY)
		return false;
	*out =
	    (struct change){ .key = { .len = (uint8_t)key.len }, .is_delete = PQgetisnull(res, row, 1) == 1 };
	memcpy(out->key.b, key.p, key.len);
	if (out->is_delete)
		return true;
	out->rev = pg_number(res, row, 1);
	out->sealed = pg_bytes(res, row, 2);
	/* an entry whose text was erased is its leaf alone: changed, not appended */
	out->is_append = key_is_log_entry(&out->key) && out->sealed.len > LOG_LEAF;
	return true;
}

/* Rows from ${first} on; before them what this node's own batch changed, if it was committed as ${own_rev}:
 * it stands before whatever this look found upon it. */
static enum rc
take_rows(struct engine *e, const PGresult *res, int first, uint64_t own_rev)
{
	const int rows = PQntuples(res);
	size_t count = own_rev == 0 ? 0 : e->batch.write_count;
	struct change *changes = calloc(count + (size_t)rows + 1, sizeof(*changes));
	enum rc rc = changes == NULL ? RC_UNAVAILABLE : RC_OK;

	if (rc == RC_OK && own_rev != 0)
		pg_batch_changes(&e->batch, own_rev, changes);
	for (int i = first; i < rows && rc == RC_OK; i++) {
		rc = pg_change_read(res, i, &changes[count]) ? RC_OK : RC_CORRUPT;
		if (own_rev == 0 || !pg_batch_has(&e->batch, own_rev, &changes[count]))
			count++;
	}
	if (rc == RC_OK)
		rc = take_over(e, changes, count);
	free(changes);
	return rc;
}

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

/* What a look found, or nothing of it: then only comparing tells what is missing. */
static enum rc
take_look(struct engine *e, const PGresult *res, uint64_t own_rev)
{
	if (set_snapshot(e, pg_bytes(res, 0, 0), last_of(res, 1, 4)) &&
	    take_rows(e, res, 1, own_rev) == RC_OK)
		return RC_OK;
	e->snapshot[0] = '\0';
	return RC_UNAVAILABLE;
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
	if (rc != RC_OK)
		pg_link_drop(&e->link);
	else if (!is_connected(e, res))
		rc = pg_compare(e);
	else
		rc = take_look(e, res, own_rev);
	PQclear(res);
	return rc;
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

/* One chunk of the database's keys beside the copy's. */
struct compare {
	const PGresult *keys;
	int row, rows;
	bool is_last;           /* no key of the database follows this chunk */
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
	if (pg_number(c->keys, c->row, 1) != rev)
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

static enum rc
fetch_wanted(struct engine *e, struct compare *c)
{
	PGresult *res;
	enum rc rc;

	if (c->wanted.count == 0)
		return RC_OK;
	if ((rc = ask_values(e, &c->wanted, &res)) == RC_OK)
		rc = take_rows(e, res, 0, 0);
	PQclear(res);
	return rc;
}

static bool
is_shared_here(struct engine *e, const PGresult *res)
{
	const struct key key = log_shared_key();
	struct snapshot *s;
	struct bytes value;
	uint64_t rev = 0;

	if (PQntuples(res) == 0 || engine_lmdb.snapshot(e->mirror, &s) != RC_OK)
		return true; /* a copy that cannot be read fails with the first chunk */
	(void)engine_lmdb.get(s, &key, &value, &rev);
	engine_lmdb.release(s);
	return rev == pg_number(res, 0, 1);
}

/* Before all chunks, since their values may need it.  One that this node has is not taken again: its keeper
 * would think that somebody else has put it there. */
static enum rc
compare_shared(struct engine *e, struct compare *c)
{
	const struct key key = log_shared_key();
	PGresult *res = NULL;
	enum rc rc;

	pg_array_start(&c->wanted, PG_BYTEA);
	pg_array_add(&c->wanted, (struct bytes){ key.b, key.len });
	rc = c->wanted.is_short ? RC_UNAVAILABLE : ask_values(e, &c->wanted, &res);
	if (rc == RC_OK && !is_shared_here(e, res))
		rc = take_rows(e, res, 0, 0);
	PQclear(res);
	return rc;
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
		rc = take_over(e, c->gone, c->gone_count);
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
				    "(SELECT max(xid) FROM menedek_changes)";
	PGresult *res = NULL;
	char text[BOOKMARK];
	enum rc rc;

	e->snapshot[0] = '\0';
	if ((rc = run(e, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL)) != RC_OK ||
	    (rc = run(e, where, &res)) != RC_OK)
		return rc;
	if ((rc = compare_shared(e, c)) == RC_OK && (rc = compare_all(e, c)) == RC_OK &&
	    (rc = run(e, "COMMIT", NULL)) == RC_OK) {
		e->timeline = timeline_of(pg_bytes(res, 0, 1));
		if (!set_snapshot(e, pg_bytes(res, 0, 0), last_of(res, 2, 3)))
			rc = RC_CORRUPT;
	}
	PQclear(res);
	return rc == RC_OK ? lmdb_mirror(e->mirror, NULL, 0, bookmark_text(e, text)) : rc;
}

enum rc
pg_compare(struct engine *e)
{
	struct compare c = { .keys = NULL };
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
	    strcmp(registry, e->link.registry) == 0)
		return RC_OK;
	return pg_compare(e);
}

void
pg_follow(struct engine *e)
{
	const int64_t now = clock_mono_ms();

	if (!atomic_exchange(&e->is_following, true))
		atomic_store(&e->confirmed, now);
	if (now < e->retry_at)
		return;
	if (pg_ready(e, NULL) != RC_OK || pg_poll(e, now + LOOK_MS) != RC_OK) {
		e->retry_at = clock_mono_ms() + RETRY_MS;
		return;
	}
	pg_beat(e, now);
}
