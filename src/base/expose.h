/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus' text (exposition format 0.0.4) into a fixed buffer, and counts by size.  Only this file knows
 * the format.  A label must never name a house, a person or a device: what is scraped leaves the machine.
 */
#ifndef MENEDEK_EXPOSE_H
#define MENEDEK_EXPOSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define SPREAD_STEPS 8u

/** Upper ends of a spread's steps, and what one of the unit that is shown is made of. */
struct spread_scale {
	uint64_t bound[SPREAD_STEPS];
	uint64_t unit;
};

/** Microseconds, shown as seconds from 1 ms to 10 s; and plain counts from 1 to 128. */
extern const struct spread_scale spread_times, spread_counts;

/** How many were of which size: in[i] up to bound[i], the last above all. */
struct spread {
	uint64_t in[SPREAD_STEPS + 1];
	uint64_t sum;
};

/** The step into which ${value} falls: 0 to SPREAD_STEPS. */
unsigned spread_step(const struct spread_scale *scale, uint64_t value);

/** Not thread-safe. */
void spread_add(struct spread *spread, const struct spread_scale *scale, uint64_t value);

/** Text in the making.  ${len} is ${cap} from the moment it no longer fits. */
struct expose {
	char *buf;
	size_t cap, len;
};

/** A family's first lines.  ${help} is a sentence without its full stop; samples of the family follow. */
void expose_head(struct expose *e, const char *name, const char *type, const char *help);

/** A sample.  ${labels} as `a="b",c="d"` or NULL. */
void expose_sample(struct expose *e, const char *name, const char *labels, int64_t value);

/** A family of one sample. */
void expose_one(struct expose *e, const char *name, const char *type, const char *help, int64_t value);

/** The samples of a histogram, whose head came before. */
void expose_spread(struct expose *e, const char *name, const char *labels, const struct spread *spread,
    const struct spread_scale *scale);

#endif
