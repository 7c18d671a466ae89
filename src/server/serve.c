/* SPDX-License-Identifier: Apache-2.0 */
/* Open, confine, serve, wait for a signal, close in reverse. */
#include "server/serve.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "server/control.h"

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

enum rc
serve_confine_files(const struct serve_options *options, struct confine_report *report, struct fault *f)
{
	const struct paths *p = &options->paths;
	const char *set = options->issuer.path;
	char keyring[256], cert[256], key[256], jwks[256];
	const struct confine_path rows[] = {
		{ p->store, CONFINE_READ | CONFINE_WRITE | CONFINE_CREATE },
		{ directory_of(keyring, p->keyring), CONFINE_READ | CONFINE_WRITE | CONFINE_REPLACE },
		{ directory_of(cert, p->server_cert), CONFINE_READ },
		{ directory_of(key, p->server_key), CONFINE_READ },
		{ p->ca_cert, CONFINE_READ },
		{ set == NULL ? NULL : directory_of(jwks, set), CONFINE_READ },
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
	enum rc rc = confine_calls(CONFINE_HTTP, s->options->sandbox, &s->report, f);

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

static void
reload_issuer(struct issuer *issuer)
{
	struct fault f = { 0 };

	if (issuer_reload(issuer, &f) == RC_OK)
		log_note("reloaded", "outside issuer");
	else
		log_world("reload_failed", "the issuer's old keys stay: %s", rc_code(f.rc));
}

static void
reload(struct server *server, struct parts *parts)
{
	struct fault f = { 0 };

	if (parts->issuer != NULL)
		reload_issuer(parts->issuer);

	if (server_reload(server, &f) == RC_OK)
		log_note("reloaded", "certificates");
	else
		log_world("reload_failed", "the old certificates stay: %s", rc_code(f.rc));
}

#define LOOK 2 /* seconds between looks at the vault: it may be silent and not have ended */

/* How often systemd wants to hear from us is half of its patience, but the vault is looked at more often. */
static time_t
watch_period(bool *has_watchdog)
{
	const char *text = getenv("WATCHDOG_USEC");
	const unsigned long long usec = text == NULL ? 0 : strtoull(text, NULL, 10);

	*has_watchdog = usec > 0;
	return usec > 0 && usec / 2000000 + 1 < LOOK ? (time_t)(usec / 2000000 + 1) : LOOK;
}

/* Until a signal ends it, or the vault has ended or gone silent: without it there is no service, whoever
 * ended it. */
static enum rc
wait_for_end(struct server *server, struct parts *parts, const sigset_t *set, struct fault *f)
{
	bool has_watchdog;
	const struct timespec period = { .tv_sec = watch_period(&has_watchdog) };
	int number;

	do {
		number = sigtimedwait(set, NULL, &period);
		if (number == SIGHUP)
			reload(server, parts);
		else if (number < 0 && errno == EAGAIN && has_watchdog && server_is_alive(server))
			notify("WATCHDOG=1");
		if ((number < 0 || number == SIGCHLD) && !vault_is_alive(parts->vault))
			return fault_set(f, RC_UNAVAILABLE, MSG_VAULT_GONE, NULL, 0, NULL);
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
serve(struct parts *parts, struct api *api, const struct server_options *options, int *control_fd,
    const sigset_t *set, struct fault *f)
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
		rc = wait_for_end(server, parts, set, f);
		notify("STOPPING=1");
	}
	control_stop(control);
	if (!server_stop(server))
		_exit(EXIT_FAILURE);
	return rc;
}

/* Sockets and keys first, then nothing but the rows of serve_confine_files, then threads, then no new calls.
 */
static enum rc
open_and_serve(struct parts *parts, const struct serve_options *options, const sigset_t *set, struct fault *f)
{
	const struct parts_wish wish = { .extent = PARTS_ALL,
		.vault_user = options->user,
		.must_confine = options->sandbox == CONFINE_REQUIRE };
	struct serving serving = { .options = options };
	struct server_options server = options->server;
	struct listeners listeners;
	struct api *api = NULL;
	int control_fd = -1;
	enum rc rc;

	server.listeners = &listeners;
	server.before_clients = confine_to_calls;
	server.before_clients_arg = &serving;
	if ((rc = parts_read(parts, &options->paths, &wish, f)) != RC_OK)
		return rc;
	parts->factor_roles = options->factor_roles;
	if ((rc = parts_open_notary(parts, &options->notary, f)) != RC_OK)
		return rc;
	if (options->issuer.path != NULL && (rc = parts_open_issuer(parts, &options->issuer, f)) != RC_OK)
		return rc;
	if ((rc = control_listen(&options->paths, &control_fd, f)) != RC_OK)
		return rc;
	if ((rc = server_listen(&options->server, &listeners, f)) != RC_OK)
		return rc;
	if ((rc = serve_confine_files(options, &serving.report, f)) != RC_OK)
		return rc;
	if ((rc = parts_start(parts, &wish, f)) != RC_OK || (rc = parts_start_notary(parts, f)) != RC_OK)
		return rc;
	if ((rc = api_new(parts, &api, f)) == RC_OK)
		rc = serve(parts, api, &server, &control_fd, set, f);
	api_free(api);
	if (control_fd >= 0)
		(void)close(control_fd);
	return rc;
}

enum rc
serve_run(const struct serve_options *options, struct fault *f)
{
	struct parts *parts = calloc(1, sizeof(*parts));
	sigset_t set;
	enum rc rc;

	if (parts == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	confine_memory();
	set = block_signals();
	notify_open();
	rc = open_and_serve(parts, options, &set, f);
	parts_close(parts);
	free(parts);
	return rc;
}
