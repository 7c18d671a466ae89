/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../starving.h"
#include "domain/terms.h"

static struct term_rules rules;
static struct fault fault;

static void
setup(void)
{
	terms_default(&rules);
	fault = (struct fault){ 0 };
}

TestSuite(terms, .init = setup);

static day_number
day(const char *text)
{
	day_number d;

	cr_assert(day_parse(text, strlen(text), &d), "%s", text);
	return d;
}

static const struct term_rule *
rule_of(enum shelter_type type)
{
	const struct term_rule *rule = terms_for(&rules, type, day("2026-11-21"));

	cr_assert_not_null(rule);
	return rule;
}

static enum rc
extend(enum shelter_type type, const char *end, unsigned done, const char *until, enum extend_reason reason)
{
	return term_extend(
	    rule_of(type), day("2026-01-31"), end == NULL ? 0 : day(end), done, day(until), reason, &fault);
}

/* DOMAIN 2, row "base term". */
Test(terms, the_base_term_of_each_type)
{
	static const struct {
		enum shelter_type type;
		const char *start, *end;
	} rows[] = {
		{ TYPE_CRISIS_CENTRE, "2026-11-21", "2026-12-19" },
		{ TYPE_CRISIS_CENTRE, "2026-12-20", "2027-01-17" },
		{ TYPE_SECRET_HOUSE, "2026-11-21", "2027-05-21" },
		{ TYPE_SECRET_HOUSE, "2026-08-31", "2027-02-28" },
		{ TYPE_HALFWAY_HOUSE, "2026-11-21", "2031-11-21" },
		{ TYPE_FAMILY_HOME, "2028-02-29", "2029-02-28" },
	};

	for (unsigned i = 0; i < COUNT_OF(rows); i++)
		cr_assert_eq(
		    term_end(rule_of(rows[i].type), day(rows[i].start)), day(rows[i].end), "row %u", i);
	cr_assert_eq(term_end(rule_of(TYPE_PROTECTED_SHELTER), day("2026-11-21")), 0);
}

Test(terms, types_that_are_off_have_no_terms)
{
	for (unsigned t = TYPE_NIGHT_SHELTER; t < TYPE_COUNT; t++)
		cr_assert_null(terms_for(&rules, (enum shelter_type)t, day("2026-11-21")));
}

/* DOMAIN 2, row "extension".  Ends are days of the stay that is extended. */
Test(terms, extensions_of_each_type)
{
	static const struct {
		enum shelter_type type;
		const char *end;
		unsigned done;
		const char *until;
		enum extend_reason reason;
		enum rc rc;
	} rows[] = {
		{ TYPE_CRISIS_CENTRE, "2026-02-28", 0, "2026-03-28", EXTEND_PROCEEDINGS, RC_OK },
		{ TYPE_CRISIS_CENTRE, "2026-02-28", 0, "2026-03-01", EXTEND_HEALTH, RC_OK },
		{ TYPE_CRISIS_CENTRE, "2026-02-28", 0, "2026-03-29", EXTEND_PROCEEDINGS, RC_INVALID },
		{ TYPE_CRISIS_CENTRE, "2026-02-28", 0, "2026-02-28", EXTEND_PROCEEDINGS, RC_INVALID },
		{ TYPE_CRISIS_CENTRE, "2026-02-28", 1, "2026-03-28", EXTEND_PROCEEDINGS, RC_STATE_CONFLICT },
		{ TYPE_CRISIS_CENTRE, "2026-02-28", 0, "2026-03-28", EXTEND_SCHOOL_YEAR, RC_INVALID },
		{ TYPE_CRISIS_CENTRE, "2026-02-28", 0, "2026-03-28", EXTEND_REVIEW, RC_INVALID },
		{ TYPE_SECRET_HOUSE, "2026-08-31", 0, "2027-02-28", EXTEND_NO_SAFE_HOUSING, RC_OK },
		{ TYPE_SECRET_HOUSE, "2026-08-31", 0, "2027-03-01", EXTEND_NO_SAFE_HOUSING, RC_INVALID },
		{ TYPE_SECRET_HOUSE, "2030-08-31", 200, "2031-02-28", EXTEND_NO_SAFE_HOUSING, RC_OK },
		{ TYPE_SECRET_HOUSE, "2030-08-31", 255, "2031-02-28", EXTEND_NO_SAFE_HOUSING, RC_OK },
		{ TYPE_HALFWAY_HOUSE, "2031-01-31", 0, "2031-02-01", EXTEND_ONWARD_PLACE, RC_STATE_CONFLICT },
		{ TYPE_FAMILY_HOME, "2027-01-31", 0, "2027-07-31", EXTEND_ONWARD_PLACE, RC_OK },
		{ TYPE_FAMILY_HOME, "2027-01-31", 0, "2027-08-01", EXTEND_ONWARD_PLACE, RC_INVALID },
		{ TYPE_FAMILY_HOME, "2027-01-31", 1, "2027-07-31", EXTEND_ONWARD_PLACE, RC_STATE_CONFLICT },
		{ TYPE_FAMILY_HOME, "2027-01-31", 0, "2027-06-15", EXTEND_SCHOOL_YEAR, RC_OK },
		{ TYPE_FAMILY_HOME, "2027-01-31", 0, "2027-06-16", EXTEND_SCHOOL_YEAR, RC_INVALID },
		{ TYPE_FAMILY_HOME, "2026-09-20", 0, "2027-06-15", EXTEND_SCHOOL_YEAR, RC_OK },
		{ TYPE_FAMILY_HOME, "2026-07-10", 0, "2026-08-15", EXTEND_SCHOOL_YEAR, RC_INVALID },
		{ TYPE_FAMILY_HOME, "2026-06-15", 0, "2026-06-16", EXTEND_SCHOOL_YEAR, RC_INVALID },
		{ TYPE_PROTECTED_SHELTER, NULL, 0, "2026-05-01", EXTEND_PROCEEDINGS, RC_INVALID },
		{ TYPE_PROTECTED_SHELTER, NULL, 0, "2026-07-30", EXTEND_REVIEW, RC_OK },
		{ TYPE_PROTECTED_SHELTER, NULL, 0, "2026-07-31", EXTEND_REVIEW, RC_INVALID },
		{ TYPE_PROTECTED_SHELTER, NULL, 0, "2026-01-31", EXTEND_REVIEW, RC_INVALID },
		{ TYPE_PROTECTED_SHELTER, "2026-07-30", 90, "2026-10-28", EXTEND_REVIEW, RC_OK },
		{ TYPE_PROTECTED_SHELTER, "2026-07-30", 1, "2026-10-29", EXTEND_REVIEW, RC_INVALID },
		{ TYPE_PROTECTED_SHELTER, "2026-07-30", 1, "2026-07-30", EXTEND_REVIEW, RC_INVALID },
	};

	for (unsigned i = 0; i < COUNT_OF(rows); i++)
		cr_assert_eq(extend(rows[i].type, rows[i].end, rows[i].done, rows[i].until, rows[i].reason),
		    rows[i].rc, "row %u", i);
}

