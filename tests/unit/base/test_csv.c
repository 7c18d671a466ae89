/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they are written, and every malformed line with its number. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"

static struct arena *arena;
static struct csv csv;
static struct fault fault;

static void
setup(void)
{
	arena = arena_new(1 << 20);
}

static void
teardown(void)
{
	arena_free(arena);
}

TestSuite(csv, .init = setup, .fini = teardown);

static enum rc
open_text(const char *text)
{
	fault_clear(&fault);
	return csv_open(&csv, bytes_str(text), arena, &fault);
}

static enum rc
next(void)
{
	return csv_row(&csv, &fault);
}

Test(csv, rows_are_read_by_column)
{
	cr_assert_eq(open_text("zone,beds\nnorth,4\r\nsouth,2\n"), RC_OK);
	cr_assert_eq(csv.columns, 2u);
	cr_assert_eq(next(), RC_OK);
	cr_assert_str_eq(csv_cell(&csv, "zone"), "north");
	cr_assert_str_eq(csv_cell(&csv, "beds"), "4");
	cr_assert_null(csv_cell(&csv, "Beds"));
	cr_assert_eq(csv.line, 2u);
	cr_assert_eq(next(), RC_OK);
	cr_assert_str_eq(csv_cell(&csv, "zone"), "south");
	cr_assert_eq(csv.line, 3u);
	cr_assert_eq(next(), RC_NOT_FOUND);
	cr_assert_eq(next(), RC_NOT_FOUND);
}

Test(csv, the_last_line_needs_no_end)
{
	cr_assert_eq(open_text("a,b\n1,"), RC_OK);
	cr_assert_eq(next(), RC_OK);
	cr_assert_str_eq(csv_cell(&csv, "a"), "1");
	cr_assert_str_eq(csv_cell(&csv, "b"), "");
	cr_assert_eq(next(), RC_NOT_FOUND);
}

Test(csv, quoted_cells_hold_commas_quotes_breaks_and_hashes)
{
	cr_assert_eq(
	    open_text("a,b,c,d\n\"1,2\",\"say \"\"hi\"\"\",\"x\r\ny\",\"\"\n\"#5\",\"\"\"\",  z ,w\n"),
	    RC_OK);
	cr_assert_eq(next(), RC_OK);
	cr_assert_str_eq(csv.cell[0], "1,2");
	cr_assert_str_eq(csv.cell[1], "say \"hi\"");
	cr_assert_str_eq(csv.cell[2], "x\r\ny");
	cr_assert_str_eq(csv.cell[3], "");
	cr_assert_eq(csv.line, 2u);
	cr_assert_eq(next(), RC_OK);
	cr_assert_str_eq(csv.cell[0], "#5");
	cr_assert_str_eq(csv.cell[1], "\"");
	cr_assert_str_eq(csv.cell[2], "  z ");
	cr_assert_eq(csv.line, 4u);
}

Test(csv, comments_empty_lines_and_a_byte_order_mark_are_skipped)
{
	cr_assert_eq(open_text("\xef\xbb\xbf# made by hand, \"so\n\r\n\na,b\n\n# no row\n1,2\n#"), RC_OK);
	cr_assert_str_eq(csv.name[0], "a");
	cr_assert_eq(next(), RC_OK);
	cr_assert_eq(csv.line, 7u);
	cr_assert_str_eq(csv.cell[0], "1");
	cr_assert_eq(next(), RC_NOT_FOUND);
}

/* What is wrong, and the line that the person must look at. */
static const struct {
	const char *text;
	enum msg msg;
	long line;
} bad[] = {
	{ "", MSG_CSV_HEADER, 1 },
	{ "# only\n\n", MSG_CSV_HEADER, 1 },
	{ "a,,b\n", MSG_CSV_NAME, 1 },
	{ "#\na,b,a\n", MSG_CSV_NAME, 2 },
	{ "a,b\n1\n", MSG_CSV_CELLS, 2 },
	{ "a,b\n1,2\n1,2,3\n", MSG_CSV_CELLS, 3 },
	{ "a,b\n1;2\n", MSG_CSV_CELLS, 2 },
	{ "a\n\"1\n2\n", MSG_CSV_QUOTE, 2 },
	{ "a\n\"1\"2\n", MSG_CSV_QUOTE, 2 },
	{ "a\n1\"2\"\n", MSG_CSV_QUOTE, 2 },
	{ "a\n\"1\" \n", MSG_CSV_QUOTE, 2 },
	{ "a\n\"", MSG_CSV_QUOTE, 2 },
	{ "a\n\"x\"\"", MSG_CSV_QUOTE, 2 },
	{ "a\n1\r2\n", MSG_CSV_BREAK, 2 },
	{ "a\n1\n\r", MSG_CSV_BREAK, 3 },
	{ "a\r1\r", MSG_CSV_BREAK, 1 },
	{ "a\n1\n\xe1rv\xedz\n", MSG_CSV_UTF8, 3 },
};

