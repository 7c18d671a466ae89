/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of LMDB as the copy of another store: for an engine that reads in it what somebody else decides. */
#ifndef MENEDEK_LMDB_MIRROR_H
#define MENEDEK_LMDB_MIRROR_H

#include "store/engine.h"

/**
 * As engine_lmdb.open; but a file that is hurt, or altered, is emptied first, and the tree begins anew: it is
 * never altered.  Needs no right to remove a file.
 */
MUST_USE enum rc lmdb_open_anew(const char *path, unsigned map_mib, struct engine **out, struct fault *f);

/**
 * Write ${changes} with the revisions they have, and ${bookmark} at log_bookmark_key, in one transaction.
 * RC_UNAVAILABLE: nothing was written.  One thread at a time.
 */
MUST_USE enum rc lmdb_mirror(
    struct engine *lmdb, const struct change *changes, size_t count, struct bytes bookmark);

/**
 * The first half of lmdb_mirror, for who does not know yet whether ${changes} have happened: nobody sees
 * them, and nothing is written.  lmdb_mirror_end writes them, and ${more} after them, as lmdb_mirror would;
 * whatever else is called first drops them, lmdb_mirror_drop does nothing else.  All on one thread.  False:
 * nothing was begun, which is no fault.
 */
MUST_USE bool lmdb_mirror_begin(struct engine *lmdb, const struct change *changes, size_t count);
MUST_USE enum rc lmdb_mirror_end(
    struct engine *lmdb, const struct change *more, size_t count, struct bytes bookmark);
void lmdb_mirror_drop(struct engine *lmdb);

/** Do not wait for the disk: after a power cut the tree is checked, and copied anew if it is hurt. */
void lmdb_need_not_last(struct engine *lmdb);

/** From here on it lasts, what it holds first of all; and it forgets the bookmark. */
MUST_USE enum rc lmdb_must_last(struct engine *lmdb);

#endif
