/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second factor: a secret in the person's authenticator app (crypto/totp) and ten backup codes of one use
 * each. The record stands apart from the person's, so that requests do not carry the secret through memory.
 */
#ifndef MENEDEK_FACTOR_H
#define MENEDEK_FACTOR_H

#include "model/bodies.h"
#include "service/access.h"

/** Make a secret for the caller, shown this once; it counts after factor_confirm.  RC_STATE_CONFLICT: there
 * is one. */
MUST_USE enum rc factor_start(struct ctx *c, const struct totp_new *in, struct totp_reply *out);

/** The app shows the right code: from now on it is asked for at each sign-in, and but for the caller's
 * token what was given without it is void.  ${out}: the backup codes, once. */
MUST_USE enum rc factor_confirm(struct ctx *c, const struct totp_code_body *in, struct backup_codes *out);

/** The caller, with passphrase and code, goes without. */
MUST_USE enum rc factor_remove(struct ctx *c, const struct totp_removal *in);

/** Take the factor from ${u}, whose record the caller writes: for who has lost phone and codes. */
MUST_USE enum rc factor_forget(struct ctx *c, struct user *u);

/** Is ${code} (of the app or a backup code) ${u}'s?  It is used up with that.  RC_BAD_LOGIN. */
MUST_USE enum rc factor_prove(struct ctx *c, const struct user *u, const char *code);

/** Backup codes that ${u} has left. */
MUST_USE enum rc factor_left(struct ctx *c, const struct user *u, uint8_t *out);

#endif
