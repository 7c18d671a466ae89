/* SPDX-License-Identifier: Apache-2.0 */
/* Houses and their units: profile and rules by managers and admins, availability by the house's own staff. */
#ifndef MENEDEK_SHELTERS_H
#define MENEDEK_SHELTERS_H

#include "model/bodies.h"
#include "service/access.h"

/** Create with an empty capacity record; ${s} comes filled from the request, gets its id here.  RC_TAKEN: a
 * code name that sounds the same is there already; so it is with shelter_save. */
MUST_USE enum rc shelter_create(struct ctx *c, struct shelter *s);

/** The same for a caller that has looked at all houses' code names itself (service/code_names.h). */
MUST_USE enum rc shelter_add(struct ctx *c, struct shelter *s);

/** Write a changed profile (the caller loaded it with access_shelter and read the change over it). */
MUST_USE enum rc shelter_save(struct ctx *c, const struct shelter *s);
MUST_USE enum rc shelter_list(
    struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count);

/** RC_INVALID: its join group has JOIN_GROUP_UNITS already; so it is with unit_save. */
MUST_USE enum rc unit_create(struct ctx *c, const struct id *shelter, struct unit *u);

/** Change beds or properties; RC_STATE_CONFLICT while a reservation is live in the unit. */
MUST_USE enum rc unit_save(struct ctx *c, const struct id *shelter, const struct unit *u);

/** One unit of a house of the caller (admin too). */
MUST_USE enum rc unit_load(
    struct ctx *c, const struct id *shelter, const struct id *unit, struct house *h, int *index);
void unit_show(struct ctx *c, const struct house *h, unsigned i, struct unit_view *out);

/**
 * What the caller's entity tag of unit ${i} stands for: the own house's people, each change of it; an admin,
 * how it is furnished and nothing else, so that polling does not tell when a room is taken (DOMAIN 5).
 */
uint64_t unit_version(const struct ctx *c, const struct house *h, unsigned i);

/** The units of a house of the caller (admin too), without retired ones. */
MUST_USE enum rc unit_list(struct ctx *c, const struct id *shelter, struct units_reply *out);

/** The whole house as staff see it. */
MUST_USE enum rc availability_show(struct ctx *c, const struct id *shelter, struct availability_reply *out);

/** Apply all reports or none.  ${out}: the house as it is then. */
MUST_USE enum rc availability_report(struct ctx *c, const struct id *shelter,
    const struct availability_change *in, struct availability_reply *out);

/**
 * Enter what a room of ${shelter} was at ${at} while the registry was down; ${*was} gets what stood there.
 * RC_TAKEN: it stands there already.  RC_STATE_CONFLICT: a reservation was live in it, or staff have said
 * something later.  RC_NOT_FOUND: no such room, or two of that name.
 */
MUST_USE enum rc availability_enter_late(struct ctx *c, const struct id *shelter, const char *room,
    const struct unit_report *report, int64_t at, struct unit_report *was);

/** "Still true" for every unit of the house.  ${out}: the house as it is then. */
MUST_USE enum rc availability_still_true(
    struct ctx *c, const struct id *shelter, struct availability_reply *out);

/** Tell the house that its rooms changed, and desks (${frees}) that a place may be there; in the transaction
 * that changed them. */
MUST_USE enum rc shelter_tell(struct ctx *c, const struct id *shelter, bool frees);

#endif
