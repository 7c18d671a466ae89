/* SPDX-License-Identifier: Apache-2.0 */
/* Houses with their units: what the rows make of a house, and whether that house would be sound. */
#include <stdlib.h>
#include <string.h>

#include "ctl/import.h"
#include "domain/beds.h"

#define HOUR 3600

/* ---- merging ---- */

static bool
same_layout(const struct unit *a, const struct unit *b)
{
	return a->adult_beds == b->adult_beds && a->child_beds == b->child_beds && a->cots == b->cots &&
	    a->shared == b->shared && a->step_free == b->step_free && a->own_rooms == b->own_rooms &&
	    a->join_group == b->join_group;
}

static void
set_layout(struct unit *u, const struct unit *row)
{
	u->adult_beds = row->adult_beds;
	u->child_beds = row->child_beds;
	u->cots = row->cots;
	u->shared = row->shared;
	u->step_free = row->step_free;
	u->own_rooms = row->own_rooms;
	u->join_group = row->join_group;
	u->version++;
}

/* The room that ${row} is about: of those of its name the one that is as it says, else the first.  The
 * console allows two of one name. */
static struct unit *
unit_of_row(struct house *h, const struct unit_row *row, unsigned *named)
{
	struct unit *found = NULL;

	*named = 0;
	for (unsigned i = 0; i < h->unit_count; i++) {
		struct unit *u = &h->units[i];

		if (u->retired || strcmp(u->name, row->unit.name) != 0)
			continue;
		if (++*named == 1 || same_layout(u, &row->unit))
			found = u;
	}
	return found;
}

static void
add_unit(struct house *h, const struct unit_row *row, int64_t now)
{
	struct unit *u = &h->units[h->unit_count++];

	*u = row->unit;
	u->version = 1;
	u->confirmed_at = row->confirmed_hours_ago == AGE_NEVER ? 0 : now - HOUR * row->confirmed_hours_ago;
}

enum rc
import_merge_units(struct house *h, const struct unit_row *rows, size_t count, int64_t now, bool *changed)
{
	unsigned named;

	*changed = false;
	for (size_t i = 0; i < count; i++) {
		struct unit *there = unit_of_row(h, &rows[i], &named);

		if (there != NULL && same_layout(there, &rows[i].unit))
			continue;
		if (there == NULL && h->unit_count == LIMIT_UNITS)
			return RC_TOO_BIG;
		if (there != NULL)
			set_layout(there, &rows[i].unit);
		else
			add_unit(h, &rows[i], now);
		*changed = true;
	}
	return RC_OK;
}

/* By their stored form: what is not stored cannot differ. */
static bool
same_profile(const struct shelter *a, const struct shelter *b)
{
	uint8_t ea[1024], eb[1024];
	size_t la, lb;

	if (model_encode(&model_shelter, a, ea, sizeof(ea), &la) != RC_OK ||
	    model_encode(&model_shelter, b, eb, sizeof(eb), &lb) != RC_OK)
		return false;
	return la == lb && memcmp(ea, eb, la) == 0;
}

bool
import_merge_profile(struct shelter *old, const struct shelter *row)
{
	struct shelter merged = *old;

	merged.county = row->county;
	merged.licensed_capacity = row->licensed_capacity;
	merged.is_open = row->is_open;
	merged.admission = row->admission;
	if (same_profile(old, &merged))
		return false;
	*old = merged;
	return true;
}

/* ---- rows of units ---- */

static void
check_unit(struct import *im, struct unit_row *row)
{
	const struct unit *u = &row->unit;
	const struct name_row *there = names_find(&im->shelters, row->shelter);
	struct beds beds = { u->adult_beds, u->child_beds, u->cots };

	row->unit.id = id_new();
	if (there == NULL)
		import_problem(im, row->line, "shelter: there is no \"%s\"", row->shelter);
	else
		row->shelter_id = there->id;
	if (unit_places(u) == 0 || unit_places(u) > LIMIT_PLACES)
		import_problem(im, row->line, "a unit has 1 to %u beds and cots, this one %u", LIMIT_PLACES,
		    unit_places(u));
	if (u->shared && u->join_group != 0)
		import_problem(im, row->line, "join_group: a shared unit cannot be joined with others");
	if (!beds_hold(beds, u->other_adults, u->other_children, u->other_babies))
		import_problem(im, row->line, "adults, children, babies: more people than beds and cots");
	if (u->out_of_use && u->other_adults + u->other_children + u->other_babies > 0)
		import_problem(im, row->line, "out_of_use: people live there");
}

