/* SPDX-License-Identifier: Apache-2.0 */
/* What a replaced file held is overwritten, whenever the program was stopped; what is needed never is. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/file.h"
#include "base/shred.h"

static char dir[64], path[128], old[128], tmp[128];

static void
make_dir(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/test_shred.XXXXXX");
	cr_assert(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof(path), "%s/ring", dir);
	(void)snprintf(old, sizeof(old), "%s/ring.old", dir);
	(void)snprintf(tmp, sizeof(tmp), "%s/ring.tmp", dir);
}

static void
remove_dir(void)
{
	(void)unlink(path);
	(void)unlink(old);
	(void)unlink(tmp);
	(void)rmdir(dir);
}

TestSuite(shred, .init = make_dir, .fini = remove_dir);

static void
put(const char *name, const char *text)
{
	struct fault f = { 0 };

	cr_assert_eq(file_write(name, bytes_str(text), 0600, &f), RC_OK);
}

static void
replace(const char *text)
{
	struct fault f = { 0 };

	cr_assert_eq(shred_replace(path, bytes_str(text), 0600, &f), RC_OK);
}

static void
assert_holds(const char *name, const char *text)
{
	struct fault f = { 0 };
	char *found;
	size_t len;

	cr_assert_eq(file_read(name, 1024, &found, &len, &f), RC_OK);
	cr_assert_str_eq(found, text);
	free(found);
}

/* The content of an open file, whatever its name is now. */
static void
assert_zeros(int fd, size_t expected)
{
	char text[64];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	cr_assert_eq(n, (ssize_t)expected);
	for (ssize_t i = 0; i < n; i++)
		cr_assert_eq(text[i], 0);
	close(fd);
}

Test(shred, the_replaced_file_reads_zeros_and_leaves_no_name)
{
	int fd;

	put(path, "old keys");
	cr_assert((fd = open(path, O_RDONLY)) >= 0);
	replace("new keys");
	assert_holds(path, "new keys");
	assert_zeros(fd, 8);
	cr_assert_not(file_exists(old) || file_exists(tmp));
}

Test(shred, a_first_file_has_nothing_to_replace)
{
	replace("new keys");
	assert_holds(path, "new keys");
}

Test(shred, what_a_crash_after_the_rename_left_is_overwritten_next_time)
{
	int fd;

	put(path, "new keys");
	put(old, "old keys");
	cr_assert((fd = open(old, O_RDONLY)) >= 0);
	replace("newer keys");
	assert_holds(path, "newer keys");
	assert_zeros(fd, 8);
	cr_assert_not(file_exists(old));
}

Test(shred, a_crash_before_the_rename_left_a_second_name_only_and_the_keys_stay)
{
	put(path, "the keys");
	cr_assert_eq(link(path, old), 0);
	shred_strays(path);
	assert_holds(path, "the keys");
	cr_assert_not(file_exists(old));
}

Test(shred, a_temporary_of_a_crash_is_overwritten)
{
	int fd;

	put(path, "the keys");
	put(tmp, "half");
	cr_assert((fd = open(tmp, O_RDONLY)) >= 0);
	shred_strays(path);
	assert_zeros(fd, 4);
	assert_holds(path, "the keys");
}

Test(shred, without_the_file_itself_a_stray_is_kept_it_may_be_the_last_copy)
{
	put(old, "the keys");
	shred_strays(path);
	assert_holds(old, "the keys");
}

Test(shred, a_link_put_in_the_way_leads_nowhere)
{
	char other[128];

	(void)snprintf(other, sizeof(other), "%s/other", dir);
	put(path, "the keys");
	put(other, "not ours");
	cr_assert_eq(symlink(other, tmp), 0);
	shred_strays(path);
	assert_holds(other, "not ours");
	(void)unlink(other);
}

/* Root's program may be ended at any moment, and the service must be able to start then. */
Test(shred, what_root_replaces_is_its_directorys_owners)
{
	struct stat st;

	if (geteuid() != 0)
		cr_skip_test("not root");
	put(path, "old");
	cr_assert_eq(chown(path, 12345, 12346), 0);
	cr_assert_eq(chown(dir, 12345, 12346), 0);
	replace("new");
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_uid, 12345);
	cr_expect_eq(st.st_gid, 12346);
	cr_expect_eq(st.st_mode & 07777, 0600);
}
