/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: a bearer token before anything of it is believed: its parts, its claims. */
#include "auth/claims.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void
read_claims(struct bytes part)
{
	static const char *const times[] = { "exp", "nbf", "iat" };
	uint8_t print[CERT_FINGERPRINT];
	json *claims = NULL;
	int64_t at;

	if (token_read_part(part, &claims) != RC_OK)
		return;
	for (unsigned i = 0; i < COUNT_OF(times); i++)
		(void)!claim_time(claims, times[i], &at);
	(void)!claim_binding(claims, print);
	(void)claim_is(claims, "alg", "ES256");
	(void)claim_is(claims, "aud", "localhost");
	json_free(claims);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct token_text token;

	if (token_split((struct bytes){ p, len }, &token)) {
		read_claims(token.header);
		read_claims(token.payload);
	}
	read_claims((struct bytes){ p, len }); /* base64url itself, without a signature that fits */
	return 0;
}
