/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of an outside issuer: access tokens of RFC 9068 ("typ":"at+jwt"), signed ES256 with a key of a JWK
 * set that lies in a file, bound to the device's certificate (RFC 8705).  Such a token says who somebody is,
 * by the name that the person has in our records, and nothing else: roles, houses and whether the person may
 * still come in are ours.  docs/outside-issuer.md tells an issuer what to put in.
 */
#ifndef MENEDEK_ISSUER_H
#define MENEDEK_ISSUER_H

#include "auth/auth.h"

struct issuer;

struct issuer_options {
	const char *path;     /* of the JWK set (RFC 7517); kept, read again by issuer_reload */
	const char *name;     /* "iss", to the byte */
	const char *audience; /* "aud" is this or a list that has it */
};

/** RC_INVALID: the set has no usable key (EC, P-256, with kid; others are passed over), two of one kid, more
 * than 16, or a private key, which must not lie here. */
MUST_USE enum rc issuer_new(
    const struct issuer_options *options, const struct keyring *ring, struct issuer **out, struct fault *f);
void issuer_free(struct issuer *issuer); /* NULL-safe */

/** Read the file again: what was signed by a key that is gone counts no more at once; open streams find out
 * when the caller has them look again (trust_moved).  On failure the old set stays.  Threads may verify
 * meanwhile. */
MUST_USE enum rc issuer_reload(struct issuer *issuer, struct fault *f);

/** As auth_verify; ${out} is_outside and names the person by name_mac.  RC_BAD_TOKEN, or RC_UNAVAILABLE
 * without memory. */
MUST_USE enum rc issuer_verify(struct issuer *issuer, struct bytes token, const uint8_t fingerprint[32],
    int64_t now, struct claims *out);

#endif