Test(terms, a_refused_extension_says_why_and_where)
{
	cr_assert_eq(extend(TYPE_CRISIS_CENTRE, "2026-02-28", 0, "2027-01-01", EXTEND_HEALTH), RC_INVALID);
	cr_assert_str_eq(fault.item[0].pointer, "/until");
	cr_assert_eq(fault.item[0].msg, MSG_EXTEND_SHORTER);
	cr_assert_eq(
	    extend(TYPE_CRISIS_CENTRE, "2026-02-28", 1, "2026-03-01", EXTEND_HEALTH), RC_STATE_CONFLICT);
	cr_assert_eq(fault.item[0].msg, MSG_NO_EXTENSION);
	cr_assert_eq(extend(TYPE_FAMILY_HOME, "2026-06-15", 0, "2026-06-16", EXTEND_SCHOOL_YEAR), RC_INVALID);
	cr_assert_eq(fault.item[0].msg, MSG_EXTEND_REASON, "the school year is over");
}

Test(terms, a_review_is_due_every_ninety_days)
{
	const struct term_rule *rule = rule_of(TYPE_PROTECTED_SHELTER);
	day_number start = day("2026-11-21");

	cr_assert_eq(term_next_review(rule, start, start), start + 90);
	cr_assert_eq(term_next_review(rule, start, start - 5), start + 90);
	cr_assert_eq(term_next_review(rule, start, start + 89), start + 90);
	cr_assert_eq(term_next_review(rule, start, start + 90), start + 180);
	cr_assert_eq(term_next_review(rule_of(TYPE_FAMILY_HOME), start, start), 0);
}

Test(terms, overstay_begins_on_the_day_after_the_end)
{
	cr_assert_not(term_is_overstay(day("2026-12-19"), day("2026-12-19")));
	cr_assert(term_is_overstay(day("2026-12-19"), day("2026-12-20")));
	cr_assert_not(term_is_overstay(0, day("2099-01-01")));
}

#define HEADER                                                                              \
	"type,valid_from,base_months,base_days,extensions,extension_months,extension_days," \
	"to_school_year_end,review_days\n"

Test(terms, a_change_of_law_counts_from_its_first_day)
{
	const char *csv = HEADER "crisis_centre,1970-01-01,0,28,1,0,28,false,0\n"
				 "# a new act\n"
				 "crisis_centre,2027-07-01,0,60,2,0,30,false,0\n"
				 "crisis_centre,2027-01-01,0,42,1,0,28,true,7\n";
	const struct term_rule *rule;

	cr_assert_eq(terms_read(bytes_str(csv), &rules, &fault), RC_OK);
	cr_assert_eq(rules.count, 3);
	cr_assert_eq(terms_for(&rules, TYPE_CRISIS_CENTRE, day("2026-12-31"))->base_days, 28);
	cr_assert_eq(terms_for(&rules, TYPE_CRISIS_CENTRE, day("2027-01-01"))->base_days, 42);
	cr_assert_eq(terms_for(&rules, TYPE_CRISIS_CENTRE, day("2027-06-30"))->base_days, 42);
	rule = terms_for(&rules, TYPE_CRISIS_CENTRE, day("2027-07-01"));
	cr_assert(rule->base_days == 60 && rule->extensions == 2 && rule->extension_days == 30);
	cr_assert_null(terms_for(&rules, TYPE_CRISIS_CENTRE, day("1969-12-31")));
	cr_assert_null(terms_for(&rules, TYPE_FAMILY_HOME, day("2027-07-01")));
}

