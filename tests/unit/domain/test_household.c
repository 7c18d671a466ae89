/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "shelters.h"

Test(household, everybody_is_counted_once)
{
	struct household h = mother_with(3);

	h.men = 1;
	h.partner = true;
	h.siblings = 2;
	h.children[0].band = BAND_0_2;
	cr_assert_eq(household_adults(&h), 5);
	cr_assert_eq(household_persons(&h), 8);
	cr_assert_eq(household_babies(&h), 1);
	h.children[2].band = BAND_0_2;
	cr_assert_eq(household_babies(&h), 2);
}

Test(household, an_ordinary_household_passes)
{
	struct household h = mother_with(2);
	struct fault f = { 0 };

	cr_assert_eq(household_check(&h, &f), RC_OK);
	cr_assert_eq(f.count, 0);
}

Test(household, the_largest_household_passes)
{
	struct household h = mother_with(LIMIT_CHILDREN);

	h.women = LIMIT_ADULTS;
	cr_assert_eq(household_check(&h, NULL), RC_OK);
}

Test(household, a_father_with_children_passes)
{
	struct household h = mother_with(2);

	h.women = 0;
	h.men = 1;
	cr_assert_eq(household_check(&h, NULL), RC_OK);
}

static void
change_case(struct household *h)
{
	h->case_type = CASE_COUNT;
}
static void
change_adults(struct household *h)
{
	h->women = 0;
}
static void
change_many(struct household *h)
{
	h->women = LIMIT_ADULTS + 1;
}
static void
change_children(struct household *h)
{
	h->child_count = LIMIT_CHILDREN + 1;
}
static void
change_pregnant(struct household *h)
{
	h->women = 0;
	h->men = 1;
	h->pregnant = true;
}
static void
change_partner(struct household *h)
{
	h->child_count = 0;
	h->partner = true;
}
static void
change_lone_sibling(struct household *h)
{
	h->child_count = 0;
	h->siblings = 1;
	h->sibling = SIBLING_18_20;
}
static void
change_sibling_band(struct household *h)
{
	h->siblings = 1;
}
static void
change_band_only(struct household *h)
{
	h->sibling = SIBLING_18_20;
}
static void
change_sibling_code(struct household *h)
{
	h->siblings = 1;
	h->sibling = SIBLING_COUNT;
}
static void
change_language(struct household *h)
{
	h->languages = 1u << TONGUE_COUNT;
}
static void
change_danger(struct household *h)
{
	h->danger_counties = 1u << COUNTY_COUNT;
}
static void
change_home(struct household *h)
{
	h->home_county = COUNTY_COUNT;
}
static void
change_arrival(struct household *h)
{
	h->earliest_arrival = -1;
}
static void
change_child_sex(struct household *h)
{
	h->children[1].sex = SEX_COUNT;
}
static void
change_child_band(struct household *h)
{
	h->children[1].band = BAND_COUNT;
}

Test(household, each_breach_names_its_field)
{
	static const struct {
		void (*change)(struct household *h);
		const char *pointer;
	} rows[] = {
		{ change_case, "/household/case_type" },
		{ change_adults, "/household/women" },
		{ change_many, "/household/women" },
		{ change_children, "/household/children" },
		{ change_pregnant, "/household/pregnant" },
		{ change_partner, "/household/partner" },
		{ change_lone_sibling, "/household/siblings" },
		{ change_sibling_band, "/household/sibling" },
		{ change_band_only, "/household/siblings" },
		{ change_sibling_code, "/household/sibling" },
		{ change_language, "/household/languages" },
		{ change_danger, "/household/danger_counties" },
		{ change_home, "/household/home_county" },
		{ change_arrival, "/household/earliest_arrival" },
		{ change_child_sex, "/household/children/1/sex" },
		{ change_child_band, "/household/children/1/band" },
	};

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		struct household h = mother_with(2);
		struct fault f = { 0 };

		rows[i].change(&h);
		cr_assert_eq(household_check(&h, &f), RC_INVALID, "row %u", i);
		cr_assert_eq(f.count, 1, "row %u", i);
		cr_assert_str_eq(f.item[0].pointer, rows[i].pointer);
	}
}

Test(household, all_breaches_are_told_at_once)
{
	struct household h = mother_with(0);
	struct fault f = { 0 };

	h.women = 0;
	h.pregnant = true;
	h.home_county = COUNTY_COUNT;
	cr_assert_eq(household_check(&h, &f), RC_INVALID);
	cr_assert_eq(f.count, 3);
}

Test(household, who_comes_along_and_where_they_live_passes)
{
	struct household h = mother_with(1);

	h.pregnant = h.partner = true;
	h.home_county = COUNTY_COUNT - 1;
	cr_assert_eq(household_check(&h, NULL), RC_OK, "a partner of who is pregnant");
	h.pregnant = false;
	cr_assert_eq(household_check(&h, NULL), RC_OK, "a partner of who has a child");
	h.child_count = 0;
	h.pregnant = true;
	cr_assert_eq(household_check(&h, NULL), RC_OK, "and without one");
}

/* A record that says more children than it holds must not be read behind its end. */
Test(household, children_beyond_the_record_are_not_counted)
{
	struct household h = mother_with(LIMIT_CHILDREN);

	h.child_count = 255;
	cr_assert_eq(household_children(&h), LIMIT_CHILDREN);
	cr_assert_eq(household_persons(&h), 1 + LIMIT_CHILDREN);
}
