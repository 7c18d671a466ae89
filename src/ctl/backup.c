/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a backup beside the running service.  The store comes through a pipe from a thread that copies one
 * snapshot; the keys come after it, because a key that a value needs is made before the value.  That none was
 * destroyed meanwhile is looked at: of the record keys by their ids, of the houses' keys by the file.
 */
#include "ctl/backup.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/version.h"
#include "crypto/envelope.h"

#define READS     8u
#define FILE_MOST (8u * 1024 * 1024) /* a ring of 65,536 houses is 6 MiB */

struct taking {
	struct offline *o;
	struct envelope *out;
	struct key_info before[KEYRING_KEYS];
	size_t before_count;
	char *vault_ring; /* before the snapshot */
	size_t vault_len;
};

/* ---- the inner form ---- */

static enum rc
put_name(struct taking *t, const char *name)
{
	const size_t len = strlen(name);
	const uint8_t length[2] = { (uint8_t)(len >> 8), (uint8_t)len };
	const enum rc rc = envelope_write(t->out, BYTES_OF(length));

	return rc == RC_OK ? envelope_write(t->out, bytes_str(name)) : rc;
}

/* A chunk; an empty one ends the file. */
static enum rc
put_chunk(struct taking *t, struct bytes chunk)
{
	uint8_t length[4];
	enum rc rc;

	put_u32(length, (uint32_t)chunk.len);
	rc = envelope_write(t->out, BYTES_OF(length));
	return rc == RC_OK ? envelope_write(t->out, chunk) : rc;
}

static enum rc
put_text(struct taking *t, const char *name, struct bytes text)
{
	enum rc rc = put_name(t, name);

	while (rc == RC_OK && text.len > 0) {
		const size_t n = text.len < BACKUP_CHUNK ? text.len : BACKUP_CHUNK;

		rc = put_chunk(t, (struct bytes){ text.p, n });
		text = (struct bytes){ text.p + n, text.len - n };
	}
	return rc == RC_OK ? put_chunk(t, (struct bytes){ NULL, 0 }) : rc;
}

/* ---- the store ---- */

struct copying {
	struct store *store;
	int fd;
	enum rc rc;
};

static void *
copy(void *arg)
{
	struct copying *c = arg;

	c->rc = store_copy(c->store, c->fd);
	(void)close(c->fd);
	return NULL;
}

/* To its end, also when nothing can be written any more: the other thread must not wait for ever. */
static enum rc
drain(struct taking *t, int fd)
{
	uint8_t chunk[BACKUP_CHUNK];
	enum rc rc = RC_OK;
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		if (rc == RC_OK)
			rc = put_chunk(t, (struct bytes){ chunk, (size_t)n });
	return n < 0 ? RC_UNAVAILABLE : rc;
}

static enum rc
put_store(struct taking *t, const char *name)
{
	struct copying c = { .store = t->o->parts.store };
	pthread_t thread;
	int ends[2];
	enum rc rc = put_name(t, name);

	if (rc != RC_OK)
		return rc;
	if (pipe(ends) != 0)
		return RC_UNAVAILABLE;
	c.fd = ends[1];
	if (pthread_create(&thread, NULL, copy, &c) != 0) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return RC_UNAVAILABLE;
	}
	rc = drain(t, ends[0]);
	(void)pthread_join(thread, NULL);
	(void)close(ends[0]);
	if (rc == RC_OK)
		rc = c.rc;
	if (rc == RC_OK && !store_is_whole(t->o->parts.store)) /* it may have begun before the copy did */
		rc = fault_set(&t->o->fault, RC_UNAVAILABLE, MSG_STORE_OPEN, NULL, 0, "comparing");
	return rc == RC_OK ? put_chunk(t, (struct bytes){ NULL, 0 }) : rc;
}

/* ---- the other files ---- */

