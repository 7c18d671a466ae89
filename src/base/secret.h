/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets live here only: in locked memory that is left out of core dumps, wiped when freed, never printed.
 * A page that cannot be touched stands on each side.  Locks do not survive fork: a child that keeps a secret
 * calls secret_relock, any other frees its copy.  One thread writes, then any may read.
 */
#ifndef MENEDEK_SECRET_H
#define MENEDEK_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attr.h"

struct secret;

/** ${len} zeroed bytes of locked memory, or NULL when it cannot be had (RLIMIT_MEMLOCK). */
MUST_USE struct secret *secret_new(size_t len);

/** Lock the pages again in a forked child.  False when the kernel refuses (RLIMIT_MEMLOCK). */
MUST_USE bool secret_relock(struct secret *s);
void secret_free(struct secret *s); /* NULL-safe; wipes */
uint8_t *secret_bytes(struct secret *s);
const uint8_t *secret_view(const struct secret *s);
size_t secret_len(const struct secret *s);

#endif
