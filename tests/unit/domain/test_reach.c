/* SPDX-License-Identifier: Apache-2.0 */
/* What a search may leave out unseen: never a house that fits, and houses of one class answer alike. */
#include <criterion/criterion.h>

#include "domain/fit.h"
#include "domain/reach.h"
#include "shelters.h"

static uint64_t seed;

static struct shelter
any_shelter(void)
{
	struct shelter s = shelter_of((enum shelter_type)random_up_to(&seed, TYPE_FAMILY_HOME + 1));

	s.county = (uint8_t)random_up_to(&seed, COUNTY_COUNT);
	s.is_open = random_up_to(&seed, 8) != 0;
	s.retired = random_up_to(&seed, 20) == 0;
	s.licensed_capacity = (uint16_t)(1 + random_up_to(&seed, 20));
	s.admission = (struct admission){ .women_alone = random_up_to(&seed, 2),
		.men = random_up_to(&seed, 2),
		.fathers = random_up_to(&seed, 2),
		.boy_max_age = (uint8_t)random_up_to(&seed, 18),
		.own_room_boy_age = (uint8_t)(random_up_to(&seed, 2) * 14),
		.max_children = (uint8_t)random_up_to(&seed, 4),
		.adult_sibling = random_up_to(&seed, 2),
		.partner = random_up_to(&seed, 2),
		.pets = random_up_to(&seed, 2),
		.acute_addiction = random_up_to(&seed, 2),
		.acute_psychiatric = random_up_to(&seed, 2),
		.own_county = random_up_to(&seed, 2),
		.assessment_first = random_up_to(&seed, 2),
		.waitlist = random_up_to(&seed, 2),
		.languages = random_up_to(&seed, 8) };
	return s;
}

static void
any_house(struct house *h)
{
	*h = (struct house){ .shelter = id_of(9000) };
	for (unsigned n = 1 + random_up_to(&seed, 8); n > 0; n--) {
		unsigned i =
		    add_unit(h, random_up_to(&seed, 4), random_up_to(&seed, 4), random_up_to(&seed, 3));
		struct unit *u = &h->units[i];

		u->shared = random_up_to(&seed, 4) == 0;
		u->join_group = (uint8_t)random_up_to(&seed, 3);
		u->step_free = random_up_to(&seed, 2);
		u->own_rooms = random_up_to(&seed, 4) == 0;
		u->out_of_use = random_up_to(&seed, 9) == 0;
		u->retired = random_up_to(&seed, 9) == 0;
		u->other_adults = random_up_to(&seed, 4) == 0;
		if (random_up_to(&seed, 3) == 0)
			h->allocations[h->allocation_count++] =
			    share_of(i, UNIT_BIT(i), 1, random_up_to(&seed, 2),
				random_up_to(&seed, 3) * (NOON + random_up_to(&seed, 60)));
	}
}

static struct household
any_household(void)
{
	struct household who = mother_with(random_up_to(&seed, 5));

	who.case_type = (uint8_t)random_up_to(&seed, CASE_COUNT);
	who.women = (uint8_t)random_up_to(&seed, 3);
	who.men = (uint8_t)random_up_to(&seed, 2);
	who.pregnant = random_up_to(&seed, 4) == 0;
	who.danger_to_life = random_up_to(&seed, 2);
	who.step_out = random_up_to(&seed, 2);
	who.partner = random_up_to(&seed, 4) == 0;
	who.siblings = (uint8_t)(random_up_to(&seed, 4) == 0);
	who.would_be_separated = random_up_to(&seed, 2);
	who.step_free = random_up_to(&seed, 3) == 0;
	who.pet = random_up_to(&seed, 3) == 0;
	who.acute_addiction = random_up_to(&seed, 5) == 0;
	who.acute_psychiatric = random_up_to(&seed, 5) == 0;
	who.languages = random_up_to(&seed, 16);
	who.home_county = (uint8_t)random_up_to(&seed, COUNTY_COUNT);
	who.danger_counties = random_up_to(&seed, 3) == 0 ? 1u << random_up_to(&seed, COUNTY_COUNT) : 0;
	for (unsigned i = 0; i < who.child_count; i++)
		who.children[i] = (struct child){ (uint8_t)random_up_to(&seed, SEX_COUNT),
			(uint8_t)random_up_to(&seed, BAND_COUNT) };
	return who;
}

Test(reach, a_house_that_fits_now_or_once_its_holds_run_out_is_within_reach)
{
	unsigned within = 0, fitting = 0;
	struct house h;

	seed = 42;
	for (unsigned i = 0; i < 60000; i++) {
		const struct shelter s = any_shelter();
		const struct household who = any_household();
		const int64_t now = NOON - 5 + random_up_to(&seed, 130);
		struct reach have, need;
		enum fit_reason why;
		bool fits;

		any_house(&h);
		reach_of_house(&s, &h, &have);
		reach_of_household(&who, &need);
		fits = fit_choose_units(&h, &s, &who, now, &why) != 0;
		within += reach_holds(&have, &need);
		fitting += fits;
		cr_assert(!fits || reach_holds(&have, &need), "house %u is hidden and fits", i);
		cr_assert(!fits || reach_step(&have) >= REACH_STEPS - 1 ||
			reach_step(&have) >= household_persons(&who),
		    "house %u", i);
	}
	cr_expect_gt(fitting, 5000);
	cr_expect_lt(within, 2 * fitting, "%u within reach, %u fit: the bound is of no use", within, fitting);
}

