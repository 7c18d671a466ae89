/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trail as text for an outsider: what happened when, with which outcome and by which roles, but no
 * person, device, house or thing.  The private part is there only as its salted digest, so whoever has the
 * public key can prove that nothing was edited, dropped, put in, exchanged or cut off, and learns nothing
 * else.  Lines:
 *
 *   menedek-audit-export 1 ORIGIN
 *   e NUMBER TIME ACTION OUTCOME ROLES REASON HIDDEN LEAF     one for each entry, in order
 *   f NUMBER LEAF                                             an entry whose content retention has erased
 *   menedek-checkpoint ...                                    after the entry that it ends with
 *   end NUMBER                                                how many entries
 *
 * OUTCOME and ROLES are numbers (base/rc.def; bits of domain/codes.h), HIDDEN and LEAF hex (ledger.h); in
 * ACTION and REASON every byte outside '!'..'~' and '%' itself is %XX, "-" is an empty text.
 *
 * A forger who also makes leaves and numbers anew is stopped by the first checkpoint that covers what he
 * changed: the finding then names all entries since the one before.  A trail that was rolled back, or cut at
 * a checkpoint, is whole in itself: only checkpoints that were kept elsewhere show it.
 */
#ifndef MENEDEK_TRANSCRIPT_H
#define MENEDEK_TRANSCRIPT_H

#include "ledger/tree.h"

#define TRANSCRIPT_LINE 1024u /* bytes of any line, with its end */

/** A line without its end; false stops. */
typedef bool transcript_fn(void *arg, const char *line, size_t len);

/**
 * Write the trail up to entry ${upto} (0: the whole).  RC_CORRUPT where an entry does not open (ledger_verify
 * names it).
 */
MUST_USE enum rc transcript_write(struct txn *t, struct arena *arena, const struct signer *signer,
    uint64_t upto, transcript_fn *fn, void *arg);

/** Checkpoints that were kept elsewhere, with good signatures, in order of size. */
struct kept {
	struct checkpoint_brief {
		uint64_t number, size;
		uint8_t root[32], head[32];
	} * items;
	size_t count, cap;
	uint64_t bad_line; /* the first whose signature does not hold, or 0 */
};

/** Take one line of such a file; lines of other things are skipped.  RC_UNAVAILABLE without memory. */
MUST_USE enum rc kept_add(struct kept *kept, const struct signer *signer, struct bytes line, uint64_t number);
void kept_sort(struct kept *kept);
void kept_free(struct kept *kept);

/** Checking.  Zero it but for the first three. */
struct transcript_check {
	const struct signer *signer; /* with the public key */
	const struct kept *kept;     /* or NULL */
	bool may_be_ahead;           /* entries after the last checkpoint are fine: the trail is alive */
	struct merkle_range range;
	uint8_t head[32];
	uint64_t covered; /* entries up to the last checkpoint that held */
	uint64_t checkpoints;
	uint64_t erased;        /* the last entry without content */
	uint64_t may_be_erased; /* retention said so in a later entry */
	size_t next_kept;
	bool has_begun, has_ended;
	/* the first finding: NULL = none so far */
	const char *finding;
	uint64_t first, last; /* entries that it is about; 0 = none */
	uint64_t checkpoint;  /* number of the checkpoint that shows it, or 0 */
};

/** Take a line; false after the first finding. */
bool transcript_take(struct transcript_check *k, const char *line, size_t len);

/** After the last line; true: all is well. */
bool transcript_end(struct transcript_check *k);

/**
 * The same check of a trail that was opened here, without the detour over text: begin, then entries that
 * ledger_verify found good and each checkpoint after the entry that it ends with, then transcript_end.
 */
void transcript_begin_opened(struct transcript_check *k);
bool transcript_take_entry(struct transcript_check *k, const struct audit_entry *e);
bool transcript_take_checkpoint(struct transcript_check *k, const struct checkpoint *c);
/** Once all were taken: the newest that was signed, number 0 for none.  Are it and its entries here? */
bool transcript_take_newest(struct transcript_check *k, const struct checkpoint *newest);
/** The next one stands there, but does not open. */
void transcript_lost_checkpoint(struct transcript_check *k, uint64_t number);

#endif
