/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a backup back.  Each file is written under a name of its own beside its place, and all take their
 * places when the last byte was verified, the keyring last: a directory without it is no registry to anybody.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/envelope.h"
#include "ctl/owner.h"
#include "ctl/backup.h"
#include "store/engine.h"

#define PATH 512u

const struct backup_file backup_files[BACKUP_FILES] = {
	{ "store/data.mdb", true },
	{ "vault/ring", true },
	{ "vault/quota", true },
	{ "vault/limits.csv", false },
	{ "ca.crt", true },
	{ "audit.pub", true },
	{ "host", true },
	{ "terms.csv", false },
	{ "breadth.csv", false },
	{ "retention.csv", false },
	{ "keyring/ring", true },
};

struct restoring {
	struct envelope *in;
	const char *dir;
	char *about;
	unsigned count; /* of files that came, or began to */
	char name[BACKUP_FILES + SHEET_DESKS][BACKUP_NAME];
	uint8_t chunk[BACKUP_CHUNK];
	struct fault fault;
};

static bool
place_of(const struct restoring *r, const char *name, bool is_part, char out[PATH])
{
	char file[BACKUP_NAME + 8];

	(void)snprintf(file, sizeof(file), "%.*s%s", (int)BACKUP_NAME, name, is_part ? ".part" : "");
	return path_join(out, PATH, r->dir, file);
}

static bool
has(const struct restoring *r, const char *name)
{
	for (unsigned i = 0; i < r->count; i++)
		if (strcmp(r->name[i], name) == 0)
			return true;
	return false;
}

/* A name leads nowhere but to a place of ours. */
static bool
is_ours(const char *name)
{
	const size_t len = strlen(BACKUP_SHEETS);
	char desk[SHEET_NAME];

	for (unsigned i = 0; i < BACKUP_FILES; i++)
		if (strcmp(name, backup_files[i].name) == 0)
			return true;
	return strncmp(name, BACKUP_SHEETS, len) == 0 && sheet_key_file(name + len, desk);
}

/* ---- the inner form ---- */

static enum rc
get_name(struct restoring *r, char name[BACKUP_NAME])
{
	uint8_t length[2];
	enum rc rc = envelope_read(r->in, length, sizeof(length));
	const size_t len = (size_t)(length[0] << 8 | length[1]);

	if (rc != RC_OK || len >= BACKUP_NAME)
		return rc == RC_OK ? RC_CORRUPT : rc;
	rc = envelope_read(r->in, (uint8_t *)name, len);
	name[len] = '\0';
	return rc;
}

/* The next chunk of a file into r->chunk; *len 0 at its end. */
static enum rc
get_chunk(struct restoring *r, uint32_t *len)
{
	uint8_t length[4];
	enum rc rc = envelope_read(r->in, length, sizeof(length));

	*len = rc == RC_OK ? get_u32(length) : 0;
	if (rc == RC_OK && *len > sizeof(r->chunk))
		rc = RC_CORRUPT;
	return rc == RC_OK ? envelope_read(r->in, r->chunk, *len) : rc;
}

static enum rc
get_about(struct restoring *r)
{
	size_t at = 0;
	uint32_t len;
	enum rc rc;

	while ((rc = get_chunk(r, &len)) == RC_OK && len > 0) {
		if (at + len >= BACKUP_ABOUT_TEXT)
			return RC_CORRUPT;
		memcpy(r->about + at, r->chunk, len);
		at += len;
	}
	r->about[at] = '\0';
	return rc;
}

static enum rc
get_file(struct restoring *r, const char *name)
{
	char path[PATH], home[PATH];
	uint32_t len;
	enum rc rc;
	int fd;

	if (has(r, name) || r->count == COUNT_OF(r->name) || !place_of(r, name, true, path))
		return RC_CORRUPT;
	(void)str_copy(r->name[r->count++], BACKUP_NAME, name);
	(void)str_copy(home, sizeof(home), path);
	*strrchr(home, '/') = '\0';
	if ((rc = dir_make(home, 0700, &r->fault)) != RC_OK)
		return rc;
	if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		return fault_set(&r->fault, RC_UNAVAILABLE, MSG_FILE_WRITE, NULL, errno, path_name(path));
	while ((rc = get_chunk(r, &len)) == RC_OK && len > 0)
		if (!write_all(fd, (struct bytes){ r->chunk, len })) {
			rc = RC_UNAVAILABLE;
			break;
		}
	if (rc == RC_OK && fsync(fd) != 0)
		rc = RC_UNAVAILABLE;
	(void)close(fd);
	return rc;
}

static enum rc
get_entry(struct restoring *r, const char *name)
{
	if (strcmp(name, BACKUP_ABOUT) == 0)
		return get_about(r);
	/* of a newer program: half of a registry would be worse than none */
	return is_ours(name) ? get_file(r, name) : RC_CORRUPT;
}

