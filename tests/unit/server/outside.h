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

/* The alert that shaking hands as ${me} ends with; -1: it gets in, and is answered. */
static inline int
alert_for(const struct identity *me)
{
	static struct client c;
	int alert = -1;

	if (!client_open(&c, x.port, &x.ca, me) || client_ask(&c, GET("/wait")) != 200) {
		while (!c.is_over && c.alert == 0 && client_more(&c))
			continue;
		alert = c.alert != 0 ? c.alert : -2; /* closed without a word */
	}
	client_close(&c);
	return alert;
}

#endif
