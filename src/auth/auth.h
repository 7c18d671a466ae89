/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: a device (its certificate, verified in the handshake) and a person (an ES256 token bound to that
 * certificate, RFC 8705 cnf x5t#S256; RFC 8725 for what is fixed by us and never by the token).  libjwt
 * issues and verifies; before it sees a token our own check demands our exact header, alphabet and length,
 * after it our own claim checks (it has none).  A verified token is remembered by its SHA-256; times,
 * revocation and the person's and device's records are looked at on every request, inside its transaction.
 */
#ifndef MENEDEK_AUTH_H
#define MENEDEK_AUTH_H

#include "crypto/ca.h"
#include "model/records.h"

struct auth;

struct claims {
	struct id jti, user, device;
	int64_t issued_at, expires_at;
	int64_t round;    /* principal_round of the person it was given to; 0: it does not say */
	uint8_t cert[32]; /* fingerprint it is bound to */
	bool is_outside;  /* signed by an outside issuer: names the person, knows no user and no device id */
	uint8_t name_mac[32];
};

struct principal {
	struct device device;
	struct org org;
	struct user user; /* zero id: a device without a person */
	struct claims claims;
	uint32_t roles; /* of the person */
};

/**
 * ${key}: the P-256 signing key (PKCS#8 PEM).  Issuer and audience are ours: "menedek" and the organisation's
 * host. Signs and checks a token once, so that a key that does not serve is refused here, with RC_INVALID.
 */
MUST_USE enum rc auth_new(const struct pem *key, const char *audience, struct auth **out, struct fault *f);
void auth_free(struct auth *auth); /* NULL-safe */

/** Sign ${c}; ${out} is in ${arena}. */
MUST_USE enum rc auth_issue(struct auth *auth, const struct claims *c, struct arena *arena, const char **out);

/** Check ${token} alone: form, signature, times at ${now} (seconds), issuer, audience, binding to
 * ${fingerprint}. */
MUST_USE enum rc auth_verify(
    struct auth *auth, struct bytes token, const uint8_t fingerprint[32], int64_t now, struct claims *out);

/** The enrolled, unrevoked device of ${fingerprint} and its organisation, into ${who}.  RC_FORBIDDEN
 * otherwise. */
MUST_USE enum rc principal_device(
    struct txn *t, const uint8_t fingerprint[32], int64_t now, struct principal *who);

/** The person of verified ${claims} on ${who}'s device: not retired, same organisation, token not void.
 * Roles and houses are those of our record, whoever signed the token.  RC_BAD_TOKEN. */
MUST_USE enum rc principal_person(
    struct txn *t, const struct claims *claims, int64_t now, struct principal *who);

/** For a token that is given to ${user} as read in this transaction: whatever voids her tokens voids it,
 * though it be given at the same time. */
int64_t principal_round(const struct user *user);

/** Key of the name index: HMAC under a key of the ring, so that names are not in the keys. */
MUST_USE enum rc user_name_key(const struct keyring *ring, const char *name, struct key *out);

/** What the key of the name index holds. */
void user_name_mac(const uint8_t secret[32], const char *name, uint8_t out[32]);

/** The secret for user_name_mac. */
MUST_USE enum rc user_name_secret(const struct keyring *ring, uint8_t out[32]);

/** Is ${shelter} one of the person's houses? */
bool principal_has_shelter(const struct principal *who, const struct id *shelter);

#endif
