/* SPDX-License-Identifier: Apache-2.0 */
/* Connections over epoll: handshake, request, answer.  Nothing here waits but epoll, and nothing is allocated
 * on the way. */
#include "worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#define EVENTS      128
#define ROOM_FIRST  8192u
#define ROOM_MOST   (1024u * 1024)
#define TRIES_MOST  200u
#define SHOWN_MOST  2u  /* unexpected answers that are printed */
#define BROKEN_MOST 64u /* in a row, before the thread gives up */
#define TURN_NS     20000000
#define FINISH_NS   3000000000u
#define CONNECT_NS  60000000000u

enum conn_state { CONN_SHAKING, CONN_IDLE, CONN_WAITING };

struct conn {
	struct worker *worker;
	const struct client_row *client;
	SSL_CTX *tls;
	SSL *ssl;
	SSL_SESSION *session; /* to resume */
	struct conn *next_idle;
	int fd;
	enum conn_state state;
	unsigned step, tries;
	uint64_t began_ns;
	size_t sent, to_send;
	char *in;
	size_t in_len, in_room;
	char got[SCRIPT_GOT];
	char out[SCRIPT_REQUEST];
};

/* The head of an answer, as far as we care. */
struct head {
	size_t len; /* with its empty line; 0: not all there */
	unsigned status;
	size_t body_len;
	bool has_retry_after;
};

uint64_t
worker_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* --- opening and closing --- */

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct conn *conn = SSL_get_app_data(ssl);

	SSL_SESSION_free(conn->session);
	conn->session = session;
	return 1;
}

static SSL_CTX *
make_tls(const struct worker_plan *plan, const char *certificate)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	char cert[512], key[512];

	(void)snprintf(cert, sizeof(cert), "%s.crt", certificate);
	(void)snprintf(key, sizeof(key), "%s.key", certificate);
	/* the same for every server, so that nobody is measured with another cipher */
	if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(tls, "TLS_AES_256_GCM_SHA384") != 1 ||
	    SSL_CTX_load_verify_locations(tls, plan->authority, NULL) != 1 ||
	    SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		SSL_CTX_free(tls);
		return NULL;
	}
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (plan->connections > 256)
		SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	if (plan->mode == WORKER_RESUME) {
		SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(tls, keep_session);
	}
	return tls;
}

static void
conn_close(struct conn *conn)
{
	const struct linger at_once = { .l_onoff = 1 };

	/* no closing alert and no TIME_WAIT: thousands of connections a second would use up the ports */
	if (conn->ssl != NULL) {
		SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(conn->ssl);
	}
	conn->ssl = NULL;
	if (conn->fd < 0)
		return;
	(void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(conn->fd);
	conn->fd = -1;
}

static bool
conn_open(struct conn *conn)
{
	struct worker *w = conn->worker;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)w->plan->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = conn };
	const int on = 1;

	conn->in_len = conn->sent = conn->to_send = 0;
	conn->state = CONN_SHAKING;
	conn->began_ns = worker_now_ns();
	conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return false;
	(void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(conn->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)
		return false;
	if ((conn->ssl = SSL_new(conn->tls)) == NULL)
		return false;
	SSL_set_app_data(conn->ssl, conn);
	SSL_set_fd(conn->ssl, conn->fd);
	SSL_set_connect_state(conn->ssl);
	(void)SSL_set_tlsext_host_name(conn->ssl, "localhost");
	if (conn->session != NULL)
		(void)SSL_set_session(conn->ssl, conn->session);
	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, conn->fd, &event) == 0;
}

/* Wait for one's turn. */
static void
conn_rest(struct conn *conn)
{
	struct worker *w = conn->worker;

	conn->state = CONN_IDLE;
	conn->next_idle = NULL;
	*(w->idle == NULL ? &w->idle : &w->idle_last->next_idle) = conn;
	w->idle_last = conn;
}

/* A connection that begins again must not be handed a request meanwhile. */
static void
leave_idle(struct conn *conn)
{
	struct worker *w = conn->worker;
	struct conn **at = &w->idle, *before = NULL;

	for (; *at != NULL && *at != conn; at = &(*at)->next_idle)
		before = *at;
	if (*at == NULL)
		return;
	*at = conn->next_idle;
	if (w->idle_last == conn)
		w->idle_last = before;
}

