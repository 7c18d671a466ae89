/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing the store with its audit trail.  Each entry carries a tag of every value that its transaction
 * wrote (ledger.h), so the last tag of a key says what must stand there now.  A sealed value opens wherever
 * its key is, also an old one that was put back: only this finds it.
 *
 * Not compared, because something else vouches for them: log entries (their chains), checkpoints and the
 * nodes of the tree (signatures and the tree itself).
 */
#ifndef MENEDEK_TAGS_H
#define MENEDEK_TAGS_H

#include "ledger/ledger.h"

/** The tag of ${sealed} (empty: a delete) at ${key}. */
void tag_write(const struct key *key, struct bytes sealed, uint8_t out[TAG_BYTES]);

/** Is a key that begins with ${kind} compared with the trail? */
bool tags_cover(uint8_t kind);

enum tag_trouble {
	TAG_OLD,     /* a value that stood here once was put back */
	TAG_ALTERED, /* what stands here was never written here */
	TAG_REMOVED, /* nothing stands here, but nobody deleted it */
	TAG_REVIVED, /* it was deleted, and stands here again */
	TAG_UNKNOWN, /* no entry ever wrote it */
	TAG_TROUBLES
};

struct tag_finding {
	enum tag_trouble trouble;
	uint8_t kind;          /* first byte of its key */
	uint64_t last;         /* the entry that last wrote it; 0 for TAG_UNKNOWN */
	uint64_t put_back;     /* TAG_OLD: the entry whose value stands there now */
	const struct key *key; /* NULL for TAG_REMOVED: only a digest of it is known */
};
typedef void tags_found_fn(void *arg, const struct tag_finding *finding);

struct tags_report {
	uint64_t compared; /* values that are as the trail says */
	uint64_t findings;
};

/** A sentence without what it speaks of: "an older value was put back"; static. */
const char *tag_trouble_text(enum tag_trouble trouble);

/**
 * Comparing: every entry of the trail, in order and verified in the same snapshot, then the store.  ${fn}
 * hears of each finding; what cannot be read is none, but ends the comparison with its error.  Memory is
 * bounded (96 MiB): of a store with more keys than the table takes the trail and the store are walked again
 * for each further part.
 */
struct tags_check;
MUST_USE enum rc tags_begin(struct tags_check **out); /* RC_UNAVAILABLE without memory */
void tags_take(struct tags_check *k, const struct audit_entry *e);
MUST_USE enum rc tags_compare(
    struct tags_check *k, struct txn *t, tags_found_fn *fn, void *arg, struct tags_report *out);
void tags_end(struct tags_check *k); /* NULL-safe */

/** The same with a walk of its own. */
MUST_USE enum rc tags_check(struct txn *t, tags_found_fn *fn, void *arg, struct tags_report *out);

/**
 * Keys of values whose last writer is entry ${upto} or an older one, at most ${most}: what must be written
 * again before those entries are erased.  ${*count} == ${most}: there may be more.
 */
MUST_USE enum rc tags_stale(struct txn *t, uint64_t upto, struct key *out, size_t most, size_t *count);

#endif
