/* SPDX-License-Identifier: Apache-2.0 */
/* One server and what is said to it from outside. */
#ifndef MENEDEK_TEST_OUTSIDE_H
#define MENEDEK_TEST_OUTSIDE_H

#include <criterion/criterion.h>

#include "fixture.h"

#define HOST             "Host: menedek\r\n"
#define GET(path)        "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define POST(path, more) "POST " path " HTTP/1.1\r\n" HOST more

static struct fixture x;

static inline void
start(void)
{
	fixture_start(&x);
}

/* At the end of each body, since what is asserted in a .fini is lost. */
static inline void
end(void)
{
	cr_assert(fixture_stop(&x), "the server was not left clean");
}

/* Shake hands as ${me} and read what the server says to it. */
static inline int
alert_for(const struct identity *me)
{
	static struct client c;
	int alert;

	if (client_open(&c, x.port, &x.ca, me))
		(void)client_more(&c);
	alert = c.is_over || c.alert != 0 ? c.alert : -1;
	if (c.ssl != NULL && alert == 0)
		alert = -2; /* closed without a word */
	client_close(&c);
	return alert;
}

#endif
