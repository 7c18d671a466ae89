/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of law as data: term rules from CSV, every column named, every number bounded.  Apart from
 * terms.c, because reading text needs an arena and the rules do not.
 */
#include "domain/terms.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"

#define CSV_ARENA ((size_t)64 * 1024) /* TERM_RULES_MAX rows of nine short cells and their comments */

enum kind { KIND_BYTE, KIND_SHORT, KIND_FLAG, KIND_DAY, KIND_TYPE };

static const struct column {
	const char *name;
	enum kind kind;
	size_t offset;
} columns[] = {
	{ "type", KIND_TYPE, offsetof(struct term_rule, type) },
	{ "valid_from", KIND_DAY, offsetof(struct term_rule, valid_from) },
	{ "base_months", KIND_SHORT, offsetof(struct term_rule, base_months) },
	{ "base_days", KIND_SHORT, offsetof(struct term_rule, base_days) },
	{ "extensions", KIND_BYTE, offsetof(struct term_rule, extensions) },
	{ "extension_months", KIND_SHORT, offsetof(struct term_rule, extension_months) },
	{ "extension_days", KIND_SHORT, offsetof(struct term_rule, extension_days) },
	{ "to_school_year_end", KIND_FLAG, offsetof(struct term_rule, to_school_year_end) },
	{ "review_days", KIND_SHORT, offsetof(struct term_rule, review_days) },
};

static bool
parse_byte(const char *text, void *out)
{
	unsigned value;

	if (!csv_number(text, UINT8_MAX, &value))
		return false;
	*(uint8_t *)out = (uint8_t)value;
	return true;
}

/* At most 9,999, so that no sum of a day and a term leaves the calendar. */
static bool
parse_short(const char *text, void *out)
{
	unsigned value;

	if (!csv_number(text, 9999, &value))
		return false;
	*(uint16_t *)out = (uint16_t)value;
	return true;
}

static bool
parse_flag(const char *text, void *out)
{
	bool is_true = strcmp(text, "true") == 0;

	*(bool *)out = is_true;
	return is_true || strcmp(text, "false") == 0;
}

static bool
parse_day(const char *text, void *out)
{
	return day_parse(text, strlen(text), out);
}

static bool
parse_type(const char *text, void *out)
{
	int type = code_find(&codes_shelter_type, text, strlen(text));

	if (type < 0)
		return false;
	*(uint8_t *)out = (uint8_t)type;
	return true;
}

static bool (*const parsers[])(const char *text, void *out) = {
	[KIND_BYTE] = parse_byte,
	[KIND_SHORT] = parse_short,
	[KIND_FLAG] = parse_flag,
	[KIND_DAY] = parse_day,
	[KIND_TYPE] = parse_type,
};

/* The pointer of a fault: line and column of the file. */
static enum rc
refuse(const struct csv *csv, enum msg msg, const char *column, const char *word, struct fault *f)
{
	char pointer[FAULT_POINTER];

	(void)snprintf(pointer, sizeof(pointer), "/%u/%s", csv->line, column);
	return fault_set(f, RC_INVALID, msg, pointer, TERM_RULES_MAX, word);
}

static enum rc
read_row(const struct csv *csv, struct term_rule *rule, struct fault *f)
{
	for (unsigned i = 0; i < COUNT_OF(columns); i++) {
		const char *cell = csv_cell(csv, columns[i].name);

		if (cell == NULL)
			return refuse(csv, MSG_FIELD_MISSING, columns[i].name, columns[i].name, f);
		if (!parsers[columns[i].kind](cell, (char *)rule + columns[i].offset))
			return refuse(csv, MSG_FIELD_FORMAT, columns[i].name, columns[i].name, f);
	}
	return RC_OK;
}

static bool
is_repeated(const struct term_rules *rules, const struct term_rule *rule)
{
	for (unsigned i = 0; i < rules->count; i++) {
		if (rules->rule[i].type == rule->type && rules->rule[i].valid_from == rule->valid_from)
			return true;
	}
	return false;
}

static enum rc
read_rows(struct csv *csv, struct term_rules *rules, struct fault *f)
{
	enum rc rc;

	while ((rc = csv_row(csv, f)) == RC_OK) {
		struct term_rule rule = { 0 };

		if ((rc = read_row(csv, &rule, f)) != RC_OK)
			return rc;
		if (is_repeated(rules, &rule))
			return refuse(csv, MSG_FIELD_REPEATED, "valid_from", NULL, f);
		if (rules->count == TERM_RULES_MAX)
			return refuse(csv, MSG_FIELD_MANY, "", NULL, f);
		rules->rule[rules->count++] = rule;
	}
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc
terms_read(struct bytes text, struct term_rules *out, struct fault *f)
{
	struct term_rules rules = { 0 };
	struct arena *arena = arena_new(CSV_ARENA);
	struct csv csv;
	enum rc rc;

	if (arena == NULL)
		return fault_set(f, RC_UNAVAILABLE, MSG_UNAVAILABLE, NULL, 0, NULL);
	if ((rc = csv_open(&csv, text, arena, f)) != RC_OK)
		goto out;
	if ((rc = read_rows(&csv, &rules, f)) != RC_OK)
		goto out;
	*out = rules;
out:
	arena_free(arena);
	return rc;
}
