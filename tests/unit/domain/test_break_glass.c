/* SPDX-License-Identifier: Apache-2.0 */
/* The glass: two people on two devices, minutes, once; and what stands behind a telling for who trusts no
 * writer. */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/break_glass.h"

#define NOON 1795258800

static const struct id lead = { { 1 } }, other = { { 2 } }, lead_device = { { 3 } }, other_device = { { 4 } },
		       telling = { { 5 } }, house = { { 6 } };
static struct break_glass glass;
static struct fault fault;

static void
setup(void)
{
	fault = (struct fault){ 0 };
	glass = (struct break_glass){ .id = { { 9 } },
		.shelter = house,
		.user = lead,
		.device = lead_device,
		.asked_at = NOON,
		.version = 1 };
}

TestSuite(break_glass, .init = setup);

static enum rc
agree(const struct id *user, const struct id *device, int64_t at)
{
	return break_glass_agree(&glass, user, device, at, &fault);
}

static enum rc
use(const struct id *user, int64_t at)
{
	return break_glass_use(&glass, user, &telling, at, &fault);
}

Test(break_glass, who_asked_cannot_agree_nor_can_anybody_on_that_device)
{
	const struct break_glass before = glass;

	cr_assert_eq(agree(&lead, &other_device, NOON + 1), RC_FORBIDDEN);
	cr_assert_eq(agree(&other, &lead_device, NOON + 1), RC_FORBIDDEN);
	cr_assert_eq(agree(&lead, &lead_device, NOON + 1), RC_FORBIDDEN);
	cr_assert_eq(memcmp(&glass, &before, sizeof(glass)), 0);
	cr_assert_eq(agree(&other, &other_device, NOON + 1), RC_OK);
	cr_assert_eq(agree(&other, &other_device, NOON + 2), RC_STATE_CONFLICT, "once");
}

Test(break_glass, it_must_be_agreed_within_ten_minutes)
{
	cr_assert_eq(break_glass_state(&glass, NOON + 599), GLASS_ASKED);
	cr_assert_eq(break_glass_until(&glass, NOON), NOON + 600);
	cr_assert_eq(break_glass_state(&glass, NOON + 600), GLASS_LAPSED);
	cr_assert_eq(break_glass_until(&glass, NOON + 600), 0);
	cr_assert_eq(agree(&other, &other_device, NOON + 600), RC_STATE_CONFLICT);
	cr_assert_eq(agree(&other, &other_device, NOON + 599), RC_OK);
}

Test(break_glass, it_is_told_once_to_who_asked_and_within_ten_minutes)
{
	cr_assert_eq(use(&lead, NOON), RC_STATE_CONFLICT, "nobody agreed");
	cr_assert_eq(agree(&other, &other_device, NOON + 100), RC_OK);
	cr_assert_eq(break_glass_until(&glass, NOON + 101), NOON + 700);
	cr_assert_eq(use(&other, NOON + 101), RC_FORBIDDEN);
	cr_assert_eq(use(&lead, NOON + 700), RC_STATE_CONFLICT);
	cr_assert_eq(break_glass_state(&glass, NOON + 700), GLASS_LAPSED);
	cr_assert_eq(use(&lead, NOON + 699), RC_OK);
	cr_assert_eq(break_glass_state(&glass, NOON + 699), GLASS_TOLD);
	cr_assert_eq(use(&lead, NOON + 699), RC_STATE_CONFLICT);
}

/* Two people at two nodes: clocks within ten seconds of the middle pass for equal.  What the vault would not
 * back was used all the same, and two people had to begin anew. */
Test(break_glass, clocks_of_two_nodes_that_differ_by_seconds_waste_none)
{
	cr_assert_eq(agree(&other, &other_device, NOON - 8), RC_OK);
	cr_expect_eq(glass.approved_at, NOON);
	cr_assert_eq(use(&lead, NOON - 7), RC_OK);
	cr_expect_eq(glass.told_at, NOON);
	cr_expect(break_glass_backs(&glass, &telling, &house, &lead, glass.told_at));
	setup();
	cr_assert_eq(agree(&other, &other_device, NOON + 108), RC_OK);
	cr_assert_eq(use(&lead, NOON + 100), RC_OK);
	cr_expect(break_glass_backs(&glass, &telling, &house, &lead, glass.told_at));
}

