/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wrong passphrases are counted, for a name on a device and for a name anywhere, whether or not anybody has
 * that name, and in places whose number is bounded: made-up names do not fill the store.  A try that has to
 * wait is refused before any hashing and is not counted, so nobody makes a colleague's wait longer by trying
 * on.
 */
#ifndef MENEDEK_ATTEMPTS_H
#define MENEDEK_ATTEMPTS_H

#include "service/access.h"

struct attempts_of {
	struct key key[LOCKOUT_SCOPES];
	struct attempts row[LOCKOUT_SCOPES];
};

/** May ${name} be tried on this device now?  RC_SLOW_DOWN with the wait, for known and unknown names alike.
 */
MUST_USE enum rc attempts_open(struct ctx *c, const char *name, struct attempts_of *out);

/**
 * It was wrong: count it, and refuse with ${why}.  Returns RC_OK so that the count commits; the refusal goes
 * by ctx_refuse.
 */
MUST_USE enum rc attempts_wrong(struct ctx *c, struct attempts_of *a, enum rc why, enum msg msg);

/** It was right. */
MUST_USE enum rc attempts_right(struct ctx *c, struct attempts_of *a);

/** Remove rows that say nothing any more. */
void attempts_sweep(struct parts *parts, int64_t now);

#endif
