/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets live here only: in locked memory that is left out of core dumps, wiped when freed, never printed. */
#ifndef MENEDEK_SECRET_H
#define MENEDEK_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "attr.h"

struct secret;

/** ${len} zeroed bytes of locked memory, or NULL when it cannot be had (RLIMIT_MEMLOCK). */
MUST_USE struct secret *secret_new(size_t len);
void secret_free(struct secret *s); /* NULL-safe; wipes */
uint8_t *secret_bytes(struct secret *s);
const uint8_t *secret_view(const struct secret *s);
size_t secret_len(const struct secret *s);

#endif
