/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything but a few directories.  Landlock knows no "but": so each entry of every parent of what is hidden
 * gets a rule, the way down to what is hidden none.  Symbolic links get none either, since a rule would hold
 * for where they lead; what they lead to has its own.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/confine.h"
#include "base/file.h"

#define HIDDEN 8u
#define ROWS   65536u /* entries beside the parents: a machine has hundreds */

struct cover {
	char *hidden[HIDDEN]; /* without links and dots */
	size_t hidden_count;
	struct confine_path *rows;
	size_t count, cap;
};

/* Is ${path} one of the hidden, or on the way to one? */
static bool
is_on_the_way(const struct cover *c, const char *path)
{
	const size_t len = strlen(path);

	for (size_t i = 0; i < c->hidden_count; i++)
		if (strncmp(c->hidden[i], path, len) == 0 &&
		    (c->hidden[i][len] == '\0' || c->hidden[i][len] == '/'))
			return true;
	return false;
}

static bool
add_row(struct cover *c, const char *path)
{
	if (c->count == c->cap) {
		const size_t cap = c->cap == 0 ? 128 : 2 * c->cap;
		struct confine_path *grown = cap > ROWS ? NULL : reallocarray(c->rows, cap, sizeof(*grown));

		if (grown == NULL)
			return false;
		c->rows = grown;
		c->cap = cap;
	}
	if ((c->rows[c->count].path = strdup(path)) == NULL)
		return false;
	c->rows[c->count++].rights = CONFINE_ALL;
	return true;
}

static bool
add_entry(struct cover *c, const char *dir, const struct dirent *entry)
{
	char path[PATH_MAX];

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || entry->d_type == DT_LNK)
		return true;
	if (!path_join(path, sizeof(path), strcmp(dir, "/") == 0 ? "" : dir, entry->d_name))
		return false;
	return is_on_the_way(c, path) || add_row(c, path);
}

/* Is ${path} one of the hidden, or in one? */
static bool
is_hidden(const struct cover *c, const char *path)
{
	for (size_t i = 0; i < c->hidden_count; i++) {
		const size_t len = strlen(c->hidden[i]);

		if (strncmp(c->hidden[i], path, len) == 0 && (path[len] == '\0' || path[len] == '/'))
			return true;
	}
	return false;
}

/* What cannot be listed cannot be reached by this user either.  One hidden directory may hold another. */
static bool
add_entries(struct cover *c, const char *dir)
{
	DIR *d = is_hidden(c, dir) ? NULL : opendir(dir);
	const struct dirent *entry;
	bool is_whole = true;

	if (is_hidden(c, dir))
		return true;
	if (d == NULL)
		return errno == EACCES || errno == ENOENT;
	while (is_whole && (entry = readdir(d)) != NULL)
		is_whole = add_entry(c, dir, entry);
	(void)closedir(d);
	return is_whole;
}

/* The parents of ${hidden}, from the root on.  Those that it shares with one before are listed twice: no
 * harm. */
static bool
add_parents(struct cover *c, const char *hidden)
{
	char dir[PATH_MAX] = "/";

	for (const char *p = strchr(hidden + 1, '/'); add_entries(c, dir); p = strchr(p + 1, '/')) {
		if (p == NULL)
			return true;
		memcpy(dir, hidden, (size_t)(p - hidden));
		dir[p - hidden] = '\0';
	}
	return false;
}

static bool
find_hidden(struct cover *c, const char *const hidden[], size_t count)
{
	for (size_t i = 0; i < count && i < HIDDEN; i++) {
		char *real = hidden[i] == NULL ? NULL : realpath(hidden[i], NULL);

		if (real != NULL)
			c->hidden[c->hidden_count++] = real;
		else if (hidden[i] != NULL && errno != ENOENT)
			return false;
	}
	return count <= HIDDEN;
}

static bool
make_rows(struct cover *c, const char *const hidden[], size_t count)
{
	if (!find_hidden(c, hidden, count) || (c->hidden_count == 0 && !add_row(c, "/")))
		return false;
	for (size_t i = 0; i < c->hidden_count; i++)
		if (!add_parents(c, c->hidden[i]))
			return false;
	return c->count > 0;
}

enum rc
confine_files_but(const char *const hidden[], size_t count, enum confine_mode mode,
    struct confine_report *report, struct fault *f)
{
	struct cover c = { .count = 0 };
	enum rc rc;

	if (make_rows(&c, hidden, count)) {
		c.rows[0].rights |= CONFINE_CONNECT;
		rc = confine_files(c.rows, c.count, mode, report, f);
	} else {
		rc = fault_set(f, RC_UNAVAILABLE, MSG_CONFINE_FAILED, NULL, errno, "landlock");
	}
	for (size_t i = 0; i < c.count; i++)
		free((void *)(uintptr_t)c.rows[i].path);
	free(c.rows);
	for (size_t i = 0; i < c.hidden_count; i++)
		free(c.hidden[i]);
	return rc;
}
