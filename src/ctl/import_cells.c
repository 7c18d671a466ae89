/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of each table and how a cell becomes a member of its row.  Knows nothing of other rows or the
 * store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "ctl/import.h"

enum cell_type {
	CELL_TEXT,  /* char[size] */
	CELL_FLAG,  /* bool: yes, no or empty */
	CELL_U8,    /* uint8_t, ${least} to ${most}; empty = 0 */
	CELL_U16,   /* uint16_t, likewise */
	CELL_CODE,  /* uint8_t: position in ${codes} */
	CELL_CODES, /* uint32_t: bits by ${codes}, words with spaces between */
	CELL_WORDS, /* several bools by ${words}, likewise */
	CELL_AGE    /* int32_t: hours, or "never" */
};

struct word {
	const char *word;
	size_t offset; /* of a bool in the row */
};

struct column {
	const char *name;
	uint8_t type;
	bool needed; /* the cell must not be empty */
	bool once;   /* taken for new rows only */
	size_t offset, size;
	long least, most;
	const struct code_list *codes;
	const struct word *words; /* ended by one without a word */
};

#define AT(row, member) .offset = offsetof(struct row, member)
#define TEXT(row, column, member)                                                     \
	{                                                                             \
		.name = (column), .type = CELL_TEXT, .needed = true, AT(row, member), \
		.size = sizeof(((struct row *)0)->member)                             \
	}
#define FLAG(row, column, member)                                    \
	{                                                            \
		.name = (column), .type = CELL_FLAG, AT(row, member) \
	}
#define ONCE(row, column, member, hi)                                                          \
	{                                                                                      \
		.name = (column), .type = CELL_U8, .once = true, AT(row, member), .most = (hi) \
	}
#define NUMBER(row, column, member, lo, hi)                                                     \
	{                                                                                       \
		.name = (column), .type = CELL_U8, AT(row, member), .least = (lo), .most = (hi) \
	}

static const struct column org_columns[] = {
	TEXT(org_row, "name", org.name),
	{ .name = "kind",
	    .type = CELL_CODE,
	    .needed = true,
	    AT(org_row, org.kind),
	    .codes = &codes_org_kind },
};

static const struct column user_columns[] = {
	TEXT(user_row, "name", user.name),
	TEXT(user_row, "organisation", org),
	{ .name = "roles",
	    .type = CELL_CODES,
	    .needed = true,
	    AT(user_row, user.roles),
	    .codes = &codes_role },
	{ .name = "shelters", .type = CELL_TEXT, AT(user_row, shelters), .size = IMPORT_LIST },
};

#define ADMITS(word, member)                                                 \
	{                                                                    \
		word, offsetof(struct shelter_row, shelter.admission.member) \
	}

static const struct word admits[] = {
	ADMITS("women_alone", women_alone),
	ADMITS("men", men),
	ADMITS("fathers", fathers),
	ADMITS("adult_sibling", adult_sibling),
	ADMITS("partner", partner),
	ADMITS("pets", pets),
	ADMITS("acute_addiction", acute_addiction),
	ADMITS("acute_psychiatric", acute_psychiatric),
	ADMITS("own_county", own_county),
	{ NULL, 0 },
};

static const struct word answers[] = {
	ADMITS("assessment_first", assessment_first),
	ADMITS("waitlist", waitlist),
	{ NULL, 0 },
};

static const struct column shelter_columns[] = {
	TEXT(shelter_row, "code_name", shelter.code_name),
	TEXT(shelter_row, "organisation", org),
	{ .name = "type",
	    .type = CELL_CODE,
	    .needed = true,
	    AT(shelter_row, shelter.type),
	    .codes = &codes_shelter_type },
	{ .name = "county",
	    .type = CELL_CODE,
	    .needed = true,
	    AT(shelter_row, shelter.county),
	    .codes = &codes_county },
	{ .name = "licensed_capacity",
	    .type = CELL_U16,
	    .needed = true,
	    AT(shelter_row, shelter.licensed_capacity),
	    .least = 1,
	    .most = 2000 },
	FLAG(shelter_row, "open", shelter.is_open),
	{ .name = "admits", .type = CELL_WORDS, .words = admits },
	{ .name = "boy_max_age",
	    .type = CELL_U8,
	    .needed = true,
	    AT(shelter_row, shelter.admission.boy_max_age),
	    .most = 17 },
	NUMBER(shelter_row, "own_room_boy_age", shelter.admission.own_room_boy_age, 0, 17),
	NUMBER(shelter_row, "max_children", shelter.admission.max_children, 0, LIMIT_CHILDREN),
	{ .name = "languages",
	    .type = CELL_CODES,
	    AT(shelter_row, shelter.admission.languages),
	    .codes = &codes_language },
	{ .name = "answers", .type = CELL_WORDS, .words = answers },
};

