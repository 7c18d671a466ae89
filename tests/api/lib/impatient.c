/* SPDX-License-Identifier: Apache-2.0 */
/* Watches, and stops when it was asked for the third time in which nothing happened.
 *   impatient https://HOST:PORT CA CERTIFICATE KEY */
#include <menedek.h>
#include <signal.h>

static bool
each(void *arg, const struct menedek_event *e)
{
	unsigned *asked = arg;

	(void)e;
	return ++*asked < 3;
}

int
main(int argc, char **argv)
{
	struct menedek_options options = { 0 };
	struct menedek *m;
	unsigned asked = 0;
	enum menedek_outcome outcome;

	if (argc != 5)
		return 2;
	options.server = argv[1];
	options.ca = argv[2];
	options.certificate = argv[3];
	options.key = argv[4];
	(void)signal(SIGPIPE, SIG_IGN);
	if (menedek_new(&options, &m, NULL) != MENEDEK_OK)
		return 2;
	outcome = menedek_watch(m, NULL, each, &asked, NULL);
	menedek_free(m);
	return outcome == MENEDEK_STOPPED ? 0 : 1;
}
