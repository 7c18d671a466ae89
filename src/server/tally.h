/* SPDX-License-Identifier: Apache-2.0 */
/* What the server counts, one row each, for the metrics.  No labels that could name a house, a person or a
 * device. */
#ifndef MENEDEK_TALLY_H
#define MENEDEK_TALLY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/expose.h"

/* X(constant, metric, type, help) */
#define TALLIES(X)                                                                                           \
	X(TALLY_CONNECTIONS, "menedek_connections", "gauge", "Connections open now")                         \
	X(TALLY_ACCEPTED, "menedek_connections_total", "counter", "Connections accepted")                    \
	X(TALLY_OVERDUE, "menedek_connections_overdue_total", "counter", "Connections closed by a deadline") \
	X(TALLY_CROWDED, "menedek_connections_crowded_total", "counter",                                     \
	    "Connections of a device that had enough")                                                       \
	X(TALLY_EVICTED, "menedek_connections_evicted_total", "counter", "Handshakes dropped to keep room")  \
	X(TALLY_HEADS, "menedek_heads_total", "counter", "Request heads received")                           \
	X(TALLY_MALFORMED, "menedek_heads_malformed_total", "counter", "Request heads refused by the guard") \
	X(TALLY_WAITING, "menedek_calls_parked", "gauge",                                                    \
	    "Requests that wait for a commit or a slow thread")                                              \
	X(TALLY_ANSWERS_2XX, "menedek_answers_2xx_total", "counter", "Answers below 400")                    \
	X(TALLY_ANSWERS_4XX, "menedek_answers_4xx_total", "counter", "Answers that blame the client")        \
	X(TALLY_ANSWERS_5XX, "menedek_answers_5xx_total", "counter", "Answers that blame us or the world")   \
	X(TALLY_STREAMS, "menedek_streams", "gauge", "Event streams open now")

enum tally {
#define TALLY_ENUM(name, metric, type, help) name,
	TALLIES(TALLY_ENUM)
#undef TALLY_ENUM
	    TALLY_COUNT
};

struct tallies {
	_Atomic int64_t value[TALLY_COUNT];
};

/** From any thread. */
void tally_add(struct tallies *tallies, enum tally which, int64_t by);

/** Append all rows. */
void tally_print(const struct tallies *tallies, struct expose *e);

#endif
