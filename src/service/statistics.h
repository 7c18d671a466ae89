/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of a period, counted from what is stored, with small cells withheld (domain/suppress.h). */
#ifndef MENEDEK_STATISTICS_H
#define MENEDEK_STATISTICS_H

#include "domain/period.h"
#include "model/bodies.h"
#include "service/access.h"

/**
 * Table ${name}: "placements" (type by zone), "outcomes" (outcome by channel), "declines" (house reason by
 * type), of ${period}: "2026" or "2026-Q3", NULL for the latest quarter.  RC_MALFORMED for another name, and
 * for a period that is not over: asked every day, it would tell each day by the difference.
 */
MUST_USE enum rc statistics_table(
    struct ctx *c, const char *name, const char *period, struct statistics_reply *out);

#endif
