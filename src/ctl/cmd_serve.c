/* SPDX-License-Identifier: Apache-2.0 */
/* menedek serve: reads where to listen, then hands over to src/server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ctl/names.h"
#include "server/serve.h"

/* "ADDRESS:PORT", "[IPv6]:PORT" or ":PORT" in ${text}; ${address} gets "" for none. */
static bool
split_endpoint(const char *text, char *address, size_t cap, long *port)
{
	const char *colon = strrchr(text, ':');
	const char *start = text, *stop = colon;
	char *end;

	if (colon == NULL || colon[1] < '0' || colon[1] > '9')
		return false;
	*port = strtol(colon + 1, &end, 10);
	if (*end != '\0' || *port > 65535)
		return false;
	if (*start == '[') {
		start++;
		stop--;
		if (stop < start || *stop != ']')
			return false;
	}
	if ((size_t)(stop - start) >= cap)
		return false;
	memcpy(address, start, (size_t)(stop - start));
	address[stop - start] = '\0';
	return true;
}

/* Health and metrics know no certificates: a Unix socket or this machine only. */
static bool
read_health(const char *text, struct server_options *server)
{
	char address[64];
	long port;

	server->health_port = -1;
	if (text == NULL)
		return true;
	if (strchr(text, '/') != NULL) {
		server->health_socket = text;
		return true;
	}
	if (!split_endpoint(text, address, sizeof(address), &port))
		return false;
	server->health_port = (int)port;
	return *address == '\0' || strcmp(address, "127.0.0.1") == 0;
}

static bool
read_sandbox(const char *text, enum confine_mode *mode)
{
	*mode = text != NULL && strcmp(text, "require") == 0 ? CONFINE_REQUIRE : CONFINE_TRY;
	return text == NULL || *mode == CONFINE_REQUIRE || strcmp(text, "try") == 0;
}

/* "ENTRIES,SECONDS", each 1 to 999999. */
static bool
read_every(const char *text, struct notary_options *notary)
{
	char *end;
	unsigned long entries, seconds;

	if (text == NULL)
		return true;
	entries = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != ',' || end[1] < '0' || end[1] > '9')
		return false;
	seconds = strtoul(end + 1, &end, 10);
	notary->entries = (unsigned)entries;
	notary->seconds = (unsigned)seconds;
	return *end == '\0' && entries > 0 && entries < 1000000 && seconds > 0 && seconds < 1000000;
}

/* All three or none: a key set that counts for any issuer or any audience is a hole. */
static bool
read_issuer(const struct args *args, struct issuer_options *out)
{
	*out = (struct issuer_options){ args->value[OPT_JWKS], args->value[OPT_ISSUER],
		args->value[OPT_AUDIENCE] };
	if (out->path == NULL && out->name == NULL && out->audience == NULL)
		return true;
	return out->path != NULL && strchr(out->path, '/') != NULL && strlen(out->path) < 256 &&
	    out->name != NULL && *out->name != '\0' && out->audience != NULL && *out->audience != '\0';
}

enum status
cmd_serve(const struct args *args)
{
	struct serve_options options = { .server = { .threads = 0 } };
	struct fault fault = { .count = 0 };
	char address[64];
	long port = 0;

	if (!split_endpoint(args->value[OPT_LISTEN], address, sizeof(address), &port)) {
		talk_error("--listen takes ADDRESS:PORT, for instance 127.0.0.1:8443");
		return STATUS_USAGE;
	}
	options.server.address = *address != '\0' ? address : NULL;
	options.server.port = (uint16_t)port;
	if (!read_health(args->value[OPT_HEALTH], &options.server)) {
		talk_error("--health takes 127.0.0.1:PORT or the path of a socket: it must not be reached "
			   "from outside");
		return STATUS_USAGE;
	}
	if (!read_every(args->value[OPT_CHECKPOINT_EVERY], &options.notary)) {
		talk_error("--checkpoint-every takes ENTRIES,SECONDS, for instance 256,300");
		return STATUS_USAGE;
	}
	options.notary.file = args->value[OPT_CHECKPOINTS];
	options.notary.socket = args->value[OPT_SYSLOG];
	if (!read_sandbox(args->value[OPT_SANDBOX], &options.sandbox)) {
		talk_error("--sandbox takes require or try");
		return STATUS_USAGE;
	}
	if (!read_issuer(args, &options.issuer)) {
		talk_error("--jwks DIR/FILE, --issuer NAME and --audience NAME go together");
		return STATUS_USAGE;
	}
	if (args_has(args, OPT_SECOND_FACTOR) &&
	    names_roles(args->value[OPT_SECOND_FACTOR], &options.factor_roles) != STATUS_OK)
		return STATUS_USAGE;
	options.user = args->value[OPT_USER];
	if (!paths_of(&options.paths, args_dir(args), args_keys(args)) ||
	    (args_has(args, OPT_TLS) && !paths_use_tls(&options.paths, args->value[OPT_TLS]))) {
		talk_error("%s: the path is too long", args_dir(args));
		return STATUS_USAGE;
	}
	if (!file_exists(options.paths.keyring)) {
		talk_error("%s holds no registry; make one: menedek init --dir %s --host NAME --org NAME",
		    args_dir(args), args_dir(args));
		return STATUS_NOT_FOUND;
	}
	return talk_failure("serve", serve_run(&options, &fault), &fault);
}
