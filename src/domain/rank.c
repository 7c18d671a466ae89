/* SPDX-License-Identifier: Apache-2.0 */
/* The order of candidates as one number, most weighty part in the highest bits.  Knows no house. */
#include "domain/rank.h"

#define AGE_MAX 4095u /* minutes: nearly three days, longer than any answer stays known */

/* What was said so long after now was said by a clock that was put back since.  A day and an hour: what is
 * counted for a day is asked as of its midnight. */
#define AHEAD_MOST (25 * 3600)

/* What the household asks for, in the table below: its case, but danger and step-out come first. */
enum wish { WISH_VIOLENCE, WISH_DANGER, WISH_TRAFFICKING, WISH_HOMELESSNESS, WISH_STEP_OUT, WISH_COUNT };

/*
 * How well a type suits, 0 = meant for it, 9 = last (ours).  A secret house is scarce and kept for danger; a
 * family home is a fallback for violence, since its address is known.
 */
static const uint8_t suits[WISH_COUNT][TYPE_COUNT] = {
	/*                     crisis secret halfway protected family, then the types that are off */
	[WISH_VIOLENCE] = { 0, 1, 3, 9, 2, 9, 9, 9, 9, 9, 9 },
	[WISH_DANGER] = { 1, 0, 3, 9, 2, 9, 9, 9, 9, 9, 9 },
	[WISH_TRAFFICKING] = { 3, 1, 2, 0, 9, 9, 9, 9, 9, 9, 9 },
	[WISH_HOMELESSNESS] = { 9, 9, 9, 9, 0, 9, 9, 9, 9, 9, 9 },
	[WISH_STEP_OUT] = { 1, 3, 0, 9, 2, 9, 9, 9, 9, 9, 9 },
};

static const uint8_t wish_of_case[CASE_COUNT] = {
	[CASE_PARTNER_VIOLENCE] = WISH_VIOLENCE,
	[CASE_CHILD_ABUSE] = WISH_VIOLENCE,
	[CASE_DANGER_TO_LIFE] = WISH_DANGER,
	[CASE_TRAFFICKING] = WISH_TRAFFICKING,
	[CASE_HOMELESSNESS] = WISH_HOMELESSNESS,
};

static unsigned
wish_of(const struct household *who)
{
	if (who->step_out)
		return WISH_STEP_OUT;
	if (who->danger_to_life && who->case_type != CASE_TRAFFICKING)
		return WISH_DANGER;
	return wish_of_case[who->case_type];
}

bool
freshness_is_known(int64_t confirmed_at, int64_t now)
{
	return confirmed_at > 0 && confirmed_at - now <= AHEAD_MOST;
}

enum freshness
freshness_of(int64_t confirmed_at, int64_t now, const struct freshness_rule *rule)
{
	if (!freshness_is_known(confirmed_at, now) || now - confirmed_at >= rule->unknown_after)
		return FRESH_UNKNOWN;
	return now - confirmed_at >= rule->aging_after ? FRESH_AGING : FRESH_NOW;
}

static uint32_t
age_minutes(int64_t confirmed_at, int64_t now)
{
	int64_t minutes = (now - confirmed_at) / 60;

	if (!freshness_is_known(confirmed_at, now) || minutes >= AGE_MAX)
		return AGE_MAX;
	return minutes < 0 ? 0 : (uint32_t)minutes;
}

/* A home whose address is public is a fallback for who flees: after every protected place that can be had. */
static uint32_t
group_of(const struct fit *fit)
{
	if (fit->answer >= ANSWER_WAITLIST)
		return 2;
	return fit->address_unprotected ? 1 : 0;
}

uint32_t
rank_score(const struct fit *fit, enum shelter_type type, const struct household *who, int64_t now,
    const struct freshness_rule *rule)
{
	uint32_t answer = fit->answer;
	uint32_t fresh = freshness_of(fit->confirmed_at, now, rule);
	uint32_t suited = suits[wish_of(who)][type];
	uint32_t spare = fit->spare; /* a byte, for which there are eight bits */

	return group_of(fit) << 30 | answer << 28 | fresh << 24 | suited << 20 | spare << 12 |
	    age_minutes(fit->confirmed_at, now);
}

enum banded
band_answer(unsigned fresh_capacity, unsigned other_chances)
{
	if (fresh_capacity > 0)
		return BANDED_YES;
	return other_chances > 0 ? BANDED_MAYBE : BANDED_NO;
}
