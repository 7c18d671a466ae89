/* SPDX-License-Identifier: Apache-2.0 */
/* What the tls*.c files share and nobody else sees: one side of a session. */
#ifndef MENEDEK_TLS_ROOM_H
#define MENEDEK_TLS_ROOM_H

#include <gnutls/gnutls.h>

#include "crypto/ca.h"
#include "server/tls.h"

#define READ_AHEAD 4096u /* a request head with its record headers in one system call */
#define WRITE_JOIN 2048u

struct tls_peer {
	struct tls *tls;
	struct credentials *credentials;
	gnutls_session_t session;
	int fd;
	tls_news_fn *news;
	void *arg;
	bool is_verified;
	bool is_resting;
	enum { JOIN_NOT, JOIN_NEXT, JOIN_HELD } join;
	uint8_t fingerprint[CERT_FINGERPRINT];
	size_t read_pos, read_len;
	size_t held;
	uint8_t read_buf[READ_AHEAD];
	uint8_t write_buf[WRITE_JOIN];
};

/** Have the session read and write through ${peer}'s buffers (tls_wire.c). */
void tls_wire_attach(struct tls_peer *peer);

#endif
