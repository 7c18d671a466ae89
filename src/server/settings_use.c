/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings' texts mean, and what they mean together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/codes.h"
#include "server/serve.h"

#define ROLES_TEXT 176u
#define ROLE_SHOWN 24u /* of a name that is no role's */

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

static void
use_listen(struct settings *s, struct serve_options *out)
{
	const char *text = s->value[SET_LISTEN];
	long port = 0;

	if (text == NULL)
		settings_complain(s, SET_LISTEN,
		    "is needed: --listen ADDRESS:PORT, or listen = ADDRESS:PORT in the file of --config");
	else if (!split_endpoint(text, out->address, sizeof(out->address), &port))
		settings_complain(s, SET_LISTEN, "takes ADDRESS:PORT, for instance 127.0.0.1:8443");
	out->server.address = *out->address != '\0' ? out->address : NULL;
	out->server.port = (uint16_t)port;
}

/* Health and metrics know no certificates: a Unix socket or this machine only. */
static void
use_health(struct settings *s, struct server_options *server)
{
	const char *text = s->value[SET_HEALTH];
	char address[64];
	long port;

	server->health_port = -1;
	if (text == NULL)
		return;
	if (strchr(text, '/') != NULL) {
		server->health_socket = text;
		return;
	}
	if (!split_endpoint(text, address, sizeof(address), &port) ||
	    (*address != '\0' && strcmp(address, "127.0.0.1") != 0)) {
		settings_complain(s, SET_HEALTH,
		    "takes 127.0.0.1:PORT or the path of a socket: it must not be reached from outside");
		return;
	}
	server->health_port = (int)port;
}

/* "ENTRIES,SECONDS", each 1 to 999999. */
static void
use_every(struct settings *s, struct notary_options *notary)
{
	const char *text = s->value[SET_CHECKPOINT_EVERY];
	unsigned long entries = 0, seconds = 0;
	char *end;

	if (text == NULL)
		return;
	if (*text >= '0' && *text <= '9')
		entries = strtoul(text, &end, 10);
	if (entries > 0 && *end == ',' && end[1] >= '0' && end[1] <= '9')
		seconds = strtoul(end + 1, &end, 10);
	notary->entries = (unsigned)entries;
	notary->seconds = (unsigned)seconds;
	if (entries == 0 || seconds == 0 || *end != '\0' || entries > 999999 || seconds > 999999)
		settings_complain(s, SET_CHECKPOINT_EVERY, "takes ENTRIES,SECONDS, for instance 256,300");
}

/* All three or none: a key set that counts for any issuer or any audience is a hole. */
static void
use_issuer(struct settings *s, struct issuer_options *out)
{
	*out = (struct issuer_options){ s->value[SET_JWKS], s->value[SET_ISSUER], s->value[SET_AUDIENCE] };
	if (out->path == NULL && out->name == NULL && out->audience == NULL)
		return;
	if (out->path == NULL || strchr(out->path, '/') == NULL || out->name == NULL || out->audience == NULL)
		settings_complain(s,
		    out->path != NULL       ? SET_JWKS
			: out->name != NULL ? SET_ISSUER
					    : SET_AUDIENCE,
		    "goes only together: jwks DIR/FILE, issuer NAME and audience NAME");
}

/* "a, b, c": every role there is. */
static void
name_roles(char out[ROLES_TEXT])
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < codes_role.count && n < ROLES_TEXT; i++)
		n += (size_t)snprintf(
		    out + n, ROLES_TEXT - n, "%s%s", i > 0 ? ", " : "", codes_role.rows[i].code);
}

static void
use_roles(struct settings *s, uint32_t *out)
{
	const char *list = s->value[SET_SECOND_FACTOR];
	char roles[ROLES_TEXT];
	size_t len;
	int role;

	for (; list != NULL && *list != '\0'; list += strspn(list, ", ")) {
		len = strcspn(list, ", ");
		if ((role = code_find(&codes_role, list, len)) < 0) {
			name_roles(roles);
			settings_complain(s, SET_SECOND_FACTOR,
			    "names a role that there is not: %.*s; there are %s",
			    (int)(len < ROLE_SHOWN ? len : ROLE_SHOWN), list, roles);
			return;
		}
		*out |= ROLE_BIT((unsigned)role);
		list += len;
	}
}

