/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "scratch.h"

#include "base/limits.h"
#include "crypto/passphrase.h"

Test(passphrase, the_right_one_is_accepted_and_others_are_not)
{
	char text[PASSPHRASE_TEXT];

	cr_assert_eq(passphrase_hash(bytes_str("correct horse"), text), RC_OK);
	cr_assert_eq(passphrase_verify(bytes_str("correct horse"), text), RC_OK);
	cr_assert_eq(passphrase_verify(bytes_str("correct horsf"), text), RC_BAD_LOGIN);
	cr_assert_eq(passphrase_verify(bytes_str(""), text), RC_BAD_LOGIN);
	cr_assert_eq(passphrase_verify((struct bytes){ NULL, 0 }, text), RC_BAD_LOGIN);
	assert_no_leak();
}

Test(passphrase, two_verifiers_of_one_passphrase_differ)
{
	char a[PASSPHRASE_TEXT], b[PASSPHRASE_TEXT];

	cr_assert_eq(passphrase_hash(bytes_str("same"), a), RC_OK);
	cr_assert_eq(passphrase_hash(bytes_str("same"), b), RC_OK);
	cr_assert_str_neq(a, b);
	cr_assert_eq(strncmp(a, "scrypt$15$8$1$", 14), 0);
}

Test(passphrase, a_verifier_of_another_implementation_is_understood)
{
	/* Python: hashlib.scrypt(b"pleaseletmein", salt=b"SodiumChloride!!", n=16384, r=8, p=1, dklen=32) */
	static const char text[] =
	    "scrypt$14$8$1$U29kaXVtQ2hsb3JpZGUhIQ$UmYyNDO_YRuFmsgA6JK5baM1qTJw1bFvX2are1D2OBc";

	cr_assert_eq(passphrase_verify(bytes_str("pleaseletmein"), text), RC_OK);
	cr_assert_eq(passphrase_verify(bytes_str("pleaseletmeout"), text), RC_BAD_LOGIN);
}

static const char *const unusable[] = {
	"",
	"scrypt",
	"scrypt$15$8$1$",
	"bcrypt$15$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"scrypt$30$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"scrypt$15$0$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"scrypt$15$8$9$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"scrypt$15$8$1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"scrypt$15$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
	"scrypt$-1$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"scrypt$15$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA$",
};

Test(passphrase, a_text_that_is_no_verifier_refuses)
{
	for (size_t i = 0; i < COUNT_OF(unusable); i++)
		cr_assert_eq(
		    passphrase_verify(bytes_str("any"), unusable[i]), RC_BAD_LOGIN, "%s", unusable[i]);
}

Test(passphrase, none_and_too_long_ones_cannot_be_set)
{
	static const uint8_t large[LIMIT_PASSPHRASE + 1];
	char text[PASSPHRASE_TEXT];

	cr_assert_eq(passphrase_hash(bytes_str(""), text), RC_INVALID);
	cr_assert_eq(passphrase_hash(BYTES_OF(large), text), RC_INVALID);
	cr_assert_eq(passphrase_hash((struct bytes){ large, LIMIT_PASSPHRASE }, text), RC_OK);
	cr_assert_eq(passphrase_verify(BYTES_OF(large), text), RC_BAD_LOGIN);
}

static double
cpu_seconds(const char *verifier)
{
	clock_t start = clock();

	cr_assert_eq(passphrase_verify(bytes_str("wrong"), verifier), RC_BAD_LOGIN);
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void
keep_less(double *least, double seconds)
{
	*least = seconds < *least ? seconds : *least;
}

Test(passphrase, an_unknown_person_costs_as_much_as_a_known_one)
{
	char text[PASSPHRASE_TEXT];
	double known = 1e9, unknown = 1e9, malformed = 1e9;

	cr_assert_eq(passphrase_hash(bytes_str("right"), text), RC_OK);
	/* the least of several, by turns: what else the machine does costs the one or the other more */
	for (unsigned i = 0; i < 4; i++) {
		keep_less(&known, cpu_seconds(text));
		keep_less(&unknown, cpu_seconds(NULL));
		keep_less(&malformed, cpu_seconds("nonsense"));
	}
	cr_assert(unknown > known / 2 && unknown < known * 2, "%f %f", known, unknown);
	cr_assert(malformed > known / 2 && malformed < known * 2, "%f %f", known, malformed);
}
