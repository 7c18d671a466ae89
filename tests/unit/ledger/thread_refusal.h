/* SPDX-License-Identifier: Apache-2.0 */
/* What the threads of the trail ask of the system, refused when a test says so, and waits cut short. */
#ifndef MENEDEK_TEST_THREAD_REFUSAL_H
#define MENEDEK_TEST_THREAD_REFUSAL_H

#include <pthread.h>
#include <time.h>

#include "../refusal.h"

REFUSABLE(int, pthread_condattr_init, (pthread_condattr_t * a), (a), ENOMEM)
REFUSABLE(int, pthread_condattr_setclock, (pthread_condattr_t * a, clockid_t clock), (a, clock), EINVAL)
REFUSABLE(int, pthread_cond_init, (pthread_cond_t * c, const pthread_condattr_t *a), (c, a), ENOMEM)
REFUSABLE(int, pthread_create, (pthread_t * thread, const pthread_attr_t *a, void *(*fn)(void *), void *arg),
    (thread, a, fn, arg), EAGAIN)

/* Waits of seconds and hours take this many milliseconds; 0: what they take. */
static atomic_uint hasty_ms;

int
pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
	int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
	const unsigned ms = atomic_load(&hasty_ms);
	struct timespec soon = *until;

	if (ms > 0) {
		clock_gettime(CLOCK_MONOTONIC, &soon);
		soon.tv_nsec += (long)ms * 1000000;
		soon.tv_sec += soon.tv_nsec / 1000000000;
		soon.tv_nsec %= 1000000000;
	}
	REFUSAL_REAL(pthread_cond_timedwait, real);
	return real(c, m, &soon);
}

typedef enum rc thread_start_fn(void *arg);

/*
 * ${fn}, which starts something with a thread and a condition and ends it again, with each of them refused
 * once: it must say RC_UNAVAILABLE, and afterwards start.
 */
static inline void
threads_refused(thread_start_fn *fn, void *arg)
{
	static atomic_uint *const refuse[] = { &refuse_pthread_condattr_init,
		&refuse_pthread_condattr_setclock, &refuse_pthread_cond_init, &refuse_pthread_create };

	for (unsigned i = 0; i < sizeof(refuse) / sizeof(*refuse); i++) {
		atomic_store(refuse[i], 1);
		cr_expect_eq(fn(arg), RC_UNAVAILABLE, "refusal %u", i);
		cr_expect_eq(atomic_exchange(refuse[i], 0), 0, "refusal %u was not asked for", i);
	}
	cr_expect_eq(fn(arg), RC_OK);
}

#endif
