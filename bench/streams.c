/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many event streams at once.  They are opened and held; whenever an event reaches one of them, the wave is
 * watched for half a second, and a line tells on how many streams it came and when the first and the last had
 * it (CLOCK_MONOTONIC, nanoseconds). streams --port P --ca FILE --clients FILE --streams N --seconds S Prints
 * "open N" when all are, then "wave COUNT FIRST_NS LAST_NS" for each.  Clients are as in script.h; $1 is the
 * token.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "script.h"

#define EVENTS    256
#define WAVE_NS   500000000u
#define AT_ONCE   16u /* handshakes under way */
#define REQUEST   4096
#define TURN_MS   20
#define OPEN_S    60u
#define SECOND_NS UINT64_C(1000000000)

enum state { STREAM_SHAKING, STREAM_ASKED, STREAM_OPEN, STREAM_ENDED };

struct stream {
	SSL *ssl;
	const char *token;
	enum state state;
	unsigned wave; /* the last that reached it */
};

struct bench {
	struct clients clients;
	SSL_CTX **tls;
	struct stream *streams;
	unsigned wanted, begun, open, ended;
	unsigned wave, reached;
	uint64_t first_ns, last_ns;
	int epoll, port;
};

static uint64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static SSL_CTX *
make_tls(const char *certificate, const char *authority)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	char cert[512], key[512];

	(void)snprintf(cert, sizeof(cert), "%s.crt", certificate);
	(void)snprintf(key, sizeof(key), "%s.key", certificate);
	if (tls == NULL || SSL_CTX_load_verify_locations(tls, authority, NULL) != 1 ||
	    SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	return tls;
}

static void
begin(struct bench *b, const char *authority)
{
	const unsigned client = b->begun % b->clients.count;
	struct stream *s = &b->streams[b->begun++];
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)b->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = s };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (b->tls[client] == NULL)
		b->tls[client] = make_tls(b->clients.row[client].certificate, authority);
	s->token = b->clients.row[client].column[0];
	s->ssl = SSL_new(b->tls[client]);
	if (fd < 0 || s->ssl == NULL) {
		perror("streams: socket");
		exit(1);
	}
	(void)connect(fd, (struct sockaddr *)&to, sizeof(to)); /* what fails is seen in the handshake */
	SSL_set_fd(s->ssl, fd);
	SSL_set_connect_state(s->ssl);
	(void)SSL_set_tlsext_host_name(s->ssl, "localhost");
	(void)epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &event);
}

static bool
is_waiting(const SSL *ssl, int result)
{
	const int why = SSL_get_error(ssl, result);

	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static void
end(struct bench *b, struct stream *s)
{
	ERR_clear_error();
	s->state = STREAM_ENDED;
	b->ended++;
	(void)epoll_ctl(b->epoll, EPOLL_CTL_DEL, SSL_get_fd(s->ssl), NULL);
}

static void
shake(struct bench *b, struct stream *s)
{
	char request[REQUEST];
	const int n = SSL_do_handshake(s->ssl);
	int len;

	if (n != 1) {
		if (!is_waiting(s->ssl, n))
			end(b, s);
		return;
	}
	len = snprintf(request, sizeof(request),
	    "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", s->token);
	if (len >= REQUEST || SSL_write(s->ssl, request, len) != len) {
		end(b, s);
		return;
	}
	s->state = STREAM_ASKED;
}

/* Signs of life are comments; an event has a number. */
static void
take(struct bench *b, struct stream *s, const char *text, size_t len)
{
	if (s->state == STREAM_ASKED) {
		if (memmem(text, len, " 200 ", 5) == NULL) {
			(void)fprintf(stderr, "%.*s\n", (int)(len < 300 ? len : 300), text);
			end(b, s);
			return;
		}
		s->state = STREAM_OPEN;
		b->open++;
	}
	if (memmem(text, len, "event:", 6) == NULL || s->wave == b->wave)
		return;
	s->wave = b->wave;
	b->last_ns = now_ns();
	if (b->reached++ == 0)
		b->first_ns = b->last_ns;
}

static void
drive(struct bench *b, struct stream *s)
{
	char text[16384];

	if (s->state == STREAM_SHAKING)
		shake(b, s);
	while (s->state == STREAM_ASKED || s->state == STREAM_OPEN) {
		const int n = SSL_read(s->ssl, text, sizeof(text));

		if (n > 0) {
			take(b, s, text, (size_t)n);
			continue;
		}
		if (!is_waiting(s->ssl, n))
			end(b, s);
		return;
	}
}

static void
turn(struct bench *b)
{
	struct epoll_event events[EVENTS];
	const int count = epoll_wait(b->epoll, events, EVENTS, TURN_MS);

	for (int i = 0; i < count; i++)
		drive(b, events[i].data.ptr);
}

/* All open, a few at a time; then wave after wave until the end. */
static bool
run(struct bench *b, const char *authority, uint64_t seconds)
{
	uint64_t end_ns = now_ns() + OPEN_S * SECOND_NS;

	while (b->open < b->wanted && now_ns() < end_ns && b->ended == 0) {
		while (b->begun < b->wanted && b->begun - b->open < AT_ONCE)
			begin(b, authority);
		turn(b);
	}
	b->wave = 1;
	b->reached = 0;
	(void)printf("open %u\n", b->open);
	(void)fflush(stdout);
	end_ns = now_ns() + seconds * SECOND_NS;
	while (b->open == b->wanted && now_ns() < end_ns && b->ended == 0) {
		turn(b);
		if (b->reached == 0 || now_ns() - b->first_ns < WAVE_NS)
			continue;
		(void)printf("wave %u %llu %llu\n", b->reached, (unsigned long long)b->first_ns,
		    (unsigned long long)b->last_ns);
		(void)fflush(stdout);
		b->wave++;
		b->reached = 0;
	}
	return b->open == b->wanted && b->ended == 0;
}

int
main(int count, char **words)
{
	static const struct option options[] = { { "port", 1, NULL, 0 }, { "ca", 1, NULL, 1 },
		{ "clients", 1, NULL, 2 }, { "streams", 1, NULL, 3 }, { "seconds", 1, NULL, 4 },
		{ NULL, 0, NULL, 0 } };
	const char *s[] = { NULL, NULL, NULL, "100", "10" };
	static struct bench b;
	int which;
	bool is_good;

	while ((which = getopt_long(count, words, "", options, NULL)) >= 0 && which != '?')
		s[which] = optarg;
	(void)signal(SIGPIPE, SIG_IGN);
	if (s[0] == NULL || s[1] == NULL || s[2] == NULL || !clients_read(s[2], &b.clients))
		return 2;
	b.port = (int)strtol(s[0], NULL, 10);
	b.wanted = (unsigned)strtoul(s[3], NULL, 10);
	b.epoll = epoll_create1(EPOLL_CLOEXEC);
	b.tls = calloc(b.clients.count, sizeof(*b.tls));
	b.streams = calloc(b.wanted, sizeof(*b.streams));
	if (b.wanted == 0 || b.epoll < 0 || b.tls == NULL || b.streams == NULL)
		return 2;
	is_good = run(&b, s[1], strtoul(s[4], NULL, 10));
	(void)fprintf(stderr, "streams: %u open, %u ended\n", b.open, b.ended);
	return !is_good;
}
