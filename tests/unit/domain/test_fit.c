/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "shelters.h"

static struct shelter shelter;
static struct household who;
static struct house house;

static void
setup(void)
{
	shelter = shelter_of(TYPE_CRISIS_CENTRE);
	who = mother_with(2);
	house = (struct house){ .shelter = shelter.id };
	add_unit(&house, 2, 2, 1);
}

TestSuite(fit, .init = setup);

static struct fit
ask_rules(enum path_in path)
{
	struct fit_asker asker;
	struct fit fit;

	fit_ask(&who, path, &asker);
	fit_rules(&shelter, &asker, &fit);
	return fit;
}

static struct fit
ask(void)
{
	struct fit fit;

	fit_house(&shelter, &house, &who, PATH_HELPLINE, NOON, &fit);
	return fit;
}

static void
assert_only(enum fit_reason reason)
{
	struct fit fit = ask_rules(PATH_HELPLINE);

	cr_assert_eq(fit.reason_count, 1, "%u reasons, first %u", fit.reason_count, fit.reasons[0]);
	cr_assert_eq(fit.reasons[0], reason);
	cr_assert_eq(fit.answer, ANSWER_NO_CAPACITY);
}

static void
assert_fits(void)
{
	struct fit fit = ask_rules(PATH_HELPLINE);

	cr_assert_eq(fit.reason_count, 0, "reason %u", fit.reasons[0]);
	cr_assert_eq(fit.answer, ANSWER_CAPACITY);
}

/* DOMAIN 2 walked whole: for each type and case, is a mother with two girls a candidate? "+": also in danger
 * only. */
Test(fit, each_type_takes_its_own_cases)
{
	static const struct {
		enum shelter_type type;
		const char
		    *cases; /* partner violence, child abuse, danger to life, trafficking, homelessness */
	} rows[] = {
		{ TYPE_CRISIS_CENTRE, "yyy.." },
		{ TYPE_SECRET_HOUSE, "++y+." },
		{ TYPE_HALFWAY_HOUSE, "....." },
		{ TYPE_PROTECTED_SHELTER, "...y." },
		{ TYPE_FAMILY_HOME, "yyy.y" },
		{ TYPE_NIGHT_SHELTER, "....." },
		{ TYPE_HOSTEL, "....." },
		{ TYPE_ELDERLY_HOME, "....." },
		{ TYPE_DISABLED_HOME, "....." },
		{ TYPE_PSYCHIATRIC_HOME, "....." },
		{ TYPE_ADDICTION_HOME, "....." },
	};

	cr_assert_eq(COUNT_OF(rows), TYPE_COUNT);
	for (unsigned i = 0; i < TYPE_COUNT * CASE_COUNT; i++) {
		char cell = rows[i / CASE_COUNT].cases[i % CASE_COUNT];

		shelter.type = (uint8_t)rows[i / CASE_COUNT].type;
		who.case_type = (uint8_t)(i % CASE_COUNT);
		who.danger_to_life = false;
		cr_assert_eq(ask_rules(PATH_HELPLINE).reason_count == 0, cell == 'y', "row %u", i);
		who.danger_to_life = true;
		cr_assert_eq(
		    ask_rules(PATH_HELPLINE).reason_count == 0, cell == 'y' || cell == '+', "row %u", i);
	}
}

Test(fit, secret_house_is_closed_until_danger_to_life_is_stated)
{
	shelter.type = TYPE_SECRET_HOUSE;
	assert_only(FIT_NOT_YET_STATED);
	who.danger_to_life = true;
	assert_fits();
}

Test(fit, halfway_house_is_never_in_an_emergency_search)
{
	shelter.type = TYPE_HALFWAY_HOUSE;
	assert_only(FIT_NOT_EMERGENCY);
	who.step_out = true;
	assert_fits();
}

