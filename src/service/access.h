/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading with scope: a record that is not the caller's to know is RC_NOT_FOUND, exactly like one that does
 * not exist. Roles were checked by the gate (policy.def); here it is decided whose house and whose desk
 * (DOMAIN 5).
 */
#ifndef MENEDEK_ACCESS_H
#define MENEDEK_ACCESS_H

#include "service/parts.h"

/** Note for the audit entry of this request; NULL leaves a part as it is. */
void ctx_note(struct ctx *c, const struct id *subject, const struct id *shelter, const char *reason);

/**
 * Refuse and yet commit what was written: a refusal that is itself a fact, like a wrong passphrase that
 * counts.  The use case returns RC_OK; the gate records the refusal with it and answers with ${rc} and the
 * fault that was set.
 */
void ctx_refuse(struct ctx *c, enum rc rc);

/** Code at ${position}, or NULL. */
const char *code_text(const struct code_list *list, unsigned position);

bool who_is(const struct ctx *c, enum role role);

/** The person belongs to ${org}, or is an admin. */
bool who_manages_org(const struct ctx *c, const struct id *org);

/** The house's profile, for its own staff and managers; for admins too when ${admin_too}. */
MUST_USE enum rc access_shelter(struct ctx *c, const struct id *shelter, bool admin_too, struct shelter *out);

/** Profile and capacity record of one's own house. */
MUST_USE enum rc access_house(struct ctx *c, const struct id *shelter, struct shelter *s, struct house *h);

/** An episode of the caller's desk that is open at this moment; RC_STATE_CONFLICT when it is closed or over.
 */
MUST_USE enum rc access_open_episode(struct ctx *c, const struct id *episode, struct episode *out);

/** An episode that the caller may see: of the own desk, opened by the own organisation, or waiting for a
 * desk. */
MUST_USE enum rc access_episode(struct ctx *c, const struct id *episode, struct episode *out);

/** A reservation of the caller's desk or house; ${actor} tells which. */
MUST_USE enum rc access_reservation(
    struct ctx *c, const struct id *reservation, struct reservation *out, enum reservation_actor *actor);

/** The sign-in name of a person, for whom it may be told; ${out} stays as it is when there is none (any
 * more). */
MUST_USE enum rc access_name(struct ctx *c, const struct id *user, const char **out);

#endif
