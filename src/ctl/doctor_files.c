/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of files: data, root keys, certificates, and where checkpoints go. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/ca.h"
#include "ctl/doctor.h"
#include "ledger/checkpoint.h"

#define DAY         86400
#define SERVER_SOON 21  /* days: two weekends, and somebody may be on leave */
#define CA_SOON     180 /* every device needs a new certificate with it */
#define ENTRIES     256 /* of a directory; ours have a handful */
#define PATH        512u

/* ---- data ---- */

/* Says what is wrong with ${path}; false if something is. */
static bool
look_at(struct doctor *d, const char *path, const struct stat *top)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		doctor_say(d, DOCTOR_FILE_GONE, path);
		return false;
	}
	if (!doctor_is_closed(&st))
		doctor_say(d, DOCTOR_FILE_OPEN, path);
	if (st.st_uid != top->st_uid)
		doctor_say(d, DOCTOR_FILE_FOREIGN, path);
	return doctor_is_closed(&st) && st.st_uid == top->st_uid;
}

static bool
look_into(struct doctor *d, const char *dir, const struct stat *top)
{
	bool is_fine = look_at(d, dir, top);
	DIR *open = opendir(dir);
	const struct dirent *e;
	char path[PATH];

	for (unsigned i = 0; open != NULL && i < ENTRIES && (e = readdir(open)) != NULL; i++)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    path_join(path, sizeof(path), dir, e->d_name))
			is_fine = look_at(d, path, top) && is_fine;
	if (open != NULL)
		(void)closedir(open);
	return is_fine;
}

void
doctor_files(struct doctor *d)
{
	char keyring[sizeof(d->paths.keyring)], data[PATH];
	struct stat top;
	bool is_fine;

	if (stat(d->paths.dir, &top) != 0 || !S_ISDIR(top.st_mode)) {
		doctor_say(d, DOCTOR_DIR_GONE, d->paths.dir);
		return;
	}
	(void)str_copy(keyring, sizeof(keyring), d->paths.keyring);
	*strrchr(keyring, '/') = '\0';
	is_fine = look_at(d, d->paths.dir, &top);
	is_fine = look_into(d, keyring, &top) && is_fine;
	is_fine = look_into(d, d->paths.store, &top) && is_fine;
	is_fine = look_into(d, d->paths.vault, &top) && is_fine;
	if (!file_exists(d->paths.keyring)) {
		doctor_say(d, DOCTOR_FILE_GONE, d->paths.keyring);
		is_fine = false;
	}
	if (!path_join(data, sizeof(data), d->paths.store, "data.mdb") || !file_exists(data)) {
		doctor_say(d, DOCTOR_FILE_GONE, data);
		is_fine = false;
	}
	if (is_fine)
		doctor_say(d, DOCTOR_FILES_FINE, d->paths.dir);
}

/* ---- keys ---- */

static bool
look_at_key(struct doctor *d, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
		doctor_say(d, DOCTOR_KEY_GONE, path);
		return false;
	}
	if (!doctor_is_closed(&st))
		doctor_say(d, DOCTOR_KEY_OPEN, path);
	return doctor_is_closed(&st);
}

/* A location root in a token leaves a description instead of the key (docs/hsm.md). */
static const char *
location_root(const struct doctor *d, char out[PATH])
{
	char *end;

	(void)str_copy(out, PATH, d->paths.location_root);
	if ((end = strrchr(out, '.')) != NULL && !file_exists(out))
		(void)str_copy(end, PATH - (size_t)(end - out), ".pkcs11");
	return file_exists(out) ? out : d->paths.location_root;
}

static bool
is_below(const char *path, const char *dir)
{
	char *real_path = realpath(path, NULL), *real_dir = realpath(dir, NULL);
	const size_t len = real_dir == NULL ? 0 : strlen(real_dir);
	const bool is =
	    real_path != NULL && len > 0 && strncmp(real_path, real_dir, len) == 0 && real_path[len] == '/';

	free(real_path);
	free(real_dir);
	return is;
}

