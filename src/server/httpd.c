/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop and its connections.  The daemon is polled from outside: its own loop hangs for good when exactly
 * as many events are ready as it asks for.  Its idle timeout is not used, since a byte now and then would
 * keep a connection for ever; ours run from accept, and from the last answer, whatever trickles in.
 */
#include "server/httpd_room.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define POLL_MS  250 /* at most: how late a revocation ends a stream */
#define STILL_MS 10  /* the same when the daemon wants a turn in which it will find nothing to do */

/* A socket on its way from the acceptor to the loop. */
struct arrival {
	struct letter letter; /* first */
	struct httpd *home;
	int fd;
	struct sockaddr_storage address;
	socklen_t len;
};

unsigned
httpd_load(const struct httpd *home)
{
	return atomic_load(&home->load);
}

/* --- connections, on the loop's thread --- */

/* The daemon sees the socket's end and closes the connection by its usual way. */
static void
hang_up(struct conn *conn)
{
	due_clear(&conn->due);
	(void)shutdown(conn->fd, SHUT_RDWR);
}

static void
on_news(void *arg, enum tls_news news)
{
	struct conn *conn = arg;
	struct httpd *home = conn->home;

	home->has_moved = true;
	if (news == TLS_MOVED)
		return;
	/* verified, or heard again: in both cases a request is due */
	due_set(&conn->due, &home->due[DUE_REQUEST], home->now_ms);
	if (news != TLS_VERIFIED)
		return;
	conn->is_counted = crowd_enter(home->setup.crowd, tls_peer_fingerprint(conn->peer));
	if (conn->is_counted)
		return;
	hang_up(conn);
	tally_add(home->setup.tallies, TALLY_CROWDED, 1);
}

/* Make room for the next: who has waited longest for its handshake goes.  Peers that are verified are not
 * touched. */
static void
evict_strangers(struct httpd *home)
{
	struct due_list *strangers = &home->due[DUE_STRANGER];

	while (strangers->count > home->setup.strangers) {
		hang_up((struct conn *)strangers->first);
		tally_add(home->setup.tallies, TALLY_EVICTED, 1);
	}
}

static void
conn_open(struct httpd *home, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	const int fd = info->connect_fd;
	struct conn *conn = calloc(1, sizeof(*conn));

	home->has_started_one = true;
	*context = conn;
	if (conn == NULL) {
		(void)shutdown(fd, SHUT_RDWR); /* and without credentials no handshake would succeed */
		return;
	}
	conn->home = home;
	conn->mhd = mhd;
	conn->fd = fd;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	conn->peer = tls_attach(home->setup.tls, info->tls_session, fd, on_news, conn);
	due_set(&conn->due, &home->due[DUE_STRANGER], home->now_ms);
	if (conn->peer == NULL)
		hang_up(conn);
	evict_strangers(home);
}

static void
conn_close(struct httpd *home, void **context)
{
	struct conn *conn = *context;

	atomic_fetch_sub(&home->load, 1);
	tally_add(home->setup.tallies, TALLY_CONNECTIONS, -1);
	if (conn == NULL)
		return;
	due_clear(&conn->due);
	if (conn->is_counted)
		crowd_leave(home->setup.crowd, tls_peer_fingerprint(conn->peer));
	tls_peer_free(conn->peer);
	free(conn);
	*context = NULL;
}

static void
on_connection(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
	((struct httpd *)cls)->has_moved = true;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		conn_open(cls, mhd, context);
	else
		conn_close(cls, context);
}

/* --- arrivals --- */

static void
drop_arrival(struct arrival *arrival)
{
	(void)close(arrival->fd);
	atomic_fetch_sub(&arrival->home->load, 1);
	tally_add(arrival->home->setup.tallies, TALLY_CONNECTIONS, -1);
	free(arrival);
}

