/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to the primary among several servers.  It takes a server at its word only if it accepts
 * writes, waits for its disk (and standbys) before it answers, is on no older timeline than one seen before
 * and has what was acknowledged last: an old primary that was cut off still answers.  Errors of the server
 * are told to the log, never to callers.
 */
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/pg_parts.h"

#define SETUP_MS  4000  /* from then on, for all that is asked before it is used */
#define SCHEMA_MS 30000 /* more for making the tables, once */

/* ---- the connection string ---- */

/* Item ${i} of the comma-separated ${list}; the last one stands for all that follow if there is but one. */
static bool
list_item(const char *list, unsigned i, char *out, size_t cap)
{
	size_t len;

	*out = '\0';
	if (list == NULL)
		return i == 0;
	if (strchr(list, ',') == NULL)
		i = 0;
	for (; i > 0; i--) {
		if ((list = strchr(list, ',')) == NULL)
			return false;
		list++;
	}
	if ((len = strcspn(list, ",")) >= cap)
		return false;
	memcpy(out, list, len);
	out[len] = '\0';
	return true;
}

const char *
pg_option(const struct pg_link *l, const char *keyword)
{
	for (const PQconninfoOption *o = l->options; o->keyword != NULL; o++)
		if (strcmp(o->keyword, keyword) == 0)
			return o->val;
	return NULL;
}

static unsigned
count_items(const char *list)
{
	unsigned n = 1;

	for (; list != NULL && *list != '\0'; list++)
		n += *list == ',';
	return n;
}

/* A confined process opens no resolver's files: addresses are found once, beforehand. */
static bool
look_up(const char *host, char address[64])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int error;

	if (*host == '\0' || *host == '/' || *address != '\0')
		return true;
	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return false;
	error = getnameinfo(found->ai_addr, found->ai_addrlen, address, 64, NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(found);
	return error == 0;
}

enum rc
pg_link_init(struct pg_link *l, const char *conninfo, struct fault *f)
{
	const char *hosts, *addresses, *ports;

	*l = (struct pg_link){ .conn = NULL };
	if ((l->options = PQconninfoParse(conninfo, NULL)) == NULL)
		return fault_set(f, RC_INVALID, MSG_PG_CONNINFO, NULL, 0, NULL);
	hosts = pg_option(l, "host");
	addresses = pg_option(l, "hostaddr");
	ports = pg_option(l, "port");
	l->count = count_items(hosts != NULL ? hosts : addresses);
	if (l->count > PG_TARGETS)
		return fault_set(f, RC_INVALID, MSG_PG_CONNINFO, NULL, 0, NULL);
	for (unsigned i = 0; i < l->count; i++) {
		if (!list_item(hosts, hosts == NULL ? 0 : i, l->hosts[i], sizeof(l->hosts[i])) ||
		    !list_item(
			addresses, addresses == NULL ? 0 : i, l->addresses[i], sizeof(l->addresses[i])) ||
		    !list_item(ports, ports == NULL ? 0 : i, l->ports[i], sizeof(l->ports[i])))
			return fault_set(f, RC_INVALID, MSG_PG_CONNINFO, NULL, 0, NULL);
		if (!look_up(l->hosts[i], l->addresses[i]))
			return fault_set(f, RC_UNAVAILABLE, MSG_PG_UNREACHABLE, NULL, 0, l->hosts[i]);
		if (pg_sslmode(l, i) == NULL)
			return fault_set(f, RC_INVALID, MSG_PG_PLAIN, NULL, 0, pg_server_name(l, i));
	}
	return RC_OK;
}

void
pg_link_drop(struct pg_link *l)
{
	PQfinish(l->conn);
	l->conn = NULL;
	l->is_unsure = l->has_turn = false;
}

void
pg_link_fini(struct pg_link *l)
{
	pg_link_drop(l);
	PQconninfoFree(l->options);
	l->options = NULL;
}

/* ---- connecting ---- */

/* "canceling wait for synchronous replication": the commit stands on this server only, and comes with a
 * warning. */
static void
notice(void *arg, const PGresult *res)
{
	struct pg_link *l = arg;
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	if (state == NULL || strcmp(state, "00000") == 0)
		return;
	pg_log_server("pg_notice", "primary", PQresultErrorMessage(res));
	l->is_unsure = true;
}

/* Until something can be read, or written while there is something left to write. */
static bool
wait_for_socket(PGconn *conn, bool wants_out, int64_t until)
{
	struct pollfd p = { .fd = PQsocket(conn), .events = (short)(POLLIN | (wants_out ? POLLOUT : 0)) };
	const int64_t left = until - clock_mono_ms();

	if (left <= 0 || poll(&p, 1, (int)left) == 0)
		return false;
	return (p.revents & POLLIN) == 0 || PQconsumeInput(conn) == 1;
}

