/* SPDX-License-Identifier: Apache-2.0 */
/* Each test works in a directory of its own under the temporary directory and takes it away. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"

static char root[PATH_MAX];

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void
setup(void)
{
	const char *tmp = getenv("TMPDIR");

	cr_assert(path_join(root, sizeof(root), tmp == NULL ? "/tmp" : tmp, "test_file.XXXXXX"));
	cr_assert_not_null(mkdtemp(root));
}

static void
teardown(void)
{
	(void)nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(file, .init = setup, .fini = teardown);

static const char *
in_root(const char *name)
{
	static char path[PATH_MAX];

	cr_assert(path_join(path, sizeof(path), root, name));
	return path;
}

static void
put(const char *path, const char *text, mode_t mode)
{
	cr_assert_eq(file_write(path, bytes_str(text), mode, NULL), RC_OK);
}

Test(file, what_is_written_is_read)
{
	const char *path = in_root("a");
	struct fault f = { 0 };
	char *text;
	size_t len;

	put(path, "first", 0600);
	put(path, "second", 0600);
	cr_assert_eq(file_read(path, 100, &text, &len, &f), RC_OK);
	cr_assert_eq(len, 6u);
	cr_assert_str_eq(text, "second");
	free(text);
}

Test(file, an_empty_file_is_an_empty_text)
{
	char *text;
	size_t len = 1;

	put(in_root("a"), "", 0600);
	cr_assert_eq(file_read(in_root("a"), 0, &text, &len, NULL), RC_OK);
	cr_assert_eq(len, 0u);
	cr_assert_str_eq(text, "");
	free(text);
}

Test(file, the_bound_holds_to_the_byte)
{
	struct fault f = { 0 };
	char *text;
	size_t len;

	put(in_root("a"), "123456", 0600);
	cr_assert_eq(file_read(in_root("a"), 6, &text, &len, &f), RC_OK);
	free(text);
	cr_assert_eq(file_read(in_root("a"), 5, &text, &len, &f), RC_TOO_BIG);
	cr_assert_null(text);
	cr_assert_eq(f.item[0].msg, MSG_FILE_TOO_BIG);
	cr_assert_eq(f.item[0].number, 5);
}

Test(file, a_missing_file_is_named_without_its_directory)
{
	struct fault f = { 0 };
	char *text;
	size_t len;

	cr_assert_eq(file_read(in_root("missing.json"), 5, &text, &len, &f), RC_NOT_FOUND);
	cr_assert_str_eq(f.item[0].word, "missing.json");
	put(in_root("a"), "", 0600);
	cr_assert_eq(file_read(in_root("a/b"), 5, &text, &len, &f), RC_NOT_FOUND);
	cr_assert_eq(file_read(root, 5, &text, &len, &f), RC_UNAVAILABLE);
	cr_assert_eq(f.item[0].msg, MSG_FILE_READ);
}

static void *
feed_pipe(void *arg)
{
	static char block[1000];

	memset(block, 'x', sizeof(block));
	for (unsigned i = 0; i < 20; i++)
		if (write(*(int *)arg, block, sizeof(block)) < 0)
			break;
	(void)close(*(int *)arg);
	return NULL;
}

/* Neither the size nor the pieces are known beforehand. */
Test(file, a_pipe_is_read_to_its_end)
{
	char path[64], *text;
	pthread_t feeder;
	int ends[2];
	size_t len;

	cr_assert_eq(pipe(ends), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	cr_assert_eq(pthread_create(&feeder, NULL, feed_pipe, &ends[1]), 0);
	cr_assert_eq(file_read(path, 20000, &text, &len, NULL), RC_OK);
	pthread_join(feeder, NULL);
	cr_assert_eq(len, 20000u);
	cr_assert_eq(strspn(text, "x"), 20000u);
	free(text);
}

Test(file, a_secret_is_read_when_it_is_ours_alone)
{
	struct secret *s;

	put(in_root("key"), "sesame", 0400);
	cr_assert_eq(file_read_secret(in_root("key"), 6, &s, NULL), RC_OK);
	cr_assert_eq(secret_len(s), 6u);
	cr_assert_eq(memcmp(secret_view(s), "sesame", 6), 0);
	secret_free(s);
}

Test(file, a_secret_that_others_may_reach_is_refused)
{
	static const mode_t modes[] = { 0640, 0620, 0604, 0602, 0610, 0601, 0444 };
	struct fault f = { 0 };
	struct secret *s;

	put(in_root("key"), "sesame", 0600);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		cr_assert_eq(chmod(in_root("key"), modes[i]), 0);
		cr_assert_eq(
		    file_read_secret(in_root("key"), 6, &s, &f), RC_INVALID, "%o", (unsigned)modes[i]);
		cr_assert_null(s);
		cr_assert_eq(f.item[0].msg, MSG_FILE_EXPOSED);
	}
}

