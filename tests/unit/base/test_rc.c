/* SPDX-License-Identifier: Apache-2.0 */
/* The table of errors: what outside programs rely on. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

#include "base/rc.h"

Test(rc, success_is_200_and_everything_else_an_error_status)
{
	cr_assert_eq(rc_http(RC_OK), 200u);
	for (int rc = RC_OK + 1; rc < RC_COUNT; rc++)
		cr_assert(rc_http((enum rc)rc) >= 400 && rc_http((enum rc)rc) < 600, "rc %d", rc);
}

Test(rc, codes_are_words_and_name_one_error_each)
{
	for (int rc = RC_OK; rc < RC_COUNT; rc++) {
		const char *code = rc_code((enum rc)rc);

		for (const char *p = code; *p != '\0'; p++)
			cr_assert(islower((unsigned char)*p) || *p == '_', "%s", code);
		for (int other = RC_OK; other < rc; other++)
			cr_assert(
			    strcmp(rc_code((enum rc)other), code) != 0 || strcmp(code, "internal_error") == 0,
			    "%s", code);
	}
}

Test(rc, what_may_pass_by_itself_says_so)
{
	cr_assert(rc_is_retryable(RC_BUSY));
	cr_assert(rc_is_retryable(RC_UNKNOWN));
	cr_assert(rc_is_retryable(RC_SLOW_DOWN));
	cr_assert_not(rc_is_retryable(RC_NO_PLACE_LEFT));
	cr_assert_not(rc_is_retryable(RC_CORRUPT));
}
