/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded engine: one LMDB tree, its values led by the revision.  One process serves a directory
 * (flock). The committer alone writes (lmdb_apply.c); readers are renewed transactions from a pool, tied to
 * no thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "store/lmdb_parts.h"

#define READERS  512u /* snapshots at a time; HTTP workers and timers need a few dozen */
#define PATH_CAP 1024u
#define LET_GO   4096u /* pairs of a walk, about a megabyte */

#ifdef MENEDEK_DEBUG
#define MAP_MIB 1024u /* the sanitizers' own maps leave little room */
#else
#define MAP_MIB (64u * 1024) /* of addresses, not of disk: the map cannot grow under readers */
#endif

struct snapshot {
	struct engine *engine;
	struct snapshot *next;
	MDB_txn *txn;
};

MDB_val
lmdb_val(const void *p, size_t len)
{
	return (MDB_val){ .mv_size = len, .mv_data = (void *)(uintptr_t)p };
}

MDB_val
lmdb_val_of_key(const struct key *key)
{
	return lmdb_val(key->b, key->len);
}

static enum rc
rc_of(int error)
{
	static const struct {
		int error;
		enum rc rc;
	} rows[] = {
		{ MDB_SUCCESS, RC_OK },
		{ MDB_NOTFOUND, RC_NOT_FOUND },
		{ MDB_READERS_FULL, RC_BUSY },
		{ MDB_CORRUPTED, RC_CORRUPT },
		{ MDB_PAGE_NOTFOUND, RC_CORRUPT },
		{ MDB_INVALID, RC_CORRUPT },
		{ MDB_VERSION_MISMATCH, RC_CORRUPT },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].error == error)
			return rows[i].rc;
	return RC_UNAVAILABLE;
}

/* opening */

static enum rc
take_directory(const char *path, int *lock_fd, struct fault *f)
{
	char name[PATH_CAP];

	if (!path_join(name, sizeof(name), path, "serving.lock"))
		return fault_set(f, RC_INVALID, MSG_STORE_OPEN, NULL, 0, "path");
	if ((*lock_fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		return fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, strerror(errno));
	file_give(name);
	if (flock(*lock_fd, LOCK_EX | LOCK_NB) != 0)
		return fault_set(f, RC_BUSY, MSG_STORE_SERVED, NULL, 0, NULL);
	return RC_OK;
}

/*
 * Reading past the end of a mapped file kills the process, and LMDB would make a new, empty tree of an empty
 * file: a file that was cut is refused instead.  lmdb_extend keeps sound files longer than their last page.
 */
static enum rc
check_size(struct engine *e, struct fault *f)
{
	MDB_envinfo info;
	MDB_stat stat_of_env;
	struct stat st;
	int fd, error;

	if ((error = mdb_env_info(e->env, &info)) == 0 && (error = mdb_env_stat(e->env, &stat_of_env)) == 0)
		error = mdb_env_get_fd(e->env, &fd);
	if (error != 0 || fstat(fd, &st) != 0)
		return fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, "data.mdb");
	e->page = stat_of_env.ms_psize;
	e->map_pages = info.me_mapsize / e->page;
	e->file_size = st.st_size;
	if ((uint64_t)st.st_size < (info.me_last_pgno + 1) * (uint64_t)e->page)
		return fault_set(f, RC_CORRUPT, MSG_STORE_DAMAGED, NULL, 0, "data.mdb");
	return RC_OK;
}

/* What LMDB would trust is looked at before it does; an empty file would become a new, empty tree. */
static enum rc
check_pages(struct engine *e, const char *name, struct fault *f)
{
	struct lmdb_pages found;
	char text[128];
	struct stat st;
	enum rc rc;

	if (stat(name, &st) != 0)
		return RC_OK; /* a new one */
	if (st.st_size == 0)
		return fault_set(f, RC_CORRUPT, MSG_STORE_DAMAGED, NULL, 0, "data.mdb");
	if ((rc = lmdb_pages_check(name, &found)) == RC_OK) {
		e->sum = found.sum;
		e->is_altered = found.is_altered;
		return RC_OK;
	}
	(void)snprintf(text, sizeof(text), "data.mdb, page %llu: %s", (unsigned long long)found.page,
	    found.what == NULL ? "memory" : found.what);
	log_world("store_damaged", "%s", text);
	return fault_set(f, rc, rc == RC_CORRUPT ? MSG_STORE_DAMAGED : MSG_STORE_OPEN, NULL, 0, text);
}

static const char *const lmdb_files[] = { "data.mdb", "lock.mdb" };

