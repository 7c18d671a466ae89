/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where is there a chance?  yes / maybe / no per type and zone, for family-support: no counts, no codes, made
 * once per time slot and the same for everybody in it, so that asking again and again tells nothing more
 * (DOMAIN 5); of secret addresses the same in all zones.
 */
#ifndef MENEDEK_CAPACITY_H
#define MENEDEK_CAPACITY_H

#include "domain/rank.h"
#include "model/bodies.h"
#include "service/access.h"

#define CAPACITY_SLOT      300  /* seconds: addresses that are public */
#define CAPACITY_SLOW_SLOT 3600 /* secret ones */

/** What speaks for a place of one kind of house: how many houses there are, what is surely free there, and
 * what may be. */
struct chances {
	unsigned houses, fresh, other;
};

/** Add one house's chances at ${now} to ${out}. */
void capacity_count(const struct shelter *s, const struct house *h, int64_t now,
    const struct freshness_rule *rule, struct chances *out);

struct capacity_cache;
MUST_USE enum rc capacity_cache_new(struct capacity_cache **out);
void capacity_cache_free(struct capacity_cache *cache); /* NULL-safe */

/** The table of the present slot, copied into the context's arena. */
MUST_USE enum rc capacity_read_table(struct ctx *c, struct capacity_cache *cache, struct capacity_reply *out);

#endif
