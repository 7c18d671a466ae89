/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who looked at a house, when and why: each candidate opened, each telling of its location, each break-glass
 * with both its people, each own read.  For the house itself; names of people are for its managers (the
 * schema decides).
 */
#ifndef MENEDEK_LOOKS_H
#define MENEDEK_LOOKS_H

#include "model/bodies.h"
#include "service/access.h"

/** Where a page of looks goes on: behind the one of ${at} and ${id}; at 0: from the newest. */
struct look_mark {
	int64_t at;
	struct id id;
};

/** Newest first, behind ${after}, at most ${limit}; ${last} is the mark of the last one. */
MUST_USE enum rc look_page(struct ctx *c, const struct id *shelter, const struct look_mark *after,
    unsigned limit, struct look_row *out, unsigned *count, struct look_mark *last);

#endif
