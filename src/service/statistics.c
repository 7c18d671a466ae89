/* SPDX-License-Identifier: Apache-2.0 */
/* Counts a table of a period from what is stored: the records that are still there, and the tallies of those
 * that retention removed. */
#include <stdlib.h>
#include <string.h>

#include "domain/suppress.h"
#include "service/cases.h"
#include "service/statistics.h"

#define HOUSES_SEEN \
	2048u /* distinct houses remembered per table; beyond it a cell's house count only stays low */

struct counting {
	struct ctx *c;
	const struct case_table *table;
	day_number from, to;
	struct stat_table *cells;
	struct {
		struct id house;
		uint16_t cell;
	} * seen;
	unsigned seen_count;
	enum rc rc;
};

static bool
is_new_house(struct counting *x, const struct id *house, unsigned cell)
{
	for (unsigned i = 0; i < x->seen_count; i++)
		if (x->seen[i].cell == cell && id_equal(&x->seen[i].house, house))
			return false;
	if (x->seen_count == HOUSES_SEEN)
		return false;
	x->seen[x->seen_count].house = *house;
	x->seen[x->seen_count++].cell = (uint16_t)cell;
	return true;
}

static void
add(struct counting *x, const struct case_cell *at, uint32_t cases)
{
	struct stat_cell *cell;

	if (at->row >= x->cells->rows || at->column >= x->cells->columns)
		return;
	cell = &x->cells->cell[at->row][at->column];
	cell->cases += cases;
	if (id_is_zero(&at->house))
		cell->houses += cases;
	else if (is_new_house(x, &at->house, at->row * SUPPRESS_COLUMNS + at->column))
		cell->houses++;
}

static bool
count_record(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct counting *x = arg;
	union {
		struct reservation reservation;
		struct episode episode;
	} record;
	struct case_cell at;

	(void)key;
	(void)rev;
	if ((x->rc = record_decode(x->table->kind, value, &record)) != RC_OK)
		return false;
	if (x->table->place(x->c->txn, &record, &at) && at.day >= x->from && at.day <= x->to)
		add(x, &at, 1);
	return true;
}

/* A tally knows its quarter only: it counts in a period that holds the whole of it. */
static bool
count_tally(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct counting *x = arg;
	struct case_cell at;
	struct case_count t;

	(void)key;
	(void)rev;
	if ((x->rc = record_decode(KIND_TALLY, value, &t)) != RC_OK)
		return false;
	if (t.table != x->table - case_tables || case_quarter_start(t.quarter) < x->from ||
	    case_quarter_start((uint16_t)(t.quarter + 1)) - 1 > x->to)
		return true;
	at = (struct case_cell){ .row = t.row, .column = t.column, .house = t.house };
	add(x, &at, t.cases);
	return true;
}

static enum rc
count_kind(struct counting *x, enum kind kind, txn_scan_fn *fn)
{
	const struct key prefix = record_key_bytes(kind, "", 0);
	const enum rc rc = txn_scan(x->c->txn, &prefix, NULL, fn, x);

	return rc == RC_OK ? x->rc : rc;
}

static enum rc
write_rows(
    struct ctx *c, const struct case_table *t, const struct stat_table *cells, struct statistics_reply *out)
{
	struct statistics_row *rows =
	    arena_calloc(c->arena, (size_t)cells->rows * cells->columns, sizeof(*rows));

	if (!rows)
		return RC_UNAVAILABLE;
	for (unsigned i = 0; i < cells->rows; i++) {
		for (unsigned j = 0; j < cells->columns; j++) {
			const struct stat_cell *cell = &cells->cell[i][j];
			rows[out->count++] = (struct statistics_row){ .key = t->rows->rows[i].code,
				.column = t->columns->rows[j].code,
				.value = cell->withheld ? 0 : cell->cases,
				.withheld = cell->withheld };
		}
	}
	out->rows = rows;
	return RC_OK;
}

enum rc
statistics_table(
    struct ctx *c, const char *name, day_number from, day_number to, struct statistics_reply *out)
{
	struct counting x = { .c = c, .table = case_table_find(name), .from = from, .to = to };
	enum rc rc;

	if (!x.table)
		return fault_set(c->fault, RC_MALFORMED, MSG_FIELD_ENUM, "/table", 0, NULL);
	x.cells = arena_alloc(c->arena, sizeof(*x.cells));
	x.seen = arena_calloc(c->arena, HOUSES_SEEN, sizeof(*x.seen));
	if (!x.cells || !x.seen)
		return RC_UNAVAILABLE;
	x.cells->rows = x.table->rows->count;
	x.cells->columns = x.table->columns->count;
	if ((rc = count_kind(&x, x.table->kind, count_record)) != RC_OK ||
	    (rc = count_kind(&x, KIND_TALLY, count_tally)) != RC_OK)
		return rc;
	suppress_table(x.cells);
	*out = (struct statistics_reply){ .table = x.table->name, .from = from, .to = to };
	return write_rows(c, x.table, x.cells, out);
}
