/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "domain/shares.h"

#define FEW SUPPRESS_MIN_HOUSES

Test(shares, are_rounded_to_steps_and_zeros_are_told)
{
	const struct stat_cell cells[] = { { .cases = 24, .houses = FEW }, { .cases = 9, .houses = FEW },
		{ 0 } };
	struct share out[3];

	shares_of(cells, 3, out);
	cr_expect_eq(out[0].percent, 75); /* 72.7 */
	cr_expect_eq(out[1].percent, 25); /* 27.3 */
	cr_expect(out[2].percent == 0 && !out[2].withheld);
}

Test(shares, of_nothing_are_zeros)
{
	const struct stat_cell cells[2] = { { 0 } };
	struct share out[2];

	shares_of(cells, 2, out);
	cr_expect(out[0].percent == 0 && !out[0].withheld && out[1].percent == 0 && !out[1].withheld);
}

/* A small one alone would be a hundred less the others. */
Test(shares, a_small_one_is_withheld_with_the_smallest_other)
{
	const struct stat_cell cells[] = { { .cases = 20, .houses = 7 }, { .cases = 8, .houses = FEW },
		{ .cases = 4, .houses = FEW }, { .cases = 9, .houses = FEW }, { 0 } };
	struct share out[5];

	shares_of(cells, 5, out);
	cr_expect(out[2].withheld && out[1].withheld && out[2].percent == 0 && out[1].percent == 0);
	cr_expect(!out[0].withheld && !out[3].withheld && !out[4].withheld);
}

Test(shares, many_cases_of_two_houses_are_small)
{
	const struct stat_cell cells[] = { { .cases = 500, .houses = 2 }, { .cases = 1, .houses = 1 } };
	struct share out[2];

	shares_of(cells, 2, out);
	cr_expect(out[0].withheld && out[1].withheld);
}

Test(shares, the_largest_counts_do_not_overflow)
{
	const struct stat_cell cells[] = { { .cases = UINT32_MAX, .houses = 9 },
		{ .cases = UINT32_MAX, .houses = 9 } };
	struct share out[2];

	shares_of(cells, 2, out);
	cr_expect_eq(out[0].percent, 50);
}

Test(shares, a_band_begins_where_the_one_before_ends)
{
	cr_expect_eq(band_of_waiting(-5), 0);
	cr_expect_eq(band_of_waiting(899), 0);
	cr_expect_eq(band_of_waiting(900), 1);
	cr_expect_eq(band_of_waiting(86399), 4);
	cr_expect_eq(band_of_waiting(86400), bands_of_waiting.count - 1);
	cr_expect_eq(band_of_stay(INT64_MAX), bands_of_stay.count - 1);
	cr_expect_eq(band_of_stay(28 * 86400 - 1), 1);
	cr_expect_eq(band_of_stay(28 * 86400), 2);
}

/* Beside zeros there is nothing to hide it among; that something happened is all that is told. */
Test(shares, a_small_one_among_zeros_is_withheld_alone)
{
	const struct stat_cell cells[] = { { 0 }, { .cases = 2, .houses = 1 }, { 0 } };
	struct share out[3];

	shares_of(cells, 3, out);
	cr_expect(out[1].withheld && out[1].percent == 0);
	cr_expect(!out[0].withheld && !out[2].withheld);
}
