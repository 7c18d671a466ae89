/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the running service to do something (server/control.h): a line there, JSON lines back. */
#ifndef MENEDEK_ASK_H
#define MENEDEK_ASK_H

#include "ctl/talk.h"

/**
 * Send ${line} to the service of ${path} and give each line of the answer to ${hear}, without its end.
 * RC_NOT_FOUND: nobody serves there, so the caller may do it itself; RC_UNKNOWN: the answer broke off.
 */
MUST_USE enum rc ask_service(
    const char *path, const char *line, void (*hear)(void *arg, const char *text, size_t len), void *arg);

#endif
