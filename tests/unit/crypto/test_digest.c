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

/* RFC 4231, cases 3, 6 and 7, and keys of a block and one byte more: a key is filled up, or digested first.
 */
Test(digest, hmac_takes_keys_of_any_length)
{
	uint8_t out[DIGEST_BYTES], key[131], data[50], hashed[DIGEST_BYTES], again[DIGEST_BYTES];

	memset(key, 0xaa, sizeof(key));
	memset(data, 0xdd, sizeof(data));
	digest_hmac((struct bytes){ key, 20 }, BYTES_OF(data), out);
	expect(out, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	digest_hmac(BYTES_OF(key), bytes_str("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	expect(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	digest_hmac(BYTES_OF(key),
	    bytes_str("This is a test using a larger than block-size key and a larger than block-size data. "
		      "The key needs to be hashed before being used by the HMAC algorithm."),
	    out);
	expect(out, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
	digest_hmac((struct bytes){ key, 65 }, BYTES_OF(data), out);
	digest((struct bytes){ key, 65 }, hashed);
	digest_hmac(BYTES_OF(hashed), BYTES_OF(data), again);
	cr_assert_arr_eq(out, again, DIGEST_BYTES);
	digest_hmac((struct bytes){ key, 64 }, BYTES_OF(data), out);
	digest((struct bytes){ key, 64 }, hashed);
	digest_hmac(BYTES_OF(hashed), BYTES_OF(data), again);
	cr_assert_neq(memcmp(out, again, DIGEST_BYTES), 0);
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
