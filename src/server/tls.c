/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes and their judgement.  There are no session tickets: a resumed session would skip the judgement,
 * and a device revoked after its ticket was issued would get in.
 */
#include "server/tls_room.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/file.h"
#include "base/log.h"
#include "crypto/ca.h"

#define CHAIN    4u /* certificates that a client may send; ours have one or two */
#define PURPOSES 8u
#define OID      64u

/* One loaded set.  Handshakes hold on to the set that they began with. */
struct credentials {
	_Atomic unsigned holders;
	gnutls_certificate_credentials_t server;
	gnutls_x509_trust_list_t authority;
};

struct tls {
	pthread_mutex_t lock;
	struct credentials *current; /* guarded by lock */
	const struct trust *trust;
	char *authority; /* PEM of the start: devices are enrolled by it, so another one takes a restart */
	size_t authority_len;
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

/* What the library finds wrong with a chain, most telling first. */
static const struct {
	unsigned status;
	enum tls_verdict verdict;
} findings[] = {
	{ GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNATURE_FAILURE | GNUTLS_CERT_SIGNER_NOT_CA,
	    TLS_FOREIGN },
	{ GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED, TLS_EXPIRED },
	{ GNUTLS_CERT_PURPOSE_MISMATCH, TLS_PURPOSE },
	{ ~0u, TLS_BAD },
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
	if (rc != RC_OK) {
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

/* RFC 5280, 4.2.1.12.  The library takes a certificate without purposes, or with "any", for one that fits. */
static bool
is_for_clients(gnutls_x509_crt_t cert)
{
	for (unsigned i = 0; i < PURPOSES; i++) {
		char oid[OID];
		size_t len = sizeof(oid);

		if (gnutls_x509_crt_get_key_purpose_oid(cert, i, oid, &len, NULL) < 0)
			return false;
		if (strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0)
			return true;
	}
	return false;
}

/* Does ${chain} lead to our authority, and is its leaf a client's? */
static enum tls_verdict
judge_chain(gnutls_x509_trust_list_t authority, gnutls_x509_crt_t *chain, unsigned count)
{
	char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_typed_vdata_st wanted = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)purpose };
	const unsigned flags = GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM);
	unsigned status = 0;
	unsigned i = 0;

	if (gnutls_x509_trust_list_verify_crt2(authority, chain, count, &wanted, 1, flags, &status, NULL) < 0)
		return TLS_BAD;
	if (status != 0) {
		while ((findings[i].status & status) == 0)
			i++;
		return findings[i].verdict;
	}
	if (gnutls_x509_crt_get_ca_status(chain[0], NULL) > 0 || !is_for_clients(chain[0]))
		return TLS_PURPOSE;
	return TLS_FINE;
}

static enum tls_verdict
judge_enrolment(struct tls_peer *peer, const gnutls_datum_t *leaf)
{
	static const enum tls_verdict verdicts[] = {
		[TRUST_ACTIVE] = TLS_FINE,
		[TRUST_REVOKED] = TLS_REVOKED,
		[TRUST_UNKNOWN] = TLS_UNKNOWN,
	};
	size_t len = sizeof(peer->fingerprint);

	if (gnutls_fingerprint(GNUTLS_DIG_SHA256, leaf, peer->fingerprint, &len) < 0)
		return TLS_BAD;
	return verdicts[trust_lookup(peer->tls->trust, peer->fingerprint)];
}

static enum tls_verdict
judge(struct tls_peer *peer)
{
	gnutls_x509_crt_t chain[CHAIN];
	enum tls_verdict verdict = TLS_FINE;
	unsigned count = 0;
	unsigned made = 0;
	const gnutls_datum_t *raw = gnutls_certificate_get_peers(peer->session, &count);

	if (raw == NULL || count == 0)
		return TLS_NO_CERTIFICATE;
	if (count > CHAIN)
		return TLS_BAD;
	while (made < count && verdict == TLS_FINE) {
		if (gnutls_x509_crt_init(&chain[made]) < 0)
			break;
		if (gnutls_x509_crt_import(chain[made], &raw[made], GNUTLS_X509_FMT_DER) < 0)
			verdict = TLS_BAD;
		made++;
	}
	if (made < count)
		verdict = TLS_BAD;
	if (verdict == TLS_FINE)
		verdict = judge_chain(peer->credentials->authority, chain, count);
	if (verdict == TLS_FINE)
		verdict = judge_enrolment(peer, &raw[0]);
	while (made > 0)
		gnutls_x509_crt_deinit(chain[--made]);
	return verdict;
}

/* Called in the handshake, also when the client sent no certificate. */
static int
verify(gnutls_session_t session)
{
	struct tls_peer *peer = gnutls_session_get_ptr(session);
	const enum tls_verdict verdict = judge(peer);

	atomic_fetch_add(&peer->tls->judged[verdict], 1);
	if (verdict == TLS_FINE) {
		peer->is_verified = true;
		peer->news(peer->arg, TLS_VERIFIED);
		return 0;
	}
	log_peer("handshake_refused", "certificate=%s", verdict_names[verdict]);
	/* the library would close without a word; a socket that is full loses the word and no more */
	(void)gnutls_alert_send(session, GNUTLS_AL_FATAL, verdict_alerts[verdict]);
	return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

struct tls_peer *
tls_attach(struct tls *tls, void *session, int fd, tls_news_fn *news, void *arg)
{
	struct tls_peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		return NULL;
	peer->tls = tls;
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
