/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connecting to all servers at once, so that one that is gone costs those who wait for a commit nothing while
 * another answers.  Whether a server is the primary is not asked here: the first that is open comes first,
 * and comes again while a silent one is waited for.  Else whoever takes over within those seconds, as when
 * the leader's host dies, would be asked at their end only.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/pg_parts.h"

#define DIAL_MS    2000
#define AGAIN_MS   250
#define JUDGING_MS 4000 /* more, for who looks whether those that answer are sound */
#define ERROR_TEXT 256u

const char *
pg_server_name(const struct pg_link *l, unsigned i)
{
	return l->hosts[i][0] != '\0' ? l->hosts[i] : l->addresses[i];
}

/* The server's words, on one line.  They name tables and states, never a value: those are parameters. */
void
pg_log_server(const char *event, const char *where, const char *text)
{
	char line[ERROR_TEXT];

	(void)str_copy(line, sizeof(line), text);
	line[strcspn(line, "\n")] = '\0';
	log_line(LOG_WORLD, event, "server=%s error=\"%s\"", where, line);
}

/* ---- who may be at the other end ---- */

/* What listens there is on this machine, whatever name led to it. */
static bool
is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/*
 * Records are sealed before they go, but an impostor could swallow what it acknowledges or hand out an old
 * state.  So across a network a server proves by its certificate that it is the one that was named: libpq's
 * own default takes any certificate, and none.  Only the connection string counts, not what a service file
 * or the environment would add.  To this machine itself it may say sslmode=disable, for the near end of a
 * tunnel; a Unix socket has no TLS.
 */
const char *
pg_sslmode(const struct pg_link *l, unsigned i)
{
	const char *said = pg_option(l, "sslmode");

	if (l->addresses[i][0] == '\0' || (said != NULL && strcmp(said, "verify-full") == 0))
		return "verify-full"; /* libpq asks for none on a Unix socket */
	return said != NULL && strcmp(said, "disable") == 0 && is_loopback(l->addresses[i]) ? "disable"
											    : NULL;
}

const char *const pg_file_options[PG_FILE_OPTIONS] = { "sslrootcert", "sslcert", "sslkey", "sslcrl",
	"passfile" };

/*
 * Of a file that is there and cannot be read, as one that a confined process was not given, libpq 15 makes
 * words out of memory nobody wrote, past its end.  So whoever dials opens them first.
 */
