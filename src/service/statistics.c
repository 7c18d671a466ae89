/* SPDX-License-Identifier: Apache-2.0 */
/* Counts a table of a period from what is stored: the records that are still there, and the tallies of those
 * that retention removed.  A year is counted with its quarters, since what is withheld in one depends on what
 * another tells. */
#include <string.h>

#include "domain/suppress.h"
#include "service/statistics.h"

#define TABLES (PERIOD_QUARTERS + 1) /* the quarters, then the year */

/* Houses behind a cell; that there are more than these need not be known. */
struct seen {
	unsigned count;
	struct id house[SUPPRESS_MIN_HOUSES];
};

struct counting {
	struct ctx *c;
	const struct case_table *table;
	int year;
	struct stat_year *tables;
	struct seen *seen; /* TABLES by rows by columns */
	enum rc rc;
};

static void
count_house(struct seen *seen, struct stat_cell *cell, const struct id *house)
{
	for (unsigned i = 0; i < seen->count; i++)
		if (id_equal(&seen->house[i], house))
			return;
	if (seen->count == COUNT_OF(seen->house))
		return;
	seen->house[seen->count++] = *house;
	cell->houses = seen->count;
}

static void
add_to(struct counting *x, unsigned which, const struct case_cell *at, uint32_t cases)
{
	struct stat_table *t = which == PERIOD_QUARTERS ? &x->tables->year : &x->tables->quarter[which];
	struct stat_cell *cell;

	if (at->row >= t->rows || at->column >= t->columns)
		return;
	cell = &t->cell[at->row][at->column];
	cell->cases += cases;
	if (id_is_zero(&at->house))
		cell->houses += cases;
	else
		count_house(
		    &x->seen[(which * t->rows + at->row) * t->columns + at->column], cell, &at->house);
}

static void
add(struct counting *x, unsigned quarter, const struct case_cell *at, uint32_t cases)
{
	if ((int)(quarter / PERIOD_QUARTERS) != x->year)
		return;
	add_to(x, quarter % PERIOD_QUARTERS, at, cases);
	add_to(x, PERIOD_QUARTERS, at, cases);
}

static bool
count_record(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct counting *x = arg;
	union {
		struct reservation reservation;
		struct episode episode;
	} record;
	const size_t mark = arena_mark(x->c->arena);
	struct case_cell at;

	(void)key;
	(void)rev;
	if ((x->rc = record_decode(x->table->kind, value, &record)) != RC_OK)
		return false;
	x->rc = x->table->place(x->c->txn, &record, &at);
	arena_rewind(x->c->arena, mark); /* of many thousand stays each would leave its house */
	if (x->rc == RC_OK)
		add(x, case_quarter(at.day), &at, 1);
	else if (x->rc == RC_NOT_FOUND)
		x->rc = RC_OK;
	return x->rc == RC_OK;
}

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
	if (t.table != x->table - case_tables)
		return true;
	at = (struct case_cell){ .row = t.row, .column = t.column, .house = t.house };
	add(x, t.quarter, &at, t.cases);
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

static enum rc
make_counting(struct ctx *c, const struct case_table *table, int year, struct counting *x)
{
	const size_t cells = (size_t)table->rows->count * table->columns->count;

	*x = (struct counting){ .c = c,
		.table = table,
		.year = year,
		.tables = arena_calloc(c->arena, 1, sizeof(*x->tables)),
		.seen = arena_calloc(c->arena, TABLES * cells, sizeof(*x->seen)) };
	if (!x->tables || !x->seen)
		return RC_UNAVAILABLE;
	for (unsigned i = 0; i < TABLES; i++) {
		struct stat_table *t = i == PERIOD_QUARTERS ? &x->tables->year : &x->tables->quarter[i];
		t->rows = table->rows->count;
		t->columns = table->columns->count;
	}
	return RC_OK;
}

/* Count ${x}'s year from what is there and from what is left of what is not. */
static enum rc
count_all(struct counting *x)
{
	const enum rc rc = count_kind(x, x->table->kind, count_record);

	return rc == RC_OK ? count_kind(x, KIND_TALLY, count_tally) : rc;
}

static enum rc
read_period(struct ctx *c, const char *text, struct period *out)
{
	const day_number today = budapest_day(c->now);

	*out = period_last_quarter(today);
	if (!text || (period_parse(text, strlen(text), out) && period_is_over(*out, today)))
		return RC_OK;
	return fault_set(c->fault, RC_MALFORMED, MSG_PERIOD_BAD, "/period", 0, NULL);
}

enum rc
statistics_table(struct ctx *c, const char *name, const char *period, struct statistics_reply *out)
{
	const struct case_table *table = case_table_find(name);
	const struct stat_table *shown;
	struct period wanted;
	struct counting x;
	enum rc rc;

	if (!table)
		return fault_set(c->fault, RC_MALFORMED, MSG_FIELD_ENUM, "/table", 0, NULL);
	if ((rc = read_period(c, period, &wanted)) != RC_OK ||
	    (rc = make_counting(c, table, wanted.year, &x)) != RC_OK)
		return rc;
	if ((rc = count_all(&x)) != RC_OK)
		return rc;
	suppress_year(x.tables);
	shown = wanted.quarter == 0 ? &x.tables->year : &x.tables->quarter[wanted.quarter - 1];
	*out = (struct statistics_reply){
		.table = table->name, .from = period_first_day(wanted), .to = period_last_day(wanted)
	};
	period_format(wanted, out->period);
	return write_rows(c, table, shown, out);
}

enum rc
statistics_shares(struct ctx *c, const struct case_table *table, int year, struct share out[SUPPRESS_ROWS])
{
	struct stat_cell cells[SUPPRESS_ROWS];
	struct counting x;
	enum rc rc;

	if (!period_is_over((struct period){ year, 0 }, budapest_day(c->now)))
		return fault_set(c->fault, RC_MALFORMED, MSG_PERIOD_BAD, "/period", 0, NULL);
	if ((rc = make_counting(c, table, year, &x)) != RC_OK || (rc = count_all(&x)) != RC_OK)
		return rc;
	for (unsigned i = 0; i < table->rows->count; i++)
		cells[i] = x.tables->year.cell[i][0];
	shares_of(cells, table->rows->count, out);
	return RC_OK;
}