Test(csv, malformed_lines_are_refused_with_their_number)
{
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		enum rc rc = open_text(bad[i].text);

		while (rc == RC_OK)
			rc = next();
		cr_assert_eq(rc, RC_MALFORMED, "%s", bad[i].text);
		cr_assert_eq(fault.item[0].msg, bad[i].msg, "%s", bad[i].text);
		cr_assert_eq(fault.item[0].number, bad[i].line, "%s: %ld", bad[i].text, fault.item[0].number);
	}
}

Test(csv, a_nul_is_refused)
{
	static const char text[] = "a\n1\0002\n";

	cr_assert_eq(csv_open(&csv, (struct bytes){ (const uint8_t *)text, sizeof(text) - 1 }, arena, &fault),
	    RC_MALFORMED);
}

Test(csv, columns_are_bounded)
{
	char text[8 * CSV_COLUMNS] = "";
	size_t len = 0;

	for (unsigned i = 0; i < CSV_COLUMNS; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%sc%u", i == 0 ? "" : ",", i);
	cr_assert_eq(open_text(text), RC_OK);
	cr_assert_eq(csv.columns, CSV_COLUMNS);
	strcat(text, ",x");
	cr_assert_eq(open_text(text), RC_MALFORMED);
	cr_assert_eq(fault.item[0].msg, MSG_CSV_COLUMNS);
}

Test(csv, a_full_arena_is_said_and_rewinding_reads_on)
{
	struct arena *small = arena_new(160);
	const char *text = "a,b\n12345678901234567890,2\n12345678901234567890,2\n12345678901234567890,4\n"
			   "12345678901234567890,5\n";
	unsigned rows = 0;
	size_t mark;
	enum rc rc;

	cr_assert_eq(csv_open(&csv, bytes_str(text), small, &fault), RC_OK);
	mark = arena_mark(small);
	while ((rc = csv_row(&csv, &fault)) == RC_OK) {
		arena_rewind(small, mark);
		rows++;
	}
	cr_assert_eq(rc, RC_NOT_FOUND);
	cr_assert_eq(rows, 4u);
	cr_assert_eq(csv_open(&csv, bytes_str(text), small, &fault), RC_OK);
	do
		rc = csv_row(&csv, &fault);
	while (rc == RC_OK);
	cr_assert_eq(rc, RC_TOO_BIG);
	arena_free(small);
}

/* Copied to its exact size, so that the address sanitizer sees one byte read too far. */
Test(csv, every_prefix_of_a_text_is_read_or_refused_inside_its_bounds)
{
	static const char text[] = "\xef\xbb\xbf"
				   "a,b\r\n\"x\"\"y\",\"1\n2\"\r\n# c\r\n\xc3\xa1,z\n";

	for (size_t len = 0; len < sizeof(text); len++) {
		uint8_t *exact = malloc(len + (len == 0));
		enum rc rc;

		memcpy(exact, text, len);
		rc = csv_open(&csv, (struct bytes){ exact, len }, arena, &fault);
		while (rc == RC_OK)
			rc = csv_row(&csv, &fault);
		cr_assert(rc == RC_NOT_FOUND || rc == RC_MALFORMED);
		free(exact);
	}
}

Test(csv, a_quoted_cell_larger_than_the_arena_is_refused)
{
	struct arena *small = arena_new(64);
	static char text[400] = "a\n\"";

	memset(text + 3, 'x', 300);
	memcpy(text + 303, "\"\n", 3);
	cr_assert_eq(csv_open(&csv, bytes_str(text), small, &fault), RC_OK);
	cr_assert_eq(csv_row(&csv, &fault), RC_TOO_BIG);
	arena_free(small);
}
