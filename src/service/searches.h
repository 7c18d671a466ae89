/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searching for an open episode: ranked candidates with reasons.  Reads the index (a moment old at most); a
 * hold decides on the store.  A candidate is sealed for one episode and one desk, so that no id of a house
 * ever leaves.
 */
#ifndef MENEDEK_SEARCHES_H
#define MENEDEK_SEARCHES_H

#include "model/bodies.h"
#include "service/access.h"

/** All candidates, best first, near misses and what blocks.  Lives in the context's arena. */
MUST_USE enum rc search_run(struct ctx *c, const struct episode *e, struct search_reply *out);

/**
 * Only the best candidate that is not ${except} (NULL: none excepted) and has not declined this request;
 * false when there is none.  Recorded whatever the route says (struct ctx); none either while the trail takes
 * nothing, as on a full disk: who reads a reservation is not refused it for what was proposed beside it.
 */
bool search_next(struct ctx *c, const struct episode *e, const struct id *except, struct candidate *out);

/** Open a candidate's text: the house it stands for.  RC_INVALID when it is foreign, altered or too old. */
MUST_USE enum rc candidate_open(
    struct ctx *c, const char *text, const struct id *episode, struct id *shelter);

#endif
