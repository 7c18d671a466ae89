/* SPDX-License-Identifier: Apache-2.0 */
/* menedek doctor: looks at an installation as somebody would who has to say at 3 a.m. why it does not work.
 * Works with the service running or not, changes nothing.  Exit status 7 when a line says FAIL. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jw.h"
#include "ctl/doctor.h"

#define MESSAGE 1024u

static const struct doctor_check checks[] = {
	{ "files", { "fájlok", "files" }, doctor_files },
	{ "keys", { "gyökérkulcsok", "root keys" }, doctor_keys },
	{ "server_certificate", { "szerver tanúsítvány", "server certificate" }, doctor_server_certificate },
	{ "authority", { "kibocsátó", "authority" }, doctor_authority },
	{ "clock", { "óra", "clock" }, doctor_clock },
	{ "disk", { "lemez", "disk" }, doctor_disk },
	{ "map", { "adattár", "store" }, doctor_map },
	{ "database", { "adatbázis", "database" }, doctor_database },
	{ "service", { "szolgáltatás", "service" }, doctor_service },
	{ "sandbox", { "bezártság", "sandbox" }, doctor_sandbox },
	{ "unit", { "systemd", "systemd" }, doctor_unit },
	{ "checkpoints", { "napló aláírása", "trail signatures" }, doctor_checkpoints },
};

static const struct {
	enum doctor_level level;
	const char *text[LANG_COUNT];
} texts[DOCTOR_TEXTS] = {
#define T(name, level, hu, en) [DOCTOR_##name] = { DOCTOR_##level, { hu, en } },
#include "ctl/doctor.def"
#undef T
};

/* Put ${detail} where the text has %s, and one % for two.  A bounded walk instead of a format that is no
 * literal. */
static void
fill(char out[MESSAGE], const char *text, const char *detail)
{
	size_t len = 0;

	for (; *text != '\0' && len + 1 < MESSAGE; text++) {
		if (*text != '%') {
			out[len++] = *text;
			continue;
		}
		if (*++text == '%')
			out[len++] = '%';
		for (const char *p = detail; *text == 's' && *p != '\0' && len + 1 < MESSAGE; p++)
			out[len++] = *p;
	}
	out[len] = '\0';
}

void
doctor_say(struct doctor *d, enum doctor_text text, const char *detail)
{
	static const char *const words[DOCTOR_LEVELS] = { "ok", "warn", "FAIL" };
	static const char *const codes[DOCTOR_LEVELS] = { "ok", "warn", "fail" };
	const enum doctor_level level = texts[text].level;
	char message[MESSAGE], line[2 * MESSAGE];
	struct jw w;

	d->said[level]++;
	fill(message, texts[text].text[d->lang], detail);
	if (!args_has(d->args, OPT_JSON)) {
		if (level > DOCTOR_OK || !args_has(d->args, OPT_QUIET))
			(void)printf("%-5s %s: %s\n", words[level], d->check->label[d->lang], message);
		return;
	}
	jw_init(&w, line, sizeof(line));
	jw_open(&w, '{');
	jw_field_string(&w, "check", d->check->name);
	jw_field_string(&w, "level", codes[level]);
	jw_field_string(&w, "message", message);
	jw_close(&w, '}');
	(void)printf("%.*s\n", (int)w.len, line);
}

void
doctor_say_number(struct doctor *d, enum doctor_text text, int64_t number)
{
	char detail[24];

	(void)snprintf(detail, sizeof(detail), "%" PRId64, number);
	doctor_say(d, text, detail);
}

enum status
cmd_doctor(const struct args *args)
{
	struct doctor d = { .args = args, .lang = talk_lang() };

	if (!paths_of(&d.paths, args_dir(args), args_keys(args)) ||
	    (args_has(args, OPT_TLS) && !paths_use_tls(&d.paths, args->value[OPT_TLS]))) {
		talk_error("%s: the path is too long", args_dir(args));
		return STATUS_USAGE;
	}
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		d.check = &checks[i];
		checks[i].run(&d);
	}
	talk(args, "%u ok, %u warn, %u fail", d.said[DOCTOR_OK], d.said[DOCTOR_WARN], d.said[DOCTOR_FAIL]);
	return d.said[DOCTOR_FAIL] == 0 ? STATUS_OK : STATUS_CHECK_FAILED;
}