Test(terms, a_wrong_row_is_refused_by_line_and_column)
{
	static const struct {
		const char *csv, *pointer;
	} rows[] = {
		{ HEADER "castle,2027-01-01,0,28,1,0,28,false,0\n", "/2/type" },
		{ HEADER "crisis_centre,2027-02-29,0,28,1,0,28,false,0\n", "/2/valid_from" },
		{ HEADER "crisis_centre,2027-01-01,-1,28,1,0,28,false,0\n", "/2/base_months" },
		{ HEADER "crisis_centre,2027-01-01,0,10000,1,0,28,false,0\n", "/2/base_days" },
		{ HEADER "crisis_centre,2027-01-01,0,28,256,0,28,false,0\n", "/2/extensions" },
		{ HEADER "crisis_centre,2027-01-01,0,28,1,,28,false,0\n", "/2/extension_months" },
		{ HEADER "crisis_centre,2027-01-01,0,28,1,0,28,maybe,0\n", "/2/to_school_year_end" },
		{ HEADER "crisis_centre,2027-01-01,0,28,1,0,28,true,x\n", "/2/review_days" },
		{ HEADER "crisis_centre,2027-01-01,0,28,1,0,28,true,0\n"
			 "crisis_centre,2027-01-01,0,29,1,0,28,true,0\n",
		    "/3/valid_from" },
		{ "type,valid_from\ncrisis_centre,2027-01-01\n", "/2/base_months" },
	};
	const struct term_rules before = rules;

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		fault_clear(&fault);
		cr_assert_eq(terms_read(bytes_str(rows[i].csv), &rules, &fault), RC_INVALID, "row %u", i);
		cr_assert_str_eq(fault.item[0].pointer, rows[i].pointer);
	}
	cr_assert_eq(rules.count, before.count);
	cr_assert_eq(memcmp(&rules, &before, sizeof(rules)), 0);
}

Test(terms, more_rows_than_the_table_holds_are_refused)
{
	static char csv[16384];
	size_t len = strlen(HEADER);

	memcpy(csv, HEADER, len);
	for (unsigned i = 0; i <= TERM_RULES_MAX; i++)
		len += (size_t)snprintf(
		    csv + len, sizeof(csv) - len, "secret_house,%u-01-01,6,0,255,6,0,false,0\n", 2000 + i);
	cr_assert_eq(terms_read((struct bytes){ (const uint8_t *)csv, len }, &rules, &fault), RC_INVALID);
	cr_assert_eq(fault.item[0].msg, MSG_FIELD_MANY);
}

/* One that ends is extended for a reason, although it is reviewed too. */
Test(terms, a_term_that_ends_is_not_extended_by_its_review)
{
	const char *csv = HEADER "crisis_centre,1970-01-01,0,42,1,0,28,true,7\n";
	const day_number start = day("2026-01-01"), end = day("2026-02-12");
	const struct term_rule *rule;

	cr_assert_eq(terms_read(bytes_str(csv), &rules, &fault), RC_OK);
	rule = terms_for(&rules, TYPE_CRISIS_CENTRE, start);
	cr_assert_eq(term_extend(rule, start, end, 0, end + 7, EXTEND_REVIEW, &fault), RC_INVALID);
	cr_assert_eq(term_extend(rule, start, end, 0, end + 28, EXTEND_HEALTH, &fault), RC_OK);
}

Test(terms, text_that_is_no_table_is_refused)
{
	static const char *const texts[] = { "\xff", "", HEADER "\"crisis_centre",
		HEADER "crisis_centre,1\n" };
	const struct term_rules before = rules;

	for (unsigned i = 0; i < COUNT_OF(texts); i++)
		cr_assert_eq(terms_read(bytes_str(texts[i]), &rules, &fault), RC_MALFORMED, "row %u", i);
	cr_assert_eq(memcmp(&rules, &before, sizeof(rules)), 0);
}

/* The same day for two types is no repetition. */
Test(terms, types_have_rows_of_their_own)
{
	const char *csv = HEADER "crisis_centre,2027-01-01,0,28,1,0,28,false,0\n"
				 "secret_house,2027-01-01,6,0,255,6,0,false,0\n";

	cr_assert_eq(terms_read(bytes_str(csv), &rules, &fault), RC_OK);
	cr_assert_eq(rules.count, 2);
}

Test(terms, without_memory_nothing_is_read)
{
	enum rc rc;
	struct morsel *taken;

	NEEDS_HUNGER();
	taken = starve();
	rc = terms_read(bytes_str(HEADER), &rules, &fault);
	feed(taken);
	cr_assert_eq(rc, RC_UNAVAILABLE);
}
