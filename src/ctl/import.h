/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing in a network from CSV: all files are read and checked whole, with every problem named by file and
 * line, before anything is written; a dry run lists every change, column by column; then it is written
 * in one piece, which a kill at any moment leaves out whole.  What is there already is matched by name and
 * left alone when it says the same.  What staff say of their rooms (who lives there, when it was confirmed)
 * is taken for new units only.
 */
#ifndef MENEDEK_IMPORT_H
#define MENEDEK_IMPORT_H

#include "base/csv.h"
#include "ctl/names.h"
#include "ctl/offline.h"
#include "ctl/passes.h"

enum import_table {
	IMPORT_ORGS,
	IMPORT_PEOPLE,
	IMPORT_SHELTERS,
	IMPORT_UNITS,
	IMPORT_LOCATIONS,
	IMPORT_TABLES
};

enum import_change { CHANGE_NONE, CHANGE_NEW, CHANGE_SOME, CHANGES };

/** Rows of one table: an array of the table's row struct. */
struct import_rows {
	void *at;
	size_t count, cap;
};

/** Lines of one file in rising order. */
struct import_lines {
	unsigned *at;
	size_t count, cap;
};

#define IMPORT_CELL 320u /* a cell as text: all languages, or all roles */
#define IMPORT_LIST 640u /* a cell of up to USER_SHELTERS code names */

struct org_row {
	unsigned line;
	uint8_t change;
	struct org org;
};

struct user_row {
	unsigned line;
	uint8_t change;
	char org[LIMIT_NAME];
	char shelters[IMPORT_LIST];
	struct user user;
	struct pass pass; /* made at the end, for new people */
};

struct shelter_row {
	unsigned line;
	char org[LIMIT_NAME];
	struct shelter shelter;
};

#define AGE_NEVER (-1)

struct unit_row {
	unsigned line;
	char shelter[LIMIT_NAME];
	struct id shelter_id;
	int32_t confirmed_hours_ago; /* or AGE_NEVER */
	struct unit unit;
};

struct location_row {
	unsigned line;
	uint8_t change;
	char shelter[LIMIT_NAME];
	struct id shelter_id;
	struct location location;
};

/** What happens to one house: its profile if the file has it, and its units' rows. */
struct house_job {
	struct shelter_row *profile; /* NULL: only units */
	struct id shelter;
	size_t first, count; /* of the units, which are sorted by house */
	uint8_t change;
};

struct import {
	const struct args *args;
	struct offline *o;
	bool is_sample;
	const char *path[IMPORT_TABLES]; /* NULL = not given */
	struct import_rows rows[IMPORT_TABLES];
	struct names orgs, shelters; /* of the store and the files together */
	struct house_job *jobs;
	size_t job_count;
	uint64_t problems;
	bool is_read_whole;                       /* every file had its header and could be read to its end */
	struct import_lines wrong[IMPORT_TABLES]; /* lines with a cell that cannot be read */
	bool is_checking; /* of such lines nothing more is said: it would follow from the cell */
	uint64_t tally[IMPORT_TABLES][CHANGES];
	int64_t now;
	enum import_table table; /* being worked on, for the words of a problem */
};

/* ---- import_cells.c: what a table's columns are ---- */

const char *import_table_name(enum import_table table);    /* "people" */
const char *import_table_builtin(enum import_table table); /* "data/sample-people.csv" */
size_t import_row_size(enum import_table table);

/** Are the header's columns those of the table?  Names each that is missing or unknown. */
void import_check_header(struct import *im, const struct csv *csv);

/** One cell of a row as the file would say it; "" is an empty one. */
struct import_cell {
	const char *column;
	char text[IMPORT_CELL];
};

/**
 * The cell ${index} of ${row} into ${out}, of the columns that are written also over what is there already;
 * false when there are no more, or when they must not be shown (locations).
 */
MUST_USE bool import_show_cell(
    enum import_table table, unsigned index, const void *row, struct import_cell *out);

/** Fill ${row} from the row that ${csv} has just read, naming each cell that is wrong. */
void import_read_cells(struct import *im, const struct csv *csv, void *row);

/* ---- import.c ---- */

/** "FILE:LINE: ..." on standard error; counted, and shown up to a limit.  ${line} 0: the file as a whole.
 * While checking, a line that could not be read is passed over: it has had its say. */
void import_problem(struct import *im, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);

/** Had ${line} of ${table} a cell that could not be read? */
bool import_is_wrong(const struct import *im, enum import_table table, unsigned line);

/** Read all files, naming every problem.  RC_OK also then; other codes: it could not be gone on. */
MUST_USE enum rc import_read(struct import *im);
void import_free(struct import *im);

/* ---- import_check.c: within the files and against the store; writes nothing ---- */

/** Find or make every id, tell what is new or different, name every problem.  RC_INVALID when there is one.
 * A stored location that does not open is different. */
MUST_USE enum rc import_check(struct import *im);

/** Read one record of the store: RC_OK, RC_NOT_FOUND, ... */
MUST_USE enum rc import_fetch(struct import *im, enum kind kind, const struct key *key, void *out);

/* ---- import_houses.c ---- */

/** Sort the units by house, make a job of each house, check each against its invariants. */
MUST_USE enum rc import_plan_houses(struct import *im);

/**
 * Put ${count} rows into ${h}: a unit of a new name is added, another gets the layout of its row.  *changed
 * tells whether anything is different.  RC_TOO_BIG when the house would have more than LIMIT_UNITS.
 */
MUST_USE enum rc import_merge_units(
    struct house *h, const struct unit_row *rows, size_t count, int64_t now, bool *changed);

/**
 * import_merge_units to write it: of ${h} as it is by now, since beside another node it may have changed
 * after it was checked.  RC_STATE_CONFLICT where the check would name a problem now.
 */
MUST_USE enum rc import_change_units(struct ctx *c, struct house *h, const struct shelter *s,
    const struct unit_row *rows, size_t count, int64_t now, bool *changed);

/** Copy what a file may say of a house over ${old}; false if that changes nothing. */
bool import_merge_profile(struct shelter *old, const struct shelter *row);

/* ---- import_preview.c ---- */

/**
 * Count what the import does, row by row, and on a dry run print each row that changes something with the
 * cells that differ; of locations only that they differ.  With --json it begins an object that the caller
 * ends. After import_check.
 */
MUST_USE enum rc import_preview(struct import *im);

/* ---- import_write.c ---- */
MUST_USE enum rc import_write(struct import *im);

#endif
