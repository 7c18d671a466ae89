/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk over the trail for everybody who checks it: each entry is unsealed and decoded once, however many
 * look at it.
 */
#ifndef MENEDEK_REVIEW_H
#define MENEDEK_REVIEW_H

#include <stdatomic.h>

#include "ledger/tags.h"
#include "ledger/transcript.h"

/** Set the first four; ${signatures} as transcript.h says. */
struct review {
	struct transcript_check signatures; /* what was signed, against what is here */
	struct tags_check *tags;            /* or NULL: learns what the trail says of the store */
	const atomic_bool *stop;            /* or NULL: once true the walk ends with RC_UNAVAILABLE */
	struct arena *arena;                /* for checkpoints, rewound */
	struct ledger_report ledger;
};

/**
 * RC_OK whatever was found: ${ledger} first; only if it is good, ${signatures} says more, else these are as
 * far as they came.  Else the store could not be read.
 */
MUST_USE enum rc review_trail(struct txn *t, struct review *r);

#endif
