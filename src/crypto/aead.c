/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-GCM on OpenSSL's EVP.  Nonces are drawn one by one from the kernel, never kept in stock: a stock
 * would be shared by both sides of a fork, and one nonce used twice under a key gives both plaintexts away.
 */
#include "crypto/aead.h"

#include <limits.h>

#include "base/id.h"
#include "base/log.h"
#include "crypto/ossl.h"

enum direction { OPENING = 0, SEALING = 1 };

/* The part that both directions share: key, nonce, associated data, then the text from ${in} to ${out}. */
static bool
run(EVP_CIPHER_CTX *c, enum direction way, const uint8_t *key, const uint8_t *nonce, struct bytes bound,
    struct bytes in, uint8_t *out)
{
	int n;

	if (bound.len > INT_MAX || in.len > INT_MAX)
		return false;
	if (EVP_CipherInit_ex(c, NULL, NULL, key, nonce, (int)way) != 1)
		return false;
	if (bound.len > 0 && EVP_CipherUpdate(c, NULL, &n, bound.p, (int)bound.len) != 1)
		return false;
	return in.len == 0 || EVP_CipherUpdate(c, out, &n, in.p, (int)in.len) == 1;
}

enum rc
aead_seal(const uint8_t key[AEAD_KEY], struct bytes bound, struct bytes plain, uint8_t nonce[AEAD_NONCE],
    uint8_t *out)
{
	struct ossl_contexts *my = ossl_contexts();
	EVP_CIPHER_CTX *c = my->gcm;
	uint8_t *tag = out + plain.len;
	bool is_sealed;
	int n;

	random_fill(nonce, AEAD_NONCE);
	pthread_mutex_lock(&my->busy);
	is_sealed = run(c, SEALING, key, nonce, bound, plain, out) && EVP_CipherFinal_ex(c, tag, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, (int)AEAD_TAG, tag) == 1;
	pthread_mutex_unlock(&my->busy);
	if (!is_sealed) {
		log_bug("seal_failed", "len=%zu", plain.len);
		return RC_INTERNAL;
	}
	return RC_OK;
}

enum rc
aead_open(const uint8_t key[AEAD_KEY], const uint8_t nonce[AEAD_NONCE], struct bytes bound,
    struct bytes sealed, uint8_t *out)
{
	struct ossl_contexts *my = ossl_contexts();
	EVP_CIPHER_CTX *c = my->gcm;
	struct bytes text = sealed;
	uint8_t tag[AEAD_TAG];
	bool is_opened;
	int n;

	if (sealed.len < AEAD_TAG)
		return RC_CORRUPT;
	text.len -= AEAD_TAG;
	for (size_t i = 0; i < AEAD_TAG; i++)
		tag[i] = sealed.p[text.len + i];
	pthread_mutex_lock(&my->busy);
	is_opened = run(c, OPENING, key, nonce, bound, text, out) &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, (int)AEAD_TAG, tag) == 1 &&
	    EVP_CipherFinal_ex(c, tag, &n) == 1;
	pthread_mutex_unlock(&my->busy);
	if (!is_opened) {
		wipe(out, text.len); /* unverified plaintext must not be looked at */
		return RC_CORRUPT;
	}
	return RC_OK;
}

void
aead_forget(void)
{
	ossl_forget();
}

void
aead_forget_all(void)
{
	ossl_forget_all();
}
