/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar quarters and years as text and as days. */
#include "domain/period.h"

#define FIRST_YEAR 2000
#define LAST_YEAR  2999

bool
period_parse(const char *text, size_t len, struct period *out)
{
	struct period p = { 0, 0 };

	*out = p;
	if (len != 4 && len != 7)
		return false;
	for (unsigned i = 0; i < 4; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		p.year = p.year * 10 + (text[i] - '0');
	}
	if (p.year < FIRST_YEAR || p.year > LAST_YEAR)
		return false;
	if (len == 7) {
		if (text[4] != '-' || text[5] != 'Q' || text[6] < '1' || text[6] > '4')
			return false;
		p.quarter = (unsigned)(text[6] - '0');
	}
	*out = p;
	return true;
}

void
period_format(struct period p, char out[PERIOD_TEXT])
{
	for (unsigned i = 4; i-- > 0; p.year /= 10)
		out[i] = (char)('0' + p.year % 10);
	out[4] = '\0';
	if (p.quarter == 0)
		return;
	out[4] = '-';
	out[5] = 'Q';
	out[6] = (char)('0' + (int)p.quarter);
	out[7] = '\0';
}

day_number
period_first_day(struct period p)
{
	return civil_to_day((struct civil){ p.year, p.quarter == 0 ? 1 : (int)p.quarter * 3 - 2, 1 });
}

day_number
period_last_day(struct period p)
{
	return day_add_months(period_first_day(p), p.quarter == 0 ? 12 : 3) - 1;
}

bool
period_is_over(struct period p, day_number today)
{
	return period_last_day(p) < today;
}

unsigned
period_quarter_of(day_number day)
{
	return (unsigned)(civil_from_day(day).month - 1) / 3 + 1;
}

struct period
period_last_quarter(day_number today)
{
	struct period p = { civil_from_day(today).year, period_quarter_of(today) };

	if (--p.quarter == 0)
		p = (struct period){ p.year - 1, PERIOD_QUARTERS };
	return p;
}
