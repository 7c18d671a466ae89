/* SPDX-License-Identifier: Apache-2.0 */
/* One page of all records of a kind, in key order: the shape that every administrative list shares. */
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

#endif