static PGresult *
next_result(PGconn *conn, int64_t until)
{
	int unsent;

	do {
		if ((unsent = PQflush(conn)) < 0)
			return NULL;
		if (!PQisBusy(conn))
			return PQgetResult(conn);
	} while (wait_for_socket(conn, unsent > 0, until));
	return NULL;
}

/* A connection before pipelining begins.  Who has waited until then gives it up: a server that is stopped, or
 * a table that somebody holds, must not hold up whoever waits for a commit. */
struct setup {
	PGconn *conn;
	const char *where;
	int64_t until;
};

/* Did what was sent succeed?  ${out} gets the last answer, which the caller clears. */
static bool
hear_setup(const struct setup *s, bool is_sent, PGresult **out)
{
	PGresult *res, *last = NULL;
	ExecStatusType status;

	while (is_sent && (res = next_result(s->conn, s->until)) != NULL) {
		PQclear(last);
		last = res;
	}
	is_sent = is_sent && PQisBusy(s->conn) == 0;
	status = PQresultStatus(last);
	*out = last;
	if (is_sent && (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK))
		return true;
	pg_log_server("pg_setup_failed", s->where,
	    last != NULL  ? PQresultErrorMessage(last)
		: is_sent ? PQerrorMessage(s->conn)
			  : "no answer in time");
	return false;
}

/* Run ${sql} and copy its one row's columns, as text. */
static bool
ask(const struct setup *s, const char *sql, char *const *out, const size_t *cap, int columns)
{
	PGresult *res;
	const bool is_good = hear_setup(s, PQsendQuery(s->conn, sql) == 1, &res);

	for (int i = 0; is_good && i < columns && PQntuples(res) == 1; i++)
		(void)str_copy(out[i], cap[i], PQgetvalue(res, 0, i));
	PQclear(res);
	return is_good;
}

static bool
run_setup(const struct setup *s, const char *sql)
{
	return ask(s, sql, NULL, NULL, 0);
}

/* Preparing waits for the tables' locks, too; who waited in vain must not leave a queue behind at the server.
 */
static bool
prepare_all(const struct setup *s)
{
	char name[8];

	if (!run_setup(s, "SET statement_timeout = '3s'"))
		return false;
	for (unsigned i = 0; i < PG_STATEMENTS; i++) {
		PGresult *res;
		bool is_good;

		(void)snprintf(name, sizeof(name), "s%u", i);
		is_good = hear_setup(s, PQsendPrepare(s->conn, name, pg_statements[i], 0, NULL) == 1, &res);
		PQclear(res);
		if (!is_good)
			return false;
	}
	return run_setup(s, "RESET statement_timeout");
}

static bool
ask_word(const struct setup *s, const char *sql, char out[32])
{
	const size_t cap = 32;

	return ask(s, sql, &out, &cap, 1);
}

static bool
refuse(const struct setup *s, const char *why, struct fault *f)
{
	log_world("pg_refused", "server=%s why=%s", s->where, why);
	(void)fault_set(f, RC_UNAVAILABLE, MSG_PG_REFUSED, NULL, 0, why);
	return false;
}

/* May its answers count?  The reason is told. */
static bool
is_trusted(const struct setup *s, struct fault *f)
{
	char why[32] = "";

	if (!ask_word(s, pg_checks, why))
		return false;
	return why[0] == '\0' ? true : refuse(s, why, f);
}

/* What a node has followed may not turn into nothing: a database without tables, or without a pair, where
 * there was a registry is one that was lost and not put back yet. */
static bool
make_tables(const struct pg_link *l, const struct setup *s, struct fault *f)
{
	struct setup patient = *s;
	char found[32] = "";

	if (!ask_word(s, pg_tables, found))
		return false;
	if (strcmp(found, "whole") == 0)
		return true;
	if (found[0] == '\0' && l->registry[0] != '\0')
		return refuse(s, "empty", f);
	patient.until += SCHEMA_MS;
	return run_setup(&patient, pg_schema);
}

/* Once they were accepted (is_made_anew): the first node to come does it for all. */
static bool
mend_numbers(const struct setup *s)
{
	struct setup patient = *s;
	char found[32] = "";

	if (!ask_word(s, pg_numbers, found))
		return false;
	if (found[0] == '\0')
		return true;
	patient.until += SCHEMA_MS;
	log_note("pg_counted_anew", "server=%s", s->where);
	return run_setup(&patient, pg_count_anew);
}

