/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long one has to wait after wrong passphrases (DOMAIN 5: a guesser is slowed down, a colleague is not
 * shut out for a night).  A device waits longer and longer; other devices of the same person wait a little,
 * and one where the person is at home does not wait for them at all.  Pure: who counts what is the caller's
 * business.
 */
#ifndef MENEDEK_LOCKOUT_H
#define MENEDEK_LOCKOUT_H

#include <stdbool.h>
#include <stdint.h>

struct attempts {
	uint16_t failures;  /* in a row */
	int64_t last_at;    /* of the last failure */
	int64_t welcome_at; /* the last right passphrase, to the day */
};

enum lockout_scope {
	LOCKOUT_DEVICE, /* this person on this device: 0, 0, 0, 2, 4, 8 ... 900 s */
	LOCKOUT_PERSON, /* this person anywhere: 30 s at most */
	LOCKOUT_SCOPES
};

/**
 * Seconds to wait at ${now} before the next try; 0 = none.  A failure that lies further ahead than the
 * longest wait, of a clock that was set back since, keeps nobody out.  So ${now} must be of one clock for all
 * who count in ${a}: of two that differ, either would let in whom the other has just refused.
 */
unsigned lockout_wait(enum lockout_scope scope, const struct attempts *a, int64_t now);

/** Has the person been let in here lately?  Then failures elsewhere do not count here. */
bool lockout_is_home(const struct attempts *a, int64_t now);

/** Count a failure.  What lies LOCKOUT_FORGET back is forgotten first. */
void lockout_fail(struct attempts *a, int64_t now);

/** Note a right passphrase; true if ${a} has changed and is to be kept. */
bool lockout_succeed(struct attempts *a, int64_t now);

/** Does ${a} say nothing any more? */
bool lockout_is_spent(const struct attempts *a, int64_t now);

#endif
