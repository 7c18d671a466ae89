/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling a location, the two ways: to who handles a confirmed reservation, and to a shift lead by
 * break-glass. Each writes its record in the transaction; location_tell opens after the commit.
 */
#ifndef MENEDEK_DISCLOSURES_H
#define MENEDEK_DISCLOSURES_H

#include "service/reservations.h"

/**
 * Record that the location is told for a confirmed reservation; ${out} is what location_tell may open after
 * the commit.  Each telling counts, a repeated request's too.  Only the person who handles it: who held it,
 * or the shift lead who took it over.
 */
MUST_USE enum rc reservation_disclose(
    struct ctx *c, const struct id *id, uint8_t reason, struct telling *out);

/** Write ${d} and tell the house; RC_STATE_CONFLICT when the house has not entered its location. */
MUST_USE enum rc disclosure_record(struct ctx *c, const struct disclosure *d, struct telling *out);

/* ---- break-glass (domain/break_glass.h) ---- */

/** A shift lead asks for the location of a reservation of the own desk; desk and house hear of it. */
MUST_USE enum rc glass_ask(
    struct ctx *c, const struct id *reservation, uint8_t reason, struct break_glass *out);

/** A second person of the desk, on another device, agrees. */
MUST_USE enum rc glass_approve(struct ctx *c, const struct id *id, struct break_glass *out);

/** Who asked is told, once; both stand in the trail. */
MUST_USE enum rc glass_disclose(struct ctx *c, const struct id *id, struct telling *out);

/** Of the own desk what is not over, newest first. */
MUST_USE enum rc glass_open_ones(struct ctx *c, unsigned limit, struct break_glass *out, unsigned *count);

/** As the desk sees it, with names. */
MUST_USE enum rc glass_show(struct ctx *c, const struct break_glass *b, struct break_glass_view *out);

#endif
