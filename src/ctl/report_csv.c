/* SPDX-License-Identifier: Apache-2.0 */
/* The report for programs: a line a figure.  All cells are codes and numbers, so none needs quotation marks.
 */
#include <inttypes.h>

#include "ctl/report_write.h"

static const char *const measure_names[] = {
	[REPORT_CASES] = "cases",
	[REPORT_PERCENT] = "percent",
	[REPORT_PLACES] = "places",
	[REPORT_PER_10000] = "per_10000",
	[REPORT_PERCENT_OF_DAY] = "percent",
};

static void
add_value(const struct report_line *line, struct textbuf *t)
{
	if (line->withheld)
		return;
	if (line->section->measure == REPORT_PER_10000)
		textbuf_add(t, "%" PRIu64 ".%02" PRIu64, line->value / 100, line->value % 100);
	else
		textbuf_add(t, "%" PRIu64, line->value);
}

void
report_csv(const struct report *r, struct textbuf *t)
{
	char day[11];

	day_format(r->day, day);
	textbuf_add(t, "year,section,row,column,measure,value,withheld,day\r\n");
	for (unsigned i = 0; i < r->count; i++) {
		const struct report_line *line = &r->line[i];
		const bool is_of_day = line->section->measure >= REPORT_PLACES;

		textbuf_add(t, "%d,%s,%s,%s,%s,", r->year, line->section->name, line->row->code,
		    line->column->code, measure_names[line->section->measure]);
		add_value(line, t);
		textbuf_add(t, ",%s,%s\r\n", line->withheld ? "yes" : "no", is_of_day ? day : "");
	}
	for (unsigned i = 0; i < report_gap_count; i++)
		textbuf_add(t, "%d,not_told,%s,%s,none,,no,\r\n", r->year, report_gaps[i].name,
		    report_gaps[i].reason);
}
