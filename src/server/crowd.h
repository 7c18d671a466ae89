/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections each certificate has, so that one device, stolen or gone mad, cannot take all the
 * places.  For all threads. */
#ifndef MENEDEK_CROWD_H
#define MENEDEK_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct crowd;

/** At most ${most} connections for each certificate.  NULL without memory. */
struct crowd *crowd_new(unsigned most);
void crowd_free(struct crowd *crowd); /* NULL-safe */

/** Count one more connection of ${fingerprint}; false, and not counted, when it has ${most} or memory is
 * short. */
MUST_USE bool crowd_enter(struct crowd *crowd, const uint8_t fingerprint[32]);

/** One that was counted is gone. */
void crowd_leave(struct crowd *crowd, const uint8_t fingerprint[32]);

#endif