/* LMDB follows links, and makes and writes what they lead to. */
static bool
has_link(const char *path)
{
	char name[PATH_CAP];
	struct stat st;

	for (unsigned i = 0; i < COUNT_OF(lmdb_files); i++)
		if (path_join(name, sizeof(name), path, lmdb_files[i]) && lstat(name, &st) == 0 &&
		    S_ISLNK(st.st_mode))
			return true;
	return false;
}

/* It makes them itself. */
static void
give_files(const char *path)
{
	char name[PATH_CAP];

	for (unsigned i = 0; i < COUNT_OF(lmdb_files); i++)
		if (path_join(name, sizeof(name), path, lmdb_files[i]))
			file_give(name);
}

static int
open_env(struct engine *e, const char *path, unsigned map_mib, unsigned flags)
{
	size_t mib = map_mib == 0 ? MAP_MIB : map_mib;
	int error;

	if ((error = mdb_env_create(&e->env)) != 0)
		return error;
	if ((error = mdb_env_set_mapsize(e->env, mib << 20)) != 0)
		return error;
	if ((error = mdb_env_set_maxreaders(e->env, READERS)) != 0)
		return error;
	if (has_link(path))
		return ELOOP;
	error = mdb_env_open(e->env, path, MDB_NOTLS | flags, 0600);
	give_files(path);
	return error;
}

static int
open_tree(struct engine *e)
{
	MDB_txn *txn;
	int dead, error;

	if ((error = mdb_reader_check(e->env, &dead)) != 0) /* slots of a killed process pin old pages */
		return error;
	if ((error = mdb_txn_begin(e->env, NULL, 0, &txn)) != 0)
		return error;
	if ((error = mdb_dbi_open(txn, NULL, 0, &e->tree)) != 0) {
		mdb_txn_abort(txn);
		return error;
	}
	return mdb_txn_commit(txn);
}

/* LMDB syncs its file, but not the name that leads to it. */
static int
sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd >= 0 && fsync(fd) == 0 ? 0 : errno;

	if (fd >= 0)
		close(fd);
	return error;
}

static void lmdb_close(struct engine *e);

/* ${name}: its file. */
static enum rc
enter(struct engine *e, const char *path, char name[PATH_CAP], struct fault *f)
{
	enum rc rc;

	if (!path_join(name, PATH_CAP, path, "data.mdb"))
		return fault_set(f, RC_INVALID, MSG_STORE_OPEN, NULL, 0, "path");
	if ((rc = dir_make(path, 0700, f)) != RC_OK)
		return rc;
	return take_directory(path, &e->lock_fd, f);
}

/* A new tree where there is no file, or an empty one. */
static enum rc
open_unchecked(struct engine *e, const char *path, unsigned map_mib, struct fault *f)
{
	enum rc rc;
	int error;

	if ((error = open_env(e, path, map_mib, 0)) == 0) {
		if ((rc = check_size(e, f)) != RC_OK)
			return rc;
		if ((error = open_tree(e)) == 0)
			error = sync_directory(path);
	}
	e->is_open = error == 0;
	if (e->is_open)
		return RC_OK;
	log_world("store_open", "error=\"%s\"", mdb_strerror(error));
	if (rc_of(error) == RC_CORRUPT)
		return fault_set(f, RC_CORRUPT, MSG_STORE_DAMAGED, NULL, 0, "data.mdb");
	return fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, mdb_strerror(error));
}

static enum rc
open_files(struct engine *e, const char *path, unsigned map_mib, struct fault *f)
{
	char name[PATH_CAP];
	enum rc rc;

	if ((rc = enter(e, path, name, f)) != RC_OK || (rc = check_pages(e, name, f)) != RC_OK)
		return rc;
	return open_unchecked(e, path, map_mib, f);
}

/* In place: a process that is confined may remove none of the store's files. */
static enum rc
empty(struct engine *e, const char *name, struct fault *f)
{
	fault_clear(f);
	if (e->env != NULL)
		mdb_env_close(e->env);
	e->env = NULL;
	e->is_open = e->is_altered = false;
	e->sum = (struct lmdb_sum){ 0, 0 };
	return truncate(name, 0) == 0
	    ? RC_OK
	    : fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, strerror(errno));
}

/* What is hurt is emptied under the lock by which it was found so: nobody else has made it anew since. */
static enum rc
open_files_anew(struct engine *e, const char *path, unsigned map_mib, struct fault *f)
{
	char name[PATH_CAP];
	enum rc rc;

	if ((rc = enter(e, path, name, f)) != RC_OK)
		return rc;
	if ((rc = check_pages(e, name, f)) == RC_OK)
		rc = open_unchecked(e, path, map_mib, f);
	if (rc != RC_CORRUPT && (rc != RC_OK || !e->is_altered))
		return rc;
	if ((rc = empty(e, name, f)) != RC_OK)
		return rc;
	return open_unchecked(e, path, map_mib, f);
}

