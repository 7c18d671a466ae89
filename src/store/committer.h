/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thread that commits.  Transactions queue up while the disk is busy and then go down together: the
 * more arrive, the larger the batches.  It also tells the watchers, then the submitters, in commit order.
 */
#ifndef MENEDEK_COMMITTER_H
#define MENEDEK_COMMITTER_H

#include "store/store.h"

#define COMMITTER_WATCHERS 8u

struct committer;

/**
 * May ${commit} still be written?  Called on the committer's thread, right before the engine gets it; one
 * that may not fails with RC_CONFLICT and is run anew by whoever submitted it.
 */
typedef bool committer_guard_fn(void *arg, const struct commit *commit);

/** Start the thread.  ${engine} outlives it. */
MUST_USE enum rc committer_new(const struct engine_ops *ops, struct engine *engine, committer_guard_fn *guard,
    void *guard_arg, struct committer **out);

/** Finish what was submitted and join the thread.  NULL-safe.  Nobody may submit any more. */
void committer_free(struct committer *c);

/** Aborts past COMMITTER_WATCHERS. */
void committer_watch(struct committer *c, store_watch_fn *fn, void *arg);

/** Queue ${commit}; it belongs to the committer until its ${done} is called. */
void committer_submit(struct committer *c, struct commit *commit);
void committer_stats(struct committer *c, struct store_stats *out);

#endif
