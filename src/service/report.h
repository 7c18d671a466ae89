/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of a year that regulators ask for (Directive (EU) 2024/1385, Article 44: yearly data), as one
 * list of lines from which every form of the report is written.  It holds nothing that the statistics and the
 * inventory do not let out: a withheld figure is not in it.
 */
#ifndef MENEDEK_REPORT_H
#define MENEDEK_REPORT_H

#include "service/inventory.h"
#include "service/statistics.h"

enum report_measure {
	REPORT_CASES,
	REPORT_PERCENT,
	REPORT_PLACES,        /* of the snapshot day */
	REPORT_PER_10000,     /* inhabitants; in hundredths */
	REPORT_PERCENT_OF_DAY /* of the snapshot day */
};

/** A table of the report. */
struct report_section {
	const char *name; /* as in the CSV: "placements" */
	enum report_measure measure;
	const char *title[LANG_COUNT], *note[LANG_COUNT];
};
extern const struct report_section report_sections[];
extern const unsigned report_section_count;

/** A figure that regulators ask for and that the registry cannot tell, and why not. */
struct report_gap {
	const char *name, *reason; /* as in the CSV */
	const char *text[LANG_COUNT];
};
extern const struct report_gap report_gaps[];
extern const unsigned report_gap_count;

struct report_line {
	const struct report_section *section;
	const struct code *row, *column;
	uint64_t value;
	bool withheld;
};

#define REPORT_LINES 512u

struct report {
	int year;
	day_number day;       /* of the places */
	uint64_t inhabitants; /* 0: not told, then there are no rates */
	bool has_samples;
	unsigned count;
	struct report_line line[REPORT_LINES]; /* section by section, row by row */
};

/**
 * Fill ${out}, whose year and inhabitants are set.  RC_MALFORMED for a year that is not over.  Equal
 * registries give equal reports on a day; what is of the year stays the same ever after.
 */
MUST_USE enum rc report_make(struct ctx *c, struct report *out);

#endif