static enum rc
get_all(struct restoring *r)
{
	char name[BACKUP_NAME];
	enum rc rc;

	while ((rc = get_name(r, name)) == RC_OK && *name != '\0')
		if ((rc = get_entry(r, name)) != RC_OK)
			return rc;
	if (rc == RC_OK)
		rc = envelope_end(r->in);
	for (unsigned i = 0; rc == RC_OK && i < BACKUP_FILES; i++)
		if (backup_files[i].is_needed && !has(r, backup_files[i].name))
			rc = RC_CORRUPT;
	return rc;
}

/* ---- taking their places ---- */

static enum rc
put_one(struct restoring *r, const char *name)
{
	char from[PATH], to[PATH];

	if (!place_of(r, name, true, from) || !place_of(r, name, false, to))
		return RC_TOO_BIG;
	if (rename(from, to) != 0 || !file_sync_parent(to))
		return fault_set(&r->fault, RC_UNAVAILABLE, MSG_FILE_WRITE, NULL, errno, path_name(to));
	return RC_OK;
}

static enum rc
put_in_place(struct restoring *r)
{
	const char *last = backup_files[BACKUP_FILES - 1].name;
	enum rc rc = RC_OK;

	for (unsigned i = 0; rc == RC_OK && i < r->count; i++)
		if (strcmp(r->name[i], last) != 0)
			rc = put_one(r, r->name[i]);
	if (rc == RC_OK)
		rc = put_one(r, last);
	if (rc == RC_OK && !file_sync_parent(r->dir))
		rc = RC_UNAVAILABLE;
	return rc;
}

static void
remove_parts(struct restoring *r)
{
	char path[PATH];

	for (unsigned i = 0; i < r->count; i++)
		if (place_of(r, r->name[i], true, path))
			(void)unlink(path);
}

/* A registry that is there is not replaced: who wants that takes it away first, and still has it then. */
static enum status
look_for_old(const struct restoring *r)
{
	/* a store that names a database would be served from there, and not what is restored; one whose copy
	 * is aside until accept-database is repeated would not be served at all */
	static const char *const names[] = { "store/data.mdb", "store/data.mdb.asked", "store/" PG_CONNINFO,
		"keyring/ring" };
	char path[PATH];

	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		if (!place_of(r, names[i], false, path)) {
			talk_error("%s: the path is too long", r->dir);
			return STATUS_USAGE;
		}
		if (file_exists(path)) {
			talk_error("%s holds a registry already: move it away first (mv %s %s.old), or name "
				   "another --dir",
			    r->dir, r->dir, r->dir);
			return STATUS_CONFLICT;
		}
	}
	return STATUS_OK;
}

static enum status
say(const struct restoring *r, bool is_open, enum rc rc)
{
	if (rc == RC_CORRUPT && !is_open)
		talk_error("this is no backup, or not one under these root keys (--keys)");
	else if (rc == RC_CORRUPT)
		talk_error("the backup is cut or was altered: nothing was restored; take another one");
	else
		return talk_failure("restore", rc, &r->fault);
	return STATUS_CHECK_FAILED;
}

enum status
backup_restore(int fd, const struct paths *to, char about[BACKUP_ABOUT_TEXT])
{
	struct restoring *r = calloc(1, sizeof(*r));
	struct secret *root = NULL;
	struct rootkey *key = NULL;
	enum status status;
	enum rc rc;

	if (r == NULL)
		return talk_failure("restore", RC_UNAVAILABLE, NULL);
	r->dir = to->dir;
	r->about = about;
	*about = '\0';
	if ((status = look_for_old(r)) != STATUS_OK) {
		free(r);
		return status;
	}
	if ((rc = parts_read_root(to->record_root, &root, &r->fault)) == RC_OK &&
	    (rc = rootkey_new(root, &key, &r->fault)) == RC_OK &&
	    (rc = envelope_open(fd, key, &r->in)) == RC_OK &&
	    (rc = dir_make(to->dir, 0700, &r->fault)) == RC_OK && (rc = get_all(r)) == RC_OK) {
		owner_give_registry(
		    to->dir); /* before it is one: the directory may be the service's already */
		rc = put_in_place(r);
	}
	if (rc == RC_MALFORMED && r->in == NULL && r->fault.count == 0)
		rc = fault_set(&r->fault, rc, MSG_FORMAT_NEWER, NULL, 0, "backup");
	if (rc != RC_OK)
		remove_parts(r);
	status = say(r, r->in != NULL, rc);
	envelope_free(r->in);
	rootkey_free(key);
	secret_free(root);
	free(r);
	return status;
}
