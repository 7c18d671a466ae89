/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console's files: built from web/, carried in the program with their compressed forms, found by exact
 * name.  There is no directory and no path to climb out of.  The schemas under /schema/ lie beside them, so
 * that /openapi.yaml is whole for whoever reads it from here.  Any enrolled device may load them; they hold
 * no data.  One that was revoked while its connection was open gets a page that says so instead.
 */
#ifndef MENEDEK_CONSOLE_H
#define MENEDEK_CONSOLE_H

#include "call.h"

struct console;

/** Sort the embedded files under web/dist and schema.  ${out} is read-only from then on; any thread. */
MUST_USE enum rc console_new(struct console **out);
void console_free(struct console *console); /* NULL-safe */

/**
 * The answer to GET ${head->path}, or false when it is none of these files.  ${reply} points into
 * ${console}: the best form that the client accepts, or 304.
 */
MUST_USE bool console_find(const struct console *console, const struct call_head *head, struct reply *reply);

/** What a device gets that is not let in (any more) instead of what console_find gave it: 403, in both
 * languages. */
void console_refuse(const struct console *console, const struct call_head *head, struct reply *reply);

#endif
