/* SPDX-License-Identifier: Apache-2.0 */
/*
 * menedek completion: what bash needs to complete our command lines, made from the command table, so that it
 * offers what the program takes and nothing else.  Completes no names of people or houses: those are secret.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"

static const char head[] = "# bash completion for menedek; made by: menedek completion\n"
			   "_menedek()\n"
			   "{\n"
			   "	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
			   "	local first=${COMP_WORDS[1]} second=${COMP_WORDS[2]} name\n"
			   "	local -A options=(\n";

static const char middle[] = "	)\n"
			     "	local -A words=(\n";

static const char choose[] =
    "	)\n"
    "	COMPREPLY=()\n"
    "	if [ \"$first\" = help ] || [ \"$first\" = manual ]; then\n"
    "		if [ \"$COMP_CWORD\" -eq 2 ]; then\n"
    "			mapfile -t COMPREPLY < <(compgen -W \"${!options[*]}\" -- \"$cur\")\n"
    "			return\n"
    "		elif [ \"$COMP_CWORD\" -eq 3 ]; then\n"
    "			for name in \"${!options[@]}\"; do\n"
    "				[ \"${name% *}\" = \"$second\" ] && [ \"$name\" != \"$second\" ] && "
    "COMPREPLY+=(\"${name#* }\")\n"
    "			done\n"
    "			mapfile -t COMPREPLY < <(compgen -W \"${COMPREPLY[*]}\" -- \"$cur\")\n"
    "			[ ${#COMPREPLY[@]} -eq 0 ] || return\n"
    "		fi\n"
    "	fi\n"
    "	if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "		local firsts=()\n"
    "		for name in \"${!options[@]}\"; do firsts+=(\"${name%% *}\"); done\n"
    "		mapfile -t COMPREPLY < <(compgen -W \"${firsts[*]}\" -- \"$cur\" | sort -u)\n"
    "		return\n"
    "	fi\n"
    "	if [ \"$COMP_CWORD\" -eq 2 ] && [ -z \"${options[$first]+x}\" ]; then\n"
    "		local seconds=()\n"
    "		for name in \"${!options[@]}\"; do\n"
    "			[ \"${name%% *}\" != \"$first\" ] || seconds+=(\"${name#* }\")\n"
    "		done\n"
    "		mapfile -t COMPREPLY < <(compgen -W \"${seconds[*]}\" -- \"$cur\")\n"
    "		return\n"
    "	fi\n"
    "	case $prev in\n";

static const char tail[] =
    "	=) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
    "	esac\n"
    "	name=$first\n"
    "	[ -n \"${options[$name]+x}\" ] || name=\"$first $second\"\n"
    "	[ -n \"${options[$name]+x}\" ] || return\n"
    "	mapfile -t COMPREPLY < <(compgen -W \"${options[$name]} ${words[$name]}\" -- \"$cur\")\n"
    "	[[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace\n"
    "}\n"
    "complete -F _menedek menedek\n";

static void
put_options(void)
{
	for (const struct command *c = commands; c->name != NULL; c++) {
		(void)printf("\t\t['%s']='", c->name);
		for (unsigned i = 0; i < OPT_COUNT; i++)
			if ((c->needed | c->taken) & OPT_BIT(i))
				(void)printf("--%s ", option_name((enum option)i));
		(void)printf("--help'\n");
	}
}

/* "[people=FILE]": what stands before the sign; other words are for the person to know. */
static void
put_words(void)
{
	for (const struct command *c = commands; c->name != NULL; c++) {
		const char *at = c->words;

		if (at == NULL || strchr(at, '=') == NULL)
			continue;
		(void)printf("\t\t['%s']='", c->name);
		while ((at = strchr(at, '[')) != NULL) {
			(void)printf("%.*s= ", (int)strcspn(at + 1, "="), at + 1);
			at++;
		}
		(void)printf("'\n");
	}
}

static bool
is_choice(const char *value)
{
	return strchr(value, '|') != NULL && strspn(value, "abcdefghijklmnopqrstuvwxyz|-") == strlen(value);
}

/* What stands after an option is seen from the name of its value. */
static void
put_values(void)
{
	for (unsigned i = 0; i < OPT_COUNT; i++) {
		const char *value = option_value_name((enum option)i);

		if (value == NULL)
			continue;
		(void)printf("\t--%s) ", option_name((enum option)i));
		if (strcmp(value, "DIR") == 0)
			(void)printf(
			    "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); ");
		else if (strstr(value, "FILE") != NULL || strstr(value, "PATH") != NULL ||
		    strstr(value, "SOCKET") != NULL)
			(void)printf(
			    "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); ");
		else if (is_choice(value)) {
			(void)printf("mapfile -t COMPREPLY < <(compgen -W \"");
			for (; *value != '\0'; value++)
				(void)putchar(*value == '|' ? ' ' : *value);
			(void)printf("\" -- \"$cur\"); ");
		}
		(void)printf("return ;;\n");
	}
}

enum status
cmd_completion(const struct args *args)
{
	(void)args;
	(void)fputs(head, stdout);
	put_options();
	(void)fputs(middle, stdout);
	put_words();
	(void)fputs(choose, stdout);
	put_values();
	(void)fputs(tail, stdout);
	return STATUS_OK;
}