static bool
can_read_files(const struct pg_link *l, unsigned server)
{
	for (size_t i = 0; i < PG_FILE_OPTIONS; i++) {
		const char *named = pg_option(l, pg_file_options[i]);
		const int fd = named == NULL ? -1 : open(named, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		char why[ERROR_TEXT];

		if (fd >= 0)
			close(fd);
		if (fd >= 0 || named == NULL || errno == ENOENT)
			continue; /* one that is not there libpq names itself */
		(void)snprintf(
		    why, sizeof(why), "cannot read %s=%s: %s", pg_file_options[i], named, strerror(errno));
		pg_log_server("pg_unreachable", pg_server_name(l, server), why);
		return false;
	}
	return true;
}

/* ---- all at once ---- */

#define MOST_OPTIONS 64u

static PGconn *
begin(const struct pg_link *l, unsigned i)
{
	const char *keys[MOST_OPTIONS], *values[MOST_OPTIONS];
	const struct {
		const char *key, *value;
		bool is_default;
	} own[] = {
		{ "host", l->hosts[i], false },
		{ "hostaddr", l->addresses[i], false },
		{ "port", l->ports[i], false },
		{ "gssencmode", "disable", false },
		{ "sslmode", pg_sslmode(l, i), false },
		{ "tcp_user_timeout", "3000", true },
		{ "keepalives_idle", "2", true },
		{ "keepalives_interval", "1", true },
		{ "keepalives_count", "3", true },
		{ "application_name", "menedek", true },
	};
	unsigned n = 0;

	for (unsigned k = 0; k < COUNT_OF(own); k++) {
		if (*own[k].value == '\0' || (own[k].is_default && pg_option(l, own[k].key) != NULL))
			continue;
		keys[n] = own[k].key;
		values[n++] = own[k].value;
	}
	for (const PQconninfoOption *o = l->options; o->keyword != NULL && n + 1 < MOST_OPTIONS; o++) {
		bool is_ours = o->val == NULL || strcmp(o->keyword, "target_session_attrs") == 0;

		for (unsigned k = 0; k < COUNT_OF(own) && !is_ours; k++)
			is_ours = !own[k].is_default && strcmp(own[k].key, o->keyword) == 0;
		if (is_ours)
			continue;
		keys[n] = o->keyword;
		values[n++] = o->val;
	}
	keys[n] = values[n] = NULL;
	return PQconnectStartParams(keys, values, 0);
}

static void
drop(struct pg_dial *d, unsigned i, const char *why)
{
	pg_log_server("pg_unreachable", pg_server_name(d->link, i), why);
	PQfinish(d->conn[i]);
	d->conn[i] = NULL;
}

/* All that are not on their way. */
static void
dial(struct pg_dial *d)
{
	for (unsigned i = 0; i < d->link->count; i++) {
		if (d->conn[i] != NULL || !can_read_files(d->link, i))
			continue;
		d->conn[i] = begin(d->link, i);
		d->wants[i] = PGRES_POLLING_WRITING; /* as libpq asks for */
		if (PQstatus(d->conn[i]) == CONNECTION_BAD)
			drop(d, i, PQerrorMessage(d->conn[i]));
	}
	d->again_at = clock_mono_ms() + AGAIN_MS;
}

void
pg_dial_start(struct pg_dial *d, const struct pg_link *l)
{
	*d = (struct pg_dial){ .link = l, .until = clock_mono_ms() + DIAL_MS };
	d->at_most = d->until + JUDGING_MS;
	dial(d);
}

static unsigned
watch(const struct pg_dial *d, struct pollfd fds[PG_TARGETS], unsigned server[PG_TARGETS])
{
	unsigned n = 0;

	for (unsigned k = 0; k < d->link->count; k++) {
		const unsigned i = (d->link->next + k) % d->link->count;

		if (d->conn[i] == NULL)
			continue;
		server[n] = i;
		fds[n++] = (struct pollfd){ .fd = PQsocket(d->conn[i]),
			.events = d->wants[i] == PGRES_POLLING_READING ? POLLIN : POLLOUT };
	}
	return n;
}

/* One step of one connection; true when it is open. */
static bool
go_on(struct pg_dial *d, unsigned i)
{
	d->wants[i] = PQconnectPoll(d->conn[i]);
	if (d->wants[i] == PGRES_POLLING_FAILED)
		drop(d, i, PQerrorMessage(d->conn[i]));
	return d->wants[i] == PGRES_POLLING_OK;
}

/* True when ${server} is open. */
static bool
hear(struct pg_dial *d, const struct pollfd fds[PG_TARGETS], const unsigned of[PG_TARGETS], unsigned n,
    unsigned *server)
{
	for (unsigned k = 0; k < n; k++) {
		if (fds[k].revents == 0 || !go_on(d, of[k]))
			continue;
		*server = of[k];
		return true;
	}
	return false;
}

static PGconn *
take(struct pg_dial *d, unsigned i)
{
	PGconn *conn = d->conn[i];

	d->conn[i] = NULL;
	d->given_at = clock_mono_ms();
	return conn;
}

PGconn *
pg_dial_next(struct pg_dial *d, unsigned *server)
{
	struct pollfd fds[PG_TARGETS];
	unsigned of[PG_TARGETS], n;
	int64_t now;

	if (d->given_at != 0)
		d->until += clock_mono_ms() - d->given_at;
	while ((n = watch(d, fds, of)) > 0 && (now = clock_mono_ms()) < d->until) {
		const int64_t next = d->again_at < d->until ? d->again_at : d->until;

		if (now >= d->again_at && now < d->at_most)
			dial(d);
		else if (now >= d->again_at)
			d->again_at = d->until; /* those that are open are still looked at */
		else if (poll(fds, n, (int)(next - now)) > 0 && hear(d, fds, of, n, server))
			return take(d, *server);
	}
	for (unsigned k = 0; k < n; k++)
		drop(d, of[k], "no answer in time");
	return NULL;
}

void
pg_dial_end(struct pg_dial *d)
{
	for (unsigned i = 0; i < d->link->count; i++)
		PQfinish(d->conn[i]);
}