Test(fit, family_support_reaches_family_homes_only)
{
	for (unsigned t = 0; t < TYPE_COUNT; t++) {
		struct fit fit;

		shelter.type = (uint8_t)t;
		who.case_type = t == TYPE_PROTECTED_SHELTER ? CASE_TRAFFICKING : CASE_DANGER_TO_LIFE;
		who.step_out = true;
		fit = ask_rules(PATH_FAMILY_SUPPORT);
		cr_assert_eq(fit.reason_count == 0, t == TYPE_FAMILY_HOME, "type %u", t);
	}
	shelter.type = TYPE_CRISIS_CENTRE;
	cr_assert_eq(ask_rules(PATH_FAMILY_SUPPORT).reasons[0], FIT_HELPLINE_ONLY);
}

Test(fit, family_home_says_that_its_address_is_not_protected)
{
	shelter.type = TYPE_FAMILY_HOME;
	cr_assert(ask_rules(PATH_HELPLINE).address_unprotected);
	who.case_type = CASE_HOMELESSNESS;
	cr_assert_not(ask_rules(PATH_HELPLINE).address_unprotected);
	who.danger_to_life = true;
	cr_assert(ask_rules(PATH_HELPLINE).address_unprotected);
	shelter.type = TYPE_CRISIS_CENTRE;
	who.case_type = CASE_CHILD_ABUSE;
	cr_assert_not(ask_rules(PATH_HELPLINE).address_unprotected);
}

Test(fit, family_home_needs_a_child_or_a_pregnancy)
{
	shelter.type = TYPE_FAMILY_HOME;
	who.child_count = 0;
	assert_only(FIT_NO_WOMEN_ALONE);
	who.pregnant = true;
	assert_fits();
}

Test(fit, women_alone_are_taken_where_the_house_says_so)
{
	who.child_count = 0;
	assert_fits();
	shelter.admission.women_alone = false;
	assert_only(FIT_NO_WOMEN_ALONE);
	who.pregnant = true;
	assert_fits();
}

Test(fit, men_are_taken_where_the_house_says_so)
{
	who.child_count = 0;
	who.women = 0;
	who.men = 1;
	assert_only(FIT_NO_MEN);
	shelter.admission.fathers = true;
	assert_only(FIT_NO_MEN);
	shelter.admission.men = true;
	assert_fits();
	shelter.admission.women_alone = false;
	assert_fits();
}

Test(fit, fathers_are_taken_where_the_house_says_so)
{
	who.men = 1;
	assert_only(FIT_NO_FATHERS);
	shelter.admission.men = true;
	assert_only(FIT_NO_FATHERS);
	shelter.admission.fathers = true;
	assert_fits();
}

Test(fit, a_closed_or_retired_house_takes_nobody)
{
	shelter.is_open = false;
	assert_only(FIT_CLOSED);
	shelter.is_open = true;
	shelter.retired = true;
	assert_only(FIT_CLOSED);
}

Test(fit, a_danger_county_is_a_hard_exclusion)
{
	who.danger_counties = 1u << COUNTY_ZALA | 1u << COUNTY_PEST;
	assert_only(FIT_DANGER_COUNTY);
	who.danger_counties = 1u << COUNTY_PEST | 1u << COUNTY_CSONGRAD;
	assert_fits();
}

Test(fit, a_family_home_is_excluded_by_its_own_county_alone)
{
	shelter = shelter_of(TYPE_FAMILY_HOME);
	who.danger_counties = 1u << COUNTY_VAS | 1u << COUNTY_GYOR;
	assert_fits();
	who.danger_counties = 1u << COUNTY_ZALA;
	assert_only(FIT_DANGER_COUNTY);
}

Test(fit, people_of_its_own_county_are_taken_where_the_house_says_so)
{
	shelter.admission.own_county = false;
	assert_fits();
	who.home_county = COUNTY_TOLNA;
	assert_fits();
	who.home_county = COUNTY_ZALA;
	assert_only(FIT_OWN_COUNTY);
	who.home_county = COUNTY_VAS; /* of the same region */
	assert_only(FIT_OWN_COUNTY);
}

