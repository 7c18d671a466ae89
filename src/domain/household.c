/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting a household, and the rules that cross its fields, as a table.  A schema has checked the shapes
 * before; ranges are checked here again, because codes and bits index tables from here on.  Knows no house.
 */
#include "domain/household.h"

#include <stdio.h>

static unsigned
child_count(const struct household *h)
{
	return h->child_count < LIMIT_CHILDREN ? h->child_count : LIMIT_CHILDREN;
}

unsigned
household_persons(const struct household *h)
{
	return household_adults(h) + child_count(h);
}

unsigned
household_adults(const struct household *h)
{
	return 0u + h->women + h->men + h->siblings + (h->partner ? 1u : 0u);
}

unsigned
household_babies(const struct household *h)
{
	unsigned babies = 0;

	for (unsigned i = 0; i < child_count(h); i++)
		babies += h->children[i].band == BAND_0_2 ? 1u : 0u;
	return babies;
}

static bool
has_unknown_case(const struct household *h)
{
	return h->case_type >= CASE_COUNT;
}

static bool
has_no_adult(const struct household *h)
{
	return h->women == 0 && h->men == 0;
}

static bool
has_too_many_adults(const struct household *h)
{
	return household_adults(h) > LIMIT_ADULTS;
}

static bool
has_too_many_children(const struct household *h)
{
	return h->child_count > LIMIT_CHILDREN;
}

static bool
is_pregnant_without_woman(const struct household *h)
{
	return h->pregnant && h->women == 0;
}

static bool
has_partner_of_nobody(const struct household *h)
{
	return h->partner && !h->pregnant && h->child_count == 0;
}

static bool
has_sibling_of_nobody(const struct household *h)
{
	return h->siblings > 0 && h->child_count == 0;
}

static bool
has_sibling_without_band(const struct household *h)
{
	return h->siblings > 0 && h->sibling == CODE_NONE;
}

static bool
has_unknown_sibling_band(const struct household *h)
{
	return h->sibling != CODE_NONE && h->sibling >= SIBLING_COUNT;
}

static bool
has_band_without_sibling(const struct household *h)
{
	return h->siblings == 0 && h->sibling != CODE_NONE;
}

static bool
has_unknown_language(const struct household *h)
{
	return h->languages >> TONGUE_COUNT != 0;
}

static bool
has_unknown_danger_county(const struct household *h)
{
	return h->danger_counties >> COUNTY_COUNT != 0;
}

static bool
has_unknown_home_county(const struct household *h)
{
	return h->home_county != CODE_NONE && h->home_county >= COUNTY_COUNT;
}

static bool
arrives_before_time(const struct household *h)
{
	return h->earliest_arrival < 0;
}

static const struct {
	bool (*is_broken)(const struct household *h);
	const char *pointer;
	enum msg msg;
	long number;
} rules[] = {
	{ has_unknown_case, "/household/case_type", MSG_FIELD_ENUM, 0 },
	{ has_no_adult, "/household/women", MSG_ADULT_NEEDED, 0 },
	{ has_too_many_adults, "/household/women", MSG_ADULTS_MANY, LIMIT_ADULTS },
	{ has_too_many_children, "/household/children", MSG_FIELD_MANY, LIMIT_CHILDREN },
	{ is_pregnant_without_woman, "/household/pregnant", MSG_PREGNANT_WHO, 0 },
	{ has_partner_of_nobody, "/household/partner", MSG_PARTNER_WHOSE, 0 },
	{ has_sibling_of_nobody, "/household/siblings", MSG_SIBLING_WHOSE, 0 },
	{ has_sibling_without_band, "/household/sibling", MSG_SIBLING_BAND, 0 },
	{ has_unknown_sibling_band, "/household/sibling", MSG_FIELD_ENUM, 0 },
	{ has_band_without_sibling, "/household/siblings", MSG_FIELD_MIN, 1 },
	{ has_unknown_language, "/household/languages", MSG_FIELD_ENUM, 0 },
	{ has_unknown_danger_county, "/household/danger_counties", MSG_FIELD_ENUM, 0 },
	{ has_unknown_home_county, "/household/home_county", MSG_FIELD_ENUM, 0 },
	{ arrives_before_time, "/household/earliest_arrival", MSG_FIELD_MIN, 0 },
};

static enum rc
refuse_child(unsigned i, const char *field, struct fault *f)
{
	char pointer[FAULT_POINTER];

	(void)snprintf(pointer, sizeof(pointer), "/household/children/%u/%s", i, field);
	return fault_set(f, RC_INVALID, MSG_FIELD_ENUM, pointer, 0, NULL);
}

enum rc
household_check(const struct household *h, struct fault *f)
{
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < COUNT_OF(rules); i++) {
		if (rules[i].is_broken(h))
			rc = fault_set(f, RC_INVALID, rules[i].msg, rules[i].pointer, rules[i].number, NULL);
	}
	for (unsigned i = 0; i < child_count(h); i++) {
		if (h->children[i].sex >= SEX_COUNT)
			rc = refuse_child(i, "sex", f);
		if (h->children[i].band >= BAND_COUNT)
			rc = refuse_child(i, "band", f);
	}
	return rc;
}
