/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup is one sealed text (crypto/envelope.h) under the root key of the records: what stands in the data
 * directory, the store as one snapshot of it.  The root keys and all else of KEYS are not in it.  Inside:
 *
 *   (name length 2 | name | (length 4 | bytes)* 0)* 0        all numbers big-endian
 */
#ifndef MENEDEK_BACKUP_H
#define MENEDEK_BACKUP_H

#include "ctl/offline.h"
#include "service/sheets.h"

#define BACKUP_NAME  48u
#define BACKUP_CHUNK 32768u
#define BACKUP_FILES 11u

/** The files of a data directory in the order of a backup, the store first and the keyring last: without its
 * keyring a half-restored directory is no registry to any command. */
struct backup_file {
	char name[BACKUP_NAME];
	bool is_needed;
};
extern const struct backup_file backup_files[BACKUP_FILES];

/** Before the keyring stand the desks' keys for sheets, "sheets/NAME.key", as many as there are: without them
 * a registry that writes sheets would not serve, and each desk would need a new passphrase. */
#define BACKUP_SHEETS SHEET_KEYS "/"

/** A text before the files: what the backup is of. */
#define BACKUP_ABOUT      "about"
#define BACKUP_ABOUT_TEXT 512u

/**
 * Write a backup of ${o}, opened to read, to ${fd}, which stays the caller's; says what is wrong.
 * STATUS_CONFLICT: keys were destroyed meanwhile; what was written is worth nothing, repeat.
 */
MUST_USE enum status backup_write(struct offline *o, int fd);

/**
 * Read a backup from ${fd} and write its files into ${to->dir}, whose keys must lie where ${to} says; all was
 * verified before the directory becomes a registry.  ${about} gets the backup's text.  Says what is wrong.
 */
MUST_USE enum status backup_restore(int fd, const struct paths *to, char about[BACKUP_ABOUT_TEXT]);

#endif
