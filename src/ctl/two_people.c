/* SPDX-License-Identifier: Apache-2.0 */
/* Two people at one terminal: names and passphrases are asked for, people looked up, and both must be who may
 * decide. */
#include "ctl/two_people.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/passphrase.h"
#include "ctl/quiet.h"
#include "service/accounts.h"

/* One line of standard input; a terminal is asked for it, and shows no secret. */
static bool
read_line(const char *what, unsigned number, bool is_secret, char out[TWO_PEOPLE_LINE])
{
	const bool is_terminal = isatty(STDIN_FILENO);
	char question[64];

	(void)snprintf(question, sizeof(question), "%s of person %u: ", what, number);
	if (is_terminal && is_secret)
		return quiet_line(STDIN_FILENO, STDERR_FILENO, question, out, TWO_PEOPLE_LINE);
	if (is_terminal)
		(void)fprintf(stderr, "%s", question);
	if (fgets(out, (int)TWO_PEOPLE_LINE, stdin) == NULL)
		return false;
	out[strcspn(out, "\r\n")] = '\0';
	return true;
}

static enum status
read_people(struct two_people *a)
{
	for (unsigned i = 0; i < TWO_PEOPLE; i++) {
		if (!read_line("Name", i + 1, false, a->name[i]) ||
		    !read_line("Passphrase", i + 1, true, a->passphrase[i])) {
			talk_error("two people are needed: name, passphrase, name, passphrase, a line each");
			return STATUS_USAGE;
		}
	}
	return STATUS_OK;
}

static enum rc
find_people(struct ctx *c, void *arg)
{
	struct two_people *a = arg;

	for (unsigned i = 0; i < TWO_PEOPLE; i++) {
		const enum rc rc = user_by_name(c, a->name[i], &a->user[i]);

		if (rc == RC_NOT_FOUND)
			a->refused = "somebody of this name is not registered";
		else if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static const char *
judge(const struct two_people *a)
{
	const uint32_t may = ROLE_BIT(ROLE_ADMIN) | ROLE_BIT(ROLE_AUDITOR);

	if (a->refused != NULL)
		return a->refused;
	if (id_equal(&a->user[0].id, &a->user[1].id))
		return "it takes two different people";
	if (((a->user[0].roles | a->user[1].roles) & ROLE_BIT(ROLE_ADMIN)) == 0)
		return "one of the two has to be an administrator";
	for (unsigned i = 0; i < TWO_PEOPLE; i++) {
		if (a->user[i].retired || (a->user[i].roles & may) == 0)
			return "both have to be administrators or auditors";
		if (passphrase_verify(bytes_str(a->passphrase[i]), a->user[i].verifier) != RC_OK)
			return "a passphrase is wrong";
	}
	return NULL;
}

enum status
two_people_agree(struct offline *o, const char *doing, struct two_people *a)
{
	enum status status = read_people(a);

	if (status == STATUS_OK)
		status = talk_failure(doing, offline_view(o, find_people, a), &o->fault);
	if (status != STATUS_OK)
		return status;
	if ((a->refused = judge(a)) == NULL)
		return STATUS_OK;
	talk_error("not accepted: %s", a->refused);
	return STATUS_AUTH;
}
