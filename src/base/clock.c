/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks, and RFC 3339 without the C library's calendar: gmtime and timegm take forms that we refuse and
 * depend on the environment.  Years are counted from March, so that the leap day is the last day of a year.
 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#define DAY        86400
#define DAYS_400   146097                /* days in 400 Gregorian years */
#define DAYS_EPOCH 719468                /* from 0000-03-01 to 1970-01-01 */
#define LAST       INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

int64_t
clock_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

int64_t
clock_mono_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_mono_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* A day from 1970 to 9999. */
struct civil {
	uint32_t year, month, day;
};

/* Days before the first of the month, counted from March: 0, 31, 61, 92, 122, 153, ... */
static uint32_t
days_before(uint32_t month_from_march)
{
	return (153 * month_from_march + 2) / 5;
}

static uint32_t
days_from_civil(struct civil c)
{
	const uint32_t year = c.year - (c.month <= 2);
	const uint32_t month = (c.month + 9) % 12;

	return 365 * year + year / 4 - year / 100 + year / 400 + days_before(month) + c.day - 1 - DAYS_EPOCH;
}

static struct civil
civil_from_days(uint32_t days)
{
	const uint32_t since = days + DAYS_EPOCH;
	const uint32_t in_400 = since % DAYS_400;
	const uint32_t year = (in_400 - in_400 / 1460 + in_400 / 36524 - in_400 / (DAYS_400 - 1)) / 365;
	const uint32_t in_year = in_400 - (365 * year + year / 4 - year / 100);
	const uint32_t month = (5 * in_year + 2) / 153;

	return (struct civil){
		.year = since / DAYS_400 * 400 + year + (month >= 10),
		.month = (month + 2) % 12 + 1,
		.day = in_year - days_before(month) + 1,
	};
}

/* The fields of the text: their place, width and range.  A day past its month's end is caught afterwards. */
enum field { YEAR, MONTH, DAY_OF_MONTH, HOUR, MINUTE, SECOND, FIELDS };

static const struct {
	uint32_t at, width, least, most;
} fields[FIELDS] = {
	[YEAR] = { 0, 4, 1970, 9999 },
	[MONTH] = { 5, 2, 1, 12 },
	[DAY_OF_MONTH] = { 8, 2, 1, 31 },
	[HOUR] = { 11, 2, 0, 23 },
	[MINUTE] = { 14, 2, 0, 59 },
	[SECOND] = { 17, 2, 0, 59 },
};

static const char frame[] = "0000-00-00T00:00:00Z";

bool
time_parse(const char *text, size_t len, int64_t *out)
{
	uint32_t v[FIELDS] = { 0 }, days;
	struct civil date, back;

	if (len != sizeof(frame) - 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if (frame[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != frame[i])
			return false;
	for (enum field f = 0; f < FIELDS; f++) {
		for (uint32_t i = 0; i < fields[f].width; i++)
			v[f] = v[f] * 10 + (uint32_t)(text[fields[f].at + i] - '0');
		if (v[f] < fields[f].least || v[f] > fields[f].most)
			return false;
	}
	date = (struct civil){ v[YEAR], v[MONTH], v[DAY_OF_MONTH] };
	days = days_from_civil(date);
	back = civil_from_days(days);
	if (back.month != date.month) /* 31 April comes back as 1 May */
		return false;
	*out = (int64_t)days * DAY + v[HOUR] * 3600 + v[MINUTE] * 60 + v[SECOND];
	return true;
}

static void
put_two_digits(char *out, uint32_t v)
{
	out[0] = (char)('0' + v / 10);
	out[1] = (char)('0' + v % 10);
}

void
time_format(int64_t unix_seconds, char out[21])
{
	const int64_t t = unix_seconds < 0 ? 0 : unix_seconds > LAST ? LAST : unix_seconds;
	const struct civil date = civil_from_days((uint32_t)(t / DAY));
	const uint32_t s = (uint32_t)(t % DAY);

	memcpy(out, frame, sizeof(frame));
	put_two_digits(out + fields[YEAR].at, date.year / 100);
	put_two_digits(out + fields[YEAR].at + 2, date.year % 100);
	put_two_digits(out + fields[MONTH].at, date.month);
	put_two_digits(out + fields[DAY_OF_MONTH].at, date.day);
	put_two_digits(out + fields[HOUR].at, s / 3600);
	put_two_digits(out + fields[MINUTE].at, s / 60 % 60);
	put_two_digits(out + fields[SECOND].at, s % 60);
}
