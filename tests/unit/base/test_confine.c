/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attacker has taken a confined process over: it runs as it, with its memory and descriptors, and tries
 * to get out. Each attempt is made by a child that was confined as the product is; the kernel says how it
 * ended.
 */
#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/file.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_CALLS false
#else
#define HAS_CALLS true
#endif

#define WORLD "/tmp/menedek-confine-XXXXXX"

/* A data directory in small, and two witnesses outside of the confined child: a listener and a process. */
struct world {
	char dir[64];
	char store[96], keyring[96], vault[96], keys[96], ring[96], root[96], cert[96], gone[96];
	struct sockaddr_in listener;
	int listen_fd;
	pid_t witness;
};

static struct world world;

static void
put(const char *path)
{
	struct fault f = { 0 };

	cr_assert_eq(file_write(path, bytes_str("secret"), 0600, &f), RC_OK);
}

static void
name(char *out, const char *below)
{
	(void)snprintf(out, 96, "%s/%s", world.dir, below);
}

static void
open_listeners(void)
{
	socklen_t len = sizeof(world.listener);

	world.listener =
	    (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	world.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(world.listen_fd, (struct sockaddr *)&world.listener, len), 0);
	cr_assert_eq(listen(world.listen_fd, 4), 0);
	cr_assert_eq(getsockname(world.listen_fd, (struct sockaddr *)&world.listener, &len), 0);
}

static void
open_world(void)
{
	struct fault f = { 0 };

	memcpy(world.dir, WORLD, sizeof(WORLD));
	cr_assert_not_null(mkdtemp(world.dir));
	name(world.store, "store");
	name(world.keyring, "keyring");
	name(world.vault, "vault");
	name(world.keys, "keys");
	name(world.gone, "not-there");
	const char *const dirs[] = { world.store, world.keyring, world.vault, world.keys };
	for (size_t i = 0; i < COUNT_OF(dirs); i++)
		cr_assert_eq(dir_make(dirs[i], 0700, &f), RC_OK);
	name(world.ring, "vault/ring");
	name(world.root, "keys/location.root");
	name(world.cert, "ca.crt");
	put(world.ring);
	put(world.root);
	put(world.cert);
	open_listeners();
	if ((world.witness = fork()) == 0) {
		(void)pause();
		_exit(0);
	}
}

static void
close_world(void)
{
	const char *const files[] = { world.ring, world.root, world.cert };
	const char *const dirs[] = { world.store, world.keyring, world.vault, world.keys, world.dir };
	char ring[128];

	(void)kill(world.witness, SIGKILL);
	(void)waitpid(world.witness, NULL, 0);
	(void)close(world.listen_fd);
	(void)snprintf(ring, sizeof(ring), "%s/ring", world.keyring);
	(void)unlink(ring);
	(void)snprintf(ring, sizeof(ring), "%s/data", world.store);
	(void)unlink(ring);
	for (size_t i = 0; i < COUNT_OF(files); i++)
		(void)unlink(files[i]);
	for (size_t i = 0; i < COUNT_OF(dirs); i++)
		cr_assert_eq(rmdir(dirs[i]), 0, "%s", dirs[i]);
}

TestSuite(confine, .init = open_world, .fini = close_world);

static int
answer(bool is_done)
{
	return is_done ? 0 : errno;
}

/* ---- the attempts: 0 when it worked, else the error ---- */

static int
reads(const char *path)
{
	char c;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return answer(fd >= 0 && read(fd, &c, 1) == 1);
}

static int
try_location_root(void)
{
	return reads(world.root);
}

static int
try_vault_ring(void)
{
	return reads(world.ring);
}

static int
try_passwd(void)
{
	return reads("/etc/passwd");
}

static int
try_memory_of_itself(void)
{
	return reads("/proc/self/maps");
}

static int
try_overwriting_vault_ring(void)
{
	return answer(open(world.ring, O_WRONLY | O_TRUNC | O_CLOEXEC) >= 0);
}

