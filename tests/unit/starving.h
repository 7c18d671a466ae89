/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process without memory: whatever is asked for is refused until it is fed.  A sanitizer's allocator would
 * end the process instead, so such a test begins with NEEDS_HUNGER.
 */
#ifndef MENEDEK_TEST_STARVING_H
#define MENEDEK_TEST_STARVING_H

#include <stdlib.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

/* the coverage build, by clang, says that it is one and is none */
#if defined(__SANITIZE_ADDRESS__) || (defined(__SANITIZE_THREAD__) && !defined(__clang__))
#define NEEDS_HUNGER() cr_skip_test("not under a sanitizer")
#else
#define NEEDS_HUNGER() ((void)0)
#endif

struct morsel {
	struct morsel *next;
};

/* Take all there is, down to the smallest piece of each size.  Returns it, for feed. */
static inline struct morsel *
starve(void)
{
	const struct rlimit none = { 0, RLIM_INFINITY };
	struct morsel *taken = NULL, *m;

	cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
	for (size_t size = (size_t)1 << 20; size >= 2048; size /= 2)
		for (; (m = malloc(size)) != NULL; taken = m)
			m->next = taken;
	for (size_t size = 2048; size >= sizeof(*m); size -= 8)
		for (; (m = malloc(size)) != NULL; taken = m)
			m->next = taken;
	return taken;
}

static inline void
feed(struct morsel *taken)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	while (taken != NULL) {
		struct morsel *next = taken->next;
		free(taken);
		taken = next;
	}
	cr_assert_eq(setrlimit(RLIMIT_AS, &all), 0);
}

#endif
