/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP Message Signatures (RFC 9421) over a JSON POST, with Ed25519 and a Content-Digest (RFC 9530).  Chosen
 * over a detached JWS since it covers method, address and digest with fields that every HTTP stack shows, and
 * since Ed25519 needs no random number.  Sends nothing itself.
 */
#ifndef MENEDEK_HTTP_SIGNATURE_H
#define MENEDEK_HTTP_SIGNATURE_H

#include "crypto/signing.h"

struct http_post {
	const char *authority; /* as in the Host field */
	const char *path;
	const char *event_id;
	struct bytes body;
	int64_t created; /* seconds since 1970 */
};

#define HTTP_SIGNATURE_KEYID (BASE64URL_LEN(32) + 1)

/** keyid of ${key}: its JWK thumbprint (RFC 7638), as the public half's owner can compute it. */
void http_signature_keyid(const struct signing_key *key, char out[HTTP_SIGNATURE_KEYID]);

/**
 * The request's fields from Content-Type to Signature, each ended by CRLF, with a NUL.  RC_TOO_BIG when
 * ${cap} is too small.
 */
MUST_USE enum rc http_signature_fields(
    const struct signing_key *key, const struct http_post *post, char *out, size_t cap);

#endif
