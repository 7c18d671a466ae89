/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the rooms together, in the order in which they need each other, and takes them apart the other way
 * round. */
#include "server/server.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/accept.h"
#include "server/health.h"

#define LOOPS        16u
#define SLOW_THREADS 2u
#define TICK_MS      1000
#define STUCK_MS     10000 /* a timer that has not run for so long is stuck, and perhaps the store with it */
#define DAY          86400
#define SPARE_FDS    128u /* beside connections: loops, files of the store, operators */
#define FEWEST       16u  /* connections that a loop takes however few descriptors there are */

struct server {
	struct parts *parts;
	struct api *api;
	struct tls *tls;
	struct pool *pool;
	struct crowd *crowd;
	struct tallies tallies;
	struct httpd *loops[LOOPS];
	unsigned loop_count;
	struct listeners sockets; /* each until its thread has it, then -1 */
	struct acceptor *acceptor;
	struct health *health;
	const struct deliveries *deliveries; /* not ours */
	pthread_t ticker;
	bool has_ticker;
	pthread_mutex_t lock;
	pthread_cond_t stop;
	bool is_stopping; /* guarded by lock */
	_Atomic int64_t ticked_ms;
};

uint16_t
server_port(const struct server *server)
{
	return server->sockets.port;
}

uint16_t
server_health_port(const struct server *server)
{
	return server->sockets.health_port;
}

bool
server_is_alive(const struct server *server)
{
	return clock_mono_ms() - atomic_load(&server->ticked_ms) < STUCK_MS;
}

void
server_describe(const struct server *server, char out[SERVER_LINE])
{
	const _Atomic int64_t *value = server->tallies.value;
	const int64_t left = (tls_ends_at(server->tls) - clock_now()) / DAY;
	struct store_stats store;

	store_stats(server->parts->store, &store);
	(void)snprintf(out, SERVER_LINE,
	    "%s; %" PRId64 " connections, %" PRId64
	    " streams, %u commits waiting; certificate good for %" PRId64 " days",
	    !server_is_alive(server) ? "the timer hangs"
		: store.is_altered   ? "the store is altered"
				     : "ready",
	    atomic_load(&value[TALLY_CONNECTIONS]), atomic_load(&value[TALLY_STREAMS]),
	    (unsigned)store.waiting, left);
}

enum rc
server_reload(struct server *server, struct fault *f)
{
	return tls_reload(server->tls, &server->parts->paths, f);
}

/* --- the timer --- */

/* Sleep until the next tick.  False when the server stops. */
static bool
sleep_tick(struct server *server)
{
	struct timespec until;
	bool goes_on;
	int slept = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += TICK_MS / 1000;
	(void)pthread_mutex_lock(&server->lock);
	while (!server->is_stopping && slept == 0)
		slept = pthread_cond_timedwait(&server->stop, &server->lock, &until);
	goes_on = !server->is_stopping;
	(void)pthread_mutex_unlock(&server->lock);
	return goes_on;
}

static void *
tick(void *arg)
{
	struct server *server = arg;

	while (sleep_tick(server)) {
		api_tick(server->api, store_sure_now(server->parts->store));
		atomic_store(&server->ticked_ms, clock_mono_ms());
		if (server->health != NULL)
			health_tick(server->health, clock_mono_ms());
	}
	return NULL;
}

static void
stop_ticker(struct server *server)
{
	if (!server->has_ticker)
		return;
	(void)pthread_mutex_lock(&server->lock);
	server->is_stopping = true;
	(void)pthread_cond_broadcast(&server->stop);
	(void)pthread_mutex_unlock(&server->lock);
	(void)pthread_join(server->ticker, NULL);
	server->has_ticker = false;
}

/* --- start --- */

static void
listeners_close(struct listeners *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	if (l->health_fd >= 0)
		(void)close(l->health_fd);
}

/* How many connections the process can hold: past its descriptors accept would fail and spin. */
static unsigned
connections_most(void)
{
	struct rlimit files = { .rlim_cur = 1024, .rlim_max = 1024 };
	rlim_t most;

	(void)getrlimit(RLIMIT_NOFILE, &files);
	most = files.rlim_max < LIMIT_DESCRIPTORS ? files.rlim_max : LIMIT_DESCRIPTORS;
	if (files.rlim_cur < most) {
		files.rlim_cur = most;
		(void)setrlimit(RLIMIT_NOFILE, &files);
		(void)getrlimit(RLIMIT_NOFILE, &files);
	}
	most = files.rlim_cur > SPARE_FDS ? files.rlim_cur - SPARE_FDS : 0;
	return most < LIMIT_CONNECTIONS ? (unsigned)most : LIMIT_CONNECTIONS;
}

static unsigned
loop_count(unsigned wanted)
{
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted == 0)
		wanted = cores > 2 ? (unsigned)cores : 2;
	return wanted < LOOPS ? wanted : LOOPS;
}

static unsigned
at_least(unsigned value, unsigned least)
{
	return value > least ? value : least;
}

static unsigned
or_limit(unsigned wanted, unsigned limit)
{
	return wanted != 0 && wanted < limit ? wanted : limit;
}

static enum rc
start_loops(struct server *server, const struct server_options *options, unsigned count, unsigned most,
    struct fault *f)
{
	struct httpd_setup setup = {
		.api = server->api,
		.tls = server->tls,
		.pool = server->pool,
		.crowd = server->crowd,
		.trust = server->parts->trust,
		.tallies = &server->tallies,
		/* the acceptor keeps the sum and the balance; this is only the daemon's own bound */
		.connections = most,
		/* three of four places are for peers whose certificate was verified */
		.strangers = at_least(most / count / 4, 1),
		.request_ms = or_limit(options->request_ms, LIMIT_REQUEST_MS),
		.idle_ms = or_limit(options->idle_ms, LIMIT_IDLE_MS),
		.ping_ms = or_limit(options->ping_ms, LIMIT_PING_MS),
	};
	enum rc rc = RC_OK;

