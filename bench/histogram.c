/* SPDX-License-Identifier: Apache-2.0 */
/* Log-linear slots: the highest bit chooses the row, the next six the column. */
#include "histogram.h"

#define FINE_SLOTS (1u << HISTOGRAM_FINE)

static unsigned
slot_of(uint64_t ns)
{
	unsigned top;

	if (ns < FINE_SLOTS)
		return (unsigned)ns;
	if (ns >> HISTOGRAM_BITS != 0)
		return HISTOGRAM_SLOTS - 1;
	top = 63u - (unsigned)__builtin_clzll(ns);
	return ((top - HISTOGRAM_FINE + 1) << HISTOGRAM_FINE) +
	    (unsigned)(ns >> (top - HISTOGRAM_FINE) & (FINE_SLOTS - 1));
}

/* The largest value of a slot. */
static uint64_t
top_of(unsigned slot)
{
	const unsigned row = slot >> HISTOGRAM_FINE;
	const uint64_t column = slot & (FINE_SLOTS - 1);

	return row == 0 ? column : ((column + FINE_SLOTS + 1) << (row - 1)) - 1;
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
	h->count[slot_of(ns)]++;
	h->total++;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

void
histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (unsigned i = 0; i < HISTOGRAM_SLOTS; i++)
		into->count[i] += from->count[i];
	into->total += from->total;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
}

uint64_t
histogram_at(const struct histogram *h, double share)
{
	const double wanted = share * (double)h->total;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_SLOTS && h->total > 0; i++) {
		seen += h->count[i];
		if (seen > 0 && (double)seen >= wanted)
			return top_of(i) < h->max_ns ? top_of(i) : h->max_ns;
	}
	return h->max_ns;
}
