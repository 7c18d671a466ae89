/* SPDX-License-Identifier: Apache-2.0 */
/* Open, confine, serve, wait for a signal, close in reverse. */
#include "server/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/reserve.h"
#include "server/accept.h"
#include "server/control.h"
#include "server/outbox.h"
#include "server/reload.h"
#include "service/duty_watch.h"

/* ---- what systemd hears ---- */

/* Connected while paths and sockets can still be reached; -1: nobody wants to hear. */
static int notify_fd = -1;

/* sd_notify(3): datagrams to the socket that systemd names; '@' stands for the NUL of an abstract one. */
static void
notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path == NULL ? 0 : strlen(path);

	if (len == 0 || len >= sizeof(to.sun_path) ||
	    (notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	memcpy(to.sun_path, path, len);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	len += offsetof(struct sockaddr_un, sun_path);
	if (connect(notify_fd, (struct sockaddr *)&to, (socklen_t)len) == 0)
		return;
	log_world("notify_failed", "state=connect errno=%d", errno);
	(void)close(notify_fd);
	notify_fd = -1;
}

static void
notify(const char *state)
{
	if (notify_fd >= 0 && send(notify_fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		log_world("notify_failed", "state=%s errno=%d", state, errno);
}

/* ---- confinement ---- */

struct serving {
	const struct serve_options *options;
	struct confine_report report;
};

/* Cut the last name off ${path}. */
static const char *
directory_of(char out[256], const char *path)
{
	(void)str_copy(out, 256, path);
	*strrchr(out, '/') = '\0';
	return out;
}

/* Rights hold for all below a directory: a certificate put beside the root keys would give those away. */
static bool
holds(const char *dir, const char *path)
{
	const size_t len = dir == NULL ? 0 : strlen(dir);

	return len > 0 && strncmp(dir, path, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static enum rc
check_rows(const struct confine_path *rows, size_t count, const struct paths *p, struct fault *f)
{
	const char *const kept[] = { p->record_root, p->location_root, p->token_key, p->vault };

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < COUNT_OF(kept); k++) {
			if (holds(rows[i].path, kept[k]))
				return fault_set(f, RC_INVALID, MSG_CONFINE_EXPOSES, NULL, 0, rows[i].path);
		}
	}
	return RC_OK;
}

static bool
has_database(const struct paths *p)
{
	return engine_of(p->store) == &engine_postgresql;
}

enum rc
serve_confine_files(const struct serve_options *options, struct confine_report *report, struct fault *f)
{
	const struct paths *p = &options->paths;
	const char *set = options->issuer.path;
	const char *file = options->settings == NULL ? NULL : options->settings->path;
	char keyring[256], cert[256], key[256], jwks[256], conf[256], database[256 + 16];
	const struct confine_path rows[] = {
		{ p->store, CONFINE_READ | CONFINE_WRITE | CONFINE_CREATE },
		{ directory_of(keyring, p->keyring), CONFINE_READ | CONFINE_WRITE | CONFINE_REPLACE },
		{ directory_of(cert, p->server_cert), CONFINE_READ },
		{ directory_of(key, p->server_key), CONFINE_READ },
		{ p->ca_cert, CONFINE_READ },
		{ options->sheets.dir, CONFINE_READ | CONFINE_WRITE | CONFINE_REPLACE },
		{ set == NULL ? NULL : directory_of(jwks, set), CONFINE_READ },
		/* what libpq reads whenever it connects: certificate, key, authority */
		/* its servers' names are looked up once, when the store is opened */
		{ has_database(p) ? "/etc/hosts" : NULL, CONFINE_READ },
		{ has_database(p) ? "/etc/resolv.conf" : NULL, CONFINE_READ },
		{ has_database(p) ? "/etc/nsswitch.conf" : NULL, CONFINE_READ },
		{ has_database(p) && path_join(database, sizeof(database), p->dir, "database") ? database
											       : NULL,
		    CONFINE_READ | CONFINE_CONNECT },
		{ file == NULL ? NULL : directory_of(conf, file), CONFINE_READ },
#ifdef MENEDEK_DEBUG
		/* the sanitizers look at the process and call a program that names functions */
		{ "/proc", CONFINE_READ },
		{ "/usr", CONFINE_READ | CONFINE_EXECUTE },
#endif
	};
	enum rc rc = check_rows(rows, COUNT_OF(rows), p, f);

	if (rc == RC_OK)
		rc = confine_user(options->user, report, f);
	return rc == RC_OK ? confine_files(rows, COUNT_OF(rows), options->sandbox, report, f) : rc;
}

/* The last step before the first client. */
static enum rc
confine_to_calls(void *arg, struct fault *f)
{
	struct serving *s = arg;
	enum rc rc = confine_calls(has_database(&s->options->paths) ? CONFINE_HTTP_DATABASE : CONFINE_HTTP,
	    s->options->sandbox, &s->report, f);

	if (rc == RC_OK)
		confine_log("http", &s->report);
	return rc;
}

/* ---- signals ---- */

static sigset_t
block_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD); /* of the vault */
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	return set;
}

#define LOOK                                                                                           \
	1 /* seconds between looks at the vault, which may be silent and not have ended, and the store \
	   */

/* How often systemd wants to hear from us is half of its patience, but vault and store are looked at more
 * often. */
static time_t
watch_period(bool *has_watchdog)
{
	const char *text = getenv("WATCHDOG_USEC");
	const unsigned long long usec = text == NULL ? 0 : strtoull(text, NULL, 10);

	*has_watchdog = usec > 0;
	return usec > 0 && usec / 2000000 + 1 < LOOK ? (time_t)(usec / 2000000 + 1) : LOOK;
}

/*
 * Without its vault there is no service, whoever ended it.  A store that a disk error broke in the middle of
 * a commit does not know any more what the disk holds: only opening it anew tells, so the supervisor shall.
 */
static enum rc
look_at_parts(struct parts *parts, uint64_t *was_short, struct fault *f)
{
	const uint64_t is_short = reserve_uses();
	struct store_stats stats;

	if (is_short != *was_short)
		log_world(
		    "memory_short", "blocks=%" PRIu64 " of the reserve were needed", is_short - *was_short);
	*was_short = is_short;
	if (!vault_is_alive(parts->vault))
		return fault_set(f, RC_UNAVAILABLE, MSG_VAULT_GONE, NULL, 0, NULL);
	store_stats(parts->store, &stats);
	if (stats.is_broken) {
		log_world("store_broken", "the service ends so that it is opened anew");
		return fault_set(f, RC_UNAVAILABLE, MSG_STORE_BROKEN, NULL, 0, NULL);
	}
	return RC_OK;
}

/* `systemctl status` shows it; said when it has changed, so that the journal's socket rests at night. */
static void
say_status(const struct server *server, char said[SERVER_LINE])
{
	char now[SERVER_LINE], line[SERVER_LINE + 8];

	server_describe(server, now);
	if (strcmp(now, said) == 0)
		return;
	(void)str_copy(said, SERVER_LINE, now);
	(void)snprintf(line, sizeof(line), "STATUS=%s", now);
	notify(line);
}

/* Until a signal ends it, or it can be no more. */
static enum rc
wait_for_end(const struct serve_options *options, struct server *server, struct parts *parts,
    const sigset_t *set, struct fault *f)
{
	bool has_watchdog;
	const struct timespec period = { .tv_sec = watch_period(&has_watchdog) };
	char said[SERVER_LINE] = "";
	uint64_t was_short = 0;
	enum rc rc;
	int number;

	do {
		number = sigtimedwait(set, NULL, &period);
		if (number == SIGHUP)
			reload_all(options, server, parts);
		else if (number < 0 && errno == EAGAIN && has_watchdog && server_is_alive(server))
			notify("WATCHDOG=1");
		if (number < 0)
			say_status(server, said);
		if ((number < 0 || number == SIGCHLD) && (rc = look_at_parts(parts, &was_short, f)) != RC_OK)
			return rc;
	} while (number < 0 || number == SIGHUP || number == SIGCHLD);
	log_note("stopping", "signal=%d", number);
	return RC_OK;
}

static void
announce(const struct server_options *options, const struct server *server)
{
	const char *address = options->address == NULL ? "127.0.0.1" : options->address;
	const bool is_v6 = strchr(address, ':') != NULL;

	(void)printf("menedek: listening on https://%s%s%s:%u\n", is_v6 ? "[" : "", address, is_v6 ? "]" : "",
	    server_port(server));
	if (server_health_port(server) != 0)
		(void)printf("menedek: health on http://127.0.0.1:%u\n", server_health_port(server));
	(void)fflush(stdout);
	notify("READY=1");
}

static enum rc
start_outbox(struct parts *parts, int *fd, struct outbox **out, struct fault *f)
{
	enum rc rc = RC_OK;

	*out = NULL;
	if (*fd >= 0)
		rc = outbox_start(parts->feed, parts->keyring, *fd, out);
	*fd = -1;
	return rc == RC_OK ? RC_OK : fault_set(f, rc, MSG_SERVER_UNSTARTED, NULL, 0, "outbox");
}

static enum rc
serve(struct parts *parts, struct api *api, const struct serve_options *all,
    const struct server_options *options, int *control_fd, const sigset_t *set, struct fault *f)
{
	struct control *control = NULL;
	struct server *server = NULL;
	enum rc rc;

	if ((rc = server_start(parts, api, options, &server, f)) != RC_OK)
		return rc;
	rc = control_start(parts, *control_fd, &control, f);
	*control_fd = -1;
	if (rc == RC_OK) {
		announce(options, server);
		rc = wait_for_end(all, server, parts, set, f);
		notify("STOPPING=1\nSTATUS=finishing what is under way");
	}
	control_stop(control);
	if (!server_stop(server))
		_exit(EXIT_FAILURE);
	return rc;
}

/* Sockets and keys first, then nothing but the rows of serve_confine_files, then threads, then no new calls.
 */
static enum rc
open_and_serve(struct parts *parts, const struct serve_options *options, struct duty *duty,
    const sigset_t *set, struct fault *f)
{
	const struct parts_wish wish = { .extent = PARTS_ALL,
		.vault_user = options->user,
		.must_confine = options->sandbox == CONFINE_REQUIRE };
	const struct duty_bell bell = { .ring = duty_ring, .heard = duty_heard, .arg = duty };
	struct serving serving = { .options = options };
	struct server_options server = options->server;
	struct listeners listeners;
	struct outbox *outbox = NULL;
	struct api *api = NULL;
	int control_fd = -1, outbox_fd = -1;
	enum rc rc;

	server.listeners = &listeners;
	server.before_clients = confine_to_calls;
	server.before_clients_arg = &serving;
	if ((rc = parts_read(parts, &options->paths, &wish, f)) != RC_OK)
		return rc;
	parts->factor_roles = options->factor_roles;
	if ((rc = reload_begin(options, parts, f)) != RC_OK)
		return rc;
	if (duty != NULL && (parts->duty = duty_watch_new(&bell)) == NULL)
		return RC_UNAVAILABLE;
	if ((rc = parts_open_notary(parts, &options->notary, f)) != RC_OK)
		return rc;
	if (options->issuer.path != NULL && (rc = parts_open_issuer(parts, &options->issuer, f)) != RC_OK)
		return rc;
	if (options->sheets.dir != NULL && (rc = sheets_open(parts, &options->sheets, f)) != RC_OK)
		return rc;
	if ((rc = control_listen(&options->paths, &control_fd, f)) != RC_OK)
		return rc;
	if (options->outbox != NULL && (rc = listen_unix(options->outbox, &outbox_fd, f)) != RC_OK)
		return rc;
	if ((rc = server_listen(&options->server, &listeners, f)) != RC_OK)
		return rc;
	if ((rc = serve_confine_files(options, &serving.report, f)) != RC_OK)
		return rc;
	if ((rc = parts_start(parts, &wish, f)) != RC_OK || (rc = parts_start_notary(parts, f)) != RC_OK)
		return rc;
	store_follow(parts->store);
	rc = start_outbox(parts, &outbox_fd, &outbox, f);
	server.deliveries = outbox_deliveries(outbox);
	if (rc == RC_OK && (rc = api_new(parts, &api, f)) == RC_OK)
		rc = serve(parts, api, options, &server, &control_fd, set, f);
	api_free(api);
	outbox_stop(outbox);
	if (control_fd >= 0)
		(void)close(control_fd);
	return rc;
}

/* What tells the telephones runs the operators' program, which is no reason to show it the registry. */
static enum rc
start_duty(const struct serve_options *options, struct duty **out, struct fault *f)
{
	const struct paths *p = &options->paths;
	struct duty_options duty = options->duty;
	char keys[256], tls[256];

	if (duty.command == NULL)
		return RC_OK;
	duty.hidden[0] = p->dir;
	duty.hidden[1] = directory_of(keys, p->record_root);
	duty.hidden[2] = directory_of(tls, p->server_key);
	for (size_t i = 0; i < COUNT_OF(duty.hidden); i++)
		if (holds(duty.hidden[i], duty.command) || holds(duty.hidden[i], duty.phones))
			return fault_set(f, RC_INVALID, MSG_DUTY, NULL, 0, "in the registry's directory");
	return duty_start(&duty, out, f);
}

enum rc
serve_run(const struct serve_options *options, struct fault *f)
{
	struct parts *parts = calloc(1, sizeof(*parts));
	struct duty *duty = NULL;
	sigset_t set;
	enum rc rc = RC_OK;

	if (parts == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	log_for_journal();
	confine_memory();
	/* first of all: that process shall hold no key and inherit no blocked signal */
	rc = start_duty(options, &duty, f);
	set = block_signals();
	notify_open();
	if (rc == RC_OK)
		rc = open_and_serve(parts, options, duty, &set, f);
	parts_close(parts);
	duty_stop(duty);
	free(parts);
	return rc;
}
