/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule of retention as data: defaults from schedule.def, hours from CSV, every number bounded. */
#include "domain/schedule.h"

#include <stdio.h>
#include <string.h>

#include "base/csv.h"

#define HOUR      3600
#define CSV_ARENA ((size_t)64 * 1024)
#define HOURS_MAX 1000000 /* more than a hundred years; keeps the product in range */

static const struct {
	const char *name;
	int64_t least, keep, most;
} rows[RETAIN_COUNT] = {
#define R(class, name, least, keep, most, since) [RETAIN_##class] = { (name), (least), (keep), (most) },
#include "domain/schedule.def"
#undef R
};

const char *schedule_name(enum retention_class class)
{
	return rows[class].name;
}

void
schedule_default(struct schedule *out)
{
	for (unsigned i = 0; i < RETAIN_COUNT; i++)
		out->keep[i] = rows[i].keep;
}

static int
find(const char *name)
{
	for (unsigned i = 0; i < RETAIN_COUNT; i++)
		if (strcmp(rows[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* The pointer of a fault: line and column of the file. */
static enum rc
refuse(const struct csv *csv, enum msg msg, const char *column, long number, struct fault *f)
{
	char pointer[FAULT_POINTER];

	(void)snprintf(pointer, sizeof(pointer), "/%u/%s", csv->line, column);
	return fault_set(f, RC_INVALID, msg, pointer, number, column);
}

static enum rc
read_row(const struct csv *csv, struct schedule *s, struct fault *f)
{
	const char *what = csv_cell(csv, "what"), *hours = csv_cell(csv, "hours");
	unsigned count;
	int64_t keep;
	int class;

	if (what == NULL || hours == NULL)
		return refuse(csv, MSG_FIELD_MISSING, what == NULL ? "what" : "hours", 0, f);
	if ((class = find(what)) < 0)
		return refuse(csv, MSG_FIELD_ENUM, "what", 0, f);
	if (!csv_number(hours, HOURS_MAX, &count))
		return refuse(csv, MSG_FIELD_FORMAT, "hours", 0, f);
	keep = (int64_t)count * HOUR;
	if (keep > rows[class].most)
		return refuse(csv, MSG_FIELD_MAX, "hours", (long)(rows[class].most / HOUR), f);
	if (keep < rows[class].least)
		return refuse(csv, MSG_FIELD_MIN, "hours", (long)((rows[class].least + HOUR - 1) / HOUR), f);
	s->keep[class] = keep;
	return RC_OK;
}

enum rc
schedule_read(struct bytes text, struct schedule *out, struct fault *f)
{
	struct schedule next = *out;
	struct arena *arena = arena_new(CSV_ARENA);
	struct csv csv;
	enum rc rc;

	if (arena == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	if ((rc = csv_open(&csv, text, arena, f)) == RC_OK)
		while ((rc = csv_row(&csv, f)) == RC_OK && (rc = read_row(&csv, &next, f)) == RC_OK)
			continue;
	if (rc == RC_NOT_FOUND) {
		*out = next;
		rc = RC_OK;
	}
	arena_free(arena);
	return rc;
}
