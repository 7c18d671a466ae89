/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek device revoke, user retire: done by the running service if there is one, else here on the closed
 * registry.  Whoever was stolen from at night waits for no stop and no start.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "ctl/ask.h"
#include "ctl/offline.h"
#include "service/shut_out.h"

static enum rc
rc_of(const char *code)
{
	for (enum rc rc = RC_OK; rc < RC_COUNT; rc++)
		if (strcmp(rc_code(rc), code) == 0)
			return rc;
	return RC_INTERNAL;
}

static void
hear(void *arg, const char *text, size_t len)
{
	enum rc *rc = arg;
	json *line = NULL;

	if (json_parse((struct bytes){ (const uint8_t *)text, len }, &line, NULL) != RC_OK)
		return;
	if (strcmp(json_string(json_get(line, "step")), "done") == 0)
		*rc = RC_OK;
	else
		*rc = rc_of(json_string(json_get(line, "code")));
	json_free(line);
}

static enum status
do_here(const struct args *args, const char *name, shut_out_fn *shut)
{
	struct offline o;
	enum status status = offline_open(args, false, &o);

	if (status == STATUS_OK)
		status = talk_failure(name, shut(&o.parts, name, &o.fault), &o.fault);
	offline_close(&o);
	return status;
}

static enum status
shut_out(const struct args *args, const char *name, shut_out_fn *shut)
{
	struct paths paths;
	char line[128];
	enum rc rc, said = RC_UNKNOWN; /* until the answer came */

	if (!paths_of(&paths, args_dir(args), args_keys(args))) {
		talk_error("%s: the path is too long", args_dir(args));
		return STATUS_USAGE;
	}
	/* it is asked for in one line, and half a name may be another's */
	if (strlen(name) >= LIMIT_NAME || strchr(name, '\n') != NULL)
		return talk_failure(name, RC_NOT_FOUND, NULL);
	(void)snprintf(line, sizeof(line), "%s %s", args->command->name, name);
	if ((rc = ask_service(paths.control, line, hear, &said)) == RC_NOT_FOUND)
		return do_here(args, name, shut);
	return talk_failure(name, rc != RC_OK ? rc : said, NULL);
}

enum status
cmd_device_revoke(const struct args *args)
{
	const char *text = args->value[OPT_ID];
	struct id id;
	enum status status;

	if (!id_parse(text, strlen(text), &id)) {
		talk_error("\"%s\" is no identifier; see: menedek device list", text);
		return STATUS_USAGE;
	}
	if ((status = shut_out(args, text, shut_out_device)) == STATUS_OK)
		talk_step(args, "Revoked %s", text);
	return status;
}

enum status
cmd_user_retire(const struct args *args)
{
	const char *name = args->value[OPT_NAME];
	enum status status = shut_out(args, name, shut_out_person);

	if (status == STATUS_OK)
		talk_step(args, "%s is retired; signed out everywhere", name);
	return status;
}
