/* SPDX-License-Identifier: Apache-2.0 */
/* Codes from liboath, compared here. */
#include "crypto/totp.h"

#include <liboath/oath.h>
#include <pthread.h>
#include <string.h>

#include "base/log.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
start(void)
{
	if (oath_init() != OATH_OK)
		log_world("totp_start", "liboath does not start");
}

void
totp_start(void)
{
	(void)pthread_once(&once, start);
}

enum rc
totp_code(const uint8_t secret[TOTP_SECRET], uint64_t step, char out[TOTP_DIGITS + 1])
{
	totp_start();
	if (oath_hotp_generate((const char *)secret, TOTP_SECRET, step, TOTP_DIGITS, false,
		OATH_HOTP_DYNAMIC_TRUNCATION, out) == OATH_OK)
		return RC_OK;
	return RC_UNAVAILABLE;
}

enum rc
totp_verify(const uint8_t secret[TOTP_SECRET], const char *code, int64_t now, uint64_t after, uint64_t *used)
{
	const uint64_t present = (uint64_t)now / TOTP_STEP;
	char right[TOTP_DIGITS + 1];
	enum rc found = RC_BAD_LOGIN, rc;

	if (strlen(code) != TOTP_DIGITS)
		return RC_BAD_LOGIN;
	/* always all three: time does not tell how near a guess was */
	for (uint64_t step = present - 1; step <= present + 1; step++) {
		if ((rc = totp_code(secret, step, right)) != RC_OK)
			return rc;
		if (bytes_equal(bytes_str(right), bytes_str(code)) && step > after) {
			*used = step;
			found = RC_OK;
		}
	}
	wipe(right, sizeof(right));
	return found;
}

void
totp_text(const uint8_t secret[TOTP_SECRET], char out[TOTP_TEXT + 1])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	for (unsigned i = 0; i < TOTP_TEXT; i++) {
		const unsigned bit = i * 5, at = bit / 8;
		const unsigned pair = (unsigned)secret[at] << 8 | (at + 1 < TOTP_SECRET ? secret[at + 1] : 0);
		out[i] = alphabet[pair >> (11 - bit % 8) & 31];
	}
	out[TOTP_TEXT] = '\0';
}
