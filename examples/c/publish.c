/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A house's own software with libmenedek: sign in, print how the units stand, say that all is still true.
 *   cc publish.c $(pkg-config --cflags --libs libmenedek) -o publish
 *   ./publish https://HOST:PORT CERTIFICATES DEVICE USER <PASSPHRASE-FILE
 */
#include <menedek.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct menedek_house house;

static int
tell(enum menedek_outcome outcome, const struct menedek_problem *problem)
{
	if (outcome != MENEDEK_OK)
		fprintf(stderr, "%s: %s\n", menedek_outcome_name(outcome), problem->detail);
	return outcome != MENEDEK_OK;
}

static int
publish(struct menedek *m, const char *user, const char *passphrase)
{
	struct menedek_problem problem;
	char id[MENEDEK_ID];

	if (tell(menedek_sign_in(m, user, passphrase, NULL, &problem), &problem) ||
	    tell(menedek_own_house(m, id, &problem), &problem) ||
	    tell(menedek_house_read(m, id, &house, &problem), &problem))
		return 1;
	for (unsigned i = 0; i < house.unit_count; i++)
		printf("%s: %u of %u free\n", house.unit[i].name, house.unit[i].free_places,
		    house.unit[i].places);
	return tell(menedek_house_confirm(m, id, &problem), &problem) |
	    tell(menedek_sign_out(m, &problem), &problem);
}

int
main(int argc, char **argv)
{
	char ca[256], certificate[256], key[256], passphrase[128];
	struct menedek_options options = { .ca = ca, .certificate = certificate, .key = key };
	struct menedek_problem problem;
	struct menedek *m;
	int status;

	if (argc != 5 || fgets(passphrase, sizeof(passphrase), stdin) == NULL)
		return 2;
	passphrase[strcspn(passphrase, "\n")] = '\0';
	signal(SIGPIPE, SIG_IGN);
	options.server = argv[1];
	snprintf(ca, sizeof(ca), "%s/ca.crt", argv[2]);
	snprintf(certificate, sizeof(certificate), "%s/%s.crt", argv[2], argv[3]);
	snprintf(key, sizeof(key), "%s/%s.key", argv[2], argv[3]);
	if (tell(menedek_new(&options, &m, &problem), &problem))
		return 1;
	status = publish(m, argv[4], passphrase);
	memset(passphrase, 0, sizeof(passphrase));
	menedek_free(m);
	return status;
}
