/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 on OpenSSL's one-shot interface. */
#include "crypto/signing.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "crypto/pem.h"

struct signing_key {
	EVP_PKEY *pkey;
	bool is_private;
	uint8_t public[SIGNING_PUBLIC_BYTES];
};

enum rc
signing_new(struct pem *key, struct pem *public)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	enum rc rc = pkey == NULL ? RC_INTERNAL : pem_write_key(pkey, key);

	if (rc == RC_OK)
		rc = pem_write_public(pkey, public);
	EVP_PKEY_free(pkey);
	return rc;
}

enum rc
signing_load(const struct pem *pem, bool is_private, struct signing_key **out)
{
	struct signing_key *key = calloc(1, sizeof(*key));
	size_t len = sizeof(key->public);

	*out = NULL;
	if (key == NULL)
		return RC_UNAVAILABLE;
	key->is_private = is_private;
	key->pkey = is_private ? pem_read_key(pem) : pem_read_public(pem);
	if (key->pkey == NULL || EVP_PKEY_get_id(key->pkey) != EVP_PKEY_ED25519 ||
	    EVP_PKEY_get_raw_public_key(key->pkey, key->public, &len) != 1 || len != sizeof(key->public)) {
		signing_free(key);
		ERR_clear_error();
		return RC_INVALID;
	}
	*out = key;
	return RC_OK;
}

void
signing_free(struct signing_key *key)
{
	if (key != NULL)
		EVP_PKEY_free(key->pkey);
	free(key);
}

enum rc
signing_sign(const struct signing_key *key, struct bytes text, uint8_t signature[SIGNATURE_BYTES])
{
	EVP_MD_CTX *c = key->is_private ? EVP_MD_CTX_new() : NULL;
	size_t len = SIGNATURE_BYTES;
	bool is_fine = c != NULL && EVP_DigestSignInit(c, NULL, NULL, NULL, key->pkey) == 1 &&
	    EVP_DigestSign(c, signature, &len, text.p, text.len) == 1 && len == SIGNATURE_BYTES;

	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return is_fine ? RC_OK : RC_INTERNAL;
}

bool
signing_verify(const struct signing_key *key, struct bytes text, const uint8_t signature[SIGNATURE_BYTES])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool is_good = c != NULL && EVP_DigestVerifyInit(c, NULL, NULL, NULL, key->pkey) == 1 &&
	    EVP_DigestVerify(c, signature, SIGNATURE_BYTES, text.p, text.len) == 1;

	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return is_good;
}

void
signing_public(const struct signing_key *key, uint8_t out[SIGNING_PUBLIC_BYTES])
{
	memcpy(out, key->public, SIGNING_PUBLIC_BYTES);
}