void
doctor_keys(struct doctor *d)
{
	char location[PATH];
	const char *const keys[] = { d->paths.record_root, location_root(d, location), d->paths.token_key,
		d->paths.ca_key, d->paths.audit_key };
	bool is_fine = true;

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		is_fine = look_at_key(d, keys[i]) && is_fine;
	if (is_below(d->paths.record_root, d->paths.dir))
		doctor_say(d, DOCTOR_KEY_INSIDE, d->paths.record_root);
	else if (is_fine)
		doctor_say(d, DOCTOR_KEYS_FINE, d->paths.record_root);
}

/* ---- certificates ---- */

static void
look_at_certificate(struct doctor *d, const char *path, int64_t soon)
{
	int64_t ends_at, left;
	char *text = NULL;
	size_t len;

	if (file_read(path, LIMIT_CERT_PEM, &text, &len, NULL) != RC_OK ||
	    ca_not_after(text, &ends_at) != RC_OK) {
		doctor_say(d, DOCTOR_CERT_GONE, path);
		free(text);
		return;
	}
	free(text);
	left = ends_at - clock_now();
	doctor_say_number(d,
	    left <= 0               ? DOCTOR_CERT_ENDED
		: left < soon * DAY ? DOCTOR_CERT_SOON
				    : DOCTOR_CERT_FINE,
	    left / DAY);
}

void
doctor_server_certificate(struct doctor *d)
{
	look_at_certificate(d, d->paths.server_cert, SERVER_SOON);
	(void)look_at_key(d, d->paths.server_key);
}

void
doctor_authority(struct doctor *d)
{
	look_at_certificate(d, d->paths.ca_cert, CA_SOON);
}

/* ---- checkpoints ---- */

/* The last whole line of ${path} into ${out}; its length, 0 when there is none. */
static size_t
last_line(const char *path, char out[CHECKPOINT_TEXT])
{
	FILE *file = fopen(path, "re");
	char line[CHECKPOINT_TEXT];
	size_t len = 0;

	if (file == NULL)
		return 0;
	if (fseek(file, -(long)(2 * CHECKPOINT_TEXT), SEEK_END) != 0)
		rewind(file); /* a young one */
	while (fgets(line, sizeof(line), file) != NULL)
		if (strchr(line, '\n') != NULL && (len = strcspn(line, "\n")) > 0)
			memcpy(out, line, len);
	(void)fclose(file);
	return len;
}

static bool
load_signer(const struct doctor *d, struct signer *signer, struct signing_key **key)
{
	char *host = NULL;
	struct pem pem;
	size_t len;
	bool is_loaded;

	*key = NULL;
	if (file_read(d->paths.host, CHECKPOINT_ORIGIN, &host, &len, NULL) != RC_OK)
		return false;
	host[strcspn(host, "\n")] = '\0';
	is_loaded = parts_read_pem(d->paths.audit_pub, false, &pem, NULL) == RC_OK &&
	    signing_load(&pem, false, key) == RC_OK && signer_init(signer, host, *key) == RC_OK;
	free(host);
	return is_loaded;
}

void
doctor_checkpoints(struct doctor *d)
{
	const char *path = d->args->value[OPT_CHECKPOINTS];
	struct signing_key *key = NULL;
	struct checkpoint c;
	struct signer signer;
	char line[CHECKPOINT_TEXT];
	int64_t age;
	size_t len;

	if (path == NULL) {
		doctor_say(d, DOCTOR_SIGNED_UNKNOWN, "--checkpoints FILE");
		return;
	}
	len = last_line(path, line);
	if (len == 0 || !load_signer(d, &signer, &key) ||
	    !checkpoint_read_line(&signer, (struct bytes){ (const uint8_t *)line, len }, &c) ||
	    !checkpoint_verify(&signer, &c)) {
		doctor_say(d, DOCTOR_SIGNED_NONE, path);
	} else {
		age = clock_now() - c.at;
		doctor_say_number(d, age > DAY ? DOCTOR_SIGNED_OLD : DOCTOR_SIGNED_FINE, age / 3600);
	}
	signing_free(key);
}
