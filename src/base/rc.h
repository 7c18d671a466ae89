/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The typed error that every fallible function returns.  One row of rc.def is one way to fail: its HTTP
 * status, whether a retry can help, and its public code.  Nothing else in the tree chooses a status.
 */
#ifndef MENEDEK_RC_H
#define MENEDEK_RC_H

#include <stdbool.h>

#include "attr.h"

enum rc {
#define X(name, http, retry, code) RC_##name,
#include "rc.def"
#undef X
	RC_COUNT
};

/** HTTP status of ${rc}. */
unsigned rc_http(enum rc rc);

/** Stable public code of ${rc}, for instance "no_place_left".  Static storage. */
const char *rc_code(enum rc rc);

/** May the very same request succeed later? */
bool rc_is_retryable(enum rc rc);

#endif
