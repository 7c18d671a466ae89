/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Nth thing that the engine asks of LMDB, of its file or of the thread library fails, once and with an
 * error of our choice: the names below stand in the program, so ours are called first, and hand on what need
 * not fail.  Of one thread; other libraries are left alone.
 */
#ifndef MENEDEK_TEST_LMDB_REFUSES_H
#define MENEDEK_TEST_LMDB_REFUSES_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static _Thread_local struct {
	const char *name; /* of the only function whose calls count; NULL: all */
	unsigned in;      /* so many calls from now one fails; 0: none */
	int error;
	bool for_good; /* and so do all after it */
	unsigned struck;
} refusal;

static int
refuses(const char *name)
{
	if (refusal.in == 0 || (refusal.name != NULL && strcmp(refusal.name, name) != 0))
		return 0;
	if (--refusal.in > 0)
		return 0;
	if (refusal.for_good)
		refusal.in = 1;
	refusal.struck++;
	return refusal.error;
}

/* The next function of that name behind the program. */
#define BEHIND(fn) ((__typeof__(&(fn)))dlsym(RTLD_NEXT, #fn))

#define REFUSABLE(fn, params, ...)                                   \
	int fn params                                                \
	{                                                            \
		const int error = refuses(#fn);                      \
                                                                     \
		return error != 0 ? error : BEHIND(fn)(__VA_ARGS__); \
	}

/* clang-format off */
REFUSABLE(mdb_env_create, (MDB_env **env), env)
REFUSABLE(mdb_env_set_mapsize, (MDB_env *env, size_t size), env, size)
REFUSABLE(mdb_env_set_maxreaders, (MDB_env *env, unsigned readers), env, readers)
REFUSABLE(mdb_env_open, (MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode), env, path, flags, mode)
REFUSABLE(mdb_env_info, (MDB_env *env, MDB_envinfo *info), env, info)
REFUSABLE(mdb_env_stat, (MDB_env *env, MDB_stat *stat), env, stat)
REFUSABLE(mdb_env_get_fd, (MDB_env *env, mdb_filehandle_t *fd), env, fd)
REFUSABLE(mdb_env_set_flags, (MDB_env *env, unsigned flags, int onoff), env, flags, onoff)
REFUSABLE(mdb_env_sync, (MDB_env *env, int force), env, force)
REFUSABLE(mdb_env_copyfd2, (MDB_env *env, mdb_filehandle_t fd, unsigned flags), env, fd, flags)
REFUSABLE(mdb_reader_check, (MDB_env *env, int *dead), env, dead)
REFUSABLE(mdb_txn_begin, (MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn), env, parent, flags, txn)
REFUSABLE(mdb_txn_renew, (MDB_txn *txn), txn)
REFUSABLE(mdb_dbi_open, (MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi), txn, name, flags, dbi)
REFUSABLE(mdb_get, (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), txn, dbi, key, data)
REFUSABLE(mdb_put, (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags), txn, dbi, key, data, flags)
REFUSABLE(mdb_del, (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), txn, dbi, key, data)
REFUSABLE(mdb_cursor_open, (MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor), txn, dbi, cursor)
REFUSABLE(mdb_cursor_get, (MDB_cursor *cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op), cursor, key, data, op)
REFUSABLE(pthread_mutex_init, (pthread_mutex_t *lock, const pthread_mutexattr_t *attr), lock, attr)
REFUSABLE(pthread_condattr_init, (pthread_condattr_t *attr), attr)
REFUSABLE(pthread_condattr_setclock, (pthread_condattr_t *attr, clockid_t clock), attr, clock)
REFUSABLE(pthread_cond_init, (pthread_cond_t *cond, const pthread_condattr_t *attr), cond, attr)
REFUSABLE(pthread_create, (pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg), thread, attr, run, arg)
/* clang-format on */

/* A commit that fails ends its transaction as one that does not. */
int
mdb_txn_commit(MDB_txn *txn)
{
	const int error = refuses("mdb_txn_commit");

	if (error == 0)
		return BEHIND(mdb_txn_commit)(txn);
	mdb_txn_abort(txn);
	return error;
}

/* What the system refuses leaves its error in errno. */
static bool
system_refuses(const char *name)
{
	const int error = refuses(name);

	if (error != 0)
		errno = error > 0 ? error : EIO;
	return error != 0;
}

int
open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	return system_refuses("open") ? -1 : BEHIND(open)(path, flags, mode);
}

int
flock(int fd, int operation)
{
	return system_refuses("flock") ? -1 : BEHIND(flock)(fd, operation);
}

int
fstat(int fd, struct stat *st)
{
	return system_refuses("fstat") ? -1 : BEHIND(fstat)(fd, st);
}

int
fsync(int fd)
{
	(void)fd;
	return system_refuses("fsync") ? -1 : 0;
}

/* LMDB's own, which must find it in this program: nobody cuts the power here, and there are many rounds. */
__attribute__((visibility("default"))) int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int
ftruncate(int fd, off_t size)
{
	return system_refuses("ftruncate") ? -1 : BEHIND(ftruncate)(fd, size);
}

ssize_t
pread(int fd, void *to, size_t len, off_t at)
{
	return system_refuses("pread") ? -1 : BEHIND(pread)(fd, to, len, at);
}

#endif
