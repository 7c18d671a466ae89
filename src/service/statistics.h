/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of a period, counted from what is stored, with small cells withheld (domain/suppress.h). */
#ifndef MENEDEK_STATISTICS_H
#define MENEDEK_STATISTICS_H

#include "model/bodies.h"
#include "service/access.h"

/** Names: "placements" (type by zone), "outcomes" (outcome by channel), "declines" (house reason by type). */
MUST_USE enum rc statistics_table(
    struct ctx *c, const char *name, day_number from, day_number to, struct statistics_reply *out);

#endif
