/* SPDX-License-Identifier: Apache-2.0 */
/* One GET over a local socket, and Prometheus' text cut into samples.  Both are bounded: who listens there
 * may be anybody. */
#include "ctl/scrape.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"

#define TEXT    (512u * 1024) /* twice what the listener ever writes */
#define SAMPLES 8192u
#define WAIT_S  3

/* ---- asking ---- */

static enum rc
why_not(void)
{
	return errno == EACCES || errno == EPERM ? RC_FORBIDDEN : RC_NOT_FOUND;
}

static enum rc
reach_socket(const char *path, int *fd)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (!str_copy(at.sun_path, sizeof(at.sun_path), path))
		return RC_INVALID;
	if ((*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return RC_UNAVAILABLE;
	return connect(*fd, (const struct sockaddr *)&at, sizeof(at)) == 0 ? RC_OK : why_not();
}

/* The listener is never anywhere else, so neither is who asks. */
static enum rc
reach_port(const char *where, int *fd)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const char *colon = strrchr(where, ':');
	uint64_t port;

	if (colon == NULL || !text_number(colon + 1, 65535, &port) || port == 0 ||
	    (colon != where && strncmp(where, "127.0.0.1:", 10) != 0 &&
		strncmp(where, "localhost:", 10) != 0))
		return RC_INVALID;
	at.sin_port = htons((uint16_t)port);
	if ((*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return RC_UNAVAILABLE;
	return connect(*fd, (const struct sockaddr *)&at, sizeof(at)) == 0 ? RC_OK : why_not();
}

/* Until the other end closes, which HTTP/1.0 makes it do. */
static size_t
hear(int fd, char *text, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		const ssize_t n = recv(fd, text + len, cap - len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? len : 0;
		len += (size_t)n;
	}
	return 0;
}

static enum rc
ask(int fd, char **out)
{
	static const char question[] = "GET /metrics HTTP/1.0\r\nHost: menedek\r\n\r\n";
	const struct timeval patience = { .tv_sec = WAIT_S };
	char *text, *body;
	size_t len = 0;

	if ((text = malloc(TEXT)) == NULL)
		return RC_UNAVAILABLE;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(question) - 1)
		len = hear(fd, text, TEXT - 1);
	text[len] = '\0';
	body = strstr(text, "\r\n\r\n");
	if (strncmp(text, "HTTP/1.", 7) != 0 || strncmp(text + 8, " 200 ", 5) != 0 || body == NULL) {
		free(text);
		return RC_UNKNOWN;
	}
	memmove(text, body + 4, strlen(body + 4) + 1);
	*out = text;
	return RC_OK;
}

/* ---- reading ---- */

/* "name value" or "name{labels} value".  False for what is neither. */
static bool
read_sample(char *line, struct sample *out)
{
	char *end = strrchr(line, ' '), *open = strchr(line, '{'), *rest;

	if (end == NULL || end == line)
		return false;
	*out = (struct sample){ line, "", strtod(end + 1, &rest) };
	if (rest == end + 1 || *rest != '\0')
		return false;
	*end = '\0';
	if (open == NULL)
		return true;
	if (end[-1] != '}')
		return false;
	end[-1] = *open = '\0';
	out->labels = open + 1;
	return true;
}

enum rc
scrape_read(char *text, struct scrape *out)
{
	char *line, *next = text;

	*out = (struct scrape){ text, calloc(SAMPLES, sizeof(*out->samples)), 0 };
	if (out->samples == NULL) {
		scrape_free(out);
		return RC_UNAVAILABLE;
	}
	while ((line = strsep(&next, "\n")) != NULL) {
		if (*line == '#' || *line == '\0')
			continue;
		if (out->count == SAMPLES || !read_sample(line, &out->samples[out->count])) {
			scrape_free(out);
			return RC_UNKNOWN;
		}
		out->count++;
	}
	return RC_OK;
}

enum rc
scrape_get(const char *where, struct scrape *out)
{
	char *text = NULL;
	int fd = -1;
	enum rc rc = strchr(where, '/') != NULL ? reach_socket(where, &fd) : reach_port(where, &fd);

	*out = (struct scrape){ .count = 0 };
	if (rc == RC_OK)
		rc = ask(fd, &text);
	if (fd >= 0)
		(void)close(fd);
	return rc == RC_OK ? scrape_read(text, out) : rc;
}

void
scrape_free(struct scrape *s)
{
	free(s->text);
	free(s->samples);
	*s = (struct scrape){ .count = 0 };
}

double
scrape_value(const struct scrape *s, const char *name, const char *labels)
{
	for (unsigned i = 0; i < s->count; i++)
		if (strcmp(s->samples[i].name, name) == 0 && strcmp(s->samples[i].labels, labels) == 0)
			return s->samples[i].value;
	return 0;
}

bool
scrape_label(const char *labels, const char *label, char *out, size_t cap)
{
	const size_t len = strlen(label);

	for (const char *p = labels; *p != '\0'; p += *p == ',') {
		const char *equals = strchr(p, '='), *stop;

		if (equals == NULL || equals[1] != '"' || (stop = strchr(equals + 2, '"')) == NULL)
			return false;
		if ((size_t)(equals - p) == len && strncmp(p, label, len) == 0) {
			const size_t size = (size_t)(stop - equals) - 2;

			if (size >= cap)
				return false;
			memcpy(out, equals + 2, size);
			out[size] = '\0';
			return true;
		}
		p = stop + 1;
	}
	return false;
}