static const struct column unit_columns[] = {
	TEXT(unit_row, "shelter", shelter),
	TEXT(unit_row, "name", unit.name),
	NUMBER(unit_row, "adult_beds", unit.adult_beds, 0, LIMIT_PLACES),
	NUMBER(unit_row, "child_beds", unit.child_beds, 0, LIMIT_PLACES),
	NUMBER(unit_row, "cots", unit.cots, 0, LIMIT_PLACES),
	FLAG(unit_row, "shared", unit.shared),
	FLAG(unit_row, "step_free", unit.step_free),
	FLAG(unit_row, "own_rooms", unit.own_rooms),
	NUMBER(unit_row, "join_group", unit.join_group, 0, LIMIT_UNITS),
	{ .name = "out_of_use", .type = CELL_FLAG, .once = true, AT(unit_row, unit.out_of_use) },
	ONCE(unit_row, "adults", unit.other_adults, LIMIT_PLACES),
	ONCE(unit_row, "children", unit.other_children, LIMIT_PLACES),
	ONCE(unit_row, "babies", unit.other_babies, LIMIT_PLACES),
	{ .name = "confirmed_hours_ago",
	    .type = CELL_AGE,
	    .once = true,
	    AT(unit_row, confirmed_hours_ago),
	    .most = 87600 },
};

static const struct column location_columns[] = {
	TEXT(location_row, "shelter", shelter),
	TEXT(location_row, "address", location.address),
	TEXT(location_row, "intake_phone", location.intake_phone),
	{ .name = "travel_notes",
	    .type = CELL_TEXT,
	    AT(location_row, location.travel_notes),
	    .size = LIMIT_TEXT },
};

static const struct table {
	const char *name, *builtin;
	size_t row_size;
	const struct column *columns;
	unsigned count;
} tables[IMPORT_TABLES] = {
	[IMPORT_ORGS] = { "organisations", "data/sample-organisations.csv", sizeof(struct org_row),
	    org_columns, COUNT_OF(org_columns) },
	[IMPORT_PEOPLE] = { "people", "data/sample-people.csv", sizeof(struct user_row), user_columns,
	    COUNT_OF(user_columns) },
	[IMPORT_SHELTERS] = { "shelters", "data/sample-shelters.csv", sizeof(struct shelter_row),
	    shelter_columns, COUNT_OF(shelter_columns) },
	[IMPORT_UNITS] = { "units", "data/sample-units.csv", sizeof(struct unit_row), unit_columns,
	    COUNT_OF(unit_columns) },
	[IMPORT_LOCATIONS] = { "locations", "data/sample-locations.csv", sizeof(struct location_row),
	    location_columns, COUNT_OF(location_columns) },
};

const char *
import_table_name(enum import_table table)
{
	return tables[table].name;
}

const char *
import_table_builtin(enum import_table table)
{
	return tables[table].builtin;
}

size_t
import_row_size(enum import_table table)
{
	return tables[table].row_size;
}

/* ---- the header ---- */

/* Without a header the first line is data, of the locations an address: only what is nearly a column's name
 * is said again. */
static void
refuse_column(struct import *im, const struct table *t, const char *name, unsigned place)
{
	const char *names[CSV_COLUMNS];
	const char *nearest;

	for (unsigned i = 0; i < t->count; i++)
		names[i] = t->columns[i].name;
	nearest = nearest_name(name, names, t->count);
	if (nearest != NULL)
		import_problem(im, 0, "unknown column \"%s\"; did you mean \"%s\"?", name, nearest);
	else
		import_problem(im, 0, "column %u is none of this table", place);
}

