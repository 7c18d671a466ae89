/* SPDX-License-Identifier: Apache-2.0 */
/* The order of candidates and the decay of what staff last said.  Ages in seconds. */
#ifndef MENEDEK_RANK_H
#define MENEDEK_RANK_H

#include "domain/fit.h"

/** Ages at which a statement turns from fresh to aging to not known; dated configuration. */
struct freshness_rule {
	int64_t aging_after, unknown_after;
};
#define FRESHNESS_ROW               \
	{                           \
		4 * 3600, 24 * 3600 \
	}
#define FRESHNESS_DEFAULT ((struct freshness_rule)FRESHNESS_ROW)

/** Was it said, and may it have been said when it says?  Not so what lies more than a day ahead: a clock that
 * was put back since said it, and it would be fresh until that day. */
bool freshness_is_known(int64_t confirmed_at, int64_t now);

enum freshness freshness_of(int64_t confirmed_at, int64_t now, const struct freshness_rule *rule);

/**
 * Smaller is better: what can be had at a protected address first, then what can be had at a public one (a
 * fallback for who flees, DOMAIN 2), then waiting lists; within these the answer, freshness, suitability of
 * the type for the case, spare places, age.  Ties are broken by the caller with a per-episode random order,
 * so that order tells nothing about houses.
 */
uint32_t rank_score(const struct fit *fit, enum shelter_type type, const struct household *who, int64_t now,
    const struct freshness_rule *rule);

/** yes: something fresh can be held; maybe: only aging, unknown, assessment or waitlist; no. */
enum banded band_answer(unsigned fresh_capacity, unsigned other_chances);

#endif
