/* SPDX-License-Identifier: Apache-2.0 */
/* Help and suggestions, made from the command table alone. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "ctl/command.h"
#include "ctl/talk.h"

#define NAME_MAX_LEN 40u

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits that turn a into b; a swap of neighbours counts one (Damerau's optimal string alignment). */
static size_t
distance(const char *a, const char *b)
{
	size_t before[NAME_MAX_LEN + 1] = { 0 }, above[NAME_MAX_LEN + 1], row[NAME_MAX_LEN + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t j = 0; j <= m; j++)
		above[j] = j;
	for (size_t i = 1; i <= n; i++) {
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] =
			    least(above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		memcpy(before, above, sizeof(before));
		memcpy(above, row, (m + 1) * sizeof(row[0]));
	}
	return above[m];
}

const char *
help_nearest(const char *typed, const char *const *names, unsigned count)
{
	const char *best = NULL;
	size_t best_distance = NAME_MAX_LEN;

	for (unsigned i = 0; i < count; i++) {
		size_t d = distance(typed, names[i]);
		if (d < best_distance && d <= (strlen(names[i]) + 2) / 3) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
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
	(void)printf(
	    "\nmenedek help COMMAND shows one in full.  Exit status: 0 ok, 1 error, 2 usage, 3 not found,\n"
	    "4 authentication or certificate, 5 conflict, 6 unreachable, 7 a check failed.\n");
}
