/* SPDX-License-Identifier: Apache-2.0 */
/* The table behind enum rc.  Titles stand in msg.def, rendered by fault.c. */
#include "base/rc.h"

static const struct {
	unsigned http;
	bool retry;
	const char *code;
} rows[RC_COUNT] = {
#define X(name, status, may_retry, public_code) { status, may_retry, public_code },
#include "base/rc.def"
#undef X
};

unsigned
rc_http(enum rc rc)
{
	return rows[rc].http;
}

const char *
rc_code(enum rc rc)
{
	return rows[rc].code;
}

bool
rc_is_retryable(enum rc rc)
{
	return rows[rc].retry;
}