Test(fit, a_boy_above_the_limit_is_refused_and_a_girl_is_not)
{
	static const struct {
		uint8_t limit, band;
		bool fits;
	} rows[] = { { 13, BAND_10_13, true }, { 13, BAND_14_15, false }, { 14, BAND_14_15, false },
		{ 15, BAND_14_15, true }, { 15, BAND_16_17, false }, { 17, BAND_16_17, true },
		{ 12, BAND_10_13, false }, { 2, BAND_0_2, true } };

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		shelter.admission.boy_max_age = rows[i].limit;
		who.children[0] = who.children[1] = (struct child){ SEX_FEMALE, BAND_16_17 };
		assert_fits();
		who.children[1] = (struct child){ SEX_MALE, rows[i].band };
		cr_assert_eq(ask_rules(PATH_HELPLINE).reason_count == 0, rows[i].fits, "row %u", i);
		if (!rows[i].fits)
			assert_only(FIT_BOY_TOO_OLD);
	}
}

Test(fit, no_more_children_than_the_house_takes)
{
	shelter.admission.max_children = 2;
	assert_fits();
	shelter.admission.max_children = 1;
	assert_only(FIT_TOO_MANY_CHILDREN);
}

Test(fit, a_sibling_comes_to_a_family_home_only_to_stay_together)
{
	shelter.type = TYPE_FAMILY_HOME;
	who.siblings = 1;
	who.sibling = SIBLING_18_20;
	who.would_be_separated = true;
	assert_only(FIT_SIBLING);
	shelter.admission.adult_sibling = true;
	assert_fits();
	who.would_be_separated = false;
	assert_only(FIT_SIBLING);
}

Test(fit, a_partner_comes_to_a_family_home_only_to_stay_together)
{
	shelter.type = TYPE_FAMILY_HOME;
	who.partner = true;
	who.would_be_separated = true;
	assert_only(FIT_PARTNER);
	shelter.admission.partner = true;
	assert_fits();
	who.would_be_separated = false;
	assert_only(FIT_PARTNER);
}

Test(fit, a_partner_never_comes_to_a_crisis_centre)
{
	shelter.admission.partner = true;
	who.partner = who.would_be_separated = true;
	assert_only(FIT_PARTNER);
}

Test(fit, pets_are_the_houses_choice_and_assistance_animals_are_not)
{
	who.assistance_animal = true;
	assert_fits();
	who.pet = true;
	assert_only(FIT_NO_PETS);
	shelter.admission.pets = true;
	assert_fits();
}

Test(fit, one_common_language_is_enough_and_every_house_speaks_hungarian)
{
	who.languages = 1u << TONGUE_HU | 1u << TONGUE_UK;
	assert_fits();
	who.languages = 1u << TONGUE_UK | 1u << TONGUE_RU;
	assert_only(FIT_LANGUAGE);
	shelter.admission.languages = 1u << TONGUE_RU;
	assert_fits();
	who.languages = 0;
	assert_fits();
}

Test(fit, acute_states_are_taken_where_the_house_says_so)
{
	who.acute_addiction = true;
	assert_only(FIT_ACUTE_ADDICTION);
	shelter.admission.acute_addiction = true;
	assert_fits();
	who.acute_psychiatric = true;
	assert_only(FIT_ACUTE_PSYCHIATRIC);
	shelter.admission.acute_psychiatric = true;
	assert_fits();
}

