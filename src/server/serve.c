/* SPDX-License-Identifier: Apache-2.0 */
/* Harden, open, serve, wait for a signal, close in reverse. */
#include "server/serve.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

/* Keys and households are in this memory: no core dump, no debugger of the same user (G2). */
static void
harden(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
#ifndef MENEDEK_DEBUG
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* sd_notify(3): a datagram to the socket that systemd names; '@' stands for the NUL of an abstract one. */
static void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path == NULL ? 0 : strlen(path);
	int fd;

	if (len == 0 || len >= sizeof(to.sun_path) ||
	    (fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	memcpy(to.sun_path, path, len);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	len += offsetof(struct sockaddr_un, sun_path);
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, (socklen_t)len) < 0)
		log_world("notify_failed", "state=%s", state);
	(void)close(fd);
}

static sigset_t
block_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	return set;
}

static void
reload(struct server *server)
{
	struct fault f = { 0 };

	if (server_reload(server, &f) == RC_OK)
		log_note("reloaded", "certificates");
	else
		log_world("reload_failed", "the old certificates stay: %s", rc_code(f.rc));
}

/* How often systemd wants to hear from us: half of its patience, or never. */
static time_t
watchdog_period(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	const unsigned long long usec = text == NULL ? 0 : strtoull(text, NULL, 10);

	return usec == 0 ? 0 : (time_t)(usec / 2000000 + 1);
}

/* Until a signal ends it. */
static void
wait_for_end(struct server *server, const sigset_t *set)
{
	const struct timespec period = { .tv_sec = watchdog_period() };
	int number;

	do {
		number = period.tv_sec == 0 ? sigwaitinfo(set, NULL) : sigtimedwait(set, NULL, &period);
		if (number == SIGHUP)
			reload(server);
		else if (number < 0 && errno == EAGAIN && server_is_alive(server))
			notify("WATCHDOG=1");
	} while (number < 0 || number == SIGHUP);
	log_note("stopping", "signal=%d", number);
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
serve(struct parts *parts, struct api *api, const struct server_options *options, const sigset_t *set,
    struct fault *f)
{
	struct server *server = NULL;
	enum rc rc;

	if ((rc = server_start(parts, api, options, &server, f)) != RC_OK)
		return rc;
	announce(options, server);
	wait_for_end(server, set);
	notify("STOPPING=1");
	if (!server_stop(server))
		_exit(EXIT_FAILURE);
	return RC_OK;
}

enum rc
serve_run(const struct serve_options *options, struct fault *f)
{
	struct parts *parts = calloc(1, sizeof(*parts));
	struct api *api = NULL;
	sigset_t set;
	enum rc rc;

	if (parts == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	harden();
	set = block_signals();
	if ((rc = parts_open(parts, &options->paths, true, f)) == RC_OK) {
		if ((rc = api_new(parts, &api, f)) == RC_OK)
			rc = serve(parts, api, &options->server, &set, f);
		api_free(api);
		parts_close(parts);
	}
	free(parts);
	return rc;
}
