/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One house's events on their way to one address: fetched from the service one at a time (server/outbox.h),
 * posted over mutual TLS 1.3, tried again until they are taken or given up, and remembered on disk.  At least
 * once: a receiver tells a repeat by the event's id.  One thread each, so that a receiver that hangs holds up
 * nobody else; the service waits for none of them.
 */
#ifndef MENEDEK_COURIER_H
#define MENEDEK_COURIER_H

#include <stdatomic.h>

#include "base/id.h"
#include "crypto/signing.h"
#include "wire.h"

#define HOOK_PATH      512u
#define COURIER_SECRET 32u

struct hook {
	struct id house;
	struct wire_address to;
	char path[HOOK_PATH];  /* of the URL */
	char state[HOOK_PATH]; /* file of the last event that was dealt with: its number and time */
	struct wire_identity *identity;
};

struct courier {
	const struct hook *hook;
	const struct signing_key *key;
	const uint8_t *secret; /* COURIER_SECRET bytes that ids are made with: the same whichever key signs */
	const char *outbox;    /* the service's socket */
	int64_t give_up_ms;
	const atomic_bool *is_stopping;
};

/** Deliver until *is_stopping; ${arg} is a struct courier.  For a thread. */
void *courier_run(void *arg);

/** "https://HOST:PORT/PATH": what a URL of a hook must be. */
MUST_USE bool courier_address(const char *url, struct hook *out);

#endif
