/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the LMDB engine share: lmdb.c opens and reads, lmdb_apply.c writes. */
#ifndef MENEDEK_LMDB_PARTS_H
#define MENEDEK_LMDB_PARTS_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "store/engine.h"
#include "store/lmdb_mirror.h"
#include "store/lmdb_pages.h"

#define REV_BYTES 8u /* the revision, before each value */

/* One write transaction of LMDB, in which commits are checked and written one after the other. */
struct batch {
	struct engine *engine;
	MDB_txn *txn;
	uint64_t rev; /* of the last commit */
	struct log_head heads[STORE_LOGS];
	bool is_loaded[STORE_LOGS];
	bool is_changed;
	struct lmdb_sum sum;
};

struct engine {
	MDB_env *env;
	MDB_dbi tree;
	int lock_fd;
	bool is_open; /* the file was found sound */
	size_t page, map_pages;
	off_t file_size;     /* as last seen; committer only */
	bool has_alarmed;    /* committer only */
	unsigned batches;    /* committer only */
	struct lmdb_sum sum; /* of what is committed; committer only */
	struct batch begun;  /* a mirror's, not written yet: its txn is not NULL; committer only */
	bool is_altered;     /* when it was opened */
	atomic_bool is_broken;
	pthread_mutex_t lock; /* guards idle */
	struct snapshot *idle;
};

/** LMDB's form of a view.  Its one struct serves in and out, so it has no const; it does not write through
 * this. */
MDB_val lmdb_val(const void *p, size_t len);
MDB_val lmdb_val_of_key(const struct key *key);

/** Read within any transaction: 0, MDB_NOTFOUND (${rev} 0) or another of LMDB's errors. */
MUST_USE int lmdb_read(MDB_txn *txn, MDB_dbi tree, const struct key *key, struct bytes *value, uint64_t *rev);

/** The engine's apply (engine.h). */
void lmdb_apply(struct engine *e, struct commit *list);

/**
 * Keep the file a stretch longer than its last page, and warn when the map fills up.  LMDB may leave the last
 * pages of a commit unwritten when they ended up free; without this a sound file could look cut when it is
 * opened.
 */
void lmdb_extend(struct engine *e);

#endif
