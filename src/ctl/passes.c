/* SPDX-License-Identifier: Apache-2.0 */
/* The file of passphrases: one line a person, in the order of arrival. */
#include "ctl/passes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "ctl/quiet.h"

#define FILE_CAP (8u * 1024 * 1024)

static enum status
read_line(struct pass *pass)
{
	char *p = pass->passphrase;
	size_t len;

	if (fgets(p, (int)sizeof(pass->passphrase), stdin) == NULL)
		*p = '\0';
	len = strcspn(p, "\r\n");
	if (p[len] == '\0' && len == LIMIT_PASSPHRASE) {
		talk_error("the passphrase is longer than %u bytes", LIMIT_PASSPHRASE - 1);
		return STATUS_USAGE;
	}
	p[len] = '\0';
	return STATUS_OK;
}

enum status
passes_ask(const char *question, struct pass *pass)
{
	if (!isatty(STDIN_FILENO))
		return read_line(pass);
	if (quiet_line(STDIN_FILENO, STDERR_FILENO, question, pass->passphrase, sizeof(pass->passphrase)))
		return STATUS_OK;
	talk_error("no passphrase was given, or one that is too long");
	return STATUS_AUTH;
}

enum status
passes_read(struct pass *pass)
{
	const char *p = pass->passphrase;
	enum status status;
	size_t len;

	if (isatty(STDIN_FILENO)) {
		talk_error("the passphrase comes from standard input, not from a terminal: ... "
			   "--passphrase-stdin <FILE");
		return STATUS_USAGE;
	}
	if ((status = read_line(pass)) != STATUS_OK)
		return status;
	len = strlen(p);
	if (len < PASSPHRASE_LEAST || !utf8_is_valid(p, len)) {
		talk_error("the passphrase needs at least %u characters of UTF-8", PASSPHRASE_LEAST);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

static bool
is_replaced(const char *line, const struct pass *passes, size_t count)
{
	size_t len = strcspn(line, " \n");

	for (size_t i = 0; i < count; i++)
		if (strlen(passes[i].name) == len && strncmp(passes[i].name, line, len) == 0)
			return true;
	return false;
}

static enum rc
write_lines(const char *path, const char *old, const struct pass *passes, size_t count, FILE *to, char **text,
    size_t *len, struct fault *f)
{
	for (const char *line = old; *line != '\0';) {
		size_t n = strcspn(line, "\n");
		if (n > 0 && !is_replaced(line, passes, count))
			(void)fprintf(to, "%.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
	for (size_t i = 0; i < count; i++)
		(void)fprintf(to, "%s %s\n", passes[i].name, passes[i].passphrase);
	if (fflush(to) != 0)
		return RC_UNAVAILABLE;
	return file_write(path, (struct bytes){ (const uint8_t *)*text, *len }, 0600, f);
}

enum rc
passes_save(const char *path, const struct pass *passes, size_t count, struct fault *f)
{
	struct secret *old = NULL;
	char *text = NULL, *before = NULL;
	size_t len = 0;
	FILE *to = NULL;
	enum rc rc = RC_OK;

	if (file_exists(path))
		rc = file_read_secret(path, FILE_CAP, &old, f);
	if (rc == RC_OK)
		before = old ? strndup((const char *)secret_view(old), secret_len(old)) : strdup("");
	if (rc == RC_OK && (before == NULL || (to = open_memstream(&text, &len)) == NULL))
		rc = RC_UNAVAILABLE;
	if (rc == RC_OK)
		rc = write_lines(path, before, passes, count, to, &text, &len, f);
	if (to != NULL)
		(void)fclose(to);
	if (text != NULL)
		wipe(text, len);
	if (before != NULL)
		wipe(before, strlen(before));
	free(text);
	free(before);
	secret_free(old);
	return rc;
}
