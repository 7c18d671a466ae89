/* SPDX-License-Identifier: Apache-2.0 */
/* Writes Prometheus' text.  What does not fit is never cut inside of a line that is then believed. */
#include "base/expose.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

const struct spread_scale spread_times = {
	.bound = { 1000, 5000, 10000, 25000, 100000, 500000, 2000000, 10000000 },
	.unit = 1000000,
};

const struct spread_scale spread_counts = {
	.bound = { 1, 2, 4, 8, 16, 32, 64, 128 },
	.unit = 1,
};

unsigned
spread_step(const struct spread_scale *scale, uint64_t value)
{
	unsigned i = 0;

	while (i < SPREAD_STEPS && value > scale->bound[i])
		i++;
	return i;
}

void
spread_add(struct spread *spread, const struct spread_scale *scale, uint64_t value)
{
	spread->in[spread_step(scale, value)]++;
	spread->sum += value;
}

static void PRINTF_LIKE(2, 3) add(struct expose *e, const char *fmt, ...)
{
	va_list args;
	int n;

	if (e->len >= e->cap)
		return;
	va_start(args, fmt);
	n = vsnprintf(e->buf + e->len, e->cap - e->len, fmt, args);
	va_end(args);
	e->len = n < 0 || (size_t)n >= e->cap - e->len ? e->cap : e->len + (size_t)n;
}

void
expose_head(struct expose *e, const char *name, const char *type, const char *help)
{
	add(e, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

void
expose_sample(struct expose *e, const char *name, const char *labels, int64_t value)
{
	if (labels == NULL)
		add(e, "%s %" PRId64 "\n", name, value);
	else
		add(e, "%s{%s} %" PRId64 "\n", name, labels, value);
}

void
expose_one(struct expose *e, const char *name, const char *type, const char *help, int64_t value)
{
	expose_head(e, name, type, help);
	expose_sample(e, name, NULL, value);
}

/* Of ${value} in units of a millionth, or of one: seconds are written with all their microseconds. */
static void
add_scaled(struct expose *e, uint64_t value, uint64_t unit)
{
	if (unit == 1)
		add(e, "%" PRIu64, value);
	else
		add(e, "%" PRIu64 ".%06" PRIu64, value / unit, value % unit);
}

static void
add_bucket(
    struct expose *e, const char *name, const char *labels, const struct spread_scale *scale, unsigned i)
{
	add(e, "%s_bucket{%s%sle=\"", name, labels == NULL ? "" : labels, labels == NULL ? "" : ",");
	if (i < SPREAD_STEPS)
		add_scaled(e, scale->bound[i], scale->unit);
	else
		add(e, "+Inf");
}

void
expose_spread(struct expose *e, const char *name, const char *labels, const struct spread *spread,
    const struct spread_scale *scale)
{
	const char *open = labels == NULL ? "" : "{", *close = labels == NULL ? "" : "}";
	uint64_t count = 0;

	for (unsigned i = 0; i <= SPREAD_STEPS; i++) {
		count += spread->in[i];
		add_bucket(e, name, labels, scale, i);
		add(e, "\"} %" PRIu64 "\n", count);
	}
	add(e, "%s_sum%s%s%s ", name, open, labels == NULL ? "" : labels, close);
	add_scaled(e, spread->sum, scale->unit);
	add(e, "\n%s_count%s%s%s %" PRIu64 "\n", name, open, labels == NULL ? "" : labels, close, count);
}
