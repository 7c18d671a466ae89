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

#define SLACK      ((off_t)8 << 20) /* more than a batch of 128 common commits writes */
#define LOOK_EVERY 16u              /* batches */

static struct bytes
bytes_of_key(const struct key *key)
{
	return (struct bytes){ key->b, key->len };
}

/* Take what stands under ${key} now out of the sum. */
static int
subtract(struct batch *b, const struct key *key)
{
	MDB_val k = lmdb_val_of_key(key), data;
	int error = mdb_get(b->txn, b->engine->tree, &k, &data);

	if (error != 0)
		return error == MDB_NOTFOUND ? 0 : error;
	b->sum.count--;
	b->sum.sum -= lmdb_sum_of(bytes_of_key(key), (struct bytes){ data.mv_data, data.mv_size });
	return 0;
}

static int
put_uncounted(struct batch *b, const struct key *key, struct bytes value, uint64_t rev, struct bytes *out)
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
	*out = (struct bytes){ p, data.mv_size };
	return 0;
}

static int
put(struct batch *b, const struct key *key, struct bytes value, uint64_t rev)
{
	struct bytes written;
	int error;

	if ((error = subtract(b, key)) != 0 || (error = put_uncounted(b, key, value, rev, &written)) != 0)
		return error;
	b->sum.count++;
	b->sum.sum += lmdb_sum_of(bytes_of_key(key), written);
	return 0;
}

static int
del(struct batch *b, const struct key *key)
{
	MDB_val k = lmdb_val_of_key(key);
	int error = subtract(b, key);

	if (error == 0)
		error = mdb_del(b->txn, b->engine->tree, &k, NULL);
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

	*b = (struct batch){ .engine = e, .sum = e->sum };
	if ((error = mdb_txn_begin(e->env, NULL, 0, &b->txn)) != 0)
		return error;
	error = lmdb_read(b->txn, e->tree, &key, &value, &b->rev);
	return error == MDB_NOTFOUND ? 0 : error;
}

/* The revision comes last: its value is the sum of all others. */
static int
put_bookkeeping(struct batch *b)
{
	struct key key;
	struct bytes written;
	uint8_t text[LOG_HEAD_BYTES], sum[LMDB_SUM_BYTES];
	int error = 0;

	for (enum store_log log = 0; log < STORE_LOGS && error == 0; log++) {
		if (!b->is_loaded[log])
			continue;
		key = log_head_key(log);
		log_head_write(&b->heads[log], text);
		error = put(b, &key, BYTES_OF(text), b->rev);
	}
	if (error != 0)
		return error;
	key = log_revision_key();
	put_u64(sum, b->sum.count);
	put_u64(sum + 8, b->sum.sum);
	return put_uncounted(b, &key, BYTES_OF(sum), b->rev, &written);
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
	if (error == 0) {
		e->sum = b.sum;
		return 0;
	}
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

/*
 * A backup that was killed leaves its slot in the table of readers, and of the pages that it saw none is used
 * again: the file would grow until the service is started anew.
 */
static void
forget_dead_readers(struct engine *e)
{
	int dead = 0;

	if (e->batches++ % LOOK_EVERY == 0 && mdb_reader_check(e->env, &dead) == 0 && dead > 0)
		log_world("store_readers_dead", "count=%d", dead);
}

static int
mirror_changes(struct batch *b, const struct change *changes, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && error == 0; i++) {
		const struct change *c = &changes[i];

		error = c->is_delete ? del(b, &c->key) : put(b, &c->key, c->sealed, c->rev);
		if (c->rev > b->rev)
			b->rev =
			    c->rev; /* should it become the store itself one day, it goes on from there */
	}
	return error;
}

static int
begin_mirror(struct engine *e, const struct change *changes, size_t count)
{
	int error;

	lmdb_mirror_drop(e);
	lmdb_extend(e);
	forget_dead_readers(e);
	if ((error = begin_batch(e, &e->begun)) == 0)
		error = mirror_changes(&e->begun, changes, count);
	if (error != 0)
		lmdb_mirror_drop(e);
	return error;
}

static int
end_mirror(struct engine *e, const struct change *more, size_t count, struct bytes bookmark)
{
	const struct key key = log_bookmark_key();
	struct batch *b = &e->begun;
	int error;

	if ((error = mirror_changes(b, more, count)) == 0 && (error = put(b, &key, bookmark, 0)) == 0 &&
	    (error = put_bookkeeping(b)) == 0) {
		error = mdb_txn_commit(b->txn);
		b->txn = NULL; /* freed either way */
	}
	if (error == 0)
		e->sum = b->sum;
	lmdb_mirror_drop(e);
	return error;
}

static enum rc
mirror_result(int error)
{
	if (error == 0)
		return RC_OK;
	log_world("store_mirror", "error=\"%s\"", mdb_strerror(error));
	return RC_UNAVAILABLE;
}

enum rc
lmdb_mirror(struct engine *e, const struct change *changes, size_t count, struct bytes bookmark)
{
	int error = begin_mirror(e, changes, count);

	return mirror_result(error != 0 ? error : end_mirror(e, NULL, 0, bookmark));
}

bool
lmdb_mirror_begin(struct engine *e, const struct change *changes, size_t count)
{
	return begin_mirror(e, changes, count) == 0;
}

enum rc
lmdb_mirror_end(struct engine *e, const struct change *more, size_t count, struct bytes bookmark)
{
	return mirror_result(end_mirror(e, more, count, bookmark));
}

void
lmdb_mirror_drop(struct engine *e)
{
	if (e->begun.txn != NULL)
		mdb_txn_abort(e->begun.txn);
	e->begun.txn = NULL;
}

void
lmdb_need_not_last(struct engine *e)
{
	(void)mdb_env_set_flags(e->env, MDB_NOSYNC, 1);
}

enum rc
lmdb_must_last(struct engine *e)
{
	if (mdb_env_set_flags(e->env, MDB_NOSYNC, 0) != 0 || mdb_env_sync(e->env, 1) != 0)
		return RC_UNAVAILABLE;
	return lmdb_mirror(e, NULL, 0, (struct bytes){ NULL, 0 });
}

void
lmdb_apply(struct engine *e, struct commit *list)
{
	lmdb_extend(e);
	forget_dead_readers(e);
	if (apply_range(e, list, NULL) == 0 || list->next == NULL || atomic_load(&e->is_broken))
		return;
	/* one that is too much for the disk or the map must not take its neighbours with it */
	for (struct commit *c = list; c != NULL; c = c->next)
		(void)apply_range(e, c, c->next);
}
