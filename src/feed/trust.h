/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificates are enrolled, in memory, folded from committed device records: asked in each TLS
 * handshake and at each request, so that a revocation works at once.  Lookups take no lock.
 */
#ifndef MENEDEK_TRUST_H
#define MENEDEK_TRUST_H

#include "model/records.h"

struct trust;

enum trust_state { TRUST_UNKNOWN, TRUST_ACTIVE, TRUST_REVOKED };

/** Build from the store and follow its commits.  Before the store's first commit. */
MUST_USE enum rc trust_new(struct store *store, struct trust **out, struct fault *f);
void trust_free(struct trust *trust); /* after store_close; NULL-safe */

enum trust_state trust_lookup(const struct trust *trust, const uint8_t fingerprint[32]);

/** Grows with every change of a device, an organisation or a user, and every sign-out: open streams look
 * again when it moved. */
uint64_t trust_generation(const struct trust *trust);

/** Have them look again although no record changed: an outside issuer's keys did.  Any thread. */
void trust_moved(struct trust *trust);

#endif