Test(break_glass, what_a_clock_wrote_that_ran_far_ahead_is_over_and_not_used_up)
{
	cr_expect_eq(break_glass_state(&glass, NOON - BREAK_GLASS_AHEAD), GLASS_ASKED);
	cr_expect_eq(break_glass_state(&glass, NOON - BREAK_GLASS_AHEAD - 1), GLASS_LAPSED);
	cr_expect_eq(agree(&other, &other_device, NOON - 86400), RC_STATE_CONFLICT);
	cr_assert_eq(agree(&other, &other_device, NOON + 100), RC_OK);
	cr_expect_eq(use(&lead, NOON - 86400), RC_STATE_CONFLICT);
	cr_expect_eq(glass.told_at, 0);
}

Test(break_glass, only_what_is_asked_for_confirmed_or_lived_in)
{
	static const bool is_possible[RES_STATES] = {
		[RES_REQUESTED] = true, [RES_CONFIRMED] = true, [RES_IN_STAY] = true
	};

	for (uint8_t state = 0; state < RES_STATES; state++) {
		struct reservation r = { .state = state, .expires_at = NOON + 60 };
		cr_assert_eq(break_glass_check(&r, NOON, &fault) == RC_OK, is_possible[state], "%u", state);
	}
	struct reservation late = { .state = RES_REQUESTED, .expires_at = NOON };
	cr_assert_eq(break_glass_check(&late, NOON, &fault), RC_HOLD_EXPIRED);
}

static bool
backs(void)
{
	return break_glass_backs(&glass, &telling, &house, &lead, NOON + 200);
}

static void
agree_and_tell(void)
{
	setup();
	cr_assert_eq(agree(&other, &other_device, NOON + 100), RC_OK);
	cr_assert_eq(use(&lead, NOON + 200), RC_OK);
	cr_assert(backs());
}

/* A record that was forged or bent in any one place stands behind nothing. */
Test(break_glass, a_forged_record_backs_nothing)
{
	agree_and_tell();
	glass.second = lead;
	cr_assert_not(backs());
	agree_and_tell();
	glass.second = (struct id){ { 0 } };
	cr_assert_not(backs());
	agree_and_tell();
	glass.second_device = lead_device;
	cr_assert_not(backs());
	agree_and_tell();
	glass.disclosure = lead;
	cr_assert_not(backs());
	agree_and_tell();
	glass.shelter = lead;
	cr_assert_not(backs());
	agree_and_tell();
	glass.approved_at = 0;
	cr_assert_not(backs());
	agree_and_tell();
	glass.approved_at = glass.asked_at + BREAK_GLASS_APPROVE;
	cr_assert_not(backs());
	agree_and_tell();
	glass.approved_at = NOON - 1;
	cr_assert_not(backs(), "agreed before it was asked");
	agree_and_tell();
	glass.second_device = (struct id){ { 0 } };
	cr_assert_not(backs());
	agree_and_tell();
	glass.approved_at = NOON + 201;
	cr_assert_not(backs(), "told before it was agreed");
	agree_and_tell();
	glass.asked_at = NOON - 599;
	glass.approved_at = NOON - 400;
	cr_assert_not(backs(), "told ten minutes after it was agreed");
	agree_and_tell();
	glass.told_at = 0;
	cr_assert_not(backs());
	agree_and_tell();
	cr_assert_not(break_glass_backs(&glass, &telling, &house, &lead, NOON + 201));
	cr_assert_not(break_glass_backs(&glass, &telling, &house, &other, NOON + 200));
	cr_assert_not(break_glass_backs(&glass, &lead, &house, &lead, NOON + 200));
}