/* An access list as systemd sets it on a credential: ${user} may read, and ${group} too if it is not 0. */
static bool
set_list(const char *path, uint32_t user, uint16_t group)
{
	const struct {
		uint32_t version;
		struct {
			uint16_t tag, rights;
			uint32_t id;
		} entry[5];
	} acl = { 2,
		{ { 0x01, 4, UINT32_MAX }, { 0x02, 4, user }, { 0x04, group, UINT32_MAX },
		    { 0x10, 4, UINT32_MAX }, { 0x20, 0, UINT32_MAX } } };

	return setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0) == 0;
}

Test(file, a_credential_with_an_access_list_for_us_alone_is_read)
{
	const struct {
		uint32_t user;
		uint16_t group;
		enum rc rc;
	} rows[] = {
		{ geteuid(), 0, RC_OK }, { geteuid() + 1, 0, RC_INVALID }, /* somebody else */
		{ geteuid(), 4, RC_INVALID },                              /* and the group */
	};
	struct fault f = { 0 };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *path = in_root("credential");
		struct secret *s = NULL;
		struct stat st;

		cr_assert_eq(file_write(path, bytes_str("key"), 0400, &f), RC_OK);
		if (!set_list(path, rows[i].user, rows[i].group))
			return; /* this file system keeps no access lists */
		cr_assert_eq(stat(path, &st), 0);
		cr_assert_eq(st.st_mode & 0777, 0440u, "the mask stands in place of the group");
		cr_expect_eq(file_read_secret(path, 64, &s, &f), rows[i].rc, "row %zu", i);
		secret_free(s);
	}
}

Test(file, a_secret_too_big_missing_or_no_file_is_refused, .timeout = 10)
{
	struct secret *s;

	put(in_root("key"), "sesame", 0600);
	cr_assert_eq(file_read_secret(in_root("key"), 5, &s, NULL), RC_TOO_BIG);
	cr_assert_null(s);
	cr_assert_eq(file_read_secret(in_root("none"), 5, &s, NULL), RC_NOT_FOUND);
	cr_assert_eq(file_read_secret(root, 5, &s, NULL), RC_INVALID);
	cr_assert_eq(mkfifo(in_root("fifo"), 0600), 0);
	cr_assert_eq(file_read_secret(in_root("fifo"), 5, &s, NULL), RC_INVALID);
}

