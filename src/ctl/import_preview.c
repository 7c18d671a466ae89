/* SPDX-License-Identifier: Apache-2.0 */
/* What an import changes, row by row and cell by cell, against what is stored now.  Writes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/import.h"

/* One row of a file, and what is there before it; NULL: nothing. */
struct sight {
	enum import_table table;
	unsigned line;
	const char *house, *name; /* ${house} NULL: the name stands alone */
	enum import_change change;
	const void *before, *after;
};

static const char *const change_names[CHANGES] = { "unchanged", "new", "changed" };

/* ---- printing ---- */

static void
print_cells(const struct sight *s)
{
	struct import_cell from, to;

	for (unsigned i = 0; s->before != NULL && import_show_cell(s->table, i, s->before, &from); i++)
		if (import_show_cell(s->table, i, s->after, &to) && strcmp(from.text, to.text) != 0)
			(void)printf("  %s: \"%s\" -> \"%s\"", to.column, from.text, to.text);
}

static void
print_line(const struct import *im, const struct sight *s)
{
	(void)printf("%-8s %-13s %s%s%s  (%s:%u)", change_names[s->change], import_table_name(s->table),
	    s->house != NULL ? s->house : "", s->house != NULL ? " / " : "", s->name, im->path[s->table],
	    s->line);
	print_cells(s);
	(void)putchar('\n');
}

static void
write_cells(struct jw *w, const struct sight *s)
{
	struct import_cell from, to;

	jw_name(w, "cells");
	jw_open(w, '{');
	for (unsigned i = 0; s->before != NULL && import_show_cell(s->table, i, s->before, &from); i++) {
		if (!import_show_cell(s->table, i, s->after, &to) || strcmp(from.text, to.text) == 0)
			continue;
		jw_name(w, to.column);
		jw_open(w, '{');
		jw_field_string(w, "from", from.text);
		jw_field_string(w, "to", to.text);
		jw_close(w, '}');
	}
	jw_close(w, '}');
}

static void
print_object(const struct import *im, const struct sight *s, bool is_first)
{
	char buf[16384]; /* every column of a house, from and to */
	struct jw w;

	jw_init(&w, buf, sizeof(buf));
	jw_open(&w, '{');
	jw_field_string(&w, "change", change_names[s->change]);
	jw_field_string(&w, "table", import_table_name(s->table));
	jw_field_string(&w, "file", im->path[s->table]);
	jw_field_int(&w, "line", s->line);
	if (s->house != NULL)
		jw_field_string(&w, "shelter", s->house);
	jw_field_string(&w, "name", s->name);
	write_cells(&w, s);
	jw_close(&w, '}');
	(void)printf("%s%.*s", is_first ? "" : ",", (int)w.len, buf);
}

/* How many rows were shown so far is how many changed. */
static bool
is_first(const struct import *im)
{
	uint64_t shown = 0;

	for (unsigned t = 0; t < IMPORT_TABLES; t++)
		shown += im->tally[t][CHANGE_NEW] + im->tally[t][CHANGE_SOME];
	return shown == 1;
}

static void
see(struct import *im, const struct sight *s)
{
	im->tally[s->table][s->change]++;
	if (s->change == CHANGE_NONE || !args_has(im->args, OPT_DRY_RUN))
		return;
	if (args_has(im->args, OPT_JSON))
		print_object(im, s, is_first(im));
	else
		print_line(im, s);
}

/* ---- organisations and locations: as they were checked ---- */

static void
see_orgs(struct import *im)
{
	const struct org_row *rows = im->rows[IMPORT_ORGS].at;

	for (size_t i = 0; i < im->rows[IMPORT_ORGS].count; i++)
		see(im,
		    &(struct sight){ .table = IMPORT_ORGS,
			.line = rows[i].line,
			.name = rows[i].org.name,
			.change = rows[i].change });
}

static void
see_locations(struct import *im)
{
	const struct location_row *rows = im->rows[IMPORT_LOCATIONS].at;

	for (size_t i = 0; i < im->rows[IMPORT_LOCATIONS].count; i++)
		see(im,
		    &(struct sight){ .table = IMPORT_LOCATIONS,
			.line = rows[i].line,
			.name = rows[i].shelter,
			.change = rows[i].change });
}

/* ---- people ---- */

/* The houses of ${u} by name and in the order of names, so that equal sets give equal cells. */
static void
list_houses(struct import *im, const struct user *u, char out[IMPORT_LIST])
{
	size_t at = 0;

	out[0] = '\0';
	(void)names_find(&im->shelters, ""); /* sorts */
	for (size_t i = 0; i < im->shelters.count && u->shelter_count > 0; i++) {
		const struct name_row *house = &im->shelters.rows[i];
		bool is_hers = false;

		for (unsigned k = 0; k < u->shelter_count && !is_hers; k++)
			is_hers = id_equal(&u->shelters[k], &house->id);
		if (!is_hers || at >= IMPORT_LIST)
			continue;
		(void)snprintf(out + at, IMPORT_LIST - at, "%s%s", at > 0 ? ";" : "", house->name);
		at += strlen(out + at);
	}
}

