/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "scratch.h"

#include <openssl/evp.h>

#include "base/id.h"
#include "crypto/aead.h"

static const uint8_t key[AEAD_KEY] = { 1, 2, 3 };

/* Test case 15 of McGrew and Viega's GCM paper: 256-bit key, 64 bytes, no associated data. */
Test(aead, opens_a_published_test_vector)
{
	uint8_t k[32], nonce[12], sealed[64 + 16], plain[64], expected[64];

	cr_assert(hex_parse("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", 64, k, 32));
	cr_assert(hex_parse("cafebabefacedbaddecaf888", 24, nonce, 12));
	cr_assert(hex_parse("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
			    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
			    "b094dac5d93471bdec1a502270e3cc6c",
	    160, sealed, 80));
	cr_assert(hex_parse("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
			    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
	    128, expected, 64));
	cr_assert_eq(aead_open(k, nonce, (struct bytes){ NULL, 0 }, BYTES_OF(sealed), plain), RC_OK);
	cr_assert_arr_eq(plain, expected, 64);
}

Test(aead, any_changed_bit_is_refused_and_nothing_is_shown)
{
	static const uint8_t zeros[5];
	uint8_t nonce[AEAD_NONCE], sealed[5 + AEAD_TAG], plain[5];

	cr_assert_eq(aead_seal(key, bytes_str("bound"), bytes_str("plain"), nonce, sealed), RC_OK);
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		memset(plain, 'x', sizeof(plain));
		cr_assert_eq(aead_open(key, nonce, bytes_str("bound"), BYTES_OF(sealed), plain), RC_CORRUPT);
		cr_assert_arr_eq(plain, zeros, sizeof(plain));
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_eq(aead_open(key, nonce, bytes_str("bounD"), BYTES_OF(sealed), plain), RC_CORRUPT);
	cr_assert_eq(
	    aead_open(key, nonce, bytes_str("bound"), (struct bytes){ sealed, 15 }, plain), RC_CORRUPT);
	cr_assert_eq(aead_open(key, nonce, bytes_str("bound"), BYTES_OF(sealed), plain), RC_OK);
	cr_assert_arr_eq(plain, "plain", 5);
}

/* The same by OpenSSL, which aead.c may or may not use on this processor.  ${out} has the tag behind it. */
static void
seal_by_openssl(const uint8_t *k, const uint8_t *nonce, struct bytes bound, struct bytes plain, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	cr_assert(c != NULL && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, k, nonce) == 1);
	if (bound.len > 0)
		cr_assert_eq(EVP_EncryptUpdate(c, NULL, &n, bound.p, (int)bound.len), 1);
	if (plain.len > 0)
		cr_assert_eq(EVP_EncryptUpdate(c, out, &n, plain.p, (int)plain.len), 1);
	cr_assert_eq(EVP_EncryptFinal_ex(c, out + plain.len, &n), 1);
	cr_assert_eq(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, out + plain.len), 1);
	EVP_CIPHER_CTX_free(c);
}

Test(aead, every_length_is_sealed_as_openssl_seals_it_and_opens_here)
{
	uint8_t text[520], bound[70], sealed[sizeof(text) + AEAD_TAG], theirs[sizeof(sealed)],
	    plain[sizeof(text)];
	uint8_t nonce[AEAD_NONCE], k[AEAD_KEY];

	for (size_t len = 0; len <= sizeof(text); len++) {
		const struct bytes aad = { bound, len % sizeof(bound) }, in = { text, len };

		random_fill(k, sizeof(k)); /* seals and opens under changing keys, in turn */
		random_fill(text, sizeof(text));
		random_fill(bound, sizeof(bound));
		cr_assert_eq(aead_seal(k, aad, in, nonce, sealed), RC_OK);
		seal_by_openssl(k, nonce, aad, in, theirs);
		cr_assert_eq(memcmp(sealed, theirs, len + AEAD_TAG), 0, "length %zu", len);
		cr_assert_eq(aead_open(k, nonce, aad, (struct bytes){ theirs, len + AEAD_TAG }, plain), RC_OK,
		    "length %zu", len);
		cr_assert_eq(memcmp(plain, text, len), 0, "length %zu", len);
		k[len % AEAD_KEY] ^= 1;
		cr_assert_eq(
		    aead_open(k, nonce, aad, (struct bytes){ theirs, len + AEAD_TAG }, plain), RC_CORRUPT);
	}
}

Test(aead, nothing_can_be_sealed_and_opened)
{
	const struct bytes nothing = { NULL, 0 };
	uint8_t nonce[AEAD_NONCE], sealed[AEAD_TAG], plain[1];

	cr_assert_eq(aead_seal(key, nothing, nothing, nonce, sealed), RC_OK);
	cr_assert_eq(aead_open(key, nonce, nothing, BYTES_OF(sealed), plain), RC_OK);
	sealed[0] ^= 1;
	cr_assert_eq(aead_open(key, nonce, nothing, BYTES_OF(sealed), plain), RC_CORRUPT);
}

Test(aead, no_nonce_comes_twice)
{
	static uint8_t nonces[2000][AEAD_NONCE];
	uint8_t sealed[AEAD_TAG];

	for (size_t i = 0; i < COUNT_OF(nonces); i++) {
		cr_assert_eq(
		    aead_seal(key, bytes_str("b"), (struct bytes){ NULL, 0 }, nonces[i], sealed), RC_OK);
		for (size_t j = 0; j < i; j++)
			cr_assert_neq(memcmp(nonces[i], nonces[j], AEAD_NONCE), 0);
	}
}

static void *
seal_and_open(void *arg)
{
	uint8_t nonce[AEAD_NONCE], sealed[5 + AEAD_TAG], plain[5];
	bool *is_fine = arg;

	*is_fine = true;
	for (int i = 0; i < 200 && *is_fine; i++)
		*is_fine = aead_seal(key, bytes_str("b"), bytes_str("plain"), nonce, sealed) == RC_OK &&
		    aead_open(key, nonce, bytes_str("b"), BYTES_OF(sealed), plain) == RC_OK &&
		    memcmp(plain, "plain", 5) == 0;
	return NULL;
}

Test(aead, threads_come_and_go_without_leaving_memory)
{
	pthread_t threads[4];
	bool is_fine[4];

	for (int round = 0; round < 5; round++) {
		for (size_t i = 0; i < 4; i++)
			cr_assert_eq(pthread_create(&threads[i], NULL, seal_and_open, &is_fine[i]), 0);
		for (size_t i = 0; i < 4; i++) {
			pthread_join(threads[i], NULL);
			cr_assert(is_fine[i]);
		}
	}
	assert_no_leak();
}
