/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and gauges and their text (Prometheus exposition format 0.0.4). */
#include "server/tally.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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

size_t
text_add(char *buf, size_t cap, size_t len, const char *fmt, ...)
{
	va_list args;
	int n;

	if (len >= cap)
		return cap;
	va_start(args, fmt);
	n = vsnprintf(buf + len, cap - len, fmt, args);
	va_end(args);
	return n < 0 || (size_t)n >= cap - len ? cap : len + (size_t)n;
}

size_t
tally_print(const struct tallies *tallies, char *buf, size_t cap, size_t len)
{
	for (unsigned i = 0; i < TALLY_COUNT; i++) {
		len = text_add(buf, cap, len, "# HELP %s %s\n# TYPE %s %s\n%s %" PRId64 "\n", rows[i].metric,
		    rows[i].help, rows[i].metric, rows[i].type, rows[i].metric,
		    atomic_load(&tallies->value[i]));
	}
	return len;
}
