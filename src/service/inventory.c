/* SPDX-License-Identifier: Apache-2.0 */
/* Counts houses into the table, then withholds.  Nobody outside sees the numbers before that. */
#include "service/inventory.h"

#include <string.h>

#include "domain/suppress.h"
#include "service/capacity.h"

struct counting {
	struct ctx *c;
	int64_t now;
	struct inventory *out;
	struct inventory_cell (*county)[INVENTORY_TYPES]; /* of all types, before anything is withheld */
	struct chances (*chances)[INVENTORY_TYPES];
	struct house *house;
	uint32_t freshness[FRESHNESS_COUNT]; /* open houses */
	enum rc rc;
};

/* DOMAIN 2: "address usually public", and those kept as types that are not secret. */
bool
inventory_is_public(enum shelter_type type)
{
	return type >= TYPE_FAMILY_HOME;
}

/* Households that unit ${i} can serve: one if it is private; each adult of a shared one may come with hers.
 */
static unsigned
unit_families(const struct unit *u)
{
	if (u->retired)
		return 0;
	return u->shared ? u->adult_beds : 1;
}

static void
count_free(const struct counting *x, const struct shelter *s, struct inventory_cell *cell)
{
	const unsigned persons = house_persons(x->house, x->now);
	const unsigned room = persons < s->licensed_capacity ? s->licensed_capacity - persons : 0;
	struct unit_use use[LIMIT_UNITS];
	unsigned beds = 0, families = 0;

	house_use(x->house, x->now, use);
	for (unsigned i = 0; i < x->house->unit_count; i++) {
		const struct unit *u = &x->house->units[i];
		const struct beds left = unit_beds_left(u, &use[i]);

		beds += beds_count(left);
		if (beds_count(left) > 0)
			families += u->shared ? left.adult : 1;
	}
	cell->free_places += beds < room ? beds : room;
	cell->free_families += families < room ? families : room;
}

/* A house is as fresh as the unit that it has not spoken of for longest. */
static void
count_freshness(struct counting *x)
{
	const struct freshness_rule *rule = &parts_tuning(x->c->parts)->freshness;
	enum freshness worst = 0;
	bool has_units = false;

	for (unsigned i = 0; i < x->house->unit_count; i++) {
		const struct unit *u = &x->house->units[i];
		const enum freshness f = freshness_of(u->confirmed_at, x->now, rule);

		has_units = has_units || !u->retired;
		worst = !u->retired && f > worst ? f : worst;
	}
	x->freshness[worst] += has_units;
}

static void
count_house(struct counting *x, const struct shelter *s)
{
	struct inventory_cell *cell = &x->county[s->county][s->type];

	cell->houses++;
	cell->places += s->licensed_capacity;
	for (unsigned i = 0; i < x->house->unit_count; i++)
		cell->families += unit_families(&x->house->units[i]);
	if (s->is_open) {
		count_free(x, s, cell);
		count_freshness(x);
	}
	capacity_count(
	    s, x->house, x->now, &parts_tuning(x->c->parts)->freshness, &x->chances[s->county][s->type]);
	x->out->has_samples |= s->is_sample;
}

static bool
count_record(void *arg, const struct key *key, struct bytes value, uint64_t rev)
{
	struct counting *x = arg;
	const size_t mark = arena_mark(x->c->arena);
	struct shelter s;
	struct key house;

	(void)key;
	(void)rev;
	if ((x->rc = record_decode(KIND_SHELTER, value, &s)) != RC_OK)
		return false;
	if (s.retired || s.type >= INVENTORY_TYPES || s.county >= COUNTY_COUNT)
		return true;
	house = record_key(KIND_HOUSE, &s.id);
	x->rc = record_peek(x->c->txn, KIND_HOUSE, &house, x->house);
	arena_rewind(x->c->arena, mark); /* it is decoded: of many thousand houses each would remain */
	if (x->rc != RC_OK)
		return false;
	count_house(x, &s);
	return true;
}

/* ---- the gate ---- */

/* What the gate judges by: the smaller measure, so that its rule holds for both. */
static uint32_t
cases_of(const struct inventory_cell *cell)
{
	const uint32_t least = cell->families < cell->places ? cell->families : cell->places;

	return cell->houses > 0 && least == 0 ? 1 : least;
}

