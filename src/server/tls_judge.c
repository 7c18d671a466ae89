/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judgement of a client's certificate: its chain, its purpose, its enrolment.  That a chain leads to our
 * authority is remembered for a while, since finding it out is most of a handshake's work; whether the device
 * is revoked is asked each time.
 */
#include <string.h>

#include "base/clock.h"
#include "crypto/digest.h"
#include "server/tls_room.h"

#define CHAIN    4u /* certificates that a client may send; ours have one or two */
#define PURPOSES 8u
#define OID      64u
#define KNOWN_S  3600 /* seconds for which a chain that was found good stays so, at most */

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
	return verdicts[trust_lookup(peer->trust, peer->fingerprint)];
}

/* ---- chains that were found good ---- */

static void
digest_chain(const gnutls_datum_t *raw, unsigned count, uint8_t out[DIGEST_BYTES])
{
	struct bytes parts[CHAIN];

	for (unsigned i = 0; i < count; i++) /* DER says its own length: parts cannot run into each other */
		parts[i] = (struct bytes){ raw[i].data, raw[i].size };
	digest_parts(parts, count, out);
}

static struct known_chain *
place_of(struct chains *chains, const uint8_t print[DIGEST_BYTES])
{
	return &chains->known[get_u64(print) % CHAINS_KNOWN];
}

static bool
is_known(struct chains *chains, const uint8_t print[DIGEST_BYTES], int64_t now)
{
	const struct known_chain *k = place_of(chains, print);
	bool is_good;

	(void)pthread_mutex_lock(&chains->lock);
	is_good = k->from <= now && now < k->until && memcmp(k->digest, print, DIGEST_BYTES) == 0;
	(void)pthread_mutex_unlock(&chains->lock);
	return is_good;
}

/* For as long as all certificates of the chain are valid, and not too long. */
static void
note_known(struct chains *chains, const uint8_t print[DIGEST_BYTES], gnutls_x509_crt_t *chain, unsigned count,
    int64_t now)
{
	struct known_chain k = { .from = now, .until = now + KNOWN_S };

	memcpy(k.digest, print, DIGEST_BYTES);
	for (unsigned i = 0; i < count; i++) {
		const int64_t end = gnutls_x509_crt_get_expiration_time(chain[i]);
		if (end < k.until)
			k.until = end;
	}
	(void)pthread_mutex_lock(&chains->lock);
	*place_of(chains, print) = k;
	(void)pthread_mutex_unlock(&chains->lock);
}

/* ---- judging ---- */

/* Take ${raw} apart into ${chain}; *made certificates are to be freed whatever comes of it. */
static bool
import(const gnutls_datum_t *raw, unsigned count, gnutls_x509_crt_t *chain, unsigned *made)
{
	for (*made = 0; *made < count;) {
		if (gnutls_x509_crt_init(&chain[*made]) < 0)
			return false;
		(*made)++;
		if (gnutls_x509_crt_import(chain[*made - 1], &raw[*made - 1], GNUTLS_X509_FMT_DER) < 0)
			return false;
	}
	return true;
}

static enum tls_verdict
judge_shown(struct credentials *by, const gnutls_datum_t *raw, unsigned count)
{
	const int64_t now = clock_now();
	gnutls_x509_crt_t chain[CHAIN];
	uint8_t print[DIGEST_BYTES];
	enum tls_verdict verdict;
	unsigned made;

	digest_chain(raw, count, print);
	if (is_known(&by->chains, print, now))
		return TLS_FINE;
	verdict = import(raw, count, chain, &made) ? judge_chain(by->authority, chain, count) : TLS_BAD;
	if (verdict == TLS_FINE)
		note_known(&by->chains, print, chain, count, now);
	while (made > 0)
		gnutls_x509_crt_deinit(chain[--made]);
	return verdict;
}

enum tls_verdict
tls_judge(struct tls_peer *peer)
{
	unsigned count = 0;
	const gnutls_datum_t *raw = gnutls_certificate_get_peers(peer->session, &count);
	enum tls_verdict verdict;

	if (raw == NULL || count == 0)
		return TLS_NO_CERTIFICATE;
	if (count > CHAIN)
		return TLS_BAD;
	verdict = judge_shown(peer->credentials, raw, count);
	return verdict == TLS_FINE ? judge_enrolment(peer, &raw[0]) : verdict;
}
