/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* Is what lies at the name still what was opened there? */
static bool
is_there(const struct part *p)
{
	struct stat there, ours;

	return lstat(p->path, &there) == 0 && fstat(p->fd, &ours) == 0 && there.st_dev == ours.st_dev &&
	    there.st_ino == ours.st_ino;
}

/* Ours alone: of two that wrote into one file neither would be whole, though both were told that it is. Where
 * a file system has no locks it is as if nobody had this one. */
static bool
is_ours(const struct part *p)
{
	return (flock(p->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && is_there(p);
}

/* A name that means something else, the terminal or a device, must not become a file of ours. */
static bool
is_taken(const char *target)
{
	struct stat st;

	return lstat(target, &st) == 0 && !S_ISREG(st.st_mode);
}

enum status
part_open(struct part *p, const char *target, mode_t mode)
{
	if (!str_copy(p->target, sizeof(p->target), target)) {
		talk_error("%s: the path is too long", target);
		return STATUS_USAGE;
	}
	if (is_taken(target)) {
		talk_error("%s is there, and no file", target);
		return STATUS_USAGE;
	}
	(void)snprintf(p->path, sizeof(p->path), "%s.part", target);
	if ((p->fd = open(p->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode)) < 0) {
		talk_error("%s cannot be written: %s", p->path, strerror(errno));
		return STATUS_ERROR;
	}
	if (is_ours(p))
		return ftruncate(p->fd, 0) == 0 ? STATUS_OK : part_close(p, STATUS_ERROR);
	talk_error(
	    "%s is being written by another command: wait for its end, or name another --out", p->path);
	(void)close(p->fd);
	return STATUS_CONFLICT;
}

enum status
part_close(struct part *p, enum status status)
{
	if (status == STATUS_OK &&
	    (fsync(p->fd) != 0 || rename(p->path, p->target) != 0 || !file_sync_parent(p->target)))
		status = STATUS_ERROR;
	if (status == STATUS_ERROR)
		talk_error("%s cannot be written", p->target);
	if (status != STATUS_OK)
		(void)unlink(p->path);
	(void)close(p->fd); /* the name is its own up to here */
	return status;
}
