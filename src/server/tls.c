/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes.  In a resumed session the library judges nobody, and a device revoked after its ticket was
 * issued would get in: there the judgement comes with the client's last message.
 */
#include "server/tls_room.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>

#include "base/file.h"
#include "base/log.h"
#include "crypto/ca.h"

/* How long a ticket is good, in seconds: a phone that changes its network, not a stolen notebook. */
#define TICKET_LIFE 600

struct tls {
	pthread_mutex_t lock;
	struct credentials *current; /* guarded by lock */
	const struct trust *trust;
	char *authority; /* PEM of the start: devices are enrolled by it, so another one takes a restart */
	size_t authority_len;
	gnutls_datum_t tickets; /* the key that seals them; of this process only */
	_Atomic uint64_t judged[TLS_VERDICT_COUNT];
};

static const gnutls_alert_description_t verdict_alerts[TLS_VERDICT_COUNT] = {
#define TLS_ALERT(name, alert, text) [name] = GNUTLS_A_##alert,
	TLS_VERDICTS(TLS_ALERT)
#undef TLS_ALERT
};

static const char *const verdict_names[TLS_VERDICT_COUNT] = {
#define TLS_TEXT(name, alert, text) [name] = (text),
	TLS_VERDICTS(TLS_TEXT)
#undef TLS_TEXT
};

const char *
tls_verdict_name(enum tls_verdict verdict)
{
	return verdict_names[verdict];
}

uint64_t
tls_judged(struct tls *tls, enum tls_verdict verdict)
{
	return atomic_load(&tls->judged[verdict]);
}

int64_t
tls_ends_at(struct tls *tls)
{
	int64_t at;

	(void)pthread_mutex_lock(&tls->lock);
	at = tls->current->ends_at;
	(void)pthread_mutex_unlock(&tls->lock);
	return at;
}

const char *
tls_priorities(void)
{
	return "NORMAL:-VERS-ALL:+VERS-TLS1.3";
}

static int
give_none(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **certs,
    unsigned *cert_count, gnutls_privkey_t *key)
{
	(void)session;
	(void)authorities;
	(void)authority_count;
	(void)algorithms;
	(void)algorithm_count;
	(void)certs;
	(void)cert_count;
	(void)key;
	return GNUTLS_E_INSUFFICIENT_CREDENTIALS;
}

tls_callback *
tls_no_certificate(void)
{
	gnutls_certificate_retrieve_function2 *fn = give_none;

	return (tls_callback *)fn;
}

static void
release(struct credentials *c)
{
	if (c == NULL || atomic_fetch_sub(&c->holders, 1) != 1)
		return;
	if (c->server != NULL)
		gnutls_certificate_free_credentials(c->server);
	if (c->authority != NULL)
		gnutls_x509_trust_list_deinit(c->authority, 1);
	(void)pthread_mutex_destroy(&c->chains.lock);
	free(c);
}

/* Read certificate and key into ${c}; the key stays in locked memory until the library has it. */
static enum rc
load_server(struct credentials *c, const struct paths *paths, struct fault *f)
{
	gnutls_datum_t cert = { 0 }, key = { 0 };
	struct secret *raw = NULL;
	char *text = NULL;
	size_t len;
	enum rc rc;

	if ((rc = file_read(paths->server_cert, LIMIT_CERT_PEM, &text, &len, f)) != RC_OK)
		goto out;
	if ((rc = file_read_secret(paths->server_key, LIMIT_CERT_PEM, &raw, f)) != RC_OK)
		goto out;
	cert.data = (unsigned char *)text;
	cert.size = (unsigned)len;
	key.data = secret_bytes(raw);
	key.size = (unsigned)secret_len(raw);
	if (gnutls_certificate_set_x509_key_mem2(c->server, &cert, &key, GNUTLS_X509_FMT_PEM, NULL, 0) < 0)
		rc = fault_set(f, RC_INVALID, MSG_CERT_UNUSABLE, NULL, 0, "server.crt");
	else if (ca_not_after(text, &c->ends_at) != RC_OK)
		c->ends_at = 0;
out:
	secret_free(raw);
	free(text);
	return rc;
}

