/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit: many transactions, checked and written one after the other, in one write transaction of LMDB
 * and one sync.  Runs on the committer's thread only.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/lmdb_parts.h"

#define SLACK ((off_t)8 << 20) /* more than a batch of 128 common commits writes */

/* One write transaction of LMDB, in which commits are checked and written one after the other. */
struct batch {
	struct engine *engine;
	MDB_txn *txn;
	uint64_t rev; /* of the last commit */
	struct log_head heads[STORE_LOGS];
	bool is_loaded[STORE_LOGS];
	bool is_changed;
};

static int
put(struct batch *b, const struct key *key, struct bytes value, uint64_t rev)
{
	MDB_val k = lmdb_val_of_key(key), data = { .mv_size = REV_BYTES + value.len };
	uint8_t *p;
	int error;

	if ((error = mdb_put(b->txn, b->engine->tree, &k, &data, MDB_RESERVE)) != 0)
		return error;
	p = data.mv_data;
	put_u64(p, rev);
	if (value.len > 0)
		memcpy(p + REV_BYTES, value.p, value.len);
	return 0;
}

static int
del(struct batch *b, const struct key *key)
{
	MDB_val k = lmdb_val_of_key(key);
	int error = mdb_del(b->txn, b->engine->tree, &k, NULL);

	return error == MDB_NOTFOUND ? 0 : error;
}

/* Does everything that ${c} read still stand?  Earlier commits of the batch count. */
static int
check_reads(struct batch *b, const struct commit *c, bool *is_valid)
{
	*is_valid = true;
	for (unsigned i = 0; i < c->read_count && *is_valid; i++) {
		struct bytes value;
		uint64_t rev;
		int error = lmdb_read(b->txn, b->engine->tree, &c->reads[i].key, &value, &rev);

		if (error != 0 && error != MDB_NOTFOUND)
			return error;
		*is_valid = rev == c->reads[i].rev;
	}
	return 0;
}

static int
load_head(struct batch *b, uint8_t log)
{
	struct key key = log_head_key(log);
	struct bytes value;
	uint64_t rev;
	int error;

	if (b->is_loaded[log])
		return 0;
	error = lmdb_read(b->txn, b->engine->tree, &key, &value, &rev);
	if (error == 0 && !log_head_read(value, &b->heads[log]))
		error = MDB_CORRUPTED;
	b->is_loaded[log] = true;
	return error == MDB_NOTFOUND ? 0 : error;
}

static int
append(struct batch *b, struct append_entry *a, uint64_t rev)
{
	struct key key;
	int error;

	if ((error = load_head(b, a->log)) != 0)
		return error;
	a->number = log_head_advance(&b->heads[a->log], a->leaf);
	key = log_key(a->log, a->number);
	return put(b, &key, a->value, rev);
}

static int
apply_one(struct batch *b, struct commit *c)
{
	bool is_valid;
	int error;

	if ((error = check_reads(b, c, &is_valid)) != 0)
		return error;
	if (!is_valid) {
		c->rc = RC_CONFLICT;
		return 0;
	}
	c->rev = ++b->rev;
	c->rc = RC_OK;
	b->is_changed = true;
	for (unsigned i = 0; i < c->write_count && error == 0; i++) {
		const struct write_entry *w = &c->writes[i];

		error = w->is_delete ? del(b, &w->key) : put(b, &w->key, w->value, c->rev);
	}
	for (unsigned i = 0; i < c->append_count && error == 0; i++)
		error = append(b, &c->appends[i], c->rev);
	return error;
}

static int
begin_batch(struct engine *e, struct batch *b)
{
	struct key key = log_revision_key();
	struct bytes value;
	int error;

	*b = (struct batch){ .engine = e };
	if ((error = mdb_txn_begin(e->env, NULL, 0, &b->txn)) != 0)
		return error;
	error = lmdb_read(b->txn, e->tree, &key, &value, &b->rev);
	return error == MDB_NOTFOUND ? 0 : error;
}

static int
put_bookkeeping(struct batch *b)
{
	struct key key = log_revision_key();
	uint8_t text[LOG_HEAD_BYTES];
	int error = put(b, &key, (struct bytes){ NULL, 0 }, b->rev);

	for (enum store_log log = 0; log < STORE_LOGS && error == 0; log++) {
		if (!b->is_loaded[log])
			continue;
		key = log_head_key(log);
		log_head_write(&b->heads[log], text);
		error = put(b, &key, BYTES_OF(text), b->rev);
	}
	return error;
}

/* Did the failed commit leave LMDB in its fatal state?  Then the disk may hold either outcome. */
static bool
is_fatal(struct engine *e)
{
	MDB_txn *txn;
	int error = mdb_txn_begin(e->env, NULL, 0, &txn);

	if (error == 0)
		mdb_txn_abort(txn);
	if (error == MDB_PANIC)
		atomic_store(&e->is_broken, true);
	return error == MDB_PANIC;
}

static void
set_all(struct commit *first, const struct commit *end, enum rc rc)
{
	for (struct commit *c = first; c != end; c = c->next)
		c->rc = rc;
}

/* All commits from ${first} up to ${end} in one transaction; 0, or an error and nothing was changed or is
 * known. */
static int
apply_range(struct engine *e, struct commit *first, const struct commit *end)
{
	struct batch b;
	bool was_tried = false;
	int error = begin_batch(e, &b);

	for (struct commit *c = first; c != end && error == 0; c = c->next)
		error = apply_one(&b, c);
	if (error == 0 && b.is_changed)
		error = put_bookkeeping(&b);
	if (error == 0 && b.is_changed) {
		was_tried = true;
		error = mdb_txn_commit(b.txn);
		b.txn = NULL; /* freed either way */
	}
	if (b.txn != NULL)
		mdb_txn_abort(b.txn);
	if (error == 0)
		return 0;
	log_world("store_commit", "error=\"%s\"", mdb_strerror(error));
	set_all(first, end, was_tried && is_fatal(e) ? RC_UNKNOWN : RC_UNAVAILABLE);
	return error;
}

void
lmdb_extend(struct engine *e)
{
	MDB_envinfo info;
	struct stat st;
	off_t want;
	int fd;

	if (mdb_env_info(e->env, &info) != 0 || mdb_env_get_fd(e->env, &fd) != 0)
		return;
	if (!e->has_alarmed && info.me_last_pgno / 7 > e->map_pages / 10) {
		log_world("store_nearly_full", "pages=%zu of=%zu", info.me_last_pgno, e->map_pages);
		e->has_alarmed = true;
	}
	want = (off_t)((info.me_last_pgno + 1) * e->page);
	if (e->file_size - want >= SLACK / 2 || fstat(fd, &st) != 0)
		return;
	e->file_size = st.st_size;
	if (e->file_size < want + SLACK && ftruncate(fd, want + SLACK) == 0)
		e->file_size = want + SLACK;
}

void
lmdb_apply(struct engine *e, struct commit *list)
{
	lmdb_extend(e);
	if (apply_range(e, list, NULL) == 0 || list->next == NULL || atomic_load(&e->is_broken))
		return;
	/* one that is too much for the disk or the map must not take its neighbours with it */
	for (struct commit *c = list; c != NULL; c = c->next)
		(void)apply_range(e, c, c->next);
}
