/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Nth request for memory of one thread is refused, once: of our own code, and of the C library for it
 * (strdup). What other libraries ask for is refused where a test says so; some end the process then, which is
 * what the program's reserve is for (base/reserve.h).  A sanitizer's allocator cannot be taken the place of:
 * such a test begins with NEEDS_FAMINE.
 */
#ifndef MENEDEK_TEST_FAMINE_H
#define MENEDEK_TEST_FAMINE_H

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/rc.h"

/* the coverage build, by clang, says that it is one and is none */
#if defined(__SANITIZE_ADDRESS__) || (defined(__SANITIZE_THREAD__) && !defined(__clang__))
#define NEEDS_FAMINE()     cr_skip_test("not under a sanitizer")
#define FAMINE_IS_POSSIBLE 0
#else
#define NEEDS_FAMINE()     ((void)0)
#define FAMINE_IS_POSSIBLE 1
#endif

static _Thread_local unsigned famine_in; /* so many requests from now one is refused; 0: none */
/* whose requests count besides: a part of its file's name, "": all */
__attribute__((unused)) static const char *famine_library;

#if FAMINE_IS_POSSIBLE
/* glibc's own, under the names that it keeps for who replaces them
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

#define FAMINE_SEEN __attribute__((visibility("default")))

/* Does ${who}, a place in the code, lie in the program or in the C library? */
static bool
famine_is_ours(void *who)
{
	void *const known[] = { (void *)famine_is_ours, (void *)strdup };
	struct dl_find_object asks, k;

	if (_dl_find_object(who, &asks) != 0)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (_dl_find_object(known[i], &k) == 0 && k.dlfo_link_map == asks.dlfo_link_map)
			return true;
	return famine_library != NULL && strstr(asks.dlfo_link_map->l_name, famine_library) != NULL;
}

static bool
famine_strikes(void *who)
{
	if (famine_in == 0 || !famine_is_ours(who) || --famine_in > 0)
		return false;
	errno = ENOMEM;
	return true;
}

FAMINE_SEEN void *
malloc(size_t size)
{
	return famine_strikes(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

FAMINE_SEEN void *
calloc(size_t count, size_t size)
{
	return famine_strikes(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

FAMINE_SEEN void *
realloc(void *p, size_t size)
{
	return famine_strikes(__builtin_return_address(0)) ? NULL : __libc_realloc(p, size);
}

/* and not the program's (base/wiping_free.c), with which the others would come a second time */
FAMINE_SEEN void
free(void *p)
{
	__libc_free(p);
}
#endif

typedef enum rc famine_fn(void *arg);

/*
 * ${fn} with its Nth request for memory refused, for each N, until it asks for no more; it must free what it
 * got. It may do without, but may fail with nothing but RC_UNAVAILABLE, RC_TOO_BIG or ${other}.  Returns how
 * many requests were refused.
 */
static inline unsigned
famine_each(famine_fn *fn, void *arg, enum rc other)
{
	for (unsigned n = 1;; n++) {
		unsigned left;
		enum rc rc;

		famine_in = n;
		rc = fn(arg);
		left = famine_in;
		famine_in = 0;
		if (left > 0) {
			cr_assert_eq(rc, RC_OK, "left alone: %d", rc);
			return n - 1;
		}
		cr_assert(rc == RC_OK || rc == RC_UNAVAILABLE || rc == RC_TOO_BIG || rc == other,
		    "request %u refused: %d", n, rc);
	}
}

#endif
