/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV reader.  Cells become C strings in the arena; what they mean is the importer's business. */
#include "base/csv.h"

#include <string.h>

static enum rc
malformed(const struct csv *csv, enum msg msg, struct fault *f)
{
	return fault_set(f, RC_MALFORMED, msg, NULL, (long)csv->line, NULL);
}

static enum rc
too_big(const struct csv *csv, struct fault *f)
{
	return fault_set(f, RC_TOO_BIG, MSG_CSV_SPACE, NULL, (long)csv->line, NULL);
}

/* The byte ${ahead} of the position; NUL, which no valid text holds, at the end. */
static char
peek(const struct csv *csv, size_t ahead)
{
	return ahead < csv->text.len - csv->pos ? (char)csv->text.p[csv->pos + ahead] : '\0';
}

/* Length of the line break here: 0, 1 or 2. */
static size_t
line_break(const struct csv *csv)
{
	if (peek(csv, 0) == '\n')
		return 1;
	return peek(csv, 0) == '\r' && peek(csv, 1) == '\n' ? 2 : 0;
}

static bool
skip_break(struct csv *csv)
{
	const size_t len = line_break(csv);

	csv->pos += len;
	csv->next_line += len > 0;
	return len > 0;
}

static void
skip_comment(struct csv *csv)
{
	if (peek(csv, 0) != '#')
		return;
	while (peek(csv, 0) != '\0' && line_break(csv) == 0)
		csv->pos++;
}

/* Empty lines and comments. */
static void
skip_idle(struct csv *csv)
{
	do
		skip_comment(csv);
	while (skip_break(csv));
}

/* A quoted cell, from its opening quote to behind its closing one.  The copy is never longer than the source.
 */
static enum rc
read_quoted(struct csv *csv, const char **out, struct fault *f)
{
	size_t len = 0;
	char *cell;

	csv->pos++;
	for (size_t i = 0; peek(csv, i) != '\0' && (peek(csv, i) != '"' || peek(csv, i + 1) == '"');
	     i++, len++)
		i += peek(csv, i) == '"';
	cell = arena_alloc(csv->arena, len + 1);
	if (cell == NULL)
		return too_big(csv, f);
	for (size_t i = 0; i < len; i++) {
		csv->pos += peek(csv, 0) == '"';
		csv->next_line += peek(csv, 0) == '\n';
		cell[i] = peek(csv, 0);
		csv->pos++;
	}
	if (peek(csv, 0) != '"')
		return malformed(csv, MSG_CSV_QUOTE, f);
	csv->pos++;
	*out = cell;
	return RC_OK;
}

static enum rc
read_plain(struct csv *csv, const char **out, struct fault *f)
{
	const char *const start = (const char *)csv->text.p + csv->pos;
	size_t len = 0;

	while (peek(csv, len) != '\0' && strchr(",\"\r\n", peek(csv, len)) == NULL)
		len++;
	csv->pos += len;
	if (peek(csv, 0) == '"')
		return malformed(csv, MSG_CSV_QUOTE, f);
	*out = arena_strndup(csv->arena, start, len);
	if (*out == NULL)
		return too_big(csv, f);
	return RC_OK;
}

/* One line into ${cells}.  RC_NOT_FOUND when the text is over. */
static enum rc
read_cells(struct csv *csv, const char *cells[CSV_COLUMNS], unsigned *count, struct fault *f)
{
	*count = 0;
	skip_idle(csv);
	if (csv->pos == csv->text.len)
		return RC_NOT_FOUND;
	csv->line = csv->next_line;
	for (;;) {
		enum rc rc;

		if (*count == CSV_COLUMNS)
			return malformed(csv, MSG_CSV_COLUMNS, f);
		rc = peek(csv, 0) == '"' ? read_quoted(csv, &cells[*count], f)
					 : read_plain(csv, &cells[*count], f);
		if (rc != RC_OK)
			return rc;
		++*count;
		if (peek(csv, 0) != ',')
			break;
		csv->pos++;
	}
	if (csv->pos == csv->text.len || skip_break(csv))
		return RC_OK;
	return malformed(csv, peek(csv, 0) == '\r' ? MSG_CSV_BREAK : MSG_CSV_QUOTE, f);
}

/* A column without a name, or with another's, could never be asked for.  It is not said which: of a file
 * without a header the name is data. */
static enum rc
check_names(const struct csv *csv, struct fault *f)
{
	for (unsigned i = 0; i < csv->columns; i++) {
		bool is_good = csv->name[i][0] != '\0';

		for (unsigned j = 0; j < i; j++)
			is_good = is_good && strcmp(csv->name[i], csv->name[j]) != 0;
		if (!is_good)
			return malformed(csv, MSG_CSV_NAME, f);
	}
	return RC_OK;
}

/* Valid UTF-8 as a whole, so that all later steps may look at bytes. */
static enum rc
check_text(struct csv *csv, struct fault *f)
{
	const size_t valid = utf8_prefix((const char *)csv->text.p, csv->text.len);

	if (valid == csv->text.len)
		return RC_OK;
	for (size_t i = 0; i < valid; i++)
		csv->line += csv->text.p[i] == '\n';
	return malformed(csv, MSG_CSV_UTF8, f);
}

enum rc
csv_open(struct csv *csv, struct bytes text, struct arena *arena, struct fault *f)
{
	static const char mark[] = "\xef\xbb\xbf";
	enum rc rc;

	*csv = (struct csv){ .text = text, .arena = arena, .next_line = 1, .line = 1 };
	if ((rc = check_text(csv, f)) != RC_OK)
		return rc;
	if (text.len >= 3 && memcmp(text.p, mark, 3) == 0)
		csv->pos = 3;
	rc = read_cells(csv, csv->name, &csv->columns, f);
	if (rc == RC_NOT_FOUND)
		return malformed(csv, MSG_CSV_HEADER, f);
	return rc == RC_OK ? check_names(csv, f) : rc;
}

enum rc
csv_row(struct csv *csv, struct fault *f)
{
	unsigned count;
	enum rc rc = read_cells(csv, csv->cell, &count, f);

	csv->is_row = rc == RC_OK;
	if (rc == RC_OK && count != csv->columns)
		return malformed(csv, MSG_CSV_CELLS, f);
	return rc;
}

const char *
csv_cell(const struct csv *csv, const char *column)
{
	for (unsigned i = 0; i < csv->columns; i++)
		if (strcmp(csv->name[i], column) == 0)
			return csv->cell[i];
	return NULL;
}

bool
csv_number(const char *text, unsigned max, unsigned *out)
{
	uint64_t value;

	if (!text_number(text, max, &value))
		return false;
	*out = (unsigned)value;
	return true;
}
