/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded to count what a request costs beside time: how often memory is asked for and how much, and what
 * memcpy and memmove carry.  Never while time is measured.  COUNTS names a file of four 64-bit numbers,
 * mapped by whoever was started with it; moves of a known small size are the compiler's and not seen.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct counts {
	_Atomic uint64_t allocations, allocated, moves, moved; /* bytes: the second and the fourth */
};

/* What a program that has memory functions of its own, as the service, calls in their place; and what the
 * compiler calls where it checks.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *__memcpy_chk(void *restrict to, const void *restrict from, size_t len, size_t room);
void *__memmove_chk(void *to, const void *from, size_t len, size_t room);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static struct counts early; /* before the file is mapped */
static struct counts *counts = &early;
static void *(*real_move)(void *to, const void *from, size_t len);
static void *(*real_malloc)(size_t size);
static void *(*real_calloc)(size_t count, size_t size);
static void *(*real_realloc)(void *old, size_t size);

static void
add(_Atomic uint64_t *times, _Atomic uint64_t *bytes, size_t len)
{
	atomic_fetch_add_explicit(times, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(bytes, len, memory_order_relaxed);
}

/* Others' constructors may come first. */
static void
find_real(void)
{
	if (real_realloc != NULL)
		return;
	*(void **)&real_malloc = dlsym(RTLD_NEXT, "__libc_malloc");
	*(void **)&real_calloc = dlsym(RTLD_NEXT, "__libc_calloc");
	*(void **)&real_realloc = dlsym(RTLD_NEXT, "__libc_realloc");
}

__attribute__((constructor)) static void
map_file(void)
{
	const char *name = getenv("COUNTS");
	const int fd = name == NULL ? -1 : open(name, O_RDWR | O_CLOEXEC);
	void *at = MAP_FAILED;

	find_real();
	*(void **)&real_move = dlsym(RTLD_NEXT, "memmove");
	if (fd >= 0) {
		at = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (at != MAP_FAILED)
		counts = at;
}

void *
__libc_malloc(size_t size)
{
	find_real();
	add(&counts->allocations, &counts->allocated, size);
	return real_malloc(size);
}

void *
__libc_calloc(size_t count, size_t size)
{
	find_real();
	add(&counts->allocations, &counts->allocated, count * size);
	return real_calloc(count, size);
}

void *
malloc(size_t size)
{
	return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	find_real();
	add(&counts->allocations, &counts->allocated, size);
	return real_realloc(old, size);
}

static void *
move(void *to, const void *from, size_t len)
{
	volatile unsigned char *a = to;
	const volatile unsigned char *b = from;

	add(&counts->moves, &counts->moved, len);
	if (real_move != NULL)
		return real_move(to, from, len);
	if ((uintptr_t)to < (uintptr_t)from) {
		for (size_t i = 0; i < len; i++)
			a[i] = b[i];
	} else {
		for (size_t i = len; i > 0; i--)
			a[i - 1] = b[i - 1];
	}
	return to;
}

void *
memcpy(void *restrict to, const void *restrict from, size_t len)
{
	return move(to, from, len);
}

void *
memmove(void *to, const void *from, size_t len)
{
	return move(to, from, len);
}

/* What was checked when it was compiled; too little room ends the program as glibc would end it. */
void *
__memcpy_chk(void *restrict to, const void *restrict from, size_t len, size_t room)
{
	if (len > room)
		abort();
	return move(to, from, len);
}

void *
__memmove_chk(void *to, const void *from, size_t len, size_t room)
{
	if (len > room)
		abort();
	return move(to, from, len);
}
