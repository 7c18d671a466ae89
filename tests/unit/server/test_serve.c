/* SPDX-License-Identifier: Apache-2.0 */
/* The attacker has taken the service over after it gave up its files: which of a real data directory can it
 * still read? */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "server/serve.h"

static struct serve_options options;
static char dir[64];

/* All that lies in a registry, but for the lists that are read at the start only. */
static const struct {
	const char *name;
	bool is_reachable;
} files[] = {
	{ "store/data.mdb", true },
	{ "keyring/ring", true },
	{ "keys/tls/server.crt", true },
	{ "keys/tls/server.key", true },
	{ "ca.crt", true },
	{ "vault/ring", false },
	{ "vault/quota", false },
	{ "keys/record.root", false },
	{ "keys/location.root", false },
	{ "keys/token.key", false },
	{ "keys/ca.key", false },
	{ "keys/audit.key", false },
	{ "devices/admin.key", false },
	{ "host", false },
	{ "control.sock", false },
};

static void
open_registry(void)
{
	const char *const dirs[] = { "store", "keyring", "vault", "keys", "keys/tls", "devices" };
	struct fault f = { 0 };
	char path[256];

	(void)snprintf(dir, sizeof(dir), "/tmp/menedek-serve-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	cr_assert(paths_of(&options.paths, dir, NULL));
	for (size_t i = 0; i < COUNT_OF(dirs); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, dirs[i]);
		cr_assert_eq(dir_make(path, 0700, &f), RC_OK);
	}
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
		cr_assert_eq(file_write(path, bytes_str("x"), 0600, &f), RC_OK);
	}
	options.sandbox = CONFINE_REQUIRE;
}

static void
remove_registry(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(serve, .init = open_registry, .fini = remove_registry);

/* How the child ends: 0 when ${file} could be read, its error when not, 255 when it was not confined. */
static int
fate(const char *file, bool is_confined)
{
	struct confine_report report = { 0 };
	struct fault f = { 0 };
	char path[256], c;
	int status, fd;
	const pid_t child = fork();

	if (child != 0) {
		cr_assert_eq(waitpid(child, &status, 0), child);
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	if (is_confined && serve_confine_files(&options, &report, &f) != RC_OK)
		_exit(255);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	_exit(fd >= 0 && read(fd, &c, 1) == 1 ? 0 : errno);
}

Test(serve, a_taken_over_service_reads_its_store_and_no_key_of_the_vault)
{
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		cr_expect_eq(fate(files[i].name, false), 0, "the control: %s", files[i].name);
		cr_expect_eq(
		    fate(files[i].name, true), files[i].is_reachable ? 0 : EACCES, "%s", files[i].name);
	}
}

Test(serve, a_certificate_beside_the_root_keys_stops_the_start)
{
	struct confine_report report = { 0 };
	struct fault f = { 0 };
	char keys[128];

	(void)snprintf(keys, sizeof(keys), "%s/keys", dir);
	cr_assert(paths_use_tls(&options.paths, keys));
	cr_assert_eq(serve_confine_files(&options, &report, &f), RC_INVALID);
	cr_assert(paths_use_tls(&options.paths, dir));
	cr_assert_eq(serve_confine_files(&options, &report, &f), RC_INVALID);
}
