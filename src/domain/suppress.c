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

#define SIDE_ROWS    (SUPPRESS_ROWS + 1)
#define SIDE_COLUMNS (SUPPRESS_COLUMNS + 1)
#define VERTICES     (SIDE_ROWS + SIDE_COLUMNS)
#define FAR          UINT64_MAX

/* The table with its totals as last row and last column. */
struct grid {
	unsigned rows, columns; /* with the totals */
	struct stat_cell *cell[SIDE_ROWS][SIDE_COLUMNS];
};

/* Shortest ways from one vertex: rows first, then columns. */
struct ways {
	uint64_t cost[VERTICES];
	unsigned before[VERTICES];
	struct stat_cell
	    *by[VERTICES]; /* the cell between a vertex and the one before it; NULL at the start */
	bool done[VERTICES];
};

static void
make_grid(struct stat_table *t, struct grid *g)
{
	g->rows = t->rows + 1;
	g->columns = t->columns + 1;
	for (unsigned i = 0; i < t->rows; i++) {
		for (unsigned j = 0; j < t->columns; j++)
			g->cell[i][j] = &t->cell[i][j];
		g->cell[i][t->columns] = &t->row_total[i];
	}
	for (unsigned j = 0; j < t->columns; j++)
		g->cell[t->rows][j] = &t->column_total[j];
	g->cell[t->rows][t->columns] = &t->total;
}

/* Houses may be the same in two cells: the larger count is all that is certain of a total. */
static void
add_to(struct stat_cell *total, const struct stat_cell *cell)
{
	total->cases += cell->cases;
	if (cell->houses > total->houses)
		total->houses = cell->houses;
}

static void
fill_totals(struct stat_table *t)
{
	t->total = (struct stat_cell){ 0 };
	for (unsigned j = 0; j < t->columns; j++)
		t->column_total[j] = (struct stat_cell){ 0 };
	for (unsigned i = 0; i < t->rows; i++) {
		t->row_total[i] = (struct stat_cell){ 0 };
		for (unsigned j = 0; j < t->columns; j++) {
			add_to(&t->row_total[i], &t->cell[i][j]);
			add_to(&t->column_total[j], &t->cell[i][j]);
			add_to(&t->total, &t->cell[i][j]);
		}
	}
}

/* DOMAIN 5.  A zero is shown: it says that nothing happened to anybody. */
static bool
is_small(const struct stat_cell *c)
{
	return c->cases > 0 && (c->cases < SUPPRESS_MIN_CASES || c->houses < SUPPRESS_MIN_HOUSES);
}

static void
withhold_small(const struct grid *g)
{
	for (unsigned i = 0; i < g->rows; i++) {
		for (unsigned j = 0; j < g->columns; j++)
			g->cell[i][j]->withheld = is_small(g->cell[i][j]) || g->cell[i][j]->is_bound;
	}
}

/* Totals of rows and columns stand with a minus: to raise such an entry is to lower its count. */
static bool
is_negative(const struct grid *g, unsigned row, unsigned column)
{
	return (row == g->rows - 1) != (column == g->columns - 1);
}

/*
 * What it costs to use a cell of a cycle going up (from its row to its column) or down (back): nothing when
 * it is withheld anyway, else the count that readers lose; FAR when its count cannot go that way.
 */
static uint64_t
step_cost(const struct grid *g, unsigned row, unsigned column, bool is_up)
{
	const struct stat_cell *c = g->cell[row][column];
	bool is_lowered = is_up == is_negative(g, row, column);

	if (c->cases == 0 || c->is_known || (is_lowered && c->cases == 1))
		return FAR;
	return c->withheld ? 0 : (uint64_t)c->cases + 1;
}

/* The cell between two vertices, rows being numbered first, then columns; NULL when both are of one kind. */
static struct stat_cell *
cell_between(const struct grid *g, unsigned a, unsigned b)
{
	if ((a < g->rows) == (b < g->rows))
		return NULL;
	return a < g->rows ? g->cell[a][b - g->rows] : g->cell[b][a - g->rows];
}

