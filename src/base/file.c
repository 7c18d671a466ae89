/* SPDX-License-Identifier: Apache-2.0 */
/* Small files, whole.  Knows no format.  What goes wrong here is the world's doing; the sentence names the
 * file. */
#include "base/file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/posix_acl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define READ_FIRST 4096u /* what is asked for first when the size is not known */

static enum rc
blame(struct fault *f, enum rc rc, enum msg msg, long number, const char *path)
{
	return fault_set(f, rc, msg, NULL, number, path_name(path));
}

static enum rc
open_read(const char *path, int flags, int *fd, struct stat *st, struct fault *f)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
	if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return blame(f, RC_NOT_FOUND, MSG_FILE_MISSING, 0, path);
	if (*fd < 0 || fstat(*fd, st) != 0)
		return blame(f, RC_UNAVAILABLE, MSG_FILE_READ, 0, path);
	return RC_OK;
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

/* Read until ${room} is full or the file ends; -1 on an error. */
static ssize_t
read_full(int fd, void *to, size_t room)
{
	size_t got = 0;

	while (got < room) {
		ssize_t n = read(fd, (uint8_t *)to + got, room - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/*
 * Read to the end into memory that grows: the size a file claims may change, and pipes claim none.  ${first}
 * is how much to ask for at once; one byte over ${cap} is asked for, to see that there is no more.
 */
static enum rc
read_growing(int fd, size_t first, size_t cap, char **out, size_t *len)
{
	size_t room = first < cap ? first + 1 : cap + 1;
	size_t used = 0;
	char *text = NULL;

	for (;;) {
		char *more = realloc(text, room + 1);
		ssize_t n = more == NULL ? -1 : read_full(fd, more + used, room - used);

		text = more == NULL ? text : more;
		if (n < 0) {
			free(text);
			return RC_UNAVAILABLE;
		}
		used += (size_t)n;
		if (used < room)
			break;
		if (used > cap) {
			free(text);
			return RC_TOO_BIG;
		}
		room = room <= cap / 2 ? room * 2 : cap + 1;
	}
	text[used] = '\0';
	*out = text;
	*len = used;
	return RC_OK;
}

enum rc
file_read(const char *path, size_t cap, char **out, size_t *len, struct fault *f)
{
	struct stat st = { 0 };
	int fd;
	enum rc rc = open_read(path, 0, &fd, &st, f);
	bool is_sized;

	*out = NULL;
	*len = 0;
	if (rc != RC_OK)
		goto out;
	is_sized = S_ISREG(st.st_mode) && st.st_size > 0;
	rc = read_growing(fd, is_sized ? (size_t)st.st_size : READ_FIRST, cap, out, len);
	if (rc == RC_TOO_BIG)
		rc = blame(f, rc, MSG_FILE_TOO_BIG, (long)cap, path);
	else if (rc != RC_OK)
		rc = blame(f, rc, MSG_FILE_READ, 0, path);
out:
	close_fd(fd);
	return rc;
}

/* A secret is read straight into its locked pages, so its size must be known and stay. */
static enum rc
read_locked(int fd, size_t size, const char *path, struct secret **out, struct fault *f)
{
	struct secret *s = secret_new(size);
	uint8_t beyond;

	if (s == NULL)
		return blame(f, RC_UNAVAILABLE, MSG_NO_LOCKED_MEMORY, 0, path);
	if (read_full(fd, secret_bytes(s), size) != (ssize_t)size || read_full(fd, &beyond, 1) != 0) {
		secret_free(s);
		return blame(f, RC_UNAVAILABLE, MSG_FILE_READ, 0, path);
	}
	*out = s;
	return RC_OK;
}

/*
 * systemd hands credentials over as root's files with an access list for the service's user; the mode then
 * shows the list's mask in place of the group's rights.  Such a list may name the owner and us, and nobody
 * else.
 */
static bool
is_listed_for_us(int fd)
{
	struct {
		uint32_t version;
		struct {
			uint16_t tag, rights;
			uint32_t id;
		} entry[8];
	} acl;
	const ssize_t len = fgetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl));

	if (len < (ssize_t)sizeof(acl.version) ||
	    acl.version != htole32(2)) /* none, or too many to be this one */
		return false;
	for (size_t i = 0; i < ((size_t)len - sizeof(acl.version)) / sizeof(acl.entry[0]); i++) {
		const uint16_t tag = le16toh(acl.entry[i].tag);
		const bool is_ours = tag == ACL_USER_OBJ || tag == ACL_MASK ||
		    (tag == ACL_USER && le32toh(acl.entry[i].id) == geteuid());

		if (!is_ours && acl.entry[i].rights != 0)
			return false;
	}
	return true;
}

static bool
is_exposed(int fd, const struct stat *st)
{
	if ((st->st_mode & S_IRWXO) != 0)
		return true;
	return (st->st_mode & S_IRWXG) != 0 && !is_listed_for_us(fd);
}

enum rc
file_read_secret(const char *path, size_t cap, struct secret **out, struct fault *f)
{
	struct stat st = { 0 };
	int fd;
	enum rc rc = open_read(path, O_NONBLOCK, &fd, &st, f); /* a FIFO would make us wait */

	*out = NULL;
	if (rc == RC_OK && !S_ISREG(st.st_mode))
		rc = blame(f, RC_INVALID, MSG_FILE_SPECIAL, 0, path);
	else if (rc == RC_OK && is_exposed(fd, &st))
		rc = blame(f, RC_INVALID, MSG_FILE_EXPOSED, 0, path);
	else if (rc == RC_OK && (size_t)st.st_size > cap)
		rc = blame(f, RC_TOO_BIG, MSG_FILE_TOO_BIG, (long)cap, path);
	if (rc == RC_OK)
		rc = read_locked(fd, (size_t)st.st_size, path, out, f);
	close_fd(fd);
	return rc;
}

bool
write_all(int fd, struct bytes data)
{
	while (data.len > 0) {
		ssize_t n = write(fd, data.p, data.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data.p += n;
		data.len -= (size_t)n;
	}
	return true;
}

static int
open_parent(const char *path, int flags)
{
	char dir[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');

	if (slash != NULL)
		(void)snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return open(dir, flags | O_DIRECTORY | O_CLOEXEC);
}

bool
file_sync_parent(const char *path)
{
	const int fd = open_parent(path, O_RDONLY);
	bool is_synced;

	if (fd < 0)
		return false;
	is_synced = fsync(fd) == 0;
	(void)close(fd);
	return is_synced;
}

/* ---- whose it is ---- */

/* In the directory that is open: behind a name somebody could put another one meanwhile. */
static void
give_in(int at, const char *name)
{
	const int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat in, st;

	if (fd < 0)
		return;
	if (fstat(at, &in) == 0 && in.st_uid != 0 && (in.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
	    fstat(fd, &st) == 0 && st.st_uid == 0 &&
	    (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_nlink == 1)))
		(void)!fchownat(fd, "", in.st_uid, in.st_gid, AT_EMPTY_PATH);
	(void)close(fd);
}

void
file_give(const char *path)
{
	const int at = geteuid() == 0 ? open_parent(path, O_PATH) : -1;

	if (at < 0)
		return;
	give_in(at, path_name(path));
	(void)close(at);
}

/* ---- writing ---- */

static bool
write_temporary(const char *path, struct bytes data, mode_t mode, bool is_given)
{
	int fd;
	bool ok;

	(void)unlink(path); /* left by a crash; O_EXCL then makes sure that it is ours alone, and no link */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return false;
	if (is_given)
		file_give(path);
	ok = write_all(fd, data) && fsync(fd) == 0;
	return close(fd) == 0 && ok;
}

static enum rc
replace(const char *path, struct bytes data, mode_t mode, bool is_given, struct fault *f)
{
	char beside[PATH_MAX];
	int len = snprintf(beside, sizeof(beside), "%s.tmp", path);

	if (len < 0 || len >= (int)sizeof(beside))
		return blame(f, RC_UNAVAILABLE, MSG_PATH_LONG, 0, path);
	if (!write_temporary(beside, data, mode, is_given) || rename(beside, path) != 0) {
		(void)unlink(beside);
		return blame(f, RC_UNAVAILABLE, MSG_FILE_WRITE, 0, path);
	}
	if (!file_sync_parent(path))
		return blame(f, RC_UNKNOWN, MSG_FILE_SYNC, 0, path);
	return RC_OK;
}

enum rc
file_write(const char *path, struct bytes data, mode_t mode, struct fault *f)
{
	return replace(path, data, mode, false, f);
}

enum rc
file_write_given(const char *path, struct bytes data, mode_t mode, struct fault *f)
{
	return replace(path, data, mode, true, f);
}

/* Make one directory and put its entry on disk; one that stands already is fine. */
static enum rc
make_one(const char *path, mode_t mode, struct fault *f)
{
	struct stat st = { 0 };

	if (mkdir(path, mode) == 0)
		return file_sync_parent(path) ? RC_OK : blame(f, RC_UNKNOWN, MSG_FILE_SYNC, 0, path);
	if (errno != EEXIST && errno != ENOTDIR)
		return blame(f, RC_UNAVAILABLE, MSG_DIR_MAKE, 0, path);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return RC_OK;
	return blame(f, RC_INVALID, MSG_DIR_BLOCKED, 0, path);
}

enum rc
dir_make(const char *path, mode_t mode, struct fault *f)
{
	char part[PATH_MAX];
	size_t len;

	if (!str_copy(part, sizeof(part), path))
		return blame(f, RC_UNAVAILABLE, MSG_PATH_LONG, 0, path);
	for (len = strlen(part); len > 1 && part[len - 1] == '/'; len--)
		part[len - 1] = '\0';
	for (size_t i = 1; i < len; i++) {
		enum rc rc;

		if (part[i] != '/')
			continue;
		part[i] = '\0';
		rc = make_one(part, 0755, f);
		part[i] = '/';
		if (rc != RC_OK)
			return rc;
	}
	return make_one(part, mode, f);
}

bool
file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool
path_join(char *out, size_t cap, const char *dir, const char *name)
{
	const size_t len = strlen(dir);
	const char *gap = len > 0 && dir[len - 1] == '/' ? "" : "/";
	int whole = snprintf(out, cap, "%s%s%s", dir, gap, name);

	return whole >= 0 && (size_t)whole < cap;
}

const char *
path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL || slash[1] == '\0' ? path : slash + 1;
}
