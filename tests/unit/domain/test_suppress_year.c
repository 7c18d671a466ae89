/* SPDX-License-Identifier: Apache-2.0 */
/* The attacker adds and subtracts periods: he knows the rules, all that is shown of a year and of its
 * quarters, and that zeros are shown.  He tries every assignment. */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/suppress.h"
#include "shelters.h"

#define SIDE 3u
#define MOST 14u /* a withheld quarter is tried from 1 to this */

static struct stat_year y;

static void
add(unsigned quarter, unsigned row, unsigned column, unsigned cases, unsigned houses)
{
	struct stat_cell *q = &y.quarter[quarter].cell[row][column], *all = &y.year.cell[row][column];

	*q = (struct stat_cell){ .cases = cases, .houses = cases > 0 ? houses : 0 };
	all->cases += cases;
	if (q->houses > all->houses)
		all->houses = q->houses;
}

static void
set_up(unsigned rows, unsigned columns)
{
	memset(&y, 0, sizeof(y));
	for (unsigned q = 0; q < 4; q++)
		y.quarter[q] = (struct stat_table){ .rows = rows, .columns = columns };
	y.year = (struct stat_table){ .rows = rows, .columns = columns };
}

static void
fill_at_random(uint64_t *seed)
{
	for (unsigned i = 0; i < y.year.rows * y.year.columns; i++) {
		for (unsigned q = 0; q < 4; q++) {
			const unsigned cases = random_up_to(seed, 4) == 0 ? 0
			    : random_up_to(seed, 4) == 0                  ? 1
									  : random_up_to(seed, 13);
			add(q, i / y.year.columns, i % y.year.columns, cases, 1 + random_up_to(seed, 6));
		}
	}
}

/* What may the quarters of one cell be?  Bit n of ${possible}: the value n, for the year in the fifth word.
 */
static void
solve_cell(unsigned row, unsigned column, uint64_t possible[5])
{
	const struct stat_cell *year = &y.year.cell[row][column];
	unsigned low[4], high[4], v[4];

	memset(possible, 0, 5 * sizeof(*possible));
	for (unsigned q = 0; q < 4; q++) {
		const struct stat_cell *c = &y.quarter[q].cell[row][column];
		low[q] = c->withheld ? 1 : c->cases;
		high[q] = c->withheld ? MOST : c->cases;
	}
	for (v[0] = low[0]; v[0] <= high[0]; v[0]++)
		for (v[1] = low[1]; v[1] <= high[1]; v[1]++)
			for (v[2] = low[2]; v[2] <= high[2]; v[2]++)
				for (v[3] = low[3]; v[3] <= high[3]; v[3]++) {
					const unsigned sum = v[0] + v[1] + v[2] + v[3];
					if (year->withheld ? sum == 0 : sum != year->cases)
						continue;
					for (unsigned q = 0; q < 4; q++)
						possible[q] |= UINT64_C(1) << v[q];
					possible[4] |= UINT64_C(1) << sum;
				}
}

static bool
is_one_value(uint64_t bits)
{
	return bits != 0 && (bits & (bits - 1)) == 0;
}

/* Withheld quarters and years that follow from what is shown of the other periods. */
static unsigned
count_recovered(void)
{
	unsigned found = 0;

	for (unsigned i = 0; i < y.year.rows * y.year.columns; i++) {
		const unsigned row = i / y.year.columns, column = i % y.year.columns;
		uint64_t possible[5];
		solve_cell(row, column, possible);
		cr_assert_neq(possible[4], 0, "the truth is possible");
		for (unsigned q = 0; q < 4; q++)
			found += y.quarter[q].cell[row][column].withheld && is_one_value(possible[q]);
		found += y.year.cell[row][column].withheld && is_one_value(possible[4]);
	}
	return found;
}

static unsigned
count_withheld(const struct stat_table *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->rows * t->columns; i++)
		n += t->cell[i / t->columns][i % t->columns].withheld;
	return n;
}

