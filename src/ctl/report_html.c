/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for people: each section as a picture and as the table behind it, which a screen reader reads.
 * Colours are told apart without colour too, since every bar says what it is.
 */
#include <inttypes.h>
#include <string.h>

#include "ctl/report_write.h"

#define BAR_AT    330u
#define BAR_WIDTH 330u
#define BAR_STEP  20u

/* The lines of one section. */
struct part {
	const struct report_line *line;
	unsigned count, columns;
};

struct words {
	const char *title, *lead, *sample, *withheld, *nothing, *snapshot, *what, *gaps;
};

static const struct words words[LANG_COUNT] = {
	[LANG_HU] = { "Menedék: éves jelentés",
	    "Csak lezárt évről készül, és csak olyan szám van benne, amelyből senki nem ismerhető fel.",
	    "DEMÓ: kitalált adatok is vannak a számok között.",
	    "– : visszatartva, mert 5-nél kevesebb eset vagy 3-nál kevesebb intézmény áll mögötte, vagy mert "
	    "más számból egy ilyen kiszámítható lenne. Csupa nulla sor nem szerepel.",
	    "Ebben az évben nem volt ilyen.", "A helyek száma és az adatok frissessége ezen a napon:",
	    "megnevezés", "Amit ez a jelentés nem tud megmondani" },
	[LANG_EN] = { "Menedék: yearly report",
	    "Made for years that are over, and only of figures in which nobody can be recognised.",
	    "DEMO: invented data are among the figures.",
	    "– : withheld, because fewer than 5 cases or 3 houses stand behind it, or because such a figure "
	    "could be worked out from it. Rows of zeros are left out.",
	    "There was none in this year.", "Places and freshness as of:", "row",
	    "What this report cannot tell" },
};

static const char *const colours[] = { "#1d4e89", "#b5542b", "#3a7d44", "#6b4c9a", "#7a6a00" };

static const char style[] =
    "@page{size:A4;margin:16mm}body{font:11pt/1.4 sans-serif;color:#111;max-width:48em;margin:2em "
    "auto;padding:0 "
    "1em}h1{font-size:1.6em}h2{font-size:1.2em;margin:1.6em 0 "
    ".2em;break-after:avoid}section{break-inside:avoid}"
    "p{margin:.3em 0}svg{width:100%;height:auto}table{border-collapse:collapse;margin:.5em 0}"
    "th,td{border-bottom:1px solid #bbb;padding:.15em .6em;text-align:left}td{text-align:right}"
    ".demo{border:2px solid #a00;padding:.4em;font-weight:bold}.small{font-size:.85em;color:#444}";

/* ---- values ---- */

static bool
is_percent(enum report_measure measure)
{
	return measure == REPORT_PERCENT || measure == REPORT_PERCENT_OF_DAY;
}

static void
add_value(const struct report_line *line, enum lang lang, struct textbuf *t)
{
	if (line->withheld)
		textbuf_add(t, "–");
	else if (line->section->measure == REPORT_PER_10000)
		textbuf_add(t, "%" PRIu64 "%c%02" PRIu64, line->value / 100, lang == LANG_HU ? ',' : '.',
		    line->value % 100);
	else
		textbuf_add(t, "%" PRIu64 "%s", line->value, is_percent(line->section->measure) ? " %" : "");
}

static bool
row_is_empty(const struct report_line *row, unsigned columns)
{
	for (unsigned i = 0; i < columns; i++)
		if (row[i].withheld || row[i].value > 0)
			return false;
	return true;
}

static bool
part_is_empty(const struct part *p)
{
	return row_is_empty(p->line, p->count);
}

/* ---- the picture ---- */

static uint64_t
most(const struct part *p)
{
	uint64_t max = 1;

	for (unsigned i = 0; i < p->count; i++)
		max = p->line[i].value > max ? p->line[i].value : max;
	return max;
}

static void
add_bar(const struct part *p, unsigned i, unsigned y, uint64_t max, enum lang lang, struct textbuf *t)
{
	const struct report_line *line = &p->line[i];
	const uint64_t width = line->value * BAR_WIDTH / max;

	textbuf_add(t, "<text x=\"%u\" y=\"%u\" text-anchor=\"end\">", BAR_AT - 8, y + 12);
	textbuf_html(t, line->row->label[lang]);
	if (p->columns > 1) {
		textbuf_add(t, ", ");
		textbuf_html(t, line->column->label[lang]);
	}
	textbuf_add(t, "</text><rect x=\"%u\" y=\"%u\" width=\"%" PRIu64 "\" height=\"14\" fill=\"%s\"/>",
	    BAR_AT, y, width > 0 ? width : 1, colours[i % p->columns % COUNT_OF(colours)]);
	textbuf_add(t, "<text x=\"%" PRIu64 "\" y=\"%u\">", BAR_AT + width + 6, y + 12);
	add_value(line, lang, t);
	textbuf_add(t, "</text>\n");
}

