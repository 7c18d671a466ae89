/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of fields in, a page out.  The text was sealed by our own service, and yet every field is escaped: a
 * name on it was typed by somebody. */
#include "ctl/sheet_page.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "domain/civil.h"
#include "domain/codes.h"
#include "service/sheets.h"

#define LINES 14u /* to fill in by hand */
#define FAR   INT64_C(253402300799)

enum word {
#define S(name, hu, en) WORD_##name,
#include "ctl/sheet_page.def"
#undef S
	WORDS
};

static const char *const words[WORDS][LANG_COUNT] = {
#define S(name, hu, en) { hu, en },
#include "ctl/sheet_page.def"
#undef S
};

/* Fields of a row, in their order. */
enum { KIND, NUMBER, WORD, HOUSE, TYPE, ADULTS, CHILDREN, BABIES, BANDS, NEEDS, STATE, UNTIL };
_Static_assert(UNTIL + 1 == SHEET_FIELDS, "the fields of sheets.h");

static const char style[] =
    "@page{size:A4 landscape;margin:12mm}body{font:11pt sans-serif;color:#000;margin:1em}"
    "h1{font-size:16pt}table{border-collapse:collapse;width:100%;margin:0 0 1.2em}"
    "caption{text-align:left;font-weight:bold;padding:.3em 0}"
    "th,td{border:1px solid #000;padding:.25em .4em;text-align:left;vertical-align:top}"
    "tr{break-inside:avoid}.hand td{height:9mm}.code{font:bold 13pt monospace}";

static void
put_escaped(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			(void)fputs("&amp;", to);
		else if (*text == '<')
			(void)fputs("&lt;", to);
		else if (*text == '>')
			(void)fputs("&gt;", to);
		else
			(void)fputc(*text, to);
	}
}

static const char *
label_of(const struct code_list *list, const char *code, enum lang lang)
{
	const int at = code_find(list, code, strlen(code));

	return at < 0 ? code : list->rows[at].label[lang];
}

/* "2026-11-21 03:04" in Budapest, which is what the clock on the wall says. */
static void
put_time(FILE *to, const char *text)
{
	uint64_t at;
	int64_t local;
	char day[11];

	if (!text_number(text, FAR, &at) || at == 0)
		return;
	local = (int64_t)at + budapest_offset((int64_t)at);
	day_format((day_number)(local / 86400), day);
	(void)fprintf(to, "%s %02d:%02d", day, (int)(local % 86400 / 3600), (int)(local % 3600 / 60));
}

static void
put_head(FILE *to, const enum word *heads, size_t count, enum word title, const char *class, enum lang lang)
{
	(void)fprintf(to, "<table%s><caption>%s</caption><thead><tr>", class, words[title][lang]);
	for (size_t i = 0; i < count; i++)
		(void)fprintf(to, "<th>%s</th>", words[heads[i]][lang]);
	(void)fputs("</tr></thead><tbody>\n", to);
}

static void
put_by_hand(FILE *to, const enum word *heads, size_t count, enum word title, enum lang lang)
{
	put_head(to, heads, count, title, " class=\"hand\"", lang);
	for (unsigned i = 0; i < LINES; i++) {
		(void)fputs("<tr>", to);
		for (size_t k = 0; k < count; k++)
			(void)fputs("<td></td>", to);
		(void)fputs("</tr>\n", to);
	}
	(void)fputs("</tbody></table>\n", to);
}

/* ---- a row ---- */

static void
put_list(FILE *to, char *codes, const struct code_list *list, enum lang lang)
{
	char *next = codes, *code;
	bool is_first = true;

	while ((code = strsep(&next, ",")) != NULL) {
		if (*code == '\0')
			continue;
		(void)fputs(is_first ? " (" : ", ", to);
		put_escaped(to, label_of(list, code, lang));
		is_first = false;
	}
	(void)fputs(is_first ? "" : ")", to);
}

static void
put_needs(FILE *to, char *codes, enum lang lang)
{
	static const struct {
		const char *code;
		enum word word;
	} needs[] = { { "step_free", WORD_STEP_FREE }, { "pet", WORD_PET }, { "pregnant", WORD_PREGNANT } };
	char *next = codes, *code;

	while ((code = strsep(&next, ",")) != NULL) {
		const char *label = label_of(&codes_language, code, lang);

		for (size_t i = 0; i < COUNT_OF(needs); i++)
			if (strcmp(needs[i].code, code) == 0)
				label = words[needs[i].word][lang];
		if (*code != '\0')
			(void)fputs(" · ", to);
		put_escaped(to, label);
	}
}

static void
put_household(FILE *to, char **field, enum lang lang)
{
	const struct {
		const char *count;
		enum word word;
	} parts[] = { { field[ADULTS], WORD_ADULTS }, { field[CHILDREN], WORD_CHILDREN },
		{ field[BABIES], WORD_BABIES } };
	const char *comma = "";

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (i > 0 && strcmp(parts[i].count, "0") == 0)
			continue;
		(void)fputs(comma, to);
		put_escaped(to, parts[i].count);
		(void)fprintf(to, " %s", words[parts[i].word][lang]);
		comma = ", ";
	}
	put_list(to, field[BANDS], &codes_age_band, lang);
	put_needs(to, field[NEEDS], lang);
}

