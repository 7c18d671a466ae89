/* SPDX-License-Identifier: Apache-2.0 */
/* Help and suggestions, made from the command table alone. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "ctl/command.h"
#include "ctl/talk.h"

static const char *const meanings[] = {
	[STATUS_OK] = "ok",
	[STATUS_ERROR] = "error",
	[STATUS_USAGE] = "usage",
	[STATUS_NOT_FOUND] = "not found",
	[STATUS_AUTH] = "authentication or certificate",
	[STATUS_CONFLICT] = "conflict",
	[STATUS_UNREACHABLE] = "unreachable",
	[STATUS_CHECK_FAILED] = "a check failed",
};

const char *
status_meaning(enum status status)
{
	return meanings[status];
}

const struct command *
command_find(int count, const char *const *words, int *used)
{
	char two[64] = "";

	if (count >= 2)
		(void)snprintf(two, sizeof(two), "%s %s", words[0], words[1]);
	for (const struct command *c = commands; count >= 1 && c->name != NULL; c++) {
		*used = strchr(c->name, ' ') != NULL ? 2 : 1;
		if (strcmp(c->name, *used == 2 ? two : words[0]) == 0)
			return c;
	}
	return NULL;
}

static void
print_options(const char *title, uint64_t bits)
{
	if (bits == 0)
		return;
	(void)printf("\n%s\n", title);
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		char left[64];
		const char *value = option_value_name((enum option)i);

		if (!(bits & OPT_BIT(i)))
			continue;
		(void)snprintf(left, sizeof(left), "--%s%s%s", option_name((enum option)i), value ? " " : "",
		    value ? value : "");
		(void)printf("  %-28s %s\n", left, option_help((enum option)i));
	}
}

static void
print_one(const struct command *c)
{
	(void)printf("menedek %s: %s\n\nUsage\n  menedek %s", c->name, c->summary, c->name);
	for (unsigned i = 0; i < OPT_COUNT; i++)
		if (c->needed & OPT_BIT(i))
			(void)printf(
			    " --%s %s", option_name((enum option)i), option_value_name((enum option)i));
	(void)printf(
	    "%s%s%s\n", c->taken != 0 ? " [OPTIONS]" : "", c->words ? " " : "", c->words ? c->words : "");
	print_options("Needed", c->needed);
	print_options("Options", c->taken);
	(void)printf("\nExamples\n");
	for (unsigned i = 0; i < COUNT_OF(c->example) && c->example[i] != NULL; i++)
		(void)printf("  %s\n", c->example[i]);
}

void
help_print(const struct command *command)
{
	const char *group = "";

	if (command != NULL) {
		print_one(command);
		return;
	}
	(void)printf("menedek: the confidential shelter-bed registry\n");
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (strcmp(c->group, group) != 0)
			(void)printf("\n%s\n", c->group);
		group = c->group;
		(void)printf("  %-16s %s\n", c->name, c->summary);
	}
	(void)printf("\nmenedek help COMMAND shows one in full.  Exit status:");
	for (unsigned i = 0; i < COUNT_OF(meanings); i++)
		(void)printf("%s%s%u %s", i == 0 ? "" : ",", i == STATUS_AUTH ? "\n" : " ", i, meanings[i]);
	(void)printf(".\n");
}
