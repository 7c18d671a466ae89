/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the trail by role (DOMAIN 5): everybody the own entries, house staff what touched the own house, an
 * admin actions and outcomes only, an auditor everything with people and things under pseudonyms that hold
 * for one reader.
 */
#ifndef MENEDEK_AUDITS_H
#define MENEDEK_AUDITS_H

#include "model/bodies.h"
#include "service/access.h"

/** Entries after number ${after}, oldest first, at most ${limit}; ${*last} is the last number looked at. */
MUST_USE enum rc audit_page(
    struct ctx *c, uint64_t after, unsigned limit, struct audit_row *out, unsigned *count, uint64_t *last);

#endif
