/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Nth of a kind of mishap befalls this thread, once, and perhaps a second one after it: a call into libpq
 * that fails, a connection that is cut, an answer that is not what was asked for, hours that pass, a disk.
 * The engine runs on the test's own thread, so every run meets the same calls in the same order.
 */
#ifndef MENEDEK_TEST_MISHAP_H
#define MENEDEK_TEST_MISHAP_H

#include <dlfcn.h>
#include <errno.h>
#include <lmdb.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

enum mishap {
	NO_MISHAP,
	REFUSED_CALL, /* libpq has no memory, or will not do it in this state */
	CUT,          /* the connection ends before a call that sends or hears */
	GARBLED,      /* no memory for an answer: libpq puts an error without a state in its place */
	NO_ROWS,      /* an answer whose rows are missing */
	SILENCE,      /* nothing is heard, for as long as one waits */
	LATE,         /* a minute passes between two looks at the clock */
	BAD_COPY,     /* LMDB fails */
	BAD_DISK,     /* a write, a flush or a removal fails */
	MISHAPS
};

static _Thread_local struct {
	enum mishap kind, then;
	unsigned in, after; /* so many from now; and, once it came, so many of ${then} */
} mishap;
static _Thread_local int64_t late_s;

static inline bool
strikes(enum mishap kind)
{
	if (mishap.kind != kind || mishap.in == 0 || --mishap.in > 0)
		return false;
	mishap.kind = mishap.then;
	mishap.in = mishap.after;
	mishap.then = NO_MISHAP;
	return true;
}

static inline void
mishap_in(enum mishap kind, unsigned in)
{
	mishap.kind = kind;
	mishap.in = in;
	mishap.then = NO_MISHAP;
	mishap.after = 0;
}

/* No more of them; true if all that was asked for came. */
static inline bool
mishap_over(void)
{
	const bool came = mishap.kind == NO_MISHAP;

	mishap_in(NO_MISHAP, 0);
	return came;
}

#define THE_REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static inline void
cut_now(const PGconn *conn)
{
	if (strikes(CUT))
		(void)shutdown(PQsocket(conn), SHUT_RDWR);
}

int
PQsendQuery(PGconn *conn, const char *query)
{
	cut_now(conn);
	return strikes(REFUSED_CALL) ? 0 : THE_REAL(PQsendQuery)(conn, query);
}

int
PQsendPrepare(PGconn *conn, const char *name, const char *query, int count, const Oid *types)
{
	return strikes(REFUSED_CALL) ? 0 : THE_REAL(PQsendPrepare)(conn, name, query, count, types);
}

int
PQsendQueryParams(PGconn *conn, const char *query, int count, const Oid *types, const char *const *values,
    const int *lengths, const int *formats, int format)
{
	return strikes(REFUSED_CALL)
	    ? 0
	    : THE_REAL(PQsendQueryParams)(conn, query, count, types, values, lengths, formats, format);
}

int
PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values, const int *lengths,
    const int *formats, int format)
{
	return strikes(REFUSED_CALL)
	    ? 0
	    : THE_REAL(PQsendQueryPrepared)(conn, name, count, values, lengths, formats, format);
}

int
PQpipelineSync(PGconn *conn)
{
	cut_now(conn);
	return strikes(REFUSED_CALL) ? 0 : THE_REAL(PQpipelineSync)(conn);
}

int
PQenterPipelineMode(PGconn *conn)
{
	return strikes(REFUSED_CALL) ? 0 : THE_REAL(PQenterPipelineMode)(conn);
}

int
PQsetnonblocking(PGconn *conn, int is_on)
{
	return strikes(REFUSED_CALL) ? -1 : THE_REAL(PQsetnonblocking)(conn, is_on);
}

int
PQflush(PGconn *conn)
{
	return strikes(REFUSED_CALL) ? -1 : THE_REAL(PQflush)(conn);
}

int
PQconsumeInput(PGconn *conn)
{
	return strikes(REFUSED_CALL) ? 0 : THE_REAL(PQconsumeInput)(conn);
}

PGresult *
PQgetResult(PGconn *conn)
{
	PGresult *res;
	ExecStatusType instead;

	cut_now(conn);
	if ((res = THE_REAL(PQgetResult)(conn)) == NULL)
		return NULL;
	if (strikes(GARBLED))
		instead = PGRES_FATAL_ERROR;
	else if (PQresultStatus(res) == PGRES_TUPLES_OK && strikes(NO_ROWS))
		instead = PGRES_TUPLES_OK;
	else
		return res;
	PQclear(res);
	return PQmakeEmptyPGresult(conn, instead);
}

int
poll(struct pollfd *fds, nfds_t count, int ms)
{
	return strikes(SILENCE) ? 0 : THE_REAL(poll)(fds, count, ms);
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	const long rc = syscall(SYS_clock_gettime, clock, out);

	if (clock != CLOCK_MONOTONIC)
		return (int)rc;
	if (strikes(LATE))
		late_s += 60;
	out->tv_sec += late_s;
	return (int)rc;
}

int
mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **out)
{
	return strikes(BAD_COPY) ? ENOMEM : THE_REAL(mdb_txn_begin)(env, parent, flags, out);
}

int
mdb_txn_renew(MDB_txn *txn)
{
	return strikes(BAD_COPY) ? ENOMEM : THE_REAL(mdb_txn_renew)(txn);
}

int
mdb_cursor_open(MDB_txn *txn, MDB_dbi tree, MDB_cursor **out)
{
	return strikes(BAD_COPY) ? ENOMEM : THE_REAL(mdb_cursor_open)(txn, tree, out);
}

static inline bool
disk_fails(void)
{
	if (!strikes(BAD_DISK))
		return false;
	errno = EIO;
	return true;
}

ssize_t
write(int fd, const void *p, size_t len)
{
	return disk_fails() ? -1 : THE_REAL(write)(fd, p, len);
}

int
fsync(int fd)
{
	return disk_fails() ? -1 : THE_REAL(fsync)(fd);
}

int
unlink(const char *path)
{
	return disk_fails() ? -1 : THE_REAL(unlink)(path);
}

#endif
