/* SPDX-License-Identifier: Apache-2.0 */
/* One row per table: which records it counts and under which row and column code. */
#include <stdlib.h>
#include <string.h>

#include "domain/suppress.h"
#include "service/statistics.h"

#define HOUSES_SEEN \
	2048u /* distinct houses remembered per table; beyond it a cell's house count only stays low */

struct counting;

struct table {
	const char *name;
	enum kind kind;
	const struct code_list *rows, *columns;
	/* Place the record in a cell; false: not counted. */
	bool (*place)(
	    struct counting *x, const void *record, unsigned *row, unsigned *column, struct id *house);
};

struct counting {
	struct ctx *c;
	const struct table *table;
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
in_period(const struct counting *x, int64_t t)
{
	day_number day = budapest_day(t);

	return t != 0 && day >= x->from && day <= x->to;
}

static bool
load_shelter(struct counting *x, const struct id *id, struct shelter *s)
{
	struct key key = record_key(KIND_SHELTER, id);

	return record_peek(x->c->txn, KIND_SHELTER, &key, s) == RC_OK;
}

static bool
place_placement(struct counting *x, const void *record, unsigned *row, unsigned *column, struct id *house)
{
	const struct reservation *r = record;
	struct shelter s;

	if (!in_period(x, r->arrived_at) || !load_shelter(x, &r->shelter, &s))
		return false;
	*row = s.type;
	*column = county_zone(s.county);
	*house = s.id;
	return true;
}

static bool
place_decline(struct counting *x, const void *record, unsigned *row, unsigned *column, struct id *house)
{
	const struct reservation *r = record;
	struct shelter s;

	if (r->state != RES_DECLINED_BY_HOUSE || !in_period(x, r->ended_at) ||
	    !load_shelter(x, &r->shelter, &s))
		return false;
	*row = r->reason;
	*column = s.type;
	*house = s.id;
	return true;
}

static bool
place_outcome(struct counting *x, const void *record, unsigned *row, unsigned *column, struct id *house)
{
	const struct episode *e = record;

	if (e->state != EPISODE_CLOSED || !in_period(x, e->closed_at))
		return false;
	*row = e->outcome;
	*column = e->channel;
	*house = e->id; /* no house stands behind an outcome: only the number of cases counts */
	return true;
}

static const struct table tables[] = {
	{ "placements", KIND_RESERVATION, &codes_shelter_type, &codes_zone, place_placement },
	{ "outcomes", KIND_EPISODE, &codes_outcome, &codes_channel, place_outcome },
	{ "declines", KIND_RESERVATION, &codes_decline_reason, &codes_shelter_type, place_decline },
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

static bool
count_one(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct counting *x = arg;
	union {
		struct reservation reservation;
		struct episode episode;
	} record;
	unsigned row, column;
	struct id house;

	(void)key;
	(void)rev;
	if ((x->rc = record_decode(x->table->kind, value, &record)) != RC_OK)
		return false;
	if (!x->table->place(x, &record, &row, &column, &house))
		return true;
	if (row >= x->cells->rows || column >= x->cells->columns)
		return true;
	x->cells->cell[row][column].cases++;
	if (is_new_house(x, &house, row * SUPPRESS_COLUMNS + column))
		x->cells->cell[row][column].houses++;
	return true;
}

static enum rc
write_rows(struct ctx *c, const struct table *t, const struct stat_table *cells, struct statistics_reply *out)
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

static const struct table *
find_table(const char *name)
{
	for (unsigned i = 0; i < COUNT_OF(tables); i++)
		if (strcmp(tables[i].name, name) == 0)
			return &tables[i];
	return NULL;
}

enum rc
statistics_table(
    struct ctx *c, const char *name, day_number from, day_number to, struct statistics_reply *out)
{
	struct counting x = { .c = c, .table = find_table(name), .from = from, .to = to };
	struct key prefix;
	enum rc rc;

	if (!x.table)
		return fault_set(c->fault, RC_MALFORMED, MSG_FIELD_ENUM, "/table", 0, NULL);
	x.cells = arena_alloc(c->arena, sizeof(*x.cells));
	x.seen = arena_calloc(c->arena, HOUSES_SEEN, sizeof(*x.seen));
	if (!x.cells || !x.seen)
		return RC_UNAVAILABLE;
	x.cells->rows = x.table->rows->count;
	x.cells->columns = x.table->columns->count;
	prefix = record_key(x.table->kind, &(struct id){ { 0 } });
	prefix.len = 1;
	if ((rc = txn_scan(c->txn, &prefix, NULL, count_one, &x)) != RC_OK || (rc = x.rc) != RC_OK)
		return rc;
	suppress_table(x.cells);
	*out = (struct statistics_reply){ .table = x.table->name, .from = from, .to = to };
	return write_rows(c, x.table, x.cells, out);
}
