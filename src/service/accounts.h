/* SPDX-License-Identifier: Apache-2.0 */
/* Organisations, people and devices: who may come in at all.  Managers act within their own organisation. */
#ifndef MENEDEK_ACCOUNTS_H
#define MENEDEK_ACCOUNTS_H

#include "model/bodies.h"
#include "service/access.h"

/* organisations (admin) */
MUST_USE enum rc org_create(struct ctx *c, struct org *o);
MUST_USE enum rc org_load(struct ctx *c, const struct id *id, struct org *out);

/** Write a changed organisation.  RC_STATE_CONFLICT: the caller's own would be retired, or one with houses
 * that are not, or in which a reservation is live. */
MUST_USE enum rc org_save(struct ctx *c, struct org *o);

/** ${otherwise}, with ${msg}, where ${org} is retired: nobody of it gets in to answer for its houses. */
MUST_USE enum rc org_answers(struct ctx *c, const struct id *org, enum rc otherwise, enum msg msg);
MUST_USE enum rc org_list(struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count);

/* people */

/** Create with a fresh passphrase (in the arena; shown once, to be changed at the first sign-in). */
MUST_USE enum rc user_create(struct ctx *c, struct user *u, const char **passphrase);

/** Who may be changed: an admin changes all; a manager the people of the own organisation in the own houses.
 */
bool user_may_write(const struct ctx *c, const struct user *u);

/** Are roles, houses and organisation as they may be? */
MUST_USE enum rc user_check(struct ctx *c, const struct user *u);

/** 80 random bits in four groups of letters and digits that are not taken for each other; in the arena, NULL
 * without memory.  The same in every run. */
char *user_random_passphrase(struct ctx *c);

/** Every token of the person so far is void; the caller writes ${u}. */
void user_void_tokens(const struct ctx *c, struct user *u);

/** All but the one that the caller, who is ${u}, asks with: what opens the account has changed. */
void user_void_other_tokens(const struct ctx *c, struct user *u);

/** A first passphrase, in the arena; the caller writes ${u}. */
MUST_USE enum rc user_fresh_passphrase(struct ctx *c, struct user *u, const char **out);

/** Write ${u} as its next version, noted for the trail.  Checks nothing. */
MUST_USE enum rc user_put(struct ctx *c, struct user *u);

/** The person of that name, whoever asks: for signing in and the command line.  RC_NOT_FOUND. */
MUST_USE enum rc user_by_name(struct ctx *c, const char *name, struct user *out);

/** A person whom the caller manages or whose organisation is the caller's. */
MUST_USE enum rc user_load(struct ctx *c, const struct id *id, struct user *out);

/** Write a changed person; ${before} as loaded.  A change of roles or houses, or retiring, signs the person
 * out. */
MUST_USE enum rc user_save(struct ctx *c, const struct user *before, struct user *u);

/** A new first passphrase, or a grant that waits (service/grants.h). */
MUST_USE enum rc user_reset_passphrase(struct ctx *c, const struct id *id, struct passphrase_reply *out);

/** Take the second factor away, or let a grant wait. */
MUST_USE enum rc user_reset_factor(struct ctx *c, const struct id *id, struct user *u);

/** ${u}, as loaded, retires: signed out everywhere, what waits for approval is void. */
MUST_USE enum rc user_retire(struct ctx *c, struct user *u);

/** Void every token of the person from now on; open event streams end too. */
MUST_USE enum rc user_sign_out(struct ctx *c, const struct id *id);
MUST_USE enum rc user_list(struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count);

/* devices */

/** Sign the request and enrol; ${certificate} is in the arena. */
MUST_USE enum rc device_enrol(
    struct ctx *c, const struct device_new *in, struct device *out, const char **certificate);

/**
 * Enrol a device that cannot make a request: key, certificate and authority in a PKCS#12 file under a
 * passphrase, both in the arena.  The key is in no other place.
 */
MUST_USE enum rc device_invite(struct ctx *c, const struct device_new *in, struct device_kit *out);
MUST_USE enum rc device_load(struct ctx *c, const struct id *id, struct device *out);

/** From the moment this is committed neither a handshake nor a request of the device is accepted. */
MUST_USE enum rc device_revoke(struct ctx *c, const struct id *id, struct device *out);
MUST_USE enum rc device_list(
    struct ctx *c, const struct id *after, unsigned limit, void *out, unsigned *count);

/* signing in: RC_BAD_LOGIN for every reason, after the same work */
MUST_USE enum rc sign_in(struct ctx *c, const struct sign_in *in, struct token_reply *out);
MUST_USE enum rc sign_renew(struct ctx *c, struct token_reply *out);
MUST_USE enum rc sign_out(struct ctx *c);
MUST_USE enum rc sign_out_everywhere(struct ctx *c);
/** The caller's token goes on, every other one of the person is void. */
MUST_USE enum rc passphrase_change(struct ctx *c, const struct passphrase_change *in);

#endif
