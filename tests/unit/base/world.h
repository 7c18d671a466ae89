/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory in small, children that are confined as the product is, and how the kernel says they
 * ended.
 */
#ifndef MENEDEK_TEST_WORLD_H
#define MENEDEK_TEST_WORLD_H

#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

static inline void
put(const char *path)
{
	struct fault f = { 0 };

	cr_assert_eq(file_write(path, bytes_str("secret"), 0600, &f), RC_OK);
}

static inline void
name(char *out, const char *below)
{
	(void)snprintf(out, 96, "%s/%s", world.dir, below);
}

static inline void
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

static inline void
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

static inline void
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

static inline int
answer(bool is_done)
{
	return is_done ? 0 : errno;
}

/* Attempts give 0 when they worked, else the error. */
static inline int
reads(const char *path)
{
	char c;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return answer(fd >= 0 && read(fd, &c, 1) == 1);
}

static inline int
try_udp(void)
{
	return answer(socket(AF_INET, SOCK_DGRAM, 0) >= 0);
}

/* ---- running them ---- */

enum who { HTTP, VAULT, NOBODY };

static inline enum rc
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

static inline enum rc
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
static inline int
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

#endif