static int
try_removing_vault_ring(void)
{
	return answer(unlink(world.ring) == 0);
}

static int
try_renaming_over_vault_ring(void)
{
	char mine[128];
	struct fault f = { 0 };

	(void)snprintf(mine, sizeof(mine), "%s/ring", world.keyring);
	if (file_write(mine, bytes_str("new"), 0600, &f) != RC_OK)
		return 255;
	return answer(rename(mine, world.ring) == 0);
}

static int
try_linking_vault_ring(void)
{
	char mine[128];

	(void)snprintf(mine, sizeof(mine), "%s/link", world.keyring);
	return answer(link(world.ring, mine) == 0);
}

static int
try_tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return answer(
	    fd >= 0 && connect(fd, (struct sockaddr *)&world.listener, sizeof(world.listener)) == 0);
}

static int
try_udp(void)
{
	return answer(socket(AF_INET, SOCK_DGRAM, 0) >= 0);
}

static int
try_exec(void)
{
	char *const argv[] = { "true", NULL };

	(void)execve("/bin/true", argv, NULL);
	return errno;
}

static int
try_fork(void)
{
	const long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);

	if (pid == 0)
		_exit(0);
	return answer(pid > 0);
}

static int
try_ptrace(void)
{
	return answer(ptrace(PTRACE_ATTACH, world.witness, NULL, NULL) == 0);
}

static int
try_reading_memory(void)
{
	char mine[1];
	const struct iovec to = { mine, 1 }, from = { (void *)(uintptr_t)&world, 1 };

	return answer(process_vm_readv(world.witness, &to, 1, &from, 1, 0) == 1);
}

static int
try_signal(void)
{
	return answer(kill(world.witness, SIGUSR1) == 0);
}

static int
try_code(void)
{
	return answer(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0) != MAP_FAILED);
}

