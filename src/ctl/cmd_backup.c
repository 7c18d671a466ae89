/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek backup, backup verify, restore: a whole registry in one sealed file or pipe, taken while the
 * service runs; tried by restoring it to a temporary place and checking all of it there.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ctl/backup.h"
#include "ctl/part.h"

#define PATH 512u

/* ---- taking ---- */

/* "20261121T150000Z" for names of files. */
static void
stamp(char out[21])
{
	size_t n = 0;
	char text[21];

	time_format(clock_now(), text);
	for (size_t i = 0; text[i] != '\0'; i++)
		if (text[i] != '-' && text[i] != ':')
			out[n++] = text[i];
	out[n] = '\0';
}

/* Where it goes in the end: ${out}, or a new file in the directory ${out}. */
static bool
find_target(const char *out, char target[PATH])
{
	char name[64], at[21];
	struct stat st;

	if (stat(out, &st) != 0 || !S_ISDIR(st.st_mode))
		return str_copy(target, PATH, out);
	stamp(at);
	(void)snprintf(name, sizeof(name), "menedek-%s.backup", at);
	return path_join(target, PATH, out, name);
}

static enum status
write_file(struct offline *o, const char *target)
{
	struct part part;
	enum status status;

	if ((status = part_open(&part, target, 0600)) != STATUS_OK)
		return status;
	return part_close(&part, backup_write(o, part.fd));
}

enum status
cmd_backup(const struct args *args)
{
	const char *out = args->value[OPT_OUT];
	const bool is_pipe = strcmp(out, "-") == 0;
	char target[PATH];
	struct offline o;
	enum status status;

	if (is_pipe && isatty(STDOUT_FILENO)) {
		talk_error("a backup is not for the terminal: --out FILE, or | another program");
		return STATUS_USAGE;
	}
	if (!is_pipe && !find_target(out, target)) {
		talk_error("%s: the path is too long", out);
		return STATUS_USAGE;
	}
	status = offline_open_to_read(args, &o);
	if (status == STATUS_OK)
		status = is_pipe ? backup_write(&o, STDOUT_FILENO) : write_file(&o, target);
	offline_close(&o);
	if (status == STATUS_OK)
		talk_step(args, "Backup in %s", is_pipe ? "standard output" : target);
	return status;
}

/* ---- putting back ---- */

static enum status
open_source(const struct args *args, int *fd)
{
	const char *from = args->value[OPT_FROM];

	*fd = STDIN_FILENO;
	if (strcmp(from, "-") == 0)
		return STATUS_OK;
	if ((*fd = open(from, O_RDONLY | O_CLOEXEC)) >= 0)
		return STATUS_OK;
	talk_error("%s: %s", from, strerror(errno));
	return STATUS_NOT_FOUND;
}

/* Restore to ${dir}; the keys lie where ${args} say. */
static enum status
restore_to(const struct args *args, const char *dir, const char *keys, char about[BACKUP_ABOUT_TEXT])
{
	struct paths paths;
	enum status status;
	int fd;

	if (!paths_of(&paths, dir, keys)) {
		talk_error("%s: the path is too long", dir);
		return STATUS_USAGE;
	}
	if ((status = open_source(args, &fd)) != STATUS_OK)
		return status;
	status = backup_restore(fd, &paths, about);
	if (fd != STDIN_FILENO)
		(void)close(fd);
	return status;
}

enum status
cmd_restore(const struct args *args)
{
	char about[BACKUP_ABOUT_TEXT];
	enum status status = restore_to(args, args_dir(args), args_keys(args), about);

	if (status != STATUS_OK)
		return status;
	(void)printf("%s\n", about);
	talk_step(args, "Restored to %s", args_dir(args));
	talk(args, "  now: menedek check --dir %s", args_dir(args));
	talk(args, "  before it serves: who and what was revoked since the backup would be let in again");
	talk(args, "  (menedek device list, user list; then device revoke, user retire, user passphrase)");
	talk(args,
	    "  and enter what stands on paper (menedek reconcile): what has run out since ends at the start");
	return STATUS_OK;
}

/* ---- verifying ---- */

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static bool
remove_all(const char *dir)
{
	return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0;
}

/* A process of its own, which removes what the trial restored once that has ended, by whatever. */
struct cleaner {
	pid_t pid;
	int line; /* it hears when nobody holds this any more */
};

/* Nothing of the trial's is held but where it says what is wrong: who feeds it, or reads what it found, does
 * not wait for this. */
static bool
stand_aside(int line)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE };
	const int null = open("/dev/null", O_RDWR);

	for (unsigned i = 0; i < COUNT_OF(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return false;
	if (line > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)line - 1, 0);
	(void)close_range((unsigned)line + 1, ~0u, 0);
	(void)setsid(); /* what ends all that the terminal started ends the trial alone */
	return true;
}

static _Noreturn void
clean(const char *dir, int line)
{
	char byte;

	if (!stand_aside(line))
		_exit(1);
	(void)!write(line, "", 1);
	while (read(line, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(remove_all(dir) ? 0 : 1);
}

/* Before anything else is opened, or a key read.  Where no process can be made the trial cleans up itself. */
static void
cleaner_start(struct cleaner *c, const char *dir)
{
	int pair[2];
	char byte;

	*c = (struct cleaner){ -1, -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return;
	if ((c->pid = fork()) == 0) {
		(void)close(pair[0]);
		clean(dir, pair[1]);
	}
	(void)close(pair[1]);
	c->line = pair[0];
	while (c->pid > 0 && read(c->line, &byte, 1) < 0 && errno == EINTR)
		;
}

static void
cleaner_end(struct cleaner *c, const char *dir)
{
	if (c->line >= 0)
		(void)close(c->line);
	while (c->pid > 0 && waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (file_exists(dir) && !remove_all(dir))
		talk_warning("%s could not be removed", dir);
}

/* Where the keys are when nobody said: beside the registry that this machine has. */
static bool
find_keys(const struct args *args, char keys[PATH])
{
	const char *named = args_keys(args);

	return named != NULL ? str_copy(keys, PATH, named) : path_join(keys, PATH, args_dir(args), "keys");
}

enum status
cmd_backup_verify(const struct args *args)
{
	const char *tmp = getenv("TMPDIR");
	struct args there = *args;
	char dir[PATH], keys[PATH], about[BACKUP_ABOUT_TEXT];
	struct cleaner cleaner;
	enum status status;

	if (!find_keys(args, keys) ||
	    !path_join(dir, sizeof(dir), tmp != NULL ? tmp : "/var/tmp", "menedek-verify-XXXXXX") ||
	    mkdtemp(dir) == NULL) {
		talk_error("no temporary directory can be made: set TMPDIR");
		return STATUS_ERROR;
	}
	/* what is restored is sealed, and the keys are not in it; but it is a whole registry */
	cleaner_start(&cleaner, dir);
	if ((status = restore_to(args, dir, keys, about)) == STATUS_OK) {
		talk_step(args, "All of it is readable: %s", about);
		there.value[OPT_DIR] = dir;
		there.value[OPT_KEYS] = keys;
		status = cmd_check(&there);
	}
	cleaner_end(&cleaner, dir);
	return status;
}
