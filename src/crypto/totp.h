/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-time codes by the clock (RFC 6238: HMAC-SHA-1, 30 s, 6 digits, what every authenticator app does), made
 * by liboath, whose only user this is.  Comparing is ours: in constant time, and each step once.
 */
#ifndef MENEDEK_TOTP_H
#define MENEDEK_TOTP_H

#include "base/bytes.h"
#include "base/rc.h"

#define TOTP_SECRET 20u /* bytes, as long as the hash (RFC 4226, 4, R6) */
#define TOTP_TEXT   32u /* of them in base32 */
#define TOTP_DIGITS 6u
#define TOTP_STEP   30 /* seconds */

/** Have the library open what it needs: before the process is confined. */
void totp_start(void);

/** The code of ${step}.  RC_UNAVAILABLE when the library cannot. */
MUST_USE enum rc totp_code(const uint8_t secret[TOTP_SECRET], uint64_t step, char out[TOTP_DIGITS + 1]);

/**
 * Is ${code} that of the present step or of one beside it (RFC 6238, 5.2), and later than ${after}, the last
 * one that was used?  RC_OK with the step in ${used}, or RC_BAD_LOGIN.
 */
MUST_USE enum rc totp_verify(
    const uint8_t secret[TOTP_SECRET], const char *code, int64_t now, uint64_t after, uint64_t *used);

/** The secret as apps take it (RFC 4648, 6), and a NUL. */
void totp_text(const uint8_t secret[TOTP_SECRET], char out[TOTP_TEXT + 1]);

#endif
