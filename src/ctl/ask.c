/* SPDX-License-Identifier: Apache-2.0 */
/* The client's end of the control socket.  Only root and the service's own user get past its mode. */
#include "ctl/ask.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"

#define ANSWER_LINE 4096u

static enum rc
reach(const char *path, int *out)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*out = -1;
	if (fd < 0)
		return RC_UNAVAILABLE;
	errno = 0; /* of a path that is too long for a socket, nobody listens either */
	if (str_copy(at.sun_path, sizeof(at.sun_path), path) &&
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0) {
		*out = fd;
		return RC_OK;
	}
	(void)close(fd);
	/* the store's lock decides then whether somebody serves after all */
	return errno == EACCES || errno == EPERM ? RC_FORBIDDEN : RC_NOT_FOUND;
}

static bool
send_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		const ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* Give out the whole lines in ${buf}; returns how many bytes of the next one stay at its start. */
static size_t
give_lines(char *buf, size_t len, void (*hear)(void *arg, const char *text, size_t len), void *arg)
{
	char *end;

	while ((end = memchr(buf, '\n', len)) != NULL) {
		const size_t line = (size_t)(end - buf);

		hear(arg, buf, line);
		len -= line + 1;
		memmove(buf, end + 1, len);
	}
	return len;
}

static enum rc
listen_to(int fd, void (*hear)(void *arg, const char *text, size_t len), void *arg)
{
	char buf[ANSWER_LINE];
	size_t len = 0;

	for (;;) {
		const ssize_t n = recv(fd, buf + len, sizeof(buf) - len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || len + (size_t)n == sizeof(buf))
			return RC_UNKNOWN;
		if (n == 0)
			return len == 0 ? RC_OK : RC_UNKNOWN;
		len = give_lines(buf, len + (size_t)n, hear, arg);
	}
}

enum rc
ask_service(
    const char *path, const char *line, void (*hear)(void *arg, const char *text, size_t len), void *arg)
{
	enum rc rc;
	int fd;

	if ((rc = reach(path, &fd)) != RC_OK)
		return rc;
	if (send_all(fd, line, strlen(line)) && send_all(fd, "\n", 1))
		rc = listen_to(fd, hear, arg);
	else
		rc = RC_UNKNOWN;
	(void)close(fd);
	return rc;
}
