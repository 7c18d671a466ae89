/* SPDX-License-Identifier: Apache-2.0 */
/* Periods of statistics: only whole quarters and years, only when they are over. */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/period.h"

static day_number
day(int year, int month, int of_month)
{
	return civil_to_day((struct civil){ year, month, of_month });
}

Test(period, texts_that_name_one_are_read_and_written_alike)
{
	static const char *const texts[] = { "2000", "2026", "2999", "2026-Q1", "2026-Q4" };

	for (unsigned i = 0; i < COUNT_OF(texts); i++) {
		char again[PERIOD_TEXT];
		struct period p;
		cr_assert(period_parse(texts[i], strlen(texts[i]), &p), "%s", texts[i]);
		period_format(p, again);
		cr_expect_str_eq(again, texts[i]);
	}
}

Test(period, anything_else_is_refused)
{
	static const char *const texts[] = { "", "1999", "3000", "202", "20266", "2026-", "2026-Q", "2026-Q0",
		"2026-Q5", "2026-q1", "2026Q1", "2026-Q11", "2026_Q1", "20a6", "2026-01", "2026-01-01",
		"-026", " 2026", "2026 " };

	for (unsigned i = 0; i < COUNT_OF(texts); i++) {
		struct period p;
		cr_expect_not(period_parse(texts[i], strlen(texts[i]), &p), "%s", texts[i]);
	}
}

Test(period, quarters_fill_the_year_and_years_follow_each_other)
{
	for (int year = 2023; year < 2030; year++) {
		const struct period whole = { year, 0 };
		day_number next = period_first_day(whole);
		cr_expect_eq(next, day(year, 1, 1));
		for (unsigned q = 1; q <= PERIOD_QUARTERS; q++) {
			const struct period p = { year, q };
			cr_expect_eq(period_first_day(p), next);
			next = period_last_day(p) + 1;
			cr_expect_eq(period_quarter_of(next - 1), q);
		}
		cr_expect_eq(next, period_last_day(whole) + 1);
		cr_expect_eq(next, day(year + 1, 1, 1));
	}
}

Test(period, it_is_over_on_the_day_after_its_last)
{
	const struct period year = { 2026, 0 }, quarter = { 2026, 3 };

	cr_expect_not(period_is_over(year, day(2026, 12, 31)));
	cr_expect(period_is_over(year, day(2027, 1, 1)));
	cr_expect_not(period_is_over(quarter, day(2026, 9, 30)));
	cr_expect(period_is_over(quarter, day(2026, 10, 1)));
}

Test(period, the_latest_quarter_is_always_over_and_the_next_never)
{
	for (day_number d = day(2023, 1, 1); d < day(2028, 1, 1); d++) {
		const struct period p = period_last_quarter(d);
		cr_assert(period_is_over(p, d));
		cr_assert(period_last_day(p) + 93 > d);
	}
}
