/* SPDX-License-Identifier: Apache-2.0 */
/* menedek check-config: the settings of serve without serving.  What --dump and --template print is such a
 * file. */
#include <stdio.h>
#include <string.h>

#include "ctl/told.h"

#define VALUE_WIDTH 48

static const char *
when_of(const struct setting_row *row)
{
	return row->when == WHEN_RELOAD ? "reload" : "restart";
}

/* "FILE:3", "command line", "built in": where the value comes from. */
static void
source_of(const struct settings *s, enum setting setting, char out[SETTINGS_PLACE])
{
	static const char *const names[] = {
		[SOURCE_BUILT_IN] = "built in", [SOURCE_COMMAND_LINE] = "command line"
	};

	if (s->source[setting] == SOURCE_FILE)
		(void)snprintf(out, SETTINGS_PLACE, "%s:%u", s->path, s->line[setting]);
	else
		(void)snprintf(out, SETTINGS_PLACE, "%s", names[s->source[setting]]);
}

static void
dump(const struct settings *s)
{
	char source[SETTINGS_PLACE], shown[SETTINGS_SHOWN], line[SETTINGS_PLACE];

	for (unsigned i = 0; i < SET_COUNT; i++) {
		const struct setting_row *row = setting_row((enum setting)i);
		const char *value = settings_show(s, (enum setting)i, shown);

		source_of(s, (enum setting)i, source);
		(void)snprintf(line, sizeof(line), "%s%s = %s", *value == '\0' ? "#" : "", row->key, value);
		(void)printf("%-*s # %s, %s\n", VALUE_WIDTH, line, source, when_of(row));
	}
}

static void template(const struct settings *s)
{
	char shown[SETTINGS_SHOWN];

	(void)printf("# Settings of menedek serve, KEY = VALUE a line.  After a change:\n"
		     "#   menedek check-config --config THIS-FILE && systemctl reload menedek\n"
		     "# What says \"restart\" counts after systemctl restart menedek.  The command line goes "
		     "first.\n");
	for (unsigned i = 0; i < SET_COUNT; i++) {
		const struct setting_row *row = setting_row((enum setting)i);
		const char *value = settings_show(s, (enum setting)i, shown);
		const bool is_given = s->source[i] != SOURCE_BUILT_IN;

		(void)printf("\n# %s (%s)\n", row->help, when_of(row));
		(void)printf(
		    "%s%s = %s\n", is_given ? "" : "#", row->key, *value != '\0' ? value : row->value);
	}
}

enum status
cmd_check_config(const struct args *args)
{
	struct serve_options options;
	enum status status = STATUS_OK;
	struct told told;

	told_read(&told, args);
	if (args_has(args, OPT_TEMPLATE)) {
		template(&told.settings);
	} else if (!serve_options_of(&told.settings, &options)) {
		told_complain(&told);
		status = STATUS_CHECK_FAILED;
	} else if (args_has(args, OPT_DUMP)) {
		dump(&told.settings);
	} else {
		talk(args, "%s: nothing is wrong",
		    told.settings.path != NULL ? told.settings.path : "the command line");
	}
	told_fini(&told);
	return status;
}
