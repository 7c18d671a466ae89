/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LMDB trusts its file: a hurt one answers "not found", or ends the process.  So every page that can be
 * reached is looked at before LMDB opens it, without LMDB, and what is found is compared with the sum that
 * each commit keeps.  Reads only.
 */
#ifndef MENEDEK_LMDB_PAGES_H
#define MENEDEK_LMDB_PAGES_H

#include "base/bytes.h"
#include "base/rc.h"

/** Order-free sum of all pairs of a store: what was put is added, what is removed is taken away. */
struct lmdb_sum {
	uint64_t count, sum;
};

#define LMDB_SUM_BYTES 16u

/** What one pair adds.  ${data} as it lies in the tree, revision first. */
uint64_t lmdb_sum_of(struct bytes key, struct bytes data);

struct lmdb_pages {
	uint64_t page;    /* where it is hurt */
	const char *what; /* why; NULL: the structure is sound */
	bool is_altered;  /* structure sound, but the pairs are not those of the last commit */
	struct lmdb_sum sum;
};

/**
 * Look at ${file}.  RC_OK: LMDB can open it; see is_altered.  RC_CORRUPT: it must not, see page and what.
 * RC_UNAVAILABLE: it cannot be read, or no memory.
 */
MUST_USE enum rc lmdb_pages_check(const char *file, struct lmdb_pages *out);

#endif
