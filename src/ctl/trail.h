/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` and `audit verify` say of the audit trail and of the store that it describes. */
#ifndef MENEDEK_TRAIL_H
#define MENEDEK_TRAIL_H

#include "ledger/tags.h"

struct trail_report {
	struct ledger_report ledger;
	struct tags_report tags; /* zero when the trail itself is not whole */
};

/**
 * Verify the trail and, if it is whole, compare the store with it; findings go to standard error, at most 50.
 * RC_OK whatever was found; else the store could not be read.
 */
MUST_USE enum rc trail_check(struct txn *t, struct trail_report *out);

bool trail_is_good(const struct trail_report *report);

/** The line about values, to standard output. */
void trail_print_tags(const struct trail_report *report);

#endif