void
import_check_header(struct import *im, const struct csv *csv)
{
	const struct table *t = &tables[im->table];

	for (unsigned i = 0; i < t->count; i++) {
		bool found = false;
		for (unsigned k = 0; k < csv->columns && !found; k++)
			found = strcmp(csv->name[k], t->columns[i].name) == 0;
		if (!found && t->columns[i].needed)
			import_problem(im, 0, "the column \"%s\" is missing", t->columns[i].name);
	}
	for (unsigned k = 0; k < csv->columns; k++) {
		bool known = false;
		for (unsigned i = 0; i < t->count && !known; i++)
			known = strcmp(csv->name[k], t->columns[i].name) == 0;
		if (!known)
			refuse_column(im, t, csv->name[k], k + 1);
	}
}

/* ---- cells ---- */

struct cell {
	struct import *im;
	const struct column *column;
	const char *text;
	unsigned line;
	void *row, *to;
};

static void
list_codes(const struct code_list *codes, char *out, size_t cap)
{
	size_t at = 0;

	*out = '\0';
	for (unsigned i = 0; i < codes->count && at + 1 < cap; i++) {
		const char *parts[2] = { i > 0 ? ", " : "", codes->rows[i].code };
		for (unsigned k = 0; k < 2; k++) {
			(void)str_copy(out + at, cap - at, parts[k]);
			at += strlen(out + at);
		}
	}
}

static void
refuse_code(const struct cell *cell, const char *word, int len)
{
	char known[320];

	list_codes(cell->column->codes, known, sizeof(known));
	import_problem(
	    cell->im, cell->line, "%s: \"%.*s\" is not one of %s", cell->column->name, len, word, known);
}