/* Cost of going from ${a} to ${b} over the cell between them. */
static uint64_t
edge_cost(const struct grid *g, unsigned a, unsigned b)
{
	return a < g->rows ? step_cost(g, a, b - g->rows, true) : step_cost(g, b, a - g->rows, false);
}

static unsigned
nearest(const struct ways *w, unsigned vertices)
{
	unsigned best = vertices;

	for (unsigned v = 0; v < vertices; v++) {
		if (!w->done[v] && w->cost[v] != FAR && (best == vertices || w->cost[v] < w->cost[best]))
			best = v;
	}
	return best;
}

/* Go on from ${v} to each vertex that is reached more cheaply so, but not over ${avoid}. */
static void
go_on(const struct grid *g, unsigned v, const struct stat_cell *avoid, struct ways *w)
{
	for (unsigned to = 0; to < g->rows + g->columns; to++) {
		struct stat_cell *cell = cell_between(g, v, to);
		uint64_t cost;

		if (cell == NULL || cell == avoid)
			continue;
		cost = edge_cost(g, v, to);
		if (cost == FAR || w->cost[v] + cost >= w->cost[to])
			continue;
		w->cost[to] = w->cost[v] + cost;
		w->before[to] = v;
		w->by[to] = cell;
	}
}

/* Cheapest ways from ${from} that do not use ${avoid} (Dijkstra; at most 50 vertices). */
static void
find_ways(const struct grid *g, unsigned from, const struct stat_cell *avoid, struct ways *w)
{
	unsigned vertices = g->rows + g->columns;

	for (unsigned v = 0; v < VERTICES; v++) {
		w->cost[v] = FAR;
		w->before[v] = v;
		w->by[v] = NULL;
		w->done[v] = false;
	}
	w->cost[from] = 0;
	for (unsigned v = nearest(w, vertices); v < vertices; v = nearest(w, vertices)) {
		w->done[v] = true;
		go_on(g, v, avoid, w);
	}
}

static void
withhold_way(const struct ways *w, unsigned to)
{
	for (unsigned v = to; w->by[v] != NULL; v = w->before[v])
		w->by[v]->withheld = true;
}

/*
 * Put the cell on a cycle of withheld cells: it goes up and the way leads back from its column to its row, or
 * it goes down and the way leads the other way round.  One of the two always exists, since every count on it
 * may be raised: the cell's, its row's total, the grand total and its column's.
 */
static void
protect(const struct grid *g, unsigned row, unsigned column)
{
	struct ways up, down;
	const struct stat_cell *cell = g->cell[row][column];
	unsigned at_column = g->rows + column;
	uint64_t down_cost = FAR;

	find_ways(g, at_column, cell, &up);
	if (step_cost(g, row, column, false) != FAR) {
		find_ways(g, row, cell, &down);
		down_cost = down.cost[at_column];
	}
	if (step_cost(g, row, column, true) != FAR && up.cost[row] <= down_cost)
		withhold_way(&up, row);
	else if (down_cost != FAR)
		withhold_way(&down, at_column);
}

static void
suppress(struct stat_table *t)
{
	struct grid g;

	fill_totals(t);
	make_grid(t, &g);
	withhold_small(&g);
	for (unsigned i = 0; i < g.rows; i++) {
		for (unsigned j = 0; j < g.columns; j++) {
			if (g.cell[i][j]->withheld)
				protect(&g, i, j);
		}
	}
}

/* Nothing that another period binds or tells. */
static void
set_free(struct stat_table *t)
{
	for (unsigned i = 0; i < t->rows; i++) {
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

/*
 * The one sum that joins the periods: a cell's four quarters make its year.  With the year shown, a single
 * withheld quarter follows from it, and so do several that have one case each (a withheld cell is never
 * zero).  Then the last quarter is withheld too, and where it is zero, the year.  True: something changed.
 */
static bool
settle_cell(struct stat_year *y, unsigned row, unsigned column)
{
	struct stat_cell *year = &y->year.cell[row][column];
	struct stat_cell *last = &y->quarter[3].cell[row][column];
	unsigned withheld = 0, cases = 0;

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
