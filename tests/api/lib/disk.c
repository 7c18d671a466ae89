/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that hangs or fails on a test's word: preloaded, it looks at one byte of a shared file at each sync
 * of the store. 'h' hangs until it is something else, 'f' fails with EIO, anything else lets it through.  's'
 * hangs where the one file that DISK_FILE names is synced. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const volatile char *mode;

/* Before the service gives up its right to open files. */
__attribute__((constructor)) static void
look_at_control(void)
{
	const char *path = getenv("DISK_CONTROL");
	const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page = fd >= 0 ? mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (page != MAP_FAILED)
		mode = page;
	if (fd >= 0)
		close(fd);
}

int
fdatasync(int fd)
{
	int (*real)(int) = NULL;

	*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	while (mode && *mode == 'h')
		usleep(5000);
	if (mode && *mode == 'f') {
		errno = EIO;
		return -1;
	}
	return real(fd);
}

static int
is_the_file(int fd)
{
	const char *file = getenv("DISK_FILE");
	char link[64], path[PATH_MAX] = "";

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return file && readlink(link, path, sizeof(path) - 1) > 0 && strcmp(path, file) == 0;
}

int
fsync(int fd)
{
	int (*real)(int) = NULL;

	*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	while (mode && *mode == 's' && is_the_file(fd))
		usleep(5000);
	return real(fd);
}
