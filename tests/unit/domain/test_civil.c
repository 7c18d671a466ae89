/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/civil.h"

static day_number
day(const char *text)
{
	day_number d;

	cr_assert(day_parse(text, strlen(text), &d), "%s", text);
	return d;
}

static void
assert_day(day_number d, const char *text)
{
	char out[11];

	day_format(d, out);
	cr_assert_str_eq(out, text);
}

Test(civil, known_days_have_their_numbers)
{
	cr_assert_eq(day("1970-01-01"), 0);
	cr_assert_eq(day("1969-12-31"), -1);
	cr_assert_eq(day("2000-02-29"), 11016);
	cr_assert_eq(day("2026-11-21"), 20778);
	cr_assert_eq(day("0001-01-01"), -719162);
	cr_assert_eq(day("9999-12-31"), 2932896);
}

/* The calendar told the slow way: every day of 800 years follows the one before. */
Test(civil, every_day_follows_the_one_before)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	day_number next = day("1600-01-01");

	for (int y = 1600; y < 2400; y++) {
		bool is_leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

		for (int m = 1; m <= 12; m++) {
			for (int d = 1; d <= lengths[m - 1] + (m == 2 && is_leap ? 1 : 0); d++, next++) {
				struct civil c = civil_from_day(next);

				cr_assert(c.year == y && c.month == m && c.day == d, "%d-%d-%d", y, m, d);
				cr_assert_eq(civil_to_day(c), next);
			}
		}
	}
}

Test(civil, days_that_do_not_exist_are_refused)
{
	static const char *const texts[] = { "2026-02-29", "1900-02-29", "2026-04-31", "2026-13-01",
		"2026-00-10", "2026-01-00", "2026-1-01", "2026-01-011", "2026/01/01", "2026-01_01",
		"2026-a1-01", "2026-01-0x", "+026-01-01", "" };
	day_number d = 7;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_not(day_parse(texts[i], strlen(texts[i]), &d), "%s", texts[i]);
	cr_assert_eq(d, 0);
}

Test(civil, what_is_written_is_read_back)
{
	assert_day(day("2028-02-29"), "2028-02-29");
	assert_day(day("0001-01-01"), "0001-01-01");
	assert_day(day("9999-12-31"), "9999-12-31");
	assert_day(day("9999-12-31") + 400, "9999-12-31");
	assert_day(day("0001-01-01") - 800, "0000-01-01");
}

Test(civil, a_month_later_is_the_same_day_or_the_months_last)
{
	static const struct {
		const char *from;
		int months;
		const char *to;
	} rows[] = { { "2026-01-31", 1, "2026-02-28" }, { "2028-01-31", 1, "2028-02-29" },
		{ "2026-11-21", 6, "2027-05-21" }, { "2026-12-31", 2, "2027-02-28" },
		{ "2026-08-31", 6, "2027-02-28" }, { "2024-02-29", 12, "2025-02-28" },
		{ "2024-02-29", 48, "2028-02-29" }, { "2026-03-31", -1, "2026-02-28" },
		{ "2026-01-15", -1, "2025-12-15" }, { "2026-12-01", 1, "2027-01-01" },
		{ "2026-11-21", 0, "2026-11-21" }, { "2026-11-21", 60, "2031-11-21" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_day(day_add_months(day(rows[i].from), rows[i].months), rows[i].to);
}

/* What src/domain/terms.c is proved with: months later is a later day, by 28 to 31 days for each. */
Test(civil, months_later_is_later_by_as_many_days_as_months_have)
{
	const day_number era = 146097; /* after 400 years all begins anew */

	for (day_number day = 0; day < era; day++) {
		for (int months = 0; months <= 60; months += months < 12 ? 1 : 12) {
			const day_number later = day_add_months(day, months);

			cr_assert(later >= day + 28 * months && later <= day + 31 * months,
			    "day %d and %d months", (int)day, months);
		}
	}
}

static const int64_t spring = INT64_C(1774746000); /* 2026-03-29T01:00:00Z */
static const int64_t autumn = INT64_C(1792890000); /* 2026-10-25T01:00:00Z */

Test(civil, clocks_go_forward_at_one_utc_on_the_last_sunday_of_march)
{
	cr_assert_eq(budapest_offset(spring - 1), 3600);
	cr_assert_eq(budapest_offset(spring), 7200);
}

Test(civil, clocks_go_back_at_one_utc_on_the_last_sunday_of_october)
{
	cr_assert_eq(budapest_offset(autumn - 1), 7200);
	cr_assert_eq(budapest_offset(autumn), 3600);
}

Test(civil, the_night_of_the_spring_change_is_one_hour_short)
{
	day_number d = day("2026-03-29");

	cr_assert_eq(budapest_midnight(d), spring - 2 * 3600);
	cr_assert_eq(budapest_midnight(d + 1) - budapest_midnight(d), 23 * 3600);
	cr_assert_eq(budapest_day(spring), d);
}

Test(civil, the_night_of_the_autumn_change_is_one_hour_long)
{
	day_number d = day("2026-10-25");

	cr_assert_eq(budapest_midnight(d), autumn - 3 * 3600);
	cr_assert_eq(budapest_midnight(d + 1) - budapest_midnight(d), 25 * 3600);
	cr_assert_eq(budapest_day(autumn), d);
}

Test(civil, the_year_begins_in_budapest_an_hour_before_utc)
{
	int64_t utc_new_year = (int64_t)day("2027-01-01") * 86400;

	cr_assert_eq(budapest_day(utc_new_year - 3600), day("2027-01-01"));
	cr_assert_eq(budapest_day(utc_new_year - 3601), day("2026-12-31"));
}

Test(civil, days_before_1970_are_days_too)
{
	cr_assert_eq(budapest_day(-3600), 0);
	cr_assert_eq(budapest_day(-3601), -1);
	cr_assert_eq(budapest_day(-86400), -1);
	cr_assert_eq(budapest_offset(INT64_C(-15000000)), 7200); /* July 1969, by today's rule */
	assert_day(day_add_months(day("1970-01-31"), -2), "1969-11-30");
}

Test(civil, each_day_of_thirty_years_begins_at_its_midnight)
{
	for (day_number d = day("2020-01-01"); d < day("2050-01-01"); d++) {
		cr_assert_eq(budapest_day(budapest_midnight(d)), d);
		cr_assert_eq(budapest_day(budapest_midnight(d) - 1), d - 1);
	}
}
