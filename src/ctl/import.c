/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files into rows.  Knows neither columns nor records. */
#include "ctl/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define FILE_CAP       (256u * 1024 * 1024) /* a million units are 40 MB */
#define ROW_ARENA      (256u * 1024)
#define PROBLEMS_SHOWN 10000u /* more is a wrong file, not a list of errors */

/* Lines come in rising order.  Without memory a line is not noted, and says more than it need. */
static void
note_wrong(struct import_lines *lines, unsigned line)
{
	if (lines->count > 0 && lines->at[lines->count - 1] == line)
		return;
	if (lines->count == lines->cap) {
		size_t cap = lines->cap == 0 ? 64 : lines->cap * 2, bytes;
		void *grown = size_mul(cap, sizeof(*lines->at), &bytes) ? realloc(lines->at, bytes) : NULL;

		if (grown == NULL)
			return;
		lines->at = grown;
		lines->cap = cap;
	}
	lines->at[lines->count++] = line;
}

static int
by_line(const void *pa, const void *pb)
{
	const unsigned *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

bool
import_is_wrong(const struct import *im, enum import_table table, unsigned line)
{
	const struct import_lines *lines = &im->wrong[table];

	return lines->count > 0 &&
	    bsearch(&line, lines->at, lines->count, sizeof(*lines->at), by_line) != NULL;
}

void
import_problem(struct import *im, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (im->is_checking && import_is_wrong(im, im->table, line))
		return;
	if (!im->is_checking && line > 0)
		note_wrong(&im->wrong[im->table], line);
	if (++im->problems > PROBLEMS_SHOWN)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_tame(text);
	if (line > 0)
		(void)fprintf(stderr, "%s:%u: %s\n", im->path[im->table], line, text);
	else
		(void)fprintf(stderr, "%s: %s\n", im->path[im->table], text);
}

static void *
add_row(struct import *im, unsigned line)
{
	struct import_rows *rows = &im->rows[im->table];
	size_t size = import_row_size(im->table), bytes;
	char *row;

	if (rows->count == rows->cap) {
		size_t cap = rows->cap == 0 ? 64 : rows->cap * 2;
		void *grown = size_mul(cap, size, &bytes) ? realloc(rows->at, bytes) : NULL;

		if (grown == NULL)
			return NULL;
		rows->at = grown;
		rows->cap = cap;
	}
	row = (char *)rows->at + size * rows->count++;
	memset(row, 0, size);
	memcpy(row, &line, sizeof(line)); /* every row struct begins with its line */
	return row;
}

static void
blame_csv(struct import *im, const struct fault *f)
{
	char text[256];

	for (unsigned i = 0; i < f->count; i++)
		import_problem(im, f->item[i].number > 0 ? (unsigned)f->item[i].number : 0, "%s",
		    fault_text(&f->item[i], LANG_EN, text, sizeof(text)));
}

/* The next row; one of another width is named and passed over. */
static enum rc
read_row(struct import *im, struct csv *csv, struct arena *arena, size_t mark)
{
	struct fault f = { .count = 0 };
	void *row;
	enum rc rc;

	arena_rewind(arena, mark);
	if ((rc = csv_row(csv, &f)) == RC_NOT_FOUND)
		return rc;
	if (rc != RC_OK) {
		blame_csv(im, &f);
		return rc;
	}
	if ((row = add_row(im, csv->line)) == NULL)
		return RC_UNAVAILABLE;
	import_read_cells(im, csv, row);
	return RC_OK;
}

static enum rc
read_rows(struct import *im, struct bytes text, struct arena *arena)
{
	const uint64_t before = im->problems;
	struct fault f = { .count = 0 };
	struct csv csv;
	size_t mark;
	enum rc rc = csv_open(&csv, text, arena, &f);

	if (rc == RC_OK)
		import_check_header(im, &csv);
	else
		blame_csv(im, &f);
	if (im->problems > before) { /* without the right header every row would be wrong */
		im->is_read_whole = false;
		return RC_OK;
	}
	mark = arena_mark(arena);
	while (rc == RC_OK) {
		rc = read_row(im, &csv, arena, mark);
		if (rc == RC_MALFORMED && csv.is_row)
			rc = RC_OK;
	}
	im->is_read_whole &= rc == RC_NOT_FOUND;
	return rc == RC_UNAVAILABLE ? rc : RC_OK;
}

static enum rc
read_table(struct import *im)
{
	const struct bytes *builtin = im->is_sample ? embedded_file(im->path[im->table]) : NULL;
	struct arena *arena = arena_new(ROW_ARENA);
	struct fault f = { .count = 0 };
	char *text = NULL;
	size_t len = 0;
	enum rc rc = arena != NULL ? RC_OK : RC_UNAVAILABLE;

	if (rc == RC_OK && builtin != NULL)
		rc = read_rows(im, *builtin, arena);
	else if (rc == RC_OK && file_read(im->path[im->table], FILE_CAP, &text, &len, &f) != RC_OK) {
		blame_csv(im, &f);
		im->is_read_whole = false;
	} else if (rc == RC_OK)
		rc = read_rows(im, (struct bytes){ (const uint8_t *)text, len }, arena);
	free(text);
	arena_free(arena);
	return rc;
}

enum rc
import_read(struct import *im)
{
	im->is_read_whole = true;
	for (unsigned t = 0; t < IMPORT_TABLES; t++) {
		enum rc rc;

		if (im->path[t] == NULL)
			continue;
		im->table = (enum import_table)t;
		if ((rc = read_table(im)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

void
import_free(struct import *im)
{
	const struct import_rows *people = &im->rows[IMPORT_PEOPLE], *locations = &im->rows[IMPORT_LOCATIONS];

	if (people->at != NULL)
		wipe(people->at, people->cap * sizeof(struct user_row));
	if (locations->at != NULL)
		wipe(locations->at, locations->cap * sizeof(struct location_row));
	for (unsigned t = 0; t < IMPORT_TABLES; t++) {
		free(im->rows[t].at);
		free(im->wrong[t].at);
	}
	free(im->jobs);
	names_free(&im->orgs);
	names_free(&im->shelters);
}
