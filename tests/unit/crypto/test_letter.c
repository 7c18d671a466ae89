/* SPDX-License-Identifier: Apache-2.0 */
/* A letter opens with its passphrase and with nothing else, and no byte of it can be changed. */
#include <criterion/criterion.h>
#include <string.h>

#include "crypto/letter.h"

static const char secret[] = "4127-86\talma\tNyugat 2";
static const char passphrase[] = "kilenc piros alma";

static uint8_t sealed[512], opened[512];
static char key[LETTER_KEY];
static size_t len;

static void
seal(void)
{
	cr_assert_eq(letter_key(bytes_str(passphrase), key), RC_OK);
	cr_assert(letter_key_is_good(key));
	cr_assert_eq(letter_seal(key, bytes_str(secret), sealed, &len), RC_OK);
	cr_assert_leq(len, sizeof(secret) - 1 + LETTER_MORE);
}

static enum rc
open_with(const char *with, size_t sealed_len)
{
	size_t n = 0;
	enum rc rc = letter_open(bytes_str(with), (struct bytes){ sealed, sealed_len }, opened, &n);

	if (rc == RC_OK)
		cr_assert(n == sizeof(secret) - 1 && memcmp(opened, secret, n) == 0);
	return rc;
}

Test(letter, opens_with_its_passphrase_only, .init = seal)
{
	cr_assert_eq(open_with(passphrase, len), RC_OK);
	cr_assert_eq(open_with("kilenc piros almA", len), RC_BAD_LOGIN);
	cr_assert_eq(open_with("", len), RC_BAD_LOGIN);
	cr_assert_null(memmem(sealed, len, "alma", 4));
}

Test(letter, two_of_one_text_share_nothing_but_the_key, .init = seal)
{
	uint8_t other[512];
	size_t other_len, line = strlen(key) + 1;

	cr_assert_eq(letter_seal(key, bytes_str(secret), other, &other_len), RC_OK);
	cr_assert_eq(other_len, len);
	cr_assert_eq(memcmp(other, sealed, line), 0);
	cr_assert_neq(memcmp(other + line, sealed + line, 32), 0);
	cr_assert_neq(memcmp(other + line + 44, sealed + line + 44, 16), 0);
}

/* Costly to open, so a byte of each part stands for all: cost, salt, both points, nonce, text, tag. */
Test(letter, a_changed_byte_is_found, .init = seal)
{
	const size_t line = strlen(key) + 1;
	const size_t at[] = { 8, 15, 40, line + 3, line + 33, line + 46, len - 1 };

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		const uint8_t kept = sealed[at[i]];

		sealed[at[i]] ^= 1;
		cr_assert_neq(open_with(passphrase, len), RC_OK, "byte %zu", at[i]);
		sealed[at[i]] = kept;
	}
	cr_assert_eq(open_with(passphrase, len - 1), RC_BAD_LOGIN);
}

Test(letter, what_is_none_is_refused_without_work, .init = seal)
{
	for (size_t cut = 0; cut < strlen(key) + 1 + 32 + 12 + 16; cut += 7)
		cr_assert_eq(open_with(passphrase, cut), RC_MALFORMED, "cut at %zu", cut);
	sealed[7] = '2'; /* another cost: nobody may make opening take a gigabyte */
	cr_assert_eq(open_with(passphrase, len), RC_MALFORMED);
	cr_assert_not(letter_key_is_good("scrypt$17$8$1$AAAA$AAAA"));
	cr_assert_not(letter_key_is_good(""));
	cr_assert_eq(letter_seal("nonsense", bytes_str(secret), sealed, &len), RC_MALFORMED);
}

/* A point of small order would make the shared secret zero for every passphrase. */
Test(letter, a_weak_point_opens_nothing, .init = seal)
{
	memset(sealed + strlen(key) + 1, 0, 32);
	cr_assert_eq(open_with(passphrase, len), RC_BAD_LOGIN);
}
