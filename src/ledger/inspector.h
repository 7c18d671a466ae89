/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's self-check: reads its whole trail at the start and every hour, and keeps what it found.  One
 * thread of its own, which only reads; who wants to know asks for the last result, with its age.
 */
#ifndef MENEDEK_INSPECTOR_H
#define MENEDEK_INSPECTOR_H

#include "ledger/inspect.h"

#define INSPECTOR_SECONDS 3600
#define INSPECTION_LASTS  (3 * INSPECTOR_SECONDS) /* a walk that was missed once may still be under way */

struct inspector;

/** Start.  ${store} and ${signer} outlive it. */
MUST_USE enum rc inspector_start(
    struct store *store, const struct signer *signer, struct inspector **out, struct fault *f);

/** What was found last; ${out->at} 0: the first walk is still under way, or the store could not be read. */
void inspector_last(struct inspector *inspector, struct inspection *out);

/** What is to be said when what is newest is in order: the worst of the last walk, of what went off the
 * machine, and of the walk's age. */
enum audit_finding inspection_judge(
    const struct inspection *whole, bool is_rolled_back, bool is_signed, int64_t now);

/** Break off and join; before the store is closed.  NULL-safe; frees. */
void inspector_stop(struct inspector *inspector);

#endif
