/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, HMAC and HKDF on OpenSSL; whoever asks gets a right answer or the process ends. */
#include "crypto/digest.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include "base/log.h"
#include "crypto/ossl.h"

static void
give_up(const char *what)
{
	log_world("digest_failed", "what=%s", what);
	abort();
}

void
digest_parts(const struct bytes *parts, size_t count, uint8_t out[DIGEST_BYTES])
{
	EVP_MD_CTX *c = ossl_contexts()->sha256;
	bool is_fine = EVP_DigestInit_ex(c, NULL, NULL) == 1;

	for (size_t i = 0; i < count && is_fine; i++)
		is_fine = EVP_DigestUpdate(c, parts[i].p, parts[i].len) == 1;
	if (!is_fine || EVP_DigestFinal_ex(c, out, NULL) != 1)
		give_up("sha256");
}

void
digest(struct bytes data, uint8_t out[DIGEST_BYTES])
{
	digest_parts(&data, 1, out);
}

void
digest_hmac(struct bytes key, struct bytes data, uint8_t out[DIGEST_BYTES])
{
	unsigned len = DIGEST_BYTES;

	if (key.len > INT_MAX ||
	    HMAC(EVP_sha256(), key.p, (int)key.len, data.p, data.len, out, &len) == NULL ||
	    len != DIGEST_BYTES)
		give_up("hmac");
}

void
digest_hkdf(struct bytes key, const char *label, uint8_t out[DIGEST_BYTES])
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
	struct bytes info = bytes_str(label);
	size_t len = DIGEST_BYTES;
	bool is_fine = c != NULL && key.len <= INT_MAX && info.len <= INT_MAX && EVP_PKEY_derive_init(c) == 1;

	is_fine = is_fine && EVP_PKEY_CTX_set_hkdf_md(c, EVP_sha256()) == 1;
	is_fine = is_fine && EVP_PKEY_CTX_set1_hkdf_key(c, key.p, (int)key.len) == 1;
	is_fine = is_fine && EVP_PKEY_CTX_add1_hkdf_info(c, info.p, (int)info.len) == 1;
	is_fine = is_fine && EVP_PKEY_derive(c, out, &len) == 1 && len == DIGEST_BYTES;
	EVP_PKEY_CTX_free(c);
	if (!is_fine)
		give_up("hkdf");
}
