/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a host's PostgreSQL: each fsync takes as many milliseconds longer as the first word of the
 * shared file SLOW_DISK says, and the second word counts them.  The tests write the one and read the other
 * (lib/host.mjs).
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct control {
	atomic_uint delay_ms, count;
};

static struct control *control;

__attribute__((constructor)) static void
look_at_control(void)
{
	const char *path = getenv("SLOW_DISK");
	const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *page;

	if (fd < 0)
		return;
	page = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	control = page == MAP_FAILED ? NULL : page;
	close(fd);
}

static void
dawdle(void)
{
	const unsigned ms = control ? atomic_load(&control->delay_ms) : 0;
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	if (ms == 0)
		return;
	atomic_fetch_add(&control->count, 1);
	while (nanosleep(&left, &left) != 0)
		continue;
}

static int
then(const char *name, int fd)
{
	int (*real)(int);

	*(void **)&real = dlsym(RTLD_NEXT, name);
	dawdle();
	return real(fd);
}

int
fsync(int fd)
{
	return then("fsync", fd);
}

int
fdatasync(int fd)
{
	return then("fdatasync", fd);
}
