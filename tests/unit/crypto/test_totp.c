/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "crypto/totp.h"

static const uint8_t *secret = (const uint8_t *)"12345678901234567890";

/* RFC 6238, appendix B, SHA-1; their eight digits end with our six */
Test(totp, codes_are_those_of_the_rfc)
{
	static const struct {
		uint64_t at;
		const char *code;
	} rows[] = { { 59, "287082" }, { 1111111109, "081804" }, { 1111111111, "050471" },
		{ 1234567890, "005924" }, { 2000000000, "279037" }, { 20000000000, "353130" } };
	char code[TOTP_DIGITS + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cr_assert_eq(totp_code(secret, rows[i].at / TOTP_STEP, code), RC_OK);
		cr_expect_str_eq(code, rows[i].code);
	}
}

Test(totp, a_code_is_good_for_its_own_step_and_those_beside_it)
{
	const uint64_t step = 60000000;
	const int64_t at = (int64_t)step * TOTP_STEP;
	char code[TOTP_DIGITS + 1];
	uint64_t used = 0;

	cr_assert_eq(totp_code(secret, step, code), RC_OK);
	cr_expect_eq(totp_verify(secret, code, at, 0, &used), RC_OK);
	cr_expect_eq(used, step);
	cr_expect_eq(totp_verify(secret, code, at + 59, 0, &used), RC_OK);
	cr_expect_eq(totp_verify(secret, code, at - 30, 0, &used), RC_OK);
	cr_expect_eq(totp_verify(secret, code, at + 60, 0, &used), RC_BAD_LOGIN);
	cr_expect_eq(totp_verify(secret, code, at - 31, 0, &used), RC_BAD_LOGIN);
}

Test(totp, a_step_counts_once_and_none_before_it)
{
	const uint64_t step = 60000000;
	const int64_t at = (int64_t)step * TOTP_STEP;
	char code[TOTP_DIGITS + 1], earlier[TOTP_DIGITS + 1], later[TOTP_DIGITS + 1];
	uint64_t used;

	cr_assert_eq(totp_code(secret, step - 1, earlier), RC_OK);
	cr_assert_eq(totp_code(secret, step, code), RC_OK);
	cr_assert_eq(totp_code(secret, step + 1, later), RC_OK);
	cr_expect_eq(totp_verify(secret, code, at, step, &used), RC_BAD_LOGIN);
	cr_expect_eq(totp_verify(secret, earlier, at, step, &used), RC_BAD_LOGIN);
	cr_expect_eq(totp_verify(secret, later, at, step, &used), RC_OK);
}

Test(totp, what_is_not_six_digits_is_no_code)
{
	static const char *const texts[] = { "", "28708", "2870822", "28708a", "      ", "-87082" };
	uint64_t used;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		cr_expect_eq(totp_verify(secret, texts[i], 59, 0, &used), RC_BAD_LOGIN, "%s", texts[i]);
}

/* of the RFC's secret, by coreutils' base32 */
Test(totp, the_secret_is_base32)
{
	char text[TOTP_TEXT + 1];

	totp_text(secret, text);
	cr_expect_str_eq(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}