static int
try_code_later(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? 255 : answer(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
}

static int
try_namespace(void)
{
	return answer(unshare(CLONE_NEWUSER) == 0);
}

static int
try_dumpable(void)
{
	return answer(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
}

/* ---- running them ---- */

enum who { HTTP, VAULT, NOBODY };

static enum rc
confine_http(void)
{
	const struct confine_path rows[] = {
		{ world.store, CONFINE_READ | CONFINE_WRITE | CONFINE_CREATE },
		{ world.keyring, CONFINE_READ | CONFINE_WRITE | CONFINE_REPLACE },
		{ world.cert, CONFINE_READ },
		{ world.gone, CONFINE_READ },
		{ NULL, CONFINE_READ },
	};
	struct confine_report report = { 0 };
	struct fault f = { 0 };
	enum rc rc;

	confine_memory();
	if ((rc = confine_user(NULL, &report, &f)) != RC_OK)
		return rc;
	if ((rc = confine_files(rows, COUNT_OF(rows), CONFINE_REQUIRE, &report, &f)) != RC_OK)
		return rc;
	return confine_calls(CONFINE_HTTP, CONFINE_REQUIRE, &report, &f);
}

static enum rc
confine(enum who who)
{
	const struct confine_path rows[] = { { world.vault,
	    CONFINE_READ | CONFINE_WRITE | CONFINE_REPLACE } };
	const struct confine_vault vault = { CONFINE_VAULT, CONFINE_REQUIRE, NULL, rows, COUNT_OF(rows) };
	struct fault f = { 0 };

	if (who == NOBODY)
		return RC_OK;
	return who == HTTP ? confine_http() : confine_vault(&vault, &f);
}

/* How a child ends that is confined as ${who} and does ${fn}: the error it met, or minus the signal that
 * ended it. */
static int
fate(enum who who, int (*fn)(void))
{
	int status;
	const pid_t child = fork();

	if (child == 0) {
		const int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);

		(void)dup2(quiet, STDERR_FILENO);
		_exit(confine(who) != RC_OK ? 254 : fn());
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#define DIES (-SIGSYS)
#define ANY  1000 /* it depends on the system */

/* By files alone (sanitizers) or with the list of calls; the control: what comes of it without confinement.
 */
static const struct attempt {
	const char *name;
	int (*fn)(void);
	int http, vault;   /* expected, whole */
	int http_by_files; /* without seccomp: an error, or 0: it would work */
	int free;          /* without any confinement */
} attempts[] = {
	{ "location root", try_location_root, EACCES, EACCES, EACCES, 0 },
	{ "vault ring", try_vault_ring, EACCES, 0, EACCES, 0 },
	{ "/etc/passwd", try_passwd, EACCES, EACCES, EACCES, 0 },
	{ "own maps", try_memory_of_itself, EACCES, EACCES, EACCES, 0 },
	{ "overwrite vault ring", try_overwriting_vault_ring, EACCES, 0, EACCES, 0 },
	{ "rename over vault ring", try_renaming_over_vault_ring, EACCES, 255, EACCES, 0 },
	{ "link vault ring", try_linking_vault_ring, EXDEV, EACCES, EXDEV, 0 },
	{ "tcp", try_tcp, EPERM, DIES, EACCES, 0 },
	{ "udp", try_udp, EPERM, DIES, 0, 0 },
	{ "exec", try_exec, DIES, DIES, EACCES, 0 },
	{ "fork", try_fork, EPERM, DIES, 0, 0 },
	{ "ptrace", try_ptrace, DIES, DIES, EPERM, 0 },
	{ "memory of another", try_reading_memory, DIES, DIES, EPERM, 0 },
	{ "signal", try_signal, EPERM, DIES, EPERM, 0 },
	{ "code", try_code, EPERM, DIES, 0, 0 },
	{ "code later", try_code_later, EPERM, DIES, 0, 0 },
	{ "namespace", try_namespace, DIES, DIES, ANY, 0 },
	{ "dumpable", try_dumpable, EPERM, DIES, 0, 0 },
	{ "remove vault ring", try_removing_vault_ring, EACCES, 0, EACCES, 0 },
};

Test(confine, the_http_process_gets_out_nowhere)
{
	for (size_t i = 0; i < COUNT_OF(attempts); i++) {
		const int expected = HAS_CALLS ? attempts[i].http : attempts[i].http_by_files;
		const int met = fate(HTTP, attempts[i].fn);

		cr_expect(
		    met == expected || expected == ANY, "%s: %d, not %d", attempts[i].name, met, expected);
	}
}

Test(confine, the_vault_reaches_its_own_directory_and_dies_of_the_rest)
{
	for (size_t i = 0; HAS_CALLS && i < COUNT_OF(attempts); i++) {
		const int met = fate(VAULT, attempts[i].fn);

		cr_expect_eq(
		    met, attempts[i].vault, "%s: %d, not %d", attempts[i].name, met, attempts[i].vault);
	}
}

/* Without this the tests above could pass because nothing works here anyway. */
Test(confine, a_process_that_is_not_confined_gets_out_everywhere)
{
	for (size_t i = 0; i < COUNT_OF(attempts); i++) {
		const bool is_special = attempts[i].fn == try_namespace || attempts[i].fn == try_signal ||
		    attempts[i].fn == try_linking_vault_ring ||
		    attempts[i].fn == try_renaming_over_vault_ring;

		if (!is_special)
			cr_expect_eq(fate(NOBODY, attempts[i].fn), attempts[i].free, "%s", attempts[i].name);
	}
}

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

Test(confine, each_process_can_do_its_work)
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

Test(confine, a_refused_call_is_logged_once_by_its_number)
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

Test(confine, no_capability_is_left)
{
	cr_assert_eq(fate(NOBODY, capabilities_left), 0);
	if (geteuid() == 0)
		cr_assert_eq(fate(NOBODY, capabilities_left_to_nobody), 0);
}

Test(confine, root_becomes_the_named_user_for_good)
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

Test(confine, a_kernel_without_landlock_stops_the_start_only_when_it_is_required)
{
	cr_assert_eq(fate(NOBODY, without_landlock), 0);
}
