/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One batch at a time.  Transactions queue up while the disk is busy and then go down together: the more
 * arrive, the larger the batches.  Then the watchers are told, then the submitters, in commit order.  A
 * thread of its own does all this, but for whoever writes alone and may wait: that one saves two changes of
 * thread by doing it itself.
 */
#ifndef MENEDEK_COMMITTER_H
#define MENEDEK_COMMITTER_H

#include "store/store.h"

#define COMMITTER_WATCHERS 8u

struct committer;

/**
 * May ${commit} still be written?  Called right before the engine gets it, by one thread at a time; one
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

/** Call the engine's follow while there is nothing to commit; once before this returns, so that nothing is
 * judged before the engine was told of others.  Nothing to do where it has none. */
void committer_follow(struct committer *c);

/** Queue ${commit}; it belongs to the committer until its ${done} is called. */
void committer_submit(struct committer *c, struct commit *commit);

/**
 * The same, but do it on this thread and call ${done} before returning, if nothing else is under way, the
 * last batches were of one commit each, and the disk was quick with them.  Else it is queued.  Never where
 * other nodes write, too: their database may take seconds.
 */
void committer_submit_here(struct committer *c, struct commit *commit);
void committer_stats(struct committer *c, struct store_stats *out);

#endif