static int
by_house(const void *pa, const void *pb)
{
	const struct unit_row *a = pa, *b = pb;
	int order = memcmp(a->shelter_id.b, b->shelter_id.b, ID_BYTES);

	if (order != 0)
		return order;
	return a->line < b->line ? -1 : a->line > b->line;
}

static void
check_repeats(struct import *im, const struct unit_row *rows, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(rows[i].unit.name, rows[k].unit.name) == 0) {
				import_problem(im, rows[i].line, "name: \"%s\" stands in line %u already",
				    rows[i].unit.name, rows[k].line);
				break;
			}
}

/* ---- what may be changed ---- */

/* As over the API (unit_save): a room that was promised or is lived in keeps its beds and properties, or a
 * household would find fewer beds than it was told of, or another household beside it.  And which of two of
 * one name is meant nobody knows. */
enum bar { BAR_NONE, BAR_TWICE, BAR_LIVE };

static enum bar
bar_of(struct house *h, const struct unit_use use[LIMIT_UNITS], const struct unit_row *row, unsigned *named)
{
	const struct unit *there = unit_of_row(h, row, named);

	if (there == NULL || same_layout(there, &row->unit))
		return BAR_NONE;
	if (*named > 1)
		return BAR_TWICE;
	return use[there - h->units].shares > 0 ? BAR_LIVE : BAR_NONE;
}

/* The choice of joined units tries all subsets of a group, so a group is bounded. */
static unsigned
big_groups(const struct house *h)
{
	unsigned members[LIMIT_UNITS + 1] = { 0 }, big = 0;

	for (unsigned i = 0; i < h->unit_count; i++)
		if (h->units[i].join_group != 0 && !h->units[i].retired)
			big += ++members[h->units[i].join_group] == JOIN_GROUP_UNITS + 1;
	return big;
}

enum rc
import_change_units(struct ctx *c, struct house *h, const struct shelter *s, const struct unit_row *rows,
    size_t count, int64_t now, bool *changed)
{
	const int64_t sure = ctx_sure(c);
	struct unit_use use[LIMIT_UNITS];
	unsigned named;
	enum rc rc;

	*changed = false;
	house_use(h, sure, use);
	for (size_t i = 0; i < count; i++)
		if (bar_of(h, use, &rows[i], &named) != BAR_NONE)
			return fault_set(c->fault, RC_STATE_CONFLICT,
			    named > 1 ? MSG_UNIT_TWICE : MSG_UNIT_IN_USE, NULL, 0, NULL);
	if ((rc = import_merge_units(h, rows, count, now, changed)) != RC_OK)
		return rc;
	if (*changed && (big_groups(h) > 0 || !house_is_sound(h, s, sure)))
		return fault_set(c->fault, RC_STATE_CONFLICT, MSG_STATE_CONFLICT, NULL, 0, NULL);
	return RC_OK;
}

static void
check_changes(struct import *im, struct house *h, const struct unit_row *rows, size_t count)
{
	struct unit_use use[LIMIT_UNITS];
	unsigned named;

	house_use(h, im->now, use);
	for (size_t i = 0; i < count; i++) {
		const enum bar bar = bar_of(h, use, &rows[i], &named);

		if (bar == BAR_TWICE)
			import_problem(im, rows[i].line,
			    "%u rooms are called \"%s\": change the one that is meant in the console", named,
			    rows[i].unit.name);
		else if (bar == BAR_LIVE)
			import_problem(im, rows[i].line,
			    "\"%s\" stays as it is while a reservation is live in it", rows[i].unit.name);
	}
}

/* ---- jobs ---- */

/* What is there of the house: profile and capacity record, or empty ones when it is new. */
static enum rc
load_house(struct import *im, const struct house_job *job, struct shelter *s, struct house *h)
{
	struct key key = record_key(KIND_SHELTER, &job->shelter);
	enum rc rc = import_fetch(im, KIND_SHELTER, &key, s);

	if (rc == RC_NOT_FOUND && job->profile == NULL)
		return RC_CORRUPT; /* its name was read from the store, so its record cannot be missing */
	if (rc == RC_NOT_FOUND) {
		*s = job->profile->shelter;
		model_clear(&model_house, h);
		h->shelter = job->shelter;
		return RC_NOT_FOUND;
	}
	key = record_key(KIND_HOUSE, &job->shelter);
	return rc == RC_OK ? import_fetch(im, KIND_HOUSE, &key, h) : rc;
}

