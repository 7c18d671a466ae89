/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.csv and the files that it names.  A row is complete and usable, or nothing of the file is taken. */
#include "ctl/hooks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/file.h"
#include "ctl/talk.h"
#include "service/parts.h"

#define HOOKS_CSV (64u * 1024)
#define ARENA     (128u * 1024)

/* ---- who may say where events go ---- */

/* Whoever can write it can have a house's events sent elsewhere. */
static bool
is_ours_alone(const char *path, const char *what)
{
	struct stat st;
	const int fd = open(path, O_PATH | O_CLOEXEC);
	const bool is_seen = fd >= 0 && fstat(fd, &st) == 0;

	if (fd >= 0)
		(void)close(fd);
	if (!is_seen) {
		talk_error("%s cannot be read", what);
		return false;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		talk_error("%s belongs to somebody else; who says where events go is root: chown root %s",
		    what, path);
		return false;
	}
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		talk_error("%s can be written by others than its owner: chmod go-w %s", what, path);
		return false;
	}
	return true;
}

/* ---- hooks.csv ---- */

static enum status
refuse(const struct csv *csv, const char *what)
{
	talk_error("hooks.csv:%u: %s", csv->line, what);
	return STATUS_USAGE;
}

/* A cell that names a file of the directory; false when it is missing or leads elsewhere. */
static bool
file_of(const struct hooks *h, const struct csv *csv, const char *column, char out[HOOK_PATH])
{
	const char *cell = csv_cell(csv, column);

	return cell != NULL && *cell != '\0' && strchr(cell, '/') == NULL &&
	    path_join(out, HOOK_PATH, h->dir, cell);
}

static enum status
read_row(struct hooks *h, const struct csv *csv)
{
	char ca[HOOK_PATH], certificate[HOOK_PATH], key[HOOK_PATH], name[ID_TEXT + 16], id[ID_TEXT + 1];
	const struct menedek_options options = { .ca = ca, .certificate = certificate, .key = key };
	const char *house = csv_cell(csv, "house"), *url = csv_cell(csv, "url");
	struct menedek_problem problem;
	struct hook *hook = &h->hook[h->count];

	if (h->count == HOOKS)
		return refuse(csv, "there are too many rows");
	if (house == NULL || !id_parse(house, strlen(house), &hook->house))
		return refuse(csv, "house: this is no id of a house");
	for (unsigned i = 0; i < h->count; i++)
		if (id_equal(&h->hook[i].house, &hook->house))
			return refuse(csv, "house: stands in a row before");
	if (url == NULL || !courier_address(url, hook))
		return refuse(
		    csv, "url: an address is https://HOST:PORT/PATH, in small letters, without \"?\"");
	if (!file_of(h, csv, "ca", ca) || !file_of(h, csv, "certificate", certificate) ||
	    !file_of(h, csv, "key", key))
		return refuse(csv, "ca, certificate and key are names of files in the same directory");
	if (wire_identity_new(&options, &hook->identity, &problem) != MENEDEK_OK)
		return refuse(csv, problem.detail);
	id_format(&hook->house, id);
	(void)snprintf(name, sizeof(name), "state/%s", id);
	if (!path_join(hook->state, sizeof(hook->state), h->dir, name))
		return refuse(csv, "the directory's path is too long");
	h->count++;
	return STATUS_OK;
}

static enum status
read_rows(struct hooks *h, struct bytes text, struct arena *arena)
{
	struct fault f = { 0 };
	struct csv csv;
	enum status status = STATUS_OK;
	enum rc rc = csv_open(&csv, text, arena, &f);
	const size_t mark = arena_mark(arena);

	while (rc == RC_OK && status == STATUS_OK) {
		arena_rewind(arena, mark);
		if ((rc = csv_row(&csv, &f)) == RC_OK)
			status = read_row(h, &csv);
	}
	if (status == STATUS_OK && rc != RC_NOT_FOUND)
		status = talk_failure("hooks.csv", rc, &f);
	return status;
}

static enum status
read_csv(struct hooks *h)
{
	struct arena *arena = arena_new(ARENA);
	char path[HOOK_PATH], *text = NULL;
	struct fault f = { 0 };
	enum status status = STATUS_ERROR;
	size_t len = 0;
	enum rc rc = RC_INVALID;

	if (arena == NULL || !path_join(path, sizeof(path), h->dir, "hooks.csv") ||
	    !is_ours_alone(h->dir, "the directory of hooks.csv") || !is_ours_alone(path, "hooks.csv")) {
		arena_free(arena);
		return STATUS_ERROR;
	}
	rc = file_read(path, HOOKS_CSV, &text, &len, &f);
	status = rc == RC_OK ? read_rows(h, (struct bytes){ (const uint8_t *)text, len }, arena)
			     : talk_failure("deliver", rc, &f);
	free(text);
	arena_free(arena);
	return status;
}

static enum status
read_key(struct hooks *h)
{
	char path[HOOK_PATH];
	struct fault f = { 0 };
	struct pem pem;
	enum rc rc = RC_INVALID;

	if (path_join(path, sizeof(path), h->dir, "signing.key") &&
	    (rc = parts_read_pem(path, true, &pem, &f)) == RC_OK)
		rc = signing_load(&pem, true, &h->key);
	wipe(&pem, sizeof(pem));
	if (rc != RC_OK) {
		talk_error(
		    "make the key that signs events: openssl genpkey -algorithm ed25519 -out signing.key");
		return talk_failure("signing.key", rc, &f);
	}
	http_signature_keyid(h->key, h->keyid);
	return STATUS_OK;
}

/* ---- all of it ---- */

enum status
hooks_read(const char *dir, struct hooks **out)
{
	struct hooks *h = calloc(1, sizeof(*h));
	enum status status;

	*out = NULL;
	if (h == NULL)
		return STATUS_ERROR;
	h->dir = dir;
	if ((status = read_key(h)) == STATUS_OK)
		status = read_csv(h);
	if (status == STATUS_OK)
		*out = h;
	else
		hooks_free(h);
	return status;
}

void
hooks_free(struct hooks *h)
{
	if (h == NULL)
		return;
	for (unsigned i = 0; i < h->count; i++)
		wire_identity_free(h->hook[i].identity);
	signing_free(h->key);
	free(h);
}
