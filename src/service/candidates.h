/* SPDX-License-Identifier: Apache-2.0 */
/* A candidate as text: which house, for which episode and desk, since when; sealed, so that it tells the
 * holder nothing. */
#ifndef MENEDEK_CANDIDATES_H
#define MENEDEK_CANDIDATES_H

#include "crypto/digest.h"
#include "service/access.h"

/** Seal for the caller's desk; the text is in the context's arena. */
MUST_USE enum rc candidate_seal(
    struct ctx *c, const struct id *episode, const struct id *shelter, const char **out);

/**
 * What the desk calls the house in this request and its reservations: its code name, or, where a name would
 * be an identity, one that no other request has.  NULL only without memory.
 */
const char *candidate_name(struct ctx *c, const struct shelter *s, const struct id *episode);

#endif
