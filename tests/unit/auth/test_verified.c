/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that were verified once: none is forgotten because a few others fall on the same place. */
#include <criterion/criterion.h>

#include <string.h>

#include "auth/verified.h"

/* All digests that begin alike share their places. */
static void
digest_of(unsigned n, uint8_t out[32])
{
	memset(out, 0, 32);
	out[31] = (uint8_t)n;
}

static void
add(struct verified *v, unsigned n, int64_t expires_at)
{
	const struct token token = { .claims.expires_at = expires_at };
	uint8_t digest[32];

	digest_of(n, digest);
	verified_add(v, digest, &token);
}

/* Its end, 0 if it is not known. */
static int64_t
end_of(struct verified *v, unsigned n)
{
	struct token token;
	uint8_t digest[32];

	digest_of(n, digest);
	return verified_find(v, digest, &token) ? token.claims.expires_at : 0;
}

Test(verified, four_that_fall_on_the_same_place_are_all_remembered)
{
	struct verified *v = verified_new();

	for (unsigned n = 0; n < 4; n++)
		add(v, n, 1000 + n);
	for (unsigned n = 0; n < 4; n++)
		cr_assert_eq(end_of(v, n), 1000 + n);
	cr_assert_eq(end_of(v, 4), 0, "one that nobody added");
	verified_free(v);
}

Test(verified, a_fifth_takes_the_place_of_the_one_that_ends_first)
{
	struct verified *v = verified_new();

	add(v, 0, 1003);
	add(v, 1, 1001);
	add(v, 2, 1002);
	add(v, 3, 1004);
	add(v, 4, 1005);
	cr_assert_eq(end_of(v, 1), 0);
	for (unsigned n = 0; n < 5; n++)
		cr_assert(n == 1 || end_of(v, n) > 0, "token %u is forgotten", n);
	verified_free(v);
}

Test(verified, one_that_is_added_again_takes_no_second_place)
{
	struct verified *v = verified_new();

	for (unsigned n = 0; n < 4; n++)
		add(v, n, 1000 + n);
	add(v, 2, 2000);
	cr_assert_eq(end_of(v, 2), 2000);
	for (unsigned n = 0; n < 4; n++)
		cr_assert(end_of(v, n) > 0, "token %u is forgotten", n);
	verified_free(v);
}