static enum rc
load(const struct tls *tls, const struct paths *paths, struct credentials **out, struct fault *f)
{
	const gnutls_datum_t authority = { (unsigned char *)tls->authority, (unsigned)tls->authority_len };
	struct credentials *c = calloc(1, sizeof(*c));
	enum rc rc;

	*out = NULL;
	if (c == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	atomic_init(&c->holders, 1);
	(void)pthread_mutex_init(&c->chains.lock, NULL);
	if (gnutls_certificate_allocate_credentials(&c->server) < 0 ||
	    gnutls_x509_trust_list_init(&c->authority, 0) < 0) {
		rc = fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
		goto out;
	}
	if ((rc = load_server(c, paths, f)) != RC_OK)
		goto out;
	if (gnutls_x509_trust_list_add_trust_mem(c->authority, &authority, NULL, GNUTLS_X509_FMT_PEM, 0, 0) !=
	    1) {
		rc = fault_set(f, RC_INVALID, MSG_CERT_UNUSABLE, NULL, 0, "ca.crt");
		goto out;
	}
	*out = c;
	c = NULL;
out:
	release(c);
	return rc;
}

enum rc
tls_new(const struct paths *paths, const struct trust *trust, struct tls **out, struct fault *f)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	enum rc rc;

	*out = NULL;
	if (tls == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	rc = file_read(paths->ca_cert, LIMIT_CERT_PEM, &tls->authority, &tls->authority_len, f);
	if (rc == RC_OK)
		rc = load(tls, paths, &tls->current, f);
	if (rc == RC_OK && gnutls_session_ticket_key_generate(&tls->tickets) < 0)
		rc = fault_set(f, RC_UNAVAILABLE, MSG_NO_MEMORY, NULL, 0, NULL);
	if (rc != RC_OK) {
		release(tls->current);
		free(tls->authority);
		free(tls);
		return rc;
	}
	(void)pthread_mutex_init(&tls->lock, NULL);
	tls->trust = trust;
	*out = tls;
	return RC_OK;
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	release(tls->current);
	free(tls->authority);
	gnutls_memset(tls->tickets.data, 0, tls->tickets.size);
	gnutls_free(tls->tickets.data);
	(void)pthread_mutex_destroy(&tls->lock);
	free(tls);
}

enum rc
tls_reload(struct tls *tls, const struct paths *paths, struct fault *f)
{
	struct credentials *old, *fresh;
	enum rc rc;

	if ((rc = load(tls, paths, &fresh, f)) != RC_OK)
		return rc;
	(void)pthread_mutex_lock(&tls->lock);
	old = tls->current;
	tls->current = fresh;
	(void)pthread_mutex_unlock(&tls->lock);
	release(old);
	return RC_OK;
}

static struct credentials *
hold(struct tls *tls)
{
	struct credentials *c;

	(void)pthread_mutex_lock(&tls->lock);
	c = tls->current;
	atomic_fetch_add(&c->holders, 1);
	(void)pthread_mutex_unlock(&tls->lock);
	return c;
}

/* Let the peer in, or tell it by an alert why not. */
static int
decide(struct tls_peer *peer)
{
	const enum tls_verdict verdict = tls_judge(peer);

	atomic_fetch_add(&peer->tls->judged[verdict], 1);
	if (verdict == TLS_FINE) {
		peer->is_verified = true;
		peer->news(peer->arg, TLS_VERIFIED);
		return 0;
	}
	log_peer("handshake_refused", "certificate=%s", verdict_names[verdict]);
	/* the library would close without a word; a socket that is full loses the word and no more */
	(void)gnutls_alert_send(peer->session, GNUTLS_AL_FATAL, verdict_alerts[verdict]);
	return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

/* Called in the handshake, also when the client sent no certificate; not when a session is resumed. */
static int
verify(gnutls_session_t session)
{
	return decide(gnutls_session_get_ptr(session));
}

/* The client's Finished, the last message of the handshake: the only one that a resumed session has, too. */
static int
on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned is_incoming,
    const gnutls_datum_t *message)
{
	(void)type;
	(void)when;
	(void)message;
	return is_incoming && gnutls_session_is_resumed(session) ? decide(gnutls_session_get_ptr(session))
								 : 0;
}

struct tls_peer *
tls_attach(struct tls *tls, void *session, int fd, tls_news_fn *news, void *arg)
{
	struct tls_peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		return NULL;
	peer->tls = tls;
	peer->trust = tls->trust;
	peer->session = session;
	peer->fd = fd;
	peer->news = news;
	peer->arg = arg;
	peer->credentials = hold(tls);
	if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, peer->credentials->server) < 0) {
		tls_peer_free(peer);
		return NULL;
	}
	/* "request", not "require": the latter ends the connection before verify can send its alert */
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
	gnutls_session_set_verify_function(session, verify);
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, on_finished);
	gnutls_db_set_cache_expiration(session, TICKET_LIFE);
	if (gnutls_session_ticket_enable_server(session, &tls->tickets) < 0)
		log_world("tickets", "handshakes will not be resumed");
	gnutls_session_set_ptr(session, peer);
	gnutls_handshake_set_timeout(session, 0); /* the loop has its own deadline */
	tls_wire_attach(peer);
	return peer;
}

void
tls_peer_free(struct tls_peer *peer)
{
	if (peer == NULL)
		return;
	release(peer->credentials);
	free(peer);
}

const uint8_t *
tls_peer_fingerprint(const struct tls_peer *peer)
{
	return peer != NULL && peer->is_verified ? peer->fingerprint : NULL;
}
