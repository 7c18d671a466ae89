/* SPDX-License-Identifier: Apache-2.0 */
/* One TLS connection: who is called is who answers, or there is none.  Sockets never block longer than told.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire_room.h"

#define LOOK_MS 500 /* how soon it is noticed that all is over */

enum menedek_outcome
wire_problem(struct menedek_problem *problem, enum menedek_outcome outcome, const char *fmt, ...)
{
	va_list ap;

	if (problem == NULL)
		return outcome;
	memset(problem, 0, sizeof(*problem));
	problem->outcome = outcome;
	va_start(ap, fmt);
	(void)vsnprintf(problem->detail, sizeof(problem->detail), fmt, ap);
	va_end(ap);
	return outcome;
}

int64_t
wire_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- where ---- */

static bool
take(char *out, size_t cap, const char *text, size_t len)
{
	if (len == 0 || len >= cap)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

bool
wire_address_parse(const char *url, struct wire_address *out, const char **path)
{
	static const char scheme[] = "https://";
	const char *at = url, *end;
	size_t digits;

	if (url == NULL || strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return false;
	at += sizeof(scheme) - 1;
	if (*at == '[') {
		end = strchr(++at, ']');
		if (end == NULL || !take(out->host, sizeof(out->host), at, (size_t)(end - at)))
			return false;
		end++;
	} else {
		end = at + strcspn(at, ":/?#@");
		if (!take(out->host, sizeof(out->host), at, (size_t)(end - at)))
			return false;
	}
	memcpy(out->port, "443", 4);
	if (*end == ':') {
		digits = strspn(++end, "0123456789");
		if (!take(out->port, sizeof(out->port), end, digits))
			return false;
		end += digits;
	}
	if (path != NULL)
		*path = *end == '\0' ? "/" : end;
	else if (*end == '/')
		end++;
	return path != NULL ? *end == '\0' || *end == '/' : *end == '\0';
}

/* ---- waiting ---- */

static bool
wait_for(int fd, short events, int64_t until, const atomic_bool *is_over)
{
	const int64_t most = is_over == NULL ? 3600000 : LOOK_MS;
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = until - wire_now();
		if (left <= 0 || (is_over != NULL && atomic_load(is_over)))
			left = 0;
		n = poll(&p, 1, (int)(left > most ? most : left));
	} while ((n < 0 && errno == EINTR) || (n == 0 && left > 0));
	return n > 0;
}

/* May the call that gave ${n} be made again?  WIRE_READY: yes. */
static enum wire_wait
after(struct wire *w, int n, int64_t until)
{
	const int error = SSL_get_error(w->ssl, n);

	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return wait_for(w->fd, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until, w->is_over)
		    ? WIRE_READY
		    : WIRE_LATE;
	if (error != SSL_ERROR_SSL || ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return WIRE_ENDED;
	return WIRE_SHUT_OUT;
}

/* ---- opening ---- */

static int
connect_one(const struct addrinfo *a, int64_t until, const atomic_bool *is_over)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	int on = 1, error = 0;
	socklen_t len = sizeof(error);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	if (errno == EINPROGRESS && wait_for(fd, POLLOUT, until, is_over) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* Each address has its share of the time that is left: one that is silent comes first at every try, and would
 * leave none to those after it. */
static int
connect_any(const struct wire_address *to, int64_t until, const atomic_bool *is_over)
{
	const struct addrinfo wish = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *all = NULL;
	int64_t left = 0;
	int fd = -1;

	if (getaddrinfo(to->host, to->port, &wish, &all) != 0)
		return -1;
	for (const struct addrinfo *a = all; a != NULL; a = a->ai_next)
		left++;
	for (const struct addrinfo *a = all; a != NULL && fd < 0; a = a->ai_next, left--) {
		const int64_t now = wire_now();

		fd = connect_one(a, now + (until - now) / left, is_over);
	}
	freeaddrinfo(all);
	return fd;
}

/* The name that was asked for must stand in the certificate (RFC 9525); an address is no name to ask for. */
static bool
expect(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1)
		return true;
	ERR_clear_error();
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static enum menedek_outcome
handshake(struct wire *w, const struct wire_address *to, int64_t until, struct menedek_problem *problem)
{
	enum wire_wait wait = WIRE_READY;
	long verdict;
	int n = 0;

	ERR_clear_error();
	while (wait == WIRE_READY && (n = SSL_connect(w->ssl)) != 1)
		wait = after(w, n, until);
	if (n == 1)
		return MENEDEK_OK;
	verdict = SSL_get_verify_result(w->ssl);
	if (wait == WIRE_SHUT_OUT && verdict != X509_V_OK)
		return wire_problem(problem, MENEDEK_TLS, "%s does not prove to be the registry: %s",
		    to->host, X509_verify_cert_error_string(verdict));
	if (wait == WIRE_SHUT_OUT)
		return wire_problem(problem, MENEDEK_TLS, "%s does not let this device in", to->host);
	return wire_problem(problem, MENEDEK_UNREACHABLE, "no TLS with %s:%s", to->host, to->port);
}

enum menedek_outcome
wire_open(const struct wire_identity *identity, const struct wire_address *to, int64_t until,
    struct wire **out, struct menedek_problem *problem)
{
	struct wire *w = calloc(1, sizeof(*w));
	enum menedek_outcome outcome;

	*out = NULL;
	if (w == NULL)
		return wire_problem(problem, MENEDEK_MEMORY, "no memory");
	w->is_over = identity->is_over;
	if ((w->fd = connect_any(to, until, w->is_over)) < 0) {
		free(w);
		return wire_problem(
		    problem, MENEDEK_UNREACHABLE, "nobody answers at %s:%s", to->host, to->port);
	}
	if ((w->ssl = SSL_new(identity->context)) == NULL || SSL_set_fd(w->ssl, w->fd) != 1 ||
	    !expect(w->ssl, to->host)) {
		wire_close(w);
		return wire_problem(problem, MENEDEK_MEMORY, "no memory");
	}
	if ((outcome = handshake(w, to, until, problem)) == MENEDEK_OK)
		*out = w;
	else
		wire_close(w);
	return outcome;
}

void
wire_close(struct wire *w)
{
	if (w == NULL)
		return;
	if (w->ssl != NULL && SSL_is_init_finished(w->ssl))
		(void)SSL_shutdown(w->ssl);
	SSL_free(w->ssl);
	(void)close(w->fd);
	ERR_clear_error();
	OPENSSL_cleanse(w->buf, sizeof(w->buf));
	free(w);
}

/* ---- bytes ---- */

enum menedek_outcome
wire_send(struct wire *w, const void *data, size_t len, int64_t until)
{
	const char *at = data;
	enum wire_wait wait = WIRE_READY;

	ERR_clear_error();
	while (len > 0 && wait == WIRE_READY) {
		const int n = SSL_write(w->ssl, at, len > 16384 ? 16384 : (int)len);
		if (n <= 0) {
			wait = after(w, n, until);
			continue;
		}
		at += n;
		len -= (size_t)n;
	}
	if (wait == WIRE_SHUT_OUT)
		return MENEDEK_TLS;
	return wait == WIRE_READY ? MENEDEK_OK : MENEDEK_UNREACHABLE;
}

enum wire_wait
wire_fill(struct wire *w, int64_t until)
{
	enum wire_wait wait = WIRE_READY;
	int n = 0;

	ERR_clear_error();
	while (wait == WIRE_READY) {
		n = SSL_read(w->ssl, w->buf + w->len, (int)(sizeof(w->buf) - w->len));
		if (n > 0) {
			w->len += (size_t)n;
			return WIRE_READY;
		}
		wait = after(w, n, until);
	}
	return wait;
}
