/* SPDX-License-Identifier: Apache-2.0 */
/* Nettle and its GCM: see gcm.h for why, and for when not. */
#include "crypto/gcm.h"

#include <string.h>

#if GCM_MAY_BE_USED

#include <cpuid.h>

bool
gcm_is_safe(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) == 1 && (c & bit_AES) != 0 && (c & bit_PCLMUL) != 0;
}

#else

bool
gcm_is_safe(void)
{
	return false;
}

#endif

/* A key that is there already is not given again: to expand it takes as long as to seal a small text. */
static void
begin(struct gcm *g, const uint8_t key[AEAD_KEY], const uint8_t nonce[AEAD_NONCE], struct bytes bound)
{
	if (!g->has_key || !bytes_equal((struct bytes){ key, AEAD_KEY }, BYTES_OF(g->key))) {
		gcm_aes256_set_key(&g->ctx, key);
		memcpy(g->key, key, AEAD_KEY);
		g->has_key = true;
	}
	gcm_aes256_set_iv(&g->ctx, AEAD_NONCE, nonce);
	if (bound.len > 0)
		gcm_aes256_update(&g->ctx, bound.len, bound.p);
}

void
gcm_seal(struct gcm *g, const uint8_t key[AEAD_KEY], const uint8_t nonce[AEAD_NONCE], struct bytes bound,
    struct bytes in, uint8_t *out, uint8_t tag[AEAD_TAG])
{
	begin(g, key, nonce, bound);
	if (in.len > 0)
		gcm_aes256_encrypt(&g->ctx, in.len, out, in.p);
	gcm_aes256_digest(&g->ctx, AEAD_TAG, tag);
}

void
gcm_open(struct gcm *g, const uint8_t key[AEAD_KEY], const uint8_t nonce[AEAD_NONCE], struct bytes bound,
    struct bytes in, uint8_t *out, uint8_t tag[AEAD_TAG])
{
	begin(g, key, nonce, bound);
	if (in.len > 0)
		gcm_aes256_decrypt(&g->ctx, in.len, out, in.p);
	gcm_aes256_digest(&g->ctx, AEAD_TAG, tag);
}

void
gcm_forget(struct gcm *g)
{
	wipe(g, sizeof(*g));
}
