/* SPDX-License-Identifier: Apache-2.0 */
/* The attacker of these tests knows the rules, the layout, all that is shown, and that zeros are always
 * shown. */
#include <criterion/criterion.h>

#include "domain/suppress.h"
#include "shelters.h"

static struct stat_table t;

static void
set(unsigned rows, unsigned columns, const unsigned *cases, unsigned houses)
{
	t = (struct stat_table){ .rows = rows, .columns = columns };
	for (unsigned i = 0; i < rows * columns; i++)
		t.cell[i / columns][i % columns] =
		    (struct stat_cell){ .cases = cases[i], .houses = cases[i] > 0 ? houses : 0 };
}

static const struct stat_cell *
cell_at(unsigned row, unsigned column)
{
	if (row == t.rows)
		return column == t.columns ? &t.total : &t.column_total[column];
	return column == t.columns ? &t.row_total[row] : &t.cell[row][column];
}

static unsigned
count_withheld(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < (t.rows + 1) * (t.columns + 1); i++)
		count += cell_at(i / (t.columns + 1), i % (t.columns + 1))->withheld;
	return count;
}

Test(suppress, totals_are_filled_in)
{
	set(2, 2, (unsigned[]){ 10, 20, 30, 40 }, 5);
	suppress_table(&t);
	cr_assert(t.row_total[0].cases == 30 && t.row_total[1].cases == 70);
	cr_assert(t.column_total[0].cases == 40 && t.column_total[1].cases == 60);
	cr_assert(t.total.cases == 100 && t.total.houses == 5);
}

Test(suppress, a_table_of_large_cells_is_shown_whole)
{
	set(2, 2, (unsigned[]){ 5, 20, 30, 40 }, SUPPRESS_MIN_HOUSES);
	suppress_table(&t);
	cr_assert_eq(count_withheld(), 0);
}

Test(suppress, few_cases_or_few_houses_are_withheld_and_zeros_are_shown)
{
	static const struct {
		unsigned cases, houses;
		bool withheld;
	} rows[] = { { 0, 0, false }, { 1, 9, true }, { 4, 9, true }, { 5, 9, false }, { 500, 2, true },
		{ 500, 3, false } };

	for (unsigned i = 0; i < COUNT_OF(rows); i++) {
		set(3, 3, (unsigned[]){ 50, 50, 50, 50, 50, 50, 50, 50, 50 }, 9);
		t.cell[1][1] = (struct stat_cell){ .cases = rows[i].cases, .houses = rows[i].houses };
		suppress_table(&t);
		cr_assert_eq(t.cell[1][1].withheld, rows[i].withheld, "row %u", i);
		cr_assert_eq(count_withheld(), rows[i].withheld ? 4 : 0, "row %u", i);
	}
}

Test(suppress, a_small_cell_takes_the_cheapest_others_with_it)
{
	set(3, 3, (unsigned[]){ 3, 90, 8, 70, 80, 90, 9, 95, 7 }, 9);
	suppress_table(&t);
	cr_assert(
	    t.cell[0][0].withheld && t.cell[0][2].withheld && t.cell[2][0].withheld && t.cell[2][2].withheld);
	cr_assert_eq(count_withheld(), 4);
}

Test(suppress, a_zero_is_never_used_to_hide_another_cell)
{
	set(3, 3, (unsigned[]){ 3, 0, 60, 0, 0, 0, 40, 0, 50 }, 9);
	suppress_table(&t);
	for (unsigned i = 0; i < 9; i++)
		cr_assert_eq(t.cell[i / 3][i % 3].withheld, t.cell[i / 3][i % 3].cases > 0);
}

Test(suppress, a_lone_small_cell_hides_its_totals_too)
{
	set(1, 1, (unsigned[]){ 3 }, 9);
	suppress_table(&t);
	cr_assert_eq(count_withheld(), 4);
}

Test(suppress, what_is_withheld_does_not_depend_on_what_stood_there)
{
	struct stat_table first;

	set(3, 3, (unsigned[]){ 3, 90, 8, 70, 80, 90, 9, 95, 7 }, 9);
	suppress_table(&t);
	first = t;
	for (unsigned i = 0; i < 9; i++) /* as a year that it was part of leaves it */
		t.cell[i / 3][i % 3].is_bound = t.cell[i / 3][i % 3].is_known = true;
	suppress_table(&t);
	for (unsigned i = 0; i < 9; i++)
		cr_assert_eq(t.cell[i / 3][i % 3].withheld, first.cell[i / 3][i % 3].withheld);
	cr_assert_eq(t.total.cases, first.total.cases);
}