static bool
is_one_line(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static void
read_text(const struct cell *cell)
{
	if (!is_one_line(cell->text))
		import_problem(cell->im, cell->line, "%s: control characters", cell->column->name);
	else if (!str_copy(cell->to, cell->column->size, cell->text))
		import_problem(cell->im, cell->line, "%s: longer than %zu bytes", cell->column->name,
		    cell->column->size - 1);
}

static void
read_flag(const struct cell *cell)
{
	bool *to = cell->to;

	*to = strcmp(cell->text, "yes") == 0;
	if (!*to && strcmp(cell->text, "no") != 0 && *cell->text != '\0')
		import_problem(cell->im, cell->line, "%s: \"%s\" is neither yes nor no nor empty",
		    cell->column->name, cell->text);
}

/* False, with the problem said, when the cell is no number within the column's bounds. */
static bool
read_number(const struct cell *cell, long *out)
{
	const struct column *c = cell->column;
	char *end;

	*out = 0;
	if (*cell->text == '\0')
		return true;
	*out = strtol(cell->text, &end, 10);
	if (*cell->text >= '0' && *cell->text <= '9' && *end == '\0' && *out >= c->least && *out <= c->most)
		return true;
	import_problem(cell->im, cell->line, "%s: \"%s\" is not a number from %ld to %ld", c->name,
	    cell->text, c->least, c->most);
	return false;
}

static void
read_u8(const struct cell *cell)
{
	long v;

	if (read_number(cell, &v))
		*(uint8_t *)cell->to = (uint8_t)v;
}

static void
read_u16(const struct cell *cell)
{
	long v;

	if (read_number(cell, &v))
		*(uint16_t *)cell->to = (uint16_t)v;
}

static void
read_age(const struct cell *cell)
{
	int32_t *to = cell->to;
	long v = 0;

	*to = AGE_NEVER;
	if (*cell->text == '\0' || strcmp(cell->text, "never") == 0)
		return;
	if (read_number(cell, &v))
		*to = (int32_t)v;
}

static void
read_code(const struct cell *cell)
{
	size_t len = strlen(cell->text);
	int code = code_find(cell->column->codes, cell->text, len);

	if (code < 0)
		refuse_code(cell, cell->text, (int)len);
	else
		*(uint8_t *)cell->to = (uint8_t)code;
}

static void
read_codes(const struct cell *cell)
{
	uint32_t *to = cell->to;

	for (const char *p = cell->text + strspn(cell->text, " "); *p != '\0'; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");
		int code = code_find(cell->column->codes, p, len);
		if (code < 0)
			refuse_code(cell, p, (int)len);
		else
			*to |= UINT32_C(1) << code;
		p += len;
	}
}

static bool
set_word(const struct cell *cell, const char *p, size_t len)
{
	for (const struct word *w = cell->column->words; w->word != NULL; w++) {
		if (strlen(w->word) != len || strncmp(w->word, p, len) != 0)
			continue;
		*(bool *)((char *)cell->row + w->offset) = true;
		return true;
	}
	return false;
}

static void
read_words(const struct cell *cell)
{
	for (const char *p = cell->text + strspn(cell->text, " "); *p != '\0'; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");
		if (!set_word(cell, p, len))
			import_problem(cell->im, cell->line, "%s: unknown word \"%.*s\"", cell->column->name,
			    (int)len, p);
		p += len;
	}
}

typedef void cell_fn(const struct cell *cell);

static cell_fn *const readers[] = {
	[CELL_TEXT] = read_text,
	[CELL_FLAG] = read_flag,
	[CELL_U8] = read_u8,
	[CELL_U16] = read_u16,
	[CELL_CODE] = read_code,
	[CELL_CODES] = read_codes,
	[CELL_WORDS] = read_words,
	[CELL_AGE] = read_age,
};

void
import_read_cells(struct import *im, const struct csv *csv, void *row)
{
	const struct table *t = &tables[im->table];

	for (unsigned i = 0; i < t->count; i++) {
		const struct column *column = &t->columns[i];
		const char *text = csv_cell(csv, column->name);
		struct cell cell = { im, column, text != NULL ? text : "", csv->line, row,
			(char *)row + column->offset };

		if (column->needed && *cell.text == '\0')
			import_problem(im, csv->line, "%s: must not be empty", column->name);
		else
			readers[column->type](&cell);
	}
}

/* ---- cells shown again ---- */

static void
append(char out[IMPORT_CELL], const char *word)
{
	const size_t at = strlen(out);

	(void)snprintf(out + at, IMPORT_CELL - at, "%s%s", at > 0 ? " " : "", word);
}

static void
show_words(const struct word *words, const char *row, char out[IMPORT_CELL])
{
	for (const struct word *w = words; w->word != NULL; w++)
		if (*(const bool *)(row + w->offset))
			append(out, w->word);
}

static void
show_codes(const struct code_list *codes, uint32_t bits, char out[IMPORT_CELL])
{
	for (unsigned i = 0; i < codes->count; i++)
		if (bits >> i & 1)
			append(out, codes->rows[i].code);
}

static void
show_value(const struct column *c, const char *row, char out[IMPORT_CELL])
{
	const void *at = row + c->offset;
	unsigned number = 0;

	if (c->type == CELL_TEXT)
		append(out, at);
	else if (c->type == CELL_WORDS)
		show_words(c->words, row, out);
	else if (c->type == CELL_CODES)
		show_codes(c->codes, *(const uint32_t *)at, out);
	else if (c->type == CELL_CODE)
		append(out, c->codes->rows[*(const uint8_t *)at].code);
	else if (c->type == CELL_FLAG)
		append(out, *(const bool *)at ? "yes" : "no");
	else {
		number = c->type == CELL_U16 ? *(const uint16_t *)at : *(const uint8_t *)at;
		(void)snprintf(out, IMPORT_CELL, "%u", number);
	}
}

bool
import_show_cell(enum import_table table, unsigned index, const void *row, struct import_cell *out)
{
	const struct table *t = &tables[table];

	/* what is in the locations' cells is never shown */
	while (index < t->count && t->columns[index].once)
		index++;
	if (table == IMPORT_LOCATIONS || index >= t->count)
		return false;
	*out = (struct import_cell){ .column = t->columns[index].name };
	show_value(&t->columns[index], row, out->text);
	return true;
}