static void
put_row(FILE *to, char **field, enum lang lang)
{
	(void)fputs("<tr><td class=\"code\">", to);
	put_escaped(to, field[NUMBER]);
	(void)fputs("</td><td class=\"code\">", to);
	put_escaped(to, field[WORD]);
	(void)fputs("</td><td>", to);
	put_escaped(to, field[HOUSE]);
	(void)fputs(" · ", to);
	put_escaped(to, label_of(&codes_shelter_type, field[TYPE], lang));
	(void)fputs("</td><td>", to);
	put_household(to, field, lang);
	(void)fputs("</td><td>", to);
	put_escaped(to, label_of(&codes_reservation_state, field[STATE], lang));
	(void)fputs("</td><td>", to);
	put_time(to, field[UNTIL]);
	(void)fputs("</td></tr>\n", to);
}

/* ---- the page ---- */

struct sheet {
	const char *registry, *desk, *at;
	unsigned rows, said;
};

static bool
split(char *line, char *field[SHEET_FIELDS], unsigned *count)
{
	for (*count = 0; line != NULL; ++*count) {
		if (*count == SHEET_FIELDS)
			return false;
		field[*count] = strsep(&line, "\t");
	}
	return true;
}

static void
put_top(FILE *to, const struct sheet *s, enum lang lang)
{
	static const enum word heads[] = { WORD_NUMBER, WORD_WORD, WORD_HOUSE, WORD_HOUSEHOLD, WORD_STATE,
		WORD_UNTIL };

	(void)fprintf(to,
	    "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><title>%s</title>"
	    "<style>%s</style></head><body>\n<h1>%s · ",
	    lang == LANG_HU ? "hu" : "en", words[WORD_TITLE][lang], style, words[WORD_TITLE][lang]);
	put_escaped(to, s->desk);
	(void)fprintf(to, "</h1>\n<p><strong>%s: ", words[WORD_DATA][lang]);
	put_time(to, s->at);
	(void)fputs("</strong> · ", to);
	put_escaped(to, s->registry);
	(void)fprintf(to, "</p>\n<p>%s %s</p>\n", words[WORD_DESK][lang], words[WORD_ENTER][lang]);
	put_head(to, heads, COUNT_OF(heads), WORD_OPEN, "", lang);
}

static void
put_bottom(FILE *to, const struct sheet *s, enum lang lang)
{
	/* the columns of what `menedek reconcile` reads */
	static const enum word events[] = { WORD_TIME, WORD_NUMBER, WORD_WORD, WORD_HAPPENED, WORD_REASON };
	static const enum word rooms[] = { WORD_TIME, WORD_HOUSE, WORD_ROOM, WORD_STATE, WORD_FREE };

	(void)fputs("</tbody></table>\n", to);
	if (s->said > s->rows)
		(void)fprintf(
		    to, "<p><strong>%s: %u</strong></p>\n", words[WORD_MISSING][lang], s->said - s->rows);
	put_by_hand(to, events, COUNT_OF(events), WORD_BY_HAND, lang);
	put_by_hand(to, rooms, COUNT_OF(rooms), WORD_BY_HAND, lang);
	(void)fputs("</body></html>\n", to);
}

/* The three lines after the first, in their order.  Returns where the rows begin, or NULL. */
static char *
read_top(char *text, struct sheet *s)
{
	const char *const names[] = { "registry", "desk", "at" };
	const char **const to[] = { &s->registry, &s->desk, &s->at };
	char *next = text + sizeof(SHEET_FIRST) - 1, *line;

	if (strncmp(text, SHEET_FIRST, sizeof(SHEET_FIRST) - 1) != 0)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char *tab;

		if ((line = strsep(&next, "\n")) == NULL || next == NULL ||
		    (tab = strchr(line, '\t')) == NULL)
			return NULL;
		*tab = '\0';
		if (strcmp(line, names[i]) != 0)
			return NULL;
		*to[i] = tab + 1;
	}
	return next;
}

bool
sheet_page_write(FILE *to, char *text, enum lang lang)
{
	char *field[SHEET_FIELDS], *next, *line;
	struct sheet s = { .rows = 0 };
	uint64_t said = 0;
	unsigned count;
	bool is_whole = false;

	if ((next = read_top(text, &s)) == NULL)
		return false;
	put_top(to, &s, lang);
	while ((line = strsep(&next, "\n")) != NULL) {
		if (!split(line, field, &count))
			return false;
		if (count == SHEET_FIELDS && strcmp(field[KIND], "row") == 0) {
			put_row(to, field, lang);
			s.rows++;
		} else if (count == 2 && strcmp(field[KIND], "rows") == 0) {
			is_whole = text_number(field[1], UINT32_MAX, &said);
		}
	}
	s.said = (unsigned)said;
	put_bottom(to, &s, lang);
	return is_whole;
}
