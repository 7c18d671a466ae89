/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of a period, counted from what is stored, with small cells withheld (domain/suppress.h). */
#ifndef MENEDEK_STATISTICS_H
#define MENEDEK_STATISTICS_H

#include "domain/period.h"
#include "domain/shares.h"
#include "model/bodies.h"
#include "service/access.h"
#include "service/cases.h"

/**
 * Table ${name}: "placements" (type by zone), "outcomes" (outcome by channel), "declines" (house reason by
 * type), of ${period}: "2026" or "2026-Q3", NULL for the latest quarter.  RC_MALFORMED for another name, and
 * for a period that is not over: asked every day, it would tell each day by the difference.
 */
MUST_USE enum rc statistics_table(
    struct ctx *c, const char *name, const char *period, struct statistics_reply *out);

/**
 * The shares of ${table} (one of is_shares) in ${year}, a row each.  RC_MALFORMED for a year that is not
 * over.
 */
MUST_USE enum rc statistics_shares(
    struct ctx *c, const struct case_table *table, int year, struct share out[SUPPRESS_ROWS]);

#endif
