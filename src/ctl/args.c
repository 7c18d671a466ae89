/* SPDX-License-Identifier: Apache-2.0 */
/* Reads arguments against a command's row: "--name value", "--name=value", words.  Knows no command by name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/nearest.h"
#include "ctl/command.h"
#include "ctl/talk.h"

/* where the package has them */
#define SYSTEM_DIR  "/var/lib/menedek"
#define SYSTEM_KEYS "/etc/menedek/keys"

struct option_row {
	const char *name, *value, *help;
};

static const struct option_row options[OPT_COUNT] = {
#define O(name, text, value, help) [OPT_##name] = { text, value, help },
#include "ctl/options.def"
#undef O
};

const char *
option_name(enum option option)
{
	return options[option].name;
}

const char *
option_value_name(enum option option)
{
	return options[option].value;
}

const char *
option_help(enum option option)
{
	return options[option].help;
}

bool
args_has(const struct args *args, enum option option)
{
	return args->value[option] != NULL;
}

const char *
args_dir(const struct args *args)
{
	const char *from_environment = getenv("MENEDEK_DIR");

	if (args_has(args, OPT_DIR))
		return args->value[OPT_DIR];
	return from_environment != NULL && *from_environment != '\0' ? from_environment : SYSTEM_DIR;
}

const char *
args_named_keys(const struct args *args)
{
	const char *from_environment = getenv("CREDENTIALS_DIRECTORY");

	if (args_has(args, OPT_KEYS))
		return args->value[OPT_KEYS];
	return from_environment != NULL && *from_environment != '\0' ? from_environment : NULL;
}

const char *
args_keys(const struct args *args)
{
	const char *named = args_named_keys(args);
	const bool is_packages = named == NULL && strcmp(args_dir(args), SYSTEM_DIR) == 0 &&
	    !file_exists(SYSTEM_DIR "/keys/record.root") && file_exists(SYSTEM_KEYS "/record.root");

	return is_packages ? SYSTEM_KEYS : named;
}

static enum status
refuse_option(const struct command *command, const char *typed)
{
	uint64_t known = command->needed | command->taken;
	const char *names[OPT_COUNT];
	const char *nearest;
	unsigned count = 0;

	for (unsigned i = 0; i < OPT_COUNT; i++)
		if (known & OPT_BIT(i))
			names[count++] = options[i].name;
	nearest = nearest_name(typed, names, count);
	if (nearest != NULL)
		talk_error(
		    "menedek %s knows no option --%s; did you mean --%s?", command->name, typed, nearest);
	else
		talk_error("menedek %s knows no option --%s; see: menedek help %s", command->name, typed,
		    command->name);
	return STATUS_USAGE;
}

/* One option at argv[*i]; moves *i over a value of its own. */
static enum status
take_option(struct args *args, int argc, char **argv, int *i)
{
	const struct command *command = args->command;
	const char *typed = argv[*i] + 2;
	size_t len = strcspn(typed, "=");
	unsigned o = 0;

	while (o < OPT_COUNT && (strlen(options[o].name) != len || strncmp(options[o].name, typed, len) != 0))
		o++;
	if (o == OPT_COUNT || !((command->needed | command->taken) & OPT_BIT(o)))
		return refuse_option(command, typed);
	if (args->value[o] != NULL) {
		talk_error("--%s is given twice", options[o].name);
		return STATUS_USAGE;
	}
	if (options[o].value == NULL && typed[len] == '=') {
		talk_error("--%s takes no value", options[o].name);
		return STATUS_USAGE;
	}
	if (options[o].value == NULL)
		args->value[o] = "";
	else if (typed[len] == '=')
		args->value[o] = typed + len + 1;
	else if (*i + 1 < argc)
		args->value[o] = argv[++*i];
	else {
		talk_error("--%s needs a value: --%s %s", options[o].name, options[o].name, options[o].value);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

static enum status
check_needed(const struct args *args)
{
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		if (!(args->command->needed & OPT_BIT(i)) ||
		    (args->value[i] != NULL && *args->value[i] != '\0'))
			continue;
		talk_error("menedek %s needs --%s %s (%s)", args->command->name, options[i].name,
		    options[i].value, options[i].help);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

enum status
args_parse(const struct command *command, int argc, char **argv, struct args *args)
{
	enum status status = STATUS_OK;

	*args = (struct args){ .command = command };
	for (int i = 0; i < argc && status == STATUS_OK; i++) {
		if (strncmp(argv[i], "--", 2) == 0) {
			status = take_option(args, argc, argv, &i);
			continue;
		}
		if (command->words == NULL || args->word_count == ARGS_WORDS) {
			talk_error("menedek %s has no use for \"%s\"; see: menedek help %s", command->name,
			    argv[i], command->name);
			return STATUS_USAGE;
		}
		args->word[args->word_count++] = argv[i];
	}
	return status == STATUS_OK ? check_needed(args) : status;
}
