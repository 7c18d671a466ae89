/* SPDX-License-Identifier: Apache-2.0 */
/* The sums in the operators' form. */
#include "server/deliveries.h"

#include <stddef.h>

void
deliveries_expose(const struct deliveries *d, struct expose *e)
{
	expose_one(e, "menedek_deliveries_total", "counter", "Events that houses' own servers took",
	    d == NULL ? 0 : atomic_load(&d->delivered));
	expose_one(e, "menedek_deliveries_repeated_total", "counter", "Tries to deliver an event that failed",
	    d == NULL ? 0 : atomic_load(&d->repeated));
	expose_one(e, "menedek_deliveries_dead_total", "counter",
	    "Events that were refused for good, or given up after a day",
	    d == NULL ? 0 : atomic_load(&d->dead));
	expose_one(e, "menedek_delivery_readers", "gauge", "Houses whose events are being delivered now",
	    d == NULL ? 0 : atomic_load(&d->listening));
}
