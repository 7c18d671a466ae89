/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-GCM by gcm.h where that is safe, else by OpenSSL's EVP: the same bytes.  Nonces are drawn one by
 * one from the kernel, never kept in stock: a stock would be shared by both sides of a fork, and one nonce
 * used twice under a key gives both plaintexts away.
 */
#include "crypto/aead.h"

#include <limits.h>
#include <string.h>

#include "base/id.h"
#include "base/log.h"
#include "crypto/ossl.h"

enum direction { OPENING = 0, SEALING = 1 };

/* A key that the context has already is not given again: to expand it takes as long as to seal a small text.
 */
static bool
begin(struct ossl_contexts *my, enum direction way, const uint8_t key[AEAD_KEY], const uint8_t *nonce)
{
	const struct bytes wanted = { key, AEAD_KEY };
	const bool is_new = !my->has_gcm_key || !bytes_equal(wanted, BYTES_OF(my->gcm_key));

	_Static_assert(sizeof(my->gcm_key) == AEAD_KEY, "the key must fit");
	my->has_gcm_key = false;
	if (EVP_CipherInit_ex(my->gcm, NULL, NULL, is_new ? key : NULL, nonce, (int)way) != 1)
		return false;
	if (is_new)
		memcpy(my->gcm_key, key, AEAD_KEY);
	my->has_gcm_key = true;
	return true;
}

/* The part that both directions share: key, nonce, associated data, then the text from ${in} to ${out}. */
static bool
run(struct ossl_contexts *my, enum direction way, const uint8_t *key, const uint8_t *nonce,
    struct bytes bound, struct bytes in, uint8_t *out)
{
	EVP_CIPHER_CTX *c = my->gcm;
	int n;

	if (bound.len > INT_MAX || in.len > INT_MAX || !begin(my, way, key, nonce))
		return false;
	if (bound.len > 0 && EVP_CipherUpdate(c, NULL, &n, bound.p, (int)bound.len) != 1)
		return false;
	return in.len == 0 || EVP_CipherUpdate(c, out, &n, in.p, (int)in.len) == 1;
}

static bool
seal_slowly(struct ossl_contexts *my, const uint8_t *key, const uint8_t *nonce, struct bytes bound,
    struct bytes plain, uint8_t *out)
{
	uint8_t *tag = out + plain.len;
	int n;

	return run(my, SEALING, key, nonce, bound, plain, out) && EVP_CipherFinal_ex(my->gcm, tag, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(my->gcm, EVP_CTRL_AEAD_GET_TAG, (int)AEAD_TAG, tag) == 1;
}

static bool
open_slowly(struct ossl_contexts *my, const uint8_t *key, const uint8_t *nonce, struct bytes bound,
    struct bytes text, uint8_t tag[AEAD_TAG], uint8_t *out)
{
	int n;

	return run(my, OPENING, key, nonce, bound, text, out) &&
	    EVP_CIPHER_CTX_ctrl(my->gcm, EVP_CTRL_AEAD_SET_TAG, (int)AEAD_TAG, tag) == 1 &&
	    EVP_CipherFinal_ex(my->gcm, tag, &n) == 1;
}

enum rc
aead_seal(const uint8_t key[AEAD_KEY], struct bytes bound, struct bytes plain, uint8_t nonce[AEAD_NONCE],
    uint8_t *out)
{
	struct ossl_contexts *my = ossl_contexts();
	bool is_sealed = true;

	random_fill(nonce, AEAD_NONCE);
	pthread_mutex_lock(&my->busy);
	if (my->is_fast)
		gcm_seal(&my->fast[SEALING], key, nonce, bound, plain, out, out + plain.len);
	else
		is_sealed = seal_slowly(my, key, nonce, bound, plain, out);
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
	struct bytes text = sealed;
	uint8_t tag[AEAD_TAG], made[AEAD_TAG];
	bool is_opened;

	if (sealed.len < AEAD_TAG)
		return RC_CORRUPT;
	text.len -= AEAD_TAG;
	for (size_t i = 0; i < AEAD_TAG; i++)
		tag[i] = sealed.p[text.len + i];
	pthread_mutex_lock(&my->busy);
	if (my->is_fast) {
		gcm_open(&my->fast[OPENING], key, nonce, bound, text, out, made);
		is_opened = bytes_equal(BYTES_OF(made), BYTES_OF(tag));
	} else {
		is_opened = open_slowly(my, key, nonce, bound, text, tag, out);
	}
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
