/* SPDX-License-Identifier: Apache-2.0 */
/* Pages: of all records of a kind, and of those that the index rows of some owners lead to; always in the
 * order of ids. */
#ifndef MENEDEK_SCAN_H
#define MENEDEK_SCAN_H

#include "service/access.h"

/** May the caller see this record? */
typedef bool scan_filter_fn(const struct ctx *c, const void *record);

/**
 * Decode records of ${kind} (whose struct is ${size} bytes and begins with its id) after ${after} into
 * ${out}, those that ${filter} lets through, at most ${limit}.
 */
MUST_USE enum rc scan_page(struct ctx *c, enum kind kind, size_t size, const struct id *after,
    scan_filter_fn *filter, unsigned limit, void *out, unsigned *count);

/**
 * Ids after ${after} that the index rows of ${rows} (owner, id) hold for any of ${owners}, each once, in
 * order, at most
 * ${limit}.
 */
MUST_USE enum rc scan_rows(struct ctx *c, enum kind rows, const struct id *owners, unsigned owner_count,
    const struct id *after, unsigned limit, struct id *out, unsigned *count);

#endif
