/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database behind a shared store as an operator sees it: each server is asked on its own, and what this
 * node's copy remembers is read beside the service.  Shares the connecting with the engine and nothing else.
 */
#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/pg_parts.h"

#define LOOK_MS      4000
#define CONNINFO_CAP 4096u
#define PATH         512u
#define KEEPER       "keeper" /* shared_ring.c's file: an id, and more behind it */
#define KEEPER_CAP   64u
#define COPY         "data.mdb"
#define ASIDE        "data.mdb.aside"
#define FILES        "../database" /* beside the store; all else is hidden from a confined node (serve.c) */
#define ASKED        "data.mdb.asked" /* the same until what people decided is on record */

/* One row each, all text.  A role without further rights sees that standbys are connected, not which. */
static const char server_sql[] =
    "SELECT pg_is_in_recovery()::int::text,"
    " CASE WHEN pg_is_in_recovery() THEN '0' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,"
    " pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0')"
    "  ELSE pg_current_wal_lsn() END, '0/0')::bigint::text,"
    " (SELECT count(*) FROM pg_stat_replication)::text,"
    " (SELECT count(*) FROM pg_stat_wal_receiver)::text,"
    " current_setting('synchronous_standby_names'),"
    " (SELECT system_identifier::text FROM pg_control_system()),"
    " (current_setting('synchronous_commit') NOT IN ('off', 'local'))::int::text";

static const char registry_sql[] =
    "SELECT (SELECT value FROM menedek_meta WHERE name = 'registry'),"
    " (SELECT count(*) FROM menedek_nodes WHERE at > now() - interval '5 seconds')::text,"
    " (SELECT count(*) FROM menedek_meta WHERE name = 'leaving'"
    "  AND NOT EXISTS (SELECT 1 FROM menedek_meta WHERE name = 'left'))::text";

bool
database_is(const char *path)
{
	return engine_of(path) == &engine_postgresql;
}

static bool
is_refused(const struct database_look *look, const struct database_server *s)
{
	return s->timeline < look->seen || s->lacks_last ||
	    (look->system[0] != '\0' && strcmp(look->followed, s->registry) == 0 &&
		strcmp(look->system, s->system) != 0);
}

bool
database_is_refused(const struct database_look *look)
{
	return look->leader != NULL && is_refused(look, look->leader);
}

/* ---- asking one server ---- */

/* The one row that ${sql} gives before ${until}, or NULL; a server that is stopped must not hold up who
 * looks. */
static PGresult *
ask(PGconn *conn, const char *sql, int64_t until)
{
	struct pollfd p = { .fd = PQsocket(conn), .events = POLLIN };
	PGresult *res;

	if (PQsendQuery(conn, sql) != 1)
		return NULL;
	while (PQisBusy(conn)) {
		const int64_t left = until - clock_mono_ms();

		if (left <= 0 || poll(&p, 1, (int)left) <= 0 || PQconsumeInput(conn) != 1)
			return NULL;
	}
	res = PQgetResult(conn);
	if (PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1)
		return res;
	PQclear(res);
	return NULL;
}

static uint64_t
number(const PGresult *res, int column, int base)
{
	return strtoull(PQgetvalue(res, 0, column), NULL, base);
}

/* What a look knows of this node's past before it asks. */
struct past {
	const char *followed; /* registry */
	char last[PG_LAST];
};

static void
drain(PGconn *conn)
{
	PGresult *res;

	while ((res = PQgetResult(conn)) != NULL)
		PQclear(res);
}

/* No answer says nothing of what is there. */
static void
ask_last(struct database_server *s, PGconn *conn, const struct past *past, int64_t until)
{
	char sql[PG_LAST_SQL];
	PGresult *res;

	if (past->last[0] == '\0' || strcmp(past->followed, s->registry) != 0)
		return;
	pg_last_question(past->last, sql);
	if ((res = ask(conn, sql, until)) != NULL)
		s->lacks_last = *PQgetvalue(res, 0, 0) != '\0';
	PQclear(res);
}

static void
ask_registry(struct database_server *s, PGconn *conn, const struct past *past, int64_t until)
{
	PGresult *res = ask(conn, registry_sql, until);

	if (res == NULL)
		return;
	(void)str_copy(s->registry, sizeof(s->registry), PQgetvalue(res, 0, 0));
	s->nodes = (unsigned)number(res, 1, 10);
	s->is_closed = number(res, 2, 10) > 0;
	PQclear(res);
	drain(conn);
	ask_last(s, conn, past, until);
}

