/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that a test may fill, and a root key.  scratch_remove deletes the files in it, one level deep.
 */
#ifndef MENEDEK_TEST_SCRATCH_H
#define MENEDEK_TEST_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/secret.h"

/* Criterion's processes end without the leak check, so a test that leaks must be told so. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define assert_no_leak() cr_assert_eq(__lsan_do_recoverable_leak_check(), 0)
#else
#define assert_no_leak() ((void)0)
#endif

struct scratch {
	char dir[128];
	char path[400]; /* as scratch_path last made it */
};

static inline struct scratch
scratch_new(void)
{
	struct scratch s = { .dir = P_tmpdir "/menedek-XXXXXX" };

	cr_assert(mkdtemp(s.dir) != NULL);
	return s;
}

static inline const char *
scratch_path(struct scratch *s, const char *name)
{
	snprintf(s->path, sizeof(s->path), "%s/%s", s->dir, name);
	return s->path;
}

static inline void
scratch_remove(struct scratch *s)
{
	DIR *d = opendir(s->dir);
	const struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			unlink(scratch_path(s, e->d_name));
	if (d != NULL)
		closedir(d);
	rmdir(s->dir);
}

static inline struct secret *
root_of(uint8_t byte)
{
	struct secret *root = secret_new(32);

	cr_assert(root != NULL);
	memset(secret_bytes(root), byte, 32);
	return root;
}

/* Change one byte of a file. */
static inline void
flip_byte(const char *path, long offset)
{
	FILE *f = fopen(path, "r+b");
	int c;

	cr_assert(f != NULL);
	cr_assert(fseek(f, offset, SEEK_SET) == 0);
	c = fgetc(f);
	cr_assert(c != EOF && fseek(f, offset, SEEK_SET) == 0);
	cr_assert(fputc(c ^ 0x01, f) != EOF);
	cr_assert(fclose(f) == 0);
}

#endif
