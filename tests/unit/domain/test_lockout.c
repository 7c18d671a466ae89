/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "domain/lockout.h"

#define NOW  1800000000
#define HOUR 3600

static struct attempts
failed(unsigned times)
{
	struct attempts a = { 0 };

	for (unsigned i = 0; i < times; i++)
		lockout_fail(&a, NOW);
	return a;
}

Test(lockout, waits_grow_on_the_device_after_three_free_tries)
{
	static const unsigned waits[] = { 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900 };

	for (unsigned n = 0; n < sizeof(waits) / sizeof(*waits); n++) {
		const struct attempts a = failed(n);
		cr_expect_eq(lockout_wait(LOCKOUT_DEVICE, &a, NOW), waits[n], "%u failures", n);
	}
}

Test(lockout, nobody_waits_longer_than_a_quarter_of_an_hour_however_often_was_tried)
{
	const struct attempts a = failed(70000);

	cr_expect_eq(lockout_wait(LOCKOUT_DEVICE, &a, NOW), 900);
	cr_expect_eq(lockout_wait(LOCKOUT_DEVICE, &a, NOW + 899), 1);
	cr_expect_eq(lockout_wait(LOCKOUT_DEVICE, &a, NOW + 900), 0);
}

Test(lockout, other_devices_wait_for_half_a_minute_at_most)
{
	for (unsigned n = 0; n < 2000; n++) {
		const struct attempts a = failed(n);
		cr_assert_leq(lockout_wait(LOCKOUT_PERSON, &a, NOW), 30);
	}
	const struct attempts a = failed(2000);
	cr_expect_eq(lockout_wait(LOCKOUT_PERSON, &a, NOW), 30);
}

Test(lockout, a_shift_later_all_is_forgotten)
{
	struct attempts a = failed(50);

	cr_expect_eq(lockout_wait(LOCKOUT_DEVICE, &a, NOW + 12 * HOUR), 0);
	cr_expect(lockout_is_spent(&a, NOW + 12 * HOUR));
	cr_expect_not(lockout_is_spent(&a, NOW + 12 * HOUR - 1));
	lockout_fail(&a, NOW + 12 * HOUR);
	cr_expect_eq(a.failures, 1);
}

Test(lockout, a_right_passphrase_clears_the_device_and_makes_it_a_home)
{
	struct attempts a = failed(50);

	cr_expect_not(lockout_is_home(&a, NOW));
	cr_expect(lockout_succeed(&a, NOW));
	cr_expect_eq(lockout_wait(LOCKOUT_DEVICE, &a, NOW), 0);
	cr_expect(lockout_is_home(&a, NOW + 29 * 24 * HOUR));
	cr_expect_not(lockout_is_home(&a, NOW + 30 * 24 * HOUR));
	cr_expect_not(lockout_is_spent(&a, NOW));
	cr_expect_not(lockout_succeed(&a, NOW + HOUR), "nothing to write");
	cr_expect(lockout_succeed(&a, NOW + 25 * HOUR));
}

Test(lockout, failures_do_not_make_a_home_strange)
{
	struct attempts a = { 0 };

	cr_expect(lockout_succeed(&a, NOW));
	for (unsigned i = 0; i < 9; i++)
		lockout_fail(&a, NOW);
	cr_expect(lockout_is_home(&a, NOW));
}

Test(lockout, a_clock_that_was_set_back_makes_nobody_wait_for_longer)
{
	const struct attempts a = failed(50);

	cr_expect_eq(lockout_wait(LOCKOUT_DEVICE, &a, NOW - 900), 900);
	cr_expect_eq(lockout_wait(LOCKOUT_PERSON, &a, NOW - 30), 30);
}

/* Codes of a second factor are all wrong while the clock is ahead, so everybody fails often then. */
Test(lockout, who_failed_while_the_clock_was_days_ahead_gets_one_try_and_not_two)
{
	static const unsigned most[LOCKOUT_SCOPES] = { [LOCKOUT_DEVICE] = 900, [LOCKOUT_PERSON] = 30 };

	for (unsigned i = 0; i < LOCKOUT_SCOPES; i++) {
		const enum lockout_scope scope = (enum lockout_scope)i;
		struct attempts a = failed(50);
		const int64_t now = NOW - 72 * HOUR;

		cr_expect_eq(lockout_wait(scope, &a, NOW - most[i] - 1), 0, "scope %u", i);
		cr_expect_eq(lockout_wait(scope, &a, now), 0, "scope %u", i);
		lockout_fail(&a, now);
		cr_expect_eq(a.failures, 51, "nothing is forgiven");
		cr_expect_eq(lockout_wait(scope, &a, now), most[i], "scope %u", i);
		cr_expect_eq(lockout_wait(scope, &a, now + most[i] - 1), 1, "scope %u", i);
		cr_expect_eq(lockout_wait(scope, &a, now + most[i]), 0, "scope %u", i);
	}
}

Test(lockout, a_home_that_was_made_in_the_future_is_made_anew)
{
	struct attempts a = { .welcome_at = NOW + HOUR };

	cr_expect(lockout_succeed(&a, NOW));
	cr_expect_eq(a.welcome_at, NOW);
}