static void
ask_server(struct database_server *s, PGconn *conn, const struct past *past)
{
	const int64_t until = clock_mono_ms() + LOOK_MS;
	PGresult *res = ask(conn, server_sql, until);

	if (res == NULL)
		return;
	s->answers = true;
	s->leads = number(res, 0, 10) == 0;
	s->timeline = (uint32_t)number(res, 1, 16);
	s->at = number(res, 2, 10);
	s->followers = (unsigned)number(res, 3, 10);
	s->follows = number(res, 4, 10) > 0;
	(void)str_copy(s->awaited, sizeof(s->awaited), PQgetvalue(res, 0, 5));
	(void)str_copy(s->system, sizeof(s->system), PQgetvalue(res, 0, 6));
	s->waits = number(res, 7, 10) == 1 && s->awaited[0] != '\0';
	PQclear(res);
	drain(conn);
	if (s->leads)
		ask_registry(s, conn, past, until);
}

static void
ask_all(const struct pg_link *l, const struct past *past, struct database_look *out)
{
	struct pg_dial dial;
	unsigned i;
	PGconn *conn;

	out->count = l->count;
	for (i = 0; i < l->count; i++)
		(void)str_copy(out->servers[i].name, sizeof(out->servers[i].name), pg_server_name(l, i));
	pg_dial_start(&dial, l);
	while ((conn = pg_dial_next(&dial, &i)) != NULL) {
		ask_server(&out->servers[i], conn, past);
		PQfinish(conn);
	}
	pg_dial_end(&dial);
}

/* Would a node go on with it, whoever else says that it leads?  It does not ask which timeline is the
 * highest. */
static bool
is_taken(const struct database_look *look, const struct database_server *s)
{
	return look->followed[0] != '\0' && strcmp(s->registry, look->followed) == 0 && !is_refused(look, s);
}

/* Who were shown one that a node refuses would accept it, and lose what another has: the one that a node
 * takes, else the one that has what was acknowledged here last, else the highest timeline. */
static bool
leads_rather(
    const struct database_look *look, const struct database_server *s, const struct database_server *than)
{
	if (is_taken(look, s) != is_taken(look, than))
		return is_taken(look, s);
	if (s->lacks_last != than->lacks_last && strcmp(s->registry, than->registry) == 0)
		return than->lacks_last;
	return s->timeline > than->timeline;
}

/* A leader that was left behind may answer beside the real one. */
static void
find_leader(struct database_look *out)
{
	for (unsigned i = 0; i < out->count; i++) {
		const struct database_server *s = &out->servers[i];

		if (s->leads && (out->leader == NULL || leads_rather(out, s, out->leader)))
			out->leader = s;
	}
	for (unsigned i = 0; i < out->count && out->leader != NULL; i++) {
		struct database_server *s = &out->servers[i];

		if (s->answers && !s->leads && s->at < out->leader->at)
			s->behind = out->leader->at - s->at;
	}
}

/* ---- what this node remembers ---- */

/* Does the ring that was published last, as the copy has it, bear the id that this directory keeps rings
 * under (shared_ring.c)?  A node that was the keeper once still has such a file. */
static bool
keeps_keys(const char *path, struct engine *copy)
{
	const struct key key = log_shared_key();
	char name[PATH], *id = NULL;
	struct snapshot *s;
	struct bytes ring;
	size_t len = 0;
	uint64_t rev;
	bool is_ours = false;

	if (!path_join(name, sizeof(name), path, KEEPER) || !file_exists(name) ||
	    file_read(name, KEEPER_CAP, &id, &len, NULL) != RC_OK)
		return false;
	if (engine_lmdb.snapshot(copy, &s) == RC_OK) {
		is_ours = engine_lmdb.get(s, &key, &ring, &rev) == RC_OK && len >= ID_BYTES &&
		    ring.len > ID_BYTES && memcmp(ring.p, id, ID_BYTES) == 0;
		engine_lmdb.release(s);
	}
	free(id);
	return is_ours;
}

/* What the copy's bookmark (pg_copy.c) says of the past, but for its snapshot; a copy that cannot be read
 * remembers nothing. */