/* Twice the same: who replaces a ring overwrites the old file, perhaps while we read it (base/shred.h). */
static enum rc
read_settled(const char *path, char **text, size_t *len, struct fault *f)
{
	enum rc rc = file_read(path, FILE_MOST, text, len, f);
	bool is_settled = false;

	for (unsigned tries = 0; rc == RC_OK && !is_settled; tries++) {
		char *again = NULL;
		size_t n = 0;

		if ((rc = tries < READS ? file_read(path, FILE_MOST, &again, &n, f) : RC_BUSY) != RC_OK)
			break;
		is_settled = n == *len && memcmp(again, *text, n) == 0;
		free(*text);
		*text = again;
		*len = n;
	}
	if (rc != RC_OK) {
		free(*text);
		*text = NULL;
	}
	return rc;
}

static enum rc
put_file(struct taking *t, const struct backup_file *file)
{
	char path[512], *text = NULL;
	size_t len = 0;
	enum rc rc;

	if (!path_join(path, sizeof(path), t->o->parts.paths.dir, file->name))
		return RC_TOO_BIG;
	if (!file->is_needed && !file_exists(path))
		return RC_OK;
	if ((rc = read_settled(path, &text, &len, &t->o->fault)) == RC_OK)
		rc = put_text(t, file->name, (struct bytes){ (const uint8_t *)text, len });
	free(text);
	return rc;
}

/* The desks' keys, whatever their order: each file has its name. */
static enum rc
put_sheet_keys(struct taking *t)
{
	struct backup_file file = { .is_needed = true };
	char path[512], name[SHEET_NAME];
	const struct dirent *e;
	DIR *dir;
	enum rc rc = RC_OK;

	if (!path_join(path, sizeof(path), t->o->parts.paths.dir, SHEET_KEYS))
		return RC_TOO_BIG;
	if ((dir = opendir(path)) == NULL)
		return errno == ENOENT
		    ? RC_OK
		    : fault_set(&t->o->fault, RC_UNAVAILABLE, MSG_FILE_READ, NULL, 0, SHEET_KEYS);
	for (unsigned count = 0; rc == RC_OK && (e = readdir(dir)) != NULL;) {
		if (!sheet_key_file(e->d_name, name))
			continue;
		(void)snprintf(file.name, sizeof(file.name), BACKUP_SHEETS "%s.key", name);
		rc = count++ < SHEET_DESKS
		    ? put_file(t, &file)
		    : fault_set(&t->o->fault, RC_TOO_BIG, MSG_SHEET_KEYS, NULL, SHEET_DESKS, NULL);
	}
	(void)closedir(dir);
	return rc;
}

static enum rc
read_audit_head(struct ctx *c, void *arg)
{
	return txn_log_head(c->txn, LOG_AUDIT, arg);
}

static enum rc
put_about(struct taking *t)
{
	char text[BACKUP_ABOUT_TEXT], at[21], *host = NULL;
	struct log_head head = { 0 };
	size_t len;
	struct jw w;
	enum rc rc = offline_view(t->o, read_audit_head, &head);

	if (rc == RC_OK)
		rc = file_read(t->o->parts.paths.host, 256, &host, &len, &t->o->fault);
	if (rc != RC_OK)
		return rc;
	host[strcspn(host, "\r\n")] = '\0';
	time_format(clock_now(), at);
	jw_init(&w, text, sizeof(text));
	jw_open(&w, '{');
	jw_field_string(&w, "host", host);
	jw_field_string(&w, "taken_at", at);
	jw_field_int(&w, "audit_entries", (int64_t)head.count);
	jw_field_string(&w, "version", MENEDEK_VERSION);
	jw_close(&w, '}');
	free(host);
	return w.overflow ? RC_TOO_BIG : put_text(t, BACKUP_ABOUT, (struct bytes){ (uint8_t *)text, w.len });
}

/* ---- the keys ---- */

static enum rc
read_vault_ring(const struct taking *t, char **text, size_t *len)
{
	char path[512];

	if (!path_join(path, sizeof(path), t->o->parts.paths.vault, "ring"))
		return RC_TOO_BIG;
	return read_settled(path, text, len, &t->o->fault);
}

