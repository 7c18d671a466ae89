/* SPDX-License-Identifier: Apache-2.0 */
/* A wall clock that is ahead by as many seconds as a shared page says; timers run as ever.  Preloaded for
 * years of traffic, where libfaketime costs too much: it reads a file at each look at a clock, and a wait of
 * seconds on the steady clock ends at once under it, so that threads which should sleep are awake all the
 * time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real)(clockid_t, struct timespec *);
static const volatile int64_t *ahead;

/* Before the service gives up its right to open files. */
__attribute__((constructor)) static void
look_at_page(void)
{
	const char *path = getenv("LEAP_SECONDS");
	const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page = fd >= 0 ? mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	if (page != MAP_FAILED)
		ahead = page;
	if (fd >= 0)
		close(fd);
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	int rc;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	rc = real(clock, out);
	if (rc == 0 && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		out->tv_sec += *ahead;
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec now = { 0, 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *out, void *zone)
{
	struct timespec now = { 0, 0 };
	const int rc = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	*out = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
	return rc;
}
