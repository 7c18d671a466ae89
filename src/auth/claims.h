/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a token taken apart strictly, and its claims read: what our own tokens and an outside issuer's
 * have in common.  Nothing here is believed before the signature was checked.  Only for this directory.
 */
#ifndef MENEDEK_CLAIMS_H
#define MENEDEK_CLAIMS_H

#include "auth/verified.h"
#include "base/json.h"

/** Views of the token: base64url texts without their dots; what is signed; and r and s of P-256. */
struct token_text {
	struct bytes header, payload, signed_part;
	uint8_t signature[64];
};

/**
 * Three parts of RFC 4648's base64url alphabet without padding (libjwt also takes the other alphabet, '=' and
 * line ends), at most LIMIT_TOKEN long, the last one 64 bytes.
 */
MUST_USE bool token_split(struct bytes token, struct token_text *out);

/** Decode and parse one part; RC_BAD_TOKEN if it is no JSON object, RC_UNAVAILABLE without memory.  The
 * caller frees
 * ${out}. */
MUST_USE enum rc token_read_part(struct bytes part, json **out);

bool claim_is(const json *claims, const char *name, const char *expected);

/** A whole number from 1 on. */
MUST_USE bool claim_whole(const json *claims, const char *name, int64_t *out);

/** A whole number of seconds after 1970. */
MUST_USE bool claim_time(const json *claims, const char *name, int64_t *out);

/** cnf x5t#S256 (RFC 8705, 3.1). */
#define CLAIM_BINDING "x5t#S256"
MUST_USE bool claim_binding(const json *claims, uint8_t out[CERT_FINGERPRINT]);

/** Is the token good at ${now}, for who shows the certificate ${fingerprint}?  Asked on every request. */
bool token_counts(const struct token *t, const uint8_t fingerprint[CERT_FINGERPRINT], int64_t now);

#endif
