/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the trail still what it was, looked at from inside the service: at once, from the last checkpoint on; or
 * from the first entry, which takes seconds.  Says what is wrong in a word that a person can act on
 * (codes.h); what the values of the store are worth is asked by `menedek check` (tags.h).
 */
#ifndef MENEDEK_INSPECT_H
#define MENEDEK_INSPECT_H

#include <stdatomic.h>

#include "domain/codes.h"
#include "ledger/transcript.h"

struct inspection {
	int64_t at;       /* of the snapshot that was looked at; 0: none yet.  The caller's to set. */
	uint64_t entries; /* in the trail */
	uint8_t finding;  /* enum audit_finding */
	uint64_t first;   /* the first entry that is wrong, or 0 */
};

/**
 * The last checkpoint (${latest}; number 0: there is none, or it cannot be read) and what came after it: its
 * signature, its root over the tree as it stands, the chain from it to the head.  RC_OK whatever was found.
 */
MUST_USE enum rc inspect_newest(
    struct txn *t, const struct signer *signer, struct checkpoint *latest, struct inspection *out);

/**
 * Every entry and every checkpoint, as an outsider checks an export.  RC_OK whatever was found;
 * RC_UNAVAILABLE once ${stop} is true.
 */
MUST_USE enum rc inspect_all(struct txn *t, struct arena *arena, const struct signer *signer,
    const atomic_bool *stop, struct inspection *out);

#endif
