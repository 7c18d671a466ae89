/* SPDX-License-Identifier: Apache-2.0 */
/* What the program says to the person at the terminal, on standard error, and how errors become an exit
 * status. */
#ifndef MENEDEK_TALK_H
#define MENEDEK_TALK_H

#include "base/fault.h"
#include "ctl/command.h"

/** What the terminal speaks, as setlocale(3) looks for it; what is not Hungarian is English. */
enum lang talk_lang(void);

/** "menedek: ..." */
void talk_error(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** "menedek: warning: ...", also with --quiet. */
void talk_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** Progress: a line that --quiet leaves out. */
void talk(const struct args *args, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** "label ........ ok": a step that was done. */
void talk_step(const struct args *args, const char *fmt, ...) PRINTF_LIKE(2, 3);

/**
 * Say that ${doing} failed with ${rc}, with the sentences of ${f} (may be NULL) and a hint where one is
 * known. Returns the exit status of ${rc}; STATUS_OK for RC_OK, saying nothing.
 */
enum status talk_failure(const char *doing, enum rc rc, const struct fault *f);

#endif
