/* SPDX-License-Identifier: Apache-2.0 */
/* Works on open files, never on names: between a look at a name and its change somebody could put another
 * file there. */
#include "ctl/owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "ctl/talk.h"

/* where the program writes, and the certificates for its database; a directory of root keys among them stays
 * root's own */
static const char *const written[] = { ".", "store", "keyring", "vault", "sheets", "devices", "database" };

/* False: root owns it, or nobody has to be given anything. */
static bool
find_owner(const char *dir, struct stat *owner)
{
	return geteuid() == 0 && lstat(dir, owner) == 0 && S_ISDIR(owner->st_mode) && owner->st_uid != 0;
}

static bool
is_ours_to_give(const struct stat *st)
{
	/* a second name may lie where it is nobody's business but root's */
	return st->st_uid == 0 && (S_ISDIR(st->st_mode) || (S_ISREG(st->st_mode) && st->st_nlink == 1));
}

static void
give(int at, const char *name, const struct stat *owner)
{
	struct stat st;
	const int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && is_ours_to_give(&st) &&
	    fchownat(fd, "", owner->st_uid, owner->st_gid, AT_EMPTY_PATH) != 0)
		talk_warning("%s stays root's own; the service may not be able to read it", name);
	(void)close(fd);
}

static bool
has_root_keys(int fd)
{
	return faccessat(fd, "record.root", F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    faccessat(fd, "location.root", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
give_all_in(int at, const char *name, const struct stat *owner)
{
	const int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	/* whatever it is called now: where root keys lie, nothing is given */
	while (!has_root_keys(fd) && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, "keys") != 0)
			give(fd, entry->d_name, owner);
	(void)closedir(dir);
}

void
owner_give_registry(const char *dir)
{
	struct stat owner;
	int fd;

	if (!find_owner(dir, &owner))
		return;
	if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return;
	for (unsigned i = 0; i < COUNT_OF(written); i++)
		give_all_in(fd, written[i], &owner);
	(void)close(fd);
}

bool
owner_is_another(const char *dir, char name[OWNER_NAME])
{
	struct stat owner;
	const struct passwd *user;

	return find_owner(dir, &owner) && (user = getpwuid(owner.st_uid)) != NULL &&
	    str_copy(name, OWNER_NAME, user->pw_name);
}

void
owner_give_file(const char *dir, const char *path)
{
	struct stat owner;

	if (find_owner(dir, &owner))
		give(AT_FDCWD, path, &owner);
}
