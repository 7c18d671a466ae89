/* SPDX-License-Identifier: Apache-2.0 */
/* What a confined process can still do, what it says, who it is, and what happens on a kernel that lacks
 * Landlock. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(confined, .init = open_world, .fini = close_world);

/* ---- what a confined process must still be able to do ---- */

static void *
nothing(void *arg)
{
	return arg;
}

static int
work_of_http(void)
{
	char path[128];
	struct fault f = { 0 };
	pthread_t thread;
	int fd, peer;

	(void)snprintf(path, sizeof(path), "%s/ring", world.keyring);
	if (file_write(path, bytes_str("new"), 0600, &f) != RC_OK || reads(path) != 0 ||
	    reads(world.cert) != 0)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/data", world.store);
	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0 || write(fd, "x", 1) != 1 ||
	    fsync(fd) != 0)
		return 2;
	if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
		return 3;
	/* a listener that was there before goes on accepting; nobody comes, so it says: try again */
	(void)fcntl(world.listen_fd, F_SETFL, O_NONBLOCK);
	peer = accept4(world.listen_fd, NULL, NULL, SOCK_CLOEXEC);
	return peer < 0 && errno == EAGAIN ? 0 : 4;
}

static int
work_of_vault(void)
{
	struct fault f = { 0 };
	struct secret *raw = NULL;

	if (file_write(world.ring, bytes_str("new"), 0600, &f) != RC_OK)
		return 1;
	if (file_read_secret(world.ring, 64, &raw, &f) != RC_OK)
		return 2;
	secret_free(raw);
	return 0;
}

Test(confined, each_process_can_do_its_work)
{
	cr_expect_eq(fate(HTTP, work_of_http), 0);
	cr_expect_eq(fate(VAULT, work_of_vault), 0);
}

/* What ${child} of HTTP said on standard error. */
static size_t
said(int (*fn)(void), char *out, size_t cap)
{
	int pipe_fds[2];
	ssize_t len;
	pid_t child;

	cr_assert_eq(pipe(pipe_fds), 0);
	if ((child = fork()) == 0) {
		(void)dup2(pipe_fds[1], STDERR_FILENO);
		_exit(confine(HTTP) != RC_OK ? 254 : fn());
	}
	(void)close(pipe_fds[1]);
	cr_assert_eq(waitpid(child, NULL, 0), child);
	len = read(pipe_fds[0], out, cap - 1);
	(void)close(pipe_fds[0]);
	out[len < 0 ? 0 : len] = '\0';
	return len < 0 ? 0 : (size_t)len;
}

static int
refused_thrice(void)
{
	for (int i = 0; i < 3; i++)
		(void)syscall(SYS_sethostname, "x", 1);
	return try_udp();
}

Test(confined, a_refused_call_is_logged_once_by_its_number)
{
	char text[1024], wanted[64];
	const char *first;

	if (!HAS_CALLS)
		return;
	(void)said(refused_thrice, text, sizeof(text));
	(void)snprintf(wanted, sizeof(wanted), "call_refused number=%d:", SYS_sethostname);
	cr_assert_not_null(first = strstr(text, wanted), "%s", text);
	cr_assert_null(strstr(first + 1, wanted), "%s", text);
	(void)snprintf(wanted, sizeof(wanted), "call_refused number=%d:", SYS_socket);
	cr_assert_not_null(strstr(text, wanted), "%s", text);
}

static int
capabilities_left_to(const char *user)
{
	struct confine_report report = { 0 };
	struct fault f = { 0 };
	char line[256];
	FILE *status;
	const bool was_root = geteuid() == 0;
	int left = 0;

	if (confine_user(user, &report, &f) != RC_OK || (status = fopen("/proc/self/status", "r")) == NULL)
		return 255;
	while (fgets(line, sizeof(line), status) != NULL)
		left += strncmp(line, "Cap", 3) == 0 && strspn(line + 8, "0") != 16 &&
		    (was_root || strncmp(line, "CapBnd", 6) != 0); /* only root may shrink the bounding set */
	(void)fclose(status);
	return left;
}

static int
capabilities_left(void)
{
	return capabilities_left_to(NULL);
}

static int
capabilities_left_to_nobody(void)
{
	return capabilities_left_to("nobody");
}

static int
user_left(void)
{
	struct confine_report report = { 0 };
	struct fault f = { 0 };
	const struct passwd *nobody = getpwnam("nobody");
	gid_t groups[8];

	if (nobody == NULL || confine_user("nobody", &report, &f) != RC_OK)
		return 255;
	if (getuid() != nobody->pw_uid || geteuid() != nobody->pw_uid || getgid() != nobody->pw_gid)
		return 1;
	if (getgroups(8, groups) > 1 || setuid(0) == 0 || setgid(0) == 0)
		return 2;
	return reads(world.root) == EACCES ? 0 : 3; /* root's own file, mode 0600 */
}

static int
unknown_user(void)
{
	struct confine_report report = { 0 };
	struct fault f = { 0 };

	return (int)confine_user("no-such-user-here", &report, &f);
}

Test(confined, no_capability_is_left)
{
	cr_assert_eq(fate(NOBODY, capabilities_left), 0);
	if (geteuid() == 0)
		cr_assert_eq(fate(NOBODY, capabilities_left_to_nobody), 0);
}

Test(confined, root_becomes_the_named_user_for_good)
{
	if (geteuid() == 0)
		cr_assert_eq(fate(NOBODY, user_left), 0);
	cr_assert_eq(fate(NOBODY, unknown_user), RC_NOT_FOUND);
}

/* ---- a kernel without Landlock: one that says so ---- */

static bool
take_landlock_away(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { COUNT_OF(program), program };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static int
without_landlock(void)
{
	const struct confine_path rows[] = { { world.store, CONFINE_READ } };
	struct confine_report report = { 0 };
	struct fault f = { 0 };

	if (!take_landlock_away())
		return 255;
	if (confine_files(rows, 1, CONFINE_REQUIRE, &report, &f) != RC_UNAVAILABLE)
		return 1;
	if (confine_files(rows, 1, CONFINE_TRY, &report, &f) != RC_OK)
		return 2;
	return report.has_files || report.landlock != 0 ? 3 : reads(world.root);
}

Test(confined, a_kernel_without_landlock_stops_the_start_only_when_it_is_required)
{
	cr_assert_eq(fate(NOBODY, without_landlock), 0);
}
