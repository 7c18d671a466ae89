/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cell suppression as a problem of paths.  Take the table with its totals as a graph: a vertex for every row
 * and every column (the totals' own row and column too), an edge for every cell.  Write the totals with a
 * minus and the grand total with a plus; then every row and every column sums to zero, and any other table
 * that a reader may imagine differs from ours by a set of cycles, in which cells go up and down in turn.  So
 * a withheld cell can be derived exactly when no such cycle of withheld cells passes through it.  Where none
 * does, the cheapest one is withheld too: one cycle per cell is enough, and it protects all cells on it.
 *
 * A reader knows that zeros are shown, so no withheld cell may be imagined below 1.
 */
#include "domain/suppress.h"

#define VERTICES (SUPPRESS_ROWS + 1 + SUPPRESS_COLUMNS + 1) /* a row and a column of totals */
#define FAR      UINT64_MAX

/* Shortest ways from one vertex: rows first, then columns. */
struct ways {
	uint64_t cost[VERTICES];
	unsigned before[VERTICES]; /* itself at the start, and where no way leads */
	bool done[VERTICES];
};

/*@ // every step of a way joins a row and a column
  predicate are_ways{L}(struct ways *w, integer rows, integer vertices) = \forall integer v; 0 <= v < vertices
    ==> w->before[v] == v || (w->before[v] < vertices && ((v <= rows) <==> (w->before[v] > rows)));
  predicate is_cell(struct stat_table *t, struct stat_cell *c) = c == &t->total ||
    (\exists integer i; 0 <= i < SUPPRESS_ROWS && c == &t->row_total[i]) ||
    (\exists integer j; 0 <= j < SUPPRESS_COLUMNS && c == &t->column_total[j]) ||
    (\exists integer i, j; 0 <= i < SUPPRESS_ROWS && 0 <= j < SUPPRESS_COLUMNS && c == &t->cell[i][j]);
*/

/* A cell of the table with its totals as last row and last column. */
/*@ requires \valid(t) && within_sides(t) && row <= t->rows && column <= t->columns;
    assigns \nothing;
    ensures row < t->rows && column < t->columns ==> \result == &t->cell[row][column];
    ensures row < t->rows && column == t->columns ==> \result == &t->row_total[row];
    ensures row == t->rows && column < t->columns ==> \result == &t->column_total[column];
    ensures row == t->rows && column == t->columns ==> \result == &t->total;
    ensures is_cell(t, \result) && \valid(\result);
*/
static struct stat_cell *
cell_at(struct stat_table *t, unsigned row, unsigned column)
{
	if (row < t->rows)
		return column < t->columns ? &t->cell[row][column] : &t->row_total[row];
	return column < t->columns ? &t->column_total[column] : &t->total;
}

/* Houses may be the same in two cells: the larger count is all that is certain of a total. */
/*@ requires \valid(total) && \valid_read(cell) && \separated(total, cell);
    assigns total->cases, total->houses;
    ensures total->houses == \max(\old(total->houses), cell->houses);
*/
static void
add_to(struct stat_cell *total, const struct stat_cell *cell)
{
	total->cases += cell->cases;
	if (cell->houses > total->houses)
		total->houses = cell->houses;
}

/*@ requires \valid(t) && within_sides(t);
    assigns t->row_total[0 .. SUPPRESS_ROWS - 1], t->column_total[0 .. SUPPRESS_COLUMNS - 1], t->total;
*/
static void
fill_totals(struct stat_table *t)
{
	t->total = (struct stat_cell){ 0 };
	/*@ loop invariant 0 <= j <= t->columns;
	    loop assigns j, t->column_total[0 .. SUPPRESS_COLUMNS - 1];
	    loop variant t->columns - j;
	*/
	for (unsigned j = 0; j < t->columns; j++)
		t->column_total[j] = (struct stat_cell){ 0 };
	/*@ loop invariant 0 <= i <= t->rows;
	    loop assigns i, t->row_total[0 .. SUPPRESS_ROWS - 1], t->column_total[0 .. SUPPRESS_COLUMNS - 1],
	      t->total;
	    loop variant t->rows - i;
	*/
	for (unsigned i = 0; i < t->rows; i++) {
		t->row_total[i] = (struct stat_cell){ 0 };
		/*@ loop invariant 0 <= j <= t->columns;
		    loop assigns j, t->row_total[i], t->column_total[0 .. SUPPRESS_COLUMNS - 1], t->total;
		    loop variant t->columns - j;
		*/
		for (unsigned j = 0; j < t->columns; j++) {
			add_to(&t->row_total[i], &t->cell[i][j]);
			add_to(&t->column_total[j], &t->cell[i][j]);
			add_to(&t->total, &t->cell[i][j]);
		}
	}
}

/* DOMAIN 5.  A zero is shown: it says that nothing happened to anybody. */
/*@ requires \valid_read(c);
    assigns \nothing;
    ensures \result <==> small(c);
*/
static bool
is_small(const struct stat_cell *c)
{
	return c->cases > 0 && (c->cases < SUPPRESS_MIN_CASES || c->houses < SUPPRESS_MIN_HOUSES);
}

/*@ requires \valid(c);
    assigns c->withheld;
    ensures c->withheld <==> small(c) || c->is_bound;
*/
static void
withhold_if_small(struct stat_cell *c)
{
	c->withheld = is_small(c) || c->is_bound;
}

/*@ requires \valid(t) && within_sides(t);
    assigns t->cell[0 .. SUPPRESS_ROWS - 1][0 .. SUPPRESS_COLUMNS - 1].withheld,
      t->row_total[0 .. SUPPRESS_ROWS - 1].withheld;
    ensures \forall integer i, j; 0 <= i < t->rows && 0 <= j < t->columns && small(&t->cell[i][j]) ==>
      t->cell[i][j].withheld;
    ensures \forall integer i; 0 <= i < t->rows && small(&t->row_total[i]) ==> t->row_total[i].withheld;
*/
static void
withhold_in_rows(struct stat_table *t)
{
	/*@ loop invariant 0 <= i <= t->rows;
	    loop invariant \forall integer a, b; 0 <= a < i && 0 <= b < t->columns && small(&t->cell[a][b])
	   ==> t->cell[a][b].withheld; loop invariant \forall integer a; 0 <= a < i && small(&t->row_total[a])
	   ==> t->row_total[a].withheld; loop assigns i, t->cell[0 .. SUPPRESS_ROWS - 1][0 .. SUPPRESS_COLUMNS
	   - 1].withheld, t->row_total[0 .. SUPPRESS_ROWS - 1].withheld; loop variant t->rows - i;
	*/
	for (unsigned i = 0; i < t->rows; i++) {
		/*@ loop invariant 0 <= j <= t->columns;
		    loop invariant \forall integer b; 0 <= b < j && small(&t->cell[i][b]) ==>
		      t->cell[i][b].withheld;
		    loop assigns j, t->cell[i][0 .. SUPPRESS_COLUMNS - 1].withheld;
		    loop variant t->columns - j;
		*/
		for (unsigned j = 0; j < t->columns; j++)
			withhold_if_small(&t->cell[i][j]);
		withhold_if_small(&t->row_total[i]);
	}
}

/*@ requires \valid(t) && within_sides(t);
    assigns t->column_total[0 .. SUPPRESS_COLUMNS - 1].withheld;
    ensures \forall integer j; 0 <= j < t->columns && small(&t->column_total[j]) ==>
      t->column_total[j].withheld;
*/
static void
withhold_below_columns(struct stat_table *t)
{
	/*@ loop invariant 0 <= j <= t->columns;
	    loop invariant \forall integer b; 0 <= b < j && small(&t->column_total[b]) ==>
	      t->column_total[b].withheld;
	    loop assigns j, t->column_total[0 .. SUPPRESS_COLUMNS - 1].withheld;
	    loop variant t->columns - j;
	*/
	for (unsigned j = 0; j < t->columns; j++)
		withhold_if_small(&t->column_total[j]);
}

/* Totals of rows and columns stand with a minus: to raise such an entry is to lower its count. */
/*@ requires \valid_read(t);
    assigns \nothing;
    ensures \result <==> ((row == t->rows) ^^ (column == t->columns));
*/
static bool
is_negative(const struct stat_table *t, unsigned row, unsigned column)
{
	return (row == t->rows) != (column == t->columns);
}

/*
 * What it costs to use a cell of a cycle going up (from its row to its column) or down (back): nothing when
 * it is withheld anyway, else the count that readers lose; FAR when its count cannot go that way.
 */
/*@ requires \valid(t) && within_sides(t) && row <= t->rows && column <= t->columns;
    assigns \nothing;
*/
static uint64_t
step_cost(struct stat_table *t, unsigned row, unsigned column, bool is_up)
{
	const struct stat_cell *c = cell_at(t, row, column);
	bool is_lowered = is_up == is_negative(t, row, column);

	if (c->cases == 0 || c->is_known || (is_lowered && c->cases == 1))
		return FAR;
	return c->withheld ? 0 : (uint64_t)c->cases + 1;
}

/*@ requires \valid_read(t) && within_sides(t);
    assigns \nothing;
    ensures \result == t->rows + t->columns + 2;
*/
static unsigned
vertices_of(const struct stat_table *t)
{
	return t->rows + 1 + t->columns + 1;
}

/* The cell between two vertices, rows being numbered first, then columns; NULL when both are of one kind. */
/*@ requires \valid(t) && within_sides(t);
    requires a < t->rows + t->columns + 2 && b < t->rows + t->columns + 2;
    assigns \nothing;
    ensures \result == \null <==> ((a <= t->rows) <==> (b <= t->rows));
    ensures \result != \null ==> is_cell(t, \result) && \valid(\result);
*/
static struct stat_cell *
cell_between(struct stat_table *t, unsigned a, unsigned b)
{
	if ((a <= t->rows) == (b <= t->rows))
		return NULL;
	return a <= t->rows ? cell_at(t, a, b - t->rows - 1) : cell_at(t, b, a - t->rows - 1);
}

/* Cost of going from ${a} to ${b}, of the other kind, over the cell between them. */
/*@ requires \valid(t) && within_sides(t) && ((a <= t->rows) <==> (b > t->rows));
    requires a < t->rows + t->columns + 2 && b < t->rows + t->columns + 2;
    assigns \nothing;
*/
static uint64_t
edge_cost(struct stat_table *t, unsigned a, unsigned b)
{
	return a <= t->rows ? step_cost(t, a, b - t->rows - 1, true)
			    : step_cost(t, b, a - t->rows - 1, false);
}

/*@ requires \valid_read(w) && vertices <= VERTICES;
    assigns \nothing;
    ensures \result <= vertices;
*/
static unsigned
nearest(const struct ways *w, unsigned vertices)
{
	unsigned best = vertices;

	/*@ loop invariant 0 <= v <= vertices && best <= vertices;
	    loop assigns v, best;
	    loop variant vertices - v;
	*/
	for (unsigned v = 0; v < vertices; v++) {
		if (!w->done[v] && w->cost[v] != FAR && (best == vertices || w->cost[v] < w->cost[best]))
			best = v;
	}
	return best;
}

/* Go on from ${v} to each vertex that is reached more cheaply so, but not over ${avoid}. */
/*@ requires \valid(t) && within_sides(t) && \valid(w) && \separated(t, w);
    requires v < t->rows + t->columns + 2 && are_ways(w, t->rows, t->rows + t->columns + 2);
    assigns w->cost[0 .. VERTICES - 1], w->before[0 .. VERTICES - 1];
    ensures are_ways(w, t->rows, t->rows + t->columns + 2);
*/
static void
go_on(struct stat_table *t, unsigned v, const struct stat_cell *avoid, struct ways *w)
{
	/*@ loop invariant 0 <= to <= t->rows + t->columns + 2;
	    loop invariant are_ways(w, t->rows, t->rows + t->columns + 2);
	    loop assigns to, w->cost[0 .. VERTICES - 1], w->before[0 .. VERTICES - 1];
	    loop variant t->rows + t->columns + 2 - to;
	*/
	for (unsigned to = 0; to < vertices_of(t); to++) {
		const struct stat_cell *cell = cell_between(t, v, to);
		uint64_t cost;

		if (cell == NULL || cell == avoid)
			continue;
		cost = edge_cost(t, v, to);
		if (cost == FAR || w->cost[v] + cost >= w->cost[to])
			continue;
		w->cost[to] = w->cost[v] + cost;
		w->before[to] = v;
	}
}

/* Cheapest ways from ${from} that do not use ${avoid} (Dijkstra; at most 50 vertices). */
/*@ requires \valid(t) && within_sides(t) && \valid(w) && \separated(t, w);
    requires from < t->rows + t->columns + 2;
    assigns *w;
    ensures are_ways(w, t->rows, t->rows + t->columns + 2);
*/
static void
find_ways(struct stat_table *t, unsigned from, const struct stat_cell *avoid, struct ways *w)
{
	unsigned vertices = vertices_of(t);

	/*@ loop invariant 0 <= v <= VERTICES;
	    loop invariant \forall integer a; 0 <= a < v ==> w->before[a] == a;
	    loop assigns v, *w;
	    loop variant VERTICES - v;
	*/
	for (unsigned v = 0; v < VERTICES; v++) {
		w->cost[v] = FAR;
		w->before[v] = v;
		w->done[v] = false;
	}
	w->cost[from] = 0;
	/*@ loop invariant 0 <= v <= vertices;
	    loop invariant are_ways(w, t->rows, vertices);
	    loop assigns v, *w;
	*/
	for (unsigned v = nearest(w, vertices); v < vertices; v = nearest(w, vertices)) {
		w->done[v] = true;
		go_on(t, v, avoid, w);
	}
}

/*@ requires \valid(t) && within_sides(t) && \valid_read(w) && \separated(t, w);
    requires to < t->rows + t->columns + 2 && are_ways(w, t->rows, t->rows + t->columns + 2);
    assigns { c->withheld | struct stat_cell *c; is_cell(t, c) };
*/
static void
withhold_way(struct stat_table *t, const struct ways *w, unsigned to)
{
	/*@ loop invariant 0 <= v < t->rows + t->columns + 2;
	    loop assigns v, { c->withheld | struct stat_cell *c; is_cell(t, c) };
	*/
	for (unsigned v = to; w->before[v] != v; v = w->before[v])
		cell_between(t, v, w->before[v])->withheld = true;
}

/*
 * Put the cell on a cycle of withheld cells: it goes up and the way leads back from its column to its row, or
 * it goes down and the way leads the other way round.  One of the two always exists, since every count on it
 * may be raised: the cell's, its row's total, the grand total and its column's.
 */
/*@ requires \valid(t) && within_sides(t) && row <= t->rows && column <= t->columns;
    assigns { c->withheld | struct stat_cell *c; is_cell(t, c) };
*/
static void
protect(struct stat_table *t, unsigned row, unsigned column)
{
	struct ways up, down;
	const struct stat_cell *cell = cell_at(t, row, column);
	unsigned at_column = t->rows + 1 + column;
	uint64_t down_cost = FAR;

	find_ways(t, at_column, cell, &up);
	if (step_cost(t, row, column, false) != FAR) {
		find_ways(t, row, cell, &down);
		down_cost = down.cost[at_column];
	}
	if (step_cost(t, row, column, true) != FAR && up.cost[row] <= down_cost)
		withhold_way(t, &up, row);
	else if (down_cost != FAR)
		withhold_way(t, &down, at_column);
}

/*@ requires \valid(t) && within_sides(t);
    assigns *t;
*/
static void
suppress(struct stat_table *t)
{
	fill_totals(t);
	withhold_in_rows(t);
	withhold_below_columns(t);
	withhold_if_small(&t->total);
	/*@ loop invariant 0 <= i <= t->rows + 1;
	    loop assigns i, { c->withheld | struct stat_cell *c; is_cell(t, c) };
	    loop variant t->rows + 1 - i;
	*/
	for (unsigned i = 0; i <= t->rows; i++) {
		/*@ loop invariant 0 <= j <= t->columns + 1;
		    loop assigns j, { c->withheld | struct stat_cell *c; is_cell(t, c) };
		    loop variant t->columns + 1 - j;
		*/
		for (unsigned j = 0; j <= t->columns; j++) {
			if (cell_at(t, i, j)->withheld)
				protect(t, i, j);
		}
	}
}

/* Nothing that another period binds or tells. */
/*@ requires \valid(t) && within_sides(t);
    assigns t->cell[0 .. SUPPRESS_ROWS - 1][0 .. SUPPRESS_COLUMNS - 1].is_bound,
      t->cell[0 .. SUPPRESS_ROWS - 1][0 .. SUPPRESS_COLUMNS - 1].is_known;
*/
static void
set_free(struct stat_table *t)
{
	/*@ loop invariant 0 <= i <= t->rows;
	    loop assigns i, t->cell[0 .. SUPPRESS_ROWS - 1][0 .. SUPPRESS_COLUMNS - 1].is_bound,
	      t->cell[0 .. SUPPRESS_ROWS - 1][0 .. SUPPRESS_COLUMNS - 1].is_known;
	    loop variant t->rows - i;
	*/
	for (unsigned i = 0; i < t->rows; i++) {
		/*@ loop invariant 0 <= j <= t->columns;
		    loop assigns j, t->cell[i][0 .. SUPPRESS_COLUMNS - 1].is_bound,
		      t->cell[i][0 .. SUPPRESS_COLUMNS - 1].is_known;
		    loop variant t->columns - j;
		*/
		for (unsigned j = 0; j < t->columns; j++)
			t->cell[i][j].is_bound = t->cell[i][j].is_known = false;
	}
}

void
suppress_table(struct stat_table *t)
{
	set_free(t);
	suppress(t);
}

/*@ logic integer quarters_withheld{L}(struct stat_year *y, integer i, integer j, integer n) = n <= 0 ? 0 :
    quarters_withheld(y, i, j, n - 1) + (y->quarter[n - 1].cell[i][j].withheld ? 1 : 0);
  logic integer cases_withheld{L}(struct stat_year *y, integer i, integer j, integer n) = n <= 0 ? 0 :
    cases_withheld(y, i, j, n - 1) +
    (y->quarter[n - 1].cell[i][j].withheld ? y->quarter[n - 1].cell[i][j].cases : 0);
*/

/*
 * The one sum that joins the periods: a cell's four quarters make its year.  With the year shown, a single
 * withheld quarter follows from it, and so do several that have one case each (a withheld cell is never
 * zero).  Then the last quarter is withheld too, and where it is zero, the year.  True: something changed.
 */
/*@ requires \valid(y) && row < SUPPRESS_ROWS && column < SUPPRESS_COLUMNS;
    requires \forall integer q; 0 <= q < 4 ==> y->quarter[q].cell[row][column].cases <= 1000000000;
    assigns y->year.cell[row][column].is_known, y->year.cell[row][column].is_bound,
      y->quarter[3].cell[row][column].is_bound;
    // left as it is only where all quarters are shown, or the year is not, or its sum leaves them open
    ensures !\result ==> quarters_withheld(y, row, column, 4) == 0 || y->year.cell[row][column].withheld ||
      (quarters_withheld(y, row, column, 4) > 1 &&
	cases_withheld(y, row, column, 4) > quarters_withheld(y, row, column, 4));
*/
static bool
settle_cell(struct stat_year *y, unsigned row, unsigned column)
{
	struct stat_cell *year = &y->year.cell[row][column];
	struct stat_cell *last = &y->quarter[3].cell[row][column];
	unsigned withheld = 0, cases = 0;

	/*@ loop invariant 0 <= q <= 4 && withheld == quarters_withheld(y, row, column, q);
	    loop invariant cases == cases_withheld(y, row, column, q) && cases <= 1000000000 * q && withheld
	   <= q; loop assigns q, withheld, cases; loop variant 4 - q;
	*/
	for (unsigned q = 0; q < 4; q++) {
		const struct stat_cell *cell = &y->quarter[q].cell[row][column];
		withheld += cell->withheld;
		cases += cell->withheld ? cell->cases : 0;
	}
	if (withheld == 0) {
		bool changed = !year->is_known;
		year->is_known = true;
		return changed;
	}
	year->is_known = false;
	if (year->withheld || (withheld > 1 && cases > withheld))
		return false;
	*(last->cases > 0 && !last->withheld ? &last->is_bound : &year->is_bound) = true;
	return true;
}

void
suppress_year(struct stat_year *y)
{
	bool changed = true;

	for (unsigned q = 0; q < 3; q++)
		suppress_table(&y->quarter[q]);
	set_free(&y->quarter[3]);
	set_free(&y->year);
	while (changed) { /* each round binds a cell for good, or finds one told by its quarters */
		changed = false;
		suppress(&y->quarter[3]);
		suppress(&y->year);
		for (unsigned i = 0; i < y->year.rows; i++) {
			for (unsigned j = 0; j < y->year.columns; j++)
				changed |= settle_cell(y, i, j);
		}
	}
}
