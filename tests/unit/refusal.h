/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of the C library that refuse when a test says so, as far as our own code calls them: the program
 * is linked against what is defined here, the libraries are not.  Each test names those that it needs:
 *
 *   REFUSABLE(int, fsync, (int fd), (fd), refusal_error(EIO))
 *   refuse_fsync = 1;      the next call is refused, the one after it is not
 */
#ifndef MENEDEK_TEST_REFUSAL_H
#define MENEDEK_TEST_REFUSAL_H

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Is this call, of whatever thread, the one that ${left} was set to count down to? */
static inline bool
refusal_strikes(atomic_uint *left)
{
	unsigned n = atomic_load(left);

	while (n > 0)
		if (atomic_compare_exchange_weak(left, &n, n - 1))
			return n == 1;
	return false;
}

static inline int
refusal_error(int error)
{
	errno = error;
	return -1;
}

/* The function that stands behind ours, the sanitizer's if there is one. */
#define REFUSAL_REAL(name, real) *(void **)(void *)&(real) = dlsym(RTLD_NEXT, #name)

#define REFUSABLE(type, name, parameters, arguments, refused) \
	static atomic_uint refuse_##name;                     \
	type name parameters                                  \
	{                                                     \
		type(*real) parameters;                       \
                                                              \
		if (refusal_strikes(&refuse_##name))          \
			return refused;                       \
		REFUSAL_REAL(name, real);                     \
		return real arguments;                        \
	}

#endif
