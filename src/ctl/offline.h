/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on a registry that nobody serves at the moment: opens it alone, runs use cases in the name of whoever
 * may read the root keys, and records each change in the audit trail as the program's.
 */
#ifndef MENEDEK_OFFLINE_H
#define MENEDEK_OFFLINE_H

#include "ctl/talk.h"
#include "service/access.h"

struct offline {
	const struct args *args;
	bool is_registry; /* there is one where it was looked for */
	struct parts parts;
	struct arena *arena;
	struct principal who;
	struct ctx ctx;
	struct fault fault;
	struct txn *whole; /* of offline_update_whole, while it runs */
};

/** Open what --dir and --keys name; ${with_vault}: locations too.  Says what is wrong. */
MUST_USE enum status offline_open(const struct args *args, bool with_vault, struct offline *o);

/** As offline_open with the vault, also where a hurt disk changed values: for the check that names them. */
MUST_USE enum status offline_open_to_check(const struct args *args, struct offline *o);

/** As offline_open without a vault; a registry that is being served is read beside the service
 * (parts.is_reader), and then nothing can be written. */
MUST_USE enum status offline_open_to_read(const struct args *args, struct offline *o);

/** As offline_open without a vault; of several nodes this one keeps the keys from then on. */
MUST_USE enum status offline_open_to_keep_keys(const struct args *args, struct offline *o);

/** As offline_open without a vault, while it is not settled which database this node follows. */
MUST_USE enum status offline_open_to_accept(const struct args *args, struct offline *o);

/** As offline_open without a vault, to read what this node's copy of a shared store has, without asking the
 * database. */
MUST_USE enum status offline_open_copy(const struct args *args, struct offline *o);
void offline_close(struct offline *o); /* also one that did not open */

/**
 * Other nodes may be served meanwhile: what is judged by the time from here on is by theirs, too.  ${sure}:
 * store_sure_now.  RC_UNAVAILABLE: nothing was heard of them.
 */
MUST_USE enum rc offline_hear_time(struct offline *o, int64_t *sure);

/** One use case.  It runs in a transaction, perhaps more than once; what it leaves in the arena lasts to the
 * next call. */
typedef enum rc step_fn(struct ctx *c, void *arg);

/** Run ${fn} and commit what it wrote together with an audit entry of ${action}. */
MUST_USE enum rc offline_update(struct offline *o, const char *action, step_fn *fn, void *arg);

/**
 * Run ${fn}, which calls offline_part again and again, and commit all of it in one piece, or nothing: also
 * when the program is killed, at whatever moment.  It may run more than once.
 */
typedef enum rc whole_fn(struct offline *o, void *arg);
MUST_USE enum rc offline_update_whole(struct offline *o, whole_fn *fn, void *arg);

/** As offline_update_whole, once, and drop all of it. */
MUST_USE enum rc offline_try_whole(struct offline *o, whole_fn *fn, void *arg);

/** Within it: as offline_update, but what ${fn} wrote waits for the end.  Later parts read it; scans do not.
 * A part that fails may be passed by only if it wrote nothing. */
MUST_USE enum rc offline_part(struct offline *o, const char *action, step_fn *fn, void *arg);

/** Has the part that failed just now written anything? */
bool offline_part_wrote(const struct offline *o);

/** Run ${fn} and drop what it wrote. */
MUST_USE enum rc offline_view(struct offline *o, step_fn *fn, void *arg);

#endif
