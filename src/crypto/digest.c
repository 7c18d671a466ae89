/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 by Nettle, whose context lies on the stack (OpenSSL's takes half as long again for a short text);
 * HMAC on it, HKDF by OpenSSL.  Whoever asks gets a right answer or the process ends.
 */
#include "crypto/digest.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/log.h"

#define HMAC_BLOCK 64u /* of SHA-256 */

static void
give_up(const char *what)
{
	log_world("digest_failed", "what=%s", what);
	abort();
}

void
digest_parts(const struct bytes *parts, size_t count, uint8_t out[DIGEST_BYTES])
{
	struct sha256_ctx c;

	sha256_init(&c);
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > 0)
			sha256_update(&c, parts[i].len, parts[i].p);
	}
	sha256_digest(&c, DIGEST_BYTES, out);
	wipe(&c, sizeof(c)); /* it has the end of the text, which may be a key */
}

void
digest(struct bytes data, uint8_t out[DIGEST_BYTES])
{
	digest_parts(&data, 1, out);
}

/* One of the two passes of RFC 2104: the key, filled up to a block and marked, before the text. */
static void
keyed(const uint8_t key[HMAC_BLOCK], uint8_t mark, struct bytes text, uint8_t out[DIGEST_BYTES])
{
	uint8_t block[HMAC_BLOCK];
	const struct bytes parts[] = { BYTES_OF(block), text };

	for (size_t i = 0; i < HMAC_BLOCK; i++)
		block[i] = key[i] ^ mark;
	digest_parts(parts, COUNT_OF(parts), out);
	wipe(block, sizeof(block));
}

/* OpenSSL's MAC takes three times as long to be given a key as the work takes. */
void
digest_hmac(struct bytes key, struct bytes data, uint8_t out[DIGEST_BYTES])
{
	uint8_t block[HMAC_BLOCK] = { 0 }, inner[DIGEST_BYTES];

	if (key.len > HMAC_BLOCK)
		digest(key, block);
	else if (key.len > 0)
		memcpy(block, key.p, key.len);
	keyed(block, 0x36, data, inner);
	keyed(block, 0x5c, BYTES_OF(inner), out);
	wipe(block, sizeof(block));
	wipe(inner, sizeof(inner));
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
