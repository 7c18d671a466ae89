/* SPDX-License-Identifier: Apache-2.0 */
/* What `menedek top` shows: two scrapes in, lines of text out.  Knows no terminal. */
#ifndef MENEDEK_TOP_VIEW_H
#define MENEDEK_TOP_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "base/expose.h"
#include "ctl/scrape.h"

#define TOP_GROUPS 48u
#define TOP_TEXT   8192u

/** Routes that share the first word of their path after /v1/. */
struct top_group {
	char name[32];
	double answered, refused, failed; /* all; of these 4xx, 5xx */
	double in[SPREAD_STEPS + 1];      /* answers that took so long, spread_times */
};

/** All that is shown, as sums since the service began. */
struct top_shot {
	struct top_group groups[TOP_GROUPS];
	unsigned group_count;
	struct top_group all, sync; /* every route; batches written */
	double connections, streams, parked, slow_queue, store_queue, accepted;
	double commits, conflicts, houses[3], holds, ending;
	double entries, head_at, signed_at, server_end, authority_end, started_at;
	bool is_broken, is_altered, is_audit_broken;
};

void top_look(const struct scrape *s, struct top_shot *out);

/**
 * Write ${now} into ${out}: rates are what happened since ${before} in ${seconds}, or since the service began
 * when there is none (NULL, ${seconds} is how long ago that was).  ${clock} is the wall clock's time.  Lines
 * end with '\n' and hold no control character.  Returns the length.
 */
size_t top_write(const struct top_shot *before, const struct top_shot *now, double seconds, int64_t clock,
    char out[TOP_TEXT]);

#endif
