/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies in slots that grow with the value: exact to 1.6 %, from one nanosecond to eighteen minutes, in 18
 * KiB. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_FINE  6u /* bits kept of each value */
#define HISTOGRAM_BITS  40u
#define HISTOGRAM_SLOTS ((HISTOGRAM_BITS - HISTOGRAM_FINE + 1) << HISTOGRAM_FINE)

/* All zero is empty.  One thread writes it. */
struct histogram {
	uint64_t count[HISTOGRAM_SLOTS];
	uint64_t total;
	uint64_t max_ns;
};

/** Count one value.  What is longer than the last slot falls into it. */
void histogram_add(struct histogram *h, uint64_t ns);

/** Add the counts of ${from}. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/** The value, in nanoseconds, that a ${share} (0 to 1) of the counted ones do not exceed; 0 when empty. */
uint64_t histogram_at(const struct histogram *h, double share);

#endif