/* What the rings held before the snapshot. */
static enum rc
note_keys(struct taking *t, struct secret *root)
{
	struct keyring *ring = NULL;
	enum rc rc = keyring_open_follower(t->o->parts.paths.keyring, root, &ring, &t->o->fault);

	if (rc == RC_OK)
		t->before_count = keyring_list(ring, t->before, KEYRING_KEYS);
	keyring_free(ring);
	return rc == RC_OK ? read_vault_ring(t, &t->vault_ring, &t->vault_len) : rc;
}

static bool
holds(const struct key_info *keys, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (keys[i].id == id)
			return true;
	return false;
}

/*
 * Are they there still?  A rotation or purge that ended meanwhile destroys the key that was current when we
 * began before any younger one, so it is enough to look for those.
 */
static enum rc
find_keys(const struct taking *t, const struct secret *root, bool *are_there)
{
	struct key_info *now = calloc(KEYRING_KEYS, sizeof(*now));
	struct keyring *ring = NULL;
	char *vault_ring = NULL;
	size_t count = 0, len = 0;
	enum rc rc = now == NULL
	    ? RC_UNAVAILABLE
	    : keyring_open_follower(t->o->parts.paths.keyring, root, &ring, &t->o->fault);

	*are_there = true;
	if (rc == RC_OK) {
		count = keyring_list(ring, now, KEYRING_KEYS);
		rc = read_vault_ring(t, &vault_ring, &len);
	}
	for (size_t i = 0; rc == RC_OK && i < t->before_count; i++)
		*are_there = *are_there && holds(now, count, t->before[i].id);
	if (rc == RC_OK && (len != t->vault_len || memcmp(vault_ring, t->vault_ring, len) != 0))
		*are_there = false;
	keyring_free(ring);
	free(vault_ring);
	free(now);
	return rc;
}

/* ---- the whole ---- */

static enum rc
put_all_files(struct taking *t)
{
	enum rc rc = put_about(t);

	for (unsigned i = 0; rc == RC_OK && i < BACKUP_FILES; i++) {
		if (i == BACKUP_FILES - 1)
			rc = put_sheet_keys(t);
		if (rc == RC_OK)
			rc = i == 0 ? put_store(t, backup_files[0].name) : put_file(t, &backup_files[i]);
	}
	return rc == RC_OK ? put_name(t, "") : rc;
}

static enum rc
take(struct taking *t, struct secret *root, int fd, bool *is_whole)
{
	struct rootkey *key = NULL;
	enum rc rc = rootkey_new(root, &key, &t->o->fault);

	*is_whole = false;
	if (rc == RC_OK)
		rc = note_keys(t, root);
	if (rc == RC_OK)
		rc = envelope_begin(fd, key, &t->out);
	if (rc == RC_OK)
		rc = put_all_files(t);
	if (rc == RC_OK)
		rc = find_keys(t, root, is_whole);
	if (rc == RC_OK && *is_whole)
		rc = envelope_finish(t->out);
	envelope_free(t->out);
	rootkey_free(key);
	return rc;
}

enum status
backup_write(struct offline *o, int fd)
{
	struct taking *t = calloc(1, sizeof(*t));
	struct secret *root = NULL;
	bool is_whole = false;
	enum rc rc =
	    t == NULL ? RC_UNAVAILABLE : parts_read_root(o->parts.paths.record_root, &root, &o->fault);

	if (rc == RC_OK) {
		t->o = o;
		rc = take(t, root, fd, &is_whole);
		free(t->vault_ring);
	}
	secret_free(root);
	free(t);
	if (rc == RC_OK && !is_whole) {
		talk_error("keys were made or destroyed while the backup was taken: take it again");
		return STATUS_CONFLICT;
	}
	return talk_failure("backup", rc, &o->fault);
}
