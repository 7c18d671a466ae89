/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of our stack: bare libmicrohttpd with the service's TLS settings (1.3 only, a client certificate
 * that is verified, GnuTLS), answering every request with the same bytes. hello_mhd --cert FILE --key FILE
 * --ca FILE [--port P] [--bytes N] [--loops N] [--joined yes] It prints "listening PORT" and ends by a
 * signal.  --joined: a record is read by one system call, and head and body of an answer leave by one, as the
 * service does it; else as the libraries do it.  --commit DIR (with --each, --then, --batch-each as
 * lmdb_commit has them): an answer waits until a bare LMDB has committed a change for it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "hello_commit.h"

#define LOOPS_MOST 8u
#define VECTORS    16
#define TEXT_MOST  65536u

struct settings {
	const char *cert, *key, *ca, *port, *bytes, *loops, *joined;
	struct hello_commit commit;
};

/* Between a session and its socket, when writes are joined. */
struct wire {
	gnutls_session_t session;
	int fd;
	bool holds_next; /* the next record waits for the one after it */
	size_t read_pos, read_len, held;
	unsigned char read_buf[16640];
	unsigned char write_buf[2048];
};

static struct settings settings = {
	.port = "0", .bytes = "191", .loops = "2", .commit = { .each = "", .then = "", .batch_each = "" }
};
static struct MHD_Response *hello;

static char *
read_text(const char *path)
{
	FILE *file = path == NULL ? NULL : fopen(path, "re");
	char *text = calloc(1, TEXT_MOST);
	size_t len = 0;

	if (file != NULL && text != NULL)
		len = fread(text, 1, TEXT_MOST - 1, file);
	if (file != NULL)
		(void)fclose(file);
	if (len > 0)
		return text;
	(void)fprintf(stderr, "hello_mhd: cannot read %s\n", path == NULL ? "a file that is needed" : path);
	exit(1);
}

/* --- the wire --- */

static ssize_t
pull(gnutls_transport_ptr_t ptr, void *out, size_t len)
{
	struct wire *wire = ptr;
	size_t n;

	if (wire->read_pos == wire->read_len) {
		const ssize_t got = recv(wire->fd, wire->read_buf, sizeof(wire->read_buf), 0);

		if (got < 0)
			gnutls_transport_set_errno(wire->session, errno);
		if (got <= 0)
			return got;
		wire->read_pos = 0;
		wire->read_len = (size_t)got;
	}
	n = wire->read_len - wire->read_pos;
	n = n < len ? n : len;
	memcpy(out, wire->read_buf + wire->read_pos, n);
	wire->read_pos += n;
	return (ssize_t)n;
}

static int
is_ready(gnutls_transport_ptr_t ptr, unsigned ms)
{
	(void)ptr;
	(void)ms;
	return 1;
}

static ssize_t
push(gnutls_transport_ptr_t ptr, const giovec_t *vec, int count)
{
	struct wire *wire = ptr;
	struct iovec out[VECTORS + 1] = { { .iov_base = wire->write_buf, .iov_len = wire->held } };
	struct msghdr message = { .msg_iov = out, .msg_iovlen = 1 };
	size_t len = 0;
	ssize_t sent;

	for (int i = 0; i < count && i < VECTORS; i++) {
		out[message.msg_iovlen++] = (struct iovec){ vec[i].iov_base, vec[i].iov_len };
		len += vec[i].iov_len;
	}
	if (wire->holds_next && wire->held + len <= sizeof(wire->write_buf)) {
		for (int i = 0; i < count; i++) {
			memcpy(wire->write_buf + wire->held, vec[i].iov_base, vec[i].iov_len);
			wire->held += vec[i].iov_len;
		}
		wire->holds_next = false;
		return (ssize_t)len;
	}
	wire->holds_next = false;
	sent = sendmsg(wire->fd, &message, MSG_NOSIGNAL);
	if (sent < 0 || (size_t)sent < wire->held) {
		gnutls_transport_set_errno(wire->session, sent < 0 ? errno : EIO);
		return -1;
	}
	sent -= (ssize_t)wire->held;
	wire->held = 0;
	return sent;
}

/* --- connections --- */

static int
verify(gnutls_session_t session)
{
	unsigned status = 1;

	return gnutls_certificate_verify_peers2(session, &status) == 0 && status == 0 ? 0 : -1;
}