static enum rc
check_job(struct import *im, struct house_job *job, struct house *h)
{
	const struct unit_row *rows = (const struct unit_row *)im->rows[IMPORT_UNITS].at + job->first;
	unsigned line = job->count > 0 ? rows[0].line : job->profile->line;
	bool changed = false, renewed = false;
	struct shelter s;
	enum rc rc = load_house(im, job, &s, h);

	if (rc != RC_OK && rc != RC_NOT_FOUND)
		return rc;
	im->table = job->count > 0 ? IMPORT_UNITS : IMPORT_SHELTERS;
	job->change = rc == RC_NOT_FOUND ? CHANGE_NEW : CHANGE_NONE;
	check_repeats(im, rows, job->count < 2 * LIMIT_UNITS ? job->count : 0);
	if (rc == RC_OK && job->profile != NULL)
		renewed = import_merge_profile(&s, &job->profile->shelter);
	check_changes(im, h, rows, job->count);
	if (job->count > 0 && import_merge_units(h, rows, job->count, im->now, &changed) != RC_OK) {
		import_problem(im, line, "a house has %u units at most", LIMIT_UNITS);
		return RC_OK;
	}
	for (unsigned n = big_groups(h); n > 0; n--)
		import_problem(im, line, "join_group: at most %u units in one", JOIN_GROUP_UNITS);
	if (!house_is_sound(h, &s, im->now))
		import_problem(im, line,
		    "\"%s\": these beds or this capacity do not hold who is booked there", s.code_name);
	if (job->change == CHANGE_NONE && (changed || renewed))
		job->change = CHANGE_SOME;
	return RC_OK;
}

/* Whether a house is sound follows from all its rows: with one that was not read nothing can be said. */
static bool
job_is_readable(const struct import *im, const struct house_job *job)
{
	const struct unit_row *rows = im->rows[IMPORT_UNITS].at;

	if (job->profile != NULL && import_is_wrong(im, IMPORT_SHELTERS, job->profile->line))
		return false;
	for (size_t i = 0; i < job->count; i++)
		if (import_is_wrong(im, IMPORT_UNITS, rows[job->first + i].line))
			return false;
	return true;
}

static int
by_id(const void *pa, const void *pb)
{
	const struct house_job *a = pa, *b = pb;

	return memcmp(a->shelter.b, b->shelter.b, ID_BYTES);
}

/* One job for each profile and for each other house that has units in the file. */
static enum rc
make_jobs(struct import *im)
{
	struct shelter_row *profiles = im->rows[IMPORT_SHELTERS].at;
	const struct unit_row *units = im->rows[IMPORT_UNITS].at;
	size_t n = im->rows[IMPORT_SHELTERS].count, m = im->rows[IMPORT_UNITS].count;
	size_t at = 0;

	if ((im->jobs = calloc(n + m + 1, sizeof(*im->jobs))) == NULL)
		return RC_UNAVAILABLE;
	for (size_t i = 0; i < n; i++)
		im->jobs[im->job_count++] =
		    (struct house_job){ .profile = &profiles[i], .shelter = profiles[i].shelter.id };
	qsort(im->jobs, n, sizeof(*im->jobs), by_id);
	while (at < m && id_is_zero(&units[at].shelter_id))
		at++; /* of houses that there are not: a problem of the line */
	while (at < m) {
		struct house_job *job, wanted = { .shelter = units[at].shelter_id };
		size_t first = at;

		while (at < m && id_equal(&units[at].shelter_id, &wanted.shelter))
			at++;
		job = bsearch(&wanted, im->jobs, n, sizeof(*im->jobs), by_id);
		if (job == NULL) {
			job = &im->jobs[im->job_count++];
			job->shelter = wanted.shelter;
		}
		job->first = first;
		job->count = at - first;
	}
	return RC_OK;
}

enum rc
import_plan_houses(struct import *im)
{
	struct import_rows *units = &im->rows[IMPORT_UNITS];
	struct unit_row *rows = units->at;
	struct house *h = malloc(sizeof(*h));
	enum rc rc = h != NULL ? RC_OK : RC_UNAVAILABLE;

	im->table = IMPORT_UNITS;
	for (size_t i = 0; i < units->count; i++)
		check_unit(im, &rows[i]);
	if (units->count > 0)
		qsort(rows, units->count, sizeof(*rows), by_house);
	if (rc == RC_OK)
		rc = make_jobs(im);
	for (size_t i = 0; i < im->job_count && rc == RC_OK; i++)
		if (job_is_readable(im, &im->jobs[i]))
			rc = check_job(im, &im->jobs[i], h);
	free(h);
	return rc;
}
