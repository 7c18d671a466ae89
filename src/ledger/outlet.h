/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place where checkpoints leave the machine: a file (on another machine's disk, or append-only), or the
 * socket of a syslog daemon that forwards.  Both are opened before the process is confined and stay open.
 */
#ifndef MENEDEK_OUTLET_H
#define MENEDEK_OUTLET_H

#include "base/fault.h"
#include "ledger/checkpoint.h"

struct outlet;

/** Append to ${path} (made with 0640); ${signer} outlives the outlet. */
MUST_USE enum rc outlet_file(
    const char *path, const struct signer *signer, struct outlet **out, struct fault *f);

/** Datagrams to the socket at ${path}, usually /dev/log, as RFC 3164 has them: facility authpriv, notice. */
MUST_USE enum rc outlet_syslog(
    const char *path, const struct signer *signer, struct outlet **out, struct fault *f);
void outlet_free(struct outlet *outlet); /* NULL-safe */

/** The last checkpoint that went out here; number 0 = none, or it cannot be known. */
void outlet_last(struct outlet *outlet, struct checkpoint *out);

/** Send; a file's line is on its disk when this returns RC_OK. */
MUST_USE enum rc outlet_send(struct outlet *outlet, const struct checkpoint *c);

#endif