static void
on_connection(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
	gnutls_session_t session;
	struct wire *wire;

	(void)cls;
	if (code != MHD_CONNECTION_NOTIFY_STARTED) {
		free(*context);
		return;
	}
	session = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_function(session, verify);
	if (settings.joined == NULL || (wire = calloc(1, sizeof(*wire))) == NULL)
		return;
	wire->session = session;
	wire->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	gnutls_transport_set_ptr(session, wire);
	gnutls_transport_set_pull_function(session, pull);
	gnutls_transport_set_pull_timeout_function(session, is_ready);
	gnutls_transport_set_vec_push_function(session, push);
	*context = wire;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
    const char *data, size_t *size, void **context)
{
	static int seen, committed;
	struct wire *wire;

	(void)cls;
	(void)url;
	(void)method;
	(void)version;
	(void)data;
	if (*context == NULL || *size > 0) {
		*context = &seen;
		*size = 0;
		return MHD_YES;
	}
	if (settings.commit.dir != NULL && *context == &seen) {
		*context = &committed;
		hello_commit_wait(mhd);
		return MHD_YES;
	}
	wire = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	if (wire != NULL)
		wire->holds_next = true;
	return MHD_queue_response(mhd, MHD_HTTP_OK, hello);
}

/* --- the program --- */

static struct MHD_Daemon *
start_loop(const char *cert, const char *key, const char *ca)
{
	const unsigned flags = MHD_USE_TLS | MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
	    MHD_USE_NO_LISTEN_SOCKET | (settings.commit.dir != NULL ? MHD_ALLOW_SUSPEND_RESUME : 0u);

	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, NULL, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, NULL, MHD_OPTION_HTTPS_MEM_CERT, cert, MHD_OPTION_HTTPS_MEM_KEY, key,
	    MHD_OPTION_HTTPS_MEM_TRUST, ca, MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3",
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
}

static int
listen_on(const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 1024) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
		perror("hello_mhd: listen");
		exit(1);
	}
	(void)printf("listening %u\n", ntohs(at.sin_port));
	(void)fflush(stdout);
	return fd;
}

/* The pool of the library does not balance; connections in turn do. */
static void
share_out(int fd, struct MHD_Daemon *const *loops, unsigned count)
{
	for (unsigned next = 0;; next = (next + 1) % count) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		const int one = accept4(fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (one < 0 || MHD_add_connection(loops[next], one, (struct sockaddr *)&from, len) == MHD_NO)
			perror("hello_mhd: accept");
	}
}

static void
read_arguments(int count, char **words)
{
	static const struct option options[] = { { "cert", 1, NULL, 0 }, { "key", 1, NULL, 1 },
		{ "ca", 1, NULL, 2 }, { "port", 1, NULL, 3 }, { "bytes", 1, NULL, 4 },
		{ "loops", 1, NULL, 5 }, { "joined", 1, NULL, 6 }, { "commit", 1, NULL, 7 },
		{ "each", 1, NULL, 8 }, { "then", 1, NULL, 9 }, { "batch-each", 1, NULL, 10 },
		{ NULL, 0, NULL, 0 } };
	const char **values[] = { &settings.cert, &settings.key, &settings.ca, &settings.port,
		&settings.bytes, &settings.loops, &settings.joined, &settings.commit.dir,
		&settings.commit.each, &settings.commit.then, &settings.commit.batch_each };
	int which;

	while ((which = getopt_long(count, words, "", options, NULL)) >= 0) {
		if (which == '?')
			exit(2);
		*values[which] = optarg;
	}
}

int
main(int count, char **words)
{
	struct MHD_Daemon *loops[LOOPS_MOST];
	unsigned wanted;
	size_t bytes;
	char *text;

	read_arguments(count, words);
	wanted = (unsigned)strtoul(settings.loops, NULL, 10);
	bytes = strtoul(settings.bytes, NULL, 10);
	if (wanted == 0 || wanted > LOOPS_MOST || (text = malloc(bytes + 1)) == NULL)
		return 2;
	memset(text, 'x', bytes);
	hello = MHD_create_response_from_buffer(bytes, text, MHD_RESPMEM_MUST_FREE);
	if (settings.commit.dir != NULL)
		hello_commit_start(&settings.commit);
	for (unsigned i = 0; i < wanted; i++) {
		loops[i] =
		    start_loop(read_text(settings.cert), read_text(settings.key), read_text(settings.ca));
		if (loops[i] == NULL) {
			(void)fprintf(stderr, "hello_mhd: no daemon\n");
			return 1;
		}
	}
	share_out(listen_on(settings.port), loops, wanted);
	return 0;
}
