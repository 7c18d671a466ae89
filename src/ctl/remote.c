/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in for one command, and out after it. */
#include "ctl/remote.h"

#include <string.h>

#include "base/bytes.h"
#include "base/confine.h"

#define PATIENCE_MS 10000 /* of who waits at a terminal, or of a script that runs every minute */

static const enum status status_of[] = {
	[MENEDEK_OK] = STATUS_OK,
	[MENEDEK_ARGUMENT] = STATUS_USAGE,
	[MENEDEK_MEMORY] = STATUS_ERROR,
	[MENEDEK_FILE] = STATUS_AUTH,
	[MENEDEK_UNREACHABLE] = STATUS_UNREACHABLE,
	[MENEDEK_TLS] = STATUS_AUTH,
	[MENEDEK_SIGN_IN] = STATUS_AUTH,
	[MENEDEK_NOT_FOUND] = STATUS_NOT_FOUND,
	[MENEDEK_CONFLICT] = STATUS_CONFLICT,
	[MENEDEK_REFUSED] = STATUS_ERROR,
	[MENEDEK_BUSY] = STATUS_UNREACHABLE,
	[MENEDEK_UNKNOWN] = STATUS_UNREACHABLE,
	[MENEDEK_PROTOCOL] = STATUS_ERROR,
	[MENEDEK_STOPPED] = STATUS_OK,
};

enum status
remote_status(struct remote *r, enum menedek_outcome outcome)
{
	const struct menedek_problem *p = &r->problem;

	if (outcome == MENEDEK_OK || outcome == MENEDEK_STOPPED)
		return STATUS_OK;
	talk_error(
	    "%s%s%s%s", p->detail, p->code[0] != '\0' ? " (" : "", p->code, p->code[0] != '\0' ? ")" : "");
	if (p->retry_after > 0)
		talk_error("try again in %u seconds", p->retry_after);
	if (outcome == MENEDEK_UNKNOWN)
		talk_error("it may have happened: look before you repeat it");
	return status_of[outcome];
}

static enum status
connect_as(struct remote *r)
{
	const struct profile *p = &r->profile;
	struct menedek_options options = { .server = profile_value(p, PROFILE_SERVER),
		.ca = profile_value(p, PROFILE_CA),
		.certificate = profile_value(p, PROFILE_CERTIFICATE),
		.key = profile_value(p, PROFILE_KEY),
		.p12 = profile_value(p, PROFILE_P12),
		.language = profile_value(p, PROFILE_LANGUAGE),
		.patience_ms = PATIENCE_MS };
	struct secret *opener = NULL;
	enum status status = STATUS_OK;

	if (options.p12 != NULL)
		status = profile_secret(r->args, false, profile_value(p, PROFILE_P12_PASSPHRASE_FILE),
		    "passphrase of the certificate", &opener);
	if (status == STATUS_OK) {
		options.key_passphrase = opener == NULL ? NULL : (const char *)secret_view(opener);
		status = remote_status(r, menedek_new(&options, &r->client, &r->problem));
	}
	secret_free(opener);
	return status;
}

static enum status
sign_in(struct remote *r)
{
	const char *user = profile_value(&r->profile, PROFILE_USER);
	struct secret *passphrase = NULL, *code = NULL;
	enum menedek_outcome outcome;
	enum status status = profile_secret(
	    r->args, true, profile_value(&r->profile, PROFILE_PASSPHRASE_FILE), "passphrase", &passphrase);

	if (status != STATUS_OK)
		return status;
	outcome = menedek_sign_in(r->client, user, (const char *)secret_view(passphrase), NULL, &r->problem);
	if (outcome == MENEDEK_SIGN_IN && strcmp(r->problem.code, "code_required") == 0 &&
	    (status = profile_ask("code of the authenticator app", &code)) == STATUS_OK)
		outcome = menedek_sign_in(r->client, user, (const char *)secret_view(passphrase),
		    (const char *)secret_view(code), &r->problem);
	secret_free(passphrase);
	secret_free(code);
	return status == STATUS_OK ? remote_status(r, outcome) : status;
}

enum status
remote_open(const struct args *args, struct remote *out)
{
	enum status status;

	memset(out, 0, sizeof(*out));
	out->args = args;
	confine_memory();
	if ((status = profile_read(args, &out->profile)) != STATUS_OK)
		return status;
	if ((status = connect_as(out)) != STATUS_OK)
		return status;
	return sign_in(out);
}

void
remote_close(struct remote *r)
{
	struct menedek_problem ignored;

	/* what fails here is a session that lasts minutes more; the command has done its work */
	if (r->client != NULL)
		(void)menedek_sign_out(r->client, &ignored);
	menedek_free(r->client);
	r->client = NULL;
}

enum status
remote_house(struct remote *r)
{
	const char *given = profile_value(&r->profile, PROFILE_HOUSE);

	if (given != NULL && str_copy(r->house, sizeof(r->house), given))
		return STATUS_OK;
	return remote_status(r, menedek_own_house(r->client, r->house, &r->problem));
}
