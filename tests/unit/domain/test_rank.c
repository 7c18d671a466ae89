/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "domain/rank.h"
#include "shelters.h"

static const struct freshness_rule rule = { 4 * 3600, 24 * 3600 };

static uint32_t
score(enum answer answer, int64_t age, enum shelter_type type, unsigned spare)
{
	struct household who = mother_with(2);
	struct fit fit = { .answer = (uint8_t)answer, .spare = (uint8_t)spare, .confirmed_at = NOON - age };

	return rank_score(&fit, type, &who, NOON, &rule);
}

Test(rank, freshness_turns_at_the_configured_ages)
{
	static const struct {
		int64_t age;
		enum freshness is;
	} rows[] = { { 0, FRESH_NOW }, { 4 * 3600 - 1, FRESH_NOW }, { 4 * 3600, FRESH_AGING },
		{ 24 * 3600 - 1, FRESH_AGING }, { 24 * 3600, FRESH_UNKNOWN }, { -60, FRESH_NOW },
		{ -25 * 3600, FRESH_NOW },
		/* nobody would be asked again until that day */
		{ -25 * 3600 - 1, FRESH_UNKNOWN }, { -72 * 3600, FRESH_UNKNOWN } };

	for (unsigned i = 0; i < COUNT_OF(rows); i++)
		cr_assert_eq(freshness_of(NOON - rows[i].age, NOON, &rule), rows[i].is, "row %u", i);
	cr_assert_eq(freshness_of(0, NOON, &rule), FRESH_UNKNOWN);
}

Test(rank, what_a_clock_said_that_ran_ahead_comes_after_all_that_is_known)
{
	cr_assert_gt(score(ANSWER_CAPACITY, -72 * 3600, TYPE_CRISIS_CENTRE, 0),
	    score(ANSWER_CAPACITY, 5 * 3600, TYPE_CRISIS_CENTRE, 0));
	cr_assert_eq(score(ANSWER_CAPACITY, -72 * 3600, TYPE_CRISIS_CENTRE, 0),
	    score(ANSWER_CAPACITY, 72 * 3600, TYPE_CRISIS_CENTRE, 0));
}

/* Each row is better than the next, whatever the later parts say. */
Test(rank, answer_then_freshness_then_type_then_spare_then_age)
{
	uint32_t rows[] = {
		score(ANSWER_CAPACITY, 60, TYPE_CRISIS_CENTRE, 0),
		score(ANSWER_CAPACITY, 3600, TYPE_CRISIS_CENTRE, 0),
		score(ANSWER_CAPACITY, 60, TYPE_CRISIS_CENTRE, 1),
		score(ANSWER_CAPACITY, 60, TYPE_FAMILY_HOME, 0),
		score(ANSWER_CAPACITY, 5 * 3600, TYPE_CRISIS_CENTRE, 0),
		score(ANSWER_CAPACITY, NOON, TYPE_CRISIS_CENTRE, 0),
		score(ANSWER_ASSESSMENT, 60, TYPE_CRISIS_CENTRE, 0),
		score(ANSWER_WAITLIST, 60, TYPE_CRISIS_CENTRE, 0),
		score(ANSWER_NO_CAPACITY, 60, TYPE_CRISIS_CENTRE, 0),
	};

	for (unsigned i = 1; i < COUNT_OF(rows); i++)
		cr_assert_lt(rows[i - 1], rows[i], "row %u", i);
}

Test(rank, a_public_address_comes_after_every_protected_place_that_can_be_had)
{
	const struct household who = { .case_type = CASE_PARTNER_VIOLENCE, .women = 1 };
	const struct fit public_now = {
		.answer = ANSWER_CAPACITY, .address_unprotected = true, .confirmed_at = NOON
	};
	const struct fit protected_old = { .answer = ANSWER_ASSESSMENT, .confirmed_at = 0, .spare = 9 };
	const struct fit protected_later = { .answer = ANSWER_WAITLIST, .confirmed_at = NOON };

	cr_assert_lt(rank_score(&protected_old, TYPE_SECRET_HOUSE, &who, NOON, &rule),
	    rank_score(&public_now, TYPE_FAMILY_HOME, &who, NOON, &rule));
	cr_assert_lt(rank_score(&public_now, TYPE_FAMILY_HOME, &who, NOON, &rule),
	    rank_score(&protected_later, TYPE_CRISIS_CENTRE, &who, NOON, &rule));
}

Test(rank, each_wish_has_the_type_that_is_meant_for_it_first)
{
	static const struct {
		uint8_t case_type;
		bool danger, step_out;
		enum shelter_type best;
	} rows[] = {
		{ CASE_PARTNER_VIOLENCE, false, false, TYPE_CRISIS_CENTRE },
		{ CASE_CHILD_ABUSE, false, false, TYPE_CRISIS_CENTRE },
		{ CASE_PARTNER_VIOLENCE, true, false, TYPE_SECRET_HOUSE },
		{ CASE_DANGER_TO_LIFE, false, false, TYPE_SECRET_HOUSE },
		{ CASE_TRAFFICKING, false, false, TYPE_PROTECTED_SHELTER },
		{ CASE_TRAFFICKING, true, false, TYPE_PROTECTED_SHELTER },
		{ CASE_HOMELESSNESS, false, false, TYPE_FAMILY_HOME },
		{ CASE_PARTNER_VIOLENCE, false, true, TYPE_HALFWAY_HOUSE },
	};
	struct fit fit = { .answer = ANSWER_CAPACITY, .confirmed_at = NOON };

	for (unsigned i = 0; i < COUNT_OF(rows) * TYPE_COUNT; i++) {
		unsigned row = i / TYPE_COUNT;
		enum shelter_type type = (enum shelter_type)(i % TYPE_COUNT);
		struct household who = mother_with(1);

		who.case_type = rows[row].case_type;
		who.danger_to_life = rows[row].danger;
		who.step_out = rows[row].step_out;
		if (type != rows[row].best)
			cr_assert_lt(rank_score(&fit, rows[row].best, &who, NOON, &rule),
			    rank_score(&fit, type, &who, NOON, &rule), "row %u type %u", row, type);
	}
}

Test(rank, only_a_fresh_place_is_a_yes)
{
	cr_assert_eq(band_answer(1, 0), BANDED_YES);
	cr_assert_eq(band_answer(1, 5), BANDED_YES);
	cr_assert_eq(band_answer(0, 5), BANDED_MAYBE);
	cr_assert_eq(band_answer(0, 0), BANDED_NO);
}

/* Age and spare places have a few bits each: more than they hold must not run over into what stands above. */
Test(rank, beyond_its_measure_nothing_changes)
{
	const uint32_t days = score(ANSWER_WAITLIST, 3 * 86400, TYPE_CRISIS_CENTRE, 0);

	cr_assert_eq(score(ANSWER_WAITLIST, 300 * 86400, TYPE_CRISIS_CENTRE, 0), days);
	cr_assert_eq(score(ANSWER_CAPACITY, -3600, TYPE_CRISIS_CENTRE, 0),
	    score(ANSWER_CAPACITY, 0, TYPE_CRISIS_CENTRE, 0));
	cr_assert_lt(score(ANSWER_CAPACITY, 0, TYPE_CRISIS_CENTRE, 255),
	    score(ANSWER_CAPACITY, 0, TYPE_SECRET_HOUSE, 0));
}
