/* SPDX-License-Identifier: Apache-2.0 */
/* What init and migrate share: the choice of an engine. */
#ifndef MENEDEK_MIGRATION_H
#define MENEDEK_MIGRATION_H

#include "ctl/command.h"
#include "service/parts.h"

/** Do --engine and --database fit together?  Says what does not. */
MUST_USE enum status migrate_check(const struct args *args, bool *is_postgresql);

/** Move the closed registry of ${paths} into --database.  Says what is wrong. */
MUST_USE enum status migrate_into(const struct args *args, const struct paths *paths, uint64_t *pairs);

#endif
