/* SPDX-License-Identifier: Apache-2.0 */
/* Building the signature base (RFC 9421, 2.5) and the fields that carry it. */
#include "ctl/http_signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/digest.h"

#define COVERED \
	"(\"@method\" \"@authority\" \"@path\" \"content-type\" \"content-digest\" \"menedek-event-id\")"
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* RFC 4648, 4, with padding: what structured fields (RFC 8941) take for bytes. */
static void
base64(const uint8_t *p, size_t len, char *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		const size_t left = len - i;
		const uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
		    (left > 2 ? (uint32_t)p[i + 2] : 0);
		*out++ = letters[v >> 18];
		*out++ = letters[v >> 12 & 63];
		*out++ = left > 1 ? letters[v >> 6 & 63] : '=';
		*out++ = left > 2 ? letters[v & 63] : '=';
	}
	*out = '\0';
}

void
http_signature_keyid(const struct signing_key *key, char out[HTTP_SIGNATURE_KEYID])
{
	uint8_t public[SIGNING_PUBLIC_BYTES], thumb[DIGEST_BYTES];
	char x[BASE64URL_LEN(SIGNING_PUBLIC_BYTES) + 1], jwk[128];

	signing_public(key, public);
	base64url_format(public, sizeof(public), x);
	/* the members that RFC 8037 requires, in order, without spaces */
	(void)snprintf(jwk, sizeof(jwk), "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
	digest(bytes_str(jwk), thumb);
	base64url_format(thumb, sizeof(thumb), out);
}

enum rc
http_signature_fields(const struct signing_key *key, const struct http_post *post, char *out, size_t cap)
{
	char keyid[HTTP_SIGNATURE_KEYID], digest64[BASE64_LEN(DIGEST_BYTES) + 1],
	    signature64[BASE64_LEN(SIGNATURE_BYTES) + 1], params[256], base[2048];
	uint8_t hash[DIGEST_BYTES], signature[SIGNATURE_BYTES];
	enum rc rc;
	int len;

	digest(post->body, hash);
	base64(hash, sizeof(hash), digest64);
	http_signature_keyid(key, keyid);
	(void)snprintf(params, sizeof(params), COVERED ";created=%" PRId64 ";keyid=\"%s\";alg=\"ed25519\"",
	    post->created, keyid);
	len = snprintf(base, sizeof(base),
	    "\"@method\": POST\n\"@authority\": %s\n\"@path\": %s\n\"content-type\": application/json\n"
	    "\"content-digest\": sha-256=:%s:\n\"menedek-event-id\": %s\n\"@signature-params\": %s",
	    post->authority, post->path, digest64, post->event_id, params);
	if (len < 0 || (size_t)len >= sizeof(base))
		return RC_TOO_BIG;
	if ((rc = signing_sign(key, (struct bytes){ (const uint8_t *)base, (size_t)len }, signature)) !=
	    RC_OK)
		return rc;
	base64(signature, sizeof(signature), signature64);
	len = snprintf(out, cap,
	    "Content-Type: application/json\r\nContent-Digest: sha-256=:%s:\r\nMenedek-Event-Id: %s\r\n"
	    "Signature-Input: menedek=%s\r\nSignature: menedek=:%s:\r\n",
	    digest64, post->event_id, params, signature64);
	return len < 0 || (size_t)len >= cap ? RC_TOO_BIG : RC_OK;
}
