/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long work on a registry that may be in service: rotation of keys, retention.  It is cut into transactions
 * of a few dozen keys, each with its audit entry and with how far the job has come, so it can be broken off
 * at any moment (kill -9) and goes on where it was.  One job at a time; blocks on the disk, so never on an
 * HTTP thread.
 */
#ifndef MENEDEK_UPKEEP_H
#define MENEDEK_UPKEEP_H

#include <stdatomic.h>

#include "base/jw.h"
#include "service/parts.h"

enum upkeep_job { JOB_ROTATION, JOB_PURGE, JOB_COUNT };

#define UPKEEP_BATCH 40u /* keys a transaction: each is read and written, well below LIMIT_TXN_KEYS */

/* requests end long before; readers of the store have let go of old snapshots by then */
#define UPKEEP_GRACE_MS 2000u

struct upkeep {
	struct parts *parts;
	int64_t now;       /* of the whole job: what is due does not change under it */
	unsigned grace_ms; /* waited before keys are destroyed: longer than any reader keeps a snapshot */
	const atomic_bool *stop; /* NULL: nobody will stop it.  True: break off, go on at the next start */
	/* Told after each step, one JSON object; NULL: nobody listens.  A test that kills us listens. */
	void (*say)(void *arg, const char *text, size_t len);
	void *say_arg;
	struct fault *fault; /* sentences of what went wrong */

	/* the job's own */
	struct arena *arena;
	int64_t began_ms;
	struct maintenance state; /* as it was last committed */
	struct key_info *keys;    /* held when upkeep_list_keys was called */
	size_t key_count;
};

/** Set up what is the job's own; RC_UNAVAILABLE without memory. */
MUST_USE enum rc upkeep_begin(struct upkeep *u, enum upkeep_job job);
void upkeep_end(struct upkeep *u);

/** The record of ${job}; cleared if it never ran. */
MUST_USE enum rc upkeep_load(struct txn *t, enum upkeep_job job, struct maintenance *out);

/** As upkeep_load, on a snapshot of its own. */
MUST_USE enum rc upkeep_status(struct parts *parts, enum upkeep_job job, struct maintenance *out);

/** Part of a job: runs in a transaction, perhaps more than once; changes ${m}, which is committed with it. */
typedef enum rc upkeep_fn(struct ctx *c, struct maintenance *m, void *arg);

/**
 * Run ${fn} (NULL: nothing) on a copy of the state and commit both with an audit entry of ${action}; u->state
 * is the new one on RC_OK.  RC_UNAVAILABLE when the job is to stop.
 */
MUST_USE enum rc upkeep_step(
    struct upkeep *u, enum upkeep_job job, const char *action, upkeep_fn *fn, void *arg);

/** As upkeep_step with at most ${*most} keys, which is halved when it keeps losing races, down to 1. */
MUST_USE enum rc upkeep_try(
    struct upkeep *u, enum upkeep_job job, const char *action, upkeep_fn *fn, void *arg, unsigned *most);

/** Look up the keys held now (u->keys). */
MUST_USE enum rc upkeep_list_keys(struct upkeep *u);

/** Is a key to be done away with in this job? */
typedef bool upkeep_key_fn(const struct upkeep *u, const struct key_info *key);

/**
 * Seal every record that is under one of those keys anew, under the current key of the same use, from
 * state.cursor on.  Entries of the logs cannot be sealed anew and stay.  What does not open is passed over:
 * it could not be read before either, and `menedek check` names it.
 */
MUST_USE enum rc upkeep_reseal(
    struct upkeep *u, enum upkeep_job job, const char *action, upkeep_key_fn *is_doomed);

/**
 * Destroy those of the keys that nothing in the store needs any more; how many are left of them goes to
 * ${*kept}.  The caller has committed a step since the last of them was current, so nothing can come under
 * one.
 */
MUST_USE enum rc upkeep_retire(struct upkeep *u, upkeep_key_fn *is_doomed, unsigned *kept);

/** Start a line of progress or report: {"job":...,"step":...; upkeep_tell closes and sends it. */
void upkeep_line(struct jw *w, char *buf, size_t cap, const char *job, const char *step);
void upkeep_tell(struct upkeep *u, struct jw *w);

/** What the jobs did last, as members of an open JSON object. */
void upkeep_write_status(struct jw *w, struct parts *parts);

/** How long the job has taken, seconds. */
int64_t upkeep_seconds(const struct upkeep *u);

#endif
