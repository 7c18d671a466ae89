/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which house's events go where: the directory that --hooks names, with hooks.csv, the certificates that it
 * names and the key that signs events.  Read at the start and again on SIGHUP.
 */
#ifndef MENEDEK_HOOKS_H
#define MENEDEK_HOOKS_H

#include "ctl/command.h"
#include "ctl/courier.h"
#include "ctl/http_signature.h"

#define HOOKS 64u

struct hooks {
	const char *dir; /* the caller's */
	struct signing_key *key;
	char keyid[HTTP_SIGNATURE_KEYID]; /* of the key that signs */
	unsigned count;
	struct hook hook[HOOKS];
};

/**
 * Read all of ${dir}.  Directory and file must belong to root or to who runs this, and nobody else may write
 * them.  Anything wrong is said with its line, and nothing is taken.  Free it with hooks_free.
 */
MUST_USE enum status hooks_read(const char *dir, struct hooks **out);
void hooks_free(struct hooks *hooks); /* NULL-safe; no courier may be at work on it */

#endif