/* The same registry on servers that initdb made since: it came from a dump, so its transactions are counted
 * anew, and what this node has seen of them says nothing.  Whether that was meant people must say (menedek
 * accept-database). */
static bool
is_made_anew(const struct pg_link *l, const char *registry, const char *system)
{
	return l->system[0] != '\0' && strcmp(registry, l->registry) == 0 && strcmp(system, l->system) != 0;
}

/*
 * What was acknowledged here last must be there, or whoever leads lacks acknowledged changes: a timeline's
 * number does not tell, since two servers that both believed to take over give the same.  What was thrown
 * away with its hour (PG_PRUNE) was there.
 */
void
pg_last_question(const char *last, char out[PG_LAST_SQL])
{
	static const char question[] =
	    "SELECT CASE WHEN EXISTS (SELECT 1 FROM menedek_changes WHERE id = '\\x%.*s')"
	    " OR (SELECT value::bigint FROM menedek_meta WHERE name = 'pruned') >= %s THEN '' ELSE 'lost' "
	    "END";
	const size_t id_len = strcspn(last, ":");

	_Static_assert(sizeof(question) + PG_LAST <= PG_LAST_SQL, "the question must fit");
	(void)snprintf(out, PG_LAST_SQL, question, (int)id_len, last, last + id_len + 1);
}

/* False: no answer, which says nothing of what is there. */
static bool
ask_change(const struct setup *s, const char *change, bool *is_lost)
{
	char sql[PG_LAST_SQL], found[32] = "";

	*is_lost = false;
	if (*change == '\0')
		return true;
	pg_last_question(change, sql);
	if (!ask_word(s, sql, found))
		return false;
	*is_lost = found[0] != '\0';
	return true;
}

void
pg_doubt(struct pg_link *l)
{
	memcpy(l->seen, PG_DOUBTED, sizeof(PG_DOUBTED));
}

/*
 * A server without what was acknowledged here is refused.  One without what was only read here may be right:
 * a leader that crashes shows, once it is back, what it had not acknowledged yet, and takes it along if it
 * dies then.  Whether it is, or one of two that both took over, the copy has what this server never had.
 */
static bool
has_changes(struct pg_link *l, const struct setup *s, struct fault *f)
{
	bool is_lost;

	if (!ask_change(s, l->last, &is_lost))
		return false;
	if (is_lost)
		return refuse(s, "changes_lost", f);
	if (strcmp(l->seen, PG_DOUBTED) == 0)
		return true;
	if (!ask_change(s, l->seen, &is_lost))
		return false;
	if (is_lost) {
		log_world("pg_copy_doubted", "server=%s", s->where);
		pg_doubt(l);
	}
	return true;
}

static bool
take_server(struct pg_link *l, const struct setup *s, struct fault *f)
{
	char timeline[9] = "", registry[PG_REGISTRY] = "", base[24] = "", state[8] = "",
	     system[PG_SYSTEM] = "";
	char *const out[] = { registry, timeline, base, state, system };
	const size_t cap[] = { sizeof(registry), sizeof(timeline), sizeof(base), sizeof(state),
		sizeof(system) };
	unsigned long number;

	if (!is_trusted(s, f) || !run_setup(s, pg_settings))
		return false;
	(void)run_setup(s, pg_end_alone); /* one that cannot is as good otherwise */
	if (!make_tables(l, s, f) || !ask(s, pg_about, out, cap, COUNT_OF(out)))
		return false;
	if (registry[0] == '\0')
		return refuse(s, "not_restored", f);
	/* half a registry, or one that lives elsewhere now */
	if ((strcmp(state, "loading") == 0 || strcmp(state, "left") == 0) && !l->may_load)
		return refuse(s, state, f);
	if (l->registry[0] != '\0' && strcmp(registry, l->registry) != 0 && state[0] == '\0')
		return refuse(s, "empty", f);
	if ((number = strtoul(timeline, NULL, 16)) < l->highest) {
		log_note("pg_timeline", "server=%s has=%lu seen=%u", s->where, number, l->highest);
		return refuse(s, "stale_primary", f);
	}
	if (is_made_anew(l, registry, system))
		return refuse(s, "restored", f);
	if (strcmp(registry, l->registry) != 0) { /* what was acknowledged and read was another's */
		l->last[0] = l->seen[0] = '\0';
		if (l->registry[0] != '\0')
			pg_doubt(l);
	}
	if (!has_changes(l, s, f) || !mend_numbers(s) || !ask(s, pg_about, out, cap, COUNT_OF(out)) ||
	    !prepare_all(s))
		return false;
	l->timeline = l->highest = (uint32_t)number;
	l->base = strtoull(base, NULL, 10);
	memcpy(l->registry, registry, sizeof(registry));
	memcpy(l->system, system, sizeof(system));
	return PQenterPipelineMode(s->conn) == 1;
}