/* Is this table possible for a reader of ${t}?  ${cases} are the inner cells. */
static bool
is_possible(const int cases[9])
{
	int sum[4][4] = { { 0 } };

	for (unsigned i = 0; i < 9; i++) {
		if (i / 3 >= t.rows || i % 3 >= t.columns)
			continue;
		sum[i / 3][i % 3] = cases[i];
		sum[i / 3][3] += cases[i];
		sum[3][i % 3] += cases[i];
		sum[3][3] += cases[i];
	}
	for (unsigned i = 0; i < (t.rows + 1) * (t.columns + 1); i++) {
		unsigned row = i / (t.columns + 1), column = i % (t.columns + 1);
		const struct stat_cell *c = cell_at(row, column);
		int value = sum[row == t.rows ? 3 : row][column == t.columns ? 3 : column];

		if (c->withheld ? value < 1 : value != (int)c->cases)
			return false;
	}
	return true;
}

/* Every table whose withheld inner cells differ by -1, 0 or 1: is each withheld cell different in some
 * possible one? */
static void
assert_nothing_follows(unsigned n)
{
	bool differs[4][4] = { { false } };

	for (unsigned code = 0; code < 19683; code++) {
		int cases[9] = { 0 }, rows[3] = { 0 }, columns[3] = { 0 }, all = 0;
		unsigned rest = code, wrong = 0;

		for (unsigned i = 0; i < 9; i++, rest /= 3) {
			int change = (int)(rest % 3) - 1;

			if (i / 3 >= t.rows || i % 3 >= t.columns || !t.cell[i / 3][i % 3].withheld) {
				wrong += change != 0;
				continue;
			}
			cases[i] = change;
			rows[i / 3] += change;
			columns[i % 3] += change;
			all += change;
		}
		if (wrong > 0)
			continue;
		for (unsigned i = 0; i < 9; i++)
			cases[i] += (int)t.cell[i / 3][i % 3].cases;
		if (!is_possible(cases))
			continue;
		for (unsigned i = 0; i < 9; i++)
			differs[i / 3][i % 3] |= cases[i] != (int)t.cell[i / 3][i % 3].cases;
		for (unsigned i = 0; i < 3; i++) {
			differs[i][3] |= rows[i] != 0;
			differs[3][i] |= columns[i] != 0;
		}
		differs[3][3] |= all != 0;
	}
	for (unsigned i = 0; i < (t.rows + 1) * (t.columns + 1); i++) {
		unsigned row = i / (t.columns + 1), column = i % (t.columns + 1);

		if (cell_at(row, column)->withheld)
			cr_assert(differs[row == t.rows ? 3 : row][column == t.columns ? 3 : column],
			    "table %u: cell %u,%u follows from the rest", n, row, column);
	}
}

Test(suppress, no_withheld_cell_follows_from_what_is_shown)
{
	uint64_t seed = 20240527;
	unsigned withheld = 0, shown = 0;

	for (unsigned n = 0; n < 2000; n++) {
		t = (struct stat_table){ .rows = 1 + random_up_to(&seed, 3),
			.columns = 1 + random_up_to(&seed, 3) };
		for (unsigned i = 0; i < t.rows * t.columns; i++) {
			unsigned cases = random_up_to(&seed, 3) == 0 ? 0
			    : random_up_to(&seed, 3) == 0            ? 1
								     : random_up_to(&seed, 12);

			t.cell[i / t.columns][i % t.columns] = (struct stat_cell){ .cases = cases,
				.houses = cases > 0 ? 1 + random_up_to(&seed, 9) : 0 };
		}
		suppress_table(&t);
		for (unsigned i = 0; i < t.rows * t.columns; i++) {
			const struct stat_cell *c = &t.cell[i / t.columns][i % t.columns];

			cr_assert(c->withheld || c->cases == 0 || (c->cases >= 5 && c->houses >= 3));
			withheld += c->withheld;
			shown += !c->withheld && c->cases > 0;
		}
		assert_nothing_follows(n);
	}
	cr_assert(withheld > 1000 && shown > 500, "%u withheld, %u shown: proves nothing", withheld, shown);
}

Test(suppress, the_largest_table_is_done_quickly)
{
	uint64_t seed = 7;

	t = (struct stat_table){ .rows = SUPPRESS_ROWS, .columns = SUPPRESS_COLUMNS };
	for (unsigned i = 0; i < t.rows * t.columns; i++)
		t.cell[i / t.columns][i % t.columns] =
		    (struct stat_cell){ .cases = random_up_to(&seed, 40), .houses = 9 };
	suppress_table(&t);
	cr_assert_not(t.total.withheld);
	cr_assert_gt(count_withheld(), 50);
}
