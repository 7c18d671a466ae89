/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as a chance for somebody. */
#include <criterion/criterion.h>

#include "service/capacity.h"

#define NOW INT64_C(1795780800)

static const struct freshness_rule rule = FRESHNESS_DEFAULT;
static struct shelter shelter;
static struct house house;

static void
set_up(void)
{
	model_clear(&model_shelter, &shelter);
	model_clear(&model_house, &house);
	shelter.is_open = true;
	shelter.licensed_capacity = 10;
	house.unit_count = 1;
	house.units[0].shared = true;
	house.units[0].adult_beds = 2;
	house.units[0].cots = 2;
	house.units[0].confirmed_at = NOW;
}

TestSuite(capacity, .init = set_up);

static struct chances
count(void)
{
	struct chances x = { 0 };

	capacity_count(&shelter, &house, NOW, &rule, &x);
	return x;
}

Test(capacity, a_bed_for_an_adult_is_a_chance)
{
	house.units[0].other_adults = 1;
	cr_expect_eq(count().fresh, 1);
}

Test(capacity, cots_without_a_bed_for_an_adult_are_none)
{
	house.units[0].other_adults = 2;
	cr_expect_eq(count().fresh, 0);
	cr_expect_eq(count().other, 0);
	cr_expect_eq(count().houses, 1);
}