/* False: it is not to be used, and gone. */
static bool
take_connection(struct pg_link *l, unsigned i, PGconn *conn, struct fault *f)
{
	const char *where = pg_server_name(l, i);
	const struct setup setup = { conn, where, clock_mono_ms() + SETUP_MS };
	char last[PG_LAST], seen[PG_LAST];

	memcpy(last, l->last, sizeof(last));
	memcpy(seen, l->seen, sizeof(seen));
	if (PQsetnonblocking(conn, 1) != 0 || !take_server(l, &setup, f)) {
		/* nothing was read there that could be doubted */
		memcpy(l->last, last, sizeof(last));
		memcpy(l->seen, seen, sizeof(seen));
		PQfinish(conn);
		return false;
	}
	(void)PQsetNoticeReceiver(conn, notice, l);
	log_note("pg_connected", "server=%s timeline=%u", where, l->timeline);
	l->conn = conn;
	l->next = i;
	return true;
}

enum rc
pg_link_up(struct pg_link *l, struct fault *f)
{
	struct pg_dial dial;
	unsigned i;
	PGconn *conn;
	bool is_up = false;

	if (PQstatus(l->conn) == CONNECTION_OK)
		return RC_OK;
	pg_link_drop(l);
	pg_dial_start(&dial, l);
	while (!is_up && (conn = pg_dial_next(&dial, &i)) != NULL)
		is_up = take_connection(l, i, conn, f);
	pg_dial_end(&dial);
	if (is_up)
		return RC_OK;
	if (f != NULL && f->count == 0)
		(void)fault_set(f, RC_UNAVAILABLE, MSG_PG_UNREACHABLE, NULL, 0, pg_server_name(l, l->next));
	l->next = l->next + 1 < l->count ? l->next + 1 : 0;
	return RC_UNAVAILABLE;
}

/* ---- sending and hearing: libpq refuses a connection that is none (NULL) ---- */

bool
pg_send(struct pg_link *l, enum pg_statement statement, const struct pg_param *params, unsigned count)
{
	const char *values[PG_PARAMS];
	int lengths[PG_PARAMS], formats[PG_PARAMS];
	char name[8];

	for (unsigned i = 0; i < count; i++) {
		values[i] = params[i].p;
		lengths[i] = (int)params[i].len;
		formats[i] = params[i].is_text ? 0 : 1;
	}
	(void)snprintf(name, sizeof(name), "s%u", (unsigned)statement);
	return PQsendQueryPrepared(l->conn, name, (int)count, values, lengths, formats, 1) == 1;
}

bool
pg_send_text(struct pg_link *l, const char *sql)
{
	return PQsendQueryParams(l->conn, sql, 0, NULL, NULL, NULL, NULL, 1) == 1;
}

bool
pg_send_sync(struct pg_link *l)
{
	return PQpipelineSync(l->conn) == 1;
}

bool
pg_send_flush(struct pg_link *l)
{
	return PQsendFlushRequest(l->conn) == 1;
}

/* libpq ends each statement's results with a NULL, but a sync point's not. */
PGresult *
pg_answer(struct pg_link *l, int64_t until)
{
	PGresult *res = next_result(l->conn, until);

	if (res != NULL && PQresultStatus(res) != PGRES_PIPELINE_SYNC)
		PQclear(next_result(l->conn, until));
	if (res != NULL && PQresultStatus(res) == PGRES_FATAL_ERROR && PQstatus(l->conn) != CONNECTION_OK) {
		PQclear(res);
		return NULL;
	}
	return res;
}

bool
pg_answer_sync(struct pg_link *l, int64_t until)
{
	PGresult *res = pg_answer(l, until);
	const bool is_sync = PQresultStatus(res) == PGRES_PIPELINE_SYNC;

	PQclear(res);
	return is_sync;
}

uint64_t
pg_number(const PGresult *res, int row, int column)
{
	if (PQgetisnull(res, row, column) || PQgetlength(res, row, column) != 8)
		return 0;
	return get_u64((const uint8_t *)PQgetvalue(res, row, column));
}

struct bytes
pg_bytes(const PGresult *res, int row, int column)
{
	return (struct bytes){ (const uint8_t *)PQgetvalue(res, row, column),
		(size_t)PQgetlength(res, row, column) };
}
