/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases on their way between a person and the program: by standard input or a file of mode 0600, never
 * by arguments. */
#ifndef MENEDEK_PASSES_H
#define MENEDEK_PASSES_H

#include "ctl/talk.h"

#define PASSPHRASE_LEAST 12u /* characters; what schema/passphrase-change.json demands */

struct pass {
	char name[32];
	char passphrase[LIMIT_PASSPHRASE + 1];
};

/** Read one line of standard input into ${pass}.  Refuses a terminal, which would show it. */
MUST_USE enum status passes_read(struct pass *pass);

/** Ask at the terminal, without showing what is typed; where there is none, read a line of standard input. */
MUST_USE enum status passes_ask(const char *question, struct pass *pass);

/** Add "name passphrase" lines to ${path} (made with mode 0600), replacing lines of the same names; atomic.
 */
MUST_USE enum rc passes_save(const char *path, const struct pass *passes, size_t count, struct fault *f);

#endif
