/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as an attacker, or another library, would make them: any header, any claims, any signature. */
#ifndef TEST_TOKENS_H
#define TEST_TOKENS_H

#include <criterion/criterion.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/ca.h"
#include "crypto/digest.h"

#define TOKEN_TEXT 16384u

/* "header.payload" of two texts. */
static inline size_t
token_body(const char *header, const char *payload, char out[TOKEN_TEXT])
{
	size_t len = base64url_format((const uint8_t *)header, strlen(header), out);

	out[len++] = '.';
	len += base64url_format((const uint8_t *)payload, strlen(payload), out + len);
	out[len] = '\0';
	return len;
}

static inline void
token_sign_raw(EVP_PKEY *key, const char *text, size_t len, uint8_t raw[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *p = der;
	size_t der_len = sizeof(der);
	ECDSA_SIG *sig;

	cr_assert_eq(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	cr_assert_eq(EVP_DigestSign(ctx, der, &der_len, (const uint8_t *)text, len), 1);
	cr_assert_not_null(sig = d2i_ECDSA_SIG(NULL, &p, (long)der_len));
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

/* Signed well, whatever it says. */
static inline void
token_es256(const struct pem *key, const char *header, const char *payload, char out[TOKEN_TEXT])
{
	size_t len = token_body(header, payload, out);
	BIO *bio = BIO_new_mem_buf(key->text, -1);
	EVP_PKEY *private = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	uint8_t raw[64];

	cr_assert_not_null(private);
	token_sign_raw(private, out, len, raw);
	out[len++] = '.';
	base64url_format(raw, sizeof(raw), out + len);
	EVP_PKEY_free(private);
	BIO_free(bio);
}

/* Keyed with a public text that everybody knows (RFC 8725, 2.1). */
static inline void
token_hs256(const char *secret, const char *header, const char *payload, char out[TOKEN_TEXT])
{
	size_t len = token_body(header, payload, out);
	uint8_t mac[32];

	digest_hmac(bytes_str(secret), (struct bytes){ (const uint8_t *)out, len }, mac);
	out[len++] = '.';
	base64url_format(mac, sizeof(mac), out + len);
}

#endif
