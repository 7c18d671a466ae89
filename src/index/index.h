/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The availability index: every house as the last committed batch left it, for searches.  Folded from
 * committed changes on the committer's thread; readers take an immutable view with one atomic step and never
 * wait.  It proposes, the transaction decides: a hold always reads the store.
 */
#ifndef MENEDEK_INDEX_H
#define MENEDEK_INDEX_H

#include "model/records.h"

struct index;

struct index_entry {
	struct shelter shelter;
	struct house house;
};

struct index_view {
	unsigned count;
	const struct index_entry *const *entries; /* retired houses are left out; order says nothing */
	bool is_demo;                             /* one of them at least is invented */
};

/** Build from the store and follow its commits from now on.  Before the store's first commit. */
MUST_USE enum rc index_new(struct store *store, struct index **out, struct fault *f);
void index_free(struct index *index); /* after store_close; NULL-safe */

/**
 * The present view; valid on this thread until index_leave.  At most 64 threads at once, the 65th aborts;
 * views are not nested.
 */
const struct index_view *index_enter(struct index *index);
void index_leave(struct index *index);

#endif
