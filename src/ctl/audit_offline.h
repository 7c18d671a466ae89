/* SPDX-License-Identifier: Apache-2.0 */
/* menedek audit verify --export: what an outsider runs, with the public key and no registry. */
#ifndef MENEDEK_AUDIT_OFFLINE_H
#define MENEDEK_AUDIT_OFFLINE_H

#include "ctl/trail.h"

/** Check --export with --public-key and, if given, --checkpoints; says what it found. */
enum status audit_verify_export(const struct args *args);

#endif