Test(reach, a_chunk_holds_what_any_of_it_holds)
{
	struct reach all = { 0 }, one, need = { .adults = 2, .beds = 3, .places = 3, .room = 3 };
	struct house h = { 0 };
	struct shelter s = shelter_of(TYPE_CRISIS_CENTRE);

	cr_expect_not(reach_holds(&all, &need));
	(void)add_unit(&h, 2, 1, 0);
	reach_of_house(&s, &h, &one);
	reach_join(&all, &one);
	cr_expect(reach_holds(&all, &need));
	s.licensed_capacity = 2;
	reach_of_house(&s, &h, &one);
	cr_expect_not(reach_holds(&one, &need));
	cr_expect_eq(reach_step(&one), 2);
}

/* One member is changed at a time: either the class tells them apart or nobody's answer does. */
Test(reach, houses_of_one_class_get_the_same_answer_of_the_rules)
{
	unsigned alike = 0;

	seed = 43;
	for (unsigned i = 0; i < 4000; i++) {
		struct shelter a = any_shelter(), b = any_shelter(), c = a;
		uint8_t ka[FIT_CLASS_BYTES], kc[FIT_CLASS_BYTES];
		const size_t at = random_up_to(&seed, sizeof(struct admission));

		if (random_up_to(&seed, 3) == 0)
			c.county = b.county;
		else if (random_up_to(&seed, 3) == 0)
			c.licensed_capacity = b.licensed_capacity;
		else
			((uint8_t *)&c.admission)[at] = ((uint8_t *)&b.admission)[at];
		fit_class(&a, ka);
		fit_class(&c, kc);
		if (memcmp(ka, kc, sizeof(ka)) != 0)
			continue;
		alike++;
		for (unsigned k = 0; k < 50; k++) {
			const struct household who = any_household();
			struct fit_asker asker;
			struct fit fa, fc;

			fit_ask(&who, PATH_HELPLINE, &asker);
			fit_rules(&a, &asker, &fa);
			fit_rules(&c, &asker, &fc);
			cr_assert(
			    fa.answer == fc.answer && fa.reason_count == fc.reason_count, "houses %u", i);
			cr_assert_eq(memcmp(fa.reasons, fc.reasons, sizeof(fa.reasons)), 0, "houses %u", i);
			cr_assert_eq(fa.address_unprotected, fc.address_unprotected, "houses %u", i);
		}
	}
	cr_expect_gt(alike, 500);
}

/* Left out is only what no house could have said: all rules give the same answer, and fewer are asked. */
Test(reach, rules_that_do_not_concern_a_household_would_have_refused_it_nowhere)
{
	struct fit_asker all = { .rule_count = FIT_RULES };
	unsigned refused = 0, asked = 0;

	seed = 44;
	for (uint8_t i = 0; i < FIT_RULES; i++)
		all.rules[i] = i;
	for (unsigned i = 0; i < 20000; i++) {
		struct household who = any_household();
		struct fit_asker some;

		if (random_up_to(&seed, 3) == 0)
			who.home_county = CODE_NONE;
		all.who = &who;
		all.path = random_up_to(&seed, 3) == 0 ? PATH_FAMILY_SUPPORT : PATH_HELPLINE;
		fit_ask(&who, all.path, &some);
		cr_assert_leq(some.rule_count, FIT_RULES);
		asked += some.rule_count;
		for (unsigned k = 0; k < 10; k++) {
			const struct shelter s = any_shelter();
			struct fit fa, fs;

			fit_rules(&s, &all, &fa);
			fit_rules(&s, &some, &fs);
			refused += fa.reason_count > 0;
			cr_assert_eq(fs.answer, fa.answer, "household %u", i);
			cr_assert_eq(fs.reason_count, fa.reason_count, "household %u", i);
			cr_assert_arr_eq(fs.reasons, fa.reasons, sizeof(fa.reasons), "household %u", i);
			cr_assert_eq(fs.address_unprotected, fa.address_unprotected, "household %u", i);
		}
	}
	cr_expect_gt(refused, 100000);
	cr_expect_lt(asked, 20000 * (FIT_RULES - 4), "%u rules asked", asked);
}

/* Eight units of forty places are more than a byte holds: the bound stays above what any household needs. */
Test(reach, a_group_larger_than_a_byte_is_as_large_as_a_byte)
{
	struct shelter s = shelter_of(TYPE_CRISIS_CENTRE);
	struct house h = { 0 };
	struct reach have;

	for (unsigned i = 0; i < JOIN_GROUP_UNITS; i++)
		h.units[add_unit(&h, LIMIT_PLACES, 0, 0)].join_group = 1;
	s.licensed_capacity = 1000;
	reach_of_house(&s, &h, &have);
	cr_assert(have.adults == UINT8_MAX && have.places == UINT8_MAX && have.room == UINT8_MAX);
}
