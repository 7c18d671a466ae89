/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets, and the thread that accepts and hands each connection to the loop that has the fewest.
 */
#ifndef MENEDEK_ACCEPT_H
#define MENEDEK_ACCEPT_H

#include <stdint.h>

#include "server/httpd.h"

/** A listening TCP socket on an IP ${address}; ${port} 0 picks one and is set to what was picked. */
MUST_USE enum rc listen_tcp(const char *address, uint16_t *port, int *fd, struct fault *f);

/** A listening socket at ${path} (0600); a stale one is replaced, anything else is not. */
MUST_USE enum rc listen_unix(const char *path, int *fd, struct fault *f);

struct acceptor;

/** Accept on ${fd} (taken over) for ${count} loops, at most ${most} connections in all; more wait in the
 * backlog. */
MUST_USE enum rc acceptor_start(
    int fd, struct httpd *const *loops, unsigned count, unsigned most, struct acceptor **out);

/** Stop accepting and close the socket.  The loops must still be there.  NULL-safe. */
void acceptor_stop(struct acceptor *acceptor);

#endif
