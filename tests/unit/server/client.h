/* SPDX-License-Identifier: Apache-2.0 */
/* A blocking TLS client that sends what it is told, byte for byte, and says how the other side ended it. */
#ifndef TEST_CLIENT_H
#define TEST_CLIENT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "certs.h"

#define CLIENT_WAIT_MS 20000 /* for what has to come: only a failure waits so long */

struct client {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	int alert;    /* that the server sent, 0 = none */
	bool is_over; /* the server closed */
	size_t len;
	char text[65536]; /* what came, with a NUL */
};

static inline void
client_info(const SSL *ssl, int where, int value)
{
	struct client *c = SSL_get_app_data(ssl);

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value & 0xff) != SSL_AD_CLOSE_NOTIFY)
		c->alert = value & 0xff;
}

static inline int
client_socket(uint16_t port)
{
	const struct timeval wait = { .tv_sec = CLIENT_WAIT_MS / 1000 };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		abort();
	return fd;
}

/* Shake hands with the certificate of ${me} (NULL: none), trusting ${ca}, in ${session} (NULL: a new one).
 * False if that failed on this side. */
static inline bool
client_resume(struct client *c, uint16_t port, const struct identity *ca, const struct identity *me,
    SSL_SESSION *session)
{
	signal(SIGPIPE, SIG_IGN);
	memset(c, 0, sizeof(*c));
	c->ctx = SSL_CTX_new(TLS_client_method());
	X509_STORE_add_cert(SSL_CTX_get_cert_store(c->ctx), ca->cert);
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_info_callback(c->ctx, client_info);
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT);
	if (me != NULL) {
		SSL_CTX_use_certificate(c->ctx, me->cert);
		SSL_CTX_use_PrivateKey(c->ctx, me->key);
	}
	c->ssl = SSL_new(c->ctx);
	SSL_set_app_data(c->ssl, c);
	SSL_set1_host(c->ssl, "localhost");
	c->fd = client_socket(port);
	SSL_set_fd(c->ssl, c->fd);
	if (session != NULL)
		SSL_set_session(c->ssl, session);
	return SSL_connect(c->ssl) == 1;
}

static inline bool
client_open(struct client *c, uint16_t port, const struct identity *ca, const struct identity *me)
{
	return client_resume(c, port, ca, me, NULL);
}

static inline void
client_close(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
	ERR_clear_error();
}

static inline bool
client_send(struct client *c, const char *text, size_t len)
{
	return SSL_write(c->ssl, text, (int)len) == (int)len;
}

/* Read once more; false at the end, or when nothing came in time. */
static inline bool
client_more(struct client *c)
{
	int n = SSL_read(c->ssl, c->text + c->len, (int)(sizeof(c->text) - 1 - c->len));
	int error = SSL_get_error(c->ssl, n);

	if (n > 0) {
		c->len += (size_t)n;
		c->text[c->len] = '\0';
		return true;
	}
	c->is_over = error != SSL_ERROR_WANT_READ;
	return false;
}

/* Read until ${mark} came, or the end. */
static inline bool
client_until(struct client *c, const char *mark)
{
	while (strstr(c->text, mark) == NULL) {
		if (!client_more(c))
			return false;
	}
	return true;
}

static inline void
client_forget_text(struct client *c)
{
	c->len = 0;
	c->text[0] = '\0';
}

/* The status of the one answer to ${request}, 0 for none.  Reads its body by its length. */
static inline int
client_ask(struct client *c, const char *request)
{
	const char *length;
	char *end;
	size_t want;

	client_forget_text(c);
	if (!client_send(c, request, strlen(request)) || !client_until(c, "\r\n\r\n"))
		return 0;
	end = strstr(c->text, "\r\n\r\n") + 4;
	length = strcasestr(c->text, "content-length:");
	want = length == NULL ? 0 : strtoul(length + 15, NULL, 10);
	while (c->len - (size_t)(end - c->text) < want && client_more(c))
		continue;
	return (int)strtol(c->text + 9, NULL, 10);
}

/* Has the server closed, or does it close soon? */
static inline bool
client_is_over(struct client *c)
{
	while (!c->is_over && client_more(c))
		continue;
	return c->is_over;
}

#endif
