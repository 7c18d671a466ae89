/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look over the index for one household: the best houses, near misses, and what blocks.  A network of at
 * most LIMIT_SURVEY houses is looked at whole.  In a larger one the rules are still asked of every class, but
 * of the houses only a draw is looked at, another for each episode: enough for a full list, and until
 * something is found or nothing is left.  So a search costs the same in a large network, counsellors do not
 * race for the one best house, and nobody is told that there is no place while there is one.
 */
#ifndef MENEDEK_SURVEY_H
#define MENEDEK_SURVEY_H

#include "index/index.h"
#include "service/access.h"

#define SURVEY_NEAR 5u

struct scored {
	const struct index_entry *entry; /* of the view */
	struct fit fit;                  /* as it may be told: after veil_fit */
	uint32_t score;
	uint64_t tie; /* a random order of the episode */
};

struct survey {
	struct scored best[LIMIT_CANDIDATES]; /* can be held or asked for, best first */
	unsigned best_count;
	struct scored near[SURVEY_NEAR]; /* fit but for what is taken; in random order */
	unsigned near_count;
	unsigned fits, full, unknown; /* of those looked at */
	uint64_t seen;                /* houses, looked at or judged by class or draw */
	uint64_t blocked[FIT_COUNT];  /* of these, by reason; from a draw where it was one */
};

/** Only while ${view} is held: what is found points into it. */
void survey_run(struct ctx *c, const struct index_view *view, const struct episode *e, struct survey *out);

#endif
