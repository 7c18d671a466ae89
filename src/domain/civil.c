/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Gregorian calendar as arithmetic.  Years are counted from 1 March, so that the leap day is a year's
 * last day and the months' lengths follow one formula; 400 years (an era) always have 146,097 days.
 */
#include "domain/civil.h"

#define DAY       86400
#define ERA_DAYS  146097
#define EPOCH_DAY 719468 /* days from 1 March of the year 0 to 1970-01-01 */

static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return a % b < 0 ? q - 1 : q;
}

day_number
civil_to_day(struct civil c)
{
	int64_t year = (int64_t)c.year - (c.month <= 2 ? 1 : 0);
	int64_t era = floor_div(year, 400);
	int64_t year_of_era = year - era * 400;
	int64_t month = (c.month + 9) % 12; /* March is 0 */
	int64_t day_of_year = (153 * month + 2) / 5 + c.day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return (day_number)(era * ERA_DAYS + day_of_era - EPOCH_DAY);
}

struct civil
civil_from_day(day_number day)
{
	int64_t days = (int64_t)day + EPOCH_DAY;
	int64_t era = floor_div(days, ERA_DAYS);
	int64_t day_of_era = days - era * ERA_DAYS;
	/* take the leap days out (one in 1,460 days, not in 36,524, but in 146,096), then every year has 365
	 */
	int64_t plain = day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096;
	int64_t year_of_era = plain / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;

	return (struct civil){
		.year = (int)(era * 400 + year_of_era + (month >= 10 ? 1 : 0)),
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
	};
}

/* The last Sunday of a month of 31 days, 01:00 UTC: when summer time begins and ends (Directive 2000/84/EC, 2
 * and 3) */
static int64_t
last_sunday(int year, int month)
{
	day_number last = civil_to_day((struct civil){ year, month, 31 });
	int64_t weekday =
	    (last + 4) - floor_div(last + 4, 7) * 7; /* 1970-01-01 was a Thursday; Sunday is 0 */

	return (last - weekday) * (int64_t)DAY + 3600;
}

int
budapest_offset(int64_t t)
{
	int year = civil_from_day((day_number)floor_div(t, DAY)).year;

	return t >= last_sunday(year, 3) && t < last_sunday(year, 10) ? 7200 : 3600;
}

day_number
budapest_day(int64_t t)
{
	return (day_number)floor_div(t + budapest_offset(t), DAY);
}

int64_t
budapest_midnight(day_number day)
{
	int64_t winter = day * (int64_t)DAY - 3600;

	return winter - (budapest_offset(winter) - 3600); /* the clock is never put at midnight */
}

static int
month_length(int year, int month)
{
	struct civil next = { month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1 };

	return (int)(civil_to_day(next) - civil_to_day((struct civil){ year, month, 1 }));
}

day_number
day_add_months(day_number day, int months)
{
	struct civil c = civil_from_day(day);
	int64_t month = (int64_t)c.year * 12 + (c.month - 1) + months;
	int length;

	c.year = (int)floor_div(month, 12);
	c.month = (int)(month - floor_div(month, 12) * 12) + 1;
	length = month_length(c.year, c.month);
	if (c.day > length)
		c.day = length;
	return civil_to_day(c);
}

/* ${count} digits of ${value}, from the right */
static void
put_digits(char *out, unsigned count, int value)
{
	for (unsigned i = count; i-- > 0; value /= 10)
		out[i] = (char)('0' + value % 10);
}

void
day_format(day_number day, char out[11])
{
	struct civil c = civil_from_day(day);

	if (c.year < 0)
		c = (struct civil){ 0, 1, 1 };
	if (c.year > 9999)
		c = (struct civil){ 9999, 12, 31 };
	put_digits(out, 4, c.year);
	put_digits(out + 5, 2, c.month);
	put_digits(out + 8, 2, c.day);
	out[4] = out[7] = '-';
	out[10] = '\0';
}

static bool
take_digits(const char *text, unsigned count, int *out)
{
	int value = 0;

	for (unsigned i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (text[i] - '0');
	}
	*out = value;
	return true;
}

bool
day_parse(const char *text, size_t len, day_number *out)
{
	struct civil c = { 0, 0, 0 };

	*out = 0;
	if (len != 10 || text[4] != '-' || text[7] != '-')
		return false;
	if (!take_digits(text, 4, &c.year) || !take_digits(text + 5, 2, &c.month) ||
	    !take_digits(text + 8, 2, &c.day))
		return false;
	if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > month_length(c.year, c.month))
		return false;
	*out = civil_to_day(c);
	return true;
}
