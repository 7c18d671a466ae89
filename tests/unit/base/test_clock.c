/* SPDX-License-Identifier: Apache-2.0 */
/* Our calendar against the C library's, over the whole range, and each text that RFC 3339 or we refuse. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define LAST INT64_C(253402300799)

static const struct {
	const char *text;
	int64_t t;
} known[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1970-01-01T00:00:01Z", 1 },
	{ "1970-12-31T23:59:59Z", 31535999 },
	{ "1972-02-29T00:00:00Z", 68169600 },
	{ "2000-02-29T12:00:00Z", 951825600 },
	{ "2000-03-01T00:00:00Z", 951868800 },
	{ "2026-11-21T03:04:05Z", 1795230245 },
	{ "2038-01-19T03:14:07Z", INT32_MAX },
	{ "2038-01-19T03:14:08Z", INT64_C(2147483648) },
	{ "2100-02-28T23:59:59Z", INT64_C(4107542399) },
	{ "2100-03-01T00:00:00Z", INT64_C(4107542400) },
	{ "9999-12-31T23:59:59Z", LAST },
};

Test(clock, known_times_read_and_write)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		char text[21];
		int64_t t = -1;

		cr_assert(time_parse(known[i].text, 20, &t), "%s", known[i].text);
		cr_assert_eq(t, known[i].t, "%s: %lld", known[i].text, (long long)t);
		time_format(known[i].t, text);
		cr_assert_str_eq(text, known[i].text);
	}
}

Test(clock, the_calendar_agrees_with_the_c_library)
{
	for (int64_t t = 0; t <= LAST; t += 3 * 86400 + 7919) {
		time_t as_time = (time_t)t;
		char text[21], wanted[64];
		int64_t back;
		struct tm tm;

		cr_assert_not_null(gmtime_r(&as_time, &tm));
		(void)snprintf(wanted, sizeof(wanted), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
		    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
		time_format(t, text);
		if (strcmp(text, wanted) != 0 || !time_parse(text, 20, &back) || back != t)
			cr_assert_fail("%lld: %s, wanted %s", (long long)t, text, wanted);
	}
}

Test(clock, every_day_of_four_centuries_comes_back)
{
	static const char lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t wanted = 0;

	for (int year = 1970; year < 2370; year++) {
		const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		for (int day = 0; day < 12 * 31; day++) {
			const int month = day / 31 + 1, dom = day % 31 + 1;
			const bool is_real = dom <= lengths[month - 1] + (month == 2 && is_leap);
			char text[64];
			int64_t t;

			(void)snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", year, month, dom);
			if (time_parse(text, 20, &t) != is_real || (is_real && t != wanted))
				cr_assert_fail("%s", text);
			wanted += is_real ? 86400 : 0;
		}
	}
}

Test(clock, other_texts_are_refused)
{
	static const char *const texts[] = {
		"",
		"2026-11-21",
		"2026-11-21T03:04:05",
		"2026-11-21T03:04:05z",
		"2026-11-21t03:04:05Z",
		"2026-11-21 03:04:05Z",
		"2026-11-21T03:04:05+00:00",
		"2026-11-21T03:04:05.0Z",
		"2026-11-21T03:04Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-32T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2016-12-31T23:59:60Z",
		"1969-12-31T23:59:59Z",
		"0000-01-01T00:00:00Z",
		"-026-01-01T00:00:00Z",
		"2026-1-01T00:00:00ZZ",
		"2026-01-01T0:000:00Z",
		"+2026-01-01T00:00:0Z",
		"2026-01-01T00:00:0 Z",
		"2026/01/01T00:00:00Z",
		"12026-01-01T00:00:00Z",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t t;

		cr_assert_not(time_parse(texts[i], strlen(texts[i]), &t), "%s", texts[i]);
	}
}

Test(clock, times_out_of_range_become_the_nearest_end)
{
	char text[21];

	time_format(-1, text);
	cr_assert_str_eq(text, "1970-01-01T00:00:00Z");
	time_format(INT64_MIN, text);
	cr_assert_str_eq(text, "1970-01-01T00:00:00Z");
	time_format(INT64_MAX, text);
	cr_assert_str_eq(text, "9999-12-31T23:59:59Z");
}

Test(clock, the_clocks_go_forward)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	int64_t before = clock_mono_ms(), now;

	nanosleep(&nap, NULL);
	cr_assert_geq(clock_mono_ms() - before, 20);
	before = time(NULL);
	now = clock_now();
	cr_assert(now >= before && now <= time(NULL) + 1); /* time() may be a tick behind */
}
