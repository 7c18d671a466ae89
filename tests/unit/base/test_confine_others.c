/* SPDX-License-Identifier: Apache-2.0 */
/* The two processes beside the service: who delivers connects to others and to nothing of ours; who runs the
 * operators' program, and that program, reach everything but the registry. */
#include "world.h"

#include <netdb.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/un.h>

TestSuite(confine_others, .init = open_world, .fini = close_world);

static enum rc
confine_client(void)
{
	const struct confine_path rows[] = { { world.store, CONFINE_READ | CONFINE_WRITE | CONFINE_REPLACE },
		{ "/etc", CONFINE_READ | CONFINE_CONNECT }, { "/usr", CONFINE_READ } };
	struct confine_report report = { 0 };
	struct fault f = { 0 };
	enum rc rc;

	confine_memory();
	if ((rc = confine_user(NULL, &report, &f)) != RC_OK)
		return rc;
	if ((rc = confine_files(rows, COUNT_OF(rows), CONFINE_REQUIRE, &report, &f)) != RC_OK)
		return rc;
	return confine_calls(CONFINE_CLIENT, CONFINE_REQUIRE, &report, &f);
}

/* The store stands for a registry with keys in it, the vault for keys elsewhere; a directory that is not
 * there hides nothing. */
static enum rc
confine_program(void)
{
	char inside[128];
	const char *const hidden[] = { world.store, inside, world.vault, world.gone, NULL };
	struct confine_report report = { 0 };
	struct fault f = { 0 };
	enum rc rc;

	(void)snprintf(inside, sizeof(inside), "%s/keys", world.store);
	confine_memory();
	if ((rc = dir_make(inside, 0700, &f)) != RC_OK || (rc = confine_user(NULL, &report, &f)) != RC_OK)
		return rc;
	if ((rc = confine_files_but(hidden, COUNT_OF(hidden), CONFINE_REQUIRE, &report, &f)) != RC_OK)
		return rc;
	return confine_calls(CONFINE_PROGRAM, CONFINE_REQUIRE, &report, &f);
}

/* A link beside what is hidden, as a file system lists it that tells no kinds. */
static enum rc
confine_to_link(void)
{
	char link[128];
	const struct confine_path rows[] = { { link, CONFINE_ALL } };
	struct confine_report report = { 0 };
	struct fault f = { 0 };
	enum rc rc;

	(void)snprintf(link, sizeof(link), "%s/link", world.keyring);
	if ((rc = confine_user(NULL, &report, &f)) != RC_OK)
		return rc;
	return confine_files(rows, COUNT_OF(rows), CONFINE_REQUIRE, &report, &f);
}

static int
fate_of(enum rc (*confined)(void), int (*fn)(void))
{
	int status;
	const pid_t child = fork();

	if (child == 0) {
		const int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);

		(void)dup2(quiet, STDERR_FILENO);
		_exit(confined() != RC_OK ? 254 : fn());
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- attempts ---- */

static int
try_connect(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return answer(
	    fd >= 0 && connect(fd, (const struct sockaddr *)&world.listener, sizeof(world.listener)) == 0);
}

static int
try_lookup(void)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	const int failed = getaddrinfo("localhost", "443", &hints, &found);

	if (failed == 0)
		freeaddrinfo(found);
	return failed == 0 ? 0 : 1;
}

static int
try_state(void)
{
	char path[128];
	struct fault f = { 0 };

	(void)snprintf(path, sizeof(path), "%s/data", world.store);
	return file_write(path, bytes_str("7"), 0600, &f) == RC_OK ? reads(path) : 1;
}

static int
try_key(void)
{
	return reads(world.root);
}

static int
try_ring(void)
{
	return reads(world.ring);
}

static int
try_cert(void)
{
	return reads(world.cert);
}

static int
try_program(void)
{
	char *const argv[] = { (char[]){ "true" }, NULL };

	(void)execv("/bin/true", argv);
	return errno;
}

static int
try_cat_ring(void)
{
	static char command[] = "/bin/cat";
	char *const argv[] = { command, world.ring, NULL };

	(void)execv(command, argv);
	return errno;
}

static int
try_listen(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return answer(fd >= 0 && listen(fd, 1) == 0);
}

