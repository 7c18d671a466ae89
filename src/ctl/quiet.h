/* SPDX-License-Identifier: Apache-2.0 */
/* A line that is typed at a terminal and not shown.  Whatever the person does, the terminal shows again
 * afterwards what is typed. */
#ifndef MENEDEK_QUIET_H
#define MENEDEK_QUIET_H

#include <stddef.h>

#include "base/bytes.h"

/**
 * Ask ${question} on ${to} and read a line from the terminal ${fd} into ${out}, without its end and with a
 * NUL. False: ${fd} is none, or nothing was typed, or more than ${cap} - 1 bytes, or Ctrl-C; ${out} is wiped
 * then.  SIGTERM, SIGHUP, SIGINT and SIGQUIT take effect when the terminal shows again what is typed; no
 * other thread may take them meanwhile.
 */
MUST_USE bool quiet_line(int fd, int to, const char *question, char *out, size_t cap);

#endif
