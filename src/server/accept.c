/* SPDX-License-Identifier: Apache-2.0 */
/* One thread accepts for all: the kernel's own spreading gives a burst to one loop. */
#include "server/accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

#define BACKLOG  1024
#define PAUSE_MS 50 /* when there is no room or no descriptor: without it a full process would spin */

struct acceptor {
	int fd, stop_fd;
	pthread_t thread;
	struct httpd *const *loops;
	unsigned count, most;
};

/* Fill ${out} for ${address} and ${port}; its length, or 0 if it is no IP address. */
static socklen_t
parse_address(const char *address, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		return sizeof(*v6);
	}
	return 0;
}

static uint16_t
bound_port(int fd)
{
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);

	memset(&bound, 0, sizeof(bound));
	(void)getsockname(fd, (struct sockaddr *)&bound, &len);
	return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
						 : ((struct sockaddr_in *)&bound)->sin_port);
}

static enum rc
listen_at(const struct sockaddr_storage *at, socklen_t len, const char *name, int *out, struct fault *f)
{
	const int fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int one = 1;

	*out = -1;
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* what is accepted inherits it: afterwards nobody may set options of TCP (base/confine_calls.def) */
	if (fd >= 0 && at->ss_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fd < 0 || bind(fd, (const struct sockaddr *)at, len) != 0 || listen(fd, BACKLOG) != 0) {
		enum rc rc = fault_set(f, RC_UNAVAILABLE, MSG_LISTEN_REFUSED, NULL, errno, name);

		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	*out = fd;
	return RC_OK;
}

enum rc
listen_tcp(const char *address, uint16_t *port, int *fd, struct fault *f)
{
	struct sockaddr_storage at;
	const socklen_t len = parse_address(address, *port, &at);
	enum rc rc;

	*fd = -1;
	if (len == 0)
		return fault_set(f, RC_INVALID, MSG_ADDRESS_INVALID, NULL, 0, address);
	if ((rc = listen_at(&at, len, address, fd, f)) == RC_OK)
		*port = bound_port(*fd);
	return rc;
}

enum rc
listen_unix(const char *path, int *fd, struct fault *f)
{
	struct sockaddr_storage at;
	struct sockaddr_un *un = (struct sockaddr_un *)&at;
	struct stat st;
	mode_t mask;
	enum rc rc;

	*fd = -1;
	memset(&at, 0, sizeof(at));
	un->sun_family = AF_UNIX;
	if (!str_copy(un->sun_path, sizeof(un->sun_path), path))
		return fault_set(f, RC_INVALID, MSG_LISTEN_REFUSED, NULL, ENAMETOOLONG, path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
	mask = umask(0177); /* a mode set after bind would come too late */
	rc = listen_at(&at, sizeof(*un), path, fd, f);
	(void)umask(mask);
	return rc;
}

/* The loop with the fewest connections; ${all} counts all of them. */
static struct httpd *
emptiest(const struct acceptor *a, unsigned *all)
{
	struct httpd *best = a->loops[0];

	*all = 0;
	for (unsigned i = 0; i < a->count; i++) {
		const unsigned load = httpd_load(a->loops[i]);

		*all += load;
		if (load < httpd_load(best))
			best = a->loops[i];
	}
	return best;
}

/* Accept what is there.  False if nothing can be accepted for now. */
static bool
accept_all(struct acceptor *a)
{
	for (;;) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		unsigned all;
		struct httpd *to = emptiest(a, &all);
		int fd;

		if (all >= a->most)
			return false;
		fd = accept4(a->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			httpd_give(to, fd, (struct sockaddr *)&peer, len);
			continue;
		}
		if (errno == EAGAIN)
			return true;
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		log_world("accept_failed", "errno=%d", errno);
		return false;
	}
}

static void *
run(void *arg)
{
	struct acceptor *a = arg;
	struct pollfd fds[] = { { .fd = a->stop_fd, .events = POLLIN }, { .fd = a->fd, .events = POLLIN } };
	bool has_room = true;

	for (;;) {
		(void)poll(fds, has_room ? 2 : 1, has_room ? -1 : PAUSE_MS);
		if (fds[0].revents != 0)
			return NULL;
		has_room = accept_all(a);
	}
}

enum rc
acceptor_start(int fd, struct httpd *const *loops, unsigned count, unsigned most, struct acceptor **out)
{
	struct acceptor *a = calloc(1, sizeof(*a));

	*out = NULL;
	if (a == NULL)
		return RC_UNAVAILABLE;
	a->fd = fd;
	a->loops = loops;
	a->count = count;
	a->most = most;
	a->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (a->stop_fd >= 0 && pthread_create(&a->thread, NULL, run, a) == 0) {
		*out = a;
		return RC_OK;
	}
	if (a->stop_fd >= 0)
		(void)close(a->stop_fd);
	free(a);
	return RC_UNAVAILABLE;
}

void
acceptor_stop(struct acceptor *a)
{
	const uint64_t one = 1;

	if (a == NULL)
		return;
	while (write(a->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
	(void)pthread_join(a->thread, NULL);
	(void)close(a->fd);
	(void)close(a->stop_fd);
	free(a);
}
