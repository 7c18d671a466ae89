/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attacker has taken a confined process over: it runs as it, with its memory and descriptors, and tries
 * to get out. Each attempt is made by a child that was confined as the product is; the kernel says how it
 * ended.
 */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

TestSuite(confine, .init = open_world, .fini = close_world);

/* ---- the attempts ---- */

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

/* ENOPROTOOPT is what makes the HTTP library stop asking. */
static int
try_cork(void)
{
	const int on = 1;

	return answer(setsockopt(world.listen_fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)) == 0);
}

static int
try_no_delay(void)
{
	const int on = 1;

	return answer(setsockopt(world.listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
}

static int
try_patience(void)
{
	const struct timeval second = { .tv_sec = 1 };

	return answer(setsockopt(world.listen_fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)) == 0);
}

/* ---- running them ---- */

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
	{ "cork", try_cork, ENOPROTOOPT, DIES, 0, 0 },
	{ "no delay", try_no_delay, ENOPROTOOPT, DIES, 0, 0 },
	{ "patience", try_patience, 0, DIES, 0, 0 },
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
