/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the service and its vault: counts what they ask of the disk and of the memory, and lets the
 * Nth request, or all from the Nth on, go wrong.  A test arms it through a shared file of words (faults.mjs).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* LOSE is the mutant: a disk that says yes and writes nothing. */
enum { NOTHING, KILL, ERROR_IO, ERROR_SPACE, SHORT, LOSE };

/* The same words stand in faults.mjs. */
struct control {
	atomic_uint disk_action, disk_at, disk_count, disk_hits, disk_goes_on;
	atomic_uint memory_is_armed, memory_at, memory_count, memory_hits, memory_goes_on;
};

/* The mutant: a library that reads through the null pointer. */
#define DIES 2

static struct control *control;

/* Where it fell, for who reads the log: nothing of it is caught. */
static void
say_where(int number)
{
	void *frames[48];
	const int n = backtrace(frames, 48);

	backtrace_symbols_fd(frames, n, 2);
	signal(number, SIG_DFL);
	raise(number);
}

/* Before the service gives up its right to open files. */
__attribute__((constructor)) static void
look_at_control(void)
{
	const char *path = getenv("FAULTS_CONTROL");
	const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *page = MAP_FAILED;

	void *first[1];

	(void)backtrace(first, 1); /* loads what it needs */
	signal(SIGSEGV, say_where);
	signal(SIGABRT, say_where);
	if (fd >= 0)
		page = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED)
		control = page;
	if (fd >= 0)
		close(fd);
}

static int
is_turn(atomic_uint *count, atomic_uint *at, atomic_uint *goes_on, atomic_uint *hits)
{
	const unsigned number = atomic_fetch_add(count, 1) + 1;
	const unsigned wanted = atomic_load(at);

	if (wanted == 0 || (number != wanted && !(atomic_load(goes_on) && number > wanted)))
		return 0;
	atomic_fetch_add(hits, 1);
	return 1;
}

/* What this call shall do; NOTHING out of the ordinary mostly. */
static unsigned
disk_turn(int fd)
{
	struct stat st;

	if (control == NULL || atomic_load(&control->disk_action) == NOTHING)
		return NOTHING;
	if (fd >= 0 && (fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) || fd <= 2))
		return NOTHING;
	if (!is_turn(&control->disk_count, &control->disk_at, &control->disk_goes_on, &control->disk_hits))
		return NOTHING;
	if (atomic_load(&control->disk_action) == KILL)
		syscall(SYS_exit_group, 137); /* nothing of the program runs after this */
	return atomic_load(&control->disk_action);
}

#define REAL(name, ...) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))(__VA_ARGS__)

static int
fails(unsigned turn)
{
	if (turn != ERROR_IO && turn != ERROR_SPACE)
		return 0;
	errno = turn == ERROR_IO ? EIO : ENOSPC;
	return 1;
}

ssize_t
pwrite(int fd, const void *p, size_t len, off_t at)
{
	const unsigned turn = disk_turn(fd);

	if (fails(turn))
		return -1;
	if (turn == LOSE)
		return (ssize_t)len;
	return REAL(pwrite, fd, p, turn == SHORT && len > 1 ? len / 2 : len, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t len, off_t at)
{
	return pwrite(fd, p, len, at);
}

static ssize_t
length_of(const struct iovec *v, int n)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += v[i].iov_len;
	return (ssize_t)len;
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	const unsigned turn = disk_turn(fd);

	if (fails(turn))
		return -1;
	if (turn == LOSE)
		return length_of(v, n);
	if (turn == SHORT)
		return REAL(pwrite, fd, v[0].iov_base, v[0].iov_len / 2, at);
	return REAL(pwritev, fd, v, n, at);
}

ssize_t
pwritev64(int fd, const struct iovec *v, int n, off_t at)
{
	return pwritev(fd, v, n, at);
}

/* How LMDB writes pages that lie side by side, after lseek. */
ssize_t
writev(int fd, const struct iovec *v, int n)
{
	const unsigned turn = disk_turn(fd);

	if (fails(turn))
		return -1;
	if (turn == LOSE)
		return length_of(v, n);
	if (turn == SHORT)
		return REAL(write, fd, v[0].iov_base, v[0].iov_len / 2);
	return REAL(writev, fd, v, n);
}

ssize_t
write(int fd, const void *p, size_t len)
{
	const unsigned turn = disk_turn(fd);

	if (fails(turn))
		return -1;
	if (turn == LOSE)
		return (ssize_t)len;
	return REAL(write, fd, p, turn == SHORT && len > 1 ? len / 2 : len);
}

int
fdatasync(int fd)
{
	const unsigned turn = disk_turn(fd);

	return fails(turn) ? -1 : REAL(fdatasync, fd);
}

int
fsync(int fd)
{
	const unsigned turn = disk_turn(fd);

	return fails(turn) ? -1 : REAL(fsync, fd);
}

int
ftruncate(int fd, off_t len)
{
	const unsigned turn = disk_turn(fd);

	return fails(turn) ? -1 : REAL(ftruncate, fd, len);
}

int
ftruncate64(int fd, off_t len)
{
	return ftruncate(fd, len);
}

int
rename(const char *from, const char *to)
{
	const unsigned turn = disk_turn(-1);

	return fails(turn) ? -1 : REAL(rename, from, to);
}

/* memory: the program's own malloc asks glibc by these names (src/base/wiping_free.c) */

static int
memory_fails(void)
{
	if (control == NULL || atomic_load(&control->memory_is_armed) == 0)
		return 0;
	if (!is_turn(
		&control->memory_count, &control->memory_at, &control->memory_goes_on, &control->memory_hits))
		return 0;
	if (atomic_load(&control->memory_goes_on) == DIES)
		raise(SIGSEGV);
	errno = ENOMEM;
	return 1;
}

void *
__libc_malloc(size_t len)
{
	static void *(*real)(size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "__libc_malloc");
	return memory_fails() ? NULL : real(len);
}

void *
__libc_calloc(size_t count, size_t len)
{
	static void *(*real)(size_t, size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "__libc_calloc");
	return memory_fails() ? NULL : real(count, len);
}

void *
__libc_memalign(size_t align, size_t len)
{
	static void *(*real)(size_t, size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "__libc_memalign");
	return memory_fails() ? NULL : real(align, len);
}
