/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrypt verifiers: "scrypt$log2N$r$p$salt$hash", salt and hash in base64url.  The same time is spent on a
 * person who does not exist.
 */
#include "crypto/passphrase.h"

#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/id.h"
#include "base/limits.h"
#include "base/log.h"

#define SALT 16u
#define HASH 32u

/* A stored verifier may ask for more than today's cost, but not for so much that it stops the service. */
#define LOG_N_MIN  10u
#define LOG_N_MAX  20u
#define R_MAX      16u
#define P_MAX      4u
#define MEMORY_MAX (UINT64_C(512) << 20)

struct verifier {
	unsigned log_n, r, p;
	uint8_t salt[SALT];
	uint8_t hash[HASH];
};

static const struct verifier today = { .log_n = 15, .r = 8, .p = 1 };

static enum rc
derive(struct bytes passphrase, const struct verifier *v, uint8_t out[HASH])
{
	uint64_t n = UINT64_C(1) << v->log_n, r = v->r, p = v->p, most = MEMORY_MAX;
	struct verifier copy = *v; /* OSSL_PARAM has no const */
	/* OpenSSL refuses a NULL passphrase, an empty one is the caller's business */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
		    passphrase.len == 0 ? (void *)copy.hash : (void *)(uintptr_t)passphrase.p,
		    passphrase.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, copy.salt, SALT),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &most),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
	EVP_KDF_CTX *c = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	bool is_fine = c != NULL && EVP_KDF_derive(c, out, HASH, params) == 1;

	EVP_KDF_CTX_free(c);
	EVP_KDF_free(kdf);
	if (!is_fine)
		log_world("passphrase_derive", "log_n=%u", v->log_n);
	return is_fine ? RC_OK : RC_UNAVAILABLE; /* what can fail here is memory */
}

enum rc
passphrase_derive(struct bytes passphrase, unsigned log_n, const uint8_t salt[16], uint8_t key[32])
{
	struct verifier v = { .log_n = log_n, .r = 8, .p = 1 };

	if (log_n < LOG_N_MIN || log_n > LOG_N_MAX)
		return RC_INTERNAL;
	memcpy(v.salt, salt, SALT);
	return derive(passphrase, &v, key);
}

enum rc
passphrase_hash(struct bytes passphrase, char out[PASSPHRASE_TEXT])
{
	char salt[BASE64URL_LEN(SALT) + 1], hash[BASE64URL_LEN(HASH) + 1];
	struct verifier v = today;
	enum rc rc;
	int n;

	if (passphrase.len == 0 || passphrase.len > LIMIT_PASSPHRASE)
		return RC_INVALID;
	random_fill(v.salt, sizeof(v.salt));
	if ((rc = derive(passphrase, &v, v.hash)) != RC_OK)
		return rc;
	base64url_format(v.salt, SALT, salt);
	base64url_format(v.hash, HASH, hash);
	n = snprintf(out, PASSPHRASE_TEXT, "scrypt$%u$%u$%u$%s$%s", v.log_n, v.r, v.p, salt, hash);
	wipe(&v, sizeof(v));
	return n > 0 && (unsigned)n < PASSPHRASE_TEXT ? RC_OK : RC_INTERNAL;
}

/* Decimal digits up to '$'; moves ${text} past it. */
static bool
take_number(const char **text, unsigned *out)
{
	unsigned n = 0, digits = 0;
	const char *p = *text;

	for (; *p >= '0' && *p <= '9' && digits < 3; p++, digits++)
		n = n * 10 + (unsigned)(*p - '0');
	if (digits == 0 || *p != '$')
		return false;
	*out = n;
	*text = p + 1;
	return true;
}

static bool
parse(const char *text, struct verifier *v)
{
	static const char name[] = "scrypt$";
	const char *end;
	size_t len;

	if (strnlen(text, PASSPHRASE_TEXT) == PASSPHRASE_TEXT || strncmp(text, name, sizeof(name) - 1) != 0)
		return false;
	text += sizeof(name) - 1;
	if (!take_number(&text, &v->log_n) || !take_number(&text, &v->r) || !take_number(&text, &v->p))
		return false;
	if (v->log_n < LOG_N_MIN || v->log_n > LOG_N_MAX || v->r == 0 || v->r > R_MAX || v->p == 0 ||
	    v->p > P_MAX)
		return false;
	if ((end = strchr(text, '$')) == NULL ||
	    !base64url_parse(text, (size_t)(end - text), v->salt, SALT, &len) || len != SALT)
		return false;
	return base64url_parse(end + 1, strlen(end + 1), v->hash, HASH, &len) && len == HASH;
}

enum rc
passphrase_verify(struct bytes passphrase, const char *verifier)
{
	struct verifier v;
	uint8_t hash[HASH];
	bool is_known = verifier != NULL && parse(verifier, &v);
	bool is_right;
	enum rc rc;

	if (!is_known)
		v = today;
	if (passphrase.len > LIMIT_PASSPHRASE) { /* was never stored; costs the same */
		passphrase.len = LIMIT_PASSPHRASE;
		is_known = false;
	}
	if ((rc = derive(passphrase, &v, hash)) != RC_OK)
		return rc;
	is_right = bytes_equal(BYTES_OF(hash), BYTES_OF(v.hash));
	wipe(hash, sizeof(hash));
	wipe(&v, sizeof(v));
	return is_known && is_right ? RC_OK : RC_BAD_LOGIN;
}
