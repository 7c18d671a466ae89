/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of a spread, and the text that a scraper reads. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/expose.h"

Test(expose, size_falls_into_the_first_step_that_holds_it)
{
	static const struct {
		uint64_t value;
		unsigned step;
	} rows[] = { { 0, 0 }, { 1, 0 }, { 2, 1 }, { 3, 2 }, { 128, 7 }, { 129, SPREAD_STEPS },
		{ UINT64_MAX, SPREAD_STEPS } };

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		cr_expect_eq(spread_step(&spread_counts, rows[i].value), rows[i].step, "row %zu", i);
}

Test(expose, buckets_are_sums_and_times_are_seconds)
{
	static const char wanted[] = "t_bucket{a=\"b\",le=\"0.001000\"} 1\n";
	struct spread s = { .sum = 0 };
	char text[2048];
	struct expose e = { .buf = text, .cap = sizeof(text) };

	spread_add(&s, &spread_times, 1000);
	spread_add(&s, &spread_times, 1500000);
	spread_add(&s, &spread_times, 99000000);
	expose_spread(&e, "t", "a=\"b\"", &s, &spread_times);
	cr_expect_eq(strncmp(text, wanted, sizeof(wanted) - 1), 0, "%s", text);
	cr_expect(strstr(text, "t_bucket{a=\"b\",le=\"2.000000\"} 2\n"));
	cr_expect(strstr(text, "t_bucket{a=\"b\",le=\"10.000000\"} 2\n"));
	cr_expect(
	    strstr(text, "t_bucket{a=\"b\",le=\"+Inf\"} 3\nt_sum{a=\"b\"} 100.501000\nt_count{a=\"b\"} 3\n"));
}

Test(expose, spread_without_labels_has_no_braces_but_le)
{
	const struct spread s = { .in = { 2 }, .sum = 2 };
	char text[2048];
	struct expose e = { .buf = text, .cap = sizeof(text) };

	expose_spread(&e, "n", NULL, &s, &spread_counts);
	cr_expect(strstr(text, "n_bucket{le=\"1\"} 2\n"));
	cr_expect(strstr(text, "\nn_sum 2\nn_count 2\n"));
}

Test(expose, what_does_not_fit_is_said_and_never_written_past_the_end)
{
	char text[64];

	for (size_t cap = 1; cap < 40; cap++) {
		struct expose e = { .buf = text, .cap = cap };

		memset(text, 'x', sizeof(text));
		expose_one(&e, "name", "gauge", "Help", 1);
		cr_expect_eq(e.len, cap, "cap %zu", cap);
		cr_expect_eq(text[cap], 'x', "cap %zu", cap);
		expose_one(&e, "more", "gauge", "Help", 1);
		cr_expect_eq(e.len, cap, "still cap %zu", cap);
	}
}
