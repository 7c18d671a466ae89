/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console's files: built from web/, carried in the program with their compressed forms, found by exact
 * name.  There is no directory and no path to climb out of.  Any enrolled device may load them; they hold no
 * data.
 */
#ifndef MENEDEK_CONSOLE_H
#define MENEDEK_CONSOLE_H

#include "call.h"

struct console;

/** Sort the embedded files under web/dist.  ${out} is read-only from then on; any thread. */
MUST_USE enum rc console_new(struct console **out);
void console_free(struct console *console); /* NULL-safe */

/**
 * The answer to GET ${head->path}, or false when it is none of the console's files.  ${reply} points into
 * ${console}: the best form that the client accepts, or 304.
 */
MUST_USE bool console_find(const struct console *console, const struct call_head *head, struct reply *reply);

#endif
