/* SPDX-License-Identifier: Apache-2.0 */
/* Check of the unit for systemd: the keys that it hands over, as its drop-ins (systemctl edit) leave it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ctl/doctor.h"

#define UNIT        "menedek.service"
#define CREDENTIALS 16u /* the package's unit has five */
#define DROPINS     16u
#define NAME        64u
#define PATH        512u
#define LINE        1024u
#define PLACES      4u

struct unit_file {
	const char *place[PLACES]; /* where systemd looks, first to last */
	size_t place_count;
	struct {
		char name[NAME], path[PATH];
		bool is_encrypted;
	} credential[CREDENTIALS];
	unsigned count;
	struct dropin {
		char name[NAME];
		const char *place;
	} dropin[DROPINS];
	size_t dropin_count;
};

/* Another line of that name replaces the first, as in systemd. */
static void
keep(struct unit_file *u, const char *name, const char *path, bool is_encrypted)
{
	unsigned i = 0;

	while (i < u->count && strcmp(u->credential[i].name, name) != 0)
		i++;
	if (i == CREDENTIALS || !str_copy(u->credential[i].path, PATH, path) ||
	    !str_copy(u->credential[i].name, NAME, name))
		return;
	u->credential[i].is_encrypted = is_encrypted;
	if (i == u->count)
		u->count++;
}

/* "LoadCredential=NAME:PATH"; without a value it takes back all that were before, systemd.exec(5). */
static void
read_line(struct unit_file *u, char *line)
{
	static const char *const keys[] = { "LoadCredential=", "LoadCredentialEncrypted=" };

	line[strcspn(line, "\n")] = '\0';
	for (unsigned i = 0; i < COUNT_OF(keys); i++) {
		const size_t len = strlen(keys[i]);
		char *path;

		if (strncmp(line, keys[i], len) != 0)
			continue;
		if (line[len] == '\0')
			u->count = 0;
		if ((path = strchr(line + len, ':')) == NULL)
			continue;
		*path++ = '\0';
		keep(u, line + len, path, i == 1);
	}
}

static void
read_unit(struct unit_file *u, FILE *file)
{
	char line[LINE];

	while (fgets(line, sizeof(line), file) != NULL)
		read_line(u, line);
	(void)fclose(file);
}

/* ---- drop-ins ---- */

static void
note(struct unit_file *u, const char *place, const char *name)
{
	const char *const end = strrchr(name, '.');
	struct dropin *d = &u->dropin[u->dropin_count];

	if (end == NULL || strcmp(end, ".conf") != 0 || u->dropin_count == DROPINS)
		return;
	for (size_t i = 0; i < u->dropin_count; i++)
		if (strcmp(u->dropin[i].name, name) == 0)
			return; /* one of a place that comes first hides it */
	if (!str_copy(d->name, NAME, name))
		return;
	d->place = place;
	u->dropin_count++;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct dropin *)a)->name, ((const struct dropin *)b)->name);
}

static void
read_dropins(struct unit_file *u)
{
	char path[PATH], home[PATH];
	const struct dirent *e;
	FILE *file;

	for (size_t i = 0; i < u->place_count; i++) {
		DIR *dir = path_join(home, PATH, u->place[i], UNIT ".d") ? opendir(home) : NULL;

		while (dir != NULL && (e = readdir(dir)) != NULL)
			note(u, u->place[i], e->d_name);
		if (dir != NULL)
			(void)closedir(dir);
	}
	qsort(u->dropin, u->dropin_count, sizeof(u->dropin[0]), by_name);
	for (size_t i = 0; i < u->dropin_count; i++)
		if (path_join(home, PATH, u->dropin[i].place, UNIT ".d") &&
		    path_join(path, PATH, home, u->dropin[i].name) && (file = fopen(path, "re")) != NULL)
			read_unit(u, file);
}

/* ---- the check ---- */

/*
 * The variable is systemd's own (systemd.unit(5)).  Where it does not run (sd_booted(3)), in a container say,
 * the package's unit starts nothing.
 */
static FILE *
open_unit(struct unit_file *u, char path[PATH])
{
	const char *const own = getenv("SYSTEMD_UNIT_PATH");
	const char *const all[PLACES] = { own, "/etc/systemd/system", "/usr/lib/systemd/system",
		"/lib/systemd/system" };
	const size_t count = file_exists("/run/systemd/system") ? PLACES : 1;
	FILE *file = NULL;

	for (size_t i = 0; i < count; i++)
		if (all[i] != NULL)
			u->place[u->place_count++] = all[i];
	for (size_t i = 0; i < u->place_count && file == NULL; i++)
		if (path_join(path, PATH, u->place[i], UNIT))
			file = fopen(path, "re");
	return file;
}

/* A sealed one opens nothing by itself, so it may be read. */
static bool
is_closed(const struct unit_file *u, unsigned i)
{
	struct stat st;

	return stat(u->credential[i].path, &st) == 0 &&
	    (u->credential[i].is_encrypted || doctor_is_closed(&st));
}

void
doctor_unit(struct doctor *d)
{
	struct unit_file *u = calloc(1, sizeof(*u));
	char path[PATH] = UNIT;
	FILE *file = u == NULL ? NULL : open_unit(u, path);
	bool is_fine = true;

	if (file == NULL) {
		doctor_say(d, DOCTOR_UNIT_NONE, UNIT);
		free(u);
		return;
	}
	read_unit(u, file);
	read_dropins(u);
	for (unsigned i = 0; i < u->count; i++)
		if (!is_closed(u, i)) {
			doctor_say(d, DOCTOR_UNIT_KEY, u->credential[i].path);
			is_fine = false;
		}
	if (is_fine)
		doctor_say(d, u->count == 0 ? DOCTOR_UNIT_BARE : DOCTOR_UNIT_FINE, path);
	free(u);
}
