/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running service: listener, event loops, slow threads, timer, and the operators' listener.
 * Threads: one acceptor, one for each loop, two of the pool, one timer, one of the operators' listener.
 */
#ifndef MENEDEK_SERVER_H
#define MENEDEK_SERVER_H

#include "call.h"
#include "server/deliveries.h"

/* Sockets that listen before a process gives up opening any. */
struct listeners {
	int fd, health_fd; /* health_fd -1: no operators' listener */
	uint16_t port, health_port;
};

struct server_options {
	const char *address;       /* an IP address; NULL: 127.0.0.1 */
	uint16_t port;             /* 0: any free one, see server_port */
	unsigned threads;          /* event loops; 0: one for each core, at least 2 */
	const char *health_socket; /* path of a Unix socket for operators, or NULL: loopback */
	int health_port; /* on 127.0.0.1, without a socket; 0: any free one; -1: no operators' listener */
	const struct listeners
	    *listeners; /* from server_listen, which are taken over; NULL: opened at the start */
	const struct deliveries *deliveries; /* NULL: none.  Outlive the server */
	/* called when every thread but the acceptor is there, before the first client; NULL: nothing */
	enum rc (*before_clients)(void *arg, struct fault *f);
	void *before_clients_arg;
	/* smaller than in limits.h, for tests; 0: as there */
	unsigned connections;
	unsigned request_ms, idle_ms, ping_ms;
};

struct server;

#define SERVER_LINE 160u

/** Open the sockets of ${options}: the only step that may need a privilege. */
MUST_USE enum rc server_listen(const struct server_options *options, struct listeners *out, struct fault *f);

/** Start all threads; when it returns RC_OK clients are served.  Parts and api must outlive the server. */
MUST_USE enum rc server_start(struct parts *parts, struct api *api, const struct server_options *options,
    struct server **out, struct fault *f);

/**
 * Take no more connections, finish what is under way in at most LIMIT_STOP_MS, end the streams, free all.
 * False if a call still waits for the store after that: then nothing may be closed any more, and the process
 * can only exit. NULL-safe.
 */
MUST_USE bool server_stop(struct server *server);

/** Load certificate and key anew for the handshakes to come; the old ones stay when that fails.  The
 * authority is that of the start. */
MUST_USE enum rc server_reload(struct server *server, struct fault *f);

/** One line on how it is, without its end, for `systemctl status`: sums only. */
void server_describe(const struct server *server, char out[SERVER_LINE]);

/** Has its timer run lately?  For a watchdog. */
bool server_is_alive(const struct server *server);

uint16_t server_port(const struct server *server);

/** 0 without a TCP listener for operators. */
uint16_t server_health_port(const struct server *server);

#endif
