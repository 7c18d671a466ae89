/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The availability index: every house as the last committed batch left it, for searches.  Folded from
 * committed changes on the committer's thread; readers take an immutable view with one atomic step and never
 * wait.  It proposes, the transaction decides: a hold always reads the store.
 *
 * Houses to which the rules give one answer stand together in a class, and in a class houses that could take
 * about as many persons stand together in a chunk, so a search asks the rules once for a class and passes by
 * what is full.
 */
#ifndef MENEDEK_INDEX_H
#define MENEDEK_INDEX_H

#include "domain/fit.h"
#include "domain/reach.h"
#include "model/records.h"

struct index;

/** One house, as large as it is.  index_house makes it whole. */
struct index_entry {
	struct shelter shelter;
	uint8_t unit_count, allocation_count;
	const struct unit *units;
	const struct allocation *allocations;
};

struct index_house {
	const struct index_entry *entry;
	struct reach reach;
};

#define INDEX_CHUNK 32u

struct index_chunk {
	const struct index_house *houses;
	struct reach most; /* of all of them */
	uint8_t count;     /* 1 to INDEX_CHUNK */
};

struct index_class {
	const struct shelter *rules; /* any house of it: fit_rules answers alike for all */
	unsigned count;              /* of houses; never 0 */
	unsigned chunk_count;
	const struct index_chunk *chunks;
};

struct index_view {
	unsigned count; /* of houses; retired ones, and those of retired organisations, are left out */
	unsigned class_count;
	const struct index_class *const *classes; /* order says nothing, here and below */
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

/** Write ${entry} out into ${out}; what lies behind its counts stays as it was. */
void index_house(const struct index_entry *entry, struct house *out);

/** A walk over every house of a view, for who wants all of them. */
struct index_walk {
	const struct index_view *view;
	unsigned class, chunk, house; /* the next; begin with zeroes */
};

/** The next house, or NULL. */
const struct index_entry *index_next(struct index_walk *walk);

#endif
