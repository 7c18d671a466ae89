/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command and runs it.  "menedek COMMAND --help" and "menedek help COMMAND" say the same. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/confine.h"
#include "base/nearest.h"
#include "ctl/command.h"
#include "ctl/talk.h"

#define COMMANDS_MAX 64u

/* "menedek device" alone: show what there is to do with devices. */
static bool
list_family(const char *word)
{
	size_t len = strlen(word);
	bool any = false;

	for (const struct command *c = commands; c->name != NULL; c++) {
		if (strncmp(c->name, word, len) != 0 || c->name[len] != ' ')
			continue;
		if (!any)
			talk_error("menedek %s needs one more word:", word);
		(void)fprintf(stderr, "  menedek %-16s %s\n", c->name, c->summary);
		any = true;
	}
	return any;
}

static enum status
refuse_command(int count, const char *const *words)
{
	const char *names[COMMANDS_MAX], *nearest = NULL;
	char typed[64];
	unsigned n = 0;

	for (const struct command *c = commands; c->name != NULL && n < COMMANDS_MAX; c++)
		names[n++] = c->name;
	if (count >= 2) {
		(void)snprintf(typed, sizeof(typed), "%s %s", words[0], words[1]);
		nearest = nearest_name(typed, names, n);
	}
	if (nearest == NULL && list_family(words[0]))
		return STATUS_USAGE;
	if (nearest == NULL)
		nearest = nearest_name(words[0], names, n);
	if (nearest != NULL)
		talk_error("there is no command \"%s\"; did you mean \"menedek %s\"?", words[0], nearest);
	else
		talk_error("there is no command \"%s\"; see: menedek help", words[0]);
	return STATUS_USAGE;
}

enum status
cmd_help(const struct args *args)
{
	const struct command *c;
	int used;

	if (args->word_count == 0) {
		help_print(NULL);
		return STATUS_OK;
	}
	c = command_find((int)args->word_count, args->word, &used);
	if (c == NULL)
		return refuse_command((int)args->word_count, args->word);
	help_print(c);
	return STATUS_OK;
}

static bool
asks_for_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* A file that is cut, or a disk that fails, under our map of the store: to go on would be to guess. */
static void
on_unreadable(int number)
{
	static const char line[] =
	    "menedek: the store's file cannot be read any more (cut, or the disk fails): nothing "
	    "is guessed, the program ends; see menedek check\n";

	(void)number;
	(void)!write(STDERR_FILENO, line, sizeof(line) - 1);
	_exit(STATUS_CHECK_FAILED);
}

/* Where one is closed the next file that is opened gets its number: the store's, and what we say would be
 * written into it.  Only to be read, so that a result nobody takes is still an error. */
static bool
hold_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDONLY) != fd)
			return false;
	return true;
}

int
main(int argc, char **argv)
{
	const struct command *c;
	const char *words[2] = { NULL, NULL };
	struct args args;
	enum status status;
	int used = 0;

	if (!hold_streams())
		return STATUS_ERROR;
	/* no file of ours is for others to read; each one that may be says so itself */
	(void)umask(077);
	/* addresses, passphrases and keys pass through most commands, not through the service alone */
	confine_memory();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGBUS, on_unreadable);
	if (argc < 2 || asks_for_help(argv[1])) {
		help_print(NULL);
		return argc < 2 ? STATUS_USAGE : STATUS_OK;
	}
	for (int i = 0; i < 2 && i + 1 < argc; i++)
		words[i] = argv[i + 1];
	if ((c = command_find(argc > 2 ? 2 : 1, words, &used)) == NULL)
		return (int)refuse_command(argc > 2 ? 2 : 1, words);
	for (int i = 1 + used; i < argc; i++) {
		if (asks_for_help(argv[i])) {
			help_print(c);
			return STATUS_OK;
		}
	}
	if ((status = args_parse(c, argc - 1 - used, argv + 1 + used, &args)) != STATUS_OK)
		return (int)status;
	status = c->run(&args);
	if (fflush(stdout) != 0 && status == STATUS_OK) {
		talk_error("standard output cannot be written: %s", "is the disk full or the pipe closed?");
		status = STATUS_ERROR;
	}
	return (int)status;
}
