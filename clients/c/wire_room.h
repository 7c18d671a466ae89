/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of one connection share; nobody else includes it. */
#ifndef MENEDEK_WIRE_ROOM_H
#define MENEDEK_WIRE_ROOM_H

#include <openssl/ssl.h>

#include "wire.h"

struct wire_identity {
	SSL_CTX *context;
	const atomic_bool *is_over; /* or NULL */
};

struct wire {
	SSL *ssl;
	int fd;
	const atomic_bool *is_over; /* or NULL: see wire_identity_watch */
	size_t at, len;             /* what was received and not read yet: buf[at .. len) */
	char buf[WIRE_HEAD];
};

enum wire_wait { WIRE_READY, WIRE_LATE, WIRE_ENDED, WIRE_SHUT_OUT };

/** Receive more behind buf[len); there must be room.  WIRE_ENDED: closed, or lost. */
enum wire_wait wire_fill(struct wire *w, int64_t until);

#endif