	while (rc == RC_OK && server->loop_count < count) {
		rc = httpd_start(&setup, &server->loops[server->loop_count], f);
		if (rc == RC_OK)
			server->loop_count++;
	}
	return rc;
}

static enum rc
listen_health(const struct server_options *options, struct listeners *out, struct fault *f)
{
	if (options->health_socket != NULL)
		return listen_unix(options->health_socket, &out->health_fd, f);
	if (options->health_port < 0)
		return RC_OK;
	out->health_port = (uint16_t)options->health_port;
	return listen_tcp("127.0.0.1", &out->health_port, &out->health_fd, f);
}

enum rc
server_listen(const struct server_options *options, struct listeners *out, struct fault *f)
{
	const char *address = options->address == NULL ? "127.0.0.1" : options->address;
	enum rc rc;

	*out = (struct listeners){ .fd = -1, .health_fd = -1, .port = options->port };
	if ((rc = listen_tcp(address, &out->port, &out->fd, f)) != RC_OK)
		return rc;
	if ((rc = listen_health(options, out, f)) == RC_OK)
		return RC_OK;
	(void)close(out->fd);
	out->fd = -1;
	return rc;
}

static enum rc
start_health(struct server *server, struct fault *f)
{
	const struct health_setup setup = { server->parts, server->api, server->tls, server->pool,
		&server->tallies, server->deliveries };
	const int fd = server->sockets.health_fd;

	if (fd < 0)
		return RC_OK;
	server->sockets.health_fd = -1; /* taken, or closed when that fails */
	if (health_start(&setup, fd, &server->health) != RC_OK)
		return fault_set(f, RC_UNAVAILABLE, MSG_SERVER_UNSTARTED, NULL, 0, "health");
	return RC_OK;
}

static void
init_stop(struct server *server)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&server->lock, NULL);
	(void)pthread_cond_init(&server->stop, &attr);
	(void)pthread_condattr_destroy(&attr);
}

static enum rc
start_ticker(struct server *server)
{
	atomic_store(&server->ticked_ms, clock_mono_ms());
	server->has_ticker = pthread_create(&server->ticker, NULL, tick, server) == 0;
	return server->has_ticker ? RC_OK : RC_UNAVAILABLE;
}

static enum rc
start(struct server *server, const struct server_options *options, struct fault *f)
{
	const unsigned loops = loop_count(options->threads);
	const unsigned most = or_limit(options->connections, at_least(connections_most(), FEWEST * loops));
	enum rc rc;

	if ((rc = tls_new(&server->parts->paths, server->parts->trust, &server->tls, f)) != RC_OK)
		return rc;
	if ((rc = pool_new(SLOW_THREADS, LIMIT_OFFLOAD, &server->pool)) != RC_OK)
		return fault_set(f, rc, MSG_SERVER_UNSTARTED, NULL, 0, "pool");
	if ((server->crowd = crowd_new(at_least(most / LIMIT_DEVICE_SHARE, 1))) == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_SERVER_UNSTARTED, NULL, 0, "crowd");
	if ((rc = start_loops(server, options, loops, most, f)) != RC_OK)
		return rc;
	if ((rc = start_health(server, f)) != RC_OK)
		return rc;
	if ((rc = start_ticker(server)) != RC_OK)
		return fault_set(f, rc, MSG_SERVER_UNSTARTED, NULL, 0, "timer");
	if (options->before_clients != NULL &&
	    (rc = options->before_clients(options->before_clients_arg, f)) != RC_OK)
		return rc;
	rc = acceptor_start(server->sockets.fd, server->loops, server->loop_count, most, &server->acceptor);
	if (rc != RC_OK)
		return fault_set(f, rc, MSG_SERVER_UNSTARTED, NULL, 0, "acceptor");
	server->sockets.fd = -1;
	return RC_OK;
}

/* --- stop --- */

static bool
take_apart(struct server *server)
{
	bool is_clean = true;

	if (server->health != NULL)
		health_retire(server->health);
	acceptor_stop(server->acceptor);
	stop_ticker(server);
	for (unsigned i = 0; i < server->loop_count; i++)
		httpd_drain(server->loops[i]); /* all at once, so that their time runs together */
	for (unsigned i = 0; i < server->loop_count; i++)
		is_clean = httpd_stop(server->loops[i]) && is_clean;
	if (!is_clean)
		return false;
	health_stop(server->health);
	pool_free(server->pool);
	crowd_free(server->crowd);
	tls_free(server->tls);
	listeners_close(&server->sockets);
	(void)pthread_cond_destroy(&server->stop);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
	return true;
}

bool
server_stop(struct server *server)
{
	if (server == NULL || take_apart(server))
		return true;
	log_world("stop_unclean", "calls still wait for the store");
	return false;
}

enum rc
server_start(struct parts *parts, struct api *api, const struct server_options *options, struct server **out,
    struct fault *f)
{
	struct server *server = calloc(1, sizeof(*server));
	enum rc rc = RC_OK;

	*out = NULL;
	if (server == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	server->parts = parts;
	server->api = api;
	server->deliveries = options->deliveries;
	server->sockets = (struct listeners){ .fd = -1, .health_fd = -1 };
	init_stop(server);
	if (options->listeners != NULL)
		server->sockets = *options->listeners;
	else
		rc = server_listen(options, &server->sockets, f);
	if (rc != RC_OK || (rc = start(server, options, f)) != RC_OK) {
		(void)take_apart(server); /* nobody was accepted, so nothing waits */
		return rc;
	}
	*out = server;
	return RC_OK;
}
