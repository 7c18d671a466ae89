/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line an event on standard error, "level event key=value ...".  Blame is named: log_bug (ours,
 * aborts in debug builds), log_peer (theirs), log_world (disk, network), log_note (life of the process).  The
 * arguments are formats of our own and must never carry a household, a location, a token or a key.
 * Thread-safe; at most LOG_BURST lines a second for each event, the rest counted and reported.
 */
#ifndef MENEDEK_LOG_H
#define MENEDEK_LOG_H

#include "attr.h"

enum log_level { LOG_DEBUG, LOG_NOTE, LOG_PEER, LOG_WORLD, LOG_BUG };

#define LOG_BURST 50u

/**
 * Begin each line with its priority ("<4>world ...", sd-daemon(3)) if standard error goes to the journal, so
 * that `journalctl -p warning` finds what counts.  Before the first thread.
 */
void log_for_journal(void);

/** Drop what is below ${least} (LOG_NOTE at the start). */
void log_set_level(enum log_level least);

/**
 * Write one line.  ${event} is a string literal: the rate limit remembers its address.  Control characters
 * and broken UTF-8 in the arguments come out as \xNN, long lines are cut.  errno survives.
 */
void log_line(enum log_level level, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_note(event, ...)  log_line(LOG_NOTE, event, __VA_ARGS__)
#define log_peer(event, ...)  log_line(LOG_PEER, event, __VA_ARGS__)
#define log_world(event, ...) log_line(LOG_WORLD, event, __VA_ARGS__)
#define log_bug(event, ...)   log_line(LOG_BUG, event, __VA_ARGS__)

#endif