static void
use_sheets(struct settings *s, struct sheets_options *out)
{
	out->dir = s->value[SET_SHEETS];
	out->hours = (unsigned)s->number[SET_SHEETS_EVERY];
	if (out->dir == NULL && s->source[SET_SHEETS_EVERY] == SOURCE_COMMAND_LINE)
		settings_complain(
		    s, SET_SHEETS_EVERY, "needs sheets, the directory that they are written into");
}

static enum confine_mode
sandbox_of(const struct settings *s)
{
	return s->number[SET_SANDBOX] == 0 ? CONFINE_REQUIRE : CONFINE_TRY;
}

static void
use_duty(struct settings *s, struct duty_options *out)
{
	*out = (struct duty_options){ .command = s->value[SET_DUTY_COMMAND],
		.phones = s->value[SET_DUTY_PHONES],
		.user = s->value[SET_USER],
		.sandbox = sandbox_of(s) };
	if (out->command != NULL && *out->command != '/')
		settings_complain(s, SET_DUTY_COMMAND, "takes an absolute path: it is run without a shell");
	if ((out->command == NULL) != (out->phones == NULL))
		settings_complain(s, out->command == NULL ? SET_DUTY_PHONES : SET_DUTY_COMMAND,
		    "duty-command and duty-phones go together");
}

static void
use_numbers(const struct settings *s, struct tuning *out)
{
	const int64_t *n = s->number;

	*out = (struct tuning){
		.booking = { .hold = n[SET_HOLD],
		    .request = n[SET_REQUEST],
		    .disclose_window = n[SET_DISCLOSE_WINDOW],
		    .disclosures = (uint8_t)n[SET_DISCLOSURES],
		    .escalate = { n[SET_ESCALATE_1], n[SET_ESCALATE_2], n[SET_ESCALATE_3] } },
		.freshness = { n[SET_FRESH], n[SET_KNOWN] },
		.rate = { (uint32_t)n[SET_RATE_BURST], (uint32_t)n[SET_RATE_SECOND],
		    (uint32_t)n[SET_RATE_SLOW] },
	};
}

/* Pairs of which the first must come before the second, or at once. */
static void
check_order(struct settings *s)
{
	static const struct {
		enum setting first, then;
	} pairs[] = {
		{ SET_ESCALATE_1, SET_ESCALATE_2 },
		{ SET_ESCALATE_2, SET_ESCALATE_3 },
		{ SET_ESCALATE_3, SET_REQUEST },
		{ SET_FRESH, SET_KNOWN },
		{ SET_RATE_SLOW, SET_RATE_BURST },
	};

	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		const enum setting first = pairs[i].first, then = pairs[i].then;
		const bool is_later =
		    s->source[first] > s->source[then]; /* who changed one is told of that one */

		/* what is out of its own bounds was told already */
		if (s->number[first] > s->number[then] && s->number[then] >= setting_row(then)->least)
			settings_complain(s, is_later ? first : then, "must not be %s than %s (%s)",
			    is_later ? "more" : "less", setting_row(is_later ? then : first)->key,
			    s->value[is_later ? then : first]);
	}
}

bool
serve_options_of(struct settings *s, struct serve_options *out)
{
	memset(out, 0, sizeof(*out));
	out->settings = s;
	use_listen(s, out);
	use_health(s, &out->server);
	use_every(s, &out->notary);
	use_issuer(s, &out->issuer);
	use_sheets(s, &out->sheets);
	use_duty(s, &out->duty);
	use_roles(s, &out->factor_roles);
	use_numbers(s, &out->tuning);
	check_order(s);
	out->notary.file = s->value[SET_CHECKPOINTS];
	out->notary.socket = s->value[SET_SYSLOG];
	out->sandbox = sandbox_of(s);
	out->user = s->value[SET_USER];
	out->outbox = s->value[SET_OUTBOX];
	out->server.threads = (unsigned)s->number[SET_THREADS];
	out->server.connections = (unsigned)s->number[SET_CONNECTIONS];
	out->log_level = (enum log_level)s->number[SET_LOG_LEVEL];
	return s->wrong == 0;
}
