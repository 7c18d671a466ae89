/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: the reader of CSV and the tables that operators may bring. */
#include <stdlib.h>

#include "base/csv.h"
#include "domain/breadth.h"
#include "domain/schedule.h"
#include "domain/terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	const struct bytes text = { p, len };
	struct arena *arena = arena_new(1u << 16);
	struct breadth_rules breadth;
	struct term_rules terms;
	struct schedule schedule;
	struct fault f = { 0 };
	struct csv csv;

	if (arena == NULL)
		abort();
	if (csv_open(&csv, text, arena, &f) == RC_OK) {
		while (csv_row(&csv, &f) == RC_OK)
			(void)csv_cell(&csv, "class");
	}
	arena_free(arena);
	breadth_default(&breadth);
	schedule_default(&schedule);
	terms_default(&terms);
	(void)!terms_read(text, &terms, &f);
	(void)!breadth_read(text, &breadth, &f);
	(void)!schedule_read(text, &schedule, &f);
	return 0;
}