Test(suppress_year, no_withheld_cell_follows_from_the_other_periods, .timeout = 120)
{
	uint64_t seed = 20270101;
	unsigned withheld = 0, shown = 0, control = 0;

	for (unsigned n = 0; n < 400; n++) {
		set_up(1 + random_up_to(&seed, SIDE), 1 + random_up_to(&seed, SIDE));
		fill_at_random(&seed);
		for (unsigned q = 0; q < 4; q++)
			suppress_table(&y.quarter[q]);
		suppress_table(&y.year);
		control += count_recovered(); /* each period alone: the solver must see it */
		suppress_year(&y);
		cr_assert_eq(count_recovered(), 0, "year %u", n);
		withheld += count_withheld(&y.year);
		shown += y.year.rows * y.year.columns - count_withheld(&y.year);
	}
	cr_assert_gt(control, 100, "the solver is blind: %u", control);
	cr_assert(withheld > 50 && shown > 200, "%u withheld, %u shown: proves nothing", withheld, shown);
}

Test(suppress_year, small_cells_are_withheld_in_every_period)
{
	uint64_t seed = 7;

	for (unsigned n = 0; n < 500; n++) {
		set_up(SIDE, SIDE);
		fill_at_random(&seed);
		suppress_year(&y);
		for (unsigned i = 0; i < 5 * SIDE * SIDE; i++) {
			const struct stat_table *t =
			    i / (SIDE * SIDE) == 4 ? &y.year : &y.quarter[i / (SIDE * SIDE)];
			const struct stat_cell *c = &t->cell[i % (SIDE * SIDE) / SIDE][i % SIDE];
			cr_assert(c->withheld || c->cases == 0 ||
			    (c->cases >= SUPPRESS_MIN_CASES && c->houses >= SUPPRESS_MIN_HOUSES));
			cr_assert(!c->withheld || c->cases > 0, "a zero is always shown");
		}
	}
}

/* What was shown in April cannot be taken back in January. */
Test(suppress_year, the_first_three_quarters_are_as_they_were_before_the_year_was_over)
{
	uint64_t seed = 11;

	for (unsigned n = 0; n < 500; n++) {
		struct stat_table alone[3];
		set_up(SIDE, SIDE);
		fill_at_random(&seed);
		for (unsigned q = 0; q < 3; q++) {
			alone[q] = y.quarter[q];
			suppress_table(&alone[q]);
		}
		suppress_year(&y);
		for (unsigned i = 0; i < 3 * SIDE * SIDE; i++) {
			const unsigned q = i / (SIDE * SIDE), row = i % (SIDE * SIDE) / SIDE,
				       column = i % SIDE;
			cr_assert_eq(
			    y.quarter[q].cell[row][column].withheld, alone[q].cell[row][column].withheld);
		}
	}
}

Test(suppress_year, one_small_quarter_takes_the_last_with_it_and_the_year_is_shown)
{
	set_up(1, 1);
	for (unsigned q = 0; q < 4; q++)
		add(q, 0, 0, q == 1 ? 3 : 10 + q, 5);
	suppress_year(&y);
	cr_expect(y.quarter[1].cell[0][0].withheld);
	cr_expect(y.quarter[3].cell[0][0].withheld);
	cr_expect_not(y.quarter[0].cell[0][0].withheld || y.year.cell[0][0].withheld);
}

Test(suppress_year, where_the_last_quarter_is_the_small_one_the_year_is_withheld)
{
	set_up(1, 1);
	for (unsigned q = 0; q < 4; q++)
		add(q, 0, 0, q == 3 ? 3 : 10, 5);
	suppress_year(&y);
	cr_expect(y.quarter[3].cell[0][0].withheld);
	cr_expect(y.year.cell[0][0].withheld);
}

Test(suppress_year, two_quarters_of_one_case_each_do_not_follow_from_a_year_of_two)
{
	set_up(1, 1);
	add(0, 0, 0, 1, 1);
	add(1, 0, 0, 1, 1);
	y.year.cell[0][0].houses = 5;
	suppress_year(&y);
	cr_expect(y.year.cell[0][0].withheld);
	cr_expect_eq(count_recovered(), 0);
}
