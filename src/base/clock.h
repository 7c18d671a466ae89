/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks.  Wall time for what people see and the law counts, monotonic time for deadlines. */
#ifndef MENEDEK_CLOCK_H
#define MENEDEK_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attr.h"

/** Seconds since 1970 UTC. */
int64_t clock_now(void);

/** Monotonic milliseconds. */
int64_t clock_mono_ms(void);

/** Monotonic nanoseconds. */
int64_t clock_mono_ns(void);

/** Parse RFC 3339 "2026-11-21T03:04:05Z" (UTC only, no fraction, no leap second), years 1970 to 9999.  False
 * for anything else. */
MUST_USE bool time_parse(const char *text, size_t len, int64_t *out);

/** Format 20 characters and a NUL: what time_parse reads.  A time outside its years becomes the nearest end.
 */
void time_format(int64_t unix_seconds, char out[21]);

#endif
