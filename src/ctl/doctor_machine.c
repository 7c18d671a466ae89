/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of the machine: clock, disk, the running service and what it was confined by. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ctl/ask.h"
#include "ctl/doctor.h"

#define PATH     512u
#define MIB      (1024u * 1024)
#define FULL_MIB 256                         /* a night of a busy desk, and its journal */
#define LOW_MIB  2048                        /* weeks */
#define MAP      (UINT64_C(64) * 1024 * MIB) /* what the store may grow to (store/lmdb.c) */
#define MAP_LOW  70                          /* per cent */
#define SLACK    5                           /* seconds by which a file system's clock may be ahead */

/* ---- clock and room ---- */

static bool
stat_data(const struct doctor *d, struct stat *st)
{
	char path[PATH];

	return path_join(path, sizeof(path), d->paths.store, "data.mdb") && stat(path, st) == 0;
}

void
doctor_clock(struct doctor *d)
{
	const int64_t now = clock_now();
	struct timex t = { .modes = 0 };
	struct stat st;
	char text[21];

	time_format(now, text);
	if (stat_data(d, &st) && st.st_mtim.tv_sec > now + SLACK) {
		time_format(st.st_mtim.tv_sec, text);
		doctor_say(d, DOCTOR_CLOCK_BACK, text);
		return;
	}
	doctor_say(d,
	    adjtimex(&t) < 0 || (t.status & STA_UNSYNC) != 0 ? DOCTOR_CLOCK_LOOSE : DOCTOR_CLOCK_FINE, text);
}

void
doctor_disk(struct doctor *d)
{
	struct statvfs room;
	uint64_t mib;

	if (statvfs(d->paths.dir, &room) != 0) {
		doctor_say(d, DOCTOR_DIR_GONE, d->paths.dir);
		return;
	}
	mib = (uint64_t)room.f_bavail * room.f_frsize / MIB;
	doctor_say_number(d,
	    mib < FULL_MIB      ? DOCTOR_DISK_FULL
		: mib < LOW_MIB ? DOCTOR_DISK_LOW
				: DOCTOR_DISK_FINE,
	    (int64_t)mib);
}

void
doctor_map(struct doctor *d)
{
	struct stat st;
	uint64_t share;

	if (!stat_data(d, &st)) {
		doctor_say(d, DOCTOR_FILE_GONE, "data.mdb");
		return;
	}
	share = (uint64_t)st.st_size / (MAP / 100);
	doctor_say_number(d, share >= MAP_LOW ? DOCTOR_MAP_LOW : DOCTOR_MAP_FINE, (int64_t)share);
}

/* ---- the service ---- */

/* The process that listens at ${path}: the kernel kept who it was when it began. */
static pid_t
listener_of(const char *path)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct ucred who = { .pid = 0 };
	socklen_t len = sizeof(who);

	if (fd < 0)
		return 0;
	if (!str_copy(at.sun_path, sizeof(at.sun_path), path) ||
	    connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		who.pid = 0;
	(void)close(fd);
	return who.pid;
}

static void
hear(void *arg, const char *text, size_t len)
{
	*(bool *)arg = memmem(text, len, "\"done\"", 6) != NULL;
}

void
doctor_service(struct doctor *d)
{
	bool is_answered = false;
	const enum rc rc = ask_service(d->paths.control, "status", hear, &is_answered);

	if (rc == RC_FORBIDDEN)
		doctor_say(d, DOCTOR_SERVICE_DENIED, d->paths.control);
	else if (rc != RC_OK || !is_answered)
		doctor_say(d, DOCTOR_SERVICE_DOWN, d->paths.control);
	else
		doctor_say_number(d, DOCTOR_SERVICE_FINE, d->service = listener_of(d->paths.control));
}

/* The number after ${name} in /proc/PID/status, read in base ${base}; -1 when there is none. */
static long
status_of(pid_t pid, const char *name, int base)
{
	char path[64], line[256];
	FILE *file;
	long value = -1;

	(void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	if ((file = fopen(path, "re")) == NULL)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name), NULL, base);
	(void)fclose(file);
	return value;
}

static bool
has_landlock(void)
{
	char line[256] = "";
	FILE *file = fopen("/sys/kernel/security/lsm", "re");

	if (file == NULL)
		return true; /* it cannot be told here; the service says so in its log */
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	(void)fclose(file);
	return strstr(line, "landlock") != NULL;
}

void
doctor_sandbox(struct doctor *d)
{
	const long filter = d->service == 0 ? -1 : status_of(d->service, "Seccomp:", 10);

	if (filter < 0)
		doctor_say(d, DOCTOR_SANDBOX_SKIPPED, "/proc/PID/status");
	else if (filter != 2 || status_of(d->service, "NoNewPrivs:", 10) != 1 ||
	    status_of(d->service, "CapEff:", 16) != 0)
		doctor_say_number(d, DOCTOR_SANDBOX_NONE, d->service);
	else
		doctor_say_number(d, has_landlock() ? DOCTOR_SANDBOX_FINE : DOCTOR_LANDLOCK_NONE, d->service);
}
