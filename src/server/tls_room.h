/* SPDX-License-Identifier: Apache-2.0 */
/* What the tls*.c files share and nobody else sees: one side of a session. */
#ifndef MENEDEK_TLS_ROOM_H
#define MENEDEK_TLS_ROOM_H

#include <pthread.h>
#include <stdatomic.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "crypto/ca.h"
#include "server/tls.h"

#define READ_AHEAD 4096u /* a request head with its record headers in one system call */
#define WRITE_JOIN 2048u

#define CHAINS_KNOWN 512u

/* Chains that were found good: where their digest falls, the newest stays. */
struct chains {
	pthread_mutex_t lock;
	struct known_chain {
		uint8_t digest[CERT_FINGERPRINT];
		int64_t from, until; /* seconds; both 0 = nothing is known */
	} known[CHAINS_KNOWN];
};

/* One loaded set.  Handshakes hold on to the set that they began with. */
struct credentials {
	_Atomic unsigned holders;
	gnutls_certificate_credentials_t server;
	gnutls_x509_trust_list_t authority;
	struct chains chains; /* as judged by ${authority} */
	int64_t ends_at;      /* of the server's certificate; 0: not known */
};

struct tls_peer {
	struct tls *tls;
	const struct trust *trust;
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

/** Judge the certificate that the peer showed, now or in the session that it resumes; sets its fingerprint.
 */
enum tls_verdict tls_judge(struct tls_peer *peer);

/** Have the session read and write through ${peer}'s buffers (tls_wire.c). */
void tls_wire_attach(struct tls_peer *peer);

#endif
