/* SPDX-License-Identifier: Apache-2.0 */
/* Overwriting what a key file held before.  Failing to is the world's doing: it is logged, the change stands.
 */
#include "base/shred.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#define HOW (O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

static bool
beside(char out[PATH_MAX], const char *path, const char *ending)
{
	const int len = snprintf(out, PATH_MAX, "%s%s", path, ending);

	return len >= 0 && len < PATH_MAX;
}

static void
overwrite(int fd)
{
	static const uint8_t zeros[4096];
	struct stat st;
	off_t left;

	if (fd < 0)
		return;
	left = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
	while (left > 0) {
		ssize_t n = write(fd, zeros, left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros));

		if (n <= 0)
			break;
		left -= n;
	}
	if (left > 0 || fdatasync(fd) != 0)
		log_world("shred", "left=%lld", (long long)left);
}

static void
overwrite_and_unlink(const char *path)
{
	const int fd = open(path, HOW);

	overwrite(fd);
	if (fd >= 0)
		(void)close(fd);
	(void)unlink(path);
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

void
shred_strays(const char *path)
{
	char old[PATH_MAX], temporary[PATH_MAX];
	struct stat now, then;

	if (!beside(old, path, ".old") || !beside(temporary, path, ".tmp") || lstat(path, &now) != 0)
		return; /* without the file itself a stray may be the last copy of the keys */
	if (lstat(temporary, &then) == 0)
		overwrite_and_unlink(temporary);
	if (lstat(old, &then) != 0)
		return;
	if (is_same_file(&now, &then))
		(void)unlink(old);       /* the crash came before the new file: this is only a second name */
	else if (file_sync_parent(path)) /* or a power cut could bring the old name back, with zeros */
		overwrite_and_unlink(old);
}

enum rc
shred_replace(const char *path, struct bytes data, mode_t mode, struct fault *f)
{
	char old[PATH_MAX];
	enum rc rc;
	int fd;

	if (!beside(old, path, ".old"))
		return fault_set(f, RC_UNAVAILABLE, MSG_PATH_LONG, NULL, 0, NULL);
	shred_strays(path);
	fd = open(path, HOW);
	if (fd >= 0 && link(path, old) != 0) /* no such names here: only a crash just now leaves keys */
		log_note("shred_no_link", "errno=%d", errno);
	rc = file_write_given(path, data, mode, f);
	if (rc == RC_OK)
		overwrite(fd);
	if (rc != RC_UNKNOWN)
		(void)unlink(old);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}
