/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "domain/beds.h"

Test(beds, a_baby_sleeps_in_a_cot_only)
{
	cr_assert(beds_hold((struct beds){ 1, 0, 1 }, 1, 0, 1));
	cr_assert_not(beds_hold((struct beds){ 2, 2, 0 }, 1, 0, 1));
}

Test(beds, an_adult_does_not_sleep_in_a_child_bed)
{
	cr_assert_not(beds_hold((struct beds){ 1, 3, 0 }, 2, 0, 0));
}

Test(beds, a_child_may_take_an_adult_bed_that_is_left_over)
{
	cr_assert(beds_hold((struct beds){ 3, 1, 0 }, 1, 3, 0));
	cr_assert_not(beds_hold((struct beds){ 3, 1, 0 }, 1, 4, 0));
	cr_assert_not(beds_hold((struct beds){ 3, 1, 2 }, 1, 4, 0));
}

/* Who comes in two parties fits exactly when they would fit as one. */
Test(beds, what_is_left_holds_the_second_party_if_all_hold_both)
{
	for (unsigned n = 0; n < 4 * 4 * 4 * 4 * 4 * 4; n++) {
		struct beds all = { n % 4, n / 4 % 4, 1 };
		unsigned a = n / 16 % 4, c = n / 64 % 4, a2 = n / 256 % 4, c2 = n / 1024 % 4;

		if (!beds_hold(all, a, c, 0))
			continue;
		cr_assert_eq(beds_hold(beds_without(all, a, c, 0), a2, c2, 1),
		    beds_hold(all, a + a2, c + c2, 1), "%u", n);
	}
}

Test(beds, damaged_counts_leave_nothing_over)
{
	cr_assert_eq(beds_count(beds_without((struct beds){ 1, 1, 1 }, 200, 200, 200)), 0);
}
