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
	struct parts parts;
	struct arena *arena;
	struct principal who;
	struct ctx ctx;
	struct fault fault;
};

/** Open what --dir and --keys name; ${with_vault}: locations too.  Says what is wrong. */
MUST_USE enum status offline_open(const struct args *args, bool with_vault, struct offline *o);

/** As offline_open without a vault; a registry that is being served is read beside the service
 * (parts.is_reader), and then nothing can be written. */
MUST_USE enum status offline_open_to_read(const struct args *args, struct offline *o);
void offline_close(struct offline *o); /* also one that did not open */

/** One use case.  It runs in a transaction, perhaps more than once; what it leaves in the arena lasts to the
 * next call. */
typedef enum rc step_fn(struct ctx *c, void *arg);

/** Run ${fn} and commit what it wrote together with an audit entry of ${action}. */
MUST_USE enum rc offline_update(struct offline *o, const char *action, step_fn *fn, void *arg);

/** Run ${fn} and drop what it wrote. */
MUST_USE enum rc offline_view(struct offline *o, step_fn *fn, void *arg);

#endif
