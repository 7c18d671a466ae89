/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four eyes.  Rights that lead to a location, and resets of people who have them, take effect only when a
 * second person on another device agrees, within a day; so no administrator alone makes another one or takes
 * over a counsellor's account.  A person has one open grant at a time: a newer request replaces it.  Who
 * holds the root keys (the command line) acts directly.
 */
#ifndef MENEDEK_GRANTS_H
#define MENEDEK_GRANTS_H

#include "model/bodies.h"
#include "service/access.h"

/** Do these rights lead to a location, or to the right to give such rights? */
bool grants_guard(uint32_t roles);

/**
 * Hold back what ${u}, changed from ${before} (NULL: new), gains of such rights: ${u} is left without it, and
 * a grant waits.  The caller writes ${u}.
 */
MUST_USE enum rc grant_hold_back(struct ctx *c, const struct user *before, struct user *u);

/** Must a reset of ${u} wait for a second person? */
bool grant_is_needed(const struct ctx *c, const struct user *u);

/** Let ${kind}, a reset, wait; the caller writes ${u}. */
MUST_USE enum rc grant_ask(struct ctx *c, enum grant_kind kind, struct user *u);

/** Agree, by another person on another device: it takes effect.  A new passphrase is told to who agreed. */
MUST_USE enum rc grant_approve(struct ctx *c, const struct id *id, struct grant_view *out);

/** Refuse; who asked may also take it back. */
MUST_USE enum rc grant_refuse(struct ctx *c, const struct id *id, struct grant_view *out);

/** Those that wait and that the caller may decide or has asked for; structs are struct grant_view. */
MUST_USE enum rc grant_list(
    struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count);

/** Close what nobody decided in time; remove what is long decided. */
void grants_sweep(struct parts *parts, int64_t now);

#endif
