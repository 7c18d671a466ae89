/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and gauges and their text. */
#include "server/tally.h"

static const struct {
	const char *metric, *type, *help;
} rows[TALLY_COUNT] = {
#define TALLY_ROW(name, metric, type, help) [name] = { metric, type, help },
	TALLIES(TALLY_ROW)
#undef TALLY_ROW
};

void
tally_add(struct tallies *tallies, enum tally which, int64_t by)
{
	atomic_fetch_add_explicit(&tallies->value[which], by, memory_order_relaxed);
}

void
tally_print(const struct tallies *tallies, struct expose *e)
{
	for (unsigned i = 0; i < TALLY_COUNT; i++)
		expose_one(e, rows[i].metric, rows[i].type, rows[i].help, atomic_load(&tallies->value[i]));
}
