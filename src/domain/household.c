/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting a household, and the rules that cross its fields, as a table.  A schema has checked the shapes
 * before; ranges are checked here again, because codes and bits index tables from here on.  Knows no house.
 */
#include "domain/household.h"

#include <stdio.h>

unsigned
household_children(const struct household *h)
{
	return h->child_count < LIMIT_CHILDREN ? h->child_count : LIMIT_CHILDREN;
}

unsigned
household_persons(const struct household *h)
{
	return household_adults(h) + household_children(h);
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

	/*@ loop invariant 0 <= i <= children_of(h);
	    loop invariant babies == babies_of(h, i) && babies <= i;
	    loop assigns i, babies;
	    loop variant children_of(h) - i;
	*/
	for (unsigned i = 0; i < household_children(h); i++)
		babies += h->children[i].band == BAND_0_2 ? 1u : 0u;
	return babies;
}

/*@ // for `make prove`: a predicate for each row of the rules
  predicate unknown_case{L}(struct household *h) = h->case_type >= CASE_COUNT;
  predicate no_adult{L}(struct household *h) = h->women == 0 && h->men == 0;
  predicate too_many_adults{L}(struct household *h) = adults_of(h) > LIMIT_ADULTS;
  predicate too_many_children{L}(struct household *h) = h->child_count > LIMIT_CHILDREN;
  predicate pregnant_without_woman{L}(struct household *h) = h->pregnant && h->women == 0;
  predicate partner_of_nobody{L}(struct household *h) = h->partner && !h->pregnant && h->child_count == 0;
  predicate sibling_of_nobody{L}(struct household *h) = h->siblings > 0 && h->child_count == 0;
  predicate sibling_without_band{L}(struct household *h) = h->siblings > 0 && h->sibling == CODE_NONE;
  predicate unknown_sibling_band{L}(struct household *h) =
    h->sibling != CODE_NONE && h->sibling >= SIBLING_COUNT;
  predicate band_without_sibling{L}(struct household *h) = h->siblings == 0 && h->sibling != CODE_NONE;
  predicate unknown_language{L}(struct household *h) = h->languages >= (1 << TONGUE_COUNT);
  predicate unknown_danger_county{L}(struct household *h) = h->danger_counties >= (1 << COUNTY_COUNT);
  predicate unknown_home_county{L}(struct household *h) =
    h->home_county != CODE_NONE && h->home_county >= COUNTY_COUNT;
  predicate arrives_before_time{L}(struct household *h) = h->earliest_arrival < 0;
  predicate broken{L}(struct household *h) =
    unknown_case(h) || no_adult(h) || too_many_adults(h) || too_many_children(h) ||
    pregnant_without_woman(h) || partner_of_nobody(h) || sibling_of_nobody(h) ||
    sibling_without_band(h) || unknown_sibling_band(h) || band_without_sibling(h) ||
    unknown_language(h) || unknown_danger_county(h) || unknown_home_county(h) || arrives_before_time(h);
  predicate child_known{L}(struct household *h, integer i) =
    h->children[i].sex < SEX_COUNT && h->children[i].band < BAND_COUNT;
*/

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> unknown_case(h);
*/
static bool
has_unknown_case(const struct household *h)
{
	return h->case_type >= CASE_COUNT;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> no_adult(h);
*/
static bool
has_no_adult(const struct household *h)
{
	return h->women == 0 && h->men == 0;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> too_many_adults(h);
*/
static bool
has_too_many_adults(const struct household *h)
{
	return household_adults(h) > LIMIT_ADULTS;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> too_many_children(h);
*/
static bool
has_too_many_children(const struct household *h)
{
	return h->child_count > LIMIT_CHILDREN;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> pregnant_without_woman(h);
*/
static bool
is_pregnant_without_woman(const struct household *h)
{
	return h->pregnant && h->women == 0;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> partner_of_nobody(h);
*/
static bool
has_partner_of_nobody(const struct household *h)
{
	return h->partner && !h->pregnant && h->child_count == 0;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> sibling_of_nobody(h);
*/
static bool
has_sibling_of_nobody(const struct household *h)
{
	return h->siblings > 0 && h->child_count == 0;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> sibling_without_band(h);
*/
static bool
has_sibling_without_band(const struct household *h)
{
	return h->siblings > 0 && h->sibling == CODE_NONE;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> unknown_sibling_band(h);
*/
static bool
has_unknown_sibling_band(const struct household *h)
{
	return h->sibling != CODE_NONE && h->sibling >= SIBLING_COUNT;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> band_without_sibling(h);
*/
static bool
has_band_without_sibling(const struct household *h)
{
	return h->siblings == 0 && h->sibling != CODE_NONE;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> unknown_language(h);
*/
static bool
has_unknown_language(const struct household *h)
{
	return h->languages >= 1u << TONGUE_COUNT;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> unknown_danger_county(h);
*/
static bool
has_unknown_danger_county(const struct household *h)
{
	return h->danger_counties >= 1u << COUNTY_COUNT;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> unknown_home_county(h);
*/
static bool
has_unknown_home_county(const struct household *h)
{
	return h->home_county != CODE_NONE && h->home_county >= COUNTY_COUNT;
}

/*@ requires \valid_read(h);
    assigns \nothing;
    ensures \result <==> arrives_before_time(h);
*/
static bool
arrives_before_time(const struct household *h)
{
	return h->earliest_arrival < 0;
}

/*@ assigns *f;
    ensures \result == RC_INVALID;
*/
static enum rc
refuse_child(unsigned i, const char *field, struct fault *f)
{
	char pointer[FAULT_POINTER];

	(void)snprintf(pointer, sizeof(pointer), "/household/children/%u/%s", i, field);
	return fault_set(f, RC_INVALID, MSG_FIELD_ENUM, pointer, 0, NULL);
}

/*@ requires \valid_read(h);
    requires \separated(h, f);
    assigns *f;
    ensures \result == RC_OK || \result == RC_INVALID;
    ensures \result == RC_INVALID <==> broken(h);
*/
static enum rc
check_rules(const struct household *h, struct fault *f)
{
	const struct {
		bool is_broken;
		const char *pointer;
		enum msg msg;
		long number;
	} rules[] = {
		{ has_unknown_case(h), "/household/case_type", MSG_FIELD_ENUM, 0 },
		{ has_no_adult(h), "/household/women", MSG_ADULT_NEEDED, 0 },
		{ has_too_many_adults(h), "/household/women", MSG_ADULTS_MANY, LIMIT_ADULTS },
		{ has_too_many_children(h), "/household/children", MSG_FIELD_MANY, LIMIT_CHILDREN },
		{ is_pregnant_without_woman(h), "/household/pregnant", MSG_PREGNANT_WHO, 0 },
		{ has_partner_of_nobody(h), "/household/partner", MSG_PARTNER_WHOSE, 0 },
		{ has_sibling_of_nobody(h), "/household/siblings", MSG_SIBLING_WHOSE, 0 },
		{ has_sibling_without_band(h), "/household/sibling", MSG_SIBLING_BAND, 0 },
		{ has_unknown_sibling_band(h), "/household/sibling", MSG_FIELD_ENUM, 0 },
		{ has_band_without_sibling(h), "/household/siblings", MSG_FIELD_MIN, 1 },
		{ has_unknown_language(h), "/household/languages", MSG_FIELD_ENUM, 0 },
		{ has_unknown_danger_county(h), "/household/danger_counties", MSG_FIELD_ENUM, 0 },
		{ has_unknown_home_county(h), "/household/home_county", MSG_FIELD_ENUM, 0 },
		{ arrives_before_time(h), "/household/earliest_arrival", MSG_FIELD_MIN, 0 },
	};
	enum rc rc = RC_OK;

	/*@ loop invariant 0 <= i <= COUNT_OF(rules) && (rc == RC_OK || rc == RC_INVALID);
	    loop invariant rc == RC_INVALID <==> \exists integer k; 0 <= k < i && rules[k].is_broken;
	    loop assigns i, rc, *f;
	    loop variant COUNT_OF(rules) - i;
	*/
	for (unsigned i = 0; i < COUNT_OF(rules); i++) {
		if (rules[i].is_broken)
			rc = fault_set(f, RC_INVALID, rules[i].msg, rules[i].pointer, rules[i].number, NULL);
	}
	return rc;
}

/*@ requires \valid_read(h);
    requires \separated(h, f);
    assigns *f;
    // no rule and no child is forgotten, and nothing else is refused
    ensures \result == RC_OK <==>
      !broken(h) && \forall integer k; 0 <= k < children_of(h) ==> child_known(h, k);
*/
enum rc
household_check(const struct household *h, struct fault *f)
{
	enum rc rc = check_rules(h, f);

	/*@ loop invariant 0 <= i <= children_of(h);
	    loop invariant rc == RC_OK <==>
	      !broken(h) && \forall integer k; 0 <= k < i ==> child_known(h, k);
	    loop assigns i, rc, *f;
	    loop variant children_of(h) - i;
	*/
	for (unsigned i = 0; i < household_children(h); i++) {
		if (h->children[i].sex >= SEX_COUNT)
			rc = refuse_child(i, "sex", f);
		if (h->children[i].band >= BAND_COUNT)
			rc = refuse_child(i, "band", f);
	}
	return rc;
}
