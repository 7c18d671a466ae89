/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's memory functions: the C library's own, but what is freed is wiped first, whoever frees it,
 * and when there is no more the reserve helps out.  Libraries copy what we told them (a token, a form, a TLS
 * record) into blocks that they free as they stand.
 * Only the program links this; sanitizers have memory functions of their own, and another C library than
 * glibc lacks the doors used here.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/reserve.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#define EXPORTED __attribute__((visibility("default")))

/* glibc's: the same functions under names that a program cannot take from it
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *p);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

EXPORTED void *
malloc(size_t size)
{
	void *p = __libc_malloc(size);

	return p != NULL ? p : reserve_take(size);
}

EXPORTED void *
calloc(size_t count, size_t size)
{
	void *p = __libc_calloc(count, size);

	if (p != NULL || (size != 0 && count > SIZE_MAX / size) || (p = reserve_take(count * size)) == NULL)
		return p;
	return memset(p, 0, count * size);
}

static size_t
length_of(void *p)
{
	return reserve_has(p) ? reserve_len(p) : malloc_usable_size(p);
}

EXPORTED void
free(void *p)
{
	const int saved = errno; /* POSIX wants it kept */

	if (p == NULL)
		return;
	explicit_bzero(p, length_of(p));
	if (reserve_has(p))
		reserve_give(p);
	else
		__libc_free(p);
	errno = saved;
}

/* Never in the C library's way: that one may leave the old block behind as it is. */
EXPORTED void *
realloc(void *p, size_t size)
{
	const size_t had = p == NULL ? 0 : length_of(p);
	void *moved;

	if (p != NULL && size == 0) {
		free(p);
		return NULL;
	}
	if (size <= had && size >= had / 2)
		return p;
	if ((moved = malloc(size)) == NULL || p == NULL)
		return moved;
	memcpy(moved, p, had < size ? had : size);
	free(p);
	return moved;
}

EXPORTED void *
memalign(size_t alignment, size_t size)
{
	return __libc_memalign(alignment, size);
}

EXPORTED void *
aligned_alloc(size_t alignment, size_t size)
{
	return __libc_memalign(alignment, size);
}

EXPORTED int
posix_memalign(void **out, size_t alignment, size_t size)
{
	const int saved = errno;
	void *p;

	if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
		return EINVAL;
	p = __libc_memalign(alignment, size);
	errno = saved;
	if (p == NULL)
		return ENOMEM;
	*out = p;
	return 0;
}

#endif
