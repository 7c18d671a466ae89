/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Civil dates in Europe/Budapest as day numbers (days since 1970-01-01), without a time-zone database: CET,
 * and CEST from the last Sunday of March 01:00 UTC to the last Sunday of October 01:00 UTC (Directive
 * 2000/84/EC).
 */
#ifndef MENEDEK_CIVIL_H
#define MENEDEK_CIVIL_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

typedef int32_t day_number;

struct civil {
	int year, month, day; /* 1..12, 1..31 */
};

/*@ // what terms.c may assume of the calendar; test_civil.c walks 400 years of it
  predicate sane_day(integer day) = -1000000 <= day <= 3000000;
  axiomatic Calendar {
    logic integer day_of(integer year, integer month, integer day);
    logic integer months_later(integer day, integer months);
  }
*/

/*@ assigns \nothing;
    ensures \result == day_of(c.year, c.month, c.day);
*/
day_number civil_to_day(struct civil c);
/*@ requires sane_day(day);
    assigns \nothing;
    ensures -10000 <= \result.year <= 10000 && 1 <= \result.month <= 12 && 1 <= \result.day <= 31;
*/
struct civil civil_from_day(day_number day);

/** Offset of Budapest from UTC at ${t}: 3600 or 7200. */
int budapest_offset(int64_t t);
day_number budapest_day(int64_t t);

/** The first second of ${day} in Budapest. */
int64_t budapest_midnight(day_number day);

/** ${months} later, the same day of the month or the month's last (31 January + 1 month = 28 or 29 February).
 */
/*@ requires sane_day(day) && 0 <= months <= 65535;
    assigns \nothing;
    ensures \result == months_later(day, months);
    ensures day + 28 * months <= \result <= day + 31 * months;
*/
day_number day_add_months(day_number day, int months);

/** "2026-11-21" */
void day_format(day_number day, char out[11]);
MUST_USE bool day_parse(const char *text, size_t len, day_number *out);

#endif
