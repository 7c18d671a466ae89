/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "base/bytes.h"
#include "crypto/digest.h"

static void
expect(const uint8_t got[DIGEST_BYTES], const char *hex)
{
	char text[2 * DIGEST_BYTES + 1];

	hex_format(got, DIGEST_BYTES, text);
	cr_assert_str_eq(text, hex);
}

Test(digest, sha_256_gives_the_values_of_fips_180)
{
	uint8_t out[DIGEST_BYTES];

	digest(bytes_str("abc"), out);
	expect(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest(bytes_str(""), out);
	expect(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest((struct bytes){ NULL, 0 }, out);
	expect(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

Test(digest, parts_are_digested_as_one)
{
	struct bytes parts[] = { bytes_str("a"), bytes_str(""), bytes_str("bc") };
	uint8_t out[DIGEST_BYTES];

	digest_parts(parts, COUNT_OF(parts), out);
	expect(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Test(digest, hmac_gives_the_value_of_rfc_4231_case_2)
{
	uint8_t out[DIGEST_BYTES];

	digest_hmac(bytes_str("Jefe"), bytes_str("what do ya want for nothing?"), out);
	expect(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/* RFC 5869 with an empty salt, written out with HMAC: PRK = HMAC(zeros, key), T(1) = HMAC(PRK, label || 1).
 */
Test(digest, hkdf_is_extract_and_expand_of_rfc_5869)
{
	static const uint8_t zeros[DIGEST_BYTES];
	static const uint8_t key[32] = { 5 };
	uint8_t prk[DIGEST_BYTES], expected[DIGEST_BYTES], out[DIGEST_BYTES];

	digest_hmac(BYTES_OF(zeros), BYTES_OF(key), prk);
	digest_hmac(BYTES_OF(prk), bytes_str("label\x01"), expected);
	digest_hkdf(BYTES_OF(key), "label", out);
	cr_assert_arr_eq(out, expected, DIGEST_BYTES);
	digest_hkdf(BYTES_OF(key), "other", out);
	cr_assert_neq(memcmp(out, expected, DIGEST_BYTES), 0);
}