static void
arrive(struct letter *letter)
{
	struct arrival *arrival = (struct arrival *)letter;
	struct httpd *home = arrival->home;

	if (atomic_load(&home->is_draining)) {
		drop_arrival(arrival);
		return;
	}
	home->has_started_one = false;
	/* it closes the socket when it fails; what it had started it also ends, by conn_close */
	if (MHD_add_connection(
		home->daemon, arrival->fd, (struct sockaddr *)&arrival->address, arrival->len) == MHD_NO &&
	    !home->has_started_one) {
		atomic_fetch_sub(&home->load, 1);
		tally_add(home->setup.tallies, TALLY_CONNECTIONS, -1);
		log_world("connection_lost", "the daemon took no connection, errno=%d", errno);
	}
	free(arrival);
}

void
httpd_give(struct httpd *home, int fd, const struct sockaddr *address, socklen_t len)
{
	struct arrival *arrival = calloc(1, sizeof(*arrival));

	if (arrival == NULL || len > sizeof(arrival->address)) {
		(void)close(fd);
		free(arrival);
		return;
	}
	arrival->letter.deliver = arrive;
	arrival->home = home;
	arrival->fd = fd;
	arrival->len = len;
	memcpy(&arrival->address, address, len);
	atomic_fetch_add(&home->load, 1);
	tally_add(home->setup.tallies, TALLY_CONNECTIONS, 1);
	tally_add(home->setup.tallies, TALLY_ACCEPTED, 1);
	inbox_post(&home->inbox, &arrival->letter);
}

/* --- the loop --- */

/* Have the first stream in the list look whether it may go on, and say something. */
static void
rouse_first_stream(struct httpd *home)
{
	struct conn *conn = (struct conn *)home->due[DUE_PING].first;

	due_clear(&conn->due);
	conn->task->wants_ping = true;
	task_rouse(conn->task);
}

/* Close what is overdue; where only an event was awaited, send a sign of life. */
static void
expire(struct httpd *home)
{
	struct due *due;

	for (unsigned i = 0; i < DUE_PING; i++) {
		while ((due = due_overdue(&home->due[i], home->now_ms)) != NULL) {
			hang_up((struct conn *)due);
			tally_add(home->setup.tallies, TALLY_OVERDUE, 1);
		}
	}
	while (due_overdue(&home->due[DUE_PING], home->now_ms) != NULL)
		rouse_first_stream(home);
}

/* After a revocation anywhere each stream must find out whether it is meant: no event would tell it. */
static void
watch_trust(struct httpd *home)
{
	const uint64_t generation = trust_generation(home->setup.trust);

	if (generation == home->generation)
		return;
	home->generation = generation;
	while (home->due[DUE_PING].first != NULL)
		rouse_first_stream(home);
}

/* Let go of what nobody waits for.  Requests under way and answers being sent go on. */
static void
drain(struct httpd *home)
{
	static const unsigned lists[] = { DUE_STRANGER, DUE_IDLE };

	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		while (home->due[lists[i]].first != NULL)
			hang_up((struct conn *)home->due[lists[i]].first);
	}
	while (home->due[DUE_PING].first != NULL)
		rouse_first_stream(home);
}

/*
 * The daemon takes a connection in its handshake for readable until the handshake is over, and so asks for
 * its next turn at once for as long as a client takes to answer: a few slow ones would eat a whole core.
 * After a turn in which nothing moved there is nothing for it to do until a socket says so, which ends the
 * wait.
 */
static int
wait_ms(struct httpd *home)
{
	MHD_UNSIGNED_LONG_LONG most;
	int ms = POLL_MS;

	if (MHD_get_timeout(home->daemon, &most) == MHD_YES && most == 0)
		ms = home->has_moved ? 0 : STILL_MS;
	return ms == 0 ? 0 : due_wait_ms(home->due, DUE_LISTS, clock_mono_ms(), ms);
}

static void
turn(struct httpd *home, int daemon_fd)
{
	struct pollfd fds[] = { { .fd = daemon_fd, .events = POLLIN },
		{ .fd = home->inbox.fd, .events = POLLIN } };

	(void)poll(fds, COUNT_OF(fds), wait_ms(home));
	home->now_ms = clock_mono_ms();
	home->has_moved = fds[1].revents != 0;
	home->has_waited = false;
	if (fds[1].revents != 0)
		inbox_deliver(&home->inbox);
	expire(home);
	watch_trust(home);
	if (atomic_load(&home->is_draining))
		drain(home);
	/* the only place where the daemon acts on sockets, after all that was resumed above */
	(void)MHD_run(home->daemon);
}