static void
add_picture(const struct part *p, enum lang lang, struct textbuf *t)
{
	const uint64_t max = most(p);
	unsigned bars = 0;

	for (unsigned i = 0; i < p->count; i++)
		bars += p->line[i].value > 0;
	if (bars == 0)
		return;
	textbuf_add(t,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 720 %u\" "
	    "font-size=\"12\" font-family=\"sans-serif\" aria-label=\"",
	    bars * BAR_STEP + 4);
	textbuf_html(t, p->line->section->title[lang]);
	textbuf_add(t, "\">\n");
	bars = 0;
	for (unsigned i = 0; i < p->count; i++)
		if (p->line[i].value > 0)
			add_bar(p, i, 2 + BAR_STEP * bars++, max, lang, t);
	textbuf_add(t, "</svg>\n");
}

/* ---- the table ---- */

static void
add_head(const struct part *p, enum lang lang, struct textbuf *t)
{
	textbuf_add(t, "<thead><tr><th scope=\"col\">%s</th>", words[lang].what);
	for (unsigned i = 0; i < p->columns; i++) {
		textbuf_add(t, "<th scope=\"col\">");
		textbuf_html(t, p->line[i].column->label[lang]);
		textbuf_add(t, "</th>");
	}
	textbuf_add(t, "</tr></thead>\n");
}

static void
add_table(const struct part *p, enum lang lang, struct textbuf *t)
{
	textbuf_add(t, "<table>");
	add_head(p, lang, t);
	textbuf_add(t, "<tbody>\n");
	for (unsigned row = 0; row < p->count; row += p->columns) {
		if (row_is_empty(&p->line[row], p->columns))
			continue;
		textbuf_add(t, "<tr><th scope=\"row\">");
		textbuf_html(t, p->line[row].row->label[lang]);
		textbuf_add(t, "</th>");
		for (unsigned i = 0; i < p->columns; i++) {
			textbuf_add(t, "<td>");
			add_value(&p->line[row + i], lang, t);
			textbuf_add(t, "</td>");
		}
		textbuf_add(t, "</tr>\n");
	}
	textbuf_add(t, "</tbody></table>\n");
}

/* ---- the page ---- */

static struct part
part_at(const struct report *r, unsigned from)
{
	struct part p = { .line = &r->line[from] };

	while (from + p.count < r->count && r->line[from + p.count].section == p.line->section)
		p.count++;
	while (p.columns < p.count && p.line[p.columns].row == p.line->row)
		p.columns++;
	return p;
}

static void
add_part(const struct part *p, enum lang lang, struct textbuf *t)
{
	const struct report_section *s = p->line->section;

	textbuf_add(t, "<section><h2>%s</h2>\n<p>%s</p>\n", s->title[lang], s->note[lang]);
	if (part_is_empty(p))
		textbuf_add(t, "<p>%s</p>\n", words[lang].nothing);
	else {
		add_picture(p, lang, t);
		add_table(p, lang, t);
	}
	textbuf_add(t, "</section>\n");
}

/* Silence would pass for zero. */
static void
add_gaps(enum lang lang, struct textbuf *t)
{
	textbuf_add(t, "<section><h2>%s</h2>\n<ul>\n", words[lang].gaps);
	for (unsigned i = 0; i < report_gap_count; i++)
		textbuf_add(t, "<li>%s</li>\n", report_gaps[i].text[lang]);
	textbuf_add(t, "</ul></section>\n");
}

void
report_html(const struct report *r, enum lang lang, struct textbuf *t)
{
	const struct words *w = &words[lang];
	char day[11];

	day_format(r->day, day);
	textbuf_add(t,
	    "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\n<meta "
	    "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	    "'unsafe-inline'\">\n"
	    "<title>%s %d</title>\n<style>%s</style></head><body>\n<h1>%s %d</h1>\n<p>%s</p>\n",
	    lang == LANG_HU ? "hu" : "en", w->title, r->year, style, w->title, r->year, w->lead);
	if (r->has_samples)
		textbuf_add(t, "<p class=\"demo\">%s</p>\n", w->sample);
	for (unsigned i = 0; i < r->count;) {
		const struct part p = part_at(r, i);

		add_part(&p, lang, t);
		i += p.count;
	}
	add_gaps(lang, t);
	textbuf_add(t, "<p class=\"small\">%s</p>\n<p class=\"small\">%s %s</p>\n</body></html>\n",
	    w->withheld, w->snapshot, day);
}
