/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over all houses whose events are delivered (outbox.h): one writer, read by whoever asks for numbers.
 */
#ifndef MENEDEK_DELIVERIES_H
#define MENEDEK_DELIVERIES_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/expose.h"

struct deliveries {
	_Atomic int64_t delivered, repeated, dead; /* events, since the start */
	_Atomic int64_t listening;                 /* houses, now */
};

/** Zeros for NULL, where nobody delivers: who watches need not know. */
void deliveries_expose(const struct deliveries *d, struct expose *e);

#endif
