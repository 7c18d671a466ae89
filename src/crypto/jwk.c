/* SPDX-License-Identifier: Apache-2.0 */
/* From coordinates to PEM.  A point off the curve would let whoever chose it learn about keys used with it.
 */
#include "crypto/jwk.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#define UNCOMPRESSED 0x04 /* SEC 1, 2.3.3 */

struct jwk {
	EVP_PKEY *key;
};

/* A point off the curve would let whoever chose it learn about keys used with it. */
static bool
is_on_curve(EVP_PKEY *key)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	const bool is_good = c != NULL && EVP_PKEY_public_check(c) == 1;

	EVP_PKEY_CTX_free(c);
	return is_good;
}

enum rc
jwk_new(const uint8_t x[JWK_COORDINATE], const uint8_t y[JWK_COORDINATE], struct jwk **out)
{
	char group[] = "P-256";
	uint8_t point[1 + 2 * JWK_COORDINATE] = { UNCOMPRESSED };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	struct jwk *jwk = calloc(1, sizeof(*jwk));
	enum rc rc = jwk == NULL ? RC_UNAVAILABLE : RC_INVALID;

	*out = NULL;
	memcpy(point + 1, x, JWK_COORDINATE);
	memcpy(point + 1 + JWK_COORDINATE, y, JWK_COORDINATE);
	if (jwk != NULL && c != NULL && EVP_PKEY_fromdata_init(c) == 1 &&
	    EVP_PKEY_fromdata(c, &jwk->key, EVP_PKEY_PUBLIC_KEY, params) == 1 && is_on_curve(jwk->key)) {
		*out = jwk;
		jwk = NULL;
		rc = RC_OK;
	}
	ERR_clear_error();
	EVP_PKEY_CTX_free(c);
	jwk_free(jwk);
	return rc;
}

void
jwk_free(struct jwk *jwk)
{
	if (jwk == NULL)
		return;
	EVP_PKEY_free(jwk->key);
	free(jwk);
}

/* OpenSSL takes signatures in DER (RFC 3279, 2.2.3).  malloc'd by it; NULL without memory. */
static uint8_t *
to_der(const uint8_t signature[JWK_SIGNATURE], size_t *len)
{
	const int half = (int)JWK_SIGNATURE / 2;
	BIGNUM *r = BN_bin2bn(signature, half, NULL), *s = BN_bin2bn(signature + half, half, NULL);
	ECDSA_SIG *pair = ECDSA_SIG_new();
	uint8_t *der = NULL;
	int n = 0;

	if (r != NULL && s != NULL && pair != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL; /* the pair owns them */
		n = i2d_ECDSA_SIG(pair, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	*len = n > 0 ? (size_t)n : 0;
	return der;
}

enum rc
jwk_es256_check(const struct jwk *jwk, struct bytes text, const uint8_t signature[JWK_SIGNATURE])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t len;
	uint8_t *der = to_der(signature, &len);
	enum rc rc = RC_BAD_TOKEN;

	if (c != NULL && len > 0 && EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, jwk->key) == 1 &&
	    EVP_DigestVerify(c, der, len, text.p, text.len) == 1)
		rc = RC_OK;
	ERR_clear_error();
	OPENSSL_free(der);
	EVP_MD_CTX_free(c);
	return rc;
}
