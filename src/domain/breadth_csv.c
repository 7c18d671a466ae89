/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's own measure of the unusual, from CSV.  Apart from breadth.c, because reading text needs an
 * arena and the rules do not. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "domain/breadth.h"

#define CSV_ARENA ((size_t)16 * 1024) /* a row for each class and its comments */
#define LAST_HOUR 24u

static const struct column {
	const char *name;
	size_t offset;
	bool is_short; /* uint16_t, else uint8_t */
	unsigned max;
} columns[] = {
	{ "hour", offsetof(struct breadth_rule, hour), true, UINT16_MAX },
	{ "night", offsetof(struct breadth_rule, night), true, UINT16_MAX },
	{ "day", offsetof(struct breadth_rule, day), true, UINT16_MAX },
	{ "night_from", offsetof(struct breadth_rule, night_from), false, LAST_HOUR },
	{ "night_to", offsetof(struct breadth_rule, night_to), false, LAST_HOUR },
	{ "delay", offsetof(struct breadth_rule, delay), true, BREADTH_DELAY_MAX },
	{ "delay_max", offsetof(struct breadth_rule, delay_max), true, BREADTH_DELAY_MAX },
};

/* The pointer of a fault: line and column of the file. */
static enum rc
refuse(const struct csv *csv, enum msg msg, const char *column, struct fault *f)
{
	char pointer[FAULT_POINTER];

	(void)snprintf(pointer, sizeof(pointer), "/%u/%s", csv->line, column);
	return fault_set(f, RC_INVALID, msg, pointer, 0, column);
}

static enum rc
read_cell(const struct csv *csv, const struct column *column, struct breadth_rule *rule, struct fault *f)
{
	const char *cell = csv_cell(csv, column->name);
	char *to = (char *)rule + column->offset;
	unsigned value;

	if (cell == NULL)
		return refuse(csv, MSG_FIELD_MISSING, column->name, f);
	if (!csv_number(cell, column->max, &value))
		return refuse(csv, MSG_FIELD_FORMAT, column->name, f);
	if (column->is_short)
		*(uint16_t *)(void *)to = (uint16_t)value;
	else
		*(uint8_t *)to = (uint8_t)value;
	return RC_OK;
}

static enum rc
read_row(const struct csv *csv, struct breadth_rules *rules, bool seen[BREADTH_CLASSES], struct fault *f)
{
	const char *name = csv_cell(csv, "class");
	int class;
	enum rc rc;

	if (name == NULL)
		return refuse(csv, MSG_FIELD_MISSING, "class", f);
	if ((class = code_find(&codes_breadth_class, name, strlen(name))) < 0)
		return refuse(csv, MSG_FIELD_FORMAT, "class", f);
	if (seen[class])
		return refuse(csv, MSG_FIELD_REPEATED, "class", f);
	seen[class] = true;
	for (unsigned i = 0; i < COUNT_OF(columns); i++)
		if ((rc = read_cell(csv, &columns[i], &rules->rule[class], f)) != RC_OK)
			return rc;
	return RC_OK;
}

enum rc
breadth_read(struct bytes text, struct breadth_rules *out, struct fault *f)
{
	struct breadth_rules rules;
	bool seen[BREADTH_CLASSES] = { false };
	struct arena *arena = arena_new(CSV_ARENA);
	struct csv csv;
	enum rc rc;

	if (arena == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	breadth_default(&rules);
	rc = csv_open(&csv, text, arena, f);
	while (rc == RC_OK && (rc = csv_row(&csv, f)) == RC_OK)
		rc = read_row(&csv, &rules, seen, f);
	if (rc == RC_NOT_FOUND) {
		*out = rules;
		rc = RC_OK;
	}
	arena_free(arena);
	return rc;
}
