/* SPDX-License-Identifier: Apache-2.0 */
/* What was signed of the audit trail, and proofs from it: for auditors and admins; shows no person and no
 * house. */
#ifndef MENEDEK_PROOFS_H
#define MENEDEK_PROOFS_H

#include "model/bodies.h"
#include "service/access.h"

/**
 * Is the trail still what it was: what is newest now, the rest at the last self-check, and what went off the
 * machine at the start.  The worst of them is the finding.
 */
MUST_USE enum rc audit_state(struct ctx *c, struct audit_state_reply *out);

/** Checkpoints before number ${before} (0: from the newest), newest first, as struct checkpoint_row; ${*next}
 * is the number to go on before, 0 at the end. */
MUST_USE enum rc checkpoint_page(
    struct ctx *c, uint64_t before, unsigned limit, void *out, unsigned *count, uint64_t *next);

/** ${size} or ${second} 0: that of the latest checkpoint.  RC_NOT_FOUND for what was not signed. */
MUST_USE enum rc proof_of_inclusion(
    struct ctx *c, uint64_t entry, uint64_t size, struct inclusion_reply *out);
MUST_USE enum rc proof_of_consistency(
    struct ctx *c, uint64_t first, uint64_t second, struct consistency_reply *out);

#endif
