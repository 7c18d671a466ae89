/* SPDX-License-Identifier: Apache-2.0 */
/* Both ways to seal, on any processor and in any build: what one seals the other opens. */
#include "crypto/gcm.h"

#include "scratch.h"

#include "base/id.h"
#include "crypto/ossl.h"

static const struct bytes nothing;

static enum rc
open_by(bool is_fast, const uint8_t *k, const uint8_t *nonce, struct bytes bound, struct bytes sealed,
    uint8_t *out)
{
	ossl_contexts()->is_fast = is_fast;
	return aead_open(k, nonce, bound, sealed, out);
}

static enum rc
seal_by(bool is_fast, const uint8_t *k, struct bytes bound, struct bytes plain, uint8_t *nonce, uint8_t *out)
{
	ossl_contexts()->is_fast = is_fast;
	return aead_seal(k, bound, plain, nonce, out);
}

Test(gcm, what_one_way_seals_the_other_opens)
{
	uint8_t k[2][AEAD_KEY], nonce[AEAD_NONCE], sealed[40 + AEAD_TAG], plain[40], text[40];

	random_fill(k[0], sizeof(k[0]));
	random_fill(k[1], sizeof(k[1]));
	random_fill(text, sizeof(text));
	for (unsigned i = 0; i < 64; i++) { /* two keys, the same twice, with and without bound and text */
		const uint8_t *key = k[i / 2 % 2];
		const struct bytes bound = i & 4 ? bytes_str("bound") : nothing,
				   in = { text, i & 8 ? sizeof(text) : 0 },
				   out = { sealed, in.len + AEAD_TAG };
		const bool is_fast = (i & 16) != 0, is_fast_back = (i & 32) != 0;

		cr_assert_eq(seal_by(is_fast, key, bound, in, nonce, sealed), RC_OK);
		cr_assert_eq(open_by(is_fast_back, key, nonce, bound, out, plain), RC_OK, "row %u", i);
		cr_assert_arr_eq(plain, text, in.len);
		sealed[out.len - 1] ^= 1;
		cr_assert_eq(open_by(is_fast_back, key, nonce, bound, out, plain), RC_CORRUPT);
		cr_assert_eq(open_by(!is_fast_back, key, nonce, bytes_str("Bound"), out, plain), RC_CORRUPT);
	}
	aead_forget();
	assert_no_leak();
}