/* It ended by itself: begin again, from the script's first line. */
static void
conn_again(struct conn *conn, bool is_broken)
{
	struct worker *w = conn->worker;

	if (is_broken && w->result.broken++ < 3)
		ERR_print_errors_fp(stderr);
	ERR_clear_error();
	if (is_broken && w->result.answers == 0 && w->result.broken > BROKEN_MOST)
		w->has_failed = true;
	if (conn->state == CONN_IDLE)
		leave_idle(conn);
	w->in_flight -= conn->state == CONN_WAITING;
	conn_close(conn);
	if (is_broken)
		conn->step = 0;
	if (!w->has_failed && !conn_open(conn))
		w->has_failed = true;
}

/* --- requests --- */

static bool
is_waiting(const SSL *ssl, int result)
{
	const int why = SSL_get_error(ssl, result);

	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static bool
conn_flush(struct conn *conn)
{
	while (conn->sent < conn->to_send) {
		const int n = SSL_write(conn->ssl, conn->out + conn->sent, (int)(conn->to_send - conn->sent));

		if (n <= 0)
			return is_waiting(conn->ssl, n);
		conn->sent += (size_t)n;
	}
	return true;
}

/* When the next request falls due. */
static uint64_t
due_ns(const struct worker *w)
{
	return w->plan->start_ns + (uint64_t)((double)w->due_count * 1e9 / w->plan->rate);
}

/* Send the next line of the script, which was due at ${due}. */
static bool
conn_ask(struct conn *conn, uint64_t due)
{
	struct worker *w = conn->worker;
	const struct step *step = &w->plan->script->step[conn->step];
	const struct filler filler = { conn->client, conn->got, &w->counter, &w->random, w->run };

	if (w->plan->mode == WORKER_KEEP)
		conn->began_ns = due;
	conn->state = CONN_WAITING;
	w->in_flight++;
	conn->sent = 0;
	conn->to_send = script_fill(step, &filler, conn->out);
	return conn->to_send > 0 && conn_flush(conn);
}

/* Let those ask whose turn it is; returns how long to wait for the next that falls due. */
static uint64_t
dispatch(struct worker *w)
{
	uint64_t now_ns = worker_now_ns();

	while (!w->is_over && w->idle != NULL && w->in_flight < w->plan->flight) {
		struct conn *conn = w->idle;

		if (w->plan->rate > 0 && due_ns(w) > now_ns)
			return due_ns(w) - now_ns;
		w->idle = conn->next_idle;
		conn->state = CONN_SHAKING; /* neither idle nor waiting */
		if (!conn_ask(conn, w->plan->rate > 0 ? due_ns(w) : now_ns))
			conn_again(conn, true);
		w->due_count++;
	}
	return TURN_NS;
}

/* --- answers --- */

static void
read_field(const char *line, size_t len, struct head *head)
{
	static const char length[] = "content-length:", retry[] = "retry-after:";

	if (len > sizeof(length) && strncasecmp(line, length, sizeof(length) - 1) == 0)
		head->body_len = strtoul(line + sizeof(length) - 1, NULL, 10);
	else if (len > sizeof(retry) && strncasecmp(line, retry, sizeof(retry) - 1) == 0)
		head->has_retry_after = true;
}

static void
read_head(const char *in, size_t len, struct head *head)
{
	const char *end = memmem(in, len, "\r\n\r\n", 4), *line, *next;

	*head = (struct head){ 0 };
	if (end == NULL || len < 12)
		return;
	head->len = (size_t)(end - in) + 4;
	head->status = (unsigned)strtoul(in + 9, NULL, 10);
	for (line = memchr(in, '\n', head->len); line != NULL && line < end; line = next) {
		line++;
		next = memchr(line, '\n', head->len - (size_t)(line - in));
		read_field(line, next == NULL ? 0 : (size_t)(next - line), head);
	}
}

static void
count_answer(struct conn *conn, const struct head *head, bool is_good)
{
	struct worker *w = conn->worker;
	const uint64_t now_ns = worker_now_ns();

	if (now_ns < w->plan->count_ns || now_ns > w->plan->end_ns)
		return;
	histogram_add(&w->result.latency, now_ns - conn->began_ns);
	histogram_add(&w->result.step[conn->step], now_ns - conn->began_ns);
	w->result.status[head->status < WORKER_STATUSES ? head->status : 0]++;
	w->result.answers++;
	w->result.good += is_good;
	w->result.bytes += head->len + head->body_len;
	w->result.retry_after += head->status == 503 && head->has_retry_after;
}

/* In the middle of the script an unexpected answer is asked for again: else what the first line took would
 * never be given back, and the next run would find it taken. */
static unsigned
next_step(struct conn *conn, const struct script *script, bool goes_on, bool is_good)
{
	if (goes_on) {
		conn->tries = 0;
		return conn->step + 1 < script->steps ? conn->step + 1 : 0;
	}
	return !is_good && conn->step > 0 && conn->tries++ < TRIES_MOST ? conn->step : 0;
}

/* A whole answer is here: count it, and go on with the script. */
static bool
conn_take(struct conn *conn, const struct head *head)
{
	const struct script *script = conn->worker->plan->script;
	const struct step *step = &script->step[conn->step];
	bool goes_on, is_good = script_expects(step, head->status, &goes_on);

	if (goes_on && !script_keep(step, conn->in + head->len, head->body_len, conn->got))
		goes_on = is_good = false;
	if (!is_good && conn->worker->shown++ < SHOWN_MOST)
		(void)fprintf(stderr, "load: line %u: %.*s\n", conn->step + 1,
		    (int)(conn->in_len < 1200 ? conn->in_len : 1200), conn->in);
	count_answer(conn, head, is_good);
	conn->step = next_step(conn, script, goes_on, is_good);
	conn->in_len -= head->len + head->body_len;
	memmove(conn->in, conn->in + head->len + head->body_len, conn->in_len);
	if (conn->worker->plan->mode != WORKER_KEEP) {
		conn_again(conn, false);
		return true;
	}
	conn->worker->in_flight--;
	if (conn->step == 0 || !conn->worker->is_over)
		conn_rest(conn);
	else
		return conn_ask(conn, worker_now_ns());
	(void)dispatch(conn->worker);
	return true;
}

static bool
make_room(struct conn *conn)
{
	char *bigger;

	if (conn->in_len < conn->in_room)
		return true;
	if (conn->in_room >= ROOM_MOST || (bigger = realloc(conn->in, conn->in_room * 2)) == NULL)
		return false;
	conn->in = bigger;
	conn->in_room *= 2;
	return true;
}

/* Read what there is.  False: the connection is over. */
static bool
conn_hear(struct conn *conn)
{
	while (conn->state == CONN_WAITING || conn->state == CONN_IDLE) {
		struct head head;
		int n;

		if (!make_room(conn))
			return false;
		n = SSL_read(conn->ssl, conn->in + conn->in_len, (int)(conn->in_room - conn->in_len));
		if (n <= 0)
			return is_waiting(conn->ssl, n);
		conn->in_len += (size_t)n;
		read_head(conn->in, conn->in_len, &head);
		if (head.len > 0 && conn->in_len >= head.len + head.body_len && !conn_take(conn, &head))
			return false;
	}
	return true;
}

static bool
conn_shake(struct conn *conn)
{
	struct worker *w = conn->worker;
	const int n = SSL_do_handshake(conn->ssl);

	if (n != 1)
		return is_waiting(conn->ssl, n);
	if (atomic_load(&w->plan->has_begun) && worker_now_ns() >= w->plan->count_ns) {
		w->result.handshakes++;
		w->result.resumed += SSL_session_reused(conn->ssl) != 0;
	}
	conn_rest(conn);
	(void)dispatch(w);
	return true;
}

static void
conn_drive(struct conn *conn)
{
	bool is_alive = true;

	if (conn->ssl == NULL)
		return;
	if (conn->state == CONN_SHAKING)
		is_alive = conn_shake(conn);
	else if (conn->sent < conn->to_send)
		is_alive = conn_flush(conn);
	if (is_alive && conn->state != CONN_SHAKING)
		is_alive = conn_hear(conn);
	if (!is_alive)
		conn_again(conn, true);
}

/* --- the thread --- */

static void
turn(struct worker *w)
{
	struct epoll_event events[EVENTS];
	const uint64_t wait_ns = dispatch(w);
	const struct timespec wait = { .tv_nsec = (long)(wait_ns < TURN_NS ? wait_ns : TURN_NS) };
	const int count = epoll_pwait2(w->epoll, events, EVENTS, &wait, NULL);

	for (int i = 0; i < count; i++)
		conn_drive(events[i].data.ptr);
}

static bool
set_up(struct worker *w)
{
	const struct worker_plan *plan = w->plan;
	const unsigned first = w->number * plan->connections;

	w->run = worker_now_ns() ^ (uint64_t)getpid() << 40 ^ (uint64_t)w->number << 56;
	w->random = w->run | 1;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->tls = calloc(plan->clients->count, sizeof(*w->tls));
	w->conns = calloc(plan->connections, sizeof(*w->conns));
	if (w->epoll < 0 || w->tls == NULL || w->conns == NULL)
		return false;
	for (unsigned i = 0; i < plan->connections; i++)
		w->conns[i].fd = -1;
	for (unsigned i = 0; i < plan->connections; i++) {
		const unsigned client = (first + i) % plan->clients->count;
		struct conn *conn = &w->conns[i];

		if (w->tls[client] == NULL &&
		    (w->tls[client] = make_tls(plan, plan->clients->row[client].certificate)) == NULL)
			return false;
		conn->worker = w;
		conn->client = &plan->clients->row[client];
		conn->tls = w->tls[client];
		conn->in_room = ROOM_FIRST;
		if ((conn->in = malloc(ROOM_FIRST)) == NULL || !conn_open(conn))
			return false;
	}
	return true;
}

/* Let who is in the middle of the script come to its end, so that the next run finds things as this one did.
 */
static void
finish(struct worker *w)
{
	const uint64_t until_ns = worker_now_ns() + FINISH_NS;

	w->is_over = true;
	for (unsigned i = 0; i < w->plan->connections; i++) {
		struct conn *conn = &w->conns[i];

		if (conn->state != CONN_IDLE || conn->step == 0)
			continue;
		leave_idle(conn);
		if (!conn_ask(conn, worker_now_ns()))
			conn_again(conn, true);
	}
	while (w->in_flight > 0 && worker_now_ns() < until_ns && !w->has_failed)
		turn(w);
}

/* What was due and has no answer yet took at least until now. */
static void
count_late(struct worker *w)
{
	const uint64_t now_ns = worker_now_ns();

	if (w->plan->rate == 0)
		return;
	for (unsigned i = 0; i < w->plan->connections; i++) {
		if (w->conns[i].state != CONN_WAITING || w->conns[i].began_ns >= w->plan->end_ns)
			continue;
		histogram_add(&w->result.latency, now_ns - w->conns[i].began_ns);
		w->result.late++;
	}
	for (; due_ns(w) < w->plan->end_ns; w->due_count++) {
		histogram_add(&w->result.latency, now_ns - due_ns(w));
		w->result.late++;
	}
}

static void
tear_down(struct worker *w)
{
	for (unsigned i = 0; w->conns != NULL && i < w->plan->connections; i++) {
		conn_close(&w->conns[i]);
		SSL_SESSION_free(w->conns[i].session);
		free(w->conns[i].in);
	}
	for (unsigned i = 0; w->tls != NULL && i < w->plan->clients->count; i++)
		SSL_CTX_free(w->tls[i]);
	free(w->tls);
	free(w->conns);
	if (w->epoll >= 0)
		(void)close(w->epoll);
}

static bool
is_connected(const struct worker *w)
{
	for (unsigned i = 0; i < w->plan->connections; i++)
		if (w->conns[i].state == CONN_SHAKING)
			return false;
	return true;
}

/* All connections first, so that what is measured are requests; then wait for the other threads. */
static void
connect_all(struct worker *w)
{
	const uint64_t until_ns = worker_now_ns() + CONNECT_NS;

	w->is_over = true;
	while (w->plan->mode == WORKER_KEEP && !w->has_failed && !is_connected(w)) {
		turn(w);
		w->has_failed = w->has_failed || worker_now_ns() > until_ns;
	}
	atomic_fetch_add(&w->plan->connected, 1);
	while (!atomic_load(&w->plan->has_begun))
		turn(w);
	w->is_over = false;
}

void *
worker_run(void *arg)
{
	struct worker *w = arg;

	w->has_failed = !set_up(w);
	connect_all(w);
	while (!w->has_failed && worker_now_ns() < w->plan->end_ns)
		turn(w);
	if (!w->has_failed) {
		count_late(w);
		finish(w);
	}
	tear_down(w);
	return NULL;
}