static void
read_past(const char *path, struct database_look *out, char last[PG_LAST])
{
	struct engine e = { .mirror = NULL };
	char name[PATH];

	if (!path_join(name, sizeof(name), path, COPY) || !file_exists(name) ||
	    engine_lmdb.open_reader(path, 0, &e.mirror, NULL) != RC_OK)
		return;
	if (pg_bookmark_read(&e) == RC_OK) {
		(void)str_copy(out->followed, sizeof(out->followed), e.link.registry);
		(void)str_copy(out->system, sizeof(out->system), e.link.system);
		(void)str_copy(last, PG_LAST, e.link.last);
		out->seen = e.link.highest;
	}
	out->keeps_keys = keeps_keys(path, e.mirror);
	engine_lmdb.close(e.mirror);
}

static void
find_astray(const struct pg_link *l, const char *path, struct database_look *out)
{
	char beside[PATH], *home, *real;

	if (!path_join(beside, sizeof(beside), path, FILES))
		return;
	home = realpath(beside, NULL);
	for (size_t i = 0; i < PG_FILE_OPTIONS && out->astray[0] == '\0'; i++) {
		const char *named = pg_option(l, pg_file_options[i]);
		const size_t len = home == NULL ? 0 : strlen(home);

		if (named == NULL || (real = realpath(named, NULL)) == NULL)
			continue; /* one that is not there libpq names itself */
		if (home == NULL || strncmp(real, home, len) != 0 || real[len] != '/')
			(void)str_copy(out->astray, sizeof(out->astray), named);
		free(real);
	}
	free(home);
}

enum rc
database_look_at(const char *path, struct database_look *out, struct fault *f)
{
	char name[PATH], *text = NULL;
	struct pg_link link = { .conn = NULL };
	struct past past = { .followed = out->followed };
	size_t len = 0;
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if (!path_join(name, sizeof(name), path, PG_CONNINFO))
		return fault_set(f, RC_INVALID, MSG_STORE_OPEN, NULL, 0, "path");
	if ((rc = file_read(name, CONNINFO_CAP, &text, &len, f)) != RC_OK)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	read_past(path, out, past.last);
	if ((rc = pg_link_init(&link, text, f)) == RC_OK) {
		find_astray(&link, path, out);
		ask_all(&link, &past, out);
		find_leader(out);
	}
	pg_link_fini(&link);
	wipe(text, len);
	free(text);
	return rc;
}

/* ---- the copy, put aside and back ---- */

static enum rc
swap(const char *path, const char *from, const char *to, bool may_replace, struct fault *f)
{
	char lock[PATH], a[PATH], b[PATH];
	enum rc rc = RC_OK;
	int fd;

	if (!path_join(lock, sizeof(lock), path, "serving.lock") || !path_join(a, sizeof(a), path, from) ||
	    !path_join(b, sizeof(b), path, to))
		return fault_set(f, RC_INVALID, MSG_STORE_OPEN, NULL, 0, "path");
	if ((fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		return fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, strerror(errno));
	file_give(lock);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		rc = fault_set(f, RC_BUSY, MSG_STORE_SERVED, NULL, 0, NULL);
	else if (!may_replace && file_exists(b))
		rc = fault_set(f, RC_TAKEN, MSG_STORE_ASIDE, NULL, 0, b);
	else if (rename(a, b) != 0 || !file_sync_parent(b))
		rc = fault_set(f, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, strerror(errno));
	close(fd);
	return rc;
}

enum rc
database_copy_aside(const char *path, struct fault *f)
{
	char aside[PATH];

	/* one that stands there may be the last that has what was lost: only people throw it away */
	if (path_join(aside, sizeof(aside), path, ASIDE) && file_exists(aside))
		return fault_set(f, RC_TAKEN, MSG_STORE_ASIDE, NULL, 0, aside);
	return swap(path, COPY, ASKED, false, f);
}

enum rc
database_copy_settle(const char *path, struct fault *f)
{
	return swap(path, ASKED, ASIDE, false, f);
}

bool
database_is_unsettled(const char *path)
{
	char asked[PATH];

	return path_join(asked, sizeof(asked), path, ASKED) && file_exists(asked);
}

enum rc
database_copy_back(const char *path, struct fault *f)
{
	return swap(path, ASKED, COPY, true, f);
}
