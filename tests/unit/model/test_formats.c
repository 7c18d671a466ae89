/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/schema_node.h"

static void
try_words(const struct format *format, const json *words, bool expected)
{
	for (const json *word = json_first(words); word != NULL; word = json_next(word))
		cr_expect_eq(format->matches(json_string(word), strlen(json_string(word))), expected,
		    "%s: '%s'", format->text, json_string(word));
}

/* The same words are tried on the patterns themselves by tests/api/contract-static.test.mjs. */
Test(formats, every_format_does_what_its_pattern_says)
{
	struct fault f = { .rc = RC_OK };
	json *table;
	char *text;
	size_t len;

	cr_assert_eq(file_read("tests/data/formats.json", 64 * 1024, &text, &len, &f), RC_OK);
	cr_assert_eq(json_parse((struct bytes){ (const uint8_t *)text, len }, &table, &f), RC_OK);
	cr_assert_gt(json_count(table), 5);
	for (const json *row = json_first(table); row != NULL; row = json_next(row)) {
		const struct format *format =
		    format_find(json_string(json_get(row, "keyword")), json_string(json_get(row, "text")));

		cr_assert_not_null(format, "%s", json_string(json_get(row, "text")));
		try_words(format, json_get(row, "yes"), true);
		try_words(format, json_get(row, "no"), false);
	}
	json_free(table);
	free(text);
}

Test(formats, no_other_pattern_is_known)
{
	cr_expect_null(format_find("pattern", ".*"));
	cr_expect_null(format_find("format", "uuid"));
	cr_expect_null(format_find("pattern", "date"));
}