static void
add(struct inventory_cell *sum, const struct inventory_cell *cell)
{
	sum->houses += cell->houses;
	sum->families += cell->families;
	sum->places += cell->places;
}

static uint32_t
in_steps(uint32_t n)
{
	return n - n % INVENTORY_STEP;
}

static void
show_county(const struct counting *x, const struct stat_cell *judged, unsigned county, unsigned type)
{
	const struct chances *chances = &x->chances[county][type];
	struct inventory_cell *to = &x->out->county[county][type];

	*to = (struct inventory_cell){ .withheld = true };
	if (judged->withheld)
		return;
	*to = x->county[county][type];
	to->free_families = in_steps(to->free_families);
	to->free_places = in_steps(to->free_places);
	to->answer = (uint8_t)band_answer(chances->fresh, chances->other);
}

static void
show_country(const struct counting *x, bool is_withheld, unsigned type)
{
	struct inventory_cell *to = &x->out->country[type];

	*to = (struct inventory_cell){ .withheld = is_withheld };
	for (unsigned i = 0; i < COUNTY_COUNT && !is_withheld; i++)
		add(to, &x->county[i][type]);
}

/* Of a type with secret addresses only the country is told, so nothing can be subtracted from it. */
static bool
is_small(const struct counting *x, unsigned type)
{
	struct inventory_cell sum = { 0 };

	for (unsigned i = 0; i < COUNTY_COUNT; i++)
		add(&sum, &x->county[i][type]);
	return sum.houses > 0 && (sum.houses < SUPPRESS_MIN_HOUSES || cases_of(&sum) < SUPPRESS_MIN_CASES);
}

static enum rc
withhold(const struct counting *x)
{
	struct stat_table *t = arena_calloc(x->c->arena, 1, sizeof(*t));

	if (t == NULL)
		return RC_UNAVAILABLE;
	t->rows = COUNTY_COUNT;
	t->columns = INVENTORY_TYPES - TYPE_FAMILY_HOME;
	for (unsigned i = 0; i < t->rows; i++) {
		for (unsigned j = 0; j < t->columns; j++) {
			const struct inventory_cell *cell = &x->county[i][TYPE_FAMILY_HOME + j];
			t->cell[i][j] = (struct stat_cell){ .cases = cases_of(cell), .houses = cell->houses };
		}
	}
	suppress_table(t);
	for (unsigned j = 0; j < INVENTORY_TYPES; j++) {
		const bool is_public = inventory_is_public((enum shelter_type)j);
		const unsigned column = is_public ? j - TYPE_FAMILY_HOME : 0;

		show_country(x, is_public ? t->column_total[column].withheld : is_small(x, j), j);
		for (unsigned i = 0; i < t->rows && is_public; i++)
			show_county(x, &t->cell[i][column], i, j);
	}
	return RC_OK;
}

/* Of the whole country only: of fewer houses it would say when one was silent. */
static void
show_freshness(const struct counting *x)
{
	struct stat_cell cells[FRESHNESS_COUNT];

	for (unsigned i = 0; i < FRESHNESS_COUNT; i++)
		cells[i] = (struct stat_cell){ .cases = x->freshness[i], .houses = x->freshness[i] };
	shares_of(cells, FRESHNESS_COUNT, x->out->freshness);
}

enum rc
inventory_read(struct ctx *c, struct inventory *out)
{
	const struct key prefix = record_key_bytes(KIND_SHELTER, "", 0);
	struct counting x = { .c = c, .out = out };
	enum rc rc;

	*out = (struct inventory){ .day = budapest_day(c->now) };
	x.now = budapest_midnight(out->day);
	x.county = arena_calloc(c->arena, COUNTY_COUNT, sizeof(*x.county));
	x.chances = arena_calloc(c->arena, COUNTY_COUNT, sizeof(*x.chances));
	x.house = arena_calloc(c->arena, 1, sizeof(*x.house));
	if (x.county == NULL || x.chances == NULL || x.house == NULL)
		return RC_UNAVAILABLE;
	if ((rc = txn_scan(c->txn, &prefix, NULL, count_record, &x)) != RC_OK)
		return rc;
	show_freshness(&x);
	return x.rc == RC_OK ? withhold(&x) : x.rc;
}