static int
open_tree_to_read(struct engine *e)
{
	MDB_txn *txn;
	int error;

	if ((error = mdb_txn_begin(e->env, NULL, MDB_RDONLY, &txn)) != 0)
		return error;
	if ((error = mdb_dbi_open(txn, NULL, 0, &e->tree)) != 0) {
		mdb_txn_abort(txn);
		return error;
	}
	return mdb_txn_commit(txn); /* keeps the handle */
}

/* The writer has the directory; is_open stays false, so that closing leaves its file alone. */
static enum rc
open_files_to_read(struct engine *e, const char *path, unsigned map_mib, struct fault *f)
{
	enum rc rc;
	int error;

	if ((error = open_env(e, path, map_mib, MDB_RDONLY)) == 0) {
		if ((rc = check_size(e, f)) != RC_OK)
			return rc;
		error = open_tree_to_read(e);
	}
	if (error == 0)
		return RC_OK;
	log_world("store_open_reader", "error=\"%s\"", mdb_strerror(error));
	return fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, mdb_strerror(error));
}

typedef enum rc open_files_fn(struct engine *e, const char *path, unsigned map_mib, struct fault *f);

static enum rc
open_engine(open_files_fn *open_by, const char *path, unsigned map_mib, struct engine **out, struct fault *f)
{
	struct engine *e = calloc(1, sizeof(*e));
	enum rc rc;

	*out = NULL;
	if (e == NULL || pthread_mutex_init(&e->lock, NULL) != 0) {
		free(e);
		return fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, "memory");
	}
	e->lock_fd = -1;
	if ((rc = open_by(e, path, map_mib, f)) != RC_OK) {
		lmdb_close(e);
		return rc;
	}
	*out = e;
	return RC_OK;
}

static enum rc
lmdb_open(const char *path, unsigned map_mib, struct engine **out, struct fault *f)
{
	return open_engine(open_files, path, map_mib, out, f);
}

enum rc
lmdb_open_anew(const char *path, unsigned map_mib, struct engine **out, struct fault *f)
{
	return open_engine(open_files_anew, path, map_mib, out, f);
}

static enum rc
lmdb_open_reader(const char *path, unsigned map_mib, struct engine **out, struct fault *f)
{
	return open_engine(open_files_to_read, path, map_mib, out, f);
}

/* reading */

static enum rc
lmdb_snapshot(struct engine *e, struct snapshot **out)
{
	struct snapshot *s;
	int error;

	pthread_mutex_lock(&e->lock);
	if ((s = e->idle) != NULL)
		e->idle = s->next;
	pthread_mutex_unlock(&e->lock);
	*out = NULL;
	if (s != NULL) {
		error = mdb_txn_renew(s->txn);
	} else {
		if ((s = calloc(1, sizeof(*s))) == NULL)
			return RC_UNAVAILABLE;
		s->engine = e;
		error = mdb_txn_begin(e->env, NULL, MDB_RDONLY, &s->txn);
	}
	if (error != 0) {
		log_world("store_snapshot", "error=\"%s\"", mdb_strerror(error));
		if (s->txn != NULL)
			mdb_txn_abort(s->txn);
		free(s);
		return rc_of(error);
	}
	*out = s;
	return RC_OK;
}

static void
lmdb_release(struct snapshot *s)
{
	struct engine *e = s->engine;

	mdb_txn_reset(s->txn);
	pthread_mutex_lock(&e->lock);
	s->next = e->idle;
	e->idle = s;
	pthread_mutex_unlock(&e->lock);
}

static enum rc
split(MDB_val data, struct bytes *value, uint64_t *rev)
{
	const uint8_t *p = data.mv_data;

	if (data.mv_size < REV_BYTES)
		return RC_CORRUPT;
	*rev = get_u64(p);
	*value = (struct bytes){ p + REV_BYTES, data.mv_size - REV_BYTES };
	return RC_OK;
}

int
lmdb_read(MDB_txn *txn, MDB_dbi tree, const struct key *key, struct bytes *value, uint64_t *rev)
{
	MDB_val k = lmdb_val_of_key(key), data;
	int error = mdb_get(txn, tree, &k, &data);

	*value = (struct bytes){ NULL, 0 };
	*rev = 0;
	if (error == 0 && split(data, value, rev) != RC_OK)
		return MDB_CORRUPTED;
	return error;
}

static enum rc
lmdb_get(struct snapshot *s, const struct key *key, struct bytes *value, uint64_t *rev)
{
	return rc_of(lmdb_read(s->txn, s->engine->tree, key, value, rev));
}

