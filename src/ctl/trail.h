/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` and `audit verify` say of the audit trail and of the store that it describes. */
#ifndef MENEDEK_TRAIL_H
#define MENEDEK_TRAIL_H

#include "ctl/offline.h"
#include "ledger/tags.h"
#include "ledger/transcript.h"

struct trail_report {
	struct ledger_report ledger;
	struct transcript_check signatures; /* zero when the trail itself is not whole */
	struct tags_report tags;            /* likewise */
};

/**
 * Verify the trail and, if it is whole, what was signed of it (with ${parts}' signer, and ${kept} or NULL)
 * and the store that it describes; findings about values go to standard error, at most 50.  RC_OK whatever
 * was found; else the store could not be read.
 */
MUST_USE enum rc trail_check(struct ctx *c, const struct kept *kept, struct trail_report *out);

bool trail_is_good(const struct trail_report *report);

/** The lines about signatures and values, to standard output. */
void trail_print(const struct trail_report *report);

/** "entries 5 to 9: missing", ... in ${out}; "" without a finding. */
#define TRAIL_FINDING 160u
void trail_finding(const struct transcript_check *k, char out[TRAIL_FINDING]);

/** Read checkpoints that were kept elsewhere; says what is wrong. */
MUST_USE enum status trail_read_kept(const char *path, const struct signer *signer, struct kept *kept);

#endif
