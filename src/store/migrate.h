/* SPDX-License-Identifier: Apache-2.0 */
/* Moving a closed store from one engine to the other; its directory and its keyring stay where they are. */
#ifndef MENEDEK_MIGRATE_H
#define MENEDEK_MIGRATE_H

#include <stdint.h>

#include "base/fault.h"

/**
 * Copy everything from the LMDB store at ${path} into the database ${conninfo}, read it back and compare,
 * then leave the connection string in ${path}: from then on the store is opened over PostgreSQL and the LMDB
 * file is its copy.  Broken off it can be repeated: until the string is there nothing changes here and the
 * database may be filled anew; after that it is compared once more, and told that it is whole, before which
 * no node takes it.  RC_TAKEN: the database holds a registry, or the store is over one already; RC_BUSY: it
 * is being served; RC_CORRUPT: what was read back differs.  RC_UNAVAILABLE with MSG_PG_UNFINISHED: all but
 * that last word; RC_UNAVAILABLE otherwise says nothing of what is there.
 */
MUST_USE enum rc migrate_to_postgresql(
    const char *path, const char *conninfo, uint64_t *pairs, struct fault *f);

/**
 * Bring the copy at ${path} up to date, compare it key by key, and make it the store.  The database keeps its
 * pairs and is told that they live here now: no node takes it any more, and moving into it is RC_TAKEN.
 * From before the comparison on nobody's change is taken there, unless the move fails; one that was killed is
 * to be repeated from the same directory.  RC_BUSY: some node still serves it; RC_TAKEN: another directory
 * has left it, or has begun to.  RC_UNAVAILABLE with MSG_PG_UNTOLD: all is moved, but the database could not
 * be told.
 */
MUST_USE enum rc migrate_to_lmdb(const char *path, uint64_t *pairs, struct fault *f);

#endif
