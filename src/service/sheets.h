/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downtime sheets: what a desk's shift lead needs to go on by telephone when nothing works, written every few
 * hours into a directory that others can copy, sealed for the lead's passphrase (crypto/letter).  The same
 * content as the sheet that the console prints: open reservations with number and check word, no location,
 * and a secret house under the name that it has in its request only.
 *
 * The text, before it is sealed, is lines of fields between tabs:
 *   menedek-sheet 1 | registry NAME | desk NAME | at SECONDS | rows NUMBER
 *   row NUMBER WORD HOUSE TYPE ADULTS CHILDREN BABIES BANDS NEEDS STATE UNTIL     codes, seconds or 0
 */
#ifndef MENEDEK_SHEETS_H
#define MENEDEK_SHEETS_H

#include "crypto/letter.h"
#include "service/access.h"

#define SHEET_FIRST  "menedek-sheet\t1\n"
#define SHEET_FIELDS 12u           /* of a row, its "row" among them */
#define SHEET_TEXT   (256u * 1024) /* about 1,500 rows; what is left out is said by "rows" */
#define SHEET_NAME   33u
#define SHEET_DESKS  32u
#define SHEET_KEYS   "sheets" /* of the data directory: a file NAME.key a desk */

/** A desk that gets sheets: a file DIR/sheets/NAME.key of the data directory. */
struct sheet_key {
	char name[SHEET_NAME]; /* [a-z0-9-] */
	struct id org;
	char key[LETTER_KEY];
};

struct sheets_options {
	const char *dir; /* where sheets go; NULL: none are written */
	unsigned hours;  /* between two; 0: 4 */
};

/** Write ${key} as its file.  RC_TAKEN when there is one and not ${may_replace}. */
MUST_USE enum rc sheet_key_write(
    const struct paths *paths, const struct sheet_key *key, bool may_replace, struct fault *f);

/** Is ${name} fit to be one? */
bool sheet_name_is_good(const char *name);

/** Is ${file} of SHEET_KEYS a key, and whose?  What has another ending is not ours. */
bool sheet_key_file(const char *file, char name[SHEET_NAME]);

/** Read the keys into ${p->sheets}: after parts_read, before the process is confined.  RC_NOT_FOUND: no
 * desk has one.  RC_INVALID: a file is none. */
MUST_USE enum rc sheets_open(struct parts *p, const struct sheets_options *options, struct fault *f);
void sheets_free(struct sheets *sheets); /* NULL-safe */

/** Is it time?  False without sheets.  For the thread that writes them. */
bool sheets_are_due(const struct parts *p, int64_t now);

/** Write a sheet for every desk, each recorded in the trail; ${*rows}: reservations on them, also those that
 * did not fit or cannot be read: "rows" says how many there are.  RC_NOT_FOUND without sheets. */
MUST_USE enum rc sheets_write(struct parts *p, int64_t now, unsigned *desks, unsigned *rows, struct fault *f);

#endif
