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

/**
 * Entries before number ${before} (0: from the newest), newest first, at most ${limit}, as struct audit_row;
 * ${*next} is the number to go on before, 0 at the end.
 */
MUST_USE enum rc audit_page(
    struct ctx *c, uint64_t before, unsigned limit, void *out, unsigned *count, uint64_t *next);

/**
 * The same thing has the same pseudonym for one reader, and another for the next: trails cannot be joined.
 * Empty for no id.
 */
void audit_pseudonym(const struct ctx *c, const struct id *id, char out[ID_TEXT + 1]);

#endif
