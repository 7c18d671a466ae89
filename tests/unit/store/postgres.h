/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A corner of a real PostgreSQL for one test: a schema of its own in the server that MENEDEK_TEST_POSTGRES
 * names (tests/unit.sh starts one).
 */
#ifndef MENEDEK_TEST_POSTGRES_H
#define MENEDEK_TEST_POSTGRES_H

#include <libpq-fe.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "base/id.h"

#define SCHEMA_NAME 27 /* "m" and an id */

static inline const char *
postgres_server(void)
{
	const char *server = getenv("MENEDEK_TEST_POSTGRES");

	return server == NULL || *server == '\0' ? NULL : server;
}

/* Run ${sql} beside the engine; returns the first value, "" if there is none. */
static inline const char *
postgres_run(const char *conninfo, const char *sql)
{
	static char out[256];
	PGconn *conn = PQconnectdb(conninfo);
	PGresult *res = PQexec(conn, sql);

	cr_assert(PQresultStatus(res) == PGRES_COMMAND_OK || PQresultStatus(res) == PGRES_TUPLES_OK, "%s: %s",
	    sql, PQerrorMessage(conn));
	snprintf(out, sizeof(out), "%s", PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	PQfinish(conn);
	return out;
}

/* Make a schema, and the directory ${dir} of a store that lives in it.  ${conninfo} gets its connection
 * string; at the server its connections are called as the schema is, since another test runs beside this. */
static inline void
postgres_make(const char *dir, char conninfo[512])
{
	char sql[128], path[512], name[ID_TEXT + 1];
	struct id id = id_new();
	FILE *f;

	id_format(&id, name);
	snprintf(sql, sizeof(sql), "CREATE SCHEMA m%s", name);
	postgres_run(postgres_server(), sql);
	snprintf(conninfo, 512, "%s application_name=m%s options='-c search_path=m%s'", postgres_server(),
	    name, name);
	mkdir(dir, 0700);
	snprintf(path, sizeof(path), "%s/postgresql", dir);
	cr_assert((f = fopen(path, "w")) != NULL);
	fprintf(f, "%s\n", conninfo);
	fclose(f);
}

static inline const char *
postgres_schema(const char *conninfo)
{
	static char name[SCHEMA_NAME + 1];

	snprintf(name, sizeof(name), "%s", strstr(conninfo, "search_path=") + strlen("search_path="));
	return name;
}

static inline void
postgres_remove(const char *conninfo)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "DROP SCHEMA %s CASCADE", postgres_schema(conninfo));
	postgres_run(postgres_server(), sql);
}

/* End all connections of ${conninfo}'s schema, as the server does when it is stopped. */
static inline void
postgres_cut(const char *conninfo)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
	    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '%s'",
	    postgres_schema(conninfo));
	postgres_run(postgres_server(), sql);
}

#endif
