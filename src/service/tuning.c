/* SPDX-License-Identifier: Apache-2.0 */
/* Old numbers are kept until the end: a hundred bytes for each change, instead of a lock in every request. */
#include "service/tuning.h"

#include <stdlib.h>

static const struct tuning built_in = { BOOKING_ROW, FRESHNESS_ROW, RATE_ROW };

struct tuning_kept {
	struct tuning tuning;
	struct tuning_kept *next;
};

const struct tuning *
tunings_now(const struct tunings *t)
{
	const struct tuning *now = atomic_load_explicit(&t->now, memory_order_acquire);

	return now != NULL ? now : &built_in;
}

enum rc
tunings_change(struct tunings *t, const struct tuning *next)
{
	struct tuning_kept *kept = malloc(sizeof(*kept));

	if (kept == NULL)
		return RC_UNAVAILABLE;
	*kept = (struct tuning_kept){ *next, t->all };
	t->all = kept;
	atomic_store_explicit(&t->now, &kept->tuning, memory_order_release);
	return RC_OK;
}

void
tunings_fini(struct tunings *t)
{
	struct tuning_kept *next;

	atomic_store(&t->now, NULL);
	for (struct tuning_kept *kept = t->all; kept != NULL; kept = next) {
		next = kept->next;
		free(kept);
	}
	t->all = NULL;
}
