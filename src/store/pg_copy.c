/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This node's copy of the database, written: what a look or a comparison brought goes into the mirror in one
 * transaction with the bookmark, which says how far the copy has followed whom, and only then is told.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/lmdb_mirror.h"
#include "store/pg_parts.h"

/* ---- the bookmark ---- */

#define BOOKMARK (PG_REGISTRY + 16u + PG_SNAPSHOT + PG_SYSTEM + 2 * PG_LAST)
#define FIELDS   6u /* three to five from releases that kept less */

/* While it is being compared a copy has no snapshot, but goes on to say which database it follows, the
 * highest timeline, the last batch and the last change: a node that is killed just then must not take up with
 * an empty one, or one left behind, nor take for compared what was not. */
static struct bytes
bookmark_text(const struct engine *e, char out[BOOKMARK])
{
	const uint32_t timeline = e->snapshot[0] == '\0' ? e->link.highest : e->timeline;
	const int len = snprintf(out, BOOKMARK, "%s %u %s %s %s %s", e->link.registry, timeline, e->snapshot,
	    e->link.system, e->link.last, e->link.seen);

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

void
pg_change_name(struct bytes id, uint64_t xid, char out[PG_LAST])
{
	*out = '\0';
	if (id.len != ID_BYTES)
		return;
	hex_format(id.p, id.len, out);
	(void)snprintf(out + 2 * ID_BYTES, PG_LAST - 2 * ID_BYTES, ":%" PRIu64, xid);
}

/* It becomes part of a question to the server: nothing but digits, or it is none. */
static void
take_change(char out[PG_LAST], const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const size_t id_len = strspn(text, hex), len = strlen(text);
	uint64_t xid;

	*out = '\0';
	if (id_len == 2 * ID_BYTES && text[id_len] == ':' &&
	    text_number(text + id_len + 1, INT64_MAX, &xid) && len < PG_LAST)
		memcpy(out, text, len + 1);
}

enum rc
pg_bookmark_read(struct engine *e)
{
	const struct key key = log_bookmark_key();
	char text[BOOKMARK], *field[FIELDS];
	struct snapshot *s;
	struct bytes value;
	bool is_whole;
	uint64_t rev;
	enum rc rc = engine_lmdb.snapshot(e->mirror, &s);

	if (rc != RC_OK)
		return rc;
	if (engine_lmdb.get(s, &key, &value, &rev) == RC_OK && value.len > 0 && value.len < sizeof(text)) {
		memcpy(text, value.p, value.len);
		text[value.len] = '\0';
		is_whole = count_fields(text) == FIELDS;
		for (unsigned n = count_fields(text); n >= 3 && n < FIELDS; n++)
			(void)str_copy(text + strlen(text), sizeof(text) - strlen(text), " ");
		if (text_split(text, field, FIELDS)) {
			e->timeline = e->link.highest = (uint32_t)strtoul(field[1], NULL, 10);
			(void)str_copy(e->link.registry, sizeof(e->link.registry), field[0]);
			(void)str_copy(e->snapshot, sizeof(e->snapshot), field[2]);
			(void)str_copy(e->link.system, sizeof(e->link.system), field[3]);
			if (!is_whole)
				e->snapshot[0] = '\0'; /* what was read there nobody can be asked for */
			take_change(e->link.last, field[4]);
			take_change(e->link.seen, field[5]);
			if (strcmp(field[5], PG_DOUBTED) == 0)
				pg_doubt(&e->link);
		}
	}
	engine_lmdb.release(s);
	return RC_OK;
}

enum rc
pg_bookmark_write(struct engine *e)
{
	char text[BOOKMARK];

	e->begun_rev = 0;
	return lmdb_mirror(e->mirror, NULL, 0, bookmark_text(e, text));
}

/* ---- taking over ---- */

void
pg_copy_begin(struct engine *e, uint64_t own_rev)
{
	struct change *changes = calloc(e->batch.write_count + 1, sizeof(*changes));

	pg_copy_drop(e);
	if (changes == NULL)
		return;
	pg_batch_changes(&e->batch, own_rev, changes);
	if (lmdb_mirror_begin(e->mirror, changes, e->batch.write_count))
		e->begun_rev = own_rev;
	free(changes);
}

void
pg_copy_drop(struct engine *e)
{
	lmdb_mirror_drop(e->mirror);
	e->begun_rev = 0;
}

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

/* The first ${begun} of the changes have been begun. */
static enum rc
take(struct engine *e, struct change *changes, size_t count, size_t begun)
{
	char text[BOOKMARK];
	const struct bytes bookmark = bookmark_text(e, text);
	enum rc rc = take_shared(e, changes, count);

	if (rc == RC_OK)
		rc = e->begun_rev != 0 ? lmdb_mirror_end(e->mirror, changes + begun, count - begun, bookmark)
				       : lmdb_mirror(e->mirror, changes, count, bookmark);
	e->begun_rev = 0;
	if (rc != RC_OK) {
		atomic_store(&e->is_broken, true);
		return rc;
	}
	count = leave_out_bookkeeping(changes, count);
	if (e->told != NULL && count > 0)
		e->told(e->told_arg, changes, count);
	return RC_OK;
}

enum rc
pg_copy_take(struct engine *e, struct change *changes, size_t count)
{
	pg_copy_drop(e);
	return take(e, changes, count, 0);
}

bool
pg_change_read(const PGresult *res, int row, struct change *out)
{
	const struct bytes key = pg_bytes(res, row, 0);

	if (key.len == 0 || key.len > LIMIT_KEY)
		return false;
	*out = (struct change){
		.key = { .len = (uint8_t)key.len },
		.is_delete = PQgetisnull(res, row, 1) == 1,
		.is_others = true,
	};
	memcpy(out->key.b, key.p, key.len);
	if (out->is_delete)
		return true;
	out->rev = pg_number(res, row, 1);
	out->sealed = pg_bytes(res, row, 2);
	/* an entry whose text was erased is its leaf alone: changed, not appended */
	out->is_append = key_is_log_entry(&out->key) && out->sealed.len > LOG_LEAF;
	return true;
}

enum rc
pg_copy_take_rows(struct engine *e, const PGresult *res, int first, uint64_t own_rev)
{
	const int rows = PQntuples(res);
	const size_t own = own_rev == 0 ? 0 : e->batch.write_count;
	size_t count = own;
	struct change *changes = calloc(count + (size_t)rows + 1, sizeof(*changes));
	enum rc rc = changes == NULL ? RC_UNAVAILABLE : RC_OK;

	if (rc == RC_OK && own_rev != 0)
		pg_batch_changes(&e->batch, own_rev, changes);
	for (int i = first; i < rows && rc == RC_OK; i++) {
		rc = pg_change_read(res, i, &changes[count]) ? RC_OK : RC_CORRUPT;
		if (own_rev == 0 || !pg_batch_has(&e->batch, own_rev, &changes[count]))
			count++;
	}
	if (own_rev != e->begun_rev)
		pg_copy_drop(e);
	if (rc == RC_OK)
		rc = take(e, changes, count, own);
	free(changes);
	return rc;
}