static int
try_executable_memory(void)
{
	return answer(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0) != MAP_FAILED);
}

static int
try_attaching(void)
{
	return answer(ptrace(PTRACE_ATTACH, world.witness, NULL, NULL) == 0);
}

static int
try_mounting(void)
{
	return answer(mount("none", world.keyring, "tmpfs", 0, NULL) == 0);
}

static int
try_beside_what_is_hidden_twice(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/beside", world.store);
	return reads(path);
}

static int
try_through_a_link(void)
{
	char link[128], path[160];

	(void)snprintf(link, sizeof(link), "%s/link", world.keyring);
	(void)snprintf(path, sizeof(path), "%s/ring", link);
	return reads(path);
}

static int
try_moving_it_away(void)
{
	char to[128];

	(void)snprintf(to, sizeof(to), "%s/moved", world.keyring);
	return answer(rename(world.vault, to) == 0);
}

static int
try_listing_the_way(void)
{
	const int fd = open(world.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return answer(fd >= 0);
}

/* ---- what becomes of them ---- */

Test(confine_others, who_delivers_can_do_its_work)
{
	cr_expect_eq(fate_of(confine_client, try_connect), 0);
	cr_expect_eq(fate_of(confine_client, try_lookup), 0);
	cr_expect_eq(fate_of(confine_client, try_state), 0);
}

Test(confine_others, who_delivers_reaches_no_key_no_ring_and_no_program)
{
	cr_expect_eq(fate_of(confine_client, try_key), EACCES);
	cr_expect_eq(fate_of(confine_client, try_ring), EACCES);
	cr_expect_neq(fate_of(confine_client, try_program), 0);
	if (!HAS_CALLS)
		return;
	cr_expect_eq(fate_of(confine_client, try_program), -SIGSYS);
	cr_expect_eq(fate_of(confine_client, try_attaching), -SIGSYS);
	cr_expect_eq(fate_of(confine_client, try_listen), EPERM);
	cr_expect_eq(fate_of(confine_client, try_executable_memory), EPERM);
	cr_expect_eq(fate_of(confine_client, try_mounting), -SIGSYS);
}

Test(confine_others, who_runs_a_program_can_and_the_program_reaches_what_is_not_hidden)
{
	char inside[128];

	cr_expect_eq(fate_of(confine_program, try_program), 0);
	cr_expect_eq(fate_of(confine_program, try_connect), 0);
	cr_expect_eq(fate_of(confine_program, try_lookup), 0);
	cr_expect_eq(fate_of(confine_program, try_key), 0, "keys are not among the hidden here");
	cr_expect_eq(fate_of(confine_program, try_cert), 0);
	(void)snprintf(inside, sizeof(inside), "%s/keys", world.store);
	cr_assert_eq(rmdir(inside), 0);
}

Test(confine_others, neither_it_nor_the_program_reaches_what_is_hidden)
{
	char link[128], beside[128], inside[128];

	(void)snprintf(link, sizeof(link), "%s/link", world.keyring);
	(void)snprintf(beside, sizeof(beside), "%s/beside", world.store);
	(void)snprintf(inside, sizeof(inside), "%s/keys", world.store);
	put(beside);
	cr_expect_eq(fate_of(confine_program, try_beside_what_is_hidden_twice), EACCES,
	    "one of the hidden lies in another");
	cr_assert_eq(symlink(world.vault, link), 0);
	cr_expect_eq(fate_of(confine_program, try_ring), EACCES);
	cr_expect_eq(fate_of(confine_program, try_cat_ring), 1, "cat inherits it");
	cr_expect_eq(fate_of(confine_program, try_through_a_link), EACCES);
	cr_expect_eq(fate_of(confine_to_link, try_ring), EACCES, "a link's rule opens what it leads to");
	cr_expect_neq(fate_of(confine_program, try_moving_it_away), 0);
	cr_expect_eq(fate_of(confine_program, try_listing_the_way), EACCES);
	cr_expect_neq(fate_of(confine_program, try_attaching), 0);
	cr_expect_neq(fate_of(confine_program, try_mounting), 0);
	cr_assert_eq(unlink(link), 0);
	cr_assert_eq(unlink(beside), 0);
	cr_assert_eq(rmdir(inside), 0);
}