static void *
loop(void *arg)
{
	struct httpd *home = arg;
	const int fd = MHD_get_daemon_info(home->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	int64_t end_ms;

	while (!atomic_load(&home->is_draining))
		turn(home, fd);
	end_ms = clock_mono_ms() + LIMIT_STOP_MS;
	while (atomic_load(&home->load) > 0 && home->now_ms < end_ms)
		turn(home, fd);
	return NULL;
}

/* --- life --- */

/* Undo no escapes: routes have none, and "%00" would end a path early. */
static size_t
unescape_nothing(void *cls, struct MHD_Connection *mhd, char *s)
{
	(void)cls;
	(void)mhd;
	return strlen(s);
}

/* What the library has to say, without its arguments: they may hold a path. */
static void
on_log(void *cls, const char *fmt, va_list args)
{
	(void)cls;
	(void)args;
	log_peer("http_library", "%.*s", (int)strcspn(fmt, "\n"), fmt);
}

static struct MHD_Daemon *
start_daemon(struct httpd *home)
{
	const unsigned flags = MHD_USE_TLS | MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
	    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	return MHD_start_daemon(flags, 0, NULL, NULL, task_handle, home, MHD_OPTION_EXTERNAL_LOGGER, on_log,
	    NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, home, MHD_OPTION_URI_LOG_CALLBACK, task_begin,
	    home, MHD_OPTION_NOTIFY_COMPLETED, task_end, home, MHD_OPTION_UNESCAPE_CALLBACK, unescape_nothing,
	    NULL, MHD_OPTION_CONNECTION_LIMIT, home->setup.connections, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LIMIT_HTTP_MEMORY, MHD_OPTION_HTTPS_PRIORITIES,
	    tls_priorities(), MHD_OPTION_HTTPS_CERT_CALLBACK, tls_no_certificate(), MHD_OPTION_END);
}

enum rc
httpd_start(const struct httpd_setup *setup, struct httpd **out, struct fault *f)
{
	struct httpd *home = calloc(1, sizeof(*home));

	*out = NULL;
	if (home == NULL || inbox_init(&home->inbox) != RC_OK) {
		free(home);
		return fault_set(f, RC_UNAVAILABLE, MSG_SERVER_UNSTARTED, NULL, errno, "eventfd");
	}
	home->setup = *setup;
	home->now_ms = clock_mono_ms();
	for (unsigned i = 0; i < DUE_LISTS; i++)
		home->due[i].span_ms = setup->request_ms;
	home->due[DUE_IDLE].span_ms = setup->idle_ms;
	home->due[DUE_PING].span_ms = setup->ping_ms;
	home->daemon = start_daemon(home);
	if (home->daemon != NULL && pthread_create(&home->thread, NULL, loop, home) == 0) {
		*out = home;
		return RC_OK;
	}
	if (home->daemon != NULL)
		MHD_stop_daemon(home->daemon);
	inbox_fini(&home->inbox);
	free(home);
	return fault_set(f, RC_UNAVAILABLE, MSG_SERVER_UNSTARTED, NULL, errno, "MHD_start_daemon");
}

void
httpd_drain(struct httpd *home)
{
	atomic_store(&home->is_draining, true);
	inbox_ring(&home->inbox);
}

bool
httpd_stop(struct httpd *home)
{
	if (home == NULL)
		return true;
	httpd_drain(home);
	(void)pthread_join(home->thread, NULL);
	/* stopping the daemon now would abort, and freeing the calls would break the store */
	if (home->parked > 0)
		return false;
	MHD_stop_daemon(home->daemon);
	inbox_deliver(&home->inbox); /* sockets that came after the loop's end */
	inbox_fini(&home->inbox);
	free(home);
	return true;
}
