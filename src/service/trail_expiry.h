/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention of the audit trail (DOMAIN 5: five years).  An entry's text is erased, its leaf stays for ever: a
 * salted digest tells nothing, and chain, tree, checkpoints and every proof given stay good.  A value that
 * was last written so long ago is first sealed anew, so that a younger entry vouches for it: what stands in
 * the store is always compared with an entry that can still be read.
 */
#ifndef MENEDEK_TRAIL_EXPIRY_H
#define MENEDEK_TRAIL_EXPIRY_H

#include "service/upkeep.h"

/**
 * Erase what is older than ${keep} seconds, as steps of ${job}; nothing to do costs a look at one entry. Each
 * step is told of in the trail as "to NUMBER".  Broken off it goes on at the next run.
 */
MUST_USE enum rc trail_expire(struct upkeep *u, enum upkeep_job job, int64_t keep);

#endif
