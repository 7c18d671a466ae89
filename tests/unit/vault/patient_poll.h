/* SPDX-License-Identifier: Apache-2.0 */
/* For programs that ask a vault of their own: one more poll(), in place of the C library's. */
#ifndef MENEDEK_TEST_PATIENT_POLL_H
#define MENEDEK_TEST_PATIENT_POLL_H

#include <dlfcn.h>
#include <poll.h>

/* What who asks the vault waits for longer than he would: a machine that stands still for a few seconds is
 * no vault that keeps silent.  0: as long as he would. */
static int grace_ms = 20000;

int
poll(struct pollfd *fds, nfds_t count, int ms)
{
	int (*real)(struct pollfd *, nfds_t, int);

	*(void **)(void *)&real = dlsym(RTLD_NEXT, "poll");
	return real(fds, count, ms < 0 ? ms : ms + grace_ms);
}

#endif
