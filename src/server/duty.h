/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling a house's duty phone that a request is waiting: a process of its own, forked before the first key
 * is read, that knows the telephone numbers and nothing else, and runs the operators' command.  The service
 * knows no number; that process knows no request, and neither what reads the numbers nor the command reaches
 * the registry's files, whoever they run as.  What is sent says one sentence and never what it is about.
 *
 * The numbers: a CSV file "house,phone,after_15,after_30,after_60", read anew for each message, so that a
 * change needs no restart, by whatever way it is made.  A house is named by its id, which stays, or by its
 * code name.  An empty cell means the one before it; a row that is empty so far, that nobody is to be told.
 */
#ifndef MENEDEK_DUTY_H
#define MENEDEK_DUTY_H

#include <stdbool.h>

#include "base/confine.h"
#include "service/duty_watch.h"

struct duty_options {
	const char
	    *command; /* absolute path; gets the number as its only argument, the text on standard input */
	const char *phones;    /* the CSV file; both or none */
	const char *user;      /* whom the process becomes, or NULL */
	const char *hidden[3]; /* directories that neither what reads the numbers nor the command reaches: the
				  registry, its keys */
	enum confine_mode sandbox;
};

struct duty;

/** Fork it.  Call it before there is a key, a thread or a blocked signal.  RC_INVALID: the command or the
 * file cannot be used. */
MUST_USE enum rc duty_start(const struct duty_options *options, struct duty **out, struct fault *f);

/** Have ${house}, of code name ${name}, told for the ${step}th time (0 to 3).  False: it cannot be taken now.
 * Never waits.  ${message}: its number, by which duty_heard tells of it. */
bool duty_ring(void *duty, const struct id *house, const char *name, unsigned step, uint32_t message);

/** What became of a message, in the order in which that came out; false: nothing more yet.  Never waits. */
bool duty_heard(void *duty, uint32_t *message, enum duty_outcome *outcome);

/** The process ends when what it runs has ended.  NULL-safe. */
void duty_stop(struct duty *duty);

#endif