Test(file, the_mode_is_given_less_the_umask)
{
	struct stat st;

	umask(027);
	put(in_root("a"), "x", 0666);
	cr_assert_eq(stat(in_root("a"), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0640u);
	put(in_root("a"), "x", 0400);
	put(in_root("a"), "x", 0600);
	cr_assert_eq(stat(in_root("a"), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600u);
}

/* The file system takes the first half of the new text and refuses the rest. */
Test(file, a_failed_write_leaves_the_old_text_and_no_stray)
{
	const struct rlimit small = { 4096, RLIM_INFINITY };
	static char big[10000];
	struct fault f = { 0 };
	char *text;
	size_t len;

	put(in_root("a"), "old", 0600);
	memset(big, 'n', sizeof(big) - 1);
	(void)signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	cr_assert_eq(file_write(in_root("a"), bytes_str(big), 0600, &f), RC_UNAVAILABLE);
	cr_assert_eq(f.item[0].msg, MSG_FILE_WRITE);
	cr_assert_eq(file_read(in_root("a"), 10, &text, &len, NULL), RC_OK);
	cr_assert_str_eq(text, "old");
	free(text);
	cr_assert_not(file_exists(in_root("a.tmp")));
}

Test(file, what_a_crash_left_beside_is_replaced)
{
	char *text;
	size_t len;

	put(in_root("a.tmp"), "half of an erased ke", 0644);
	put(in_root("a"), "new", 0600);
	cr_assert_not(file_exists(in_root("a.tmp")));
	cr_assert_eq(file_read(in_root("a"), 10, &text, &len, NULL), RC_OK);
	cr_assert_str_eq(text, "new");
	free(text);
}

Test(file, a_link_in_place_of_the_temporary_is_not_followed)
{
	char victim[PATH_MAX], *text;
	size_t len;

	cr_assert(path_join(victim, sizeof(victim), root, "victim"));
	put(victim, "safe", 0600);
	cr_assert_eq(symlink(victim, in_root("a.tmp")), 0);
	put(in_root("a"), "new", 0600);
	cr_assert_eq(file_read(victim, 10, &text, &len, NULL), RC_OK);
	cr_assert_str_eq(text, "safe");
	free(text);
}

/* One snapshot after another: never a missing file, never a mixture. */
static void *
write_often(void *arg)
{
	static char texts[2][9001];

	memset(texts[0], 'a', 3000);
	memset(texts[1], 'b', 9000);
	for (unsigned i = 0; i < 100; i++)
		if (file_write(arg, bytes_str(texts[i % 2]), 0600, NULL) != RC_OK)
			return arg;
	return NULL;
}

Test(file, a_reader_sees_the_old_or_the_new_text)
{
	char path[PATH_MAX];
	pthread_t writer;
	void *failed;

	cr_assert(path_join(path, sizeof(path), root, "a"));
	put(path, "a", 0600);
	cr_assert_eq(pthread_create(&writer, NULL, write_often, path), 0);
	for (unsigned i = 0; i < 500; i++) {
		char *text;
		size_t len;

		cr_assert_eq(file_read(path, 10000, &text, &len, NULL), RC_OK);
		cr_assert(strspn(text, "a") == len || strspn(text, "b") == 9000);
		free(text);
	}
	pthread_join(writer, &failed);
	cr_assert_null(failed);
}

Test(file, a_write_into_a_missing_directory_fails)
{
	cr_assert_eq(file_write(in_root("none/a"), bytes_str("x"), 0600, NULL), RC_UNAVAILABLE);
}

Test(file, directories_are_made_with_their_parents)
{
	struct stat st;

	umask(022);
	cr_assert_eq(dir_make(in_root("x/y//z/"), 0700, NULL), RC_OK);
	cr_assert_eq(stat(in_root("x/y/z"), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0700u);
	cr_assert_eq(stat(in_root("x/y"), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0755u);
	cr_assert_eq(dir_make(in_root("x/y/z"), 0700, NULL), RC_OK);
	cr_assert_eq(dir_make("/", 0700, NULL), RC_OK);
}

Test(file, a_file_in_place_of_a_directory_is_refused)
{
	struct fault f = { 0 };

	put(in_root("x"), "", 0600);
	cr_assert_eq(dir_make(in_root("x"), 0700, &f), RC_INVALID);
	cr_assert_eq(dir_make(in_root("x/y"), 0700, &f), RC_INVALID);
	cr_assert_eq(f.item[0].msg, MSG_DIR_BLOCKED);
}

Test(file, paths_that_are_too_long_are_refused)
{
	static char name[PATH_MAX + 10];
	char out[8];

	memset(name, 'n', sizeof(name) - 1);
	cr_assert_neq(file_write(name, bytes_str("x"), 0600, NULL), RC_OK);
	cr_assert_neq(dir_make(name, 0700, NULL), RC_OK);
	cr_assert(path_join(out, sizeof(out), "abc", "def"));
	cr_assert_str_eq(out, "abc/def");
	cr_assert_not(path_join(out, sizeof(out), "abc", "defg"));
	cr_assert(path_join(out, sizeof(out), "abc/", "def"));
	cr_assert_str_eq(out, "abc/def");
	cr_assert(path_join(out, sizeof(out), "/", "def"));
	cr_assert_str_eq(out, "/def");
}

/* ---- what root makes in another's directory ---- */

#define OWNER 12345
#define GROUP 12346

/* A directory of somebody else; the test ends here where it may make none. */
static void
open_others(const char *name, mode_t mode)
{
	if (geteuid() != 0)
		cr_skip_test("only root makes files in another's directory");
	cr_assert_eq(mkdir(in_root(name), mode), 0);
	cr_assert_eq(chmod(in_root(name), mode), 0);
	cr_assert_eq(chown(in_root(name), OWNER, GROUP), 0);
}

static void
assert_owner(const char *name, uid_t uid)
{
	struct stat st;

	cr_assert_eq(lstat(in_root(name), &st), 0);
	cr_expect_eq(st.st_uid, uid, "%s is %u's", name, (unsigned)st.st_uid);
}

Test(file, what_root_writes_in_anothers_directory_is_that_ones)
{
	struct stat st;

	open_others("theirs", 0700);
	put(in_root("theirs/own"), "x", 0600);
	assert_owner("theirs/own", 0);
	cr_assert_eq(file_write_given(in_root("theirs/given"), bytes_str("x"), 0600, NULL), RC_OK);
	assert_owner("theirs/given", OWNER);
	cr_assert_eq(stat(in_root("theirs/given"), &st), 0);
	cr_expect_eq(st.st_gid, GROUP);
	cr_expect_eq(st.st_mode & 07777, 0600u);
	cr_assert_eq(file_write_given(in_root("mine"), bytes_str("x"), 0600, NULL), RC_OK);
	assert_owner("mine", 0);
	cr_assert_eq(dir_make(in_root("theirs/below"), 0700, NULL), RC_OK);
	file_give(in_root("theirs/below"));
	assert_owner("theirs/below", OWNER);
	file_give(in_root("theirs/absent"));
	file_give(in_root("absent/file"));
}

/* Who owns the directory may have laid what leads to root's own files. */
Test(file, nothing_but_what_lies_there_alone_is_given)
{
	char path[PATH_MAX];

	open_others("theirs", 0700);
	put(in_root("mine"), "x", 0600);
	(void)str_copy(path, sizeof(path), in_root("mine"));
	cr_assert_eq(symlink(path, in_root("theirs/link")), 0);
	file_give(in_root("theirs/link"));
	assert_owner("mine", 0);
	assert_owner("theirs/link", 0);
	cr_assert_eq(link(path, in_root("theirs/second")), 0);
	file_give(in_root("theirs/second"));
	assert_owner("mine", 0);
	put(in_root("theirs/anybodys"), "x", 0600);
	cr_assert_eq(chown(in_root("theirs/anybodys"), OWNER + 5, GROUP), 0);
	file_give(in_root("theirs/anybodys"));
	assert_owner("theirs/anybodys", OWNER + 5);
}

Test(file, nothing_is_given_where_others_may_write)
{
	open_others("shared", 0770);
	cr_assert_eq(file_write_given(in_root("shared/x"), bytes_str("x"), 0600, NULL), RC_OK);
	assert_owner("shared/x", 0);
}
