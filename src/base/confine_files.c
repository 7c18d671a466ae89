/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock (Linux 5.13 and later).  The numbers are written out for kernels newer than the headers of the
 * machine that builds: each ABI adds rights, and a kernel is asked only for those that it knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/confine.h"

#define FS_REFER     (UINT64_C(1) << 13) /* ABI 2: link and rename between directories */
#define FS_TRUNCATE  (UINT64_C(1) << 14) /* ABI 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* ABI 5 */
#define NET_CONNECT  (UINT64_C(1) << 1)  /* ABI 4: connecting by TCP */
#define SCOPES       (UINT64_C(3))       /* ABI 6: abstract sockets and signals that leave the process */
#define FS_FIRST     (LANDLOCK_ACCESS_FS_MAKE_SYM | (LANDLOCK_ACCESS_FS_MAKE_SYM - 1)) /* all of ABI 1 */

/* struct landlock_ruleset_attr of ABI 6; older kernels are given its beginning */
struct ruleset {
	uint64_t files, network, scopes;
};

/* What each right means on a directory; a file takes those of FILE_RIGHTS. */
static const struct {
	unsigned right;
	uint64_t access;
} meanings[] = {
	{ CONFINE_READ, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR },
	{ CONFINE_WRITE, LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE },
	{ CONFINE_CREATE, LANDLOCK_ACCESS_FS_MAKE_REG },
	{ CONFINE_REPLACE, LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE },
	{ CONFINE_EXECUTE, LANDLOCK_ACCESS_FS_EXECUTE },
};

#define FILE_RIGHTS                                                                                  \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | \
	    FS_TRUNCATE)

/* Everything that a kernel of ${abi} can forbid, and how much of the struct it reads. */
static size_t
forbid_all(int abi, struct ruleset *all)
{
	*all = (struct ruleset){ .files = FS_FIRST };
	all->files |= abi >= 2 ? FS_REFER : 0;
	all->files |= abi >= 3 ? FS_TRUNCATE : 0;
	all->files |= abi >= 5 ? FS_IOCTL_DEV : 0;
	all->network = abi >= 4 ? NET_CONNECT : 0;
	all->scopes = abi >= 6 ? SCOPES : 0;
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static bool
allow(int ruleset, const struct confine_path *row, uint64_t known)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = 0 };
	const int nofollow = (row->rights & CONFINE_ALL) != 0 ? O_NOFOLLOW : 0;
	struct stat st;
	bool is_allowed;

	if (row->path == NULL)
		return true;
	if ((rule.parent_fd = open(row->path, O_PATH | O_CLOEXEC | nofollow)) < 0)
		return errno == ENOENT;
	for (size_t i = 0; i < COUNT_OF(meanings); i++)
		rule.allowed_access |= row->rights & meanings[i].right ? meanings[i].access : 0;
	if ((row->rights & CONFINE_ALL) != 0)
		rule.allowed_access = known;
	rule.allowed_access &= known;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= S_ISLNK(st.st_mode) ? 0 : FILE_RIGHTS | FS_IOCTL_DEV;
	is_allowed = rule.allowed_access == 0 ||
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	(void)close(rule.parent_fd);
	return is_allowed;
}

static enum rc
allow_rows(
    int ruleset, const struct confine_path *rows, size_t count, const struct ruleset *all, struct fault *f)
{
	for (size_t i = 0; i < count; i++) {
		if (!allow(ruleset, &rows[i], all->files))
			return fault_set(f, RC_UNAVAILABLE, MSG_CONFINE_PATH, NULL, errno, rows[i].path);
	}
	return RC_OK;
}

static enum rc
restrict_to(
    const struct confine_path *rows, size_t count, const struct ruleset *all, size_t size, struct fault *f)
{
	const int ruleset = (int)syscall(SYS_landlock_create_ruleset, all, size, 0);
	enum rc rc = RC_OK;

	if (ruleset >= 0)
		rc = allow_rows(ruleset, rows, count, all, f);
	/* the kernel can do it: that it was not done is an error in every mode */
	if (ruleset < 0 ||
	    (rc == RC_OK &&
		(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)))
		rc = fault_set(f, RC_UNAVAILABLE, MSG_CONFINE_FAILED, NULL, errno, "landlock");
	if (ruleset >= 0)
		(void)close(ruleset);
	return rc;
}

enum rc
confine_files(const struct confine_path *rows, size_t count, enum confine_mode mode,
    struct confine_report *report, struct fault *f)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset all;
	size_t size;
	enum rc rc;

	report->landlock = abi > 0 ? (int)abi : 0;
	if (abi <= 0)
		return mode == CONFINE_TRY
		    ? RC_OK
		    : fault_set(f, RC_UNAVAILABLE, MSG_CONFINE_MISSING, NULL, 0, "landlock");
	size = forbid_all((int)abi, &all);
	for (size_t i = 0; i < count; i++)
		all.network =
		    rows[i].path != NULL && (rows[i].rights & CONFINE_CONNECT) != 0 ? 0 : all.network;
	if ((rc = restrict_to(rows, count, &all, size, f)) != RC_OK)
		return rc;
	report->has_files = true;
	report->has_network = all.network != 0;
	report->has_scope = all.scopes != 0;
	return RC_OK;
}
