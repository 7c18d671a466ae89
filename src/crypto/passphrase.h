/* SPDX-License-Identifier: Apache-2.0 */
/* Memory-hard passphrase verifiers (scrypt, RFC 7914, N = 2^15, r = 8, p = 1: 32 MiB and about 100 ms) as
 * text with their parameters and salt, so that parameters can grow. */
#ifndef MENEDEK_PASSPHRASE_H
#define MENEDEK_PASSPHRASE_H

#include "base/bytes.h"
#include "base/rc.h"

#define PASSPHRASE_TEXT 128u

/** Make a verifier with a fresh salt. */
MUST_USE enum rc passphrase_hash(struct bytes passphrase, char out[PASSPHRASE_TEXT]);

/** RC_OK or RC_BAD_LOGIN.  A verifier of NULL costs the same time and refuses: an unknown person is not
 * faster. */
MUST_USE enum rc passphrase_verify(struct bytes passphrase, const char *verifier);

/** A key from ${passphrase}, at 2^${log_n} (10 to 20), r = 8, p = 1.  For what is opened offline, where
 * nothing but the cost slows who guesses. */
MUST_USE enum rc passphrase_derive(
    struct bytes passphrase, unsigned log_n, const uint8_t salt[16], uint8_t key[32]);

#endif