Test(fit, all_reasons_are_told_most_basic_first_and_at_most_eight)
{
	struct fit fit;

	who.women = 0;
	who.men = 1;
	who.case_type = CASE_HOMELESSNESS;
	who.danger_counties = 1u << COUNTY_ZALA;
	who.home_county = COUNTY_ZALA;
	who.children[0] = (struct child){ SEX_MALE, BAND_16_17 };
	who.pet = who.partner = who.acute_addiction = who.acute_psychiatric = true;
	shelter.admission = (struct admission){ .max_children = 1 };
	shelter.is_open = false;
	fit = ask_rules(PATH_FAMILY_SUPPORT);
	cr_assert_eq(fit.reason_count, LIMIT_REASONS);
	cr_assert_eq(fit.reasons[0], FIT_TYPE_NOT_FOR_CASE);
	for (unsigned i = 1; i < fit.reason_count; i++)
		cr_assert_lt(fit.reasons[i - 1], fit.reasons[i]);
}

Test(fit, a_free_unit_is_capacity_and_can_be_taken)
{
	struct fit fit = ask();
	struct id id = id_of(1);
	struct allocation share;

	cr_assert_eq(fit.answer, ANSWER_CAPACITY);
	cr_assert(fit.units == UNIT_BIT(0) && fit.unit_count == 1 && fit.places == 5 && fit.spare == 2);
	cr_assert_eq(fit.confirmed_at, NOON - 3600);
	fit_allocation(&who, fit.units, &id, NOON + 1800, &share);
	cr_assert_eq(house_take(&house, &shelter, &share, NOON), RC_OK);
	cr_assert_eq(ask().answer, ANSWER_NO_CAPACITY);
}

Test(fit, a_share_counts_adults_children_and_babies_apart)
{
	struct id id = id_of(1);
	struct allocation share;

	who.children[0].band = BAND_0_2;
	who.partner = true;
	who.siblings = 1;
	fit_allocation(&who, 5, &id, 77, &share);
	cr_assert(share.adults == 3 && share.children == 1 && share.babies == 1);
	cr_assert(share.units == 5 && share.expires_at == 77 && id_equal(&share.reservation, &id));
}

Test(fit, a_house_that_assesses_first_says_so)
{
	shelter.admission.assessment_first = true;
	cr_assert_eq(ask().answer, ANSWER_ASSESSMENT);
	cr_assert_eq(ask().units, UNIT_BIT(0));
}

Test(fit, a_full_house_with_a_waitlist_offers_it)
{
	house.units[0].other_adults = 1;
	cr_assert_eq(ask().answer, ANSWER_NO_CAPACITY);
	cr_assert_eq(ask().reasons[0], FIT_ALL_TAKEN);
	shelter.admission.waitlist = true;
	cr_assert_eq(ask().answer, ANSWER_WAITLIST);
	cr_assert_eq(ask().reasons[0], FIT_ALL_TAKEN);
	cr_assert_eq(ask().units, 0);
	cr_assert_eq(ask().confirmed_at, NOON - 3600);
}

Test(fit, nobody_is_told_to_wait_for_a_house_that_is_too_small)
{
	shelter.admission.waitlist = true;
	who.women = 5;
	cr_assert_eq(ask().answer, ANSWER_NO_CAPACITY);
	cr_assert_eq(ask().reasons[0], FIT_NO_LARGE_UNIT);
	who.women = 1;
	shelter.licensed_capacity = 2;
	cr_assert_eq(ask().answer, ANSWER_NO_CAPACITY);
	cr_assert_eq(ask().reasons[0], FIT_LICENSED_FULL);
}

Test(fit, a_household_that_fills_the_licence_may_wait)
{
	shelter.admission.waitlist = true;
	shelter.licensed_capacity = 3;
	house.units[0].other_adults = 1;
	cr_assert_eq(ask().answer, ANSWER_WAITLIST);
	who.women = 2;
	cr_assert_eq(ask().answer, ANSWER_NO_CAPACITY);
}

Test(fit, rules_come_before_rooms)
{
	house.units[0].other_adults = 1;
	shelter.admission.waitlist = true;
	who.danger_counties = 1u << COUNTY_ZALA;
	cr_assert_eq(ask().answer, ANSWER_NO_CAPACITY);
	cr_assert_eq(ask().reason_count, 1);
	cr_assert_eq(ask().reasons[0], FIT_DANGER_COUNTY);
}
