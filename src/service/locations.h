/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locations: written by the house, sealed under the house's own key in the vault's ring, told only with a
 * committed disclosure record (threat: everybody; DOMAIN 5), in two steps: a transaction records who is told,
 * and only after its commit location_tell, the one place where the vault is asked, opens it.
 */
#ifndef MENEDEK_LOCATIONS_H
#define MENEDEK_LOCATIONS_H

#include "model/bodies.h"
#include "service/access.h"

/** Write the own house's location (may wait for the disk once, when the house's key is made). */
MUST_USE enum rc location_write(struct ctx *c, const struct id *shelter, const struct location *in);

/** Seal ${in} for any house and store it: for programs that work offline. */
MUST_USE enum rc location_put(struct ctx *c, const struct id *shelter, const struct location *in);

/** What a committed transaction allows to be told, once. */
struct telling {
	struct id shelter, disclosure;
	int64_t at, until; /* as the record has it */
	uint8_t left;      /* how often it may still be told */
};

/** The house asks for its own: writes the disclosure record.  ${out} is told after the commit. */
MUST_USE enum rc location_read(struct ctx *c, const struct id *shelter, struct telling *out);

/** Is there a location to tell?  RC_NOT_FOUND when none was entered.  Opens nothing. */
MUST_USE enum rc location_exists(struct ctx *c, const struct id *shelter);

/**
 * Open the location that ${t} allows.  Only after the commit of the transaction that made ${t}, on a thread
 * that may wait.  ${out} is in ${arena}, which is wiped with the call.  RC_WITHHELD: the vault does not tell
 * it.
 */
MUST_USE enum rc location_tell(
    struct parts *parts, struct arena *arena, const struct telling *t, struct location **out);

/*
 * Rotation of the houses' keys, in this order, each of which may be repeated: a new current key for every
 * house; each location sealed anew under it, in a transaction; then, once that is on disk, the older keys
 * destroyed.
 */
MUST_USE enum rc location_renew_keys(struct parts *parts);
MUST_USE enum rc location_seal_again(struct ctx *c, const struct id *shelter);
MUST_USE enum rc location_prune_keys(struct parts *parts);

#endif