static enum rc
see_person(struct import *im, const struct user_row *row, struct user_row pair[2])
{
	struct key key = record_key(KIND_USER, &row->user.id);
	struct sight s = { IMPORT_PEOPLE, row->line, NULL, row->user.name, row->change, NULL, &pair[1] };
	enum rc rc;

	if (row->change == CHANGE_SOME) {
		pair[0] = pair[1] = *row;
		if ((rc = import_fetch(im, KIND_USER, &key, &pair[0].user)) != RC_OK)
			return rc;
		list_houses(im, &pair[0].user, pair[0].shelters);
		list_houses(im, &pair[1].user, pair[1].shelters);
		s.before = &pair[0];
	}
	see(im, &s);
	return RC_OK;
}

static enum rc
see_people(struct import *im)
{
	const struct user_row *rows = im->rows[IMPORT_PEOPLE].at;
	struct user_row *pair = calloc(2, sizeof(*pair));
	enum rc rc = pair != NULL ? RC_OK : RC_UNAVAILABLE;

	for (size_t i = 0; i < im->rows[IMPORT_PEOPLE].count && rc == RC_OK; i++)
		rc = see_person(im, &rows[i], pair);
	if (pair != NULL)
		wipe(pair, 2 * sizeof(*pair)); /* verifiers */
	free(pair);
	return rc;
}

/* ---- houses and units ---- */

static enum rc
see_profile(struct import *im, const struct house_job *job)
{
	struct key key = record_key(KIND_SHELTER, &job->shelter);
	struct shelter_row before = *job->profile, after = *job->profile;
	struct sight s = { IMPORT_SHELTERS, after.line, NULL, after.shelter.code_name, CHANGE_NEW, NULL,
		&after };
	enum rc rc;

	if (job->change != CHANGE_NEW) {
		if ((rc = import_fetch(im, KIND_SHELTER, &key, &before.shelter)) != RC_OK)
			return rc;
		after.shelter = before.shelter;
		s.before = &before;
		s.change =
		    import_merge_profile(&after.shelter, &job->profile->shelter) ? CHANGE_SOME : CHANGE_NONE;
	}
	see(im, &s);
	return RC_OK;
}

static const struct unit *
find_unit(const struct house *h, const char *name)
{
	for (unsigned i = 0; i < h->unit_count; i++)
		if (!h->units[i].retired && strcmp(h->units[i].name, name) == 0)
			return &h->units[i];
	return NULL;
}

static enum rc
see_unit(struct import *im, const struct house *h, struct house *scratch, const struct unit_row *row)
{
	const struct unit *there = find_unit(h, row->unit.name);
	struct unit_row before = *row;
	struct sight s = { IMPORT_UNITS, row->line, row->shelter, row->unit.name, CHANGE_NEW, NULL, row };
	bool changed;
	enum rc rc;

	if (there != NULL) {
		before.unit = *there;
		*scratch = *h;
		if ((rc = import_merge_units(scratch, row, 1, im->now, &changed)) != RC_OK)
			return rc;
		s.change = changed ? CHANGE_SOME : CHANGE_NONE;
		s.before = &before;
	}
	see(im, &s);
	return RC_OK;
}

static enum rc
see_house(struct import *im, const struct house_job *job, struct house pair[2])
{
	const struct unit_row *rows = (const struct unit_row *)im->rows[IMPORT_UNITS].at + job->first;
	struct key key = record_key(KIND_HOUSE, &job->shelter);
	enum rc rc = job->profile != NULL ? see_profile(im, job) : RC_OK;

	model_clear(&model_house, &pair[0]);
	if (rc == RC_OK && job->change != CHANGE_NEW)
		rc = import_fetch(im, KIND_HOUSE, &key, &pair[0]);
	for (size_t i = 0; i < job->count && rc == RC_OK; i++)
		rc = see_unit(im, &pair[0], &pair[1], &rows[i]);
	return rc;
}

static enum rc
see_houses(struct import *im)
{
	struct house *pair = calloc(2, sizeof(*pair));
	enum rc rc = pair != NULL ? RC_OK : RC_UNAVAILABLE;

	for (size_t i = 0; i < im->job_count && rc == RC_OK; i++)
		rc = see_house(im, &im->jobs[i], pair);
	free(pair);
	return rc;
}

enum rc
import_preview(struct import *im)
{
	const bool is_json = args_has(im->args, OPT_DRY_RUN) && args_has(im->args, OPT_JSON);
	enum rc rc;

	if (is_json)
		(void)printf("{\"changes\":[");
	see_orgs(im);
	if ((rc = see_people(im)) == RC_OK)
		rc = see_houses(im);
	if (rc == RC_OK)
		see_locations(im);
	if (is_json)
		(void)putchar(']');
	return rc;
}
