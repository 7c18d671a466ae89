/* SPDX-License-Identifier: Apache-2.0 */
/* ES256 as RFC 7515, appendix A.3, computes it. */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/jwk.h"

#define X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define TEXT                   \
	"eyJhbGciOiJFUzI1NiJ9" \
	".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

static void
decode(const char *text, uint8_t *out, size_t len)
{
	size_t got;

	cr_assert(base64url_parse(text, strlen(text), out, len, &got) && got == len);
}

static struct jwk *
key_of_the_rfc(void)
{
	uint8_t x[JWK_COORDINATE], y[JWK_COORDINATE];
	struct jwk *jwk;

	decode(X, x, sizeof(x));
	decode(Y, y, sizeof(y));
	cr_assert_eq(jwk_new(x, y, &jwk), RC_OK);
	return jwk;
}

Test(jwk, the_signature_of_the_rfc_is_good_and_no_bit_of_it_or_of_the_text_may_change)
{
	struct jwk *jwk = key_of_the_rfc();
	uint8_t signature[JWK_SIGNATURE];
	char text[] = TEXT;

	decode(SIGNATURE, signature, sizeof(signature));
	cr_assert_eq(jwk_es256_check(jwk, bytes_str(text), signature), RC_OK);
	for (size_t i = 0; i < sizeof(signature); i++) {
		signature[i] ^= 0x10;
		cr_assert_eq(jwk_es256_check(jwk, bytes_str(text), signature), RC_BAD_TOKEN, "byte %zu", i);
		signature[i] ^= 0x10;
	}
	text[30] ^= 1;
	cr_assert_eq(jwk_es256_check(jwk, bytes_str(text), signature), RC_BAD_TOKEN);
	jwk_free(jwk);
}

Test(jwk, zeros_and_the_group_order_sign_nothing)
{
	static const uint8_t order[32] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2,
		0xfc, 0x63, 0x25, 0x51 };
	struct jwk *jwk = key_of_the_rfc();
	uint8_t signature[JWK_SIGNATURE] = { 0 };

	cr_assert_eq(jwk_es256_check(jwk, bytes_str(TEXT), signature), RC_BAD_TOKEN);
	memcpy(signature, order, sizeof(order));
	memcpy(signature + sizeof(order), order, sizeof(order));
	cr_assert_eq(jwk_es256_check(jwk, bytes_str(TEXT), signature), RC_BAD_TOKEN);
	jwk_free(jwk);
}

Test(jwk, a_point_off_the_curve_is_no_key)
{
	uint8_t x[JWK_COORDINATE], y[JWK_COORDINATE];
	const uint8_t zeros[JWK_COORDINATE] = { 0 };
	struct jwk *none;

	decode(X, x, sizeof(x));
	decode(Y, y, sizeof(y));
	y[31] ^= 1;
	cr_assert_eq(jwk_new(x, y, &none), RC_INVALID);
	cr_assert_eq(jwk_new(zeros, zeros, &none), RC_INVALID);
	cr_assert_null(none);
}
