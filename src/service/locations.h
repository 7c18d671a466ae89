/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locations: written by the house, sealed under the house's own key in the vault's ring, told only with a
 * committed disclosure record (threat: everybody; DOMAIN 5).  The one place where the vault is opened is
 * location_unseal.
 */
#ifndef MENEDEK_LOCATIONS_H
#define MENEDEK_LOCATIONS_H

#include "model/bodies.h"
#include "service/access.h"

/** Write the own house's location (may wait for the disk once, when the house's key is made). */
MUST_USE enum rc location_write(struct ctx *c, const struct id *shelter, const struct location *in);

/** The house reads its own; recorded. */
MUST_USE enum rc location_read(struct ctx *c, const struct id *shelter, struct location *out);

/** Open the sealed location for a disclosure that this transaction writes.  RC_NOT_FOUND when none was
 * entered. */
MUST_USE enum rc location_unseal(struct ctx *c, const struct id *shelter, struct location *out);

/** Who looked at the own house's location, newest last, at most ${limit}. */
MUST_USE enum rc location_looks(
    struct ctx *c, const struct id *shelter, unsigned limit, struct look_row *out, unsigned *count);

#endif
