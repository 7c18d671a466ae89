/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.3 with a client certificate that is required and judged inside the handshake: a stranger never
 * reaches HTTP. The only GnuTLS code.  Sessions belong to the HTTP daemon, which makes and frees them; here
 * they are a void pointer. A peer belongs to the thread of its connection; a struct tls is for all threads.
 */
#ifndef MENEDEK_TLS_H
#define MENEDEK_TLS_H

#include "service/parts.h"

struct tls;
struct tls_peer;

/* X(name, alert, text): the judgement of a client's certificate; alerts by RFC 8446, 6.2 */
#define TLS_VERDICTS(X)                                                                                     \
	X(TLS_FINE, CLOSE_NOTIFY, "fine")                                                                   \
	X(TLS_NO_CERTIFICATE, CERTIFICATE_REQUIRED, "no_certificate") /* 116 */                             \
	X(TLS_FOREIGN, UNKNOWN_CA, "foreign")                         /* 48: not signed by our authority */ \
	X(TLS_EXPIRED, CERTIFICATE_EXPIRED, "expired")                /* 45: or not yet valid */            \
	X(TLS_PURPOSE, UNSUPPORTED_CERTIFICATE, "purpose") /* 43: not for clients, or an authority */       \
	X(TLS_BAD, BAD_CERTIFICATE, "bad")                 /* 42: anything else in the chain */             \
	X(TLS_REVOKED, CERTIFICATE_REVOKED, "revoked")     /* 44 */                                         \
	X(TLS_UNKNOWN, CERTIFICATE_UNKNOWN, "unknown")     /* 46: ours, but no device was enrolled */

enum tls_verdict {
#define TLS_ENUM(name, alert, text) name,
	TLS_VERDICTS(TLS_ENUM)
#undef TLS_ENUM
	    TLS_VERDICT_COUNT
};

/** A word for the log and the metrics.  Static storage. */
const char *tls_verdict_name(enum tls_verdict verdict);

/** Load certificate, key and authority from ${paths}.  ${trust} must outlive the result. */
MUST_USE enum rc tls_new(
    const struct paths *paths, const struct trust *trust, struct tls **out, struct fault *f);

/** After the last peer is gone.  NULL-safe. */
void tls_free(struct tls *tls);

/** Load certificate and key anew for the handshakes to come; on failure the old ones stay.  From any thread.
 */
MUST_USE enum rc tls_reload(struct tls *tls, const struct paths *paths, struct fault *f);

/** Certificates that got ${verdict} since the start. */
uint64_t tls_judged(struct tls *tls, enum tls_verdict verdict);

/** When the server's certificate of the handshakes to come ends; 0: it cannot be told.  From any thread. */
int64_t tls_ends_at(struct tls *tls);

enum tls_news {
	TLS_MOVED,   /* bytes came or went */
	TLS_HEARD,   /* the first bytes since tls_peer_rest */
	TLS_VERIFIED /* the certificate is good */
};

/** Called on the thread of the connection, inside the session: must not touch it. */
typedef void tls_news_fn(void *arg, enum tls_news news);

/**
 * Take over a fresh session over the socket ${fd}: our credentials, our judgement, our reads and writes. NULL
 * when it cannot be: the session then has no credentials that work, and its handshake fails.
 */
struct tls_peer *tls_attach(struct tls *tls, void *session, int fd, tls_news_fn *news, void *arg);

/** After the session is freed.  NULL-safe. */
void tls_peer_free(struct tls_peer *peer);

/** SHA-256 of the verified certificate, or NULL as long as none is. */
const uint8_t *tls_peer_fingerprint(const struct tls_peer *peer);

/** The connection is idle: tell TLS_HEARD when it is not any more. */
void tls_peer_rest(struct tls_peer *peer);

/** Two writes follow, head and body of an answer: send them as one when they are small. */
void tls_peer_join(struct tls_peer *peer);

/** The protocol settings for the daemon: TLS 1.3 only. */
const char *tls_priorities(void);

/** A certificate callback for the daemon that gives none: what tls_attach has not touched cannot shake hands.
 */
typedef void tls_callback(void);
tls_callback *tls_no_certificate(void);

#endif