static enum rc
give_pair(MDB_val k, MDB_val data, engine_scan_fn *fn, void *arg, bool *wants_more)
{
	struct key key = { .len = (uint8_t)k.mv_size };
	struct bytes value;
	uint64_t rev;
	enum rc rc;

	*wants_more = false;
	if (k.mv_size > LIMIT_KEY)
		return RC_CORRUPT;
	memcpy(key.b, k.mv_data, k.mv_size);
	if ((rc = split(data, &value, &rev)) == RC_OK)
		*wants_more = fn(arg, &key, value, rev);
	return rc;
}

/* What a walk has read since it last let go of it: so many pairs between these addresses of the map. */
struct passed {
	uintptr_t low, high;
	unsigned pairs;
};

/*
 * A walk over a whole log would leave all of it in this process's resident memory, tens of megabytes that
 * nobody reads for an hour.  The pages stay in the system's cache; whoever reads one maps it again.
 */
static void
let_go(struct passed *passed, uintptr_t page)
{
	const uintptr_t low = passed->low - passed->low % page;

	/* a read-only map of the file: nothing is lost, and failing costs no more than memory */
	(void)madvise((void *)low, passed->high - low, MADV_DONTNEED);
	*passed = (struct passed){ .low = UINTPTR_MAX };
}

static void
pass(struct passed *passed, const MDB_val *value, uintptr_t page)
{
	const uintptr_t at = (uintptr_t)value->mv_data;

	passed->low = at < passed->low ? at : passed->low;
	passed->high = at + value->mv_size > passed->high ? at + value->mv_size : passed->high;
	if (++passed->pairs == LET_GO)
		let_go(passed, page);
}

static enum rc
lmdb_scan(struct snapshot *s, const struct key *from, unsigned prefix_len, engine_scan_fn *fn, void *arg)
{
	MDB_val k = lmdb_val_of_key(from), data;
	struct passed passed = { .low = UINTPTR_MAX };
	MDB_cursor *cursor;
	bool wants_more = true;
	enum rc rc = RC_OK;
	int error = mdb_cursor_open(s->txn, s->engine->tree, &cursor);

	if (error != 0)
		return rc_of(error);
	/* LMDB takes no empty key: from nothing means from the first */
	error = mdb_cursor_get(cursor, &k, &data, from->len == 0 ? MDB_FIRST : MDB_SET_RANGE);
	while (error == 0 && k.mv_size >= prefix_len && memcmp(k.mv_data, from->b, prefix_len) == 0) {
		if ((rc = give_pair(k, data, fn, arg, &wants_more)) != RC_OK || !wants_more)
			break;
		pass(&passed, &data, s->engine->page);
		error = mdb_cursor_get(cursor, &k, &data, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (rc != RC_OK)
		return rc;
	return error == MDB_NOTFOUND ? RC_OK : rc_of(error);
}

static void
lmdb_close(struct engine *e)
{
	if (e == NULL)
		return;
	while (e->idle != NULL) {
		struct snapshot *s = e->idle;

		e->idle = s->next;
		mdb_txn_abort(s->txn);
		free(s);
	}
	lmdb_mirror_drop(e);
	if (e->env != NULL) {
		if (e->is_open) /* never make a file that was cut look whole */
			lmdb_extend(e);
		mdb_env_close(e->env);
	}
	if (e->lock_fd >= 0)
		close(e->lock_fd); /* last: the lock covers everything above */
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static bool
lmdb_is_broken(const struct engine *e)
{
	return atomic_load(&e->is_broken);
}

static bool
lmdb_is_altered(const struct engine *e)
{
	return e->is_altered;
}

static void
lmdb_room(struct engine *e, uint64_t *most, uint64_t *used)
{
	MDB_envinfo info;

	*most = *used = 0;
	if (mdb_env_info(e->env, &info) != 0)
		return;
	*most = info.me_mapsize;
	*used = (info.me_last_pgno + 1) * (uint64_t)e->page;
}

static enum rc
lmdb_copy(struct engine *e, int fd)
{
	const int error = mdb_env_copyfd2(e->env, fd, MDB_CP_COMPACT);

	if (error != 0)
		log_world("store_copy", "error=\"%s\"", mdb_strerror(error));
	return rc_of(error);
}

const struct engine_ops engine_lmdb = {
	.name = "lmdb",
	.open = lmdb_open,
	.open_reader = lmdb_open_reader,
	.close = lmdb_close,
	.snapshot = lmdb_snapshot,
	.get = lmdb_get,
	.scan = lmdb_scan,
	.release = lmdb_release,
	.apply = lmdb_apply,
	.is_broken = lmdb_is_broken,
	.is_altered = lmdb_is_altered,
	.room = lmdb_room,
	.copy = lmdb_copy,
};
